"""The work queue as fixed statements: one range of an index each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, bindparam, or_, text
from sqlalchemy.sql import ClauseElement

from supportkit.storage import schema as t

_C = t.ticket.c
_IS_RANKED = text("supportkit_ticket.rank IS NOT NULL")
"""In the words of the partial indexes, so that every planner sees that they serve."""


def queue(tickets: Select[Any], dialect: str) -> dict[str, ClauseElement]:
    """Return the statements of a queue, each from a place on: all that nobody has, that of a line, that of a person.

    The order names all columns of the index on PostgreSQL, which does not see that `IS NULL` leaves one value; MariaDB
    would sort then.
    """
    is_whole = dialect == "postgresql"
    rank, number = bindparam("rank", type_=_C.rank.type), bindparam("number", type_=_C.number.type)
    behind = and_(_C.rank >= rank, or_(_C.rank > rank, _C.number > number))
    nobodys, in_tier = _C.assignee.is_(None), _C.tier == bindparam("tier", type_=_C.tier.type)
    in_team = _C.team == bindparam("team", type_=_C.team.type)
    his = _C.assignee == bindparam("assignee", type_=_C.assignee.type)
    shapes: dict[str, tuple[list[Any], list[Any]]] = {
        "queue_free": ([nobodys], [_C.assignee]),
        "queue_team": ([nobodys, in_team, in_tier], [_C.assignee, _C.team, _C.tier]),
        "queue_no_team": ([nobodys, _C.team.is_(None), in_tier], [_C.assignee, _C.team, _C.tier]),
        "queue_own": ([his], [_C.assignee]),
    }
    return {
        name: tickets.where(and_(_IS_RANKED), behind, *wanted)
        .order_by(*(order if is_whole else ()), _C.rank, _C.number)
        .limit(bindparam("limit", type_=_C.number.type))
        for name, (wanted, order) in shapes.items()
    }
