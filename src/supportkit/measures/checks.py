"""What may be counted: the checks of numbers that every measure shares. Neither `True` nor NaN is a number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from numbers import Rational

Number = int | float | Fraction
"""A finite real number: exact where it is whole or a fraction."""


def number(value: object, name: str) -> Number:
    """Return *value* if it is a finite number.

    Raises:
        ValueError: It is a text, a truth value, infinite or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Rational):
        raise ValueError(f"{name} must be a number, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return value if isinstance(value, int | float) else Fraction(value)


def count(value: object, name: str) -> int:
    """Return *value* if it is a whole number of at least 0.

    Raises:
        ValueError: It is something else; 3.0 and `True` are something else too.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    if value < 0:
        raise ValueError(f"{name} must not be negative, and is {value}")
    return value


def not_negative(value: object, name: str) -> Number:
    """Return *value* if it is a number of at least 0, else raise ValueError."""
    if (checked := number(value, name)) < 0:
        raise ValueError(f"{name} must not be negative, and is {value!r}")
    return checked


def positive(value: object, name: str) -> Number:
    """Return *value* if it is a number above 0, else raise ValueError."""
    if (checked := number(value, name)) <= 0:
        raise ValueError(f"{name} must be above 0, and is {value!r}")
    return checked


def share(value: object, name: str) -> Number:
    """Return *value* if it is a number from 0 to 1, else raise ValueError."""
    if not 0 <= (checked := number(value, name)) <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, and is {value!r}")
    return checked


def inner_share(value: object, name: str) -> float:
    """Return *value* if it lies strictly between 0 and 1, else raise ValueError."""
    if not 0 < (checked := number(value, name)) < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, and is {value!r}")
    return float(checked)


def part_of(successes: object, n: object, name: str) -> tuple[int, int]:
    """Return two counts of which the first is part of the second, else raise ValueError."""
    k, whole = count(successes, f"the numerator of {name}"), count(n, f"the denominator of {name}")
    if k > whole:
        raise ValueError(f"the numerator of {name} must be part of its denominator: {k} of {whole}")
    return k, whole


def same_length(first: Sequence[object], second: Sequence[object], name: str) -> None:
    """Raise ValueError unless both have as many items."""
    if len(first) != len(second):
        raise ValueError(f"{name} must be of one length, and are of {len(first)} and {len(second)}")


def exact(value: object, name: str) -> Fraction:
    """Return the fraction that *value* shows: 0.8 is 4/5, and "13/25" may be written as a text.

    Raises:
        ValueError: It is no number, nor the text of one.
    """
    if isinstance(value, str):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"{name} must be a number or a fraction such as '13/25', not {value!r}") from None
    checked = number(value, name)
    return Fraction(repr(checked)) if isinstance(checked, float) else Fraction(checked)


def total(values: Iterable[Number]) -> Fraction:
    """Return the exact sum: the order of the values does not matter, and nothing is rounded."""
    return sum((Fraction(value) for value in values), Fraction(0))
