"""Builders of valid values for tests: every argument has a default, and the same call gives the same value."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from supportkit.clock import UTC
from supportkit.engine.evolve import evolve
from supportkit.model import events as ev
from supportkit.model.change import Firing, Outgoing, Receipt, Settings, TicketChange, Timer
from supportkit.model.clocks import Cause, Metric, Verdict
from supportkit.model.conversation import Arrival, Heard, Leg, StoredFile, Waiting
from supportkit.model.events import Event, Recorded
from supportkit.model.fields import Fields, FieldValue
from supportkit.model.message import Attachment, Message, MessageKind, Note, OutboxState
from supportkit.model.people import Actor, ActorKind, Address, AddressStatus, Customer
from supportkit.model.record import Record
from supportkit.model.surveys import Contribution, Score
from supportkit.model.ticket import ClosingReason, Link, LinkKind, MergedPart, Priority, StateCategory, Ticket

START = dt.datetime(2026, 1, 5, 9, 0, 0, 123_456, tzinfo=UTC)
AGENT = Actor(ActorKind.AGENT, "kim")
TENANT = "acme"
CLOCK = "ticket-7/RESOLUTION/1/2"
LENGTH = dt.timedelta(hours=4, microseconds=1)


def later(seconds: float) -> dt.datetime:
    """Return the instant *seconds* after the one at which everything is built."""
    return START + dt.timedelta(seconds=seconds)


def opened(
    number: int = 1,
    *,
    tenant: str = TENANT,
    id: str | None = None,  # noqa: A002 - as the attribute is called
    at: dt.datetime = START,
    fields: Mapping[str, FieldValue] | None = None,
    tags: Iterable[str] = (),
    **values: Any,
) -> TicketChange:
    """Return the change that opens a ticket: its first event and the row that this gives.

    Id and reference come from *number* unless they are given; *values* are other attributes of `TicketOpened`.
    """
    ticket_id = id or f"ticket-{number}"
    event = ev.TicketOpened(
        **{
            "number": number,
            "reference": f"REF-{number}",
            "subject": f"subject {number}",
            "customer": None,
            "state": "new",
            "category": StateCategory.NEW,
            "channel": "app",
            "fields": Fields(fields),
            "tags": tuple(tags),
            **values,
        }
    )
    recorded = _recorded(tenant, ticket_id, 1, event, at)
    return TicketChange(before=None, ticket=evolve(None, recorded), events=(recorded,))


def then(
    ticket: Ticket, *events: Event, at: dt.datetime | None = None, actor: Actor = AGENT, command: str = "command"
) -> TicketChange:
    """Return the change that adds *events* to a ticket, a second after its last one unless *at* says otherwise."""
    instant = at or ticket.updated_at + dt.timedelta(seconds=1)
    after, log = ticket, []
    for event in events:
        recorded = _recorded(ticket.tenant, ticket.id, after.version + 1, event, instant, actor, command)
        after = evolve(after, recorded)
        log.append(recorded)
    return TicketChange(before=ticket, ticket=after, events=tuple(log))


def _recorded(
    tenant: str,
    ticket: str,
    seq: int,
    event: Event,
    at: dt.datetime,
    actor: Actor = AGENT,
    command: str = "command",
) -> Recorded:
    return Recorded(
        tenant=tenant,
        ticket=ticket,
        seq=seq,
        occurred_at=at,
        recorded_at=at + dt.timedelta(microseconds=1),
        actor=actor,
        event=event,
        command=command,
    )


def make_ticket(number: int = 1, **values: Any) -> Ticket:
    """Return a ticket as it is after `opened`; attributes that no opening gives are set on top."""
    known = {field.name for field in attrs.fields(ev.TicketOpened)} | {"tenant", "id", "at"}
    ticket = opened(number, **{name: value for name, value in values.items() if name in known}).ticket
    return attrs.evolve(ticket, **{name: value for name, value in values.items() if name not in known})


def make_message(ticket: Ticket | str = "ticket-1", id: str = "message-1", **values: Any) -> Message:  # noqa: A002
    """Return a message of a ticket."""
    defaults: dict[str, Any] = {
        "id": id,
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "ticket": ticket.id if isinstance(ticket, Ticket) else ticket,
        "author": AGENT,
        "channel": "app",
        "body": "good morning",
        "occurred_at": START,
        "recorded_at": START,
    }
    return Message(**defaults | values)


def make_note(ticket: Ticket | str = "ticket-1", id: str = "note-1", **values: Any) -> Note:  # noqa: A002
    """Return an internal note of a ticket."""
    defaults: dict[str, Any] = {
        "id": id,
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "ticket": ticket.id if isinstance(ticket, Ticket) else ticket,
        "author": AGENT,
        "body": "among ourselves",
        "occurred_at": START,
        "recorded_at": START,
    }
    return Note(**defaults | values)


def make_customer(id: str = "customer-1", **values: Any) -> Customer:  # noqa: A002
    """Return a customer with an address."""
    defaults: dict[str, Any] = {
        "id": id,
        "tenant": TENANT,
        "name": "Ann",
        "addresses": (Address(family="email", value="ann@example.com", status=AddressStatus.VERIFIED),),
        "created_at": START,
    }
    return Customer(**defaults | values)


def make_outgoing(ticket: Ticket | str = "ticket-1", seq: int = 1, **values: Any) -> Outgoing:
    """Return a delivery of a ticket's event *seq*; id, cause and message come from that number."""
    ticket_id = ticket.id if isinstance(ticket, Ticket) else ticket
    defaults: dict[str, Any] = {
        "id": f"{ticket_id}.{seq}",
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "ticket": ticket_id,
        "cause": f"{ticket_id}:{seq}",
        "seq": seq,
        "rule": "reply",
        "channel": "app",
        "recipient": "customer-1",
        "message": f"message-{seq}",
        "available_at": START,
        "created_at": START,
    }
    return Outgoing(**defaults | values)


