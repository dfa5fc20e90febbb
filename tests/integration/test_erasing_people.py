"""Erasing a person (privacy-01, -03): every planted word is gone from every row and byte; logs and counts stay."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from sqlalchemy import select
from tests import servers
from tests.channel_rig import SECRET, Pigeon, delivery, message
from tests.tenant_watch import watching

from supportkit import Address, Desk, ManualClock
from supportkit.channels.inbound import Payload
from supportkit.engine.evolve import fold
from supportkit.errors import IdempotencyConflict, NotFound
from supportkit.model.change import Change
from supportkit.model.events import PersonErased
from supportkit.model.record import Record, RecordChange
from supportkit.storage import schema

KIM = "agent:kim"
CANARY = "zyxcanary"
"""In every word that is to go; addresses and ids of providers have it too, because nothing may be left of them."""
MAIL = f"{CANARY}.ann@example.org"
PHONE = "+4915112345678"
FLYER = f"{CANARY}-flyer-1"
STORAGES = ["memory", "file", servers.POSTGRESQL, servers.MARIADB]


def words(what: str) -> str:
    return f"{CANARY}{what} says {CANARY} 中文{CANARY}"


def a_desk(url: str) -> Desk:
    return Desk(url, clock=ManualClock("2026-01-05T09:00:00+00:00"), channels=[Pigeon()])


@pytest.fixture(params=STORAGES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        match request.param:
            case "memory":
                yield "sqlite://"
            case "file":
                yield f"sqlite:///{tmp_path / 'support.db'}"
            case kind:
                yield stack.enter_context(servers.database(kind))


def said(name: str, text: str, sender: str = FLYER, **more: Any) -> Any:
    files = [(f"{CANARY}.txt", words("file"))]
    return delivery(message(name, sender, text, subject=words("subject"), name=words("name"), files=files, **more))


def keep(desk: Desk, kind: str, owner: str, text: str) -> None:
    """Keep a record of another subject."""
    record = Record(tenant=desk.tenant, kind=kind, id=f"{kind}-{owner}", owner=owner, data=json.dumps({"a": text}))
    with desk.storage.begin(desk.tenant) as unit:
        unit.save(Change(records=(RecordChange(record=record),)))


def plant(desk: Desk) -> str:
    """Put words of Ann, in two people who are merged, wherever the public verbs take some; return her id."""
    ann = desk.customers.add(
        words("ann"),
        addresses=[Address(family="email", value=MAIL), Address(family="phone", value=PHONE)],
        segment=CANARY,
        tags=[CANARY],
        fields={"note": words("field")},
    )
    first = desk.open(words("one"), words("body"), customer=ann, channel="pigeon", fields={"serial": words("s")},
                      external_id=f"{CANARY}-ext", idempotency_key="open-1")  # fmt: skip
    desk.note(first, words("note"), actor=KIM)
    desk.set_subject(first, words("subject"), actor=KIM)
    desk.set_fields(first, {"other": words("other")}, actor=KIM)
    desk.promises.make(first, words("promise"), "2026-01-06T09:00:00+00:00", actor=KIM)
    desk.move_tier(first, 2, words("summary"), actor=KIM)
    desk.hold(first, words("hold"), actor=KIM)
    desk.resolve(first, words("resolution"), actor=KIM)
    assert desk.receive("pigeon", said("m1", words("message"), thread=f"{CANARY}-thread")).status == 200
    assert desk.receive("pigeon", delivery({"id": "m2", "from": FLYER, "value": words("unread")})).status == 200
    assert desk.receive("pigeon", attrs.evolve(said("m3", "x"), body=b"{" + FLYER.encode())).status == 401
    desk.process_inbox()
    for late in (
        delivery({"signal": "edited", "id": "m1", "from": FLYER, "value": words("edited")}),
        said("m4", words("taken back"), thread=f"{CANARY}-thread"),
        delivery({"signal": "deleted", "id": "m4", "from": FLYER}),
    ):
        desk.receive("pigeon", late)
        desk.process_inbox()
    [second] = desk.find(channels="pigeon", descending=True, limit=1).items
    assert {"MessageEdited", "MessageDeleted"} <= {type(one.event).__name__ for one in desk.history(second)}
    desk.reply(second, words("reply"), actor=KIM)
    desk.deliver_outbox()
    desk.reply(second, words("another reply"), actor=KIM)
    survivor = desk.customers.merge(ann, second.customer or "", actor=KIM)
    for owner in (ann.id, survivor.id, second.id):
        keep(desk, "draft", owner, words("draft"))
    return survivor.id


def elsewhere(desk: Desk, ann: str) -> str:
    """Let Ann write in Bob's ticket, and Bob in his own; return its id."""
    bob = desk.customers.add("Bob", addresses={"email": "bob@example.net"})
    ticket = desk.open("Lamp is dark", "It is my lamp", customer=bob, channel="app", idempotency_key="open-2")
    desk.add_message(ticket, words("elsewhere"), author=f"customer:{ann}", channel="app")
    desk.reply(ticket, "We look into it", actor=KIM)
    desk.participants.add(ticket, ann, actor=KIM)
    keep(desk, "draft", bob.id, "of Bob")
    return ticket.id


