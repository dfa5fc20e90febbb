"""`plan`: from a row and the ticket as it is to the commands that bring the ticket to what the row says. Pure.

Foreign logs have no words, so nothing here makes a message: states are reached by `Fire`, never by `Reply` or `Ask`.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable

from supportkit.model import commands as cm
from supportkit.model.people import TIERS, Actor, ActorKind
from supportkit.model.ticket import ClosingReason, Priority, Ticket
from supportkit.replay.mapping import SAME, Level
from supportkit.replay.rows import Row, Said

REPLAYER = Actor(ActorKind.SYSTEM, "replay")
CHANNEL = "import"
"""The channel of tickets whose log does not name one."""

Step = tuple[dt.datetime, cm.Command]
"""When something happened in the world, and what."""

_HIGHEST = max(tier.level for tier in TIERS)
_ENDS = frozenset({"resolve", "close"})
_STAY: tuple[str, ...] = ()
_PATHS: dict[str, dict[str, tuple[str, ...]]] = {
    "new": {
        "new": _STAY,
        "open": ("start",),
        "pending": ("ask",),
        "on_hold": ("hold",),
        "resolved": ("resolve",),
        "closed": ("close",),
    },
    # Nothing leads back to `new`: a ticket that is queued again is open.
    "open": {
        "new": _STAY,
        "open": _STAY,
        "pending": ("ask",),
        "on_hold": ("hold",),
        "resolved": ("resolve",),
        "closed": ("close",),
    },
    "pending": {
        "new": ("resume",),
        "open": ("resume",),
        "pending": _STAY,
        "on_hold": ("hold",),
        "resolved": ("resolve",),
        "closed": ("close",),
    },
    "on_hold": {
        "new": ("resume",),
        "open": ("resume",),
        "pending": ("ask",),
        "on_hold": _STAY,
        "resolved": ("resolve",),
        "closed": ("close",),
    },
    "resolved": {
        "new": ("reopen",),
        "open": ("reopen",),
        "pending": ("reopen", "ask"),
        "on_hold": ("reopen", "hold"),
        "resolved": _STAY,
        "closed": ("close",),
    },
    # Resolved again after closing is the same end once more.
    "closed": {
        "new": ("reopen",),
        "open": ("reopen",),
        "pending": ("reopen", "ask"),
        "on_hold": ("reopen", "hold"),
        "resolved": _STAY,
        "closed": _STAY,
    },
}
"""The triggers that lead from a state of the built-in lifecycle to another one."""


def plan(row: Row, ticket: Ticket | None, made: Callable[[Row], cm.Open]) -> list[Step]:
    """Return what to do, in order; nothing where the ticket is already what the row says.

    Args:
        row: What the log says.
        ticket: The ticket as it is; `None` before its first row.
        made: Builds the command that opens a ticket, with the ids that the caller gives it.
    """
    at, said = row.at, row.said
    if ticket is None:
        first: list[Step] = [(row.opened or at, made(row))]
        _fire(first, row, _path("new", said), done=False)
        _tag(first, row, ())
        return first
    triggers, done = _path(ticket.state, said), False
    steps: list[Step] = []
    if triggers:
        done = ticket.is_done
        if triggers[0] == "reopen":
            steps.append((at, _trigger("reopen", None)))
            triggers, done = triggers[1:], False
    _hand_over(steps, row, ticket)
    if said.priority is not None and said.priority is not ticket.priority:
        steps.append((at, cm.SetPriority(actor=REPLAYER, priority=said.priority)))
    if said.customer is not None and said.customer != ticket.customer:
        steps.append((at, cm.SetCustomer(actor=REPLAYER, customer=said.customer)))
    if said.fields and ticket.fields.changed(said.fields) != ticket.fields:
        steps.append((at, cm.SetFields(actor=REPLAYER, changes=said.fields)))
    if triggers:
        _fire(steps, row, triggers, done=done)
    if said.meaning.tag is not None:
        _tag(steps, row, ticket.tags)
    return steps


def opening(row: Row, *, ticket: str, reference: str, message: str = "") -> cm.Open:
    """Return the command that opens the ticket of *row*: without words; the id of the case is its subject."""
    said = row.said
    return cm.Open(
        actor=REPLAYER,
        author=REPLAYER,
        subject=row.case,
        customer=said.customer,
        channel=said.channel or CHANNEL,
        priority=said.priority or Priority.NORMAL,
        tier=first_tier(said),
        team=said.team,
        assignee=said.assignee,
        fields=said.fields,
        ticket=ticket,
        reference=reference,
        message=message,
    )


def first_tier(said: Said) -> int:
    """Return the tier in which a ticket is born."""
    return 1 if said.tier is None else _level(said.tier, 1)


def _path(state: str, said: Said) -> tuple[str, ...]:
    to = said.meaning.to
    if to == SAME:
        return _STAY
    # In a state of an own lifecycle the triggers of `open` are tried; its rules say what they think of them.
    return _PATHS.get(state, _PATHS["open"])[to]


def _fire(steps: list[Step], row: Row, triggers: tuple[str, ...], *, done: bool) -> None:
    """Add the triggers; the one that ends the work gives the reason."""
    ends = None if done else row.said.meaning.reason or ClosingReason.SOLVED
    steps.extend((row.at, _trigger(trigger, ends if trigger in _ENDS else None)) for trigger in triggers)


@functools.cache
def _trigger(name: str, reason: ClosingReason | None) -> cm.Fire:
    """Return the command of a trigger; there are a dozen of them, and one of each is enough."""
    return cm.Fire(actor=REPLAYER, trigger=name, reason=reason)


def _hand_over(steps: list[Step], row: Row, ticket: Ticket) -> None:
    """Add the moves to another line, team or person; a new line begins without a person."""
    said = row.said
    tier = ticket.tier if said.tier is None else _level(said.tier, ticket.tier)
    if tier != ticket.tier:
        steps.append((row.at, cm.MoveTier(actor=REPLAYER, tier=tier, team=said.team)))
        if said.assignee is not None:
            steps.append((row.at, cm.Assign(actor=REPLAYER, assignee=said.assignee)))
        return
    new_team = said.team is not None and said.team != ticket.team
    if new_team or (said.assignee is not None and said.assignee != ticket.assignee):
        team = cm.KEEP if said.team is None else said.team
        assignee = cm.KEEP if said.assignee is None else said.assignee
        steps.append((row.at, cm.Assign(actor=REPLAYER, team=team, assignee=assignee)))


def _level(level: Level, now: int) -> int:
    return level if isinstance(level, int) else min(max(now + int(level), 1), _HIGHEST)


def _tag(steps: list[Step], row: Row, tags: tuple[str, ...]) -> None:
    tag = row.said.meaning.tag
    if tag is not None and tag not in tags:
        steps.append((row.at, cm.Tag(actor=REPLAYER, add=(tag,))))
