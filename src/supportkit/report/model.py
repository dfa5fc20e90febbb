"""What a report is about: measured values, and nothing that has to be computed any more."""

from __future__ import annotations

import attrs

from supportkit.measures.results import MetricResult
from supportkit.metrics.kpis import Kpis


@attrs.frozen(kw_only=True)
class Score:
    """The results of a survey.

    Attributes:
        name: What was asked, in the words of the shop.
        results: Its numbers.
        distribution: How often each answer was given, from the lowest one; empty where nobody needs it.
    """

    name: str
    results: tuple[MetricResult, ...]
    distribution: tuple[tuple[str, int], ...] = ()


@attrs.frozen(kw_only=True)
class Report:
    """Everything that a page shows.

    Attributes:
        kpis: The numbers of the tickets; `None` for a report of surveys alone.
        scores: The results of surveys.
        title: The heading; by default what the language calls a report.
        note: A sentence below the heading, for example where the data is from.
    """

    kpis: Kpis | None = None
    scores: tuple[Score, ...] = ()
    title: str = ""
    note: str = ""