def rows(desk: Desk) -> list[tuple[str, str]]:
    """Return every row of every table, as text."""
    engine = cast("Any", desk.storage).engine
    with watching(), engine.connect() as connection:
        return [
            (table.name, repr(tuple(row)))
            for table in schema.metadata.tables.values()
            for row in connection.execute(select(table))
        ]


def left(desk: Desk, *needles: str) -> list[tuple[str, str]]:
    return [(name, row[:200]) for name, row in rows(desk) if any(one.casefold() in row.casefold() for one in needles)]


def spelled() -> list[bytes]:
    return [CANARY.encode(), CANARY.encode("utf-16-le"), PHONE[1:].encode()]


# -- privacy-01 ------------------------------------------------------------------------------------------------------


def test_privacy_01_every_word_of_an_erased_person_is_gone_and_every_count_stays(url: str, tmp_path: Path) -> None:
    with a_desk(url) as desk:
        ann = plant(desk)
        other = elsewhere(desk, ann)
        assert left(desk, CANARY, PHONE[1:])
        before = Counter(name for name, _row in rows(desk))
        states = desk.counts()
        report = desk.privacy.erase(ann, actor=KIM)
        assert left(desk, CANARY, PHONE[1:]) == []
        assert report.is_scrubbed
        after = Counter(name for name, _row in rows(desk))
        for name in ("ticket", "message", "note", "customer", "outbox", "leg", "heard", "arrival"):
            assert after[f"supportkit_{name}"] == before[f"supportkit_{name}"], name
        assert desk.counts() == states
        assert [message.body for message in desk.messages(other)] == ["It is my lamp", "", "We look into it"]
        if url.startswith("sqlite:///"):
            found = [
                (path.name, needle)
                for path in tmp_path.iterdir()
                for needle in spelled()
                if needle in path.read_bytes().lower()
            ]
            assert found == []


def test_the_bytes_of_a_database_in_memory_have_nothing_left() -> None:
    with a_desk("sqlite://") as desk:
        ann = plant(desk)
        engine = cast("Any", desk.storage).engine
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert CANARY.encode() in driver.serialize()
            desk.privacy.erase(ann, actor=KIM)
            assert [needle for needle in spelled() if needle in driver.serialize().lower()] == []


def test_a_large_desk_leaves_nothing_in_pages_that_were_split_or_freed(tmp_path: Path) -> None:
    """Rows of many sizes beside those that stay, so that SQLite moves cells, splits pages and chains overflow pages."""
    with a_desk(f"sqlite:///{tmp_path / 'support.db'}") as desk:
        ann = desk.customers.add(words("ann"), addresses={"email": MAIL}).id
        bob = desk.customers.add("Bob").id
        for number in range(120):
            size = 1 + number * 37 % 700
            desk.open(f"{CANARY} {number}", words(str(number)) * size, customer=ann if number % 3 else bob)
            desk.note(number + 1, words("n") * (number % 90 + 1), actor=KIM)
        bobs = [ticket.id for ticket in desk.find(customers=bob, limit=200).items]
        for ticket in bobs:
            desk.customers.get(bob)
            desk.set_customer(ticket, ann, actor=KIM)
        desk.privacy.erase(ann, actor=KIM)
        found = [path.name for path in tmp_path.iterdir() if CANARY.encode() in path.read_bytes().lower()]
        assert found == []


