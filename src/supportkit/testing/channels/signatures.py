"""Contract: what is let in (tests 10 to 15)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from supportkit.channels.inbound import Inbound, Payload, Verified
from supportkit.channels.signing import WINDOW
from supportkit.errors import ConfigurationError, SignatureMismatch
from supportkit.testing.channels.kit import ChannelKit, declared, outbound, showing
from supportkit.testing.channels.mutations import flipped, form_pairs, is_form, with_body
from supportkit.testing.channels.rig import Rig, Sample

SECOND = dt.timedelta(seconds=1)
GARBAGE = ("garbage", "é", "\udcff", "=", ",", "v1,", "1" * 13, "١٢٣", "x" * 10_000)


class SignatureTests(ChannelKit):
    """Right signatures pass, all others are refused with their kind."""

    def test_the_signature_of_each_sample_is_accepted(self, rig: Rig) -> None:
        """10. And what is known by it has the right types."""
        for name, sample in self.signed_samples(rig):
            found = rig.adapter.verify(sample.payload)
            assert isinstance(found, Verified), name
            for text in (found.account, found.delivery_id):
                assert text is None or (isinstance(text, str) and text), name
            if found.signed_at is not None:
                assert found.signed_at.tzinfo is not None, f"{name}: signed_at is naive"

    def test_a_changed_body_is_refused(self, rig: Rig) -> None:
        """11. One bit, anywhere."""
        if not rig.signs_body:
            declared(rig, "signed")
            pytest.skip("the provider sends a shared token, which proves nothing about the body")
        for name, sample in self.signed_samples(rig):
            payload = sample.payload
            for at in range(0, len(payload.body), max(1, len(payload.body) // 300)):
                other = with_body(payload, flipped(payload.body, at, at % 8))
                if is_form(payload) and sorted(form_pairs(other)) == sorted(form_pairs(payload)):
                    continue  # another spelling of the same fields
                _refused(rig, other, f"{name}, bit {at % 8} of byte {at}")
            _refused(rig, with_body(payload, payload.body + b" "), f"{name}, one byte more")
            _refused(rig, with_body(payload, b""), f"{name}, no body")

    def test_a_changed_signature_or_time_is_refused(self, rig: Rig) -> None:
        """11. One bit of a header that the signature needs."""
        for name, sample in self.signed_samples(rig):
            for header, value in _needed(rig, sample.payload):
                for at, char in enumerate(value):
                    if value[at + 1 : at + 2] == "=":
                        continue  # the last sign of base64 has bits that say nothing
                    other = value[:at] + chr(ord(char) ^ 1) + value[at + 1 :]
                    _refused(rig, _with_header(sample.payload, header, other), f"{name}, {header}, sign {at}")

    def test_a_delivery_without_any_signature_is_refused(self, rig: Rig) -> None:
        """12. However it comes about that there is none."""
        for name, sample in self.signed_samples(rig):
            naked = attrs.evolve(sample.payload, headers=(), query=())
            assert _refused(rig, naked, f"{name} without headers") in {"missing", "malformed", "mismatch"}

    @pytest.mark.parametrize("how", ["missing", "empty", "garbage", "doubled"])
    def test_a_wrong_header_gives_the_right_kind(self, rig: Rig, how: str) -> None:
        """12. Each header that the signature needs: missing, empty, garbage, doubled."""
        for name, sample in self.signed_samples(rig):
            for header, value in _needed(rig, sample.payload):
                what = f"{name}, {header} {how}"
                if how == "missing":
                    assert _refused(rig, _with_header(sample.payload, header), what) == "missing", what
                elif how == "empty":
                    assert _refused(rig, _with_header(sample.payload, header, ""), what) == "missing", what
                elif how == "doubled":
                    other = _with_header(sample.payload, header, value, value + "x")
                    assert _refused(rig, other, what) == "malformed", what
                    other = _with_header(sample.payload, header, "x" + value, value)
                    assert _refused(rig, other, what) == "malformed", what
                else:
                    for wrong in GARBAGE:
                        kind = _refused(rig, _with_header(sample.payload, header, wrong), f"{what}: {wrong[:20]!r}")
                        assert kind in {"malformed", "mismatch"}, f"{what}: {wrong[:20]!r} is {kind}"

    def test_every_secret_of_a_rotation_is_tried(self, rig: Rig) -> None:
        """13. The old one still counts while the new one is put in place; a third one does not."""
        for name, sample in self.signed_samples(rig):
            build, first, other = _builder(rig)
            for secrets in ((first,), (first, other), (other, first)):
                assert isinstance(build(secrets).verify(sample.payload), Verified), name
            adapter = build((other,))
            assert _refused(attrs.evolve(rig, adapter=adapter), sample.payload, f"{name}, other secret") == "mismatch"

    def test_without_a_secret_nothing_is_let_in(self, rig: Rig) -> None:
        """13. It refuses to be built, or refuses every delivery."""
        for name, sample in self.signed_samples(rig):
            build, _first, _other = _builder(rig)
            for secrets in ((), ("",)):
                try:
                    adapter = build(secrets)
                except ConfigurationError:
                    continue
                bare = attrs.evolve(rig, adapter=adapter)
                for payload in (sample.payload, attrs.evolve(sample.payload, headers=())):
                    kind = _refused(bare, payload, f"{name}, no secret")
                    assert kind == "misconfigured" or payload is not sample.payload, f"{name}, no secret: {kind}"

    def test_the_window_of_a_signature_has_two_sides(self, rig: Rig) -> None:
        """14. 300 seconds before and after its arrival are inside, one more is not."""
        seen = False
        for name, sample in self.signed_samples(rig):
            signed_at = rig.adapter.verify(sample.payload).signed_at
            if signed_at is None:
                continue
            seen = True
            for side in (-1, 1):
                inside = attrs.evolve(sample.payload, received_at=signed_at + side * WINDOW)
                assert rig.adapter.verify(inside).signed_at == signed_at, f"{name}, {side * 300} s"
                outside = attrs.evolve(sample.payload, received_at=signed_at + side * (WINDOW + SECOND))
                assert _refused(rig, outside, f"{name}, {side * 301} s") == "stale", name
        if not seen:
            pytest.skip("the scheme signs no time: only the keys of deliveries protect against repeats")

    def test_errors_and_logs_hold_nothing_secret(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        """15. Neither a secret nor what the customer wrote."""
        shown: list[str] = []
        with caplog.at_level(logging.DEBUG):
            if rig.adapter.capabilities.inbound:
                for _name, sample in self.inbound_samples(rig):
                    shown += _provoked(rig, sample)
            if rig.adapter.capabilities.outbound and rig.provider is not None:
                for status in (400, 401, 429, 500):
                    rig.provider.fail_next(status)
                    answer = rig.adapter.send(outbound(rig, "the words of an agent"))
                    shown += [repr(answer), getattr(answer, "answer", "")]
        shown += [record.getMessage() + str(record.exc_text or "") for record in caplog.records]
        bodies = [one.body for sample in self.samples for one in sample.expect if isinstance(one, Inbound)]
        words = [body for body in bodies if len(body) > 7]  # noqa: PLR2004 - a short word stands in any sentence
        for text in shown:
            assert not showing(rig, text), f"a secret {showing(rig, text)} is shown"
            assert not [word for word in (*words, "the words of an agent") if word in text], f"words are shown: {text}"


def _provoked(rig: Rig, sample: Sample) -> list[str]:
    """Return what errors say about broken deliveries, their causes included."""
    shown = []
    cut = with_body(sample.payload, sample.payload.body[:-1])
    for call in (rig.adapter.receive, rig.adapter.verify if rig.adapter.capabilities.signed else rig.adapter.receive):
        for payload in (cut, attrs.evolve(cut, headers=[(name, value + "0") for name, value in cut.headers])):
            try:
                list(call(payload) or ())
            except Exception as error:  # noqa: BLE001 - whatever it says is looked at
                cause: BaseException | None = error
                while cause is not None:
                    shown += [str(cause), repr(cause)]
                    cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return shown


def _refused(rig: Rig, payload: Payload, what: str) -> str:
    """Return the kind of the refusal; anything but a refusal is a failure."""
    try:
        found = rig.adapter.verify(payload)
    except SignatureMismatch as error:
        return error.kind
    except Exception as error:  # noqa: BLE001 - carried into the sentence
        pytest.fail(f"{what}: verify() raised {type(error).__name__}, not SignatureMismatch")
    pytest.fail(f"{what}: let in as {type(found).__name__}")


def _needed(rig: Rig, payload: Payload) -> list[tuple[str, str]]:
    """Return the headers without which the delivery is refused."""
    found = list(_refused_without(rig, payload))
    if not found:
        pytest.fail("no header is needed: who signs in the body or the query overrides this test")
    return found


def _refused_without(rig: Rig, payload: Payload) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(name.lower() for name, _value in payload.headers):
        try:
            rig.adapter.verify(_with_header(payload, name))
        except SignatureMismatch:
            yield name, payload.header_values(name)[0]


def _with_header(payload: Payload, name: str, *values: str) -> Payload:
    others = [(one, value) for one, value in payload.headers if one.lower() != name.lower()]
    return attrs.evolve(payload, headers=[*others, *((name, value) for value in values)])


def _builder(rig: Rig) -> tuple[Callable[[tuple[str, ...]], Any], str, str]:
    if rig.with_secrets is None or len(rig.secrets) < 2:  # noqa: PLR2004 - the right one and another one
        pytest.fail("a signed channel needs `Rig.with_secrets`, and two `secrets`: the right one, then another one")
    return rig.with_secrets, rig.secrets[0], rig.secrets[1]
