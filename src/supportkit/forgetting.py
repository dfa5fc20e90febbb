"""Taking a person out of a desk, in bounded steps that each are one transaction; begun again it goes on.

The order matters: the ledger says first who is to go, so that a crash forgets nobody; raw deliveries are looked through
while the addresses are known; the person's own row comes last, because until then it says what is still to be done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar, cast

import attrs

from supportkit.channels.port import ChannelAdapter
from supportkit.clock import to_utc
from supportkit.drafting import News
from supportkit.errors import ConcurrentUpdate, NotFound, StorageCorrupt
from supportkit.lookup import person
from supportkit.model.addressing import normalised
from supportkit.model.change import Change, Settings
from supportkit.model.conversation import Arrival, ArrivalState
from supportkit.model.events import Event, PersonErased
from supportkit.model.people import Actor, ActorKind, Address, Customer, MergedPerson
from supportkit.model.record import Record, RecordChange
from supportkit.model.ticket import Ticket
from supportkit.races import again
from supportkit.raw import is_only_his, speaks_of
from supportkit.runner import Runner
from supportkit.storage.codec import dumps, loads
from supportkit.storage.erasing import ErasingUnit
from supportkit.storage.port import MAX_PAGE, TicketQuery, UnitOfWork
from supportkit.withdrawing import cancelled

LEDGER = "erased"
"""The subject of the settings that are the ledger."""
REASON = "erased"
AT_ONCE = 100
RAW_AT_ONCE = 10
"""Raw deliveries may have many megabytes each."""
Result = TypeVar("Result")
Redact = Callable[[Record], Record | None]
"""Returns a record without words of a person, or `None` where it is to be deleted."""

KEPT_KINDS: Mapping[str, Redact] = {}
"""Kinds of records that stay when their owner is erased, and what is left of them; all others are deleted."""


@attrs.frozen(kw_only=True)
class Erased:
    """One entry of the ledger: who was erased. It names ids and instants, and nothing of the person.

    Attributes:
        customer: The id of the one who stands for all.
        people: All ids that were one person: those who had been merged as well.
        at: When it began.
        is_done: Whether nothing is left to do.
    """

    customer: str
    people: tuple[str, ...]
    at: dt.datetime
    is_done: bool = True


@attrs.define
class Counts:
    """What one erasure has done so far."""

    people: int = 0
    tickets: int = 0
    messages: int = 0
    cancelled: int = 0
    arrivals: int = 0
    arrivals_left: int = 0
    records: int = 0


@attrs.frozen
class Forgetting:
    """Erases one person.

    Attributes:
        runner: Of the desk.
        channels: The adapters, which know whose words a raw delivery has.
        actor: Who wants it.
    """

    runner: Runner
    channels: Mapping[str, ChannelAdapter]
    actor: Actor
    counts: Counts = attrs.field(factory=Counts)

    def erase(self, customer: str, also: Sequence[str] = ()) -> Erased:
        """Do everything that is still to be done, and return the entry of the ledger.

        Args:
            customer: One of the ids of the person.
            also: Ids that were the same person when he was erased the last time.

        Raises:
            NotFound: There is no such customer.
        """
        entry = self._in_one(partial(self._begin, customer=customer, also=also))
        self._arrivals(entry)
        for one in entry.people:
            self._each(self._some_records, one)
            self._tickets(one)
            self._each(self._some_messages, one)
        self._in_one(partial(self._people, entry=entry))
        return attrs.evolve(entry, is_done=True)

    # -- the ledger --------------------------------------------------------------------------------------------------

    def _begin(self, unit: ErasingUnit, customer: str, also: Sequence[str]) -> Erased:
        """Write down who is to go, before anything of him goes."""
        people = tuple(dict.fromkeys((*union(unit, customer), *also)))
        written = {one.customer: one for one in read_ledger(unit)}.get(people[0])
        if written is None:
            entry = Erased(customer=people[0], people=people, at=self.runner.clock.now(), is_done=False)
        else:  # somebody may have been merged into the person since, or a backup was restored
            people = tuple(dict.fromkeys((*people, *written.people)))
            entry = attrs.evolve(written, people=people, is_done=False)
        if entry != written:
            _note(unit, entry, self.runner.clock.now())
        return entry

    # -- steps -------------------------------------------------------------------------------------------------------

    def _arrivals(self, entry: Erased) -> None:
        """Look through all raw deliveries, a few at a time, while it is known where the person is reached."""
        places = self._in_one(partial(self._places, entry=entry))
        if not places:
            return
        self._in_one(lambda unit: unit.erase_places(places))
        after: str | None = None
        while page := self._page(after):
            for arrival in page:
                if arrival.body and speaks_of(arrival, self.channels, places):
                    self._in_one(partial(self._empty, named=arrival.id, places=places))
            after = page[-1].id

    def _page(self, after: str | None) -> Sequence[Arrival]:
        with self.runner.storage.begin(self.runner.tenant, write=False) as unit:
            return cast("ErasingUnit", unit).arrivals(list(ArrivalState), limit=RAW_AT_ONCE, after=after)

    def _empty(self, unit: ErasingUnit, named: str, places: frozenset[str]) -> None:
        """Take the bytes of a raw delivery away; one that nobody has read yet stays where others speak in it too."""
        arrival = unit.arrival(named)
        if arrival is None or not arrival.body:
            return
        is_only = is_only_his(arrival, self.channels, places)
        if arrival.state is ArrivalState.RECEIVED and not is_only:
            self.counts.arrivals_left += 1
            return
        now = self.runner.clock.now()
        emptied = attrs.evolve(arrival, body=b"", head="{}", signed=None, reason=REASON, settled_at=now)
        if is_only:
            emptied = attrs.evolve(emptied, state=ArrivalState.ROUTED, lease_until=None)
        if not unit.change_arrival(emptied):
            raise ConcurrentUpdate(named, arrival.fence, "a worker reads one of his deliveries now: call it again")
        self.counts.arrivals += 1

    def _some_records(self, unit: ErasingUnit, owner: str) -> int:
        """Delete or blank some of the records of an owner; return how many."""
        changes = [change for one in unit.records_of(owner, limit=MAX_PAGE) if (change := _without(one)) is not None]
        some = tuple(changes[:AT_ONCE])
        unit.save(Change(records=some))
        self.counts.records += len(some)
        return len(some)

    def _tickets(self, customer: str) -> None:
        for ticket in self._all_tickets(customer):
            self._each(self._some_records, ticket.id)
            if ticket.erased != ticket.version:
                self.runner.tell(self._in_one(partial(self._ticket, named=ticket.id, customer=customer)))

    def _all_tickets(self, customer: str) -> Iterator[Ticket]:
        query = TicketQuery(customers=customer, limit=AT_ONCE)
        while True:
            with self.runner.storage.begin(self.runner.tenant, write=False) as unit:
                page = unit.find(query)
            yield from page.items
            if page.next is None:
                return
            query = attrs.evolve(query, cursor=page.next)

    def _ticket(self, unit: ErasingUnit, named: str, customer: str) -> News:
        """Take every word out of one ticket, and cancel what waits to go out for it."""
        ticket = unit.get(named)
        if ticket is None or ticket.customer != customer:
            return ()
        self.runner.refresh(unit)
        now = self.runner.clock.now()
        draft = self.runner.draft(unit, None, now, now)
        waiting = unit.withdraw_outbox(ticket.id, reason=REASON)
        unit.erase_words(ticket)
        events: list[Event] = [*[cancelled(one, REASON) for one in waiting], PersonErased(customer=customer)]
        draft.add(self.runner.tenant, ticket, ticket.id, events, actor=self.actor)
        unit.save(draft.change(None))
        self.counts.tickets += 1
        self.counts.cancelled += len(waiting)
        return draft.told

    def _some_messages(self, unit: ErasingUnit, customer: str) -> int:
        """Empty some of what the person wrote in tickets of others; return how many messages."""
        found = unit.messages_by(str(Actor(ActorKind.CUSTOMER, customer)), limit=AT_ONCE)
        unit.erase_messages(found)
        self.counts.messages += len(found)
        return len(found)

    def _people(self, unit: ErasingUnit, entry: Erased) -> None:
        """Leave of the people their ids and who was merged into whom, and close the entry."""
        now = self.runner.clock.now()
        for one in entry.people:
            customer = unit.customer(one)
            blank = None if customer is None else blanked(customer, now)
            if blank is not None:
                unit.save(Change(customers=(blank,)))
                self.counts.people += 1
        _note(unit, attrs.evolve(entry, is_done=True), now)

    def _places(self, unit: ErasingUnit, entry: Erased) -> frozenset[str]:
        """Return where the person was ever reached: his addresses, and those of the legs of his tickets."""
        found: set[str] = set()
        for one in entry.people:
            customer = unit.customer(one)
            found |= set() if customer is None else places_of(customer)
            query = TicketQuery(customers=one, limit=MAX_PAGE)
            while True:
                page = unit.find(query)
                for leg in unit.legs([ticket.id for ticket in page.items]):
                    found |= {leg.address, leg.thread}
                if page.next is None:
                    break
                query = attrs.evolve(query, cursor=page.next)
        return frozenset(found - {""})

    # -- transactions ------------------------------------------------------------------------------------------------

    def _in_one(self, work: Callable[[ErasingUnit], Result]) -> Result:
        """Do one step in a transaction of its own, again after a lost race."""

        def once() -> Result:
            with self.runner.storage.begin(self.runner.tenant) as unit:
                return work(cast("ErasingUnit", unit))

        return again(once)

    def _each(self, some: Callable[[ErasingUnit, str], int], whose: str) -> None:
        """Do a step that does a part of its work until there is nothing left."""
        while self._in_one(lambda unit: some(unit, whose)):
            pass


# -- who it is -------------------------------------------------------------------------------------------------------


def union(unit: ErasingUnit, customer: str) -> tuple[str, ...]:
    """Return all ids that are one person, the one who stands for all in front.

    Raises:
        NotFound: There is no such customer.
    """
    root = person(unit, customer)
    if root is None:
        raise NotFound("customer", customer)
    found, waiting = [root.id], [part.customer for part in root.merged]
    while waiting:
        one = waiting.pop(0)
        merged = unit.customer(one)
        if merged is not None and one not in found:
            found.append(one)
            waiting += [part.customer for part in merged.merged]
    return tuple(found)


def places_of(customer: Customer) -> set[str]:
    """Return where a customer is reached, or was before a merge: as it was written, and in its normal form."""
    merged = [address for part in customer.merged for address in (*part.own, *part.before, *part.joined)]
    proofs = [Address(family=proof.family, value=proof.value) for proof in customer.proofs]
    found: set[str] = set()
    for one in (*customer.addresses, *merged, *proofs):
        found.add(one.value)
        try:
            found.add(normalised(one.family, one.value))
        except ValueError:
            continue
    return found


def blanked(customer: Customer, now: dt.datetime) -> Customer | None:
    """Return a customer of whom nothing but ids is left, `None` where nothing else is there anyway."""
    blank = Customer(
        id=customer.id,
        tenant=customer.tenant,
        created_at=customer.created_at,
        version=customer.version,
        merged_into=customer.merged_into,
        merged=tuple([MergedPerson(customer=part.customer, tickets=part.tickets) for part in customer.merged]),
        erased_at=customer.erased_at or now,
    )
    return None if blank == customer else attrs.evolve(blank, version=customer.version + 1)


def _without(record: Record) -> RecordChange | None:
    """Return how a record is erased; `None` where it has been."""
    redact = KEPT_KINDS.get(record.kind)
    blank = None if redact is None else redact(record)
    if blank is None:
        return RecordChange(record=record, is_removed=True)
    blank = attrs.evolve(blank, version=record.version)
    return None if blank == record else RecordChange(record=attrs.evolve(blank, version=record.version + 1))


# -- the ledger ------------------------------------------------------------------------------------------------------


def read_ledger(unit: UnitOfWork) -> list[Erased]:
    """Return who was erased, each person once, in the order in which it began.

    Raises:
        StorageCorrupt: An entry cannot be read.
    """
    found: dict[str, Erased] = {}
    for row in unit.settings(LEDGER):
        try:
            plain = loads(row.data)
            entry = Erased(
                customer=plain["customer"],
                people=tuple(plain["people"]),
                at=to_utc(plain["at"], "at"),
                is_done=plain["is_done"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StorageCorrupt(f"entry {row.number} of the ledger cannot be read: {type(error).__name__}") from None
        found[entry.customer] = entry
    return list(found.values())


def _note(unit: ErasingUnit, entry: Erased, now: dt.datetime) -> None:
    """Write an entry; the last one about a person counts."""
    rows = unit.settings(LEDGER)
    data = dumps(
        {
            "customer": entry.customer,
            "people": list(entry.people),
            "at": entry.at.isoformat(),
            "is_done": entry.is_done,
        }
    )
    number = rows[-1].number + 1 if rows else 1
    unit.add_settings(Settings(tenant=unit.tenant, subject=LEDGER, number=number, since=now, data=data))
