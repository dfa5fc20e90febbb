"""Who should take a ticket, and which ticket comes first: pure rules, usable alone."""

from __future__ import annotations

from supportkit.routing.choosing import (
    Candidate,
    Choice,
    Moment,
    Needs,
    Reason,
    Rejected,
    Strategy,
    Why,
    choose,
)
from supportkit.routing.duty import Duty, PresenceState, duty_of
from supportkit.routing.roster import Roster, Routing
from supportkit.routing.standing import Standing, due_of, rank_of, standing

__all__ = [
    "Candidate",
    "Choice",
    "Duty",
    "Moment",
    "Needs",
    "PresenceState",
    "Reason",
    "Rejected",
    "Roster",
    "Routing",
    "Standing",
    "Strategy",
    "Why",
    "choose",
    "due_of",
    "duty_of",
    "rank_of",
    "standing",
]
