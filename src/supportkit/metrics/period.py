"""The period of a report, and the stretches that its charts are drawn over."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import attrs

from supportkit.clock import to_utc, zone_of
from supportkit.measures.results import Basis, Cohort

Step = Literal["day", "week", "month"]
_MOST_DAYS, _MOST_WEEKS = 45, 420


def _utc(value: dt.datetime | None) -> dt.datetime | None:
    return None if value is None else to_utc(value, "an end of a period")


@attrs.frozen(kw_only=True)
class Period:
    """From when to when numbers are wanted; half-open.

    Attributes:
        since: The first instant; `None`: from the beginning.
        until: The first instant after it; `None`: up to `now`.
        zone: IANA zone of days, weeks and months.

    Raises:
        ValueError: It ends before it begins, or there is no such zone.
        TypeError: An instant is not aware.
    """

    since: dt.datetime | None = attrs.field(default=None, converter=_utc)
    until: dt.datetime | None = attrs.field(default=None, converter=_utc)
    zone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError(f"a period cannot end at {self.until.isoformat()}, before {self.since.isoformat()}")
        zone_of(self.zone)

    def cohort(self, basis: Basis, now: dt.datetime, filter: str) -> Cohort:  # noqa: A002 - what it is called everywhere
        """Return the cohort of the period by one date."""
        return Cohort(basis=basis, start=self.since, end=self.until, now=now, zone=self.zone, filter=filter)

    def steps(self, first: dt.datetime, now: dt.datetime) -> tuple[Step, tuple[dt.datetime, ...]]:
        """Return how the period is cut for charts, and the borders: days, weeks from Monday, or months of its zone.

        Args:
            first: Where a period without a beginning begins.
            now: Where one without an end ends; an open one is not drawn beyond it.
        """
        start = self.since or first
        end = min(self.until or now, now)
        days = (end - start).days
        step: Step = "day" if days <= _MOST_DAYS else "week" if days <= _MOST_WEEKS else "month"
        zone = zone_of(self.zone)
        day = _floor(start.astimezone(zone).date(), step)
        borders = [start]
        while True:
            day = _next(day, step)
            border = dt.datetime.combine(day, dt.time(0), tzinfo=zone).astimezone(dt.UTC)
            if border >= end:
                break
            if border > start:
                borders.append(border)
        if end > start:
            borders.append(end)
        return step, tuple(borders)


_LEAST = {"day": dt.timedelta(hours=22), "week": dt.timedelta(days=6, hours=22), "month": dt.timedelta(days=27)}


def is_whole(start: dt.datetime, end: dt.datetime, step: Step) -> bool:
    """Tell whether a stretch is a whole day, week or month; a clock change takes an hour or two."""
    return end - start >= _LEAST[step]


def _floor(day: dt.date, step: Step) -> dt.date:
    if step == "month":
        return day.replace(day=1)
    return day - dt.timedelta(days=day.weekday()) if step == "week" else day


def _next(day: dt.date, step: Step) -> dt.date:
    if step == "month":
        return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return day + dt.timedelta(days=7 if step == "week" else 1)
