"""Deliveries and deadlines: what workers claim under a lease and settle under a fence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from operator import itemgetter

from sqlalchemy import select

from supportkit.clock import from_us, to_us
from supportkit.model.change import OutboxState, Outgoing, Timer, TimerState
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.port import MAX_BATCH, MAX_PAGE, Backlog, check_limit, is_id
from supportkit.storage.session import Session, Values
from supportkit.storage.statements import Prepared, Row

_DUE_ORDER = itemgetter(4, 1, 2, 3)
"""Of a row of the timer table: its instant, then its key. What an update returns comes in no order."""


class Working(Session):
    """A session with the verbs of workers."""

    __slots__ = ()

    # -- outbox ------------------------------------------------------------------------------------------------------

    def claim_outbox(self, now: dt.datetime, *, lease: dt.timedelta, worker: str) -> tuple[Outgoing, bool] | None:
        """Lease the delivery that has waited longest; the attempt is written down before any call."""
        self.require_write()
        at = to_us(now)
        row = self.one(self._st.due_outbox, {"now": at})
        if row is None:
            return None
        found = rows.read_outgoing(row)
        fence, attempts, until = found.fence + 1, found.attempts + 1, now + lease
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
        leased = rows.outgoing_row(found) | {
            "state": OutboxState.LEASED.value,
            "fence": fence,
            "attempts": attempts,
            "lease_until": to_us(until),
        }
        claimed = rows.read_outgoing([leased[column.name] for column in t.outbox.columns])
        return claimed, found.state is OutboxState.LEASED

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
    ) -> bool:
        """Store the result of a claimed delivery; false, with the attempt marked late, under an old fence."""
        self.require_write()
        values = {
            "row": delivery.id,
            "fence": delivery.fence,
            "state": state.value,
            "available_at": to_us(available_at or delivery.available_at),
            "external_id": external_id,
            "possible_duplicate": int(possible_duplicate or delivery.possible_duplicate),
            "reason": reason,
        }
        mine: bool = self.run(self._st.settle_outbox, values).rowcount == 1
        result = state.value if mine else "late_result"
        finished = {"row": delivery.id, "fence": delivery.fence, "finished_at": to_us(now), "result": result}
        self.run(self._st.settle_attempt, finished)
        return mine

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

    def outbox_backlog(self, now: dt.datetime) -> Backlog:
        """Return what waits in the outbox."""
        return self._backlog(self._st.outbox_backlog, self._st.outbox_next, now)

    # -- timers ------------------------------------------------------------------------------------------------------

    def claim_timers(self, now: dt.datetime, limit: int, *, lease: dt.timedelta) -> Sequence[Timer]:
        """Lease up to *limit* timers that are due, in due order."""
        self.require_write()
        values = {"now": to_us(now), "limit": check_limit(limit, MAX_BATCH), "lease_until": to_us(now + lease)}
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
        self.run(self._st.wake, {"called": name, "now": to_us(at)})
        self.run(self._st.wake_new, {"called": name, "now": to_us(at)})

    def timer_backlog(self, now: dt.datetime) -> Backlog:
        """Return which deadlines wait."""
        return self._backlog(self._st.timer_backlog, self._st.timer_next, now)

    def _backlog(self, counting: Prepared, following: Prepared, now: dt.datetime) -> Backlog:
        at = to_us(now)
        count, oldest = self.one(counting, {"now": at}) or (0, None)
        following_row = self.one(following, {"now": at})
        due = following_row[0] if following_row else None
        return Backlog(
            due=count,
            oldest_due=None if oldest is None else from_us(oldest),
            next_due=None if due is None else from_us(due),
        )
