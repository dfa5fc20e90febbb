"""Signed ids find the ticket, and who writes decides whether the mail joins it."""

from __future__ import annotations

import itertools

import attrs
import pytest
from tests.unit.email.mails import KEYS, TICKET, mail

from supportkit.channels.email import (
    Evidence,
    Identity,
    candidates,
    decide,
    may_join,
    own_id,
    read_authentication,
    sign_answer_address,
    sign_message_id,
    sign_tag,
)
from supportkit.keys import Keys

OTHER = attrs.evolve(TICKET, id="T-2", number=7, participants=frozenset({"eve@other.example"}))
KNOWN = {"T-1": TICKET, "1042": TICKET, "T-2": OTHER, "7": OTHER, "<stored@else.example>": TICKET}


def find(candidate):
    return KNOWN.get(candidate.ticket or candidate.message_id)


def own(ticket=TICKET, keys=KEYS, tenant="t"):
    return sign_message_id(
        keys, tenant=tenant, ticket=ticket.id, generation=ticket.generation, message="M-1", domain="corp.example"
    )


def answer(ticket=TICKET, keys=KEYS, tenant="t"):
    return sign_answer_address(keys, "support@corp.example", tenant=tenant, ticket=ticket)


def tag(ticket=TICKET, keys=KEYS, tenant="t"):
    return sign_tag(keys, tenant=tenant, ticket=ticket)


WAYS = {
    "token": lambda **how: {"to": answer(**how)},
    "delivered": lambda **how: {"delivered_to": answer(**how)},
    "in_reply_to": lambda **how: {"in_reply_to": own(**how)},
    "references": lambda **how: {"references": f"<a@b> {own(**how)} <c@d>"},
    "tag": lambda **how: {"subject": f"Re: hi {tag(**how)}"},
}


def decided(fields, *, keys=KEYS, tenant="t", identity=Identity.UNVERIFIED):
    return decide(mail(**fields), find, keys, tenant=tenant, identity=identity)


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_of_the_requester_finds_its_ticket(way):
    decision = decided(WAYS[way]())
    assert (decision.ticket, decision.claims, decision.stranger) == ("T-1", None, False)


@pytest.mark.parametrize("way", WAYS)
def test_upper_case_and_an_old_key_join(way):
    rotated = KEYS.rotated(2, b"2" * 32)
    fields = WAYS[way]()
    assert decided(fields, keys=rotated).ticket == "T-1"
    raised = {name: value.replace(mac_of(value), mac_of(value).upper()) for name, value in fields.items()}
    assert decided(raised).ticket == "T-1"


def mac_of(value):
    return max(
        (word for word in value.replace("-", ".").replace("@", ".").replace("]", ".").split(".") if len(word) == 16),
        key=len,
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "how",
    [
        {"tenant": "u"},
        {"keys": Keys(signing={1: b"x" * 32}, hashing=b"h" * 32)},
        {"ticket": attrs.evolve(TICKET, generation=1)},
    ],
    ids=["another tenant", "a foreign key", "a revoked generation"],
)
def test_a_signature_that_is_not_ours_counts_as_absent(way, how):
    decision = decided(WAYS[way](**how))
    assert (decision.ticket, decision.claims) == (None, None)


@pytest.mark.parametrize("way", WAYS)
def test_one_changed_letter_of_a_signature_leads_nowhere(way):
    for at in range(16):
        fields = {
            name: value.replace(mac := mac_of(value), mac[:at] + ("a" if mac[at] != "a" else "b") + mac[at + 1 :])
            for name, value in WAYS[way]().items()
        }
        assert decided(fields).ticket is None


def test_a_signature_for_one_purpose_is_none_for_another():
    macs = {mac_of(value) for value in (own(), answer(), tag())}
    assert len(macs) == 3


@pytest.mark.parametrize("way", ["in_reply_to", "references", "tag"])
@pytest.mark.parametrize(
    "sender",
    [
        {"from_": "eve@evil.example"},
        {"from_": "ann@customer.example <eve@evil.example>"},
        {"from_": ["ann@customer.example", "eve@evil.example"]},
        {"from_": None, "reply_to": "ann@customer.example"},
    ],
    ids=["stranger", "two readings", "two headers", "none"],
)
def test_a_stranger_with_a_known_id_opens_a_ticket_that_claims_to_follow(way, sender):
    decision = decided(WAYS[way]() | sender)
    assert (decision.ticket, decision.claims, decision.stranger) == (None, "T-1", True)


def test_failed_authentication_is_a_stranger():
    assert decided(WAYS["in_reply_to"](), identity=Identity.FAILED).claims == "T-1"


def test_a_token_joins_a_stranger_and_marks_him():
    decision = decided(WAYS["token"]() | {"from_": "eve@evil.example"})
    assert (decision.ticket, decision.stranger) == ("T-1", True)


def test_the_same_organisation_joins_by_policy_only():
    [candidate] = candidates(mail(in_reply_to=own(), from_="bob@customer.example"))
    found = mail(from_="bob@customer.example")
    assert not may_join(candidate, found, TICKET.participants).joins
    assert may_join(candidate, found, TICKET.participants, domains={"customer.example"}).joins


