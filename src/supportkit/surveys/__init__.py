"""Surveys: instruments and scoring. Answers go in, results come out that name their definition, n and interval.

Usable alone: nothing here reads a clock or does I/O.
"""

from __future__ import annotations

from supportkit.surveys.acsi import acsi, acsi_items, acsi_respondents
from supportkit.surveys.ces import EffortScores, ces
from supportkit.surveys.csat import csat, csat_distribution, csat_mean
from supportkit.surveys.csi import WeightScore, csi, csi_aggregate, csi_of_respondent, csi_respondents, weight_score
from supportkit.surveys.nps import (
    NpsCounts,
    NpsDifference,
    WaldInterval,
    nps,
    nps_adjusted_wald,
    nps_bootstrap,
    nps_difference,
    nps_wald,
    weighted_nps,
)
from supportkit.surveys.questions import Answers, Question, Wording, read_answers
from supportkit.surveys.responses import Invitation, Stratum, is_sampled, post_stratified_rate, response_rate

__all__ = [
    "Answers",
    "EffortScores",
    "Invitation",
    "NpsCounts",
    "NpsDifference",
    "Question",
    "Stratum",
    "WaldInterval",
    "WeightScore",
    "Wording",
    "acsi",
    "acsi_items",
    "acsi_respondents",
    "ces",
    "csat",
    "csat_distribution",
    "csat_mean",
    "csi",
    "csi_aggregate",
    "csi_of_respondent",
    "csi_respondents",
    "is_sampled",
    "nps",
    "nps_adjusted_wald",
    "nps_bootstrap",
    "nps_difference",
    "nps_wald",
    "post_stratified_rate",
    "read_answers",
    "response_rate",
    "weight_score",
    "weighted_nps",
]
