"""The fixed statements of the way in: each message that arrives runs most of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, bindparam, func, or_, select, update
from sqlalchemy.sql import ClauseElement

from supportkit.storage import schema as t

_TENANT: BindParameter[Any] = bindparam("tenant")


def receiving() -> dict[str, ClauseElement]:
    """Look up what was heard, where it belongs and who wrote it; take a delivery and say what became of it."""
    return {**_arrivals(), **_conversations(), **_budgets()}


def _arrivals() -> dict[str, ClauseElement]:
    a = t.arrival
    mine = (a.c.tenant == _TENANT, a.c.id == bindparam("row"), a.c.fence == bindparam("fenced"))
    now = bindparam("now", type_=a.c.received_at.type)
    return {
        "known_arrival": select(a.c.id).where(
            a.c.tenant == _TENANT, a.c.channel == bindparam("channel"), a.c.key == bindparam("key")
        ),
        "due_arrival": select(a)
        .where(
            a.c.tenant == _TENANT,
            a.c.state == "received",
            a.c.channel == bindparam("channel"),
            or_(a.c.lease_until.is_(None), a.c.lease_until <= now),
        )
        .order_by(a.c.received_at, a.c.id)
        .limit(1)
        .with_for_update(skip_locked=True),
        "claim_arrival": update(a)
        .where(*mine)
        .values(tries=bindparam("tries"), fence=bindparam("fence"), lease_until=bindparam("lease_until")),
        "settle_arrival": update(a)
        .where(*mine)
        .values(
            state=bindparam("state"),
            lease_until=None,
            reason=bindparam("reason"),
            settled_at=bindparam("settled_at"),
        ),
    }


def _conversations() -> dict[str, ClauseElement]:
    h, g, c, a, o, f = t.heard, t.leg, t.conversation, t.address, t.outbox, t.file
    newest = (c.c.tenant == g.c.tenant) & (c.c.leg == g.c.id)
    return {
        "heard": select(h).where(h.c.tenant == _TENANT, h.c.key == bindparam("key")),
        "leg": select(g).where(g.c.tenant == _TENANT, g.c.id == bindparam("row")),
        "legs": select(g)
        .where(g.c.tenant == _TENANT, g.c.ticket == bindparam("ticket"))
        .order_by(g.c.began_at, g.c.id),
        "conversation": select(g).join_from(c, g, newest).where(c.c.tenant == _TENANT, c.c.key == bindparam("key")),
        "owners": select(a.c.customer, a.c.owner)
        .where(a.c.tenant == _TENANT, a.c.family == bindparam("family"), a.c.value == bindparam("value"))
        .order_by(a.c.owner, a.c.customer),
        "sent_as": select(o).where(
            o.c.tenant == _TENANT, o.c.channel == bindparam("channel"), o.c.external_id == bindparam("external_id")
        ),
        "file": select(f).where(f.c.tenant == _TENANT, f.c.id == bindparam("row")),
    }


def _budgets() -> dict[str, ClauseElement]:
    b = t.budget
    window = (b.c.tenant == _TENANT, b.c.name == bindparam("called"), b.c.key == bindparam("owner"))
    since = b.c.since == bindparam("begun", type_=b.c.since.type)
    return {
        "spend": update(b)
        .where(*window, since, b.c.spent < bindparam("limit", type_=b.c.spent.type))
        .values(spent=b.c.spent + 1),
        "has_budget": select(b.c.spent).where(*window, since),
        "spent": select(func.coalesce(func.sum(b.c.spent), 0)).where(
            *window, b.c.since >= bindparam("begun", type_=b.c.since.type)
        ),
    }
