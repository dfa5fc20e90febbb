"""Telling customers: what the engine says is due becomes a message and a delivery in the transaction of its cause.

`Teller.tell` looks over a draft after it is complete. Whatever goes wrong with a notice never harms the command that it
follows from: then its row is `suppressed`, with the reason.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from supportkit.channels.port import ChannelAdapter, Reason
from supportkit.channels.windows import Closed, window_at
from supportkit.drafting import Draft, read_clocks
from supportkit.engine.notices import Due, Notices, notices_due, told_due
from supportkit.errors import LimitExceeded, SupportkitError
from supportkit.model.addressing import normalised
from supportkit.model.change import TicketChange
from supportkit.model.clocks import Metric
from supportkit.model.conversation import Leg
from supportkit.model.events import HandedOver, MessageReceived, NoticeQueued, TicketOpened
from supportkit.model.message import MessageKind
from supportkit.model.people import SYSTEM, ActorKind, AddressStatus, Customer
from supportkit.model.ticket import LinkKind, StateCategory, Ticket
from supportkit.parting import parts_of
from supportkit.posting import post, say
from supportkit.sla import Clock, report
from supportkit.sla.terms import LIVE
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.port import TicketQuery, UnitOfWork
from supportkit.templates.catalog import Catalog, Rendered
from supportkit.templates.moments import next_opening
from supportkit.templates.notices import Notice
from supportkit.wording import Texts, speaking

if TYPE_CHECKING:
    from supportkit.runner import Runner

_log = logging.getLogger("supportkit.notices")
LATE = dt.timedelta(days=1)
"""What is recorded later than this after the fact tells nobody: it is history."""
PER_HOUR = 5
"""Automatic messages to one address, and about one ticket, within an hour."""
ROUNDS = 3
WITHIN = dt.timedelta(minutes=10)
MUTED_FOR = dt.timedelta(days=1)
FARTHEST = 100
"""The last place in a live queue that is told."""
QUEUE_SPAN = dt.timedelta(hours=12)
"""Who has waited live for longer has gone."""
_ACKNOWLEDGES = frozenset({Notice.ACKNOWLEDGEMENT, Notice.FOLLOW_UP})
_NAMES_A_TIME = frozenset(
    {
        Notice.ACKNOWLEDGEMENT,
        Notice.FOLLOW_UP,
        Notice.PROMISE_MOVED,
        Notice.REOPENED,
        Notice.STARTED,
        Notice.HANDED_OVER_LINE,
        Notice.HANDED_OVER_VENDOR,
    }
)
_OPENS_AGAIN = frozenset({Notice.ACKNOWLEDGEMENT, Notice.FOLLOW_UP, Notice.REOPENED})


@attrs.frozen(kw_only=True)
class _Reader:
    """Who is told, and where.

    Attributes:
        is_proved: The address is known to be theirs: only then anything that the requester wrote is repeated.
    """

    customer: Customer | None
    adapter: ChannelAdapter
    leg: Leg | None
    address: str
    is_proved: bool


@attrs.frozen
class _Promised:
    """The answer that is promised: by when, and when the desk opens before that if it is closed."""

    due: dt.datetime | None = None
    opens: dt.datetime | None = None


@attrs.frozen
class Teller:
    """Writes the notices of one desk.

    Attributes:
        channels: The channels that notices go out by.
        catalog: Gives the texts; they are read when the first notice is due.
    """

    notices: Notices
    channels: Mapping[str, ChannelAdapter]
    catalog: Callable[[], Catalog]

    def tell(self, runner: Runner, unit: UnitOfWork, draft: Draft, ticket: Ticket | None = None) -> Ticket | None:
        """Add the notices that follow from a draft to it; return *ticket* as it is after them."""
        if draft.is_history or draft.now - draft.at > LATE:
            return ticket
        for change in tuple(draft.changes):
            adapter = self.channels.get(change.ticket.answers_on or change.ticket.channel)
            is_after_call = adapter is None or _is_call(change)
            if is_after_call:
                adapter = self._in_writing(unit, draft, change)
            if adapter is None:
                continue
            due = notices_due(change.before, change.ticket, change.events, self.notices.on)
            if is_after_call:
                due = [one for one in due if one.notice in _ACKNOWLEDGES]
            if due:
                telling = _Telling(self, runner, unit, draft, adapter, change, is_after_call=is_after_call)
                after = telling.tell(due)
                draft.join()
                if ticket is not None and ticket.id == after.id:
                    ticket = after
        return ticket

    def _in_writing(self, unit: UnitOfWork, draft: Draft, change: TicketChange) -> ChannelAdapter | None:
        """Return the channel by which a call is acknowledged, the first one that reaches the customer."""
        if not self.notices.after_calls or not _is_call(change):
            return None
        customer = _customer_of(unit, draft, change.ticket)
        for name in self.notices.after_calls:
            adapter = self.channels.get(name)
            if adapter is None or customer is None or not adapter.capabilities.starts:
                continue
            kind = adapter.capabilities.address_kind
            if any(one.family == kind and not one.opted_out and not one.is_dead for one in customer.addresses):
                return adapter
        return None


def _is_call(change: TicketChange) -> bool:
    """Tell whether a ticket was opened by a call of its customer."""
    if change.before is not None:
        return False
    said = [one.event for one in change.events if isinstance(one.event, MessageReceived)]
    return bool(said) and said[0].kind is MessageKind.CALL and said[0].author.kind is ActorKind.CUSTOMER


def _customer_of(unit: UnitOfWork, draft: Draft, ticket: Ticket) -> Customer | None:
    if ticket.customer is None:
        return None
    new = (one for one in reversed(draft.received.customers) if one.id == ticket.customer)
    return next(new, None) or unit.customer(ticket.customer)


@attrs.define
class _Telling:
    """The notices of one ticket while they are written."""

    teller: Teller
    runner: Runner
    unit: UnitOfWork
    draft: Draft
    adapter: ChannelAdapter
    change: TicketChange
    is_after_call: bool = attrs.field(kw_only=True)
    ticket: Ticket = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with the ticket as the command leaves it."""
        self.ticket = self.change.ticket

    def tell(self, several: list[Due]) -> Ticket:
        """Write them, and return the ticket after them."""
        reader = self._reader()
        if reader is not None:
            promised = self._promised()
            for due in several:
                self._tell(due, reader, promised)
        return self.ticket

    # -- to whom -----------------------------------------------------------------------------------------------------

    def _reader(self) -> _Reader | None:
        """Return who is to be told; `None` where there is nobody, or no way to reach them."""
        ticket, kind = self.ticket, self.adapter.capabilities.address_kind
        if ticket.leg is not None and not self.is_after_call:
            new = (part.leg for part in self.draft.received.legs if part.leg.id == ticket.leg)
            leg = next(new, None) or cast("ReceivingUnit", self.unit).leg(ticket.leg)
            if leg is None:
                return None
            customer, address, is_proved = self._customer(), leg.address, leg.verified
        elif (self.teller.notices.to_addresses or self.is_after_call) and self.adapter.capabilities.starts:
            customer, leg = self._customer(), None
            found = None if customer is None else customer.address(kind)
            if customer is None or found is None:
                return None
            address = found
            is_proved = any(
                one.family == kind and one.value == address and one.status is AddressStatus.VERIFIED
                for one in customer.addresses
            )
        else:
            return None
        return _Reader(customer=customer, adapter=self.adapter, leg=leg, address=address, is_proved=is_proved)

    def _customer(self) -> Customer | None:
        return _customer_of(self.unit, self.draft, self.ticket)

    # -- what --------------------------------------------------------------------------------------------------------

    def _promised(self) -> _Promised:
        """Return by when the first or next response is due, as the customer may be told: never later than the clock."""
        rules, now = self.runner.rules.promises, self.draft.now
        staffed = self.runner.dispatcher.resumes(self.unit, self.ticket, rules, now)
        kept = read_clocks(self.ticket, rules)
        if kept is None:
            return _Promised(opens=staffed)
        at = max(now, self.draft.at)
        clocks = [one for one in report(kept.snapshot, rules.rules, at).clocks if _is_owed(one)]
        dues = [(due, clock) for clock in clocks if (due := _due_of(clock)) is not None and due > now]
        if not dues:
            return _Promised(opens=staffed)
        due, clock = min(dues, key=lambda pair: pair[0])
        if staffed is not None and staffed > due:
            staffed = None  # nobody is told that an answer comes before anybody is there
        try:
            calendar = rules.rules.calendar(clock.calendar, clock.calendar_revision or None)
        except SupportkitError:
            return _Promised(due, staffed)
        opens = next_opening(calendar, now)
        return _Promised(due, max(filter(None, (opens, staffed)), default=None))

    def _tell(self, due: Due, reader: _Reader, promised: _Promised) -> None:
        notice = due.notice
        if notice is Notice.PROMISE_MOVED:
            told = told_due(self.unit.history(self.ticket.id)) if promised.due is not None else None
            if told is None or promised.due is None or abs(promised.due - told) < self.teller.notices.moved_by:
                return
        # Whoever talks live reads his own session: nobody else gets a message by it.
        if notice in _ACKNOWLEDGES and not reader.is_proved and not reader.adapter.capabilities.live:
            notice = Notice.ACKNOWLEDGEMENT_UNVERIFIED
        text: Rendered | None = None
        texts: tuple[str, ...] = ("",)
        reason = self._forbidden(due, reader)
        if reason is None:
            try:
                text = self._rendered(notice, due, reader, promised)
                texts = parts_of(text.body, reader.adapter, text.locale)
            except LimitExceeded:
                reason = Reason.TOO_LONG.value
            except (SupportkitError, ValueError, TypeError) as error:
                _log.warning("notice %s of ticket %s failed: %s", notice, self.ticket.id, type(error).__name__)
                reason = "template"
        if reason is None:
            reason = self._over_budget(due, reader)
        self._write(notice, due, reader, promised, text, len(texts), reason)

    def _rendered(self, notice: Notice, due: Due, reader: _Reader, promised: _Promised) -> Rendered:
        catalog, customer, ticket = self.teller.catalog(), reader.customer, self.ticket
        locale = ticket.locale or (None if customer is None else customer.locale) or catalog.default_locale
        given = self._values(notice, due, reader, promised)
        allowed = catalog.fields(notice).values
        return catalog.render(
            notice,
            locale=locale,
            values={name: value for name, value in given.items() if value not in {None, ""} and name in allowed},
            timezone="UTC" if customer is None else customer.timezone,
            now=self.draft.now,
            channel_kind=reader.adapter.capabilities.family,
        )

    def _values(self, notice: Notice, due: Due, reader: _Reader, promised: _Promised) -> dict[str, Any]:
        """Return what the text may say; to an address that is only claimed nothing that anybody wrote."""
        ticket = self.ticket
        found: dict[str, Any] = {
            "ticket.reference": ticket.reference,
            "desk.name": self.teller.notices.desk_name,
            "reopen_days": self._reopen_days(),
        }
        if notice in _NAMES_A_TIME:
            found["due"] = promised.due
        if notice in _OPENS_AGAIN:
            found["opens"] = promised.opens
        if notice in _ACKNOWLEDGES and reader.adapter.capabilities.live and promised.opens is None:
            found["queue.place"] = self._place()
        match due.notice:
            case Notice.FOLLOW_UP:
                found["previous.reference"] = self._reference(LinkKind.FOLLOW_UP)
            case Notice.MERGED:
                into = None if ticket.merged_into is None else self.unit.get(ticket.merged_into)
                found["survivor.reference"] = None if into is None else into.reference
            case _:
                pass
        if reader.is_proved:
            found["ticket.subject"] = ticket.subject
            found["customer.name"] = None if reader.customer is None else reader.customer.name
            if isinstance(due.cause.event, HandedOver):
                found["vendor.name"] = due.cause.event.vendor
            if self.teller.notices.tells_resolution:
                found["resolution"] = ticket.resolution
        return found

    def _place(self) -> int | None:
        """Return the place of a new ticket among those that wait live; `None` where that is too far to say."""
        live = [name for name, adapter in self.runner.channels.items() if adapter.capabilities.live]
        lifecycle = self.runner.rules.lifecycle
        query = TicketQuery(
            states=[state.name for state in lifecycle.states if state.category is StateCategory.NEW],
            channels=live,
            created_from=self.draft.now - QUEUE_SPAN,
            limit=FARTHEST,
        )
        found = self.unit.find(query)
        if found.next is not None:
            return None
        return 1 + sum(one.id != self.ticket.id and one.leg != self.ticket.leg for one in found.items)

    def _reference(self, kind: LinkKind) -> str | None:
        event = self.change.events[0].event
        links = event.links if isinstance(event, TicketOpened) else self.ticket.links
        other = next((self.unit.get(link.ticket) for link in links if link.kind is kind), None)
        return None if other is None else other.reference

    def _reopen_days(self) -> int | None:
        """Return for how many days a message surely reopens the ticket; `None` where there is no end, or no day."""
        rules = self.runner.rules
        span, closing = rules.after_close.window, rules.close_resolved_after
        if span is None:
            return None
        if self.ticket.category is StateCategory.RESOLVED:
            if closing is None:
                return None
            span += closing
        return span.days or None

    # -- whether -----------------------------------------------------------------------------------------------------

    def _forbidden(self, due: Due, reader: _Reader) -> str | None:
        """Return why nothing may go out, if there is a reason."""
        able, customer = reader.adapter.capabilities, reader.customer
        if due.is_automatic:
            return "automatic"
        if due.is_answer and self.draft.received.unanswerable is not None:
            return self.draft.received.unanswerable
        if customer is None:
            return "unknown_sender"
        if (unwanted := _unwanted(customer, able.address_kind, reader.address)) is not None:
            return unwanted.value
        heard_at = None if reader.leg is None else reader.leg.heard_at
        if reader.leg is not None and isinstance(window_at(able.reply_window, heard_at, self.draft.now), Closed):
            return Reason.WINDOW_CLOSED.value
        return None

    def _over_budget(self, due: Due, reader: _Reader) -> str | None:
        """Count an automatic message; return which budget is spent, if one is. What cannot be counted is not sent."""
        if not self.runner.storage.capabilities.receives:
            return "budget.unreadable"
        unit, now = cast("ReceivingUnit", self.unit), self.draft.now
        owner = self._owner(unit, reader)
        if unit.spent("auto_muted", owner, now - MUTED_FOR):
            return "muted"
        minute = now.replace(second=0, microsecond=0)
        if due.is_answer:
            if unit.spent("auto_rounds", owner, minute - WITHIN) >= ROUNDS:
                unit.spend("auto_muted", owner, now, 1)
                return "muted"
            unit.spend("auto_rounds", owner, minute, 1_000_000)
        hour = now.replace(minute=0, second=0, microsecond=0)
        if not unit.spend("auto_ticket", self.ticket.id, hour, PER_HOUR):
            return "budget.conversation"
        if not unit.spend("auto_address", owner, hour, PER_HOUR):
            return "budget.address"
        return None

    def _owner(self, unit: ReceivingUnit, reader: _Reader) -> str:
        """Return what an address is counted under: the first customer who has it, so that no budget holds addresses."""
        kind = reader.adapter.capabilities.address_kind
        try:
            owners = unit.owners(kind, normalised(kind, reader.address))
        except ValueError:
            owners = ()
        return owners[0][0] if owners else (self.ticket.customer or self.ticket.id)

    # -- written -----------------------------------------------------------------------------------------------------

    def _write(
        self,
        notice: Notice,
        due: Due,
        reader: _Reader,
        promised: _Promised,
        text: Rendered | None,
        parts: int,
        reason: str | None,
    ) -> None:
        draft, ticket, channel = self.draft, self.ticket, reader.adapter.name
        message = self.runner.new_id(draft.now)
        is_sent = reason is None and text is not None
        names_due = is_sent and notice in _NAMES_A_TIME and promised.due is not None
        event = NoticeQueued(
            message=message,
            notice=notice.value,
            channel=channel,
            locale=None if text is None else text.locale,
            due=_floor(promised.due) if names_due and promised.due is not None else None,
            reason=reason,
            subject=text.subject if is_sent and text is not None else "",
        )
        self.ticket = draft.add(ticket.tenant, ticket, ticket.id, (event,), actor=SYSTEM) or ticket
        if is_sent and text is not None:
            say(draft, ticket, message, channel, text.body)
        post(
            draft,
            ticket,
            message,
            adapter=reader.adapter,
            leg=reader.leg,
            rule=due.notice.value,
            seq=due.cause.seq,
            parts=parts,
            reason=reason,
        )


