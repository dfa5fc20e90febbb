"""`Selection`: some tickets of a table in a period, with what the filter left out counted by basis."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs

from supportkit.clock import from_us, to_us
from supportkit.measures.results import Basis, Cohort
from supportkit.metrics.flow import Resolution
from supportkit.metrics.period import Period
from supportkit.metrics.table import NONE, FlowTable, Mode, Standing

_DATES: dict[Basis, str] = {
    "created": "created",
    "first_resolved": "resolved",
    "resolved": "done",
    "arrival": "contact",
}


class Selection:
    """Tickets of *table* that a measure looks at: all of them, or those that *only* names."""

    def __init__(self, table: FlowTable, period: Period, only: Iterable[int] | None = None) -> None:
        self.table, self.period = table, period
        self._kept: dict[tuple[str, str], Any] = {}  # what several parts ask the table for
        self.now = table.now
        excluded = table.column("excluded")
        reasons = table.names("excluded")
        counting = reasons.index(None) if None in reasons else -1
        chosen = range(len(table)) if only is None else list(only)
        self.rows: Sequence[int] = [row for row in chosen if excluded[row] == counting]
        self._gone = [(row, str(reasons[excluded[row]])) for row in chosen if excluded[row] != counting]

    def narrowed(self, rows: Iterable[int]) -> Selection:
        """Return a part of it; what the filter left out is told of the whole only."""
        part = object.__new__(Selection)
        part.table, part.period, part.now = self.table, self.period, self.now
        part.rows, part._gone, part._kept = list(rows), [], self._kept
        return part

    def cohort(self, basis: Basis) -> Cohort:
        """Return the cohort by a date, with the tickets that the filter left out of it."""
        found = self.period.cohort(basis, self.now, self.table.filter)
        if basis not in _DATES:
            return found.leaving_out(Counter(reason for _row, reason in self._gone))
        dates, inside = self.table.column(_DATES[basis]), self.inside()
        return found.leaving_out(Counter(reason for row, reason in self._gone if inside(dates[row])))

    def durations(self, name: str, mode: Mode) -> Sequence[int]:
        """Return a duration of every ticket of the table, as the table does, which is asked once."""
        if (name, mode) not in self._kept:
            self._kept[name, mode] = self.table.durations(name, mode)
        found: Sequence[int] = self._kept[name, mode]
        return found

    def clocks(self) -> Iterator[tuple[int, str, int, Standing]]:
        """Yield ticket, clock, due and verdict of the promises of the selection."""
        by_ticket = self._kept.get(("clocks", ""))
        if by_ticket is None:
            by_ticket = defaultdict(list)
            for one in self.table.clocks():
                by_ticket[one[0]].append(one)
            self._kept["clocks", ""] = by_ticket
        for row in self.rows:
            yield from by_ticket.get(row, ())

    def left_out_of_clocks(self, cohort: Cohort) -> Counter[str]:
        """Return how many promises of the period belong to tickets that the filter left out."""
        if not self._gone:
            return Counter()
        gone = dict(self._gone)
        found = ((row, due) for row, _clock, due, _verdict in self.table.clocks() if row in gone)
        return Counter(gone[row] for row, due in found if cohort.has(from_us(due)))

    def by(self, basis: Basis) -> list[int]:
        """Return the tickets that belong to the period by a date."""
        dates, inside = self.table.column(_DATES[basis]), self.inside()
        return [row for row in self.rows if inside(dates[row])]

    def inside(self) -> Callable[[int], bool]:
        """Return what tells whether an instant in microseconds lies in the period; no instant does not."""
        low = NONE + 1 if self.period.since is None else to_us(self.period.since)
        now = to_us(self.now) + 1
        high = now if self.period.until is None else min(to_us(self.period.until), now)
        return lambda at: low <= at < high

    def within(self) -> Callable[[int], bool]:
        """Return what tells whether a due lies in the period; one that is still to come may."""
        low = NONE + 1 if self.period.since is None else to_us(self.period.since)
        high = 2**63 if self.period.until is None else to_us(self.period.until)
        return lambda at: low <= at < high

    @property
    def end(self) -> dt.datetime:
        """The last instant that is known of the period."""
        return self.now if self.period.until is None else min(self.period.until, self.now)

    def instant(self, name: str, row: int) -> dt.datetime | None:
        """Return an instant of a ticket."""
        at = self.table.column(name)[row]
        return None if at == NONE else from_us(at)

    def first_resolution(self, row: int) -> Resolution | None:
        """Return the first resolution of a ticket."""
        at = self.instant("resolved", row)
        return None if at is None else Resolution(at, self.instant("reopened", row))

    def later(self) -> dict[int, list[Resolution]]:
        """Return all resolutions but the first of the tickets that have more than one."""
        if ("later", "") in self._kept:
            known: dict[int, list[Resolution]] = self._kept["later", ""]
            return known
        found: defaultdict[int, list[Resolution]] = defaultdict(list)
        for row, resolved, reopened in self.table.later_resolutions():
            found[row].append(Resolution(from_us(resolved), None if reopened == NONE else from_us(reopened)))
        self._kept["later", ""] = found
        return found

    def resolutions(self) -> Iterator[tuple[int, tuple[Resolution, ...]]]:
        """Yield each ticket with all of its resolutions."""
        later = self.later()
        for row in self.rows:
            first = self.first_resolution(row)
            yield row, (() if first is None else (first, *later.get(row, ())))


@attrs.frozen
class Repeats:
    """When the customers of a table came again with the same topic: for first contact resolution."""

    _created: dict[tuple[int, str | None], list[int]]
    _topics: list[tuple[str, ...]]
    _table: FlowTable

    @classmethod
    def of(cls, selection: Selection) -> Repeats:
        """Look at every ticket that counts."""
        table = selection.table
        topics: list[tuple[str, ...]] = [topics_of(names) for names in table.names("topics")]
        created: defaultdict[tuple[int, str | None], list[int]] = defaultdict(list)
        customers, which, born = table.column("customer"), table.column("topics"), table.column("created")
        for row in selection.rows:
            if customers[row] != NONE:
                for topic in topics[which[row]] or (None,):
                    created[customers[row], topic].append(born[row])
        for several in created.values():
            several.sort()
        return cls(dict(created), topics, table)

    def after(self, row: int, at: int) -> dt.datetime | None:
        """Return when the customer of a ticket opened the next one of the same topic after an instant."""
        customer = self._table.column("customer")[row]
        if customer == NONE:
            return None
        found = []
        for topic in self._topics[self._table.column("topics")[row]] or (None,):
            several = self._created.get((customer, topic), [])
            place = bisect_right(several, at)
            if place < len(several):
                found.append(several[place])
        return from_us(min(found)) if found else None


def topics_of(names: object) -> tuple[str, ...]:
    """Return the topics that a number of the column stands for."""
    return tuple(map(str, names)) if isinstance(names, tuple) else ()