def make_timer(ticket: Ticket | str = "ticket-1", name: str = "resume", **values: Any) -> Timer:
    """Return a deadline of a ticket."""
    defaults: dict[str, Any] = {
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "ticket": ticket.id if isinstance(ticket, Ticket) else ticket,
        "name": name,
        "due_at": START,
    }
    return Timer(**defaults | values)


def make_firing(ticket: Ticket | str = "ticket-1", id: str = "ticket-1/RESOLUTION/1/1/100%", **values: Any) -> Firing:  # noqa: A002
    """Return a warning or breach that is told."""
    defaults: dict[str, Any] = {
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "ticket": ticket.id if isinstance(ticket, Ticket) else ticket,
        "id": id,
        "seq": 1,
    }
    return Firing(**defaults | values)


def make_settings(number: int = 1, **values: Any) -> Settings:
    """Return a revision of settings."""
    defaults: dict[str, Any] = {
        "tenant": TENANT,
        "subject": "levels",
        "number": number,
        "since": START,
        "data": "{}",
    }
    return Settings(**defaults | values)


def make_receipt(key: str = "key-1", **values: Any) -> Receipt:
    """Return what an idempotency key stands for."""
    defaults: dict[str, Any] = {
        "key": key,
        "fingerprint": "0" * 64,
        "ticket": "ticket-1",
        "seq": 1,
        "created_at": START,
    }
    return Receipt(**defaults | values)


def make_arrival(number: int = 1, **values: Any) -> Arrival:
    """Return a raw delivery of a channel; id, key and the instant at which it arrived come from *number*."""
    defaults: dict[str, Any] = {
        "id": f"arrival-{number}",
        "tenant": TENANT,
        "channel": "chat",
        "key": f"key-{number}",
        "body": b"\x00\xff hello",
        "head": '{"method":"POST"}',
        "received_at": later(number),
    }
    return Arrival(**defaults | values)


def make_heard(ticket: Ticket | str | None = "ticket-1", key: str = "heard-1", **values: Any) -> Heard:
    """Return that a message was heard and became one of a ticket."""
    ticket_id = ticket.id if isinstance(ticket, Ticket) else ticket
    defaults: dict[str, Any] = {
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "key": key,
        "digest": "0" * 64,
        "ticket": ticket_id,
        "message": None if ticket_id is None else "message-1",
        "at": START,
    }
    return Heard(**defaults | values)


def make_leg(ticket: Ticket | str = "ticket-1", id: str = "leg-1", **values: Any) -> Leg:  # noqa: A002
    """Return a leg of a ticket."""
    defaults: dict[str, Any] = {
        "id": id,
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "ticket": ticket.id if isinstance(ticket, Ticket) else ticket,
        "channel": "chat",
        "account": "shop",
        "thread": "thread-1",
        "address": "@ann",
        "began_at": START,
    }
    return Leg(**defaults | values)


def make_file(ticket: Ticket | str = "ticket-1", id: str = "file-1", **values: Any) -> StoredFile:  # noqa: A002
    """Return the content of an attachment of a message."""
    defaults: dict[str, Any] = {
        "id": id,
        "tenant": ticket.tenant if isinstance(ticket, Ticket) else TENANT,
        "ticket": ticket.id if isinstance(ticket, Ticket) else ticket,
        "message": "message-1",
        "name": "снимок.png",
        "media_type": "image/png",
        "content": bytes(range(256)),
        "digest": hashlib.sha256(bytes(range(256))).hexdigest(),
    }
    return StoredFile(**defaults | values)


