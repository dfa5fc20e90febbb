"""Agreement: what a log says about its own promises against what the clocks say. A pure fold over its rows.

The last row of a case says when it was opened and closed, by when that was promised, and whether it was in time. From
that come the facts of a clock of RESOLUTION, and the clock is asked.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from supportkit.lifecycle import Refusal
from supportkit.model.ticket import Priority
from supportkit.replay.errors import InvalidLogFormat
from supportkit.replay.facts import CATEGORIES, end_of_log, subject_of
from supportkit.replay.mapping import LogFormat
from supportkit.replay.plan import CHANNEL, first_tier
from supportkit.replay.promise_rows import PromisedCase, promised_cases
from supportkit.replay.report import LISTED, RefusedRow
from supportkit.sla import (
    Clock,
    Created,
    DueOverridden,
    Fact,
    Metric,
    Policy,
    PolicyApplied,
    Rules,
    ServiceLevels,
    StateEntered,
    Verdict,
    evaluate,
)
from supportkit.sla.whatif import looked_up

WITHIN = dt.timedelta(seconds=60)
"""How far a due time of ours may be from the log's to be the same: logs are written to the minute or the second."""
_TO_CLOSED = {Metric.RESOLUTION.value: {"end": "closed", "pauses": []}}
_MEASURED = Policy.from_dict({"id": "recorded", "fallback": True, "metrics": _TO_CLOSED})


@attrs.frozen(kw_only=True)
class Agreement:
    """How often two sides say the same."""

    same: int = 0
    of: int = 0

    @property
    def share(self) -> float | None:
        """Same / of; `None` without any."""
        return self.same / self.of if self.of else None

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(same=self.same + other.same, of=self.of + other.of)


@attrs.frozen(kw_only=True)
class Flags:
    """The log's labels against the clocks.

    Attributes:
        closed: Labelled cases that were closed.
        open: Labelled cases that were not.
        late: The closed ones of which the clock says that they were late.
    """

    closed: Agreement = Agreement()
    open: Agreement = Agreement()
    late: int = 0

    def __add__(self, other: Flags) -> Flags:
        return Flags(closed=self.closed + other.closed, open=self.open + other.open, late=self.late + other.late)


@attrs.frozen(kw_only=True)
class PromiseReport:
    """What the clocks make of the promises of a log.

    Attributes:
        at: The instant at which open cases were judged.
        cases: Cases of which the last row could be read.
        unlabelled: Cases without a label.
        skewed: Cases that were closed before they were opened.
        later: Cases that were opened after the instant at which they are judged; they are left out.
        due: Cases with a due time of the log, judged by it: an absolute deadline, which knows no calendar. `None` where
            the log has no due times.
        undue: Cases without one, which are never late.
        policy: Cases for which the policies have a target, judged by `used > target`; `None` without policies.
        dues: The due times of the policies, `breaches_at` at the opening, against those of the log, by kind.
        refusals: Rows that could not be read, by code: last rows of their cases, and rows that name none.
        refused_rows: The first 100 of them.
    """

    at: dt.datetime | None
    cases: int = 0
    unlabelled: int = 0
    skewed: int = 0
    later: int = 0
    due: Flags | None = None
    undue: Flags | None = None
    policy: Flags | None = None
    dues: Mapping[str, Agreement] = attrs.field(factory=dict)
    refusals: Mapping[str, int] = attrs.field(factory=dict)
    refused_rows: tuple[RefusedRow, ...] = ()

    @property
    def labelled(self) -> Flags | None:
        """All labelled cases, with and without a due time of the log; `None` where the log has none."""
        return None if self.due is None or self.undue is None else self.due + self.undue

    @property
    def all_dues(self) -> Agreement:
        """The due times of all kinds together."""
        return sum(self.dues.values(), Agreement())


