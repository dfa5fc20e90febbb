"""P5: business time against a plain function with both bisections inlined, and against two libraries.

Ratios within one run: the sides of a row take turns, round by round, over the same 2,000 random instants; a row shows
the median of the rounds' ratios with the smallest and the greatest. What the sides answer is compared before anything
is timed. Run it with `python bench/businesstime.py`.
"""

from __future__ import annotations

import datetime as dt
import gc
import random
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from supportkit.businesstime import BusinessCalendar, yearly
from supportkit.businesstime.compile import compile_years
from supportkit.clock import from_us, to_us

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 15
COUNT = 2_000
SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
DUE_US = 12 * HOUR_US
DUE = dt.timedelta(hours=12)
MOSCOW = ZoneInfo("Europe/Moscow")

Side = Callable[[], object]


# The days off that every year has, and those that were moved: together 56 in three years.
EVERY_YEAR = [*(f"01-{day:02}" for day in range(1, 9)), "02-23", "03-08", "05-01", "05-09", "06-12", "11-04"]
MOVED = [
    "2024-04-29", "2024-04-30", "2024-05-10", "2024-12-30", "2024-12-31",
    "2025-05-02", "2025-05-08", "2025-06-13", "2025-11-03", "2025-12-31",
    "2026-01-09", "2026-03-09", "2026-05-11", "2026-12-31",
]  # fmt: skip


def moscow() -> BusinessCalendar:
    """Mon-Fri 09:00-18:00 Europe/Moscow with 56 holidays in 2024 to 2026."""
    hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "18:00"),))
    holidays = [*yearly(EVERY_YEAR, (2024, 2025, 2026)), *MOVED]
    return BusinessCalendar(timezone="Europe/Moscow", hours=hours, holidays=holidays)


class Core:
    """The reference: the formulas as they are written down, over the calendar's own tables, and nothing around them."""

    def __init__(self, calendar: BusinessCalendar) -> None:
        calendar.between_us(
            to_us(dt.datetime(2022, 1, 1, tzinfo=dt.UTC)), to_us(dt.datetime(2029, 1, 1, tzinfo=dt.UTC))
        )
        table = calendar._line.table
        starts, ends, cum = table.starts, table.ends, table.cum

        def add(t: int, d: int) -> int:
            i = bisect_right(starts, t) - 1
            v = cum[i] + min(t, ends[i]) - starts[i] + d
            j = bisect_left(cum, v)
            return starts[j - 1] + v - cum[j - 1]

        def between(a: int, b: int) -> int:
            i, k = bisect_right(starts, a) - 1, bisect_right(starts, b) - 1
            return cum[k] + min(b, ends[k]) - starts[k] - (cum[i] + min(a, ends[i]) - starts[i])

        self.add, self.between = add, between


def compare(base: Side, candidate: Side, rounds: int = ROUNDS, *, repeat: int = 1) -> tuple[float, float, float]:
    """Return median, smallest and greatest of candidate time / base time.

    The sides take turns, first one first, then the other, and each round counts its best of three, so that a hiccup of
    the machine is not a result. A base that is over in microseconds runs *repeat* times and counts once.
    """

    def repeated() -> None:
        for _ in range(repeat):
            base()

    base(), candidate()
    ratios = []
    for number in range(rounds):
        best = {repeated: float("inf"), candidate: float("inf")}
        for _ in range(3):
            for side in (repeated, candidate) if number % 2 else (candidate, repeated):
                best[side] = min(best[side], timed(side))
        ratios.append(best[candidate] / best[repeated] * repeat)
    return statistics.median(ratios), min(ratios), max(ratios)


def timed(side: Side) -> float:
    """Return the seconds of processor that one call of *side* takes, with the collector of garbage quiet.

    Not those of a clock on the wall: what other processes take away meanwhile hits the longer side of a row more often.
    """
    gc.disable()
    try:
        start = time.process_time()
        side()
        return time.process_time() - start
    finally:
        gc.enable()


