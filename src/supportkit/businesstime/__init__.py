"""Business time: calendars of working hours that add, subtract and measure working time exactly.

Usable alone: it needs nothing of the rest of supportkit but its errors and its clock.
"""

from __future__ import annotations

from supportkit.businesstime.calendar import AddTie, BusinessCalendar, SubtractTie
from supportkit.businesstime.ical import IcalDays, SkippedEvent, holidays_from_ical
from supportkit.businesstime.imports import from_holidays, yearly
from supportkit.businesstime.zonedata import zone_data_version
from supportkit.errors import InvalidCalendar, NoBusinessTime

__all__ = [
    "AddTie",
    "BusinessCalendar",
    "IcalDays",
    "InvalidCalendar",
    "NoBusinessTime",
    "SkippedEvent",
    "SubtractTie",
    "from_holidays",
    "holidays_from_ical",
    "yearly",
    "zone_data_version",
]
