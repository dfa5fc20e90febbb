"""Measures: results that can be defended, and the statistics that surveys, metrics and reports share.

Usable alone: numbers go in, values come out. Nothing here reads a clock or does I/O.
"""

from __future__ import annotations

from supportkit.measures.bootstrap import RESAMPLES, bootstrap
from supportkit.measures.intervals import newcombe, ratio_interval, smallest_sample_reaching, wilson, wilson_bound
from supportkit.measures.proportions import merge_proportions, proportion
from supportkit.measures.quantiles import min_n_for_quantile, percentile
from supportkit.measures.results import WARNINGS, Basis, Cohort, Interval, MetricResult, per_person
from supportkit.measures.rounding import display_round, percent
from supportkit.measures.targets import TargetStatus, meets_target, target_status

__all__ = [
    "RESAMPLES",
    "WARNINGS",
    "Basis",
    "Cohort",
    "Interval",
    "MetricResult",
    "TargetStatus",
    "bootstrap",
    "display_round",
    "meets_target",
    "merge_proportions",
    "min_n_for_quantile",
    "newcombe",
    "per_person",
    "percent",
    "percentile",
    "proportion",
    "ratio_interval",
    "smallest_sample_reaching",
    "target_status",
    "wilson",
    "wilson_bound",
]
