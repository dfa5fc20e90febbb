"""Histories: the facts about each ticket of a log, for clocks. The log is played in memory; nothing is stored."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from supportkit.lifecycle import built_in
from supportkit.model.fields import Fields
from supportkit.model.ticket import Priority, StateCategory
from supportkit.replay.fold import Played, fold_log
from supportkit.replay.mapping import LogFormat
from supportkit.replay.report import Progress, ReplayReport
from supportkit.replay.times import time_reader
from supportkit.sla.facts import Created, Fact, PolicyApplied
from supportkit.sla.translate import facts_of

Subject = tuple[tuple[str, Any], ...]
"""What policies are chosen by: names of fields of a ticket, and their values."""

CATEGORIES: Mapping[str, StateCategory] = {state.name: state.category for state in built_in().states}
"""What the states of the built-in lifecycle mean, in which logs are played."""


@attrs.frozen(kw_only=True)
class Histories:
    """What a log tells about its tickets.

    Attributes:
        facts: The facts by the log's own id of the ticket. A `PolicyApplied` without a policy stands wherever a policy
            is to be chosen: at the opening and at each change of what policies are chosen by.
        at: The end of the log: its last instant, or when the format says that it was written, whichever is later.
            `None` if nothing happened in it.
        report: What became of the rows.
    """

    facts: Mapping[str, tuple[Fact, ...]]
    at: dt.datetime | None
    report: ReplayReport


def histories(
    path: Path | str,
    format: LogFormat,  # noqa: A002 - what it is called everywhere
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Histories:
    """Play a log in memory and return the facts about its tickets.

    Args:
        path: The CSV file.
        format: What its columns and words mean.
        progress: Called every 1000 rows and at the end.

    Raises:
        ReplayError: The file is broken; the text names the line and what to do.
    """
    collected = _Collected()
    report = fold_log(path, format, seen=collected.take, progress=progress)
    facts = {ticket: tuple(several) for ticket, several in collected.facts.items()}
    return Histories(facts=facts, at=end_of_log(format, collected.last), report=report)


def subject_of(
    *,
    channel: str,
    priority: Priority,
    tier: int,
    team: str | None = None,
    tags: tuple[str, ...] = (),
    fields: Fields,
) -> Subject:
    """Return what policies are chosen by; a custom field that is called like one of ours does not hide it."""
    ours = {"channel": channel, "priority": priority, "tier": tier, "team": team, "tags": tags}
    return tuple(sorted({**fields, **ours}.items()))


def end_of_log(format: LogFormat, last: dt.datetime | None) -> dt.datetime | None:  # noqa: A002 - as everywhere
    """Return the instant at which what is open in a log is judged: its *last* one, or when it was written."""
    if format.promise is None or format.promise.as_of is None:
        return last
    written = time_reader(format.times, format.zone)(format.promise.as_of)
    return max((instant for instant in (last, written) if instant is not None), default=None)


class _Collected:
    """The facts of all tickets while the rows go by."""

    def __init__(self) -> None:
        self.facts: defaultdict[str, list[Fact]] = defaultdict(list)
        self.last: dt.datetime | None = None
        self._subjects: dict[str, Subject] = {}

    def take(self, played: Played) -> None:
        """Take in what one row did. A policy is chosen by what the ticket is after all that happened at one instant."""
        for number, (entry, ticket) in enumerate(played):
            at = entry.occurred_at
            self.last = at if self.last is None else max(self.last, at)
            facts = self.facts[entry.ticket]
            # When the log was read is of no interest: the clocks take it that everything was known at once.
            # What policy the desk of the replay applied is of no interest either: the log's own promises are unknown.
            for fact in facts_of(entry):
                if isinstance(fact, Created):
                    fact = attrs.evolve(fact, is_applied=False, policy=None, revision=None)  # noqa: PLW2901
                if not isinstance(fact, PolicyApplied):
                    facts.append(attrs.evolve(fact, recorded_at=None))
            if number + 1 < len(played) and played[number + 1][0].occurred_at == at:
                continue
            subject = subject_of(
                channel=ticket.channel,
                priority=ticket.priority,
                tier=ticket.tier,
                team=ticket.team,
                tags=ticket.tags,
                fields=ticket.fields,
            )
            if subject != self._subjects.get(entry.ticket):
                self._subjects[entry.ticket] = subject
                facts.append(PolicyApplied(occurred_at=at, seq=entry.seq, policy=None, subject=subject))
