"""Random days at a desk that keeps promises: service levels, commands, and what the log of a ticket must come to.

No tests in here. A day is a list of steps, plain data that can be carried out on several desks with other sweeps in
between. What must hold is computed from the log and from the recorded service levels alone, without the desk's notes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Self

import attrs
from hypothesis import strategies as st
from tests.property.sla_worlds import CELL, LONGER, LUNCH, NAMED, NIGHTS, SHORTER, SOUK, START, TICK, policies

from supportkit import Desk, ManualClock, Ticket
from supportkit.businesstime import BusinessCalendar
from supportkit.channels.port import Accepted, Capabilities, Deferred, Delivery, Outbound, Rejected
from supportkit.drafting import read_clocks
from supportkit.engine.promises import Promises
from supportkit.errors import IllegalTransition, InvalidPolicy, Refused
from supportkit.ids import SequentialIds
from supportkit.lifecycle import built_in
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange
from supportkit.model.clocks import Cause, Metric, Verdict
from supportkit.model.events import Recorded
from supportkit.model.ticket import Priority, StateCategory
from supportkit.promising import renewed
from supportkit.sla import (
    Absorbed,
    CalendarChanged,
    ClockSet,
    Created,
    Fact,
    Policy,
    Rules,
    ServiceLevels,
    evaluate,
    facts_of,
    replay,
    report,
    upcoming,
)

KIM = "agent:kim"
ANN = "customer:ann"
CHANNELS = ("email", "chat", "telegram")
CLOSE_AFTER = dt.timedelta(days=7)
AGES = dt.timedelta(days=60)

STATES = {state.name: state.category for state in built_in().states}

# -- service levels ----------------------------------------------------------------------------------------------------

CONDITIONS = (
    {"tags": ["vip"]},
    {"plan": ["gold"]},
    {"priority": ["urgent", "low"]},
    {"channel": "chat", "tags": ["vip"]},
    {"tier": 2},
    {"channel_class": "messenger"},
)
OTHERS = {"days": (LUNCH, LONGER, SHORTER), "nights": (NIGHTS, SOUK)}


@st.composite
def levels(draw: Any, metrics: tuple[Metric, ...] = tuple(Metric)) -> ServiceLevels:
    """Service levels of up to three policies; the first ones are for some tickets only. A desk may refuse them."""
    listed: list[Policy] = []
    usual = "once" if draw(st.integers(0, 7)) == 0 else "days"
    for name in ("q", "r")[: draw(st.sampled_from([0, 1, 1, 2]))]:
        given = draw(policies(name, last=False, metrics=metrics)).to_dict()
        listed.append(_sound({**given, "condition": draw(st.sampled_from(CONDITIONS))}, usual))
    listed.append(_sound(draw(policies("p", metrics=metrics)).to_dict(), usual))
    return ServiceLevels(policies=listed, calendars=NAMED)


def _sound(data: dict[str, Any], usual: str) -> Policy:
    """Return a policy without pauses that a desk refuses; the last one measures everything.

    What is measured at all depends on all policies that a database knows: new ones would bring clocks to old tickets.
    """
    if data.get("fallback"):
        data["metrics"] = {**{metric.value: {} for metric in Metric}, **data.get("metrics", {})}
    for options in data.get("metrics", {}).values():
        if {"new", "open"} <= set(options.get("pauses") or ()):
            options["pauses"] = [pause for pause in options["pauses"] if pause != "new"]
    return Policy.from_dict(_without_end(data, usual))


def _without_end(data: Any, usual: str) -> Any:
    """Put *usual* in the place of the calendar that is used up in the end: desks refuse targets longer than it."""
    if not isinstance(data, dict):
        return [_without_end(one, usual) for one in data] if isinstance(data, list) else data
    named = {"calendar", "1", "2", "3", "a", "b"}  # tiers and vendors are named by these
    return {
        key: usual if key in named and value == "once" else _without_end(value, usual) for key, value in data.items()
    }


# -- steps -------------------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """Something that happens: how long after the last thing, which desk, what, on which ticket, with what."""

    wait: dt.timedelta
    desk: int
    what: str
    ticket: int = 0
    more: dict[str, Any] = {}  # noqa: RUF012 - never written to


WAITS = st.sampled_from([0, 0, 1, 1, 2, 4, 7, 16, 30, 90]).map(lambda cells: cells * CELL) | st.sampled_from(
    [TICK, CELL - TICK, CELL + TICK]
)
LATE = st.none() | st.none() | st.sampled_from([TICK, CELL, 3 * CELL, 20 * CELL, 100 * CELL])
SPANS = st.sampled_from([1, 2, 5, 16, 60]).map(lambda cells: cells * CELL)
PEOPLE = st.sampled_from(["kim", "lee"])


def _fixed(**parts: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(parts)


PLAIN: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "open": _fixed(
        channel=st.sampled_from(CHANNELS),
        priority=st.sampled_from(list(Priority)),
        tier=st.integers(1, 3),
        by=st.sampled_from(["customer", "customer", "agent"]),
        words=st.booleans(),
        tags=st.sampled_from([(), ("vip",)]),
        gold=st.booleans(),
        owner=st.sampled_from([None, None, "kim"]),
        late=LATE,
    ),
    "reply": _fixed(by=PEOPLE, kind=st.sampled_from(["reply", "reply", "call"]), late=LATE),
    "bot": _fixed(kind=st.sampled_from(["reply", "auto"]), late=LATE),
    "customer": _fixed(kind=st.sampled_from(["reply", "reply", "auto"]), channel=st.sampled_from(CHANNELS), late=LATE),
    "ask": _fixed(until=st.none(), late=LATE),
    "hold": _fixed(until=st.none(), late=LATE),
    "resume": _fixed(late=LATE),
    "resolve": _fixed(late=LATE),
    "reopen": _fixed(late=LATE),
    "end": _fixed(late=LATE),
    "priority": _fixed(priority=st.sampled_from(list(Priority)), late=LATE),
    "tier": _fixed(tier=st.integers(1, 3), late=LATE),
    "assign": _fixed(to=st.sampled_from([None, "kim", "lee"]), late=LATE),
    "tag": _fixed(tag=st.sampled_from(["vip", "bug"]), gone=st.booleans(), plan=st.sampled_from(["gold", None])),
    "policy": _fixed(late=LATE),
    "due": _fixed(
        metric=st.sampled_from([Metric.RESOLUTION, Metric.FIRST_RESPONSE, *Metric]),
        after=st.sampled_from([None, CELL, 2 * CELL, 5 * CELL, 16 * CELL]),
        late=LATE,
    ),
    "promise": _fixed(within=SPANS, open_time=st.booleans(), late=LATE),
    "move": _fixed(nth=st.integers(0, 2), within=SPANS, open_time=st.booleans(), late=LATE),
    "keep": _fixed(nth=st.integers(0, 2), late=LATE),
    "cancel": _fixed(nth=st.integers(0, 2), late=LATE),
    "vendor": _fixed(
        verb=st.sampled_from(["hand_over", "hand_over", "pause", "resume", "take_back"]),
        name=st.sampled_from(["a", "b"]),
        late=LATE,
    ),
    "late": _fixed(
        what=st.sampled_from(["reply", "reply", "customer", "hold", "resume", "resolve", "priority"]),
        aims=st.booleans(),
        late=st.sampled_from([TICK, CELL, 2 * CELL, 3 * CELL, 8 * CELL, 20 * CELL, 100 * CELL]),
        priority=st.sampled_from(list(Priority)),
    ),
    "note": _fixed(),
    "merge": _fixed(into=st.integers(0, 5)),
    "unmerge": _fixed(),
    "split": _fixed(),
    "deliver": _fixed(answers=st.lists(st.sampled_from(["yes", "no", "later"]), max_size=4)),
    "targets": _fixed(levels=levels()),
    "calendar": _fixed(
        name=st.sampled_from(sorted(OTHERS)), nth=st.integers(0, 2), retroactive=st.sampled_from([False, False, True])
    ),
    "lose": _fixed(),
    "to_next": _fixed(off=st.sampled_from([-TICK, dt.timedelta(0), TICK])),
}
"""Steps that do the same whenever somebody has swept before."""
TIMED = {"ask": _fixed(until=st.none() | SPANS, late=LATE), "hold": _fixed(until=st.none() | SPANS, late=LATE)}
SWEEPS = {
    "tick": _fixed(limit=st.sampled_from([1, 2, 500])),
    "earlier": _fixed(by=st.sampled_from([TICK, CELL, AGES])),
}
ALL = PLAIN | TIMED | SWEEPS
TOGETHER = {
    "levels": ("open", "calendar", "calendar", "targets", "policy", "tick", "note", "reply", "customer"),
    "talk": ("reply", "reply", "customer", "ask", "deliver", "deliver", "tick"),
    "states": ("ask", "hold", "resume", "customer", "resolve", "reopen", "end", "reply", "tick"),
    "promises": ("promise", "move", "keep", "cancel", "due", "due", "reply", "lose", "tick"),
    "pairs": ("open", "merge", "merge", "unmerge", "reply", "customer", "hold", "resume", "split", "tick"),
    "vendors": ("vendor", "vendor", "vendor", "hold", "resume", "tier", "priority", "tick"),
    "fields": ("priority", "tier", "assign", "tag", "policy", "due", "lose", "resolve", "tick"),
    "late": ("late", "late", "tick", "tick", "customer"),
    "anything": tuple(sorted(ALL)),
}
"""What matters to one another."""


@st.composite
def days(draw: Any, theme: str, kinds: dict[str, Any] = ALL, *, size: int = 14, desks: int = 2) -> list[Step]:
    """A day of a theme: few kinds of things at a time, so that those which matter to one another meet."""
    whats = st.sampled_from([what for what in TOGETHER[theme] if what in kinds] + ["to_next", "to_next"])
    is_orderly = draw(st.booleans())  # nothing is entered late
    steps = [Step(dt.timedelta(0), 0, "open", 0, draw(kinds["open"]))]
    for _ in range(size):
        what, ticket, desk = draw(whats), draw(st.integers(0, 2)), draw(st.integers(0, desks - 1))
        more = draw(kinds[what])
        if is_orderly and what != "late" and "late" in more:
            more = {**more, "late": None}
        # Where the clock was put to an instant that matters, something has to happen at it.
        at_once = steps[-1].what == "to_next" and draw(st.booleans())
        steps.append(Step(dt.timedelta(0) if at_once else draw(WAITS), desk, what, ticket, more))
    return steps


# -- carrying them out -------------------------------------------------------------------------------------------------


@attrs.define
class Moody:
    """A channel that takes a message, refuses it or wants it later, as the test says."""

    name: str
    answers: list[str]
    capabilities: Capabilities = attrs.field(factory=lambda: Capabilities(family="chat"))

    def send(self, message: Outbound) -> Delivery:
        """Answer the next thing of the list; a yes when it is empty."""
        match self.answers.pop(0) if self.answers else "yes":
            case "no":
                return Rejected("blocked")
            case "later":
                return Deferred("throttled")
            case _:
                return Accepted(message.id)


class Known(NamedTuple):
    """The service levels that a database has recorded, compiled without the desk's help but for the notes."""

    rules: Rules
    changes: tuple[tuple[int, dt.datetime, str, BusinessCalendar, bool], ...]
    count: int
    promises: Promises


