"""Rounding, which happens only where a number is shown: half away from zero, of the decimal that a person sees."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

from supportkit.measures.checks import number

MAX_DIGITS = 300
"""More digits than a float can have."""


def display_round(value: float, *, digits: int = 0) -> Decimal:
    """Round the shortest decimal form of *value* half up: 2.675 to 2.68, 0.5 to 1, -12.5 to -13.

    The result is a `Decimal`, so that it prints as it is and nobody computes on with it by accident. Never compare it
    with a target: 84.95 shows as 85.0 and does not meet 85.

    Raises:
        ValueError: *value* is no finite number, or *digits* is not within -300..300.
    """
    if isinstance(digits, bool) or not isinstance(digits, int) or abs(digits) > MAX_DIGITS:
        raise ValueError(f"digits must be a whole number from -{MAX_DIGITS} to {MAX_DIGITS}, not {digits!r}")
    shown = Decimal(repr(float(number(value, "value"))))
    with localcontext(prec=2 * MAX_DIGITS + 20):
        return shown.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def percent(value: float | None, *, digits: int = 1) -> str:
    """Return a share as a text in percent, `-` where there is no data; the only place where percent exists."""
    return "-" if value is None else f"{display_round(float(Decimal(repr(float(value))) * 100), digits=digits):f} %"
