"""Answers on a scale: what is one, what is a blank, and what is refused before it can be averaged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from supportkit.measures.checks import Number, number, total

Scale = tuple[int, int]
"""The lowest and the highest answer."""


def scale_of(lo: object, hi: object) -> tuple[Number, Number]:
    """Return the ends of a scale, else raise ValueError: *lo* must lie below *hi*."""
    ends = number(lo, "the low end of the scale"), number(hi, "the high end of the scale")
    if ends[0] >= ends[1]:
        raise ValueError(f"a scale goes from a lower to a higher number, not from {lo!r} to {hi!r}")
    return ends


def code_on(value: object, lo: Number, hi: Number, name: str) -> int:
    """Return *value* if it is a whole number on the scale.

    Raises:
        ValueError: It is anything else: 7.5, `True`, a text, 11 on 0..10.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not lo <= value <= hi:
        raise ValueError(f"{name} must be a whole number from {lo} to {hi}, not {value!r}")
    return value


def codes_on(values: Iterable[object], lo: Number, hi: Number, name: str) -> list[int]:
    """Return the answers without the blanks (`None`); the first that is off the scale raises ValueError."""
    return [code_on(value, lo, hi, name) for value in values if value is not None]


def point_on(value: object, lo: Number, hi: Number, name: str) -> Fraction:
    """Return *value*, an answer or a mean of answers, as an exact number; off the scale it raises ValueError."""
    point = number(value, name)
    if not lo <= point <= hi:
        raise ValueError(f"{name} must lie on the scale {lo}..{hi}, and is {value!r}")
    return Fraction(point)


def mean(values: Sequence[Number]) -> Fraction | None:
    """Return the exact mean, `None` of nothing."""
    return total(values) / len(values) if values else None