def make_waiting(external_id: str = "external-1", **values: Any) -> Waiting:
    """Return a receipt that came before its message was known."""
    defaults: dict[str, Any] = {
        "tenant": TENANT,
        "channel": "chat",
        "external_id": external_id,
        "status": "failed",
        "at": START,
    }
    return Waiting(**defaults | values)


def make_record(id: str = "agent-1", **values: Any) -> Record:  # noqa: A002
    """Return a record."""
    return Record(**({"tenant": TENANT, "kind": "agent", "id": id} | values))


def sample_events() -> tuple[Event, ...]:
    """Return one event of every class with every attribute set, in an order that the fold takes."""
    until = later(86_400)
    return (
        ev.TicketOpened(
            number=7,
            reference="K7QM-2X9D-B4TA",
            subject="Принтер не печатает",
            customer="customer-1",
            state="new",
            category=StateCategory.NEW,
            channel="email",
            priority=Priority.HIGH,
            tier=2,
            team="east",
            assignee="kim",
            tags=("printer", "打印机"),
            fields=Fields({"floor": 3, "model": "LX-80", "ratio": 0.5, "vip": True}),
            locale="ru",
            source="survey",
            links=(Link(LinkKind.CHILD, "ticket-0"),),
            leg="leg-1",
        ),
        ev.MessageReceived(
            message="message-1", author=Actor(ActorKind.CUSTOMER, "customer-1"), kind=MessageKind.AUTO, channel="chat"
        ),
        ev.ReplyAdded(message="message-2", author=AGENT, kind=MessageKind.CALL, channel="phone", queued=True),
        ev.NoticeQueued(
            message="message-3",
            notice="acknowledgement",
            channel="email",
            locale="ru",
            due=later(3600),
            reason="muted",
            subject="Мы получили ваше обращение",
        ),
        ev.DeliveryFailed(message="message-2", channel="phone", reason="blocked"),
        ev.DeliveryRetried(
            delivery="message-2.1", message="message-2", channel="phone", source=OutboxState.PARKED, note="back again"
        ),
        ev.DeliverySettled(
            delivery="message-2.1",
            message="message-2",
            channel="phone",
            source=OutboxState.UNKNOWN,
            state=OutboxState.SENT,
            reason="person",
            note="she has got it",
        ),
        ev.NoteAdded(note="note-1", mentions=("lee", "mo")),
        ev.StateChanged(
            trigger="hold",
            source="open",
            dest="on_hold",
            category=StateCategory.WAITING_EXTERNAL,
            reason=ClosingReason.NOT_OURS,
            text="the vendor looks into it",
            until=until,
        ),
        ev.Assigned(team="west", assignee="lee"),
        ev.Routed(assignee="mo", strategy="sticky", reasons=("speaks", "served_before")),
        ev.AssignmentReturned(assignee="mo"),
        ev.PriorityChanged(source=Priority.HIGH, priority=Priority.URGENT),
        ev.SubjectChanged(subject="打印机坏了"),
        ev.CustomerChanged(customer="customer-2"),
        ev.TagsChanged(added=("urgent",), removed=("printer",)),
        ev.FieldsChanged(changes=Fields({"floor": 4, "model": None})),
        ev.FollowersChanged(added=("lee", "mo"), removed=("kim",)),
        ev.ParticipantsChanged(added=("customer-3", "customer-4"), removed=("customer-5",)),
        ev.RecipientRefused(message="message-2", channel="email", customer="customer-3", reason="bad_recipient"),
        ev.TokensRevoked(generation=2),
        ev.TierMoved(source=2, dest=3, team="experts", summary="the fuser was replaced twice"),
        ev.HandoverWritten(source=2, dest=3, points=Fields({"summary": "замена", "tried": "换了两次"})),
        ev.VendorWritten(message="message-4", vendor="fuser works", channel="email", leg="leg-3", queued=True),
        ev.SignalRaised(signal="detractor", instance="answer-1"),
        ev.EscalationFired(rule="slow", level=2, instance="RESOLUTION/1/1", why="RESOLUTION was breached", late=True),
        ev.ColleaguesNotified(rule="slow", level=2, people=("lee", "mo"), note="note-2", text="Escalation slow"),
        ev.HookDue(rule="slow", level=2, hook="pager"),
        ev.EscalationRefused(rule="slow", level=2, action="move", code="tier.skip"),
        ev.EscalationStopped(rule="slow", level=2, instance="RESOLUTION/1/1", why="it fired 20 times on this ticket"),
        ev.EscalationAcknowledged(rule="slow", instance="RESOLUTION/1/1"),
        ev.Linked(kind=LinkKind.BLOCKED_BY, ticket="ticket-9"),
        ev.Unlinked(kind=LinkKind.BLOCKED_BY, ticket="ticket-9"),
        ev.TicketAbsorbed(
            part=MergedPart("ticket-8", ("paper", "urgent"), ("lee", "pat"), ("paper",), ("pat",)),
        ),
        ev.TicketReleased(ticket="ticket-8"),
        ev.MessagesMoved(messages=("message-1",), source="ticket-7", dest="ticket-10"),
        ev.PersonErased(customer="customer-1"),
        ev.TicketMerged(into="ticket-6", state="closed", category=StateCategory.CLOSED),
        ev.TicketUnmerged(out_of="ticket-6", state="on_hold", category=StateCategory.WAITING_EXTERNAL),
        ev.PolicyApplied(policy="gold", revision="ab12"),
        ev.DueSet(metric=Metric.RESOLUTION, due=later(7200)),
        ev.PromiseMade(promise="promise-1", text="we call back", due=later(3600), within=dt.timedelta(hours=1)),
        ev.PromiseMoved(promise="promise-1", due=later(5400), within=dt.timedelta(hours=2)),
        ev.PromiseKept(promise="promise-1"),
        ev.PromiseCancelled(promise="promise-2"),
        ev.HandedOver(vendor="fuser works"),
        ev.VendorPaused(vendor="fuser works"),
        ev.VendorResumed(vendor="fuser works"),
        ev.TakenBack(vendor="fuser works"),
        ev.ChannelSwitched(leg="leg-2", channel="chat"),
        ev.ResolutionAttributed(
            resolution=2,
            assignee="kim",
            replier="lee",
            resolver="kim",
            contributors=(Contribution(agent="kim", replies=1), Contribution(agent="lee", replies=3)),
            bot_replies=1,
            tier=2,
            highest=3,
            tiers=(1, 2, 3),
            team="east",
            topic="printer",
            channel="email",
            locale="ru",
        ),
        ev.SurveyScheduled(survey="after", resolution=2, due=later(86_400)),
        ev.SurveySuppressed(
            survey="after", resolution=2, reason="excluded_by_rule", rule="mystery", until=later(90_000)
        ),
        ev.SurveySent(
            survey="after",
            resolution=2,
            message="message-4",
            channel="email",
            locale="ru",
            version=3,
            expires_at=later(1_209_600),
        ),
        ev.SurveyReminded(survey="after", resolution=2, message="message-5"),
        ev.SurveyViewed(survey="after", resolution=2, honeypot=True),
        ev.SurveyAnswered(
            survey="after",
            resolution=2,
            version=2,
            scores=(
                Score(question="effort", code=4, lo=1, hi=5, higher_is_better=False),
                Score(question="nps", lo=0, hi=10),
            ),
            locale="ru",
            text=3,
            flags=("flip", "too_fast"),
            prefilled=True,
            comment="всё хорошо, 谢谢",
        ),
        ev.SurveyTaken(survey="after", resolution=2),
        ev.SurveyFlagCleared(survey="after", resolution=2, version=2, flag="flip", note="she called us"),
        ev.SurveyFollowedUp(survey="after", resolution=2, ticket="ticket-12"),
        ev.SurveyCancelled(survey="after", resolution=2, reason="reopened"),
        ev.SurveyEnded(survey="after", resolution=2, state="locked"),
        ev.MessageEdited(message="message-1", before="it smokes"),
        ev.MessageDeleted(message="message-1", files=2, before="it smokes a little"),
        ev.ReplyWindowWarned(leg="leg-2", channel="chat", until=until, late=True),
        ev.ChannelProposed(
            message="message-2", reason="window_closed", allowed=("template",), channel="email", leg="leg-3"
        ),
        ev.ClockWarned(id=f"{CLOCK}/80%", metric=Metric.RESOLUTION, instance=1, cycle=2, threshold="80%", late=True),
        ev.ClockBreached(
            id=f"{CLOCK}/100%",
            metric=Metric.RESOLUTION,
            instance=1,
            cycle=2,
            used=LENGTH,
            target=LENGTH,
            due=later(60),
            cause=Cause.ELAPSED,
            late=True,
        ),
        ev.ClockStopped(
            id=f"{CLOCK}/stop/2",
            metric=Metric.RESOLUTION,
            instance=1,
            cycle=2,
            verdict=Verdict.BREACHED,
            used=LENGTH,
            target=LENGTH,
            due=later(60),
        ),
        ev.ClockCorrected(
            id=f"{CLOCK}/100%",
            metric=Metric.RESOLUTION,
            instance=1,
            cycle=2,
            before=Verdict.BREACHED,
            verdict=Verdict.MET,
            used=LENGTH,
            target=LENGTH,
            due=later(60),
            at=later(30),
        ),
        ev.ClocksRemeasured(calendar="office", revision="ab12", since=later(5)),
    )


def attachment() -> Attachment:
    """Return a file that came with a message."""
    return Attachment(id="file-1", name="снимок.png", media_type="image/png", size=123_456, digest="0a" * 32)
