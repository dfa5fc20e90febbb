"""Contract: a message is heard once, a conversation has one newest leg, an address one owner who proved it."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import attrs
import pytest

from supportkit.errors import ConcurrentUpdate, SupportkitError
from supportkit.model import events as ev
from supportkit.model.change import Change, OutboxState
from supportkit.model.conversation import Leg, LegChange
from supportkit.model.people import Address, AddressStatus, Customer
from supportkit.model.stored import RECEIVED
from supportkit.storage.port import Storage, TicketQuery
from supportkit.testing.builders import (
    TENANT,
    later,
    make_customer,
    make_file,
    make_heard,
    make_leg,
    make_message,
    make_outgoing,
    make_waiting,
    opened,
    then,
)
from supportkit.testing.storage.arrivals import WRONG_IDS, fill, leg_of
from supportkit.testing.storage.kit import StorageKit, get, in_threads, receiving, snapshot
from supportkit.testing.storage.wholes import everything, restore

CLAIMED, VERIFIED = AddressStatus.CLAIMED, AddressStatus.VERIFIED


def keep(storage: Storage, change: Change) -> None:
    """Store a change with what came in."""
    with receiving(storage) as unit:
        unit.save(change)


def newest(storage: Storage, key: str = "conversation-1") -> Leg | None:
    """Return the newest leg of a conversation."""
    with receiving(storage, write=False) as unit:
        return unit.conversation(key)


def owners(storage: Storage, family: str = "email", value: str = "ann@example.com") -> list[tuple[str, AddressStatus]]:
    """Return who has an address."""
    with receiving(storage, write=False) as unit:
        return list(unit.owners(family, value))


def person(number: int, *addresses: tuple[str, str, AddressStatus], version: int = 1) -> Customer:
    """Return a customer with addresses, `ann@example.com` by default."""
    given = addresses or (("email", "ann@example.com", VERIFIED),)
    made = tuple(Address(family=family, value=value, status=status) for family, value, status in given)
    return make_customer(f"customer-{number}", addresses=made, version=version)


class ConversationTests(StorageKit):
    """Where a message belongs."""

    def test_a_message_is_heard_once(self, storage: Storage) -> None:
        """The second time nothing of the change is kept; another one under its key is kept beside it."""
        keep(storage, Change(tickets=(opened(1),), heard=(make_heard(),)))
        before = snapshot(storage)
        with pytest.raises(ConcurrentUpdate):
            keep(storage, Change(tickets=(opened(2),), heard=(make_heard("ticket-2"),)))
        assert snapshot(storage) == before
        other = make_heard(None, digest="1" * 64, at=later(1))
        keep(storage, Change(heard=(other,)))
        with receiving(storage, write=False) as unit:
            assert sorted(unit.heard("heard-1"), key=lambda one: one.at) == [make_heard(), other]
            assert list(unit.heard("heard-2")) == []

    def test_of_many_that_hear_a_message_at_once_one_does(self, storage: Storage) -> None:
        """The tickets of the others do not come into being."""
        lost: list[int] = []

        def work(thread: int) -> None:
            try:
                keep(storage, Change(tickets=(opened(thread + 1),), heard=(make_heard(f"ticket-{thread + 1}"),)))
            except ConcurrentUpdate:
                lost.append(thread)

        in_threads(self.workers, work)
        assert len(lost) == self.workers - 1
        assert len(snapshot(storage)["tickets"]) == 1

    def test_legs_come_back_with_every_attribute(self, storage: Storage) -> None:
        """Those of some tickets, the oldest first; a change of one is a change of that one."""
        full = make_leg(id="leg-2", began_at=later(9), heard_at=later(10), verified=True, address="снимок")
        first, other = make_leg(), make_leg("ticket-2", "leg-3", began_at=later(5))
        legs = [leg_of(one, f"key-{number}") for number, one in enumerate((full, first, other))]
        keep(storage, Change(tickets=(opened(1), opened(2)), legs=tuple(legs)))
        with receiving(storage, write=False) as unit:
            assert list(unit.legs(["ticket-1"])) == [first, full]
            assert list(unit.legs(["ticket-2", "ticket-1", "\ud800"])) == [first, other, full]
            assert list(unit.legs([])) == []
            assert unit.leg("leg-2") == full
            assert [unit.leg(wrong) for wrong in WRONG_IDS] == [None] * 4
        again = attrs.evolve(first, heard_at=later(20))
        keep(storage, Change(legs=(LegChange(leg=again, key="key-1", replaces=first.id, is_new=False),)))
        with receiving(storage, write=False) as unit:
            assert list(unit.legs(["ticket-1"])) == [again, full]

    def test_a_message_that_is_rewritten_reads_and_is_found_as_it_is_now(self, storage: Storage) -> None:
        """What others of the ticket say stays, also where they say the same word; and nobody else's is touched."""
        first = opened(1, subject="kept")
        one = make_message(first.ticket, "message-1", body="one two")
        two = make_message(first.ticket, "message-2", body="two three")
        keep(storage, Change(tickets=(first,), messages=(one, two)))
        edited = then(first.ticket, ev.MessageEdited(message=one.id, before=one.body))
        after = attrs.evolve(one, body="four kept", attachments=())
        keep(storage, Change(tickets=(edited,), rewritten=(after,)))
        with receiving(storage, write=False) as unit:
            assert unit.message(one.id) == after
            assert unit.message(two.id) == two
            hits = {word: len(unit.find(TicketQuery(text=word)).items) for word in ("one", "two", "three", "four")}
            assert hits == {"one": 0, "two": 1, "three": 1, "four": 1}
        gone = then(edited.ticket, ev.MessageDeleted(message=one.id, before=after.body))
        keep(storage, Change(tickets=(gone,), rewritten=(attrs.evolve(after, body=""),)))
        with receiving(storage, write=False) as unit:
            assert [len(unit.find(TicketQuery(text=word)).items) for word in ("four", "kept")] == [0, 1]
        with storage.begin("another") as foreign, pytest.raises(SupportkitError):
            foreign.save(Change(rewritten=(after,)))

    def test_a_conversation_leads_to_its_newest_leg(self, storage: Storage) -> None:
        """Whoever decided on the one before loses, and nothing of his change is kept."""
        keep(storage, Change(tickets=(opened(1),), legs=(leg_of(make_leg()),)))
        assert newest(storage) == make_leg()
        second = make_leg("ticket-2", "leg-2")
        keep(storage, Change(tickets=(opened(2),), legs=(leg_of(second, replaces="leg-1"),)))
        assert newest(storage) == second
        before = snapshot(storage)
        for number, stale in enumerate((None, "leg-1"), start=3):
            late = leg_of(make_leg("ticket-3", f"leg-{number}"), replaces=stale)
            with pytest.raises(ConcurrentUpdate):
                keep(storage, Change(tickets=(opened(3),), legs=(late,)))
        assert newest(storage) == second
        assert snapshot(storage) == before
        assert newest(storage, "conversation-2") is None

    def test_a_leg_that_is_gone_cannot_be_changed(self, storage: Storage) -> None:
        """Its ticket was deleted since the change was decided."""
        gone = LegChange(leg=make_leg(), key="conversation-1", replaces="leg-1", is_new=False)
        with pytest.raises(ConcurrentUpdate):
            keep(storage, Change(legs=(gone,)))

    @pytest.mark.parametrize("replaces", [None, "leg-0"])
    def test_of_two_openers_of_one_conversation_one_wins(self, storage: Storage, replaces: str | None) -> None:
        """The others are told to decide again; they find his ticket then."""
        if replaces is not None:
            keep(storage, Change(tickets=(opened(50),), legs=(leg_of(make_leg("ticket-50", replaces)),)))
        lost: list[int] = []

        def work(thread: int) -> None:
            number = thread + 1
            leg = make_leg(f"ticket-{number}", f"leg-{number}")
            try:
                keep(storage, Change(tickets=(opened(number),), legs=(leg_of(leg, replaces=replaces),)))
            except ConcurrentUpdate:
                lost.append(thread)

        in_threads(self.workers, work)
        assert len(lost) == self.workers - 1
        found = newest(storage)
        assert found is not None
        tickets = [ticket.id for ticket in snapshot(storage)["tickets"] if ticket.id != "ticket-50"]
        assert tickets == [found.ticket]

    # -- addresses ---------------------------------------------------------------------------------------------------

    def test_an_address_has_one_owner_who_proved_it_and_many_who_claim_it(self, storage: Storage) -> None:
        """He stands first; whoever says later that it is proved, claims it."""
        claims = person(1, ("email", "ann@Example.COM", CLAIMED))
        keep(storage, Change(customers=(claims,)))
        assert owners(storage) == [("customer-1", CLAIMED)]
        keep(storage, Change(customers=(person(3), person(2))))
        assert owners(storage) == [("customer-3", VERIFIED), ("customer-1", CLAIMED), ("customer-2", CLAIMED)]
        assert owners(storage, "chat") == owners(storage, value="Ann@example.com") == []

    def test_an_address_goes_with_the_change_of_its_customer(self, storage: Storage) -> None:
        """Then somebody else can prove it."""
        keep(storage, Change(customers=(person(1), person(2, ("email", "ann@example.com", CLAIMED)))))
        phone = ("sms", "+49 30 / 123-456", CLAIMED)
        keep(storage, Change(customers=(person(1, phone, ("sms", "no number", CLAIMED), version=2),)))
        assert owners(storage) == [("customer-2", CLAIMED)]
        assert owners(storage, "sms", "+4930123456") == [("customer-1", CLAIMED)]
        keep(storage, Change(customers=(person(2, version=2),)))
        assert owners(storage) == [("customer-2", VERIFIED)]
        keep(storage, Change(customers=(person(2, version=3),)))
        assert owners(storage) == [("customer-2", VERIFIED)]

    def test_of_many_that_prove_an_address_at_once_one_owns_it(self, storage: Storage) -> None:
        """The others claim it, or are told to decide again."""

        def work(thread: int) -> None:
            try:
                keep(storage, Change(customers=(person(thread + 1),)))
            except ConcurrentUpdate:
                return

        in_threads(self.workers, work)
        found = owners(storage)
        assert [status for _owner, status in found].count(VERIFIED) == 1
        assert len(found) == len(snapshot(storage)["customers"])

    # -- files and receipts ------------------------------------------------------------------------------------------

    def test_a_file_comes_back_byte_for_byte(self, storage: Storage) -> None:
        """Also an empty one and one of a megabyte; an id is not given twice."""
        files = (
            make_file(),
            make_file(id="file-2", content=b"", inline=True, content_id="<снимок@example>"),
            make_file(id="file-3", content=bytes(range(256)) * 4096, media_type="", name=""),
        )
        keep(storage, Change(tickets=(opened(1),), messages=(make_message(),), files=files))
        with receiving(storage, write=False) as unit:
            assert [unit.file(one.id) for one in files] == list(files)
            assert [unit.file(wrong) for wrong in WRONG_IDS] == [None] * 4
        with pytest.raises(SupportkitError):
            keep(storage, Change(files=(make_file(content=b"other"),)))
        with receiving(storage, write=False) as unit:
            assert unit.file("file-1") == files[0]

    def test_a_delivery_is_found_by_the_ids_of_its_provider(self, storage: Storage) -> None:
        """On its channel."""
        rows = [
            make_outgoing(seq=number, channel=channel, external_id=name, state=OutboxState.SENT)
            for number, channel, name in ((1, "chat", "a"), (2, "chat", "b"), (3, "mail", "a"), (4, "chat", None))
        ]
        keep(storage, Change(tickets=(opened(1),), outbox=tuple(rows)))
        with receiving(storage, write=False) as unit:
            assert list(unit.sent_as("chat", ["a", "\ud800", "c"])) == rows[:1]
            assert {one.seq for one in unit.sent_as("chat", ["a", "b"])} == {1, 2}
            assert [list(unit.sent_as(*what)) for what in (("chat", []), ("sms", ["a"]), ("chat", ["c"]))] == [[]] * 3

    @pytest.mark.parametrize("state", OutboxState)
    def test_only_what_was_sent_can_fail_afterwards(self, storage: Storage, state: OutboxState) -> None:
        """Once."""
        row = make_outgoing(state=state)
        keep(storage, Change(tickets=(opened(1),), outbox=(row,)))
        with receiving(storage) as unit:
            assert unit.mark_failed(row, "bounced") is (state is OutboxState.SENT)
            assert not unit.mark_failed(row, "again")
            expected = attrs.evolve(row, state=OutboxState.FAILED, reason="bounced")
            assert unit.delivery(row.id) == (expected if state is OutboxState.SENT else row)

    # -- as a whole --------------------------------------------------------------------------------------------------

    def test_a_deleted_ticket_takes_along_what_arrived_for_it(self, storage: Storage) -> None:
        """But that its messages were heard stays, so that they are not heard again; other tickets keep theirs."""
        for number in (1, 2):
            ticket = opened(number).ticket
            keep(
                storage,
                Change(
                    tickets=(opened(number),),
                    messages=(make_message(ticket, f"message-{number}"),),
                    heard=(make_heard(ticket, f"heard-{number}", message=f"message-{number}"),),
                    legs=(leg_of(make_leg(ticket, f"leg-{number}"), f"conversation-{number}"),),
                    files=(make_file(ticket, f"file-{number}", message=f"message-{number}"),),
                ),
            )
        with receiving(storage) as unit:
            unit.delete_ticket(get(storage, "ticket-1"))
        with receiving(storage, write=False) as unit:
            assert [unit.leg(f"leg-{number}") is None for number in (1, 2)] == [True, False]
            assert [unit.file(f"file-{number}") is None for number in (1, 2)] == [True, False]
            assert [unit.conversation(f"conversation-{number}") is None for number in (1, 2)] == [True, False]
            assert list(unit.heard("heard-1")) == [make_heard(None)]
            assert [one.ticket for one in unit.heard("heard-2")] == ["ticket-2"]
            rows = [row for row in unit.dump() if isinstance(row, RECEIVED)]
            assert "ticket-1" not in repr(rows)

    def test_a_file_goes_with_the_ticket_in_which_its_message_lies(self, storage: Storage) -> None:
        """Wherever it arrived."""
        messages = [make_message("ticket-1", f"message-{number}") for number in (1, 2)]
        files = [make_file("ticket-1", f"file-{number}", message=f"message-{number}") for number in (1, 2)]
        keep(storage, Change(tickets=(opened(1), opened(2)), messages=tuple(messages), files=tuple(files)))
        moved = ev.MessagesMoved(messages=("message-1",), source="ticket-1", dest="ticket-2")
        changes = tuple(then(get(storage, name), moved) for name in ("ticket-1", "ticket-2"))
        keep(storage, Change(tickets=changes, moved=(("message-1", "ticket-2"),)))
        with receiving(storage) as unit:
            unit.delete_ticket(get(storage, "ticket-1"))
        with receiving(storage) as unit:
            assert [unit.file(f"file-{number}") is None for number in (1, 2)] == [False, True]

    def test_addresses_are_found_after_a_desk_was_restored(self, storage: Storage) -> None:
        """They are not among its rows: its customers have them."""
        fill(storage, TENANT)
        twice = person(2, ("email", "ann@example.com", VERIFIED), ("sms", "+4930123456", CLAIMED))
        keep(storage, Change(customers=(twice,)))
        with receiving(storage) as unit:
            unit.reserve_number()
        restore(storage, everything(storage), "initech")
        with receiving(storage, "initech", write=False) as unit:
            assert list(unit.owners("email", "ann@example.com")) == owners(storage)
            assert list(unit.owners("sms", "+4930123456")) == [("customer-2", CLAIMED)]
            found = unit.conversation("conversation-1")
            assert found is not None
            assert found.verified
        with receiving(storage, "initech") as unit:
            assert [one.status for one in unit.take_waiting("chat", "external-1")] == [make_waiting().status]
