"""Turns local dates into sorted, disjoint UTC intervals with prefix sums: the tables that every answer is read from.

One definition carries every rule about clock changes: the instant of a wall time L is the first instant at which the
wall clock of the zone shows L or later.
"""

from __future__ import annotations

import datetime as dt
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from supportkit.businesstime.windows import DAY
from supportkit.clock import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from supportkit.businesstime.rules import DayRules

MICRO = 1_000_000
_EPOCH_DAY = EPOCH.toordinal()
_LAST_DAY = dt.date.max.toordinal()
_SECOND = dt.timedelta(seconds=1)


class Table(NamedTuple):
    """The open time between two instants, in microseconds since 1970 UTC; never changed once made.

    With `i = bisect_right(starts, t) - 1` the open time before t is `cum[i] + min(t, ends[i]) - starts[i]`. Since
    `cum[i] - starts[i]` is needed so often it is kept as `shift[i]`.
    """

    starts: Sequence[int]
    ends: Sequence[int]
    cum: Sequence[int]
    shift: Sequence[int]
    low: int
    high: int
    first_year: int
    stop_year: int


EMPTY = Table((), (), (0,), (), 0, 0, 0, 0)


def compile_years(zone: ZoneInfo, rules: DayRules, first_year: int, stop_year: int) -> Table:
    """Return the table of the local years from *first_year* to before *stop_year*, within 1..10000."""
    first, stop = _new_year(first_year), _new_year(stop_year)
    starts, ends = compile_dates(zone, rules, range(first, stop))
    low, high = (first_instant(zone, day, 0) * MICRO for day in (first, stop))
    return build(starts, ends, low, high, (first_year, stop_year))


def build(starts: list[int], ends: list[int], low: int, high: int, years: tuple[int, int]) -> Table:
    """Return the table over sorted disjoint intervals between *low* and *high*."""
    cum = [0, *accumulate(end - start for start, end in zip(starts, ends, strict=True))]
    shift = [total - start for total, start in zip(cum, starts, strict=False)]
    return Table(starts, ends, cum, shift, low, high, *years)


def join(left: Table, right: Table) -> Table:
    """Return the table over both: *right* begins where *left* ends, and an interval across the seam becomes one."""
    across = 1 if left.ends and right.starts and left.ends[-1] == right.starts[0] else 0
    starts = [*left.starts, *right.starts[across:]]
    ends = [*left.ends[: len(left.ends) - across], *right.ends]
    return build(starts, ends, left.low, right.high, (left.first_year, right.stop_year))


def compile_dates(zone: ZoneInfo, rules: DayRules, ordinals: Iterable[int]) -> tuple[list[int], list[int]]:
    """Return starts and ends, in microseconds, of the open intervals of ascending dates; adjacent ones are merged."""
    starts: list[int] = []
    ends: list[int] = []
    special, week = rules.special.get, rules.week
    known, after = 0, dt.timedelta(0)  # the midnight whose offset is known, and that offset
    for ordinal in ordinals:
        before = after if ordinal == known else _offset(zone, ordinal)
        # The later of the two offsets that a midnight in a gap or a repeated one has: such a day is to be resolved.
        after = _offset(zone, ordinal + 1, fold=1)
        known = ordinal + 1 if before == after else 0
        spans = special(ordinal)
        for start, end in week[(ordinal - 1) % 7] if spans is None else spans:
            if before == after:
                midnight = (ordinal - _EPOCH_DAY) * DAY - (before.days * DAY + before.seconds)
                opens, closes = (midnight + start) * MICRO, (midnight + end) * MICRO
            else:
                opens = first_instant(zone, ordinal, start) * MICRO
                closes = first_instant(zone, ordinal, end) * MICRO
            if opens >= closes:  # the window lies inside a gap
                continue
            if ends and ends[-1] == opens:
                ends[-1] = closes
            else:
                starts.append(opens)
                ends.append(closes)
    return starts, ends


def first_instant(zone: ZoneInfo, ordinal: int, seconds: int) -> int:
    """Return the first instant, in seconds since 1970, at which the clock of *zone* shows the wall time or later.

    The wall time is *seconds* after midnight of the date with *ordinal*. A repeated time is its first occurrence; a
    time inside a gap is the instant of the jump, found by bisection, because a jump need not be an hour long nor lie
    on a full one.
    """
    wall = (ordinal - _EPOCH_DAY) * DAY + seconds
    day, second = divmod(seconds, DAY)
    if ordinal + day > _LAST_DAY:  # the end of the year 9999, which has no date
        return wall - _offset(zone, _LAST_DAY) // _SECOND
    local = dt.datetime.fromordinal(ordinal + day).replace(tzinfo=zone) + dt.timedelta(seconds=second)
    early = wall - _seconds(local.utcoffset())
    late = wall - _seconds(local.replace(fold=1).utcoffset())
    if early <= late:
        return early
    shows_less, shows_enough = late, early
    while shows_enough - shows_less > 1:
        middle = (shows_less + shows_enough) // 2
        shown = middle + _seconds((EPOCH + dt.timedelta(seconds=middle)).astimezone(zone).utcoffset())
        if shown < wall:
            shows_less = middle
        else:
            shows_enough = middle
    return shows_enough


def _new_year(year: int) -> int:
    return _LAST_DAY + 1 if year > dt.MAXYEAR else dt.date(year, 1, 1).toordinal()


def _offset(zone: ZoneInfo, ordinal: int, *, fold: int = 0) -> dt.timedelta:
    offset = dt.datetime.fromordinal(min(ordinal, _LAST_DAY)).replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always knows
    return offset


def _seconds(offset: dt.timedelta | None) -> int:
    assert offset is not None  # noqa: S101 - a ZoneInfo always knows
    return offset.days * DAY + offset.seconds
