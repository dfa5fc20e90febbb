"""QA scorecards: a weighted score; a failed critical item zeroes it or only flags it, and the raw one stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

import attrs

from supportkit.measures.checks import not_negative, share
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Cohort, MetricResult

Autofail = Literal["zero", "flag"]
Kind = Literal["customer", "business", "compliance"]


@attrs.frozen(kw_only=True)
class QaItem:
    """One line of a scorecard.

    Attributes:
        weight: How much it counts.
        score: 0..1; `None` where it does not apply.
        critical: Whether failing it fails the whole review.
        failed: Whether it was failed.
        section: The section it belongs to.
    """

    weight: float
    score: float | None = None
    critical: bool = False
    failed: bool = False
    section: str = ""

    def __attrs_post_init__(self) -> None:
        not_negative(self.weight, "the weight of an item")
        if self.score is not None:
            share(self.score, "the score of an item")


@attrs.frozen(kw_only=True)
class QaScore:
    """The score of one review, 0..100.

    Attributes:
        raw: Without regard to critical items; `None` where nothing applied.
        final: What counts.
        autofail: Whether a critical item was failed.
    """

    raw: float | None
    final: float | None
    autofail: bool


def _weighted(pairs: Iterable[tuple[float, Fraction | None]]) -> Fraction | None:
    used = [(Fraction(not_negative(weight, "a weight")), score) for weight, score in pairs if score is not None]
    whole = sum((weight for weight, _score in used), Fraction(0))
    return sum((weight * score for weight, score in used), Fraction(0)) / whole if whole else None


def qa_score(items: Iterable[QaItem], *, autofail: Autofail = "zero") -> QaScore:
    """Return 100 * sum(w s) / sum(w) over the items that apply.

    Args:
        items: The lines of the scorecard.
        autofail: What a failed critical item does: `zero` sets the final score to 0, `flag` only says so.

    Raises:
        ValueError: A negative weight, a score outside of 0..1, or an unknown mode.
    """
    if autofail not in {"zero", "flag"}:
        raise ValueError(f"autofail is 'zero' or 'flag', not {autofail!r}")
    lines = list(items)
    part = _weighted((line.weight, None if line.score is None else Fraction(line.score)) for line in lines)
    raw = None if part is None else float(100 * part)
    failed = any(line.critical and line.failed for line in lines)
    return QaScore(raw=raw, final=0.0 if failed and autofail == "zero" else raw, autofail=failed)


def qa_sections(sections: Sequence[tuple[float, Sequence[tuple[float, float | None]]]]) -> float | None:
    """Return the score 0..100 of sections; one without an item that applies drops out, and the weights renormalise.

    Args:
        sections: Weight of each section, with the pairs of weight and score (`None`: not applicable) of its items.

    Raises:
        ValueError: A negative weight or a score outside of 0..1.
    """
    scores = []
    for weight, items in sections:
        lines = [(w, None if s is None else Fraction(share(s, "the score of an item"))) for w, s in items]
        scores.append((weight, _weighted(lines)))
    found = _weighted(scores)
    return None if found is None else float(100 * found)


def qa_accuracy(reviews: Iterable[bool], *, kind: Kind, cohort: Cohort, confidence: float = 0.95) -> MetricResult:
    """Return `qa.accuracy.<kind>`: reviewed units without a critical error of that kind / reviewed units.

    Args:
        reviews: Of each unit, whether it had such an error.
        kind: Whom the error hurts: `customer`, `business`, `compliance`.
        cohort: The units.
        confidence: Two-sided confidence.
    """
    if kind not in {"customer", "business", "compliance"}:
        raise ValueError(f"critical errors are of the kind customer, business or compliance, not {kind!r}")
    errors = list(reviews)
    return proportion(
        sum(not error for error in errors),
        len(errors),
        definition=f"qa.accuracy.{kind}/1",
        cohort=cohort,
        confidence=confidence,
    )
