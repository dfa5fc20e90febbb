"""Surveys: instruments, scoring, and the rules by which customers are asked.

Answers go in, results come out that name their definition, n and interval. Usable alone: nothing here reads a clock or
does I/O.
"""

from __future__ import annotations

from supportkit.surveys.acsi import acsi, acsi_items, acsi_respondents
from supportkit.surveys.anonymity import SMALLEST_GROUP, hidden_groups
from supportkit.surveys.attribution import Credit, attributed, credits_of
from supportkit.surveys.ces import EffortScores, ces
from supportkit.surveys.csat import csat, csat_distribution, csat_mean
from supportkit.surveys.csi import WeightScore, csi, csi_aggregate, csi_of_respondent, csi_respondents, weight_score
from supportkit.surveys.invitations import (
    STEPS,
    GivenAnswer,
    InvitationState,
    Step,
    SurveyInvitation,
    invitation_of,
    invitations_of,
)
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
from supportkit.surveys.plain import surveys_from_dict, surveys_to_dict
from supportkit.surveys.questions import Answers, Question, Wording, read_answers
from supportkit.surveys.responses import Invitation, Stratum, is_sampled, post_stratified_rate, response_rate
from supportkit.surveys.settings import Exclusion, Survey
from supportkit.surveys.suppressing import Refusal, Situation, Suppression, quarantined_until, suppression
from supportkit.surveys.suspicion import Evidence, Suspicion, suspicions
from supportkit.surveys.tokens import Claim, make_token, read_token

__all__ = [
    "SMALLEST_GROUP",
    "STEPS",
    "Answers",
    "Claim",
    "Credit",
    "EffortScores",
    "Evidence",
    "Exclusion",
    "GivenAnswer",
    "Invitation",
    "InvitationState",
    "NpsCounts",
    "NpsDifference",
    "Question",
    "Refusal",
    "Situation",
    "Step",
    "Stratum",
    "Suppression",
    "Survey",
    "SurveyInvitation",
    "Suspicion",
    "WaldInterval",
    "WeightScore",
    "Wording",
    "acsi",
    "acsi_items",
    "acsi_respondents",
    "attributed",
    "ces",
    "credits_of",
    "csat",
    "csat_distribution",
    "csat_mean",
    "csi",
    "csi_aggregate",
    "csi_of_respondent",
    "csi_respondents",
    "hidden_groups",
    "invitation_of",
    "invitations_of",
    "is_sampled",
    "make_token",
    "nps",
    "nps_adjusted_wald",
    "nps_bootstrap",
    "nps_difference",
    "nps_wald",
    "post_stratified_rate",
    "quarantined_until",
    "read_answers",
    "read_token",
    "response_rate",
    "suppression",
    "surveys_from_dict",
    "surveys_to_dict",
    "suspicions",
    "weight_score",
    "weighted_nps",
]
