"""Which notices follow from which events: one pure function, and the value that says what a desk tells by itself.

A notice is written in the same transaction as its cause. How it is worded, to whom it goes and whether it may go out
is for the shell; here only events count, so the number of notices is a function of the log.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import attrs

from supportkit.errors import ConfigurationError
from supportkit.model import events as ev
from supportkit.model.clocks import Metric
from supportkit.model.events import Recorded
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import ClosingReason, LinkKind, StateCategory, Ticket
from supportkit.templates.catalog import Layer
from supportkit.templates.notices import Notice

USUAL: Final = frozenset(
    {
        Notice.ACKNOWLEDGEMENT,
        Notice.FOLLOW_UP,
        Notice.PROMISE_MOVED,
        Notice.SOLVED,
        Notice.REOPENED,
        Notice.CLOSED,
    }
)
"""What a desk tells unless it is told otherwise."""
POSSIBLE: Final = USUAL | {
    Notice.STARTED,
    Notice.HANDED_OVER_LINE,
    Notice.HANDED_OVER_VENDOR,
    Notice.DELAYED,
    Notice.MERGED,
}
"""What a desk can tell because of something that happened on a ticket."""
FAMILIES: Final = frozenset({"email", "chat", "messenger"})
_AUTOMATIC = frozenset({MessageKind.AUTO, MessageKind.CAMPAIGN})
_NEVER_TOLD = frozenset({ClosingReason.SPAM, ClosingReason.MERGED, ClosingReason.DUPLICATE})


def _notices(given: Iterable[Notice | str]) -> frozenset[Notice]:
    found = []
    for one in given:
        try:
            found.append(Notice(one))
        except ValueError:
            raise ConfigurationError(
                f"there is no notice {one!r:.60}; possible: {', '.join(sorted(POSSIBLE))}"
            ) from None
    return frozenset(found)


def _names(given: Iterable[str]) -> frozenset[str]:
    return frozenset([*given])


def _several(given: Iterable[str]) -> tuple[str, ...]:
    return (*given,)


def _layers(given: Iterable[Layer]) -> tuple[Layer, ...]:
    return (*given,)


@attrs.frozen(kw_only=True)
class Notices:
    """What a desk tells customers by itself.

    Attributes:
        on: Which notices; by default `acknowledgement`, `follow_up`, `promise_moved`, `solved`, `reopened`, `closed`.
            `started`, `handed_over_line`, `handed_over_vendor`, `delayed` and `merged` may be added.
        families: The families of channels that they go out by; by default e-mail, chats and messengers.
        channels: Names of further channels.
        to_addresses: Write also where the app opened the ticket itself: to the customer's address of the channel. By
            default only conversations that came in by a channel of the desk are written to.
        layers: Own texts, above those of plug-ins and the shipped ones.
        default_locale: The language of people whose own has no texts.
        desk_name: What the texts are signed with.
        tells_resolution: Put the words of the resolution into `solved`; they may be meant for colleagues.
        moved_by: How far a promised time must move before the customer is told.
        after_calls: Names of channels, the likeliest first, by which a call is acknowledged in writing where the
            customer has an address there. You say with it that customers who call have consented to that.

    Raises:
        ConfigurationError: There is no such notice, or nothing on a ticket leads to it.
    """

    on: frozenset[Notice] = attrs.field(default=USUAL, converter=_notices)
    families: frozenset[str] = attrs.field(default=FAMILIES, converter=_names)
    channels: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    to_addresses: bool = False
    layers: tuple[Layer, ...] = attrs.field(default=(), converter=_layers)
    default_locale: str = "en"
    desk_name: str = ""
    tells_resolution: bool = False
    moved_by: dt.timedelta = dt.timedelta(minutes=1)
    after_calls: tuple[str, ...] = attrs.field(default=(), converter=_several)

    def __attrs_post_init__(self) -> None:
        """Refuse notices that no event leads to."""
        for one in sorted(self.on - POSSIBLE):
            raise ConfigurationError(
                f"nothing that happens on a ticket leads to the notice {one.value!r}; "
                f"possible: {', '.join(sorted(POSSIBLE))}"
            )
        if self.moved_by <= dt.timedelta(0):
            raise ConfigurationError(f"moved_by must be positive, not {self.moved_by}")

    def speaks_by(self, channel: str, family: str) -> bool:
        """Tell whether notices go out by a channel."""
        is_wanted = channel in self.channels or channel in self.after_calls or family in self.families
        return bool(self.on) and is_wanted


SILENT: Final = Notices(on=())
"""No notice at all."""


class Due(NamedTuple):
    """A notice that follows from an event.

    Attributes:
        cause: The event.
        is_answer: It answers something that the customer just did.
        is_automatic: What it would answer is an automatic message.
    """

    notice: Notice
    cause: Recorded
    is_answer: bool = False
    is_automatic: bool = False


def notices_due(before: Ticket | None, after: Ticket, log: Iterable[Recorded], on: frozenset[Notice]) -> list[Due]:
    """Return the notices that new events of a ticket lead to, in their order.

    `PROMISE_MOVED` stands for events that may have moved a promise; whether they did is for the clocks to say.

    Args:
        before: The ticket before them; `None` where it was opened.
        after: The ticket after them.
        log: The new events.
        on: The notices that the desk gives.
    """
    if after.merged_into is not None and Notice.MERGED not in on:
        return []
    events = tuple(log)
    category = StateCategory.NEW if before is None else before.category
    found: dict[Notice, Due] = {}
    for recorded in events:
        event = recorded.event
        notice: Notice | None
        if isinstance(event, ev.TicketOpened):
            opening = _opening(event, recorded, events)
            if opening is not None and opening.notice in on:
                found[opening.notice] = opening
            continue
        if isinstance(event, ev.StateChanged):
            notice = _state(event, category, on)
            category = event.category
        else:
            tell = _LEADS.get(type(event))
            notice = None if tell is None else tell(event)
        if notice is None or notice not in on or notice in found or (before is None and notice is _MOVED):
            continue
        found[notice] = Due(notice, recorded, is_answer=recorded.actor.kind is ActorKind.CUSTOMER)
    return list(found.values())


_MOVED = Notice.PROMISE_MOVED


def _opening(opened: ev.TicketOpened, recorded: Recorded, log: tuple[Recorded, ...]) -> Due | None:
    """Return the acknowledgement of a ticket that its customer opened; internal work has none."""
    if opened.source is not None:
        return None
    brought = [one.event for one in log if isinstance(one.event, ev.MessageReceived | ev.ReplyAdded)]
    author = brought[0].author.kind if brought else recorded.actor.kind
    if author is ActorKind.AGENT or (not brought and author is not ActorKind.CUSTOMER):
        return None
    is_follow_up = any(link.kind is LinkKind.FOLLOW_UP for link in opened.links)
    return Due(
        Notice.FOLLOW_UP if is_follow_up else Notice.ACKNOWLEDGEMENT,
        recorded,
        is_answer=True,
        is_automatic=author is not ActorKind.CUSTOMER or bool(brought and brought[0].kind in _AUTOMATIC),
    )


def _state(event: ev.StateChanged, source: StateCategory, on: frozenset[Notice]) -> Notice | None:
    if event.reason in _NEVER_TOLD:
        return None
    if event.category.is_done:
        if source is StateCategory.RESOLVED:  # told already, unless the desk tells the end alone
            return None if Notice.SOLVED in on else Notice.CLOSED
        is_solved = event.category is StateCategory.RESOLVED and event.reason in {None, ClosingReason.SOLVED}
        if not is_solved:
            return Notice.CLOSED
        return Notice.SOLVED
    if source.is_done:
        return Notice.REOPENED
    return Notice.STARTED if source is StateCategory.NEW and event.category is StateCategory.OPEN else None


_LEADS: dict[type[Any], Callable[[Any], Notice | None]] = {
    ev.PriorityChanged: lambda _event: _MOVED,
    ev.PolicyApplied: lambda _event: _MOVED,
    ev.DueSet: lambda event: _MOVED if event.metric is Metric.FIRST_RESPONSE else None,
    ev.TierMoved: lambda _event: Notice.HANDED_OVER_LINE,
    ev.HandedOver: lambda _event: Notice.HANDED_OVER_VENDOR,
    ev.TicketMerged: lambda _event: Notice.MERGED,
    ev.ClockBreached: lambda event: (
        Notice.DELAYED if event.metric in {Metric.FIRST_RESPONSE, Metric.NEXT_RESPONSE} else None
    ),
}


def told_due(log: Iterable[Recorded]) -> dt.datetime | None:
    """Return the time that the customer was told last, `None` where none was."""
    found = None
    for recorded in log:
        if isinstance(recorded.event, ev.NoticeQueued) and recorded.event.due is not None:
            found = recorded.event.due
    return found