class Day:
    """Two desks on one database, a clock that stands still, and what the database must say in the end."""

    def __init__(self, promised: ServiceLevels, *, close_after: dt.timedelta | None = CLOSE_AFTER) -> None:
        self.clock = ManualClock(START + 8 * CELL)
        self.answers: list[str] = []
        self.close_after = close_after
        channels = [Moody(name, self.answers) for name in ("email", "chat")]
        more: dict[str, Any] = {"clock": self.clock, "channels": channels, "close_resolved_after": close_after}
        self.desk = Desk("sqlite://", levels=promised, ids=SequentialIds(), **more)
        self.desks = (self.desk, Desk(self.desk.storage, ids=SequentialIds(1_000_000), **more))
        self.ann = self.desk.customers.add("Ann", addresses={"chat": "@ann"}).id
        self.tickets: list[str] = []
        self._checked: dict[str, tuple[int, str]] = {}
        self._known: Known | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.desk.storage.close()

    @property
    def now(self) -> dt.datetime:
        return self.clock.now()

    def do(self, step: Step) -> None:
        """Let the time before a step pass, then carry it out; what a rule refuses is no step."""
        self.clock.advance(step.wait)
        self.act(step)

    def act(self, step: Step) -> None:
        """Carry a step out now."""
        verb = getattr(self, f"_{step.what}")
        ticket = self.tickets[step.ticket % len(self.tickets)] if self.tickets else ""
        with contextlib.suppress(IllegalTransition, InvalidPolicy, Refused):
            verb(self.desks[step.desk], ticket, **step.more)

    def _at(self, late: dt.timedelta | None) -> dict[str, Any]:
        return {} if late is None else {"at": self.now - late}

    def _open(
        self, desk: Desk, _ticket: str, *, by: str, words: bool, gold: bool, owner: str | None, **more: Any
    ) -> None:
        at = self._at(more.pop("late"))
        author = {"actor": KIM, "author": KIM} if by == "agent" else {}
        fields = {"plan": "gold"} if gold else {}
        body = "Hello" if words else None
        opened = desk.open("x", body, customer=self.ann, fields=fields, assignee=owner, **author, **more, **at)
        self.tickets.append(opened.id)

    def _reply(self, desk: Desk, ticket: str, *, by: str, kind: str, late: dt.timedelta | None) -> None:
        desk.reply(ticket, "Well", actor=f"agent:{by}", kind=kind, **self._at(late))

    def _bot(self, desk: Desk, ticket: str, *, kind: str, late: dt.timedelta | None) -> None:
        desk.reply(ticket, "Beep", actor="bot:hal", kind=kind, **self._at(late))

    def _customer(self, desk: Desk, ticket: str, *, kind: str, channel: str, late: dt.timedelta | None) -> None:
        got = desk.add_message(ticket, "Well?", author=ANN, kind=kind, channel=channel, **self._at(late))
        if got.id not in self.tickets:  # a follow-up
            self.tickets.append(got.id)

    def _ask(self, desk: Desk, ticket: str, *, until: dt.timedelta | None, late: dt.timedelta | None) -> None:
        desk.ask(ticket, "Which?", actor=KIM, until=until, **self._at(late))

    def _hold(self, desk: Desk, ticket: str, *, until: dt.timedelta | None, late: dt.timedelta | None) -> None:
        desk.hold(ticket, "vendor", actor=KIM, until=until, **self._at(late))

    def _resume(self, desk: Desk, ticket: str, *, late: dt.timedelta | None) -> None:
        desk.resume(ticket, actor=KIM, **self._at(late))

    def _resolve(self, desk: Desk, ticket: str, *, late: dt.timedelta | None) -> None:
        desk.resolve(ticket, "done", actor=KIM, **self._at(late))

    def _reopen(self, desk: Desk, ticket: str, *, late: dt.timedelta | None) -> None:
        desk.reopen(ticket, actor=KIM, **self._at(late))

    def _end(self, desk: Desk, ticket: str, *, late: dt.timedelta | None) -> None:
        desk.end(ticket, actor=KIM, reason="spam", **self._at(late))

    def _priority(self, desk: Desk, ticket: str, *, priority: Priority, late: dt.timedelta | None) -> None:
        desk.set_priority(ticket, priority, actor=KIM, **self._at(late))

    def _tier(self, desk: Desk, ticket: str, *, tier: int, late: dt.timedelta | None) -> None:
        desk.move_tier(ticket, tier, actor=KIM, **self._at(late))

    def _assign(self, desk: Desk, ticket: str, *, to: str | None, late: dt.timedelta | None) -> None:
        desk.assign(ticket, assignee=to, actor=KIM, **self._at(late))

    def _tag(self, desk: Desk, ticket: str, *, tag: str, gone: bool, plan: str | None) -> None:
        desk.tag(ticket, *(() if gone else (tag,)), remove=(tag,) if gone else (), actor=KIM)
        desk.set_fields(ticket, {"plan": plan}, actor=KIM)

    def _policy(self, desk: Desk, ticket: str, *, late: dt.timedelta | None) -> None:
        desk.apply_policy(ticket, actor=KIM, **self._at(late))

    def _due(self, desk: Desk, ticket: str, *, metric: Metric, after: dt.timedelta | None, late: Any) -> None:
        desk.set_due(ticket, metric, None if after is None else self.now + after, actor=KIM, **self._at(late))

    def _goal(self, within: dt.timedelta, *, open_time: bool) -> dt.timedelta | dt.datetime:
        return within if open_time else self.now + within

    def _promise(self, desk: Desk, ticket: str, *, within: dt.timedelta, open_time: bool, late: Any) -> None:
        desk.promise(ticket, "a call", self._goal(within, open_time=open_time), actor=KIM, **self._at(late))

    def _promised(self, desk: Desk, ticket: str, nth: int) -> str:
        kept = sorted(desk.get(ticket).promises)
        return kept[nth % len(kept)] if kept else "none"

    def _move(self, desk: Desk, ticket: str, *, nth: int, within: dt.timedelta, open_time: bool, late: Any) -> None:
        goal = self._goal(within, open_time=open_time)
        desk.promises.move(ticket, self._promised(desk, ticket, nth), goal, actor=KIM, **self._at(late))

    def _keep(self, desk: Desk, ticket: str, *, nth: int, late: Any) -> None:
        desk.promises.keep(ticket, self._promised(desk, ticket, nth), actor=KIM, **self._at(late))

    def _cancel(self, desk: Desk, ticket: str, *, nth: int, late: Any) -> None:
        desk.promises.cancel(ticket, self._promised(desk, ticket, nth), actor=KIM, **self._at(late))

    def _vendor(self, desk: Desk, ticket: str, *, verb: str, name: str, late: Any) -> None:
        getattr(desk.vendors, verb)(ticket, name, actor=KIM, **self._at(late))

    def _late(self, desk: Desk, ticket: str, *, what: str, aims: bool, late: dt.timedelta, priority: Priority) -> None:
        broken = [one.at for one in self.pure(ticket).records if one.cause is not Cause.FULFILLED] if aims else []
        at: dict[str, Any] = {"at": (broken[-1] if broken else self.now) - late}
        match what:
            case "reply":
                desk.reply(ticket, "We talked", actor=KIM, kind="call", **at)
            case "customer":
                desk.add_message(ticket, "We talked", author=ANN, kind="call", **at)
            case "resolve":
                desk.resolve(ticket, "done", actor=KIM, **at)
            case "priority":
                desk.set_priority(ticket, priority, actor=KIM, **at)
            case _:
                getattr(desk, what)(ticket, actor=KIM, **at)

    def _note(self, desk: Desk, ticket: str) -> None:
        desk.note(ticket, "hm", actor=KIM)

    def _merge(self, desk: Desk, ticket: str, *, into: int) -> None:
        desk.merge(ticket, self.tickets[into % len(self.tickets)], actor=KIM)

    def _unmerge(self, desk: Desk, ticket: str) -> None:
        desk.unmerge(ticket, actor=KIM)

    def _split(self, desk: Desk, ticket: str) -> None:
        mine = [message.id for message in desk.messages(ticket) if message.ticket == ticket]
        if mine:
            self.tickets.append(desk.split(ticket, mine[:1], "more", actor=KIM).id)

    def _deliver(self, desk: Desk, _ticket: str, *, answers: list[str]) -> None:
        self.answers[:] = answers
        desk.deliver_outbox()
        self.answers.clear()

    def _targets(self, desk: Desk, _ticket: str, *, levels: ServiceLevels) -> None:
        desk.set_levels(attrs.evolve(desk.levels, policies=levels.policies))

    def _calendar(self, desk: Desk, _ticket: str, *, name: str, nth: int, retroactive: bool) -> None:
        other = OTHERS[name][nth % len(OTHERS[name])]
        calendars = dict(desk.levels.calendars) | {name: other}
        desk.set_levels(attrs.evolve(desk.levels, calendars=calendars), retroactive=retroactive)

    def _lose(self, desk: Desk, ticket: str) -> None:
        with desk.storage.begin(desk.tenant) as unit:
            row = unit.get(ticket)
            assert row is not None
            bare = attrs.evolve(row, clocks="")
            unit.save(Change(tickets=(TicketChange(before=row, ticket=bare, events=()),)))

    def _tick(self, desk: Desk, _ticket: str, *, limit: int) -> None:
        assert desk.tick(limit=limit).problems == ()

    def _earlier(self, desk: Desk, _ticket: str, *, by: dt.timedelta) -> None:
        before = self.logs()
        desk.tick(self.now - by)
        changed = [seq for ticket, log in self.logs().items() for seq in log[len(before[ticket]) :]]
        assert all(recorded.occurred_at <= self.now - by for recorded in changed)

    def _to_next(self, _desk: Desk, _ticket: str, *, off: dt.timedelta) -> None:
        due = self.next_certain()
        if due is not None and due + off > self.now:
            self.clock.set(due + off)

    # -- what must hold ------------------------------------------------------------------------------------------------

    def log(self, ticket: str) -> list[Recorded]:
        return list(self.desk.history(ticket))

    def logs(self) -> dict[str, list[Recorded]]:
        return {ticket: self.log(ticket) for ticket in self.tickets}

    def known(self) -> Known:
        """Compile what the database has recorded about service levels."""
        with self.desk.storage.begin(self.desk.tenant, write=False) as unit:
            found = unit.settings("levels", after=self._known.count if self._known else 0)
            if self._known and not found:
                return self._known
            found = unit.settings("levels")
            promises = renewed(unit, self.desk._runner.rules).promises  # only to read notes
        read = [(row, json.loads(row.data)) for row in found]
        revisions = [
            (row, ServiceLevels.from_dict(data["levels"]), data.get("retroactive", False)) for row, data in read
        ]
        listed: dict[tuple[str, str], Policy] = {}
        calendars: dict[str, BusinessCalendar] = {}
        changes = []
        for row, levels_, retroactive in revisions:
            listed |= {(policy.id, policy.revision): policy for policy in levels_.policies}
            for name, calendar in levels_.calendars:
                if calendars.get(name) != calendar:
                    changes.append((row.number, row.since, name, calendar, bool(retroactive)))
                calendars |= {name: calendar, calendar.revision: calendar}
        rules = Rules(tuple(listed.values()), calendars, categories=STATES)
        self._known = Known(rules, tuple(changes), found[-1].number, promises)
        return self._known

    def facts(self, log: Iterable[Recorded], until: dt.datetime) -> list[Fact]:
        """Return the facts of a log, with the calendars as they were at its beginning and each change by *until*."""
        found: list[Fact] = []
        for recorded in log:
            for fact in facts_of(recorded):
                found.append(fact)
                if isinstance(fact, Created):
                    found += self._calendars(fact.occurred_at, until)
        return found

    def _calendars(self, created: dt.datetime, until: dt.datetime) -> Iterator[Fact]:
        held: dict[str, BusinessCalendar] = {}
        later = []
        for _number, since, name, calendar, retroactive in self.known().changes:
            if since <= created or name not in held:
                held[name] = calendar  # a name that is new was promised to nobody before
            elif since <= until:
                later.append(CalendarChanged(occurred_at=since, calendar=name, revision=calendar.revision,
                                             retroactive=retroactive))  # fmt: skip
        for name, calendar in held.items():
            yield CalendarChanged(occurred_at=created, calendar=name, revision=calendar.revision)
        yield from later

    def others(self, facts: Iterable[Fact], until: dt.datetime) -> dict[str, list[Fact]]:
        """Return the facts of all that was merged, over any number of hops."""
        found: dict[str, list[Fact]] = {}
        waiting = [fact.ticket for fact in facts if isinstance(fact, Absorbed)]
        while waiting:
            ticket = waiting.pop()
            if ticket not in found:
                found[ticket] = self.facts(self.log(ticket), until)
                waiting += [fact.ticket for fact in found[ticket] if isinstance(fact, Absorbed)]
        return found

    def pure(self, ticket: str, at: dt.datetime | None = None) -> ClockSet:
        """Evaluate a log, from its facts alone."""
        at = at or self.now
        facts = self.facts(self.log(ticket), at)
        return evaluate(facts, self.known().rules, None, at, categories={}, others=self.others(facts, at))

    def next_certain(self) -> dt.datetime | None:
        """Return the next instant at which time alone brings something about, according to the logs alone."""
        rules, coming = self.known().rules, []
        for ticket in self.tickets:
            facts = self.facts(self.log(ticket), self.now)
            snapshot = replay(facts, rules, at=self.now, others=self.others(facts, self.now))
            if snapshot is not None:
                coming += [due.certain_at for due in upcoming(snapshot, rules)]
            row = self.desk.get(ticket)
            if row.category in {StateCategory.WAITING_CUSTOMER, StateCategory.WAITING_EXTERNAL} and row.until:
                coming.append(row.until)
            if row.category is StateCategory.RESOLVED and self.close_after is not None:
                coming.append(row.state_since + self.close_after)
        return min((at for at in coming if at > self.now), default=None)

    def sweep(self, desk: Desk | None = None, limit: int = 500) -> dt.datetime | None:
        """Sweep until nothing is due; return `next_due`."""
        for _ in range(200):
            done = (desk or self.desk).tick(limit=limit)
            assert done.problems == ()
            if not done.more:
                return done.next_due
        raise AssertionError("a sweep that never ends")

    def check_rows(self) -> None:
        """Each row is the fold of its log, whose numbers are 1 to n."""
        assert [one for one in self.desk.check(deep=True) if one.severity == "error"] == []
        for ticket in self.tickets:
            log = self.log(ticket)
            assert [recorded.seq for recorded in log] == list(range(1, len(log) + 1))
            assert self.desk.get(ticket).version == len(log)

    def check_notes(self) -> None:
        """The note beside each row says what folding its log anew would say."""
        for ticket in self.tickets:
            row = self.desk.get(ticket)
            if self._checked.get(ticket) != (row.version, row.clocks):
                self._checked[ticket] = (row.version, row.clocks)
                self.check_note(row)

    def check_note(self, row: Ticket) -> None:
        known = self.known()
        kept = read_clocks(row, known.promises)
        if kept is None or any(number > kept.generation for number, *_ in known.changes):
            return  # lost, or a closed ticket that waits for nothing, or one that has yet to hear of newer calendars
        facts = self.facts(self.log(row.id), self.now)
        anew = replay(facts, known.rules, others=self.others(facts, self.now))
        assert anew is not None
        assert self.shown(kept.snapshot, known.rules) == self.shown(anew, known.rules)

    def shown(self, snapshot: Any, rules: Rules) -> Any:
        """Return what a snapshot says now, whoever found passed thresholds first."""
        shown = report(snapshot, rules, max(self.now, _instant(snapshot)))
        clocks = [
            attrs.evolve(clock, warned=tuple(sorted(one for one in clock.warned if not one.startswith("override"))))
            for clock in shown.clocks
        ]
        return attrs.evolve(shown, clocks=tuple(clocks))

    def check_told(self, ticket: str) -> None:
        """What the log says of warnings and verdicts is what a pure evaluation of its facts says at this instant."""
        log, clocks = self.log(ticket), self.pure(ticket)
        assert told(log) == {
            record.id: Said(record.verdict, record.at, record.used, record.target) for record in clocks.records
        }
        fired = [one for one in log if isinstance(one.event, ev.ClockWarned | ev.ClockBreached)]
        ids = [one.event.id for one in fired]  # type: ignore[union-attr]
        assert len(ids) == len(set(ids)), "each is told once"
        with self.desk.storage.begin(self.desk.tenant, write=False) as unit:
            assert unit.fired(ticket) == set(ids)
        assert all(one.occurred_at <= one.recorded_at for one in fired), "nothing is told before its instant"
        check_strictness(log)
        if is_plain(log) and not self.was_measured_anew(log):
            due = {item.id: item.at for item in clocks.warnings}
            assert warned(log) == due
            check_order(log)
            check_missed(log, clocks)

    def was_measured_anew(self, log: list[Recorded]) -> bool:
        return any(change[4] and change[1] > log[0].occurred_at for change in self.known().changes)

    def check_end(self) -> None:
        """Sweep once more; then everything holds, and nothing is left to tell."""
        following = self.sweep()
        for ticket in self.tickets:
            self.check_told(ticket)
        self.check_notes()
        self.check_rows()
        real = self.next_certain()
        assert real is None or (following is not None and following <= real), (following, real)
        before = self.logs()
        again = self.desk.tick()
        assert (again.fired, again.more, again.next_due) == (0, False, following)
        self.desk.tick(self.now - AGES)
        if following is not None:
            assert following > self.now
            self.desk.tick(following - TICK)
        assert self.logs() == before

    def summary(self) -> dict[int, tuple[dict[str, Said], dict[str, dt.datetime] | None]]:
        """Return by number what is told of each ticket.

        First the verdicts; then the warnings and the missed dues of people, `None` where the past was corrected.
        """
        found = {}
        for ticket in self.tickets:
            log = self.log(ticket)
            plain = is_plain(log) and not self.was_measured_anew(log)
            sayings = {_short(id_): said for id_, said in told(log).items()}
            warnings = {_short(id_): at for id_, at in [*warned(log).items(), *missed(log).items()]} if plain else None
            found[self.desk.get(ticket).number] = (sayings, warnings)
        return found


