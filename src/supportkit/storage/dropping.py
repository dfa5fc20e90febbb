"""The statements that delete: by age, or all that belongs to one ticket."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, exists, select, text
from sqlalchemy.sql import ClauseElement

from supportkit.storage import schema as t


def dropping(tickets: Select[Any]) -> dict[str, ClauseElement]:
    """Return the statements by name; *tickets* selects whole rows of the tenant."""
    return {**_by_age(), **_of_a_ticket(), "closed_before": _closed_before(tickets)}


def _closed_before(tickets: Select[Any]) -> ClauseElement:
    k, o = t.ticket, t.outbox
    waiting = exists().where(
        o.c.tenant == k.c.tenant,
        o.c.ticket == k.c.id,
        text("supportkit_outbox.state IN ('pending', 'leased', 'parked', 'unknown')"),
    )
    return (
        tickets.where(
            text("supportkit_ticket.closed_at IS NOT NULL"),  # to the letter, as a partial index wants it
            k.c.closed_at < bindparam("before", type_=k.c.closed_at.type),
            k.c.category == "closed",
            k.c.merged_into.is_(None),
            ~waiting,
        )
        .order_by(k.c.closed_at, k.c.number)
        .limit(bindparam("limit", type_=k.c.version.type))
    )


def _by_age() -> dict[str, ClauseElement]:
    i, o, a = t.idempotency, t.outbox, t.attempt
    limit = bindparam("limit", type_=o.c.fence.type)
    before = bindparam("before", type_=o.c.available_at.type)
    settled = text("supportkit_outbox.state IN ('sent', 'failed', 'suppressed', 'cancelled')")
    return {
        "expired_keys": select(i.c.key)
        .where(i.c.tenant == bindparam("tenant"), i.c.created_at < before)
        .order_by(i.c.created_at)
        .limit(limit),
        "drop_key": delete(i).where(i.c.tenant == bindparam("tenant"), i.c.key == bindparam("key")),
        "expired_deliveries": select(o.c.id)
        .where(
            o.c.tenant == bindparam("tenant"),
            settled,
            o.c.available_at < before,
            ~exists().where(a.c.tenant == o.c.tenant, a.c.outbox == o.c.id, a.c.started_at >= before),
        )
        .order_by(o.c.available_at)
        .limit(limit),
        # Its state is looked at again: a person may have put it back meanwhile.
        "drop_delivery": delete(o).where(o.c.tenant == bindparam("tenant"), o.c.id == bindparam("row"), settled),
        "drop_attempts": delete(a).where(a.c.tenant == bindparam("tenant"), a.c.outbox == bindparam("row")),
    }


def _of_a_ticket() -> dict[str, ClauseElement]:
    k, o, a = t.ticket, t.outbox, t.attempt
    of_it = select(o.c.id).where(o.c.tenant == bindparam("tenant"), o.c.ticket == bindparam("ticket"))
    return {
        "drop_ticket": delete(k).where(
            k.c.tenant == bindparam("tenant"), k.c.id == bindparam("ticket"), k.c.version == bindparam("expected")
        ),
        "drop_ticket_attempts": delete(a).where(a.c.tenant == bindparam("tenant"), a.c.outbox.in_(of_it)),
        "drop_events": _all_of(t.event),
        "drop_event_texts": _all_of(t.event_text),
        "drop_messages": _all_of(t.message),
        "drop_notes": _all_of(t.note),
        "drop_outbox": _all_of(o),
        "drop_timers": _all_of(t.timer),
        "drop_firings": _all_of(t.firing),
        "drop_terms": _all_of(t.term),
    }


def _all_of(table: Table) -> ClauseElement:
    return delete(table).where(table.c.tenant == bindparam("tenant"), table.c.ticket == bindparam("ticket"))
