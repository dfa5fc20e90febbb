"""Contract: what was stored is what is read, to the last microsecond and code point."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from supportkit.engine.evolve import fold
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange
from supportkit.model.fields import Fields
from supportkit.model.people import Actor, ActorKind, Address
from supportkit.model.ticket import StateCategory
from supportkit.storage.port import Storage
from supportkit.testing.builders import (
    START,
    TENANT,
    attachment,
    later,
    make_customer,
    make_message,
    make_note,
    make_outgoing,
    make_receipt,
    opened,
    sample_events,
    then,
)
from supportkit.testing.storage.kit import StorageKit, get, save
from supportkit.testing.strategies import events, logs, texts

PLANES = "a\u00df\u0436\u4e2d\u05d0\u0623\u0e01\uffff\U0001f469\u200d\U0001f4bb\U00020000\U000e0041\U0010ffff"
"""Something of every plane of Unicode that has characters, right to left and joined ones among them."""
ODD_TEXTS = (
    "",
    " ",
    "\n\r\t",
    PLANES,
    "\u202eabc\u202c",
    "e\u0301\ufe0f",
    "'; DROP TABLE ticket; --",
    "%_\\/",
    "x" * 2**20,
)


class ValueTests(StorageKit):
    """Round trips."""

    def test_a_ticket_comes_back_with_every_attribute(self, storage: Storage) -> None:
        """Not only its columns: also until, merged parts, links, locale and fields."""
        first, *others = sample_events()
        values = attrs.asdict(first, recurse=False)
        change = opened(**values)
        save(storage, change)
        for event in others:
            change = then(change.ticket, event)
            save(storage, change)
            assert get(storage, change.ticket.id) == change.ticket

    def test_every_event_comes_back_as_it_was(self, storage: Storage) -> None:
        """All classes, with every attribute set."""
        first, *others = sample_events()
        change = opened(**attrs.asdict(first, recurse=False))
        more = then(change.ticket, *others)
        save(storage, change, more)
        with storage.begin(TENANT, write=False) as unit:
            assert list(unit.history(change.ticket.id)) == [*change.events, *more.events]

    def test_generated_events_come_back_as_they_were(self, storage: Storage) -> None:
        """Whatever the types of their attributes allow."""
        save(storage, opened(1))

        @self.generated()
        @given(events())
        def check(event: ev.Event) -> None:
            if isinstance(event, ev.TicketOpened):
                return
            change = then(get(storage, "ticket-1"), event)
            save(storage, change)
            with storage.begin(TENANT, write=False) as unit:
                assert unit.history("ticket-1")[-1] == change.events[0]
                assert unit.get("ticket-1") == change.ticket

        check()

    def test_folding_any_prefix_of_a_log_gives_the_stored_row(self, storage: Storage) -> None:
        """The law of the library, for generated logs."""
        numbers = iter(range(1, 10**6))

        @self.generated()
        @given(st.data())
        def check(data: st.DataObject) -> None:
            for change in data.draw(logs(number=next(numbers))):
                save(storage, change)
                with storage.begin(TENANT, write=False) as unit:
                    assert fold(unit.history(change.ticket.id)) == unit.get(change.ticket.id) == change.ticket

        check()

    def test_a_ticket_is_found_by_its_number(self, storage: Storage) -> None:
        """The same value as by id."""
        change = opened(41)
        save(storage, change)
        with storage.begin(TENANT, write=False) as unit:
            assert unit.by_number(41) == change.ticket
            assert unit.by_number(42) is None

    def test_instants_keep_their_microseconds(self, storage: Storage) -> None:
        """Before 1970 and far away as well."""
        for number, at in enumerate((START, START.replace(year=2, microsecond=1), START.replace(year=9998)), start=1):
            change = opened(number, at=at)
            save(storage, change)
            assert get(storage, change.ticket.id).created_at == at

    def test_texts_of_all_kinds_come_back_as_they_were(self, storage: Storage) -> None:
        """Empty, right to left, emoji, all planes, a megabyte."""
        for number, text in enumerate(ODD_TEXTS, start=1):
            change = opened(number, subject=text, team=text[:100], fields={"note": text}, tags=[text[:50]])
            message = make_message(change.ticket, f"message-{number}", body=text, external_id=text[:100])
            note = make_note(change.ticket, f"note-{number}", body=text, mentions=(text[:20],))
            save(storage, Change(tickets=(change,), messages=(message,), notes=(note,)))
            with storage.begin(TENANT, write=False) as unit:
                assert unit.get(change.ticket.id) == change.ticket
                assert unit.history(change.ticket.id) == list(change.events)
                assert unit.message(message.id) == message
                assert unit.notes([change.ticket.id]) == [note]

    def test_generated_texts_come_back_as_they_were(self, storage: Storage) -> None:
        """Text of all planes in every place."""
        save(storage, opened(1))

        @self.generated()
        @given(texts(max_size=None))
        def check(text: str) -> None:
            save(storage, then(get(storage, "ticket-1"), ev.SubjectChanged(subject=text)))
            assert get(storage, "ticket-1").subject == text

        check()

    def test_custom_fields_keep_the_kind_of_their_values(self, storage: Storage) -> None:
        """1, 1.0 and true are three values."""
        values: dict[str, Any] = {"whole": 1, "half": 0.1, "one": 1.0, "yes": True, "big": 2**63 - 1, "tiny": 5e-324}
        save(storage, opened(1, fields=values))
        found = get(storage, "ticket-1").fields
        assert {name: (type(value), value) for name, value in found.items()} == {
            name: (type(value), value) for name, value in values.items()
        }

    def test_a_message_comes_back_with_every_attribute(self, storage: Storage) -> None:
        """Also files, the provider's id and a time of its own."""
        change = opened(1)
        message = make_message(
            change.ticket,
            author=Actor(ActorKind.EXTERNAL, "vendor:7"),
            attachments=(attachment(), attachment()),
            external_id="<7@provider>",
            recorded_at=later(60),
        )
        save(storage, Change(tickets=(change,), messages=(message,)))
        with storage.begin(TENANT, write=False) as unit:
            assert unit.message(message.id) == message
            assert list(unit.messages([change.ticket.id])) == [message]

    def test_messages_and_notes_come_in_the_order_of_their_times(self, storage: Storage) -> None:
        """Whatever order they were stored in, of several tickets at once."""
        one, two = opened(1), opened(2)
        pairs = [(one.ticket, 3), (two.ticket, 1), (one.ticket, 2), (two.ticket, 0)]
        messages = [make_message(ticket, f"message-{at}", occurred_at=later(at)) for ticket, at in pairs]
        notes = [make_note(ticket, f"note-{at}", occurred_at=later(at)) for ticket, at in pairs]
        save(storage, Change(tickets=(one, two), messages=tuple(messages), notes=tuple(notes)))
        with storage.begin(TENANT, write=False) as unit:
            both = [one.ticket.id, two.ticket.id]
            assert [found.id for found in unit.messages(both)] == [f"message-{at}" for at in range(4)]
            assert [found.id for found in unit.notes(both)] == [f"note-{at}" for at in range(4)]
            assert [found.id for found in unit.messages(both[1:])] == ["message-0", "message-1"]
            assert list(unit.messages([])) == []

    def test_a_message_moves_to_another_ticket(self, storage: Storage) -> None:
        """And only that message."""
        one, two = opened(1), opened(2)
        messages = (make_message(one.ticket, "message-1"), make_message(one.ticket, "message-2"))
        save(storage, Change(tickets=(one, two), messages=messages))
        save(storage, Change(moved=(("message-2", two.ticket.id),)))
        with storage.begin(TENANT, write=False) as unit:
            assert list(unit.messages([one.ticket.id])) == [messages[0]]
            assert list(unit.messages([two.ticket.id])) == [attrs.evolve(messages[1], ticket=two.ticket.id)]

    def test_a_customer_comes_back_with_every_attribute(self, storage: Storage) -> None:
        """In the first version and in later ones."""
        customer = make_customer(
            name="Анна " + PLANES,
            addresses=(Address(family="sms", value="+4930123456"), *make_customer().addresses),
            locale="zh-Hans",
            timezone="Asia/Shanghai",
            segment="gold",
            tags=("vip", "老客户"),
            fields=Fields({"seats": 3}),
        )
        save(storage, Change(customers=(customer,)))
        changed = attrs.evolve(customer, name="Ann", version=2)
        with storage.begin(TENANT, write=False) as unit:
            assert unit.customer(customer.id) == customer
        save(storage, Change(customers=(changed,)))
        with storage.begin(TENANT, write=False) as unit:
            assert unit.customer(customer.id) == changed

    def test_customers_are_listed_by_id(self, storage: Storage) -> None:
        """A page at a time."""
        customers = [make_customer(f"customer-{number}") for number in (3, 1, 4, 2)]
        save(storage, Change(customers=tuple(customers)))
        with storage.begin(TENANT, write=False) as unit:
            assert [found.id for found in unit.customers(3)] == ["customer-1", "customer-2", "customer-3"]
            assert [found.id for found in unit.customers(3, "customer-3")] == ["customer-4"]

    def test_a_receipt_comes_back_as_it_was(self, storage: Storage) -> None:
        """And a key that nobody used stands for nothing."""
        receipt = make_receipt(outcome="unchanged", seq=7, created_at=later(0.000_001))
        save(storage, Change(receipt=receipt))
        with storage.begin(TENANT, write=False) as unit:
            assert unit.receipt(receipt.key) == receipt
            assert unit.receipt("key-2") is None

    def test_a_delivery_comes_back_with_every_attribute(self, storage: Storage) -> None:
        """As it was queued."""
        delivery = make_outgoing(rule="notice", part=2, policy="at_most_once", recipient=PLANES, available_at=later(5))
        save(storage, Change(tickets=(opened(1),), outbox=(delivery,)))
        with storage.begin(TENANT, write=False) as unit:
            assert list(unit.outbox(limit=10)) == [delivery]
            assert list(unit.outbox(ticket="ticket-1", states=[delivery.state], limit=10)) == [delivery]
            assert list(unit.outbox(ticket="ticket-2", limit=10)) == []

    def test_tickets_are_counted_by_state_and_tier(self, storage: Storage) -> None:
        """Every ticket once."""
        changes: list[TicketChange] = [
            opened(1),
            opened(2, tier=2),
            opened(3, tier=2),
            opened(4, state="open", category=StateCategory.OPEN),
        ]
        save(storage, *changes)
        with storage.begin(TENANT, write=False) as unit:
            assert unit.counts() == {("new", 1): 1, ("new", 2): 2, ("open", 1): 1}

    def test_what_could_not_be_an_id_is_not_found(self, storage: Storage) -> None:
        """Numbers beyond 64 bits, other types, lone surrogates: nothing of it raises."""
        save(storage, Change(tickets=(opened(1),), customers=(make_customer(),)))
        wrong: list[Any] = [2**63, -(2**63) - 1, 2**200, -1, 0, True, None, 1.0, b"1", (), "\ud800", "\0", "x" * 9_999]
        for value in wrong:
            with storage.begin(TENANT, write=False) as unit:
                found = (unit.get(value), unit.by_number(value), unit.message(value), unit.customer(value))
                assert found == (None, None, None, None), value
                assert (unit.receipt(value), unit.follower(value)) == (None, None), value
                assert not unit.history(value), value
                assert not unit.messages([value]), value
                assert not unit.notes([value]), value
                assert value is None or not unit.outbox(ticket=value, limit=10), value
