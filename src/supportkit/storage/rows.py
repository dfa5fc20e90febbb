"""Rows to values and back; the only place that knows the order of columns."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable
from sys import intern
from typing import Any, ParamSpec, TypeVar

import attrs

from supportkit.clock import from_us, to_us
from supportkit.errors import InvalidCursor, StorageCorrupt
from supportkit.model.change import Firing, OutboxState, Outgoing, Receipt, Settings, Timer, TimerState
from supportkit.model.events import Recorded
from supportkit.model.message import Attachment, Message, MessageKind, Note
from supportkit.model.people import Actor, Customer
from supportkit.model.ticket import ClosingReason, Priority, StateCategory, Ticket
from supportkit.storage import schema as t
from supportkit.storage.codec import codec_of, decode_event, dumps, encode_event, loads
from supportkit.storage.statements import TICKET_COLUMNS, Row

_CURSOR = re.compile(r"p[0-9]{1,18}")
_IN_COLUMNS = {"tenant", *TICKET_COLUMNS}
_REST = codec_of(Ticket).only({field.name for field in attrs.fields(Ticket)} - _IN_COLUMNS)
_REST_READERS = {name: read for name, _default, _write, read in _REST.fields}
# Members by value: looking them up in the class costs five times as much.
_CATEGORIES = {category.value: category for category in StateCategory}
_PRIORITIES = {priority.value: priority for priority in Priority}

_Args = ParamSpec("_Args")
_Value = TypeVar("_Value")


def careful(read: Callable[_Args, _Value]) -> Callable[_Args, _Value]:
    """Let a row that cannot be read say so, without showing what is in it."""

    @functools.wraps(read)
    def reading(*args: _Args.args, **kwargs: _Args.kwargs) -> _Value:
        try:
            return read(*args, **kwargs)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            what = read.__name__.removeprefix("read_")
            raise StorageCorrupt(f"a row of kind {what} cannot be read: {type(error).__name__}") from error

    return reading


def optional_us(instant: dt.datetime | None) -> int | None:
    """Return microseconds, or `None` for no instant."""
    return None if instant is None else to_us(instant)


def _optional_at(microseconds: int | None) -> Any:
    return None if microseconds is None else from_us(microseconds)


# -- tickets ---------------------------------------------------------------------------------------------------------


def ticket_row(ticket: Ticket) -> dict[str, Any]:
    """Return the columns of a ticket."""
    rest = _REST.encode(ticket)
    return {
        "tenant": ticket.tenant,
        "id": ticket.id,
        "number": ticket.number,
        "reference": ticket.reference,
        "subject": ticket.subject,
        "customer": ticket.customer,
        "state": ticket.state,
        "category": ticket.category._value_,
        "priority": int(ticket.priority),
        "channel": ticket.channel,
        "tier": ticket.tier,
        "team": ticket.team,
        "assignee": ticket.assignee,
        "source": ticket.source,
        "reason": None if ticket.reason is None else ticket.reason._value_,
        "merged_into": ticket.merged_into,
        "created_at": to_us(ticket.created_at),
        "updated_at": to_us(ticket.updated_at),
        "state_since": to_us(ticket.state_since),
        "resolved_at": optional_us(ticket.resolved_at),
        "closed_at": optional_us(ticket.closed_at),
        "version": ticket.version,
        "data": dumps(rest) if rest else "{}",
        "clocks": ticket.clocks,
        "rank": ticket.rank,
    }


@careful
def read_ticket(tenant: str, row: Row) -> Ticket:
    """Return the ticket of a row in the order of `TICKET_COLUMNS`."""
    (
        id_, number, reference, subject, customer, state, category, priority, channel, tier, team, assignee,
        source, reason, merged_into, created, updated, since, resolved, closed, version, data, clocks, rank,
    ) = row  # fmt: skip
    at = from_us(created)
    return Ticket(
        id=id_,
        tenant=tenant,
        number=number,
        reference=reference,
        subject=subject,
        customer=customer,
        # Words that many tickets have in common are kept once (`bench/memory.py` weighs a ticket).
        state=intern(state),
        category=_CATEGORIES.get(category) or StateCategory(category),
        priority=_PRIORITIES.get(priority) or Priority(priority),
        channel=intern(channel),
        tier=tier,
        team=team and intern(team),
        assignee=assignee and intern(assignee),
        source=source,
        reason=reason and ClosingReason(reason),
        merged_into=merged_into,
        created_at=at,
        # Instants of one ticket are often the same one: half the time, and one object instead of three.
        updated_at=at if updated == created else from_us(updated),
        state_since=at if since == created else from_us(since),
        resolved_at=_optional_at(resolved),
        closed_at=_optional_at(closed),
        version=version,
        clocks=clocks,
        rank=rank,
        **(_read_rest(loads(data)) if data != "{}" else {}),
    )


def _read_rest(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a ticket that have no column of their own."""
    values = {}
    for name, item in plain.items():
        if name in _REST_READERS:
            read = _REST_READERS[name]
            values[name] = item if read is None else read(item)
    return values


