"""Finding tickets: criteria to one `SELECT`, and keyset cursors that stay right while tickets come and go."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.sql.elements import SQLColumnExpression

from supportkit.clock import to_us
from supportkit.errors import InvalidCursor
from supportkit.storage import schema as t
from supportkit.storage.port import TicketQuery
from supportkit.storage.statements import TICKET_COLUMNS
from supportkit.storage.terms import query_terms, tag_term

_CURSOR_CHARS = 400
_INT64 = 2**63


def find_statement(tenant: str, query: TicketQuery) -> Select[Any]:
    """Return the statement of a query: one row more than asked for tells whether there is a next page.

    Raises:
        InvalidCursor: The cursor is damaged or of another query.
    """
    c = t.ticket.c
    statement = select(*[c[name] for name in TICKET_COLUMNS]).where(c.tenant == tenant, *_criteria(tenant, query))
    sort: SQLColumnExpression[Any] = c[query.sort]
    if query.cursor is not None:
        value, number = _read_cursor(query)
        if query.descending:
            after = or_(sort < value, and_(sort == value, c.number < number))
        else:
            after = or_(sort > value, and_(sort == value, c.number > number))
        statement = statement.where(after)
    order = (sort.desc(), c.number.desc()) if query.descending else (sort.asc(), c.number.asc())
    return statement.order_by(*order).limit(query.limit + 1)


def _criteria(tenant: str, query: TicketQuery) -> list[ColumnElement[bool]]:
    c = t.ticket.c
    wanted: list[ColumnElement[bool]] = [
        column.in_(list(values))
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
        wanted.append(c.assignee.is_(None))
    for column, start, end in (
        (c.created_at, query.created_from, query.created_until),
        (c.updated_at, query.updated_from, query.updated_until),
    ):
        if start is not None:
            wanted.append(column >= to_us(start))
        if end is not None:
            wanted.append(column < to_us(end))
    wanted += [c.id.in_(_tickets_with(tenant, t.term.c.term == tag_term(tag))) for tag in query.tags]
    if query.text:
        wanted += _text_criteria(tenant, query.text)
    return wanted


def _text_criteria(tenant: str, text: str) -> list[ColumnElement[bool]]:
    exact, prefixes = query_terms(text)
    if not exact and not prefixes:
        return [false()]
    term = t.term.c.term
    found = [_tickets_with(tenant, term.in_([f"w:{word}", f"n:{word}"])) for word in exact]
    found += [
        _tickets_with(
            tenant,
            or_(term.startswith(f"w:{prefix}", autoescape=True), term.startswith(f"n:{prefix}", autoescape=True)),
        )
        for prefix in prefixes
    ]
    return [t.ticket.c.id.in_(subquery) for subquery in found]


def _tickets_with(tenant: str, condition: ColumnElement[bool]) -> Select[Any]:
    return select(t.term.c.ticket).where(t.term.c.tenant == tenant, condition)


# -- cursors ---------------------------------------------------------------------------------------------------------


def _fingerprint(query: TicketQuery) -> str:
    plain = attrs.evolve(query, cursor=None, limit=1)
    return hashlib.sha256(repr(plain).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_cursor(query: TicketQuery, value: int, number: int) -> str:
    """Return the cursor after a ticket with this sort value and number."""
    plain = json.dumps([_fingerprint(query), value, number], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode("ascii")


def _read_cursor(query: TicketQuery) -> tuple[int, int]:
    text = query.cursor or ""
    if len(text) > _CURSOR_CHARS or not text.isascii():
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