def test_an_ambiguous_sender_joins_by_no_policy():
    found = mail(in_reply_to=own(), from_="bob@customer.example, eve@evil.example")
    [candidate] = candidates(found)
    assert not may_join(candidate, found, TICKET.participants, domains={"customer.example"}).joins


def test_a_token_with_failed_authentication_is_a_stranger():
    decision = decided(WAYS["token"](), identity=Identity.FAILED)
    assert (decision.ticket, decision.stranger) == ("T-1", True)


def test_the_order_is_token_own_ids_stored_ids_tag():
    found = mail(
        to=answer(), in_reply_to=own(OTHER), references=f"{own()} <stored@else.example> <x@y>", subject=f"Re: {tag()}"
    )
    seen = [(one.evidence, one.ticket or one.message_id) for one in candidates(found)]
    assert seen == [
        (Evidence.TOKEN, "1042"),
        (Evidence.OWN_ID, "T-2"),
        (Evidence.OWN_ID, "T-1"),
        (Evidence.FOREIGN_ID, "<x@y>"),
        (Evidence.FOREIGN_ID, "<stored@else.example>"),
        (Evidence.TAG, "1042"),
    ]


def test_a_stored_foreign_id_finds_its_ticket():
    assert decided({"in_reply_to": "<stored@else.example>"}).evidence is Evidence.FOREIGN_ID


@pytest.mark.parametrize("where", ["body", "attached"])
def test_a_token_in_the_body_or_in_an_attached_mail_leads_nowhere(where):
    inner = f"To: {answer()}\nIn-Reply-To: {own()}\nSubject: {tag()}\n\n{own()}"
    if where == "body":
        found = mail(inner)
    else:
        body = f"--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
        found = mail(body, content_type="multipart/mixed; boundary=b")
    assert candidates(found) == ()


def test_only_the_last_fifty_references_are_looked_up():
    found = mail(references=" ".join(f"<{number}@x>" for number in range(900)))
    assert len(candidates(found)) == 50


def test_an_answer_address_that_would_be_too_long_is_none():
    assert sign_answer_address(KEYS, "s" * 60 + "@corp.example", tenant="t", ticket=TICKET) is None


def test_ids_that_would_not_survive_are_refused():
    with pytest.raises(ValueError, match="the message of a Message-ID is 1 to 64"):
        sign_message_id(KEYS, tenant="t", ticket="T", generation=0, message="a@b", domain="x")
    assert own_id(own()).message == "M-1"


OURS = "mx.corp.example"
RESULTS = {
    "dmarc=pass header.from=customer.example": "verified",
    "dmarc=pass (p=none; dis=x) header.from=evil.example": "unverified",
    "dkim=pass header.d=customer.example": "verified",
    "dkim=pass header.i=@customer.example; spf=fail": "verified",
    "dkim=pass header.d=evil.example": "unverified",
    "dkim=pass header.d=example": "unverified",
    "spf=pass smtp.mailfrom=bounce@customer.example": "verified",
    "spf=pass smtp.mailfrom=x@evil.example; dmarc=fail": "failed",
    "dkim=pass header.d=customer.example; dmarc=fail": "failed",
    "spf=softfail": "unverified",
    "spf=fail smtp.mailfrom=customer.example": "failed",
    "none": "unverified",
}


@pytest.mark.parametrize("result", RESULTS)
def test_results_of_our_server_tell_who_is_verified(result):
    found = mail(authentication_results=f"{OURS} 1; {result}")
    assert read_authentication(found, OURS).identity == RESULTS[result]


@pytest.mark.parametrize("below", [f"{OURS}; dmarc=pass", "evil.example; dmarc=pass"])
def test_only_the_topmost_result_counts(below):
    found = mail(authentication_results=[f"{OURS}; dmarc=fail", below])
    assert read_authentication(found, OURS).identity is Identity.FAILED


@pytest.mark.parametrize(
    "top",
    [
        "evil.example; dmarc=pass",
        f"evil.example; x={OURS}; dmarc=pass",
        f"({OURS}) evil.example; dmarc=pass",
        "",
        ";" * 5_000,
        "(" * 5_000,
    ],
)
def test_results_of_another_server_say_nothing(top):
    found = mail(authentication_results=[top, f"{OURS}; dmarc=pass"])
    assert read_authentication(found, OURS).identity is Identity.UNVERIFIED


def test_an_ambiguous_sender_is_never_verified():
    found = mail(from_="a@customer.example, b@customer.example", authentication_results=f"{OURS}; dmarc=pass")
    assert read_authentication(found, OURS).identity is Identity.UNVERIFIED


def test_every_pair_of_parts_signs_differently():
    parts = ["a", "ab", "b", "", "1", "12"]
    macs = [KEYS.sign("p", *pair) for pair in itertools.product(parts, parts)] + [
        KEYS.sign("p", part) for part in parts
    ]
    assert len(set(macs)) == len(macs)