class Said(NamedTuple):
    """A verdict as a log has it."""

    verdict: Verdict
    at: dt.datetime
    used: dt.timedelta | None
    target: dt.timedelta | None


def _instant(snapshot: Any) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + snapshot.at * TICK


def _short(id_: str) -> str:
    return id_.split("/", 1)[1]


def told(log: Iterable[Recorded]) -> dict[str, Said]:
    """Return the verdicts that hold as far as a log says, by id; not those about dues that people set."""
    holds: dict[str, Said] = {}
    for one in log:
        match one.event:
            case ev.ClockBreached(cause=Cause.OVERRIDE):
                assert one.event.due == one.occurred_at
            case ev.ClockBreached():
                holds[one.event.id] = Said(Verdict.BREACHED, one.occurred_at, one.event.used, one.event.target)
            case ev.ClockStopped():
                assert one.event.id not in holds
                holds[one.event.id] = Said(one.event.verdict, one.occurred_at, one.event.used, one.event.target)
            case ev.ClockCorrected():
                before = holds.pop(one.event.id, None)
                assert one.event.before == (None if before is None else before.verdict)
                if one.event.verdict is not None:
                    assert one.event.at is not None
                    holds[one.event.id] = Said(one.event.verdict, one.event.at, one.event.used, one.event.target)
    return holds