def test_the_log_folds_to_the_row_and_says_who_did_it(url: str) -> None:
    with a_desk(url) as desk:
        ann = plant(desk)
        desk.privacy.erase(ann, actor=KIM)
        for ticket in desk.find(customers=ann).items:
            log = desk.history(ticket)
            assert fold(log) == ticket
            erased = [one for one in log if isinstance(one.event, PersonErased)]
            assert [str(one.actor) for one in erased] == [KIM]
            assert ticket.erased == ticket.version == erased[-1].seq
            assert (ticket.subject, ticket.resolution, dict(ticket.fields)) == ("", "", {})
        assert [finding for finding in desk.check(deep=True) if finding.severity == "error"] == []


def test_privacy_03_what_waits_to_go_out_is_cancelled_and_never_sent(url: str) -> None:
    with a_desk(url) as desk:
        ann = plant(desk)
        assert [one.state for one in desk.outbox(states=["pending"])] == ["pending"]
        assert desk.privacy.erase(ann, actor=KIM).cancelled == 1
        assert list(desk.outbox(states=["pending"])) == []
        pigeon = cast("Pigeon", desk.channels["pigeon"])
        count = len(pigeon.sent)
        desk.deliver_outbox()
        assert len(pigeon.sent) == count
        assert {one.reason for one in desk.outbox(states=["cancelled"])} == {"erased"}


def test_the_search_finds_nothing_of_the_person_and_others_as_before(url: str) -> None:
    with a_desk(url) as desk:
        ann = plant(desk)
        other = elsewhere(desk, ann)
        desk.privacy.erase(ann, actor=KIM)
        assert desk.find(text=CANARY).items == ()
        assert [ticket.id for ticket in desk.find(text="lamp dark").items] == [other]
        desk.tag(1, "vip", actor=KIM)
        assert [ticket.number for ticket in desk.find(tags="vip").items] == [1]


def test_a_message_that_the_provider_repeats_brings_nothing_back(url: str) -> None:
    with a_desk(url) as desk:
        ann = plant(desk)
        desk.privacy.erase(ann, actor=KIM)
        count = sum(desk.counts().values())
        desk.receive("pigeon", said("m1", words("message"), thread=f"{CANARY}-thread"))
        desk.process_inbox()
        assert sum(desk.counts().values()) == count
        assert left(desk, CANARY) == []


def test_a_command_that_is_repeated_after_the_erasure_is_a_conflict_and_acts_no_second_time() -> None:
    with a_desk("sqlite://") as desk:
        ann = plant(desk)
        desk.privacy.erase(ann, actor=KIM)
        with pytest.raises(IdempotencyConflict):
            desk.open(words("one"), words("body"), customer=ann, channel="pigeon", fields={"serial": words("s")},
                      external_id=f"{CANARY}-ext", idempotency_key="open-1")  # fmt: skip
        assert left(desk, CANARY) == []


def test_everybody_who_was_merged_goes_whichever_of_the_ids_is_named() -> None:
    for named in (0, 1):
        with a_desk("sqlite://") as desk:
            ann = plant(desk)
            people = [ann, desk.customers.get(ann).merged[0].customer]
            report = desk.privacy.erase(people[named], actor=KIM)
            assert (report.customer, set(report.people), report.customers) == (ann, set(people), 2)
            for one in people:
                customer = desk.customers.get(one)
                assert (customer.name, customer.addresses, customer.erased_at) == ("", (), desk.now())


def test_nobody_else_loses_anything(url: str) -> None:
    with a_desk(url) as desk:
        ann = plant(desk)
        bobs = desk.customers.add("Bob", addresses={"email": "bob@example.net"}, fields={"a": "b"}).id
        desk.receive("pigeon", said("b1", "Bob says", sender="bob-flyer"))
        desk.receive("pigeon", delivery({"id": "b2", "from": "bob-flyer", "value": "nobody reads this"}))
        desk.process_inbox()
        ticket = desk.open("Bob's", "words of Bob", customer=bobs, channel="app", fields={"x": "y"})
        keep(desk, "draft", bobs, "of Bob")
        before = [row for row in rows(desk) if "bob" in row[1].casefold()]
        desk.privacy.erase(ann, actor=KIM)
        assert [row for row in rows(desk) if "bob" in row[1].casefold()] == before
        assert desk.get(ticket.id) == ticket


