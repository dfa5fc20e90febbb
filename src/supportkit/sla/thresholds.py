"""Warnings: points on the used time of a clock, written as a share of the target or as an offset from the due."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from supportkit.errors import InvalidPolicy
from supportkit.sla.terms import SECOND, read_duration, to_us

BREACH = "100%"
"""The threshold that is the breach itself."""

_SHARE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)%")


class Threshold(NamedTuple):
    """A point on used time.

    Attributes:
        id: How it is named in ids: `80%`, `-1800s`, `+3600s`.
        top: Numerator of the share of the target; an offset is counted from the whole of it.
        bottom: Denominator of the share.
        offset: Microseconds before (negative) or after the due.
    """

    id: str
    top: int
    bottom: int
    offset: int

    def point(self, target: int) -> int:
        """Return the used time, not negative, at which it fires; a share is rounded up to a microsecond."""
        return max(0, -(-target * self.top // self.bottom) + self.offset)


def read_threshold(text: object, where: str) -> Threshold:
    """Return the threshold that *text* stands for: `"80%"`, `"-30m"`, `"+1h"`.

    Raises:
        InvalidPolicy: It is none of these.
    """
    if isinstance(text, str):
        word = text.strip()
        share = _SHARE.fullmatch(word)
        if share is not None and (parts := Fraction(share.group(1))) > 0:
            number = share.group(1)
            number = number.rstrip("0").rstrip(".") if "." in number else str(int(number))
            return Threshold(f"{number}%", parts.numerator, 100 * parts.denominator, 0)
        if word[:1] in {"-", "+"}:
            us = to_us(read_duration(word[1:], where))
            whole = f"{us // SECOND}" if us % SECOND == 0 else f"{us // SECOND}.{us % SECOND:06d}"
            sign = word[0]
            before = sign == "-"
            return Threshold(f"{sign}{whole}s", 1, 1, -us if before else us)
    raise InvalidPolicy(f"{where}: {str(text)[:64]!r} is no threshold; write '80%', '-30m' or '+1h'")
