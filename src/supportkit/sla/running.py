"""The clocks of one ticket while things happen to it: thawed once, moved on fact by fact, frozen once.

`step` and `tick` do the same for one fact or one instant; a desk that carries out a command does several in a row.
"""

from __future__ import annotations

from collections.abc import Iterable

from supportkit.clock import from_us, to_us
from supportkit.errors import HistoryNeeded
from supportkit.sla import facts as fa
from supportkit.sla import measure
from supportkit.sla.apply import apply
from supportkit.sla.facts import Fact
from supportkit.sla.fold import Fold, Passing
from supportkit.sla.history import WHOLE, Others, is_backwards, override_name, replay_fold
from supportkit.sla.records import Record, Warned, key_text, record_of, warned_of
from supportkit.sla.rules import Rules
from supportkit.sla.state import FRESH, ClockState, Snapshot
from supportkit.sla.terms import LIVE, Cause, Verdict, to_delta

Finding = Record | Warned


class Running:
    """Clocks that run.

    Args:
        rules: The compiled policies, calendars and categories.
        snapshot: Where they stand; `None` before the ticket is created.
    """

    __slots__ = ("_fold", "_overdue", "_rules")

    def __init__(self, rules: Rules, snapshot: Snapshot | None = None) -> None:
        self._rules = rules
        self._fold = None if snapshot is None else Fold.thaw(snapshot, rules)
        self._overdue: list[Record] = []

    @classmethod
    def replayed(cls, facts: Iterable[Fact], rules: Rules, others: Others | None = None) -> Running:
        """Return clocks that have taken a whole history; `found` tells all that ever came about.

        Raises:
            HistoryNeeded: The history of a merged ticket is not among *others*.
        """
        history = list(facts)
        running = cls(rules)
        is_traced = not WHOLE.isdisjoint(map(type, history))
        running._fold = replay_fold(history, rules, others=others, is_traced=is_traced)
        return running

    @property
    def fold(self) -> Fold:
        """The fold that runs.

        Raises:
            ValueError: The ticket was not created yet.
        """
        if self._fold is None:
            raise ValueError("the history of a ticket begins with Created")
        return self._fold

    def take(self, fact: Fact) -> None:
        """Take the next fact.

        Raises:
            HistoryNeeded: It changes the past: use `replayed`.
        """
        fold, t = self._fold, to_us(fact.occurred_at)
        if fold is None:
            if not isinstance(fact, fa.Created):
                raise ValueError(f"the history of a ticket begins with Created, not with {type(fact).__name__}")
            fold = self._fold = Fold(self._rules)
        elif is_backwards(fact, t, fold):
            raise HistoryNeeded(f"{type(fact).__name__} changes what came before it: replay the history of the ticket")
        else:
            self.miss_overrides(t)
        apply(fold, fact, t)

    def elapse(self, until: int) -> None:
        """Write down all that time alone brought about by *until*, in microseconds."""
        fold = self.fold
        for key, clock in tuple(fold.clocks.items()):
            if clock.status not in LIVE:
                continue
            terms, calendar = fold.terms[clock.metric], fold.calendar(clock.calendar)
            points = [
                point for point in measure.upcoming_points(clock, terms, calendar, until + 1) if point[1] <= until
            ]
            points.sort(key=lambda point: point[1])
            fold.passings += [Passing(clock.key, name, at) for name, at in points]
            # Only what was found is kept; used and since stay as the last fact left them, as if nobody had looked.
            rare = measure.settle(clock, until, calendar, terms)[0].rare
            fired = (*clock.rare.fired, *(name for name, _ in points))
            if rare is not clock.rare or points:
                fold.keep(key, clock._replace(rare=rare._replace(fired=fired)))

    def miss_overrides(self, t: int) -> None:
        """Write down the dues set by people that lie before *t* and were not met; the fold itself keeps no record."""
        fold = self.fold
        for key, clock in tuple(fold.clocks.items()):
            rare = clock.rare
            if rare is FRESH or rare.override is None or rare.override >= t or clock.status not in LIVE:
                continue
            name = override_name(rare.override)
            if name not in rare.fired:
                self._overdue.append(self._missed(clock, rare.override))
                fold.clocks[key] = clock.but(fired=(*rare.fired, name))

    def _missed(self, clock: ClockState, due: int) -> Record:
        fold = self.fold
        used = clock.used
        if clock.since is not None and due > clock.since:
            used += fold.calendar(clock.calendar).between_us(clock.since, due)
        return Record(
            id=key_text(fold.ticket, clock.key, override_name(due)),
            metric=clock.metric,
            instance=clock.instance,
            cycle=clock.cycle,
            verdict=Verdict.BREACHED,
            used=to_delta(used),
            target=None if clock.target is None else to_delta(clock.target),
            due_at=from_us(due),
            at=from_us(due),
            cause=Cause.OVERRIDE,
        )

    def found(self) -> list[Finding]:
        """Return what came about since the last call, by time; of one instant the warnings come first."""
        fold = self._fold
        if fold is None or not (fold.records or fold.passings or self._overdue):
            return []
        ticket = fold.ticket
        findings: list[Finding] = [warned_of(ticket, passing) for passing in fold.passings]
        findings += [record_of(ticket, key, number, state) for key, number, state in fold.records]
        findings += self._overdue
        fold.records, fold.passings, self._overdue = [], [], []
        findings.sort(key=lambda finding: finding.at)
        return findings

    @property
    def next_us(self) -> int | None:
        """When time alone brings about the next thing for certain; earlier than now for what nobody has found yet."""
        fold = self.fold
        points: list[int] = []
        for clock in fold.clocks.values():
            if clock.status in LIVE:
                points += certain_points(fold, clock)
        return min(points) if points else None

    def states(self) -> list[ClockState]:
        """Return the clocks as the fold keeps them, those that ended and are still remembered first."""
        return [*(self.fold.archive or ()), *self.fold.clocks.values()]

    def freeze(self) -> Snapshot:
        """Return where the clocks stand."""
        return self.fold.freeze()


def certain_points(fold: Fold, clock: ClockState) -> list[int]:
    """Return the instants from which on a warning, the breach and a missed override of a live clock are certain."""
    rare, terms = clock.rare, fold.terms[clock.metric]
    found: list[int] = []
    if terms.thresholds:
        found += [at for _name, at in measure.upcoming_points(clock, terms, fold.calendar(clock.calendar))]
    # A calendar is looked up only where it is needed: one that is missing stops nothing else.
    is_by_time = clock.target is not None and clock.since is not None and rare.breached is None
    breach = measure.breach_point(clock, fold.calendar(clock.calendar)) if is_by_time else rare.deadline
    if breach is not None and rare.breached is None:
        found.append(breach + 1)
    override = rare.override
    if override is not None and override_name(override) not in rare.fired:
        found.append(override + 1)
    return found
