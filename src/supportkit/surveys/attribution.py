"""Who gets the credit of a resolution: a snapshot of its log, and four ways to read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction

from supportkit.model import events as ev
from supportkit.model.events import Recorded
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.surveys import Contribution, ResolutionAttributed
from supportkit.model.ticket import Ticket

_HUMAN_KINDS = frozenset({MessageKind.REPLY, MessageKind.CALL})


class Credit(StrEnum):
    """How a report gives scores to people and lines.

    Attributes:
        PRIMARY: To the assignee, else to who replied last, else to who resolved.
        CONTRIBUTORS: To all who replied, by their share of the replies; the weights add up to 1.
        FINAL_TIER: To the support line at the end.
        TOUCHED_TIERS: To every line that it went through, whole: shares add up to more than 1.
    """

    PRIMARY = "primary"
    CONTRIBUTORS = "contributors"
    FINAL_TIER = "final_tier"
    TOUCHED_TIERS = "touched_tiers"


def attributed(log: Iterable[Recorded], ticket: Ticket, resolution: int, *, topic_field: str) -> ResolutionAttributed:
    """Return the snapshot of a resolution.

    Args:
        log: The log up to the resolution.
        ticket: The ticket right after it.
        resolution: Its number.
        topic_field: The custom field that names the topic.
    """
    replies: Counter[str] = Counter()
    bots, tiers = 0, [1]
    last = resolver = None
    failed: set[str] = set()
    events = list(log)
    for recorded in events:
        if isinstance(recorded.event, ev.DeliveryFailed):
            failed.add(recorded.event.message)
    for recorded in events:
        match recorded.event:
            case ev.TicketOpened(tier=tier):
                tiers = [tier]
            case ev.TierMoved(dest=dest):
                tiers.append(dest)
            case ev.ReplyAdded(author=author, kind=kind, message=message) if message not in failed:
                if author.kind is ActorKind.BOT:
                    bots += 1
                elif author.kind is ActorKind.AGENT and kind in _HUMAN_KINDS:
                    replies[author.id] += 1
                    last = author.id
            case ev.StateChanged(category=category) if category.is_done:
                resolver = recorded.actor.id if recorded.actor.kind is ActorKind.AGENT else None
            case _:
                continue
    topic = ticket.fields.get(topic_field)
    return ResolutionAttributed(
        resolution=resolution,
        assignee=ticket.assignee,
        replier=last,
        resolver=resolver,
        contributors=tuple([Contribution(agent=agent, replies=count) for agent, count in sorted(replies.items())]),
        bot_replies=bots,
        tier=ticket.tier,
        highest=max(tiers),
        tiers=tuple(sorted(set(tiers))),
        team=ticket.team,
        topic=str(topic) if isinstance(topic, str) and topic else None,
        channel=ticket.channel,
        locale=ticket.locale,
    )


def credits_of(snapshot: ResolutionAttributed, mode: Credit | str) -> Mapping[str | int, Fraction]:
    """Return who gets how much of a score: agents by id, support lines by number. Empty where there is nobody."""
    whole = Fraction(1)
    match Credit(mode):
        case Credit.PRIMARY:
            person = snapshot.assignee or snapshot.replier or snapshot.resolver
            return {} if person is None else {person: whole}
        case Credit.CONTRIBUTORS:
            total = sum(one.replies for one in snapshot.contributors)
            return {one.agent: Fraction(one.replies, total) for one in snapshot.contributors}
        case Credit.FINAL_TIER:
            return {snapshot.tier: whole}
        case Credit.TOUCHED_TIERS:
            return dict.fromkeys(snapshot.tiers, whole)
