"""Values as people of a language read them. Percent exists only here; nothing is rounded before."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_decimal
from babel.units import format_unit

from supportkit.measures import Interval, display_round
from supportkit.measures.results import Value
from supportkit.metrics.period import Step
from supportkit.report.words import language_of

_UNITS = ((86_400, "duration-day"), (3_600, "duration-hour"), (60, "duration-minute"), (1, "duration-second"))
# A bare `en` names no country: day before month is read right by everybody.
_LOCALES = {"en": "en_150", "ru": "ru", "zh": "zh_Hans_CN"}


class Shown:
    """Numbers, durations and days of one language."""

    def __init__(self, locale: str, zone: str) -> None:
        self._locale = Locale.parse(_LOCALES[language_of(locale)])
        self._zone = ZoneInfo(zone)

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many decimals at most, rounded half up."""
        rounded = display_round(value, digits=digits)
        return format_decimal(rounded, format="#,##0." + "0" * digits if digits else "#,##0", locale=self._locale)

    def percent(self, value: float, digits: int = 1) -> str:
        """Return a share in percent."""
        exact = float(Decimal(repr(float(value))) * 100)
        sign = "\N{NO-BREAK SPACE}%" if self._locale.language != "zh" else "%"
        return self.number(exact, digits) + sign

    def length(self, span: dt.timedelta) -> str:
        """Return a duration with its two largest parts."""
        rest = round(span.total_seconds())
        parts: list[tuple[int, str]] = []
        for size, unit in _UNITS:
            count, rest = divmod(rest, size)
            if count or parts:
                parts.append((count, unit))
            if len(parts) == 2:  # noqa: PLR2004 - the two largest
                break
        told = [format_unit(n, unit, length="short", locale=self._locale) for n, unit in parts if n]
        return " ".join(told) or format_unit(0, "duration-second", length="short", locale=self._locale)

    def value(self, value: Value | None, unit: str) -> str:
        """Return a value of a definition's unit, a dash where there is none."""
        if value is None:
            return "\N{EN DASH}"
        if isinstance(value, dt.timedelta):
            return self.length(value)
        if unit == "share":
            return self.percent(value)
        return self.number(value) if isinstance(value, int) else self.number(value, 2 if unit == "scale" else 1)

    def interval(self, interval: Interval | None, unit: str) -> str:
        """Return an interval; empty where there is none."""
        if interval is None:
            return ""
        return f"{self.value(interval.low, unit)} \N{EN DASH} {self.value(interval.high, unit)}"

    def moment(self, at: dt.datetime) -> str:
        """Return an instant in the report's zone."""
        return format_datetime(at, format="medium", tzinfo=self._zone, locale=self._locale)

    def day(self, at: dt.datetime) -> str:
        """Return the day of an instant in the report's zone."""
        return format_date(at.astimezone(self._zone).date(), format="medium", locale=self._locale)

    def border(self, at: dt.datetime, step: Step) -> str:
        """Return the name of a stretch of a chart, short."""
        day = at.astimezone(self._zone).date()
        if step == "month":
            return format_date(day, format="LLL yy", locale=self._locale)
        return format_skeleton("MMMd", day, locale=self._locale)
