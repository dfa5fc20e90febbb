"""Finding tickets: criteria to one `SELECT`, and keyset cursors that stay right while tickets come and go."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Select, SelectBase, and_, false, or_, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import SQLColumnExpression
from sqlalchemy.sql.functions import FunctionElement

from supportkit.clock import to_us
from supportkit.errors import InvalidCursor, LimitExceeded
from supportkit.storage import schema as t
from supportkit.storage.port import TicketQuery
from supportkit.storage.statements import TICKET_COLUMNS
from supportkit.storage.terms import query_terms, tag_term

_CURSOR_CHARS = 400
_INT64 = 2**63
_MOST_TERMS = 50


def find_statement(tenant: str, query: TicketQuery) -> Select[Any]:
    """Return the statement of a query: one row more than asked for tells whether there is a next page.

    Raises:
        InvalidCursor: The cursor is damaged or of another query.
    """
    c = t.ticket.c
    mine = likely(c.tenant == tenant)
    statement = select(*[c[name] for name in TICKET_COLUMNS]).where(mine, *_criteria(tenant, query))
    sort: SQLColumnExpression[Any] = c[query.sort]
    if query.cursor is not None:
        statement = statement.where(_behind(sort, *_read_cursor(query), descending=query.descending))
    order = [sort] if query.sort == "number" else [sort, c.number]
    return statement.order_by(*[column.desc() if query.descending else column for column in order]).limit(
        query.limit + 1
    )


def _behind(sort: SQLColumnExpression[Any], value: int, number: int, *, descending: bool) -> ColumnElement[bool]:
    """Return the condition of what comes after a ticket; its first half is a range that an index serves."""
    numbers = t.ticket.c.number
    if sort is numbers:
        return numbers < number if descending else numbers > number
    if descending:
        return and_(sort <= value, or_(sort < value, numbers < number))
    return and_(sort >= value, or_(sort > value, numbers > number))


def _criteria(tenant: str, query: TicketQuery) -> list[ColumnElement[bool]]:
    c = t.ticket.c
    wanted: list[ColumnElement[bool]] = [
        unlikely(column.in_(list(values)))
        for column, values in (
            (c.state, query.states),
            (c.category, [category.value for category in query.categories]),
            (c.team, query.teams),
            (c.assignee, query.assignees),
            (c.customer, query.customers),
            (c.channel, query.channels),
            (c.priority, [int(priority) for priority in query.priorities]),
            (c.tier, [tier for tier in query.tiers if abs(tier) < _INT64]),
        )
        if values
    ]
    if query.tiers and not any(abs(tier) < _INT64 for tier in query.tiers):
        wanted.append(false())
    if query.unassigned:
        wanted.append(unlikely(c.assignee.is_(None)))
    for column, start, end in (
        (c.created_at, query.created_from, query.created_until),
        (c.updated_at, query.updated_from, query.updated_until),
    ):
        if start is not None:
            wanted.append(column >= to_us(start))
        if end is not None:
            wanted.append(column < to_us(end))
    wanted += [unlikely(c.id.in_(_tickets_with(tenant, t.term.c.term == tag_term(tag)))) for tag in query.tags]
    if query.text:
        wanted += _text_criteria(tenant, query.text)
    return wanted


def _text_criteria(tenant: str, text: str) -> list[ColumnElement[bool]]:
    exact, prefixes = query_terms(text)
    if not exact and not prefixes:
        return [false()]
    if len(exact) + len(prefixes) > _MOST_TERMS:
        raise LimitExceeded("words of a search", _MOST_TERMS, len(exact) + len(prefixes))
    term = t.term.c.term
    found: list[SelectBase] = [_tickets_with(tenant, term.in_([f"w:{word}", f"n:{word}"])) for word in exact]
    found += [
        union_all(*[_tickets_with(tenant, _begins(term, mark + char)) for mark in ("w:", "n:")]) for char in prefixes
    ]
    return [unlikely(t.ticket.c.id.in_(subquery)) for subquery in found]


def _begins(column: ColumnElement[str], start: str) -> ColumnElement[bool]:
    """Return the condition of a prefix as a range: an index serves it, which no LIKE with an escape has."""
    return and_(column >= start, column < start[:-1] + chr(ord(start[-1]) + 1))


def _tickets_with(tenant: str, condition: ColumnElement[bool]) -> Select[Any]:
    return select(t.term.c.ticket).where(t.term.c.tenant == tenant, condition)


# -- what the planner of SQLite cannot know ---------------------------------------------------------------------------


class likely(FunctionElement[bool]):  # noqa: N801 - as SQL calls it
    """A condition that nearly every row meets, as that of the tenant does: no reason to choose an index by it.

    Without statistics SQLite takes every first column of an index to be as good as any other and reads all tickets of
    the tenant in the order of their numbers. Other databases keep statistics; there this is the bare condition.
    """

    name = "likely"
    inherit_cache = True


class unlikely(FunctionElement[bool]):  # noqa: N801 - as SQL calls it
    """A condition that few rows meet: worth an index, and a sort of what it finds."""

    name = "unlikely"
    inherit_cache = True


@compiles(likely)
@compiles(unlikely)
def _bare(element: FunctionElement[bool], compiler: SQLCompiler, **how: Any) -> str:
    return compiler.process(element.clauses, **how)


@compiles(likely, "sqlite")
@compiles(unlikely, "sqlite")
def _hinted(element: FunctionElement[bool], compiler: SQLCompiler, **how: Any) -> str:
    return f"{element.name}({compiler.process(element.clauses, **how)})"


# -- cursors ---------------------------------------------------------------------------------------------------------


def _fingerprint(query: TicketQuery) -> str:
    plain = attrs.evolve(query, cursor=None, limit=1)
    return hashlib.sha256(repr(plain).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_cursor(query: TicketQuery, value: int, number: int) -> str:
    """Return the cursor after a ticket with this sort value and number."""
    plain = json.dumps([_fingerprint(query), value, number], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode("ascii")


def _read_cursor(query: TicketQuery) -> tuple[int, int]:
    text = query.cursor
    if not isinstance(text, str) or len(text) > _CURSOR_CHARS or not text.isascii():
        raise InvalidCursor
    try:
        plain = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        mark, value, number = plain
    except (ValueError, TypeError, RecursionError):
        raise InvalidCursor from None
    if mark != _fingerprint(query) or not _is_int64(value) or not _is_int64(number):
        raise InvalidCursor
    return value, number


def _is_int64(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT64
