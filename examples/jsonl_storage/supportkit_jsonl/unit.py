"""`JsonlUnit`: one transaction. It works on a copy of the tables and notes what it did, for the file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import attrs

from supportkit.archive.lines import to_plain
from supportkit.clock import from_us
from supportkit.errors import ConcurrentUpdate, IdempotencyConflict, InvalidArchive, StorageError
from supportkit.model.change import Change, OutboxState, Outgoing, Settings, TicketChange, Timer, TimerState
from supportkit.model.people import Customer
from supportkit.model.stored import ORDER, RECEIVED, Attempt, Counter, Place, Stored, sort_key
from supportkit.model.ticket import Ticket
from supportkit.storage.port import MAX_BATCH, Expiring, check_limit
from supportkit_jsonl.reading import RESTING, Reading, position_of
from supportkit_jsonl.tables import Tables, Taken

_LONGEST = 320


class _Ended:
    """What is left of the tables when a unit has ended."""

    def __getattr__(self, name: str) -> Any:
        raise StorageError("this unit of work has ended")


class JsonlUnit(Reading):
    """A transaction of one tenant."""

    def __init__(self, tenant: str, tables: Tables, *, write: bool) -> None:
        super().__init__(tenant, tables.copy() if write else tables)
        self.steps: list[Any] = []
        """What was done, in the form in which the file has it."""
        self._write = write
        self._broken = False

    def confirm(self) -> None:
        """Refuse the commit after a write that failed."""
        if self._broken:
            raise StorageError("a write of this transaction failed before: nothing of it is kept")

    def end(self) -> None:
        """Refuse everything from now on."""
        self._write = False
        self._broken = True
        self.tables = _Ended()  # type: ignore[assignment]

    def _begin(self) -> None:
        self.confirm()
        if not self._write:
            raise StorageError("this unit of work is for reading, or has ended: open one with write=True")

    def _put(self, row: Stored, clash: Exception | None = None) -> None:
        tenant = getattr(row, "tenant", self.tenant)
        if tenant != self.tenant:
            self._broken = True
            raise StorageError(f"a unit of work of tenant {self.tenant!r} cannot write rows of {tenant!r}")
        try:
            self.tables.put(row, new=clash is not None)
        except Taken:
            self._broken = True
            raise (clash or StorageError("a key is there already")) from None
        self.steps.append(["put", to_plain(row)])

    def hold(self) -> None:
        """Do nothing: whoever writes is alone, and has read what was stored last."""
        self._begin()

    # -- writing -----------------------------------------------------------------------------------------------------

    def save(self, change: Change) -> None:  # noqa: C901 - one loop a kind of row
        self._begin()
        self._broken = True  # until all of it went well
        if change.heard or change.legs or change.files:
            raise StorageError("this storage keeps nothing of what arrives: it declares no `receives`")
        for part in change.tickets:
            self._save_ticket(part)
        for message in change.messages:
            self._put(message, StorageError("a message of this id is there already"))
        for note in change.notes:
            self._put(note, StorageError("a note of this id is there already"))
        for message_id, ticket in change.moved:
            if message_id in self.tables.messages:
                self._put(attrs.evolve(self.tables.messages[message_id], ticket=ticket))
        for delivery in change.outbox:
            self._save_delivery(delivery)
        for firing in change.firings:
            self._put(firing, ConcurrentUpdate(firing.ticket, 0))
        for timer in change.timers:
            self._save_timer(timer)
        for customer in change.customers:
            self._save_customer(customer)
        if change.receipt is not None:
            self._put(change.receipt, IdempotencyConflict(change.receipt.key, "this command"))
        self._broken = False

    def _save_ticket(self, part: TicketChange) -> None:
        stored = self.tables.tickets.get(part.ticket.id)
        if part.before is not None and (stored is None or stored.version != part.expected):
            raise ConcurrentUpdate(part.ticket.id, part.expected)
        lost = ConcurrentUpdate(part.ticket.id, part.expected)
        self._put(part.ticket, lost if part.before is None else None)
        for recorded in part.events:
            self._put(recorded, lost)

    def _save_delivery(self, new: Outgoing) -> None:
        names = ("cause", "rule", "channel", "recipient", "part")
        key = [getattr(new, name) for name in names]
        if any([getattr(row, name) for name in names] == key for row in self.tables.outbox.values()):
            raise StorageError("this delivery is there already")
        self._put(new, StorageError("this delivery is there already"))

    def _save_timer(self, timer: Timer) -> None:
        before = self.tables.timers.get((timer.ticket, timer.name, timer.instance))
        self._put(
            attrs.evolve(
                timer,
                due_at=timer.due_at or from_us(0),
                state=TimerState.WAITING if timer.due_at else TimerState.CANCELLED,
                fence=before.fence + 1 if before else 0,
                attempts=0,
                lease_until=None,
            )
        )

    def _save_customer(self, customer: Customer) -> None:
        stored = self.tables.customers.get(customer.id)
        lost = ConcurrentUpdate(customer.id, customer.version - 1)
        if customer.version > 1 and (stored is None or stored.version != customer.version - 1):
            raise lost
        self._put(customer, lost if customer.version == 1 else None)

    def add_settings(self, settings: Settings) -> None:
        self._begin()
        self._put(settings, ConcurrentUpdate(settings.subject, settings.number - 1))

    def reserve_number(self) -> int:
        self._begin()
        self._put(Counter(tenant=self.tenant, number=self.tables.number + 1))
        return self.tables.number

    def set_follower(self, name: str, cursor: str) -> None:
        self._begin()
        self.tables.followers[name] = position_of(cursor)
        self.steps.append(["follow", name, self.tables.followers[name]])

    def wake(self, name: str, at: dt.datetime) -> None:
        self._begin()
        for ticket in self.tables.tickets.values():
            if not ticket.clocks:
                continue
            mine = [row for row in self.tables.timers.values() if (row.ticket, row.name) == (ticket.id, name)]
            for row in mine or [Timer(tenant=self.tenant, ticket=ticket.id, name=name, due_at=at, fence=-1)]:
                is_early = row.state is TimerState.WAITING and row.due_at is not None and row.due_at <= at
                if row.state is TimerState.LEASED or (mine and is_early):
                    continue
                woken: dict[str, Any] = {
                    "due_at": at,
                    "state": TimerState.WAITING,
                    "fence": row.fence + 1,
                    "attempts": 0,
                }
                self._put(attrs.evolve(row, **woken, lease_until=None))

    # -- workers -----------------------------------------------------------------------------------------------------

    def claim_outbox(
        self, now: dt.datetime, *, lease: dt.timedelta, worker: str, channels: Collection[str] | None = None
    ) -> tuple[Outgoing, bool] | None:
        self._begin()
        due = self.due_deliveries(now, channels)
        if not due:
            return None
        found = due[0]
        turn = 1 + max(self.tables.turns.values(), default=0)
        self.tables.turns[found.channel, found.account] = turn
        self.steps.append(["turn", found.channel, found.account, turn])
        was_leased = found.state is OutboxState.LEASED
        claim: dict[str, Any] = {"state": OutboxState.LEASED, "fence": found.fence + 1, "attempts": found.attempts + 1}
        claimed = attrs.evolve(found, **claim, lease_until=now + lease)
        doubt = was_leased or found.reason == "uncertain" or found.possible_duplicate
        self._put(attrs.evolve(claimed, possible_duplicate=doubt))
        row = Attempt(tenant=self.tenant, delivery=found.id, fence=claimed.fence, worker=worker, started_at=now)
        self._put(row)
        return claimed, was_leased

    def settle_outbox(
        self,
        delivery: Outgoing,
        *,
        state: OutboxState,
        now: dt.datetime,
        available_at: dt.datetime | None = None,
        external_id: str | None = None,
        reason: str | None = None,
        possible_duplicate: bool = False,
    ) -> OutboxState | None:
        self._begin()
        row = self.tables.outbox.get(delivery.id)
        if row is not None and (row.fence != delivery.fence or row.state is not OutboxState.LEASED):
            row = None
        if row is not None and row.withdrawn is not None and state is OutboxState.PENDING:
            in_doubt = reason == "uncertain"
            state = OutboxState.UNKNOWN if in_doubt else OutboxState.CANCELLED
            reason = reason if in_doubt else row.withdrawn
        tried = self.tables.attempts.get((delivery.id, delivery.fence))
        if tried is not None:
            self._put(attrs.evolve(tried, finished_at=now, result="late_result" if row is None else state.value))
        if row is None:
            return None
        self._put(
            attrs.evolve(
                row,
                state=state,
                available_at=available_at or delivery.available_at,
                lease_until=None,
                external_id=external_id,
                possible_duplicate=possible_duplicate or delivery.possible_duplicate,
                reason=reason,
            )
        )
        return state

    def decide_outbox(
        self, delivery: Outgoing, *, state: OutboxState, now: dt.datetime, external_id: str | None = None
    ) -> bool:
        self._begin()
        row = self.tables.outbox.get(delivery.id)
        if row is None or delivery.tenant != self.tenant or row.fence != delivery.fence or row.state not in RESTING:
            return False
        values: dict[str, Any] = {"external_id": external_id or row.external_id, "withdrawn": None}
        if state is OutboxState.PENDING:
            doubt = row.state is OutboxState.UNKNOWN or row.possible_duplicate
            values |= {"reason": None, "attempts": 0, "possible_duplicate": doubt}
            values |= {"available_at": now, "retried_at": now}
        self._put(attrs.evolve(row, state=state, fence=row.fence + 1, **values))
        return True

    def withdraw_outbox(self, ticket: str, *, reason: str, but: Collection[str] = ()) -> Sequence[Outgoing]:
        self._begin()
        mine = [row for row in self.queued(None) if row.ticket == ticket and row.rule not in but]
        cancelled = sorted((row for row in mine if row.state is OutboxState.PENDING), key=lambda x: (x.seq, x.part))
        for row in cancelled:
            self._put(attrs.evolve(row, state=OutboxState.CANCELLED, fence=row.fence + 1, reason=reason))
        for row in mine:
            if row.state is OutboxState.LEASED:
                self._put(attrs.evolve(row, withdrawn=reason))
        return cancelled

    def claim_timers(self, now: dt.datetime, limit: int, *, lease: dt.timedelta) -> Sequence[Timer]:
        self._begin()
        check_limit(limit, MAX_BATCH)
        found = []
        for row in self.tables.timers.values():
            free = row.lease_until if row.state is TimerState.LEASED else row.due_at
            if row.state in {TimerState.WAITING, TimerState.LEASED} and free is not None and free <= now:
                found.append((row.due_at or now, row.ticket, row.name, row.instance, row))
        claimed = []
        for *_key, row in sorted(found, key=lambda one: one[:4])[:limit]:
            claim: dict[str, Any] = {"state": TimerState.LEASED, "fence": row.fence + 1, "attempts": row.attempts + 1}
            claimed.append(attrs.evolve(row, **claim, lease_until=now + lease))
            self._put(claimed[-1])
        return claimed

    def settle_timer(self, timer: Timer, state: TimerState) -> bool:
        self._begin()
        row = self.tables.timers.get((timer.ticket, timer.name, timer.instance))
        if row is None or row.fence != timer.fence or row.state is not TimerState.LEASED:
            return False
        untried = int(state is TimerState.WAITING)
        self._put(attrs.evolve(row, state=state, lease_until=None, attempts=row.attempts - untried))
        return True

    # -- deleting ----------------------------------------------------------------------------------------------------

    def drop_expired(self, kind: Expiring, before: dt.datetime, limit: int) -> int:
        self._begin()
        found = self.expired(kind, before)[: check_limit(limit, MAX_BATCH)]
        what = "key" if kind is Expiring.KEYS else "delivery"
        for key in found:
            self._drop(what, key)
        return len(found)

    def delete_ticket(self, ticket: Ticket) -> None:
        self._begin()
        stored = self.tables.tickets.get(ticket.id)
        if ticket.tenant != self.tenant or stored is None or stored.version != ticket.version:
            self._broken = True
            raise ConcurrentUpdate(ticket.id, ticket.version)
        self._drop("ticket", ticket.id)

    def _drop(self, what: str, key: str) -> None:
        getattr(self.tables, f"drop_{what}")(key)
        self.steps.append(["drop", what, key])

    # -- everything --------------------------------------------------------------------------------------------------

    def restore(self, rows: Iterable[tuple[int, Stored]]) -> None:
        self._begin()
        self._broken = True
        last: Stored | None = None
        for line, row in rows:
            _check(line, last, row)
            if isinstance(row, RECEIVED):
                raise InvalidArchive(line, "this storage keeps nothing of what arrives")
            if isinstance(row, Place) and row.seen > len(self.tables.log):
                raise InvalidArchive(line, f"the log has no {row.seen} events")
            self._put(row, InvalidArchive(line, "its key is there already"))
            self._broken = True
            last = row
        self._check_whole()
        self._broken = False

    def _check_whole(self) -> None:
        t = self.tables
        owned = (t.log, t.messages, t.notes, t.outbox, t.timers, t.firings)
        if any(row.ticket not in t.tickets for rows in owned for row in rows.values()):
            raise InvalidArchive(None, "a row names a ticket that is not in it")
        for ticket in t.tickets.values():
            if [one.seq for one in self.history(ticket.id)] != list(range(1, ticket.version + 1)):
                raise InvalidArchive(None, f"the log of ticket {ticket.number} does not lead to its version")
            if ticket.number > t.number:
                raise InvalidArchive(None, f"ticket {ticket.number} has a number above the counter")


def _check(line: int, last: Stored | None, row: Stored) -> None:
    texts = [
        str(getattr(row, name)) for name in ("id", "ticket", "actor", "author", "name", "team") if hasattr(row, name)
    ]
    if not isinstance(row, Customer) and any(len(text) > _LONGEST for text in texts):
        raise InvalidArchive(line, f"a name has more than {_LONGEST} characters")
    if last is None:
        return
    before, now = ORDER.index(type(last)), ORDER.index(type(row))
    keys = sort_key(last), sort_key(row)
    if now < before or (now == before and None not in keys and keys[1] <= keys[0]):  # type: ignore[operator]
        raise InvalidArchive(line, "it is there twice, or out of order")