def compare_promises(
    path: Path | str,
    format: LogFormat,  # noqa: A002 - what it is called everywhere
    levels: ServiceLevels | None = None,
    *,
    at: dt.datetime | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PromiseReport:
    """Recompute every promise of a log and return how often the clocks agree with it.

    Args:
        path: The CSV file.
        format: What its columns and words mean; it has to say what the log promises.
        levels: Policies to judge by, and to compute due times with.
        at: When open cases are judged; by default at the end of the log.
        progress: Called after each case with how many are done, and of how many.

    Raises:
        InvalidLogFormat: The format does not say what the log promises.
        ReplayError: The file is broken, or lacks a column of its promises.
    """
    promise = format.promise
    if promise is None:
        raise InvalidLogFormat(f"format {format.name!r} does not say what its log promises: it has no table `promise`")
    tally = _Tally(levels, has_due=promise.due is not None)
    cases = list(promised_cases(path, format, promise, tally.refuse))
    last = max((instant for case in cases for instant in (case.opened, case.closed) if instant), default=None)
    now = at or end_of_log(format, last)
    for number, case in enumerate(cases, 1):
        tally.take(case, now)
        if progress is not None:
            progress(number, len(cases))
    return tally.done(now)


class _Tally:
    """Counts while the cases go by."""

    def __init__(self, levels: ServiceLevels | None, *, has_due: bool) -> None:
        self._has_due = has_due
        self._measured = Rules([_MEASURED], categories=CATEGORIES)
        self._rules = None if levels is None else Rules(levels, categories=CATEGORIES)
        self._counts: Counter[tuple[str, ...]] = Counter()
        self._dues: Counter[tuple[str, bool]] = Counter()
        self._refusals: Counter[str] = Counter()
        self._refused_rows: list[RefusedRow] = []

    def refuse(self, line: int, case: str, refusal: Refusal) -> None:
        """Count a row that cannot be read."""
        self._refusals[refusal.code] += 1
        if len(self._refused_rows) < LISTED:
            self._refused_rows.append(RefusedRow(line=line, case=case, code=refusal.code, sentence=refusal.sentence))

    def take(self, case: PromisedCase, now: dt.datetime | None) -> None:
        """Ask the clocks about a case."""
        at = case.opened if now is None else now
        self._counts["cases",] += 1
        if case.opened > at:
            self._counts["later",] += 1
            return
        facts = tuple(_facts(case))
        is_closed = case.closed is not None and case.closed <= at
        self._counts["skewed",] += case.closed is not None and case.closed < case.opened
        self._counts["unlabelled",] += case.is_late is None
        if self._has_due:
            clock = _clock(facts, self._measured, at)
            is_late = clock is not None and clock.override_verdict is Verdict.BREACHED
            self._flag("undue" if case.due is None else "due", case, is_late=is_late, is_closed=is_closed)
        if self._rules is not None:
            self._judge(case, facts, self._rules, at, is_closed=is_closed)

    def _judge(
        self, case: PromisedCase, facts: tuple[Fact, ...], rules: Rules, at: dt.datetime, *, is_closed: bool
    ) -> None:
        """Ask the clocks of the policies about a case."""
        chosen = tuple(looked_up(facts, rules))
        clock = _clock(chosen, rules, at)
        if clock is None or (clock.target is None and clock.deadline is None):
            return
        self._flag("policy", case, is_late=clock.verdict is Verdict.BREACHED, is_closed=is_closed)
        fresh = _clock((fact for fact in chosen if not isinstance(fact, StateEntered)), rules, case.opened)
        if case.due is not None and fresh is not None:
            is_same = fresh.breaches_at is not None and abs(fresh.breaches_at - case.due) <= WITHIN
            self._dues[case.kind, is_same] += 1

    def _flag(self, by: str, case: PromisedCase, *, is_late: bool, is_closed: bool) -> None:
        if case.is_late is None:
            return
        what = "closed" if is_closed else "open"
        self._counts[by, what, "of"] += 1
        self._counts[by, what, "same"] += is_late is case.is_late
        self._counts[by, "late"] += is_late and is_closed

    def _flags(self, by: str) -> Flags:
        def agreement(what: str) -> Agreement:
            return Agreement(same=self._counts[by, what, "same"], of=self._counts[by, what, "of"])

        return Flags(closed=agreement("closed"), open=agreement("open"), late=self._counts[by, "late"])

    def done(self, now: dt.datetime | None) -> PromiseReport:
        """Return what was counted."""
        kinds = sorted({kind for kind, _is_same in self._dues})
        return PromiseReport(
            at=now,
            cases=self._counts["cases",],
            unlabelled=self._counts["unlabelled",],
            skewed=self._counts["skewed",],
            later=self._counts["later",],
            due=self._flags("due") if self._has_due else None,
            undue=self._flags("undue") if self._has_due else None,
            policy=None if self._rules is None else self._flags("policy"),
            dues={
                kind: Agreement(same=self._dues[kind, True], of=self._dues[kind, True] + self._dues[kind, False])
                for kind in kinds
            },
            refusals=dict(sorted(self._refusals.items())),
            refused_rows=tuple(self._refused_rows),
        )


def _facts(case: PromisedCase) -> Iterator[Fact]:
    """Yield what is known about a case."""
    said, opened = case.said, case.opened
    channel, priority, tier = said.channel or CHANNEL, said.priority or Priority.NORMAL, first_tier(said)
    tags = () if said.meaning.tag is None else (said.meaning.tag,)
    subject = subject_of(channel=channel, priority=priority, tier=tier, team=said.team, tags=tags, fields=said.fields)
    yield Created(occurred_at=opened, seq=1, channel=channel, priority=priority, tier=tier, state="new")
    yield PolicyApplied(occurred_at=opened, seq=2, policy=None, subject=subject)
    if case.due is not None:
        yield DueOverridden(occurred_at=opened, seq=3, metric=Metric.RESOLUTION, instant=case.due)
    if case.closed is not None:
        yield StateEntered(occurred_at=case.closed, seq=4, state="closed")


def _clock(facts: Iterable[Fact], rules: Rules, at: dt.datetime) -> Clock | None:
    return evaluate(facts, rules, None, at, categories=CATEGORIES).get(Metric.RESOLUTION)