def _is_owed(clock: Clock) -> bool:
    return clock.metric in {Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE} and clock.status in LIVE


def _due_of(clock: Clock) -> dt.datetime | None:
    return clock.override_due_at or clock.due_at


def _floor(instant: dt.datetime) -> dt.datetime:
    """Return the minute that is told: never later than the instant."""
    return instant - dt.timedelta(seconds=instant.second, microseconds=instant.microsecond)


def _unwanted(customer: Customer, kind: str, address: str) -> Reason | None:
    """Return why a customer does not want to be told anything there."""
    if customer.consent("notices") is False:
        return Reason.NO_CONSENT
    off = any(one.opted_out and one.family == kind and _same(kind, one.value, address) for one in customer.addresses)
    return Reason.OPTED_OUT if off else None


def _same(kind: str, one: str, other: str) -> bool:
    try:
        return normalised(kind, one) == normalised(kind, other)
    except ValueError:
        return one == other


def teller_of(notices: Notices, channels: Mapping[str, ChannelAdapter], texts: Texts) -> Teller | None:
    """Return what writes the notices of a desk; `None` where no channel can carry any, so that they cost nothing.

    Raises:
        UnknownLocale: There is no such language.
    """
    spoken = speaking(notices, channels)
    if spoken and notices.default_locale != "en":
        texts()
    return Teller(notices, spoken, texts) if spoken else None
