"""Deliveries and deadlines: what workers claim under a lease and settle under a fence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter

import attrs
from sqlalchemy import select

from supportkit.clock import from_us, to_us
from supportkit.model.change import OutboxState, Outgoing, Timer, TimerState
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.floors import ANYTHING
from supportkit.storage.port import MAX_BATCH, MAX_PAGE, Backlog, check_limit, is_id
from supportkit.storage.session import Session, Values
from supportkit.storage.statements import Prepared, Row

_DUE_ORDER = itemgetter(4, 1, 2, 3)
"""Of a row of the timer table: its instant, then its key. What an update returns comes in no order."""


class Working(Session):
    """A session with the verbs of workers."""

    __slots__ = ()

    # -- outbox ------------------------------------------------------------------------------------------------------

    def claim_outbox(
        self,
        now: dt.datetime,
        *,
        lease: dt.timedelta,
        worker: str,
        channels: Collection[str] | None = None,
        but: Collection[tuple[str, str]] = (),
    ) -> tuple[Outgoing, bool] | None:
        """Lease the delivery that has waited longest in the account whose turn it is, before any call is made."""
        self.require_write()
        at = to_us(now)
        turns = self._turns()
        lanes = sorted(self._lanes(channels, but), key=lambda lane: (turns.get(lane, -1), lane))
        for lane in lanes:
            found = self._due(lane, at)
            if found is None:
                continue
            claimed = self._claim(found, now, now + lease, worker)
            if claimed is not None and len(lanes) > 1:
                channel, account = lane
                turn = 1 + max(turns.values(), default=0)
                self.run(self._st.put_turn, {"channel": channel, "account": account, "turn": turn})
            return claimed
        return None

    def _lanes(self, channels: Collection[str] | None, but: Collection[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """Return the pairs of channel and account that have a queue, as far as somebody asks for them."""
        lanes = []
        row = self.one(self._st.next_channel, {"channel": ""})
        while row is not None:
            channel = row[0]
            while row is not None and (channels is None or channel in channels):
                lanes.append((channel, row[1]))
                row = self.one(self._st.next_account, {"channel": channel, "account": row[1]})
            row = self.one(self._st.next_channel, {"channel": channel})
        return [lane for lane in lanes if lane not in but]

    def _turns(self) -> dict[tuple[str, str], int]:
        return {(channel, account): turn for channel, account, turn in self.all(self._st.turns, {})}

    def _due(self, lane: tuple[str, str], at: int) -> Outgoing | None:
        """Return what has waited longest in a lane: a delivery that is due, or one whose lease was lost."""
        found = []
        for statement in (self._st.due_outbox, self._st.lost_outbox):
            row = self.one(statement, {"channel": lane[0], "account": lane[1], "now": at})
            if row is not None:
                found.append(rows.read_outgoing(row))
        return min(found, key=lambda delivery: (delivery.available_at, delivery.id), default=None)

    def _claim(
        self, found: Outgoing, now: dt.datetime, until: dt.datetime, worker: str
    ) -> tuple[Outgoing, bool] | None:
        fence, attempts, at = found.fence + 1, found.attempts + 1, to_us(now)
        values = {
            "row": found.id,
            "fenced": found.fence,
            "fence": fence,
            "attempts": attempts,
            "lease_until": to_us(until),
            "now": at,
        }
        if self.run(self._st.claim_outbox, values).rowcount != 1:
            return None
        started = {
            "tenant": self.tenant,
            "outbox": found.id,
            "fence": fence,
            "worker": worker,
            "started_at": at,
            "finished_at": None,
            "result": None,
        }
        self.insert(self._st.insert_attempt, [started])
        leased = attrs.evolve(
            found, state=OutboxState.LEASED, fence=fence, attempts=attempts, lease_until=from_us(to_us(until))
        )
        return leased, found.state is OutboxState.LEASED

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
        """Store the result of a claimed delivery and return where it stands now.

        Under an old fence the attempt is marked late, and the answer is `None`.
        """
        self.require_write()
        again = state is OutboxState.PENDING
        doubt = again and reason == "uncertain"
        off = OutboxState.UNKNOWN if doubt else OutboxState.CANCELLED
        values = {
            "row": delivery.id,
            "fence": delivery.fence,
            "state": state.value,
            "if_withdrawn": off.value if again else state.value,
            "is_off": int(again and not doubt),
            "available_at": to_us(available_at or delivery.available_at),
            "external_id": external_id,
            "possible_duplicate": int(possible_duplicate or delivery.possible_duplicate),
            "reason": reason,
        }
        mine: bool = self.run(self._st.settle_outbox, values).rowcount == 1
        if mine and again:
            stored = self.delivery(delivery.id)
            state = state if stored is None else stored.state
        result = state.value if mine else "late_result"
        finished = {"row": delivery.id, "fence": delivery.fence, "finished_at": to_us(now), "result": result}
        self.run(self._st.settle_attempt, finished)
        return state if mine else None

    def decide_outbox(
        self, delivery: Outgoing, *, state: OutboxState, now: dt.datetime, external_id: str | None = None
    ) -> bool:
        """Store what a person decided about a delivery; false when it is no longer as *delivery* says."""
        self.require_write()
        again = state is OutboxState.PENDING
        doubt = again and delivery.state is OutboxState.UNKNOWN
        values = {
            "row": delivery.id,
            "fence": delivery.fence,
            "state": state.value,
            "available_at": to_us(now if again else delivery.available_at),
            "attempts": 0 if again else delivery.attempts,
            "external_id": external_id,
            "possible_duplicate": int(doubt or delivery.possible_duplicate),
            "reason": None if again else delivery.reason,
            "retried_at": to_us(now) if again else rows.optional_us(delivery.retried_at),
        }
        return bool(self.run(self._st.decide_outbox, values).rowcount == 1)

    def withdraw_outbox(self, ticket: str, *, reason: str, but: Collection[str] = ()) -> Sequence[Outgoing]:
        """Cancel what waits to go out for a ticket and return it; mark what a worker holds."""
        self.require_write()
        cancelled = []
        for row in self.all(self._st.unsettled, {"ticket": ticket}):
            delivery = rows.read_outgoing(row)
            if delivery.rule in but:
                continue
            waits = delivery.state is OutboxState.PENDING
            values = {"row": delivery.id, "fence": delivery.fence, "reason": reason}
            done = self.run(self._st.cancel_outbox if waits else self._st.withdraw_outbox, values).rowcount == 1
            if done and waits:
                cancelled.append(delivery)
        return cancelled

    def delivery(self, delivery_id: str) -> Outgoing | None:
        """Return one delivery, or `None`."""
        row = self.one(self._st.delivery, {"row": delivery_id}) if is_id(delivery_id) else None
        return None if row is None else rows.read_outgoing(row)

    def outbox(
        self, *, ticket: str | None = None, states: Sequence[OutboxState] = (), limit: int
    ) -> Sequence[Outgoing]:
        """Return deliveries, oldest first."""
        if ticket is not None and not is_id(ticket):
            return []
        o = t.outbox
        statement = select(o).where(o.c.tenant == self.tenant)
        if ticket is not None:
            statement = statement.where(o.c.ticket == ticket)
        if states:
            statement = statement.where(o.c.state.in_([state.value for state in states]))
        statement = statement.order_by(o.c.created_at, o.c.ticket, o.c.seq, o.c.part)
        return [rows.read_outgoing(row) for row in self.select(statement.limit(check_limit(limit, MAX_PAGE)))]

    def outbox_backlog(
        self, now: dt.datetime, *, channels: Collection[str] | None = None, but: Collection[tuple[str, str]] = ()
    ) -> Backlog:
        """Return what waits in the outbox, for some channels or for all, without some accounts."""
        due, oldest, following = 0, [], []
        for channel, account in self._lanes(channels, but):
            values = {"channel": channel, "account": account}
            part = self._backlog(self._st.outbox_backlog, self._st.outbox_next, now, values)
            due += part.due
            oldest.append(part.oldest_due)
            following += [part.oldest_due, part.next_due]
        return Backlog(due=due, oldest_due=_earliest(oldest), next_due=_earliest(following))

    # -- timers ------------------------------------------------------------------------------------------------------

    def claim_timers(self, now: dt.datetime, limit: int, *, lease: dt.timedelta) -> Sequence[Timer]:
        """Lease up to *limit* timers that are due, in due order."""
        self.require_write()
        values = {
            "now": to_us(now),
            "since": self._since("timer", to_us(now)),
            "limit": check_limit(limit, MAX_BATCH),
            "lease_until": to_us(now + lease),
        }
        together = self._st.claim_timers
        found = self._claim_one_by_one(values) if together is None else self.all(together, values)
        return [rows.read_timer(row) for row in sorted(found, key=_DUE_ORDER)]

    def _claim_one_by_one(self, values: Values) -> Sequence[Row]:
        """Lease what is due on a database that cannot return what it updates; the fence tells who was first."""
        claimed = []
        for row in self.all(self._st.due_timers, values):
            key = {"on": row[1], "called": row[2], "nth": row[3], "fenced": row[6]}
            if self.run(self._st.claim_timer, key | values).rowcount == 1:
                leased = TimerState.LEASED.value
                claimed.append((*row[:5], leased, row[6] + 1, row[7] + 1, values["lease_until"]))
        return claimed

    def settle_timer(self, timer: Timer, state: TimerState) -> bool:
        """Store what became of a claimed timer; false under an old fence. `WAITING` gives it back as never tried."""
        self.require_write()
        key = {"on": timer.ticket, "called": timer.name, "nth": timer.instance, "fenced": timer.fence}
        values = {**key, "state": state.value, "untried": int(state is TimerState.WAITING)}
        return bool(self.run(self._st.settle_timer, values).rowcount == 1)

    def wake(self, name: str, at: dt.datetime) -> None:
        """Give every ticket that has a note about clocks a timer of this name that is due *at* an instant."""
        self.require_write()
        self.wrote("timer", to_us(at))
        self.run(self._st.wake, {"called": name, "now": to_us(at)})
        self.run(self._st.wake_new, {"called": name, "now": to_us(at)})

    def timer_backlog(self, now: dt.datetime) -> Backlog:
        """Return which deadlines wait."""
        return self._backlog(
            self._st.timer_backlog,
            self._st.timer_next,
            now,
            {"since": self._look("timer", self._st.timer_oldest, to_us(now))},
        )

    def _since(self, kind: str, now: int) -> int:
        return ANYTHING if self.floors is None else self.floors.since(self.tenant, kind, now)

    def _look(self, kind: str, oldest: Prepared, now: int) -> int:
        """Return where a look at what is due begins; one from the very beginning leaves a floor for the next ones."""
        if self.floors is None:
            return ANYTHING
        since = self.floors.look(self.tenant, kind, now)
        if since != ANYTHING:
            return since
        row = self.one(oldest, {"since": ANYTHING})
        first = None if row is None else row[0]
        self.floors.found(self.tenant, kind, now, first)
        return now if first is None else int(first)  # this unit sees one state of the database: nothing lies below

    def _backlog(self, counting: Prepared, following: Prepared, now: dt.datetime, values: Values) -> Backlog:
        values["now"] = to_us(now)
        count, oldest = self.one(counting, values) or (0, None)
        following_row = self.one(following, values)
        due = following_row[0] if following_row else None
        return Backlog(
            due=count,
            oldest_due=None if oldest is None else from_us(oldest),
            next_due=None if due is None else from_us(due),
        )


def _earliest(instants: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)