def row(name: str, work: str, ratios: tuple[float, float, float], bar: float, *, least: bool = False) -> dict[str, Any]:
    ratio, low, high = ratios
    return {
        "id": name, "work": work, "ratio": ratio, "low": low, "high": high,
        "bar": f"{'>=' if least else '<='} {bar:g}", "ok": ratio >= bar if least else ratio <= bar,
    }  # fmt: skip


def same(what: str, left: Sequence[object], right: Sequence[object]) -> None:
    if list(left) != list(right):
        raise AssertionError(f"{what}: the sides disagree, so their speed means nothing")


def run() -> list[dict[str, Any]]:
    """Measure every row of P5 that concerns calendars; a library that is not installed has no rows."""
    calendar, chance = moscow(), random.Random(2024)
    core = Core(calendar)
    first, last = (to_us(dt.datetime(year, 1, 1, tzinfo=dt.UTC)) for year in (2024, 2027))
    # Whole seconds, because businesstimedelta drops what is finer.
    ts = [chance.randrange(first, last, SECOND_US) for _ in range(COUNT)]
    short = [(t, t + chance.randrange(0, 60 * DAY_US, SECOND_US)) for t in ts]
    long = [(t, t + chance.randrange(0, 730 * DAY_US, SECOND_US)) for t in ts]
    local = [from_us(t).astimezone(MOSCOW) for t in ts]
    local_short = [(from_us(a).astimezone(MOSCOW), from_us(b).astimezone(MOSCOW)) for a, b in short]

    same("add_us", [core.add(t, DUE_US) for t in ts], [calendar.add_us(t, DUE_US) for t in ts])
    same("add", [core.add(t, DUE_US) for t in ts], [to_us(calendar.add(t, DUE)) for t in local])
    for pairs in (short, long):
        same("between_us", [core.between(*pair) for pair in pairs], [calendar.between_us(*pair) for pair in pairs])
    spans = [calendar.between(a, b) // dt.timedelta(microseconds=1) for a, b in local_short]
    same("between", [core.between(*pair) for pair in short], spans)

    def core_add() -> object:
        add = core.add
        return [add(t, DUE_US) for t in ts]

    def add_us() -> object:
        return [calendar.add_us(t, DUE_US) for t in ts]

    def add() -> object:
        return [calendar.add(t, DUE) for t in local]

    def between() -> object:
        return [calendar.between(a, b) for a, b in local_short]

    def core_between(pairs: list[tuple[int, int]]) -> Side:
        count = core.between
        return lambda: [count(a, b) for a, b in pairs]

    def between_us(pairs: list[tuple[int, int]]) -> Side:
        return lambda: [calendar.between_us(a, b) for a, b in pairs]

    core_short, core_long, us_short, us_long = (
        core_between(short),
        core_between(long),
        between_us(short),
        between_us(long),
    )
    return [
        row("P5-add_us", "add_us, 12 h / inlined core", compare(core_add, add_us), 1.3),
        row("P5-between_us-60d", "between_us, <= 60 days / inlined core", compare(core_short, us_short), 1.3),
        row("P5-between_us-2y", "between_us, <= 2 years / inlined core", compare(core_long, us_long), 1.3),
        row("P5-add", "add on datetimes / inlined core", compare(core_add, add), 4),
        row("P5-between", "between on datetimes / inlined core", compare(core_short, between), 4),
        row("P5-growth", "between_us, <= 2 years / <= 60 days", compare(us_short, us_long), 1.15),
        row("P5-compile", "compile, ms a calendar year", compile_cost(calendar), 1.5),
        *against_businesstimedelta(calendar, local, local_short),
        *against_pandas(calendar, local),
    ]


def compile_cost(calendar: BusinessCalendar) -> tuple[float, float, float]:
    """Return median, least and most milliseconds a year, over the three years with holidays."""
    costs = [timed(lambda: compile_years(calendar.zone, calendar._line.rules, 2024, 2027)) / 3 * 1e3 for _ in range(25)]
    return statistics.median(costs), min(costs), max(costs)


def against_businesstimedelta(
    calendar: BusinessCalendar, local: list[dt.datetime], pairs: list[tuple[dt.datetime, dt.datetime]]
) -> list[dict[str, Any]]:
    try:
        import businesstimedelta as btd
        import pytz  # type: ignore[import-untyped]
    except ImportError:
        return []
    zone = pytz.timezone("Europe/Moscow")  # the library knows no other kind
    closed = dict.fromkeys(calendar.holidays, "holiday")
    rules = btd.Rules(
        [
            btd.WorkDayRule(start_time=dt.time(9), end_time=dt.time(18), working_days=[0, 1, 2, 3, 4], tz=zone),
            btd.HolidayRule(closed, tz=zone),
        ]
    )
    # It fails where no holiday is left to come, so only instants well before the last one.
    some = [t for t in local if t.year < 2026][:200]
    some_pairs = [(a, b) for a, b in pairs if a.year < 2026 and b.year < 2026][:200]
    theirs = [t.astimezone(zone) for t in some]
    their_pairs = [(a.astimezone(zone), b.astimezone(zone)) for a, b in some_pairs]
    due = btd.BusinessTimeDelta(rules, hours=12)

    def their_add() -> list[Any]:
        return [t + due for t in theirs]

    def their_between() -> list[Any]:
        return [rules.difference(a, b).timedelta for a, b in their_pairs]

    def our_add() -> list[Any]:
        return [calendar.add(t, DUE) for t in some]

    def our_between() -> list[Any]:
        return [calendar.between(a, b) for a, b in some_pairs]

    same("businesstimedelta, add", [to_us(t) for t in their_add()], [to_us(t) for t in our_add()])
    same("businesstimedelta, between", their_between(), our_between())
    return [
        row("P5-btd-add", "businesstimedelta / add", compare(our_add, their_add, 7, repeat=20), 100, least=True),
        row(
            "P5-btd-between",
            "businesstimedelta / between",
            compare(our_between, their_between, 7, repeat=20),
            100,
            least=True,
        ),
    ]


def against_pandas(calendar: BusinessCalendar, local: list[dt.datetime]) -> list[dict[str, Any]]:
    try:
        import pandas as pd
    except ImportError:
        return []
    hours = pd.offsets.CustomBusinessHour(n=12, start="09:00", end="18:00", holidays=sorted(calendar.holidays))
    some = local[:100]
    stamps, whole = [pd.Timestamp(t) for t in some], [to_us(t) for t in some]

    def theirs() -> list[Any]:
        return [stamp + hours for stamp in stamps]

    def ours() -> list[Any]:
        return [calendar.add(t, DUE) for t in some]

    def ours_us() -> list[int]:
        return [calendar.add_us(t, DUE_US) for t in whole]

    same("pandas, add", [stamp.to_pydatetime() for stamp in theirs()], ours())
    return [
        row(
            "P5-pandas-add_us",
            "pandas CustomBusinessHour / add_us",
            compare(ours_us, theirs, 7, repeat=20),
            100,
            least=True,
        ),
        row("P5-pandas-add", "pandas CustomBusinessHour / add", compare(ours, theirs, 7, repeat=20), 100, least=True),
    ]


def main() -> None:
    print(f"{'id':<18} {'work':<42} {'median':>8} {'min':>8} {'max':>8}  {'bar':<8} ok")
    for line in run():
        figures = " ".join(f"{line[key]:>8.2f}" for key in ("ratio", "low", "high"))
        print(f"{line['id']:<18} {line['work']:<42} {figures}  {line['bar']:<8} {'yes' if line['ok'] else 'NO'}")


if __name__ == "__main__":
    main()
