"""The fixed statements of the outbox: whose turn it is, what is due, how a delivery is claimed and how it ends."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql import ClauseElement

from supportkit.storage import schema as t
from supportkit.storage.floors import ANYTHING
from supportkit.storage.grammar import Grammar

MOST_COUNTED = 1_000
"""How far the rows that are due are counted."""
_TENANT: BindParameter[Any] = bindparam("tenant")


def lanes(grammar: Grammar) -> dict[str, ClauseElement]:
    """Tell which accounts of which channels have a queue, and let them take turns."""
    o, lane = t.outbox, t.lane
    first = select(o.c.channel, o.c.account).where(o.c.tenant == _TENANT, grammar.queued).limit(1)
    channel: BindParameter[str] = bindparam("channel")
    account: BindParameter[str] = bindparam("account")
    return {
        # Two statements that skip along the index: for row values SQLite reads whatever lies between as well.
        "next_channel": first.where(o.c.channel > channel).order_by(o.c.channel, o.c.account),
        "next_account": first.where(o.c.channel == channel, o.c.account > account).order_by(o.c.account),
        "turns": select(lane.c.channel, lane.c.account, lane.c.turn).where(lane.c.tenant == _TENANT),
        "put_turn": grammar.upsert(lane, ["tenant", "channel", "account"], lambda new: {"turn": new.turn}),
    }


def _blocked() -> ColumnElement[bool]:
    """Tell that an older delivery of the conversation has to go first."""
    o = t.outbox
    older = t.outbox.alias("older")
    return exists().where(
        older.c.tenant == o.c.tenant,
        older.c.ticket == o.c.ticket,
        older.c.channel == o.c.channel,
        or_(
            and_(
                or_(older.c.state == "pending", older.c.state == "leased"),
                or_(older.c.seq < o.c.seq, and_(older.c.seq == o.c.seq, older.c.part < o.c.part)),
            ),
            # Whatever waits for a person holds up the later parts of its own text, and nothing else.
            and_(
                or_(older.c.state == "parked", older.c.state == "unknown"),
                older.c.message == o.c.message,
                older.c.part < o.c.part,
            ),
        ),
    )


def outbox(grammar: Grammar) -> dict[str, ClauseElement]:
    """Claim and settle. What is due is asked for by lane and state, so that each question is a range of one index."""
    o = t.outbox
    now = bindparam("now", type_=o.c.available_at.type)
    lane = and_(
        o.c.tenant == _TENANT, grammar.queued, o.c.channel == bindparam("channel"), o.c.account == bindparam("account")
    )
    waits = and_(lane, o.c.state == "pending")
    # A bound that always holds: after a thousand of one state SQLite would rather read the table than this index.
    held = and_(lane, o.c.state == "leased", o.c.available_at > ANYTHING)
    first = (o.c.available_at, o.c.id)
    blocked = _blocked()
    # Counted up to a bound, so that a turn after a long stop does not begin with counting a million rows.
    due = select(o.c.available_at).where(waits, o.c.available_at <= now, ~blocked).order_by(*first).limit(MOST_COUNTED)
    lost = select(o.c.available_at).where(held, o.c.lease_until <= now, ~blocked)
    counted = union_all(select(due.subquery().c.available_at), lost).subquery()
    following = select(o.c.available_at.label("instant")).where(waits, o.c.available_at > now, ~blocked)
    upcoming = union_all(
        select(following.order_by(*first).limit(1).subquery().c.instant),
        select(func.min(o.c.lease_until)).where(held, o.c.lease_until > now),
    ).subquery()
    return {
        "insert_outbox": insert(o),
        "delivery": select(o).where(o.c.tenant == _TENANT, o.c.id == bindparam("row")),
        "due_outbox": select(o)
        .where(waits, o.c.available_at <= now, ~blocked)
        .order_by(*first)
        .limit(1)
        .with_for_update(skip_locked=True),
        "lost_outbox": select(o)
        .where(held, o.c.lease_until <= now, ~blocked)
        .order_by(*first)
        .limit(1)
        .with_for_update(skip_locked=True),
        "outbox_backlog": select(func.count(), func.min(counted.c.available_at)),
        "outbox_next": select(func.min(upcoming.c.instant)),
        **_claims(now),
        **_settlements(),
    }


def _claims(now: BindParameter[int]) -> dict[str, ClauseElement]:
    o = t.outbox
    due = or_(
        and_(o.c.state == "pending", o.c.available_at <= now), and_(o.c.state == "leased", o.c.lease_until <= now)
    )
    return {
        "claim_outbox": update(o)
        .where(o.c.tenant == _TENANT, o.c.id == bindparam("row"), o.c.fence == bindparam("fenced"), due)
        .values(
            state="leased",
            fence=bindparam("fence"),
            attempts=bindparam("attempts"),
            lease_until=bindparam("lease_until"),
            # Written before the call: who dies in a repeat must leave behind that it was one. The claim itself still
            # hands out the flag as it was, so that exactly one repeat is made.
            possible_duplicate=case(
                (or_(o.c.state == "leased", o.c.reason == "uncertain"), 1), else_=o.c.possible_duplicate
            ),
        ),
        "insert_attempt": insert(t.attempt),
        "settle_attempt": update(t.attempt)
        .where(
            t.attempt.c.tenant == _TENANT,
            t.attempt.c.outbox == bindparam("row"),
            t.attempt.c.fence == bindparam("fence"),
        )
        .values(finished_at=bindparam("finished_at"), result=bindparam("result")),
    }


def _settlements() -> dict[str, ClauseElement]:
    """End deliveries: by their result, by a person, or because the ticket has no use for them."""
    o = t.outbox
    under = and_(o.c.tenant == _TENANT, o.c.id == bindparam("row"), o.c.fence == bindparam("fence"))
    return {
        "settle_outbox": update(o)
        .where(under, o.c.state == "leased")
        .values(
            state=case((o.c.withdrawn.is_not(None), bindparam("if_withdrawn")), else_=bindparam("state")),
            available_at=bindparam("available_at"),
            lease_until=None,
            external_id=bindparam("external_id"),
            possible_duplicate=bindparam("possible_duplicate"),
            reason=case(
                (and_(o.c.withdrawn.is_not(None), bindparam("is_off", type_=o.c.part.type) == 1), o.c.withdrawn),
                else_=bindparam("reason"),
            ),
        ),
        "decide_outbox": update(o)
        .where(under, or_(o.c.state == "unknown", o.c.state == "parked"))
        .values(
            state=bindparam("state"),
            fence=o.c.fence + 1,
            available_at=bindparam("available_at"),
            attempts=bindparam("attempts"),
            external_id=func.coalesce(bindparam("external_id", type_=o.c.external_id.type), o.c.external_id),
            possible_duplicate=bindparam("possible_duplicate"),
            reason=bindparam("reason"),
            retried_at=bindparam("retried_at"),
            withdrawn=None,
        ),
        "unsettled": select(o)
        .where(
            o.c.tenant == _TENANT,
            o.c.ticket == bindparam("ticket"),
            or_(o.c.state == "pending", o.c.state == "leased"),
        )
        .order_by(o.c.seq, o.c.part)
        .with_for_update(),
        "cancel_outbox": update(o)
        .where(under, o.c.state == "pending")
        .values(state="cancelled", fence=o.c.fence + 1, reason=bindparam("reason")),
        "withdraw_outbox": update(o).where(under, o.c.state == "leased").values(withdrawn=bindparam("reason")),
    }
