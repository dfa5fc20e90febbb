"""Contract: what an adapter says of itself (tests 1 and 2)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import re

import pytest

from supportkit.channels.port import API, Capabilities
from supportkit.testing.channels.kit import ChannelKit, able, hidden, showing
from supportkit.testing.channels.rig import Rig
from supportkit.text import MAX_NAME, clean

_MARKUP = {"plain", "html", "markdown", "slack"}
_METHODS = {
    "inbound": "receive",
    "outbound": "send",
    "signed": "verify",
    "handshake": "answer",
    "polls": "poll",
    "finds_sends": "lookup",
}
_KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_FAMILIES = {"email", "chat", "messenger", "social", "other"}


class DeclaringTests(ChannelKit):
    """Its name, its capabilities, and what it shows of itself."""

    def test_name_and_capabilities_are_well_formed(self, rig: Rig) -> None:
        """1. What is declared has its method, and an unsigned channel says so."""
        name = rig.adapter.name
        assert isinstance(name, str)
        assert 1 <= len(name) <= MAX_NAME
        assert name == clean(name).strip(), "a name has no NUL, no surrogates and no white space around it"
        declared = able(rig)
        assert isinstance(declared, Capabilities)
        assert declared.api == API, f"the adapter was written for version {declared.api} of the port, this is {API}"
        for capability, method in _METHODS.items():
            if getattr(declared, capability):
                assert callable(getattr(rig.adapter, method, None)), f"{capability} is declared, {method}() is missing"
        if declared.inbound and not (declared.signed or declared.polls):
            assert declared.insecure, "deliveries are pushed and nobody signs them: say insecure=True"
        assert declared.markup <= _MARKUP, f"unknown markup: {sorted(declared.markup - _MARKUP)}"
        assert "plain" in declared.markup, "every channel takes plain text"
        assert declared.max_body_chars is None or declared.max_body_chars > 0

    def test_its_people_cannot_be_taken_for_those_of_another_channel(self, rig: Rig) -> None:
        """1. Ids of two messengers look alike: each has its own kind of address."""
        declared = able(rig)
        if not declared.inbound or declared.family == "email":
            pytest.skip("only channels that receive, and are not e-mail, bring ids of their own")
        if declared.addresses is None:
            if self.unmistakable_ids:
                pytest.skip(f"the author says that ids cannot be mistaken: {self.unmistakable_ids}")
            pytest.fail(
                f"an inbound channel of family {declared.family!r} declares `addresses`, a kind of its own: person 17 "
                "of one messenger is not person 17 of another one"
            )
        assert _KIND.fullmatch(declared.addresses), "a kind of address is written like `telegram`"
        assert declared.addresses not in _FAMILIES, "a family is no kind of its own"

    def test_it_is_frozen_and_shows_no_secret(self, rig: Rig) -> None:
        """2. Several threads share an adapter, and its `repr` lands in logs."""
        for target, attribute in ((rig.adapter, "name"), (rig.adapter.capabilities, "family")):
            with pytest.raises((AttributeError, TypeError)):
                setattr(target, attribute, "changed")
        if (able(rig).signed or able(rig).outbound) and not hidden(rig):
            pytest.skip("the rig names no secret: neither `secrets` nor `hidden`")
        for shown in (repr(rig.adapter), str(rig.adapter), f"{rig.adapter!r:>1}"):
            assert not showing(rig, shown), f"the adapter shows {showing(rig, shown)}"
