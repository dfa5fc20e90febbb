"""The rows of areas `access` and `privacy` of the hostile inputs; each test names the row that it is for."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import pickle
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.channel_rig import Pigeon, delivery, message
from tests.shared_data import SHARED

from supportkit import Address, Desk, ManualClock
from supportkit.channels.identity import sign_identity, visitor
from supportkit.channels.inbound import Authenticity
from supportkit.channels.signing import Hub
from supportkit.errors import ConfigurationError, NotFound, Refused, SupportkitError
from supportkit.model.change import Change
from supportkit.model.message import Message, MessageKind
from supportkit.model.people import Actor, AddressStatus
from supportkit.secret import Secret

KIM = "agent:kim"
CANARY = "zyxcanary"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with Desk(clock=clock, channels=[Pigeon()]) as desk:
        yield desk


def person(desk: Desk, name: str, mail: str) -> str:
    address = Address(family="email", value=mail, status=AddressStatus.VERIFIED)
    return desk.customers.add(name, addresses=[address]).id


def test_every_row_of_these_areas_has_a_test_that_names_it() -> None:
    rows = json.loads((SHARED / "golden" / "bad_inputs.json").read_text(encoding="utf-8"))["inputs"]
    wanted = {row["id"] for row in rows if row["area"] in {"access", "privacy"}}
    here = Path(__file__).parent
    files = [here / name for name in (Path(__file__).name, "test_erasing_people.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert (
        wanted - {name.replace("_", "-") for name in re.findall(r"(?<=def test_)(?:access|privacy)_\d\d", text)}
        == set()
    )


# -- access ----------------------------------------------------------------------------------------------------------


def own(desk: Desk) -> str:
    return desk.open("own", actor=KIM).id


CALLS: dict[str, Callable[[Desk, str, str], object]] = {
    "card": lambda desk, customer, ticket: desk.customers.card(customer),
    "consent": lambda desk, customer, ticket: desk.customers.consent(customer, "surveys", allowed=True),
    "erase": lambda desk, customer, ticket: desk.privacy.erase(customer, actor=KIM),
    "export": lambda desk, customer, ticket: desk.privacy.export(customer),
    "issue": lambda desk, customer, ticket: desk.portal.issue(customer),
    "get": lambda desk, customer, ticket: desk.get(ticket),
    "history": lambda desk, customer, ticket: desk.history(ticket),
    "merge": lambda desk, customer, ticket: desk.merge(own(desk), ticket, actor=KIM),
    "link": lambda desk, customer, ticket: desk.link(own(desk), "related", ticket, actor=KIM),
    "open": lambda desk, customer, ticket: desk.open("own", customer=customer),
    "set_customer": lambda desk, customer, ticket: desk.set_customer(own(desk), customer, actor=KIM),
    "merge people": lambda desk, customer, ticket: desk.customers.merge(desk.customers.add().id, customer, actor=KIM),
}
"""Beside the generated test over every public method (`test_tenants.py`): verbs of people, by hand."""


@pytest.mark.parametrize("name", CALLS)
def test_access_01_an_id_of_another_tenant_is_as_good_as_a_missing_one(name: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, tenant="a") as ours, Desk(url, tenant="b") as theirs:
        customer = person(theirs, "Bob", "bob@example.net")
        ticket = theirs.open("secret", customer=customer).id
        missing = "019b8d62-7a80-7dcd-85ba-000000000000"
        said = []
        for one, other in ((customer, ticket), (missing, missing)):
            with pytest.raises(NotFound) as caught:
                CALLS[name](ours, one, other)
            text = str(caught.value).replace(one, "X").replace(other, "X")
            said.append((type(caught.value), caught.value.code, text))
        assert said[0] == said[1]


def test_access_03_a_ticket_for_another_mailboxs_customer_and_an_alias_of_somebody_else_are_refused(
    desk: Desk,
) -> None:
    with Desk(desk.storage, tenant="other") as other:
        foreign = person(other, "Eve", "eve@example.org")
    with pytest.raises(NotFound):
        desk.open("a call", "I rang", customer=foreign, channel="phone", kind="call", actor=KIM)
    ann, bob = person(desk, "Ann", "ann@example.org"), person(desk, "Bob", "bob@example.net")
    claimed = [*desk.customers.get(bob).addresses, Address(family="email", value="ann@example.org")]
    desk.customers.update(bob, addresses=claimed)
    code = desk.customers.start_verification(bob, claimed[1])
    with pytest.raises(Refused) as caught:
        desk.customers.confirm(bob, claimed[1], code)
    assert caught.value.refusal.code == "verification.taken"
    owners = {one: desk.customers.get(one).addresses[0].status for one in (ann, bob)}
    assert set(owners.values()) == {AddressStatus.VERIFIED}


def test_access_04_a_customer_sees_no_internal_note_in_portal_export_notice_or_answer(desk: Desk) -> None:
    ann = person(desk, "Ann", "ann@example.org")
    ticket = desk.open("printer", "broken", customer=ann, channel="pigeon")
    desk.note(ticket, f"{CANARY} is rude", actor=KIM, mentions=["lee"])
    desk.reply(ticket, "we look", actor=KIM)
    desk.deliver_outbox()
    token = desk.portal.issue(ann)
    shown = [
        *desk.portal.tickets(token),
        desk.portal.ticket(token, ticket.reference),
        json.dumps(desk.privacy.export(ann)),
        *cast("Pigeon", desk.channels["pigeon"]).sent,
        *[one.body for one in desk.messages(ticket)],
    ]
    assert not any(CANARY in repr(one) or "lee" in repr(one) for one in shown)
    assert [(one.author, one.body) for one in desk.portal.ticket(token, ticket.reference).messages] == [
        ("you", "broken"),
        ("us", "we look"),
    ]
    assert CANARY in json.dumps(desk.privacy.export(ann, notes=True))


SECRET = "identity-secret-of-the-app"


@pytest.mark.parametrize(
    ("user", "signature", "is_proved"),
    [
        ("user-7", sign_identity(SECRET, "user-7"), True),
        ("user-7", sign_identity(SECRET, "user-7").upper(), True),
        ("user-8", sign_identity(SECRET, "user-7"), False),
        ("user-7", sign_identity("another secret", "user-7"), False),
        ("user-7", hashlib.sha256(b"user-7").hexdigest(), False),
        ("user-7", "", False),
        ("user-7", None, False),
        ("user-7", "é" * 64, False),
        ("", sign_identity(SECRET, ""), False),
        (None, sign_identity(SECRET, "user-7"), False),
        ("u" * 201, sign_identity(SECRET, "u" * 201), False),
    ],
)
def test_access_06_a_visitor_is_a_user_only_with_the_signature_of_the_app(
    user: str | None, signature: str | None, is_proved: bool
) -> None:
    expected = (user, Authenticity.VERIFIED) if is_proved else ("session-1", Authenticity.UNVERIFIED)
    assert visitor([Secret("the next secret"), SECRET], user, signature, session="session-1") == expected


def test_access_07_a_portal_link_that_is_old_used_or_taken_back_opens_nothing(desk: Desk, clock: ManualClock) -> None:
    ann = person(desk, "Ann", "ann@example.org")
    invitation, link, other = desk.portal.issue(ann, once=True), desk.portal.issue(ann), desk.portal.issue(ann)
    assert desk.portal.open(invitation).id == ann
    said = [
        refused(desk, invitation),
        refused(desk, "aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        refused(desk, ""),
        refused(desk, "é"),
    ]
    clock.advance(days=6, hours=23)
    assert desk.portal.open(link).id == desk.portal.open(link).id == ann
    assert desk.portal.revoke(ann) == 2
    said += [refused(desk, link), refused(desk, other)]
    month = desk.portal.issue(ann, valid_for=dt.timedelta(days=30))
    clock.advance(days=30)
    said.append(refused(desk, month))
    assert len(set(said)) == 1
    for wrong in (dt.timedelta(days=30, seconds=1), dt.timedelta(seconds=59)):
        with pytest.raises(ValueError, match="between a minute and 30 days"):
            desk.portal.issue(ann, valid_for=wrong)


def refused(desk: Desk, token: str) -> str:
    with pytest.raises(Refused) as caught:
        desk.portal.open(token)
    return str(caught.value)


def test_access_08_a_portal_token_is_random_and_no_row_has_it(desk: Desk) -> None:
    ann = person(desk, "Ann", "ann@example.org")
    tokens = {desk.portal.issue(ann) for _ in range(50)}
    assert len(tokens) == 50
    assert {len(token) * 5 // 8 * 8 for token in tokens} == {128}
    with desk.storage.begin(desk.tenant, write=False) as unit:
        stored = [repr(row) + getattr(row, "data", "") for row in unit.dump()]
    assert not any(token in row for token in tokens for row in stored)
    plain = {hashlib.new(name, token.encode()).hexdigest() for token in tokens for name in ("sha256", "md5", "sha1")}
    assert not any(digest in row for digest in plain for row in stored)


def test_access_08_an_erased_person_has_no_link_any_more(desk: Desk) -> None:
    ann = person(desk, "Ann", "ann@example.org")
    token = desk.portal.issue(ann)
    desk.privacy.erase(ann, actor=KIM)
    refused(desk, token)


def test_access_09_two_tenants_in_two_threads_never_see_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    barrier, wrong = threading.Barrier(2), []

    def work(tenant: str) -> None:
        with Desk(url, tenant=tenant) as desk:
            barrier.wait(30)
            for number in range(15):
                ann = desk.customers.add(f"{tenant} {number}", addresses={"email": f"{tenant}{number}@example.org"})
                desk.open(f"{tenant} {number}", tenant, customer=ann)
                seen = [one.subject for one in desk.customers.card(ann).tickets.items]
                text = json.dumps(desk.privacy.export(ann))
                if seen != [f"{tenant} {number}"] or ("blue" if tenant == "red" else "red") in text:
                    wrong.append((tenant, number))

    threads = [threading.Thread(target=work, args=(tenant,)) for tenant in ("red", "blue")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_access_10_numbers_and_references_of_others_tell_nothing(desk: Desk) -> None:
    ann, bob = person(desk, "Ann", "ann@example.org"), person(desk, "Bob", "bob@example.net")
    tickets = [desk.open(f"ticket {number}", customer=bob if number else ann) for number in range(20)]
    token = desk.portal.issue(ann)
    assert [one.reference for one in desk.portal.tickets(token)] == [tickets[0].reference]
    assert "number" not in repr(desk.portal.tickets(token))
    said = set()
    for wrong in [*[one.reference for one in tickets[1:]], "1", "2", "ABCD-EFGH-JKLM"]:
        with pytest.raises(NotFound) as caught:
            desk.portal.ticket(token, wrong)
        said.add(str(caught.value).replace(wrong, "X"))
    assert len(said) == 1
    assert len({one.reference for one in tickets}) == 20


# -- privacy ---------------------------------------------------------------------------------------------------------


def test_privacy_02_an_export_is_complete_and_has_nothing_of_others(desk: Desk, clock: ManualClock) -> None:
    ann = desk.customers.add(
        "Ann", addresses={"email": "ann@example.org", "pigeon": "flyer-1", "phone": "+4915112345678"}, fields={"a": "b"}
    ).id
    bob = person(desk, "Bob", "bob@example.net")
    desk.customers.consent(ann, "surveys", allowed=True, source="form")
    text = "write to ann@example.org or +49 151 12345678, not to bob@example.net or +4930123456"
    mine = desk.open(f"subject {text}", text, customer=ann, channel="pigeon", fields={"serial": text})
    desk.add_message(mine, "words of Bob", author=f"customer:{bob}", channel="pigeon")
    desk.reply(mine, f"answer {text}", actor=KIM)
    desk.promises.make(mine, f"promise {text}", "2026-01-06T09:00:00+00:00", actor=KIM)
    desk.resolve(mine, f"resolution {text}", actor=KIM)
    others = desk.open("Bob's own", "more words of Bob", customer=bob, channel="app")
    desk.add_message(others, "I had that too", author=f"customer:{ann}", channel="app")
    desk.receive("pigeon", delivery(message("m1", "flyer-1", "look", files=[("me.txt", "me, in a file")])))
    clock.advance(seconds=1)
    desk.receive("pigeon", delivery({"id": "m2", "from": "flyer-1", "cc": "bob@example.net", "value": "unread"}))
    clock.advance(seconds=1)
    desk.receive("pigeon", delivery(message("m3", "flyer-2", "Bob, about flyer-1"), message("m4", "flyer-1", "x")))
    desk.process_inbox(limit=2)
    found = desk.privacy.export(ann)
    spelled = json.dumps(found, ensure_ascii=False)
    for one in ("bob@example.net", "+4930123456", "words of Bob", "Bob's own", "Bob, about"):
        assert one not in spelled, one
    for one in ("ann@example.org", "+49 151 12345678", "I had that too", "answer write", "promise write", "unread"):
        assert one in spelled, one
    assert spelled.count("[address of somebody else]") >= 8
    assert found["people"][0]["consents"][0]["purpose"] == "surveys"
    [file] = [file for ticket in found["tickets"] for one in ticket["messages"] for file in one.get("attachments", ())]
    assert file["content"] == "bWUsIGluIGEgZmlsZQ=="
    assert [one["text"] is None for one in found["raw"]] == [False, True]
    assert "notes" not in found["tickets"][0]
    assert [one["from"] for one in found["tickets"][0]["messages"]] == ["you", "somebody else", "us"]


def test_privacy_02_ten_thousand_messages_are_exported_within_a_second(desk: Desk) -> None:
    ann = person(desk, "Ann", "ann@example.org")
    ticket = desk.open("long story", "first", customer=ann)
    author, at = Actor.parse(f"customer:{ann}"), desk.now()
    several = tuple(
        Message(
            id=f"message-{number}", tenant=desk.tenant, ticket=ticket.id, author=author, kind=MessageKind.REPLY,
            channel="app", body=f"{number} write to bob{number}@example.net " * 5, attachments=(), external_id=None,
            occurred_at=at, recorded_at=at,
        )
        for number in range(9_999)
    )  # fmt: skip
    with desk.storage.begin(desk.tenant) as unit:
        unit.save(Change(messages=several))
    began = time.process_time()
    found = desk.privacy.export(ann)
    assert time.process_time() - began < 1
    assert len(found["tickets"][0]["messages"]) == 10_000
    assert "example.net" not in json.dumps(found)


def test_privacy_02_the_addresses_of_others_are_looked_for_in_linear_time(desk: Desk) -> None:
    ann = person(desk, "Ann", "ann@example.org")
    for hostile in ("a" * 200_000, "a@" * 100_000, "a@" + "b." * 100_000, "+1" + "2 " * 100_000, "+" * 200_000):
        desk.open("hostile", hostile, customer=ann)
    began = time.process_time()
    desk.privacy.export(ann)
    assert time.process_time() - began < 1


class Blind:
    """A redactor that takes card numbers out before anything is stored, as an app does it at its own edge."""

    def __init__(self) -> None:
        self.breaks = False

    def receive(self, payload: Any) -> Any:
        if self.breaks:
            raise RuntimeError(f"cannot redact {payload.body!r}")
        return [_blinded(one) for one in Pigeon().receive(payload)]


def _blinded(one: Any) -> Any:
    import attrs

    return attrs.evolve(one, body=re.sub(r"[0-9]{16}", "[card]", one.body))


def test_privacy_04_a_redactor_in_front_of_a_channel_keeps_card_numbers_out_and_blocks_when_it_breaks(
    clock: ManualClock,
) -> None:
    """The redactor wraps the adapter; the raw delivery is kept for a while, in quarantine when the redactor breaks."""
    blind, inner = Blind(), Pigeon()

    class Redacting:
        name, capabilities, accounts = "pigeon", inner.capabilities, None
        verify, answer, poll, send = inner.verify, inner.answer, inner.poll, inner.send
        receive = staticmethod(blind.receive)

    with Desk(clock=clock, channels=[cast("Any", Redacting())]) as desk:
        desk.receive("pigeon", delivery(message("m1", "flyer-1", "card 4111111111111111")))
        desk.process_inbox()
        assert desk.messages(1)[0].body == "card [card]"
        assert desk.find(text="4111111111111111").items == ()
        blind.breaks = True
        desk.receive("pigeon", delivery(message("m2", "flyer-1", "card 4222222222222222")))
        for _ in range(4):
            desk.process_inbox()
            clock.advance(hours=1)
        assert len(desk.quarantine.list()) == 1
        with desk.storage.begin(desk.tenant, write=False) as unit:
            rows = [row for row in unit.dump() if "Arrival" not in type(row).__name__]
        assert not any("4222222222222222" in repr(row) for row in rows)


def test_privacy_05_debug_logs_of_an_erasure_have_nothing_of_the_person(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        ann = desk.customers.add(CANARY, addresses={"pigeon": f"{CANARY}-flyer"}).id
        desk.receive("pigeon", delivery(message("m1", f"{CANARY}-flyer", CANARY)))
        desk.receive("pigeon", delivery({"id": "m2", "from": f"{CANARY}-flyer", "value": CANARY}))
        desk.process_inbox()
        token = desk.portal.issue(ann)
        said = [repr(desk.customers.card(ann)), repr(desk.portal.open(token)), repr(desk.portal.tickets(token))]
        said += [repr(desk.privacy.erase(ann, actor=KIM)), repr(desk.privacy.ledger())]
    assert CANARY not in caplog.text
    assert token not in caplog.text
    assert not any(CANARY in one or token in one for one in said)


def test_privacy_06_an_adapter_and_its_secret_show_stars() -> None:
    for one in (Hub(("hunter2canary",)), Secret("hunter2canary")):
        said = [repr(one), str(one), "".join(traceback.format_exception(RuntimeError(one)))]
        try:
            said.append(repr(pickle.dumps(one)))
        except Exception as error:  # noqa: BLE001 - a refusal is an answer too
            said.append(f"{error!r} ***")
        assert not any("hunter2canary" in text for text in said)
        assert "***" in said[0]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://kim:hunter2canary@127.0.0.1:1/x",
        "mariadb+pymysql://kim:hunter2canary@127.0.0.1:1/x",
        "nosuch://kim:hunter2canary@host/x",
    ],
)
def test_privacy_07_the_password_of_a_database_is_in_no_error(url: str) -> None:
    with pytest.raises((SupportkitError, ConfigurationError)) as caught:
        Desk(url)
    assert "hunter2canary" not in "".join(traceback.format_exception(caught.value))
