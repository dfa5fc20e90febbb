"""A small desk for tests of clocks: a calendar, facts in one line each, and evaluating in one call."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from supportkit.businesstime import BusinessCalendar
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory
from supportkit.sla import (
    Created,
    Messaged,
    Metric,
    Policy,
    Rules,
    StateEntered,
    evaluate,
)

C = StateCategory
M = Metric
BERLIN = ZoneInfo("Europe/Berlin")
CATEGORIES = {
    "new": C.NEW,
    "open": C.OPEN,
    "pending": C.WAITING_CUSTOMER,
    "vendor": C.WAITING_EXTERNAL,
    "resolved": C.RESOLVED,
    "closed": C.CLOSED,
}
UTC_DAYS = BusinessCalendar.weekdays("UTC", start="09:00", end="17:00")
EASTER = BusinessCalendar(
    timezone="Europe/Berlin",
    hours={
        **dict.fromkeys(("mon", "tue", "wed", "thu"), (("09:00", "13:00"), ("14:00", "18:00"))),
        "fri": [("09:00", "13:00"), ("14:00", "17:00")],
    },
    holidays=["2025-04-18", "2025-04-21"],
    overrides={"2025-04-26": [("10:00", "14:00")]},
)


def h(hours: float) -> dt.timedelta:
    return dt.timedelta(hours=hours)


def utc(text: str) -> dt.datetime:
    """`08 10:30` is 10:30 on 8 January 2024, a Monday."""
    return dt.datetime.fromisoformat(f"2024-01-{text.replace(' ', 'T')}").replace(tzinfo=dt.UTC)


def berlin(text: str) -> dt.datetime:
    """`17 15:30` is 15:30 on 17 April 2025 in Berlin."""
    local = dt.datetime.fromisoformat(f"2025-04-{text.replace(' ', 'T')}").replace(tzinfo=BERLIN)
    return local.astimezone(dt.UTC)


def policy(targets=None, *, metrics=None, id="p", **more) -> Policy:  # noqa: A002
    """A policy on the weekday calendar; *targets* are hours by metric name or a list of rows."""
    rows = targets or {}
    if isinstance(rows, dict):
        rows = [{"metric": name, "target": h(hours)} for name, hours in rows.items()]
    data = {"id": id, "calendar": "days", "fallback": "condition" not in more, "targets": rows, **more}
    return Policy.from_dict({**data, "metrics": metrics or {}})


class Log:
    """The facts of one ticket, numbered as they are told."""

    def __init__(self, when, *, ticket="T1", channel="email", clock=utc, **more):
        self.facts = []
        self.clock = clock
        self.tell(Created, when, channel=channel, ticket=ticket, **more)

    def tell(self, fact, when, /, **more):
        at = when if isinstance(when, dt.datetime) else self.clock(when)
        recorded = more.pop("recorded", None)
        if isinstance(recorded, str):
            recorded = self.clock(recorded)
        seq = more.pop("seq", len(self.facts) + 1)
        self.facts.append(fact(occurred_at=at, recorded_at=recorded, seq=seq, **more))
        return self

    def customer(self, when, kind=MessageKind.REPLY, channel="email", **more):
        return self.tell(Messaged, when, author=ActorKind.CUSTOMER, kind=kind, channel=channel, **more)

    def agent(self, when, kind=MessageKind.REPLY, channel="email", author=ActorKind.AGENT, **more):
        return self.tell(Messaged, when, author=author, kind=kind, channel=channel, **more)

    def state(self, when, name, **more):
        return self.tell(StateEntered, when, state=name, **more)

    def at(self, when, policies, calendars=None, **more):
        """Evaluate at an instant."""
        now = when if isinstance(when, dt.datetime) else self.clock(when)
        listed = policies if isinstance(policies, list | Rules) else [policies]
        return evaluate(self.facts, listed, calendars or {"days": UTC_DAYS}, now, categories=CATEGORIES, **more)


def rules(*policies, calendars=None) -> Rules:
    return Rules(policies, calendars or {"days": UTC_DAYS}, categories=CATEGORIES)
