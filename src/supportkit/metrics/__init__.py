"""Metrics: KPIs of tickets, contacts, quality and churn as named definitions over plain facts, and their statistics.

Usable alone: facts and counts go in, results come out. Nothing here reads a clock or does I/O.
"""

from __future__ import annotations

from supportkit.metrics.agreement import (
    agreement_table,
    cohen_kappa,
    fleiss_kappa,
    pabak,
    raters_disagree,
    raw_agreement,
)
from supportkit.metrics.answers import Answer, QuestionScore, answer_scores
from supportkit.metrics.backlog import BacklogChange, Lifespan, backlog_ages, backlog_change
from supportkit.metrics.charts import PChart, XmrChart, laney_p_chart, p_chart, runs, xmr_chart
from supportkit.metrics.churn import (
    ChurnEstimate,
    ChurnSaving,
    churn_change,
    churn_estimate,
    churn_goal,
    churn_rate,
    churn_saving,
)
from supportkit.metrics.contacts import abandonment_rate, service_level
from supportkit.metrics.coverage import Contact, Coverage, customer_coverage
from supportkit.metrics.definitions import DEFINITIONS, Definition, definition_of
from supportkit.metrics.filters import CUSTOMERS, EVERYTHING, CohortFilter
from supportkit.metrics.flow import OpenTime, Resolution, Stay, TicketFlow, TierVisit, in_business_time, ticket_flow
from supportkit.metrics.kpi_stocks import Point
from supportkit.metrics.kpis import Group, Kpis, measure
from supportkit.metrics.period import Period
from supportkit.metrics.rates import (
    Deadline,
    Ended,
    FirstContact,
    TierPath,
    TierRates,
    containment,
    first_contact_resolution,
    reopen_rate,
    resolution_rate,
    sla_attainment,
    tier_rates,
)
from supportkit.metrics.samples import sample_size, sample_size_for_change
from supportkit.metrics.scorecards import QaItem, QaScore, qa_accuracy, qa_score, qa_sections
from supportkit.metrics.survival import Observation, km_quantile, survival
from supportkit.metrics.table import ClockResult, FlowTable, TicketEntry
from supportkit.metrics.waits import duration_quantile, share_within, wait_quantile
from supportkit.metrics.worktime import (
    WorkInterval,
    attrition,
    average_handle_time,
    handle_time,
    occupancy,
    shrinkage_rate,
    utilisation,
)

__all__ = [
    "CUSTOMERS",
    "DEFINITIONS",
    "EVERYTHING",
    "Answer",
    "BacklogChange",
    "ChurnEstimate",
    "ChurnSaving",
    "ClockResult",
    "CohortFilter",
    "Contact",
    "Coverage",
    "Deadline",
    "Definition",
    "Ended",
    "FirstContact",
    "FlowTable",
    "Group",
    "Kpis",
    "Lifespan",
    "Observation",
    "OpenTime",
    "PChart",
    "Period",
    "Point",
    "QaItem",
    "QaScore",
    "QuestionScore",
    "Resolution",
    "Stay",
    "TicketEntry",
    "TicketFlow",
    "TierPath",
    "TierRates",
    "TierVisit",
    "WorkInterval",
    "XmrChart",
    "abandonment_rate",
    "agreement_table",
    "answer_scores",
    "attrition",
    "average_handle_time",
    "backlog_ages",
    "backlog_change",
    "churn_change",
    "churn_estimate",
    "churn_goal",
    "churn_rate",
    "churn_saving",
    "cohen_kappa",
    "containment",
    "customer_coverage",
    "definition_of",
    "duration_quantile",
    "first_contact_resolution",
    "fleiss_kappa",
    "handle_time",
    "in_business_time",
    "km_quantile",
    "laney_p_chart",
    "measure",
    "occupancy",
    "p_chart",
    "pabak",
    "qa_accuracy",
    "qa_score",
    "qa_sections",
    "raters_disagree",
    "raw_agreement",
    "reopen_rate",
    "resolution_rate",
    "runs",
    "sample_size",
    "sample_size_for_change",
    "service_level",
    "share_within",
    "shrinkage_rate",
    "sla_attainment",
    "survival",
    "ticket_flow",
    "tier_rates",
    "utilisation",
    "wait_quantile",
    "xmr_chart",
]