def test_the_person_of_another_tenant_is_not_found_and_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with a_desk(url) as desk, Desk(url, tenant="globex") as other:
        ann = plant(desk)
        before = rows(desk)
        for call in (lambda: other.privacy.erase(ann, actor=KIM), lambda: other.privacy.export(ann)):
            with pytest.raises(NotFound) as caught:
                call()
            assert str(caught.value) == f"no customer {ann!r}"
        assert rows(desk) == before


# -- crashes and backups ---------------------------------------------------------------------------------------------


class Stopped(BaseException):
    """The process dies."""


@attrs.define
class Mortal:
    """A storage whose process dies at the n-th end of a writing transaction: before its commit, or after it."""

    inner: Any
    lives: int = -1
    is_after: bool = False

    @contextlib.contextmanager
    def begin(self, tenant: str, *, write: bool = True) -> Iterator[Any]:
        with self.inner.begin(tenant, write=write) as unit:
            yield unit
            if write and self.lives == 0 and not self.is_after:
                raise Stopped
        if write:
            self.lives -= 1
            if self.lives == -1 and self.is_after:
                raise Stopped

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize("is_after", [False, True], ids=["before a commit", "after a commit"])
def test_an_erasure_that_dies_at_any_step_goes_on_where_it_was(is_after: bool) -> None:
    for lives in range(40):
        with a_desk("sqlite://") as desk:
            ann = plant(desk)
            elsewhere(desk, ann)
            mortal = Mortal(desk.storage, lives, is_after)
            with Desk(cast("Any", mortal), clock=ManualClock("2026-01-05T10:00:00Z"), channels=[Pigeon()]) as dying:
                mortal.lives = lives
                try:
                    dying.privacy.erase(ann, actor=KIM)
                except Stopped:
                    pass
                else:
                    assert lives > 10
                    assert left(desk, CANARY, PHONE[1:]) == []
                    return
            begun = [one.is_done for one in desk.privacy.ledger()]
            said = [finding.code for finding in desk.check() if finding.severity == "error"]
            assert ("privacy" in said) is (False in begun)
            assert begun == ([] if lives == 0 and not is_after else begun)
            if begun:
                desk.privacy.resume()
            else:
                desk.privacy.erase(ann, actor=KIM)
            assert left(desk, CANARY, PHONE[1:]) == []
            assert [one.is_done for one in desk.privacy.ledger()] == [True]
            assert list(desk.privacy.resume()) == []
            assert "privacy" not in [finding.code for finding in desk.check()]
            for ticket in desk.find(customers=ann).items:
                assert sum(isinstance(one.event, PersonErased) for one in desk.history(ticket)) == 1
    pytest.fail("an erasure has more steps than were tried")


def test_a_second_erasure_changes_nothing(url: str) -> None:
    with a_desk(url) as desk:
        ann = plant(desk)
        desk.privacy.erase(ann, actor=KIM)
        before = [row for row in rows(desk) if "settings" not in row[0]]
        again = desk.privacy.erase(ann, actor=KIM)
        assert (again.customers, again.tickets, again.messages, again.arrivals, again.records) == (0, 0, 0, 0, 0)
        assert [row for row in rows(desk) if "settings" not in row[0]] == before


def test_what_is_written_after_an_erasure_goes_with_the_next_one() -> None:
    with a_desk("sqlite://") as desk:
        ann = plant(desk)
        desk.privacy.erase(ann, actor=KIM)
        desk.set_subject(1, words("late"), actor=KIM)
        desk.note(1, words("late note"), actor=KIM)
        assert desk.privacy.erase(ann, actor=KIM).tickets == 1
        assert left(desk, CANARY) == []


