"""The work queue in SQL: branches of an index, a lock that nobody waits for, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, union_all

from supportkit.model.ticket import Ticket
from supportkit.storage import rows
from supportkit.storage import schema as t
from supportkit.storage.port import is_id
from supportkit.storage.ranking import Line, QueueQuery
from supportkit.storage.statements import TICKET_COLUMNS
from supportkit.storage.working import Working

_C = t.ticket.c
_IS_RANKED = text("supportkit_ticket.rank IS NOT NULL")
"""In the words of the partial indexes, so that every planner sees that they serve."""


def queue_statement(tenant: str, query: QueueQuery, dialect: str) -> Select[Any]:
    """Return the statement of a query: one range of an index a line, put together in the order of the queue.

    The order names all columns of the index on PostgreSQL, which does not see that `IS NULL` leaves one value; MariaDB
    would sort then.
    """
    is_whole = dialect == "postgresql"
    if query.lines is None:
        return _branch(tenant, query, None, is_whole=is_whole)
    branches = [_branch(tenant, query, line, is_whole=is_whole) for line in dict.fromkeys(query.lines)]
    if len(branches) == 1:
        return branches[0]
    # Each in a query of its own: SQLite takes no order and no limit inside a union.
    found = union_all(*[select(branch.subquery()) for branch in branches]).subquery()
    return select(found).order_by(found.c.rank, found.c.number).limit(query.limit)


def _branch(tenant: str, query: QueueQuery, line: Line | None, *, is_whole: bool) -> Select[Any]:
    wanted: list[ColumnElement[bool]] = [_C.tenant == tenant, and_(_IS_RANKED)]
    wanted.append(_C.assignee.is_(None) if query.assignee is None else _C.assignee == query.assignee)
    order: list[Any] = [_C.assignee]
    if line is not None:
        team, tier = line
        wanted += [_C.team.is_(None) if team is None else _C.team == team, _C.tier == tier]
        order += [_C.team, _C.tier]
    if query.after is not None:
        rank, number = query.after
        wanted.append(and_(_C.rank >= rank, or_(_C.rank > rank, _C.number > number)))
    columns = [_C[name] for name in TICKET_COLUMNS]
    return select(*columns).where(*wanted).order_by(*(order if is_whole else ()), _C.rank, _C.number).limit(query.limit)


class Ranked(Working):
    """A session with the verbs of the work queue."""

    __slots__ = ()

    def ranked(self, query: QueueQuery) -> Sequence[Ticket]:
        """Return tickets of the work queue, in its order."""
        if query.lines == () or not (query.assignee is None or is_id(query.assignee)):
            return []
        statement = queue_statement(self.tenant, query, self.database.name)
        return [rows.read_ticket(self.tenant, row) for row in self.select(statement)]

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