def warned(log: Iterable[Recorded]) -> dict[str, dt.datetime]:
    """Return the warnings of a log, by id."""
    return {one.event.id: one.occurred_at for one in log if isinstance(one.event, ev.ClockWarned)}


def missed(log: Iterable[Recorded]) -> dict[str, dt.datetime]:
    """Return the dues that people had set and that were missed, by id."""
    return {
        one.event.id: one.occurred_at
        for one in log
        if isinstance(one.event, ev.ClockBreached) and one.event.cause is Cause.OVERRIDE
    }


_CORRECTING = ev.DeliveryFailed | ev.TicketUnmerged | ev.TicketReleased | ev.TicketAbsorbed | ev.ClockCorrected


def is_plain(log: Iterable[Recorded]) -> bool:
    """Tell whether nothing in a log changed what came before it."""
    last = None
    for one in log:
        if isinstance(one.event, _CORRECTING):
            return False
        if isinstance(one.event, ev.ClockEvent):
            continue
        if last is not None and one.occurred_at < last:
            return False
        last = one.occurred_at
        if one.recorded_at > one.occurred_at and one.seq > 1:
            return False
    return True


def check_missed(log: list[Recorded], clocks: ClockSet) -> None:
    """A due that a person set for a clock, and that was not met, was told."""
    when_set = {one.event.metric: one.occurred_at for one in log if isinstance(one.event, ev.DueSet)}
    for clock in clocks.clocks:
        due, since, end = clock.override_due_at, when_set.get(clock.metric), clock.stopped_at or clocks.at
        if due is None or since is None or not clock.started_at <= since < end or due >= end:
            continue
        id_ = f"{clocks.ticket}/{clock.metric}/{clock.instance}/{clock.cycle}/override/{int(due.timestamp())}"
        assert missed(log)[id_] == due