def test_privacy_01_after_a_backup_was_restored_the_ledger_erases_everybody_again(tmp_path: Path) -> None:
    path, backup = tmp_path / "support.db", tmp_path / "backup.db"
    with a_desk(f"sqlite:///{path}") as desk:
        ann = plant(desk)
        cast("Any", desk.storage).scrub()
        shutil.copy(path, backup)
        desk.privacy.erase(ann, actor=KIM)
        later = desk.customers.add("Later").id  # the backup knows nobody of this id
        desk.privacy.erase(later, actor=KIM)
        ledger = desk.privacy.ledger()
        assert [(one.customer, one.is_done) for one in ledger] == [(ann, True), (later, True)]
        assert CANARY not in repr(ledger)
    with a_desk(f"sqlite:///{backup}") as restored:
        assert left(restored, CANARY)
        assert [one.customer for one in restored.privacy.reapply(ledger)] == [ann]
        assert left(restored, CANARY, PHONE[1:]) == []
        assert CANARY.encode() not in backup.read_bytes()
        assert [one.customer for one in restored.privacy.ledger()] == [ann]


def test_an_export_of_the_desk_has_nothing_of_the_person_and_can_be_imported(tmp_path: Path) -> None:
    with a_desk("sqlite://") as desk, a_desk("sqlite://") as other:
        ann = plant(desk)
        desk.privacy.erase(ann, actor=KIM)
        desk.export(tmp_path / "desk.jsonl")
        text = (tmp_path / "desk.jsonl").read_text(encoding="utf-8")
        assert CANARY not in text
        assert PHONE[1:] not in text
        other.import_(tmp_path / "desk.jsonl")
        assert [one.customer for one in other.privacy.ledger()] == [ann]
        assert other.get(1) == desk.get(1)


# -- raw deliveries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        lambda: json.dumps({"from": FLYER}).encode(),
        lambda: json.dumps({"from": FLYER.upper()}).encode(),
        f"from={FLYER}&text=x".encode,
        lambda: b"\xff\xfe broken " + FLYER.encode(),
        lambda: json.dumps({"from": f"\u00ab{FLYER}\u00e9"}).encode(),
        f"from=%3C{FLYER}%3E".encode,
        lambda: b'{"text": "a line\\n' + FLYER.encode() + b'"}',
    ],
)
def test_a_delivery_in_quarantine_is_emptied_however_the_address_stands_in_it(body: Callable[[], bytes]) -> None:
    with a_desk("sqlite://") as desk:
        ann = desk.customers.add("Ann", addresses={"pigeon": FLYER}).id
        raw = body()
        desk.receive("pigeon", _signed(raw))
        desk.process_inbox()
        [held] = desk.quarantine.list()
        report = desk.privacy.erase(ann, actor=KIM)
        assert report.arrivals == 1
        assert list(desk.quarantine.list()) == []
        with desk.storage.begin(desk.tenant, write=False) as unit:
            arrival = cast("Any", unit).arrival(held.id)
        assert (arrival.body, arrival.head, arrival.reason) == (b"", "{}", "erased")


@pytest.mark.parametrize("other", ["jo-{}", "jo{}", "{}2", "{}b", "{}"])
def test_a_delivery_of_somebody_whose_address_only_has_the_other_one_in_it_stays(other: str) -> None:
    """Where the longer address begins with a sign, nobody can tell, and the person's right comes first."""
    named = other.format(FLYER)
    with a_desk("sqlite://") as desk:
        ann = desk.customers.add("Ann", addresses={"pigeon": FLYER}).id
        desk.receive("pigeon", delivery({"id": "m1", "from": named, "value": "unread"}))
        desk.process_inbox()
        desk.privacy.erase(ann, actor=KIM)
        assert len(desk.quarantine.list()) == (0 if named in {FLYER, f"jo-{FLYER}"} else 1)


def test_a_delivery_that_nobody_has_read_yet_stays_where_others_speak_in_it_too() -> None:
    with a_desk("sqlite://") as desk:
        ann = desk.customers.add("Ann", addresses={"pigeon": FLYER}).id
        desk.receive("pigeon", delivery(message("m1", FLYER, "mine"), message("m2", "bob-flyer", "and mine")))
        desk.receive("pigeon", delivery(message("m3", FLYER, "only mine")))
        report = desk.privacy.erase(ann, actor=KIM)
        assert (report.arrivals, report.arrivals_left) == (1, 1)
        desk.process_inbox()
        assert sum(desk.counts().values()) == 2  # the batch was read: a ticket for each, Ann is somebody new


def _signed(body: bytes) -> Any:
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Payload(body=body, headers={"X-Hub-Signature-256": signature})
