"""The fixed statements, built and compiled once an engine; they run as text on the driver.

SQLAlchemy writes the SQL, so one description serves every database; running the compiled text on the driver's own
cursor saves the larger part of what a Core execution costs on the write path (`bench/life.py` holds the figures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import attrs
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Dialect,
    Select,
    TextClause,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from supportkit.storage import queue_statements as queue
from supportkit.storage import ranked_statements
from supportkit.storage import schema as t
from supportkit.storage.dropping import dropping
from supportkit.storage.grammar import Grammar, grammar_of
from supportkit.storage.receiving_statements import receiving

Row = Sequence[Any]


@attrs.frozen
class Prepared:
    """A compiled statement and the order of its parameters."""

    sql: str
    names: tuple[str, ...] | None
    constants: Mapping[str, Any]
    _pick: Callable[[Mapping[str, Any]], Any] | None = attrs.field(init=False, eq=False, repr=False)

    @_pick.default
    def _picker(self) -> Callable[[Mapping[str, Any]], Any] | None:
        """Return what puts values in order; `itemgetter` does it at twice the speed of a loop."""
        names = self.names
        if names is None or len(names) > 1:
            return None if names is None else itemgetter(*names)
        return lambda values: tuple([values[name] for name in names])  # of one name it would give the bare value

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Return *values* as the driver wants them: a tuple in order, or a dict where it takes names."""
        given = {**self.constants, **values} if self.constants else values
        return given if self._pick is None else self._pick(given)

    def bind_all(self, several: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Return each of *several* as `bind` does."""
        if self.constants or self._pick is None:
            return [self.bind(values) for values in several]
        return list(map(self._pick, several))


def prepare(statement: ClauseElement, dialect: Dialect) -> Prepared:
    """Compile *statement* for *dialect*."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 - for the type checker
    given = {name for bind, name in compiled.bind_names.items() if bind.required}
    constants = {name: value for name, value in compiled.params.items() if name not in given}
    names = tuple(compiled.positiontup) if compiled.positiontup is not None else None
    return Prepared(str(compiled), names, constants)


TICKET_COLUMNS = tuple(column.name for column in t.ticket.columns if column.name != "tenant")
_EVENT = (
    t.event.c.occurred_at,
    t.event.c.recorded_at,
    t.event.c.actor,
    t.event.c.command,
    t.event.c.type,
    t.event.c.schema,
    t.event.c.data,
    t.event_text.c.data,
)
_TENANT: BindParameter[Any] = bindparam("tenant")


def events(grammar: Grammar) -> Select[Any]:
    """Select events with their private texts."""
    texts = and_(
        t.event_text.c.tenant == t.event.c.tenant,
        t.event_text.c.ticket == t.event.c.ticket,
        t.event_text.c.seq == t.event.c.seq,
    )
    found = select(t.event.c.ticket, t.event.c.seq, grammar.place, *_EVENT)
    return found.select_from(t.event.outerjoin(t.event_text, texts)).where(t.event.c.tenant == _TENANT)


def tickets() -> Select[Any]:
    """Select ticket rows in the order of `TICKET_COLUMNS`."""
    return select(*[t.ticket.c[name] for name in TICKET_COLUMNS]).where(t.ticket.c.tenant == _TENANT)


@attrs.frozen
class Statements:
    """Every fixed statement of the SQL storage, compiled for one dialect."""

    get: Prepared
    by_number: Prepared
    get_held: Prepared
    by_number_held: Prepared
    take_ticket: Prepared
    queue_free: Prepared
    queue_team: Prepared
    queue_no_team: Prepared
    queue_own: Prepared
    counts: Prepared
    history: Prepared
    events_after: Prepared
    message: Prepared
    customer: Prepared
    customers: Prepared
    receipt: Prepared
    reserve: Prepared
    insert_ticket: Prepared
    update_ticket: Prepared
    insert_event: Prepared
    insert_event_text: Prepared
    insert_message: Prepared
    insert_note: Prepared
    move_message: Prepared
    rewrite_message: Prepared
    insert_customer: Prepared
    update_customer: Prepared
    insert_term: Prepared
    delete_term: Prepared
    insert_outbox: Prepared
    insert_receipt: Prepared
    put_timer: Prepared
    next_channel: Prepared
    next_account: Prepared
    turns: Prepared
    put_turn: Prepared
    delivery: Prepared
    insert_timer: Prepared
    due_outbox: Prepared
    lost_outbox: Prepared
    claim_outbox: Prepared
    insert_attempt: Prepared
    settle_outbox: Prepared
    settle_attempt: Prepared
    decide_outbox: Prepared
    unsettled: Prepared
    cancel_outbox: Prepared
    withdraw_outbox: Prepared
    outbox_backlog: Prepared
    outbox_next: Prepared
    due_timers: Prepared
    claim_timer: Prepared
    claim_timers: Prepared | None
    """Both in one; `None` where the database cannot return what it updates."""
    settle_timer: Prepared
    timer_backlog: Prepared
    timer_oldest: Prepared
    timer_next: Prepared
    wake: Prepared
    wake_new: Prepared
    fired: Prepared
    insert_firing: Prepared
    settings: Prepared
    insert_settings: Prepared
    insert_address: Prepared
    insert_leg: Prepared
    insert_conversation: Prepared
    insert_heard: Prepared
    insert_file: Prepared
    insert_arrival: Prepared
    insert_poll: Prepared
    insert_budget: Prepared
    insert_waiting: Prepared
    insert_record: Prepared
    known_arrival: Prepared
    due_arrival: Prepared
    claim_arrival: Prepared
    settle_arrival: Prepared
    heard: Prepared
    leg: Prepared
    legs: Prepared
    conversation: Prepared
    owners: Prepared
    sent_as: Prepared
    file: Prepared
    spend: Prepared
    has_budget: Prepared
    spent: Prepared
    follower: Prepared
    put_follower: Prepared
    expired_keys: Prepared
    drop_key: Prepared
    expired_deliveries: Prepared
    drop_delivery: Prepared
    drop_attempts: Prepared
    closed_before: Prepared
    drop_ticket: Prepared
    drop_events: Prepared
    drop_event_texts: Prepared
    drop_messages: Prepared
    drop_notes: Prepared
    drop_ticket_attempts: Prepared
    drop_outbox: Prepared
    drop_timers: Prepared
    drop_firings: Prepared
    drop_terms: Prepared

    @classmethod
    def compile(cls, dialect: Dialect) -> Statements:
        """Build all statements for *dialect*."""
        grammar = grammar_of(dialect.name)
        built = {
            **_reads(grammar),
            **_writes(grammar),
            **queue.lanes(grammar),
            **queue.outbox(grammar),
            **_timers(grammar),
            **dropping(tickets()),
            **ranked_statements.queue(tickets(), dialect.name),
            **receiving(),
            **{f"insert_{table.name.removeprefix(t.PREFIX)}": insert(table) for table in t.PLAIN},
        }
        together = built.pop("claim_timers")
        return cls(
            claim_timers=prepare(together, dialect) if dialect.update_returning else None,
            **{name: prepare(statement, dialect) for name, statement in built.items()},
        )


def _reads(grammar: Grammar) -> dict[str, ClauseElement]:
    return {
        "get": tickets().where(t.ticket.c.id == bindparam("id")),
        "by_number": tickets().where(t.ticket.c.number == bindparam("number")),
        # Of PostgreSQL's locks the one that an update of the row takes itself; SQLite has none and needs none.
        "take_ticket": tickets()
        .where(t.ticket.c.id == bindparam("id"), t.ticket.c.assignee.is_(None), t.ticket.c.rank.is_not(None))
        .with_for_update(key_share=True, skip_locked=True),
        "get_held": tickets().where(t.ticket.c.id == bindparam("id")).with_for_update(key_share=True),
        "by_number_held": tickets().where(t.ticket.c.number == bindparam("number")).with_for_update(key_share=True),
        "counts": select(t.ticket.c.state, t.ticket.c.tier, func.count())
        .where(t.ticket.c.tenant == _TENANT)
        .group_by(t.ticket.c.state, t.ticket.c.tier),
        "history": events(grammar).where(t.event.c.ticket == bindparam("ticket")).order_by(t.event.c.seq),
        "events_after": events(grammar)
        .where(grammar.behind)
        .order_by(*grammar.order)
        .limit(bindparam("limit", type_=t.event.c.seq.type)),
        "message": select(t.message).where(t.message.c.tenant == _TENANT, t.message.c.id == bindparam("id")),
        "customer": select(t.customer.c.data, t.customer.c.version, t.customer.c.created_at, t.customer.c.id).where(
            t.customer.c.tenant == _TENANT, t.customer.c.id == bindparam("id")
        ),
        "customers": select(t.customer.c.data, t.customer.c.version, t.customer.c.created_at, t.customer.c.id)
        .where(t.customer.c.tenant == _TENANT, t.customer.c.id > bindparam("after"))
        .order_by(t.customer.c.id)
        .limit(bindparam("limit", type_=t.event.c.seq.type)),
        "receipt": select(
            t.idempotency.c.key,
            t.idempotency.c.fingerprint,
            t.idempotency.c.ticket,
            t.idempotency.c.seq,
            t.idempotency.c.outcome,
            t.idempotency.c.created_at,
        ).where(t.idempotency.c.tenant == _TENANT, t.idempotency.c.key == bindparam("key")),
        "fired": select(t.firing.c.id).where(t.firing.c.tenant == _TENANT, t.firing.c.ticket == bindparam("ticket")),
        "settings": select(t.settings)
        .where(
            t.settings.c.tenant == _TENANT,
            t.settings.c.subject == bindparam("subject"),
            t.settings.c.number > bindparam("after"),
        )
        .order_by(t.settings.c.number),
        "follower": select(t.follower.c.cursor).where(
            t.follower.c.tenant == _TENANT, t.follower.c.name == bindparam("name")
        ),
    }


def _writes(grammar: Grammar) -> dict[str, ClauseElement]:
    changed: dict[str, BindParameter[Any]] = {
        name: bindparam(name) for name in TICKET_COLUMNS if name not in {"id", "number", "reference"}
    }
    return {
        "reserve": grammar.upsert(
            t.counter,
            ["tenant"],
            lambda new: {
                "number": t.counter.c.number + new.number,
                "position": t.counter.c.position + new.position,
            },
        )
        .values(tenant=_TENANT, number=bindparam("numbers"), position=bindparam("positions"))
        .returning(t.counter.c.number, t.counter.c.position),
        "insert_ticket": insert(t.ticket),
        "update_ticket": update(t.ticket)
        .where(
            t.ticket.c.tenant == _TENANT, t.ticket.c.id == bindparam("id"), t.ticket.c.version == bindparam("expected")
        )
        .values(changed),
        "insert_event": grammar.insert_event,
        "insert_event_text": insert(t.event_text),
        "insert_message": insert(t.message),
        "insert_note": insert(t.note),
        "move_message": update(t.message)
        .where(t.message.c.tenant == _TENANT, t.message.c.id == bindparam("moved"))
        .values(ticket=bindparam("ticket")),
        "rewrite_message": update(t.message)
        .where(t.message.c.tenant == _TENANT, t.message.c.id == bindparam("rewritten"))
        .values(body=bindparam("body"), attachments=bindparam("attachments")),
        "insert_customer": insert(t.customer),
        "update_customer": update(t.customer)
        .where(
            t.customer.c.tenant == _TENANT,
            t.customer.c.id == bindparam("id"),
            t.customer.c.version == bindparam("expected"),
        )
        .values(version=bindparam("version"), data=bindparam("data")),
        "insert_term": grammar.unless_there(t.term),
        "delete_term": t.term.delete().where(
            t.term.c.tenant == _TENANT, t.term.c.ticket == bindparam("ticket"), t.term.c.term == bindparam("term")
        ),
        "insert_firing": insert(t.firing),
        "insert_settings": insert(t.settings),
        "insert_receipt": insert(t.idempotency),
        "put_follower": grammar.upsert(t.follower, ["tenant", "name"], lambda new: {"cursor": new.cursor}),
    }


def _above_floor(grammar: Grammar, live: TextClause, due: Column[Any]) -> ColumnElement[bool]:
    """Leave out what lies below the floor, where a database has one; see `floors`."""
    return and_(live, due >= bindparam("since", type_=due.type)) if grammar.has_floors else and_(live)


def _wake(now: BindParameter[int]) -> dict[str, ClauseElement]:
    """Bring the timers of tickets that have a note forward, and make those that are missing."""
    m = t.timer
    called = bindparam("called", type_=m.c.name.type)
    noted = and_(t.ticket.c.tenant == _TENANT, t.ticket.c.clocks != "")
    there = exists().where(m.c.tenant == t.ticket.c.tenant, m.c.ticket == t.ticket.c.id, m.c.name == called)
    new = select(
        t.ticket.c.tenant, t.ticket.c.id, called, literal(""), now, literal("waiting"), literal(0), literal(0), null()
    ).where(noted, ~there)
    return {
        "wake": update(m)
        .where(
            m.c.tenant == _TENANT,
            m.c.name == called,
            m.c.state != "leased",
            or_(m.c.state != "waiting", m.c.due_at > now),
            m.c.ticket.in_(select(t.ticket.c.id).where(noted)),
        )
        .values(due_at=now, state="waiting", fence=m.c.fence + 1, attempts=0, lease_until=None),
        "wake_new": insert(m).from_select([column.name for column in m.columns], new),
    }


def _timers(grammar: Grammar) -> dict[str, ClauseElement]:
    m = t.timer
    now = bindparam("now", type_=m.c.due_at.type)
    live = _above_floor(grammar, text("supportkit_timer.state IN ('waiting', 'leased')"), m.c.due_at)
    due = and_(live, m.c.due_at <= now, or_(m.c.state == "waiting", m.c.lease_until <= now))
    # Both halves touch the begin of the index only, however many timers wait: what is leased was due at its claim.
    first = (
        select(m.c.due_at.label("instant"))
        .where(m.c.tenant == _TENANT, live, or_(m.c.state == "waiting", m.c.due_at > now))
        .order_by(m.c.due_at)
        .limit(1)
        .subquery()
    )
    leased = select(func.min(m.c.lease_until)).where(
        m.c.tenant == _TENANT, live, m.c.state == "leased", m.c.due_at <= now
    )
    # Counted up to a bound, so that a turn after a long stop does not begin with counting a million rows.
    waiting = (
        select(m.c.due_at).where(m.c.tenant == _TENANT, due).order_by(m.c.due_at).limit(queue.MOST_COUNTED).subquery()
    )
    upcoming = union_all(select(first.c.instant), leased).subquery()
    found = (
        select(m)
        .where(m.c.tenant == _TENANT, due)
        .order_by(m.c.due_at, m.c.ticket)
        .limit(bindparam("limit", type_=m.c.fence.type))
        .with_for_update(skip_locked=True)
    )
    # Joined, not asked for by `IN`: that one is looked up by half of the key once SQLite has statistics. And a common
    # table expression is run once, where a subquery that locks rows may be run again for every row.
    first_due = found.with_only_columns(m.c.ticket, m.c.name, m.c.instance).cte("due")
    leased_now: dict[str, Any] = {
        "state": "leased",
        "fence": m.c.fence + 1,
        "attempts": m.c.attempts + 1,
        "lease_until": bindparam("lease_until"),
    }
    return {
        "put_timer": grammar.upsert(
            m,
            ["tenant", "ticket", "name", "instance"],
            lambda new: {
                "due_at": new.due_at,
                "state": new.state,
                # Written out: PyMySQL puts many rows into one statement, and then only their values can be parameters.
                "fence": m.c.fence + literal_column("1"),
                "attempts": literal_column("0"),
                "lease_until": null(),
            },
        ),
        "insert_timer": insert(m),
        "due_timers": found,
        "claim_timer": update(m)
        .where(
            m.c.tenant == _TENANT,
            m.c.ticket == bindparam("on"),
            m.c.name == bindparam("called"),
            m.c.instance == bindparam("nth"),
            m.c.fence == bindparam("fenced"),
        )
        .values(leased_now),
        "claim_timers": update(m)
        .where(
            m.c.tenant == _TENANT,
            m.c.ticket == first_due.c.ticket,
            m.c.name == first_due.c.name,
            m.c.instance == first_due.c.instance,
        )
        .values(leased_now)
        .returning(*m.c),
        "settle_timer": update(m)
        .where(
            m.c.tenant == _TENANT,
            m.c.ticket == bindparam("on"),
            m.c.name == bindparam("called"),
            m.c.instance == bindparam("nth"),
            m.c.fence == bindparam("fenced"),
            m.c.state == "leased",
        )
        .values(state=bindparam("state"), lease_until=None, attempts=m.c.attempts - bindparam("untried")),
        **_wake(now),
        "timer_backlog": select(func.count(), func.min(waiting.c.due_at)),
        "timer_oldest": select(func.min(m.c.due_at)).where(m.c.tenant == _TENANT, live),
        "timer_next": select(func.min(upcoming.c.instant)),
    }