def check_strictness(log: list[Recorded]) -> None:
    """What is done at the due itself is in time: a promise breaks a microsecond later."""
    broken = set()
    for one in log:
        event = one.event
        if isinstance(event, ev.ClockBreached):
            broken.add((event.metric, event.instance, event.cycle))
            assert one.recorded_at > one.occurred_at or event.cause not in {Cause.ELAPSED, Cause.OVERRIDE}
        elif isinstance(event, ev.ClockStopped) and event.target is not None and event.verdict is Verdict.BREACHED:
            assert event.used > event.target or (event.metric, event.instance, event.cycle) in broken


def check_order(log: list[Recorded]) -> None:
    """Warnings stand before the breach of their clock that time brought about (23)."""
    if any(isinstance(one.event, ev.PolicyApplied) for one in log):
        return  # another policy has other warnings
    broken = {}
    for one in log:
        event = one.event
        if isinstance(event, ev.ClockBreached) and event.cause is Cause.ELAPSED and event.target is not None:
            broken[event.metric, event.instance, event.cycle] = one
        elif isinstance(event, ev.ClockWarned) and _is_early(event.threshold):
            assert (event.metric, event.instance, event.cycle) not in broken


def _is_early(threshold: str) -> bool:
    return threshold.startswith("-") or (threshold.endswith("%") and float(threshold[:-1]) < 100)