# -- events ----------------------------------------------------------------------------------------------------------


def event_row(recorded: Recorded, position: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the row of an event and the row of its private texts, if it has any."""
    name, schema, public, private = encode_event(recorded.event)
    occurred, known = recorded.occurred_at, recorded.recorded_at
    at = to_us(occurred)
    row = {
        "tenant": recorded.tenant,
        "ticket": recorded.ticket,
        "seq": recorded.seq,
        "position": position,
        "occurred_at": at,
        "recorded_at": at if known is occurred else to_us(known),
        "actor": str(recorded.actor),
        "command": recorded.command,
        "type": name,
        "schema": schema,
        "data": dumps(public) if public else "{}",
    }
    if not private:
        return row, None
    return row, {
        "tenant": recorded.tenant,
        "ticket": recorded.ticket,
        "seq": recorded.seq,
        "data": dumps(private),
    }


@careful
def read_event(tenant: str, row: Row) -> Recorded:
    """Return the event of a row."""
    ticket, seq, position, occurred, recorded, actor, command, name, schema, data, private = row
    try:
        event = decode_event(name, schema, loads(data), None if private is None else loads(private))
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise StorageCorrupt(f"event {seq} of ticket {ticket} cannot be read: {error}") from error
    return Recorded(
        tenant=tenant,
        ticket=ticket,
        seq=seq,
        occurred_at=from_us(occurred),
        recorded_at=from_us(recorded),
        actor=Actor.parse(actor),
        event=event,
        command=command,
        cursor=to_cursor(position),
    )


def to_cursor(position: int) -> str:
    """Return the opaque cursor of a position."""
    return f"p{position}"


def read_position(cursor: str | None) -> int:
    """Return the position of a cursor, 0 for none.

    Raises:
        InvalidCursor: The text is no cursor.
    """
    if cursor is None:
        return 0
    if not isinstance(cursor, str) or not _CURSOR.fullmatch(cursor):
        raise InvalidCursor("it was not made by this follower")
    return int(cursor[1:])


# -- words -----------------------------------------------------------------------------------------------------------


def message_row(message: Message, position: int) -> dict[str, Any]:
    """Return the columns of a message; *position* is that of the event that brought it."""
    codec = codec_of(Attachment)
    return {
        "tenant": message.tenant,
        "id": message.id,
        "ticket": message.ticket,
        "author": str(message.author),
        "kind": message.kind._value_,
        "channel": message.channel,
        "body": message.body,
        "attachments": dumps([codec.encode(attachment) for attachment in message.attachments]),
        "external_id": message.external_id,
        "occurred_at": to_us(message.occurred_at),
        "recorded_at": to_us(message.recorded_at),
        "position": position,
    }


def rewriting(message: Message) -> dict[str, Any]:
    """Return what of a stored message is written anew."""
    row = message_row(message, 0)
    return {"tenant": row["tenant"], "rewritten": row["id"], "body": row["body"], "attachments": row["attachments"]}


@careful
def read_message(row: Row) -> Message:
    """Return the message of a row of `select(message)`."""
    tenant, id_, ticket, author, kind, channel, body, attachments, external_id, occurred, recorded, _position = row
    codec = codec_of(Attachment)
    return Message(
        id=id_,
        tenant=tenant,
        ticket=ticket,
        author=Actor.parse(author),
        kind=MessageKind(kind),
        channel=channel,
        body=body,
        attachments=tuple(codec.decode(plain) for plain in loads(attachments)),
        external_id=external_id,
        occurred_at=from_us(occurred),
        recorded_at=from_us(recorded),
    )


def note_row(note: Note, position: int) -> dict[str, Any]:
    """Return the columns of a note; *position* is that of the event that brought it."""
    return {
        "tenant": note.tenant,
        "id": note.id,
        "ticket": note.ticket,
        "author": str(note.author),
        "body": note.body,
        "mentions": dumps(note.mentions),
        "occurred_at": to_us(note.occurred_at),
        "recorded_at": to_us(note.recorded_at),
        "position": position,
    }


@careful
def read_note(row: Row) -> Note:
    """Return the note of a row of `select(note)`."""
    tenant, id_, ticket, author, body, mentions, occurred, recorded, _position = row
    return Note(
        id=id_,
        tenant=tenant,
        ticket=ticket,
        author=Actor.parse(author),
        body=body,
        mentions=tuple(loads(mentions)),
        occurred_at=from_us(occurred),
        recorded_at=from_us(recorded),
    )


# -- people ----------------------------------------------------------------------------------------------------------

_CUSTOMER = codec_of(Customer).only(
    {field.name for field in attrs.fields(Customer)} - {"id", "tenant", "version", "created_at"}
)


def customer_row(customer: Customer) -> dict[str, Any]:
    """Return the columns of a customer."""
    return {
        "tenant": customer.tenant,
        "id": customer.id,
        "version": customer.version,
        "created_at": to_us(customer.created_at),
        "data": dumps(_CUSTOMER.encode(customer)),
    }


@careful
def read_customer(tenant: str, row: Row) -> Customer:
    """Return the customer of a row."""
    data, version, created, id_ = row
    plain = loads(data)
    values = {
        name: (read(plain[name]) if read else plain[name]) for name, _, _, read in _CUSTOMER.fields if name in plain
    }
    return Customer(id=id_, tenant=tenant, version=version, created_at=from_us(created), **values)


# -- work ------------------------------------------------------------------------------------------------------------


def outgoing_row(delivery: Outgoing) -> dict[str, Any]:
    """Return the columns of a delivery."""
    row = attrs.asdict(delivery, recurse=False)
    row["state"] = delivery.state._value_
    row["available_at"] = to_us(delivery.available_at)
    row["created_at"] = to_us(delivery.created_at)
    row["lease_until"] = optional_us(delivery.lease_until)
    row["possible_duplicate"] = int(delivery.possible_duplicate)
    row["retried_at"] = optional_us(delivery.retried_at)
    return row


_OUTBOX_COLUMNS = tuple(column.name for column in t.outbox.columns)


@careful
def read_outgoing(row: Row) -> Outgoing:
    """Return the delivery of a row of `select(outbox)`."""
    values = dict(zip(_OUTBOX_COLUMNS, row, strict=True))
    values["state"] = OutboxState(values["state"])
    values["available_at"] = from_us(values["available_at"])
    values["created_at"] = from_us(values["created_at"])
    values["lease_until"] = _optional_at(values["lease_until"])
    values["possible_duplicate"] = bool(values["possible_duplicate"])
    values["retried_at"] = _optional_at(values["retried_at"])
    return Outgoing(**values)


def timer_row(timer: Timer) -> dict[str, Any]:
    """Return the columns of a timer; without a due instant it is a cancellation."""
    return {
        "tenant": timer.tenant,
        "ticket": timer.ticket,
        "name": timer.name,
        "instance": timer.instance,
        "due_at": 0 if timer.due_at is None else to_us(timer.due_at),
        "state": TimerState.CANCELLED._value_ if timer.due_at is None else TimerState.WAITING._value_,
        "fence": 0,
        "attempts": 0,
        "lease_until": None,
    }


@careful
def read_timer(row: Row) -> Timer:
    """Return the timer of a row of `select(timer)`."""
    tenant, ticket, name, instance, due, state, fence, attempts, lease = row
    return Timer(
        tenant=tenant,
        ticket=ticket,
        name=name,
        instance=instance,
        due_at=from_us(due),
        state=TimerState(state),
        fence=fence,
        attempts=attempts,
        lease_until=_optional_at(lease),
    )


def firing_row(firing: Firing) -> dict[str, Any]:
    """Return the columns of a warning or breach that is told."""
    return {"tenant": firing.tenant, "ticket": firing.ticket, "id": firing.id, "seq": firing.seq}


@careful
def read_firing(row: Row) -> Firing:
    """Return the firing of a row of `select(firing)`."""
    tenant, ticket, id_, seq = row
    return Firing(tenant=tenant, ticket=ticket, id=id_, seq=seq)


def settings_row(settings: Settings) -> dict[str, Any]:
    """Return the columns of a revision of settings."""
    return {
        "tenant": settings.tenant,
        "subject": settings.subject,
        "number": settings.number,
        "since": to_us(settings.since),
        "data": settings.data,
    }


@careful
def read_settings(row: Row) -> Settings:
    """Return the revision of a row of `select(settings)`."""
    tenant, subject, number, since, data = row
    return Settings(tenant=tenant, subject=subject, number=number, since=from_us(since), data=data)


def receipt_row(tenant: str, receipt: Receipt) -> dict[str, Any]:
    """Return the columns of an idempotency key."""
    row = attrs.asdict(receipt, recurse=False)
    row["created_at"] = to_us(receipt.created_at)
    row["tenant"] = tenant
    return row


@careful
def read_receipt(row: Row) -> Receipt:
    """Return what a row of the key table says."""
    key, fingerprint, ticket, seq, outcome, created = row
    return Receipt(
        key=key, fingerprint=fingerprint, ticket=ticket, seq=seq, outcome=outcome, created_at=from_us(created)
    )
