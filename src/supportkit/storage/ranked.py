"""The work queue in SQL: ranges of an index, a lock that nobody waits for, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from sqlalchemy import and_, func, select, text

from supportkit.model.ticket import Ticket
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.port import is_id
from supportkit.storage.ranking import QueueQuery
from supportkit.storage.session import Values
from supportkit.storage.statements import Prepared
from supportkit.storage.working import Working

_C = t.ticket.c
_IS_RANKED = text("supportkit_ticket.rank IS NOT NULL")
_BEFORE_ALL = (-(2**63), -1)
_place = attrgetter("rank", "number")


class Ranked(Working):
    """A session with the verbs of the work queue."""

    __slots__ = ()

    def ranked(self, query: QueueQuery) -> Sequence[Ticket]:
        """Return tickets of the work queue, in its order."""
        rank, number = query.after or _BEFORE_ALL
        place: Values = {"rank": rank, "number": number, "limit": query.limit}
        st = self._st
        if query.assignee is not None:
            return self._tickets(st.queue_own, {**place, "assignee": query.assignee}) if is_id(query.assignee) else []
        if query.lines is None:
            return self._tickets(st.queue_free, place)
        found: list[Ticket] = []
        for team, tier in dict.fromkeys(query.lines):
            line = {**place, "tier": tier}
            if team is None:
                found += self._tickets(st.queue_no_team, line)
            elif is_id(team):
                found += self._tickets(st.queue_team, {**line, "team": team})
        found.sort(key=_place)
        return found[: query.limit]

    def _tickets(self, statement: Prepared, values: Values) -> list[Ticket]:
        return [rows.read_ticket(self.tenant, row) for row in self.all(statement, values)]

    def take(self, ticket_id: str) -> Ticket | None:
        """Return a ticket of the queue that nobody has, locked until the end of this unit."""
        self.require_write()
        if not is_id(ticket_id):
            return None
        row = self.one(self._st.take_ticket, {"id": ticket_id})
        return None if row is None else rows.read_ticket(self.tenant, row)

    def loads(self, assignees: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Return how many tickets of the queue these people have, by person and channel."""
        wanted = [one for one in assignees if is_id(one)]
        if not wanted:
            return {}
        found = self.select(
            select(_C.assignee, _C.channel, func.count())
            .where(_C.tenant == self.tenant, and_(_IS_RANKED), _C.assignee.in_(wanted))
            .group_by(_C.assignee, _C.channel)
        )
        return {(assignee, channel): int(count) for assignee, channel, count in found}
