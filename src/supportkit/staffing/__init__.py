"""Staffing: how many people the work needs. Erlang B, C and A, deferred work, shrinkage, cover across time zones.

Usable alone: numbers go in, values come out. Nothing here reads a clock or does I/O.
"""

from __future__ import annotations

from supportkit.staffing.cover import LeadCount, fte_for_seats, scheduled_agents, team_leads
from supportkit.staffing.deferred import Job, agents_to_clear, backlog_path, min_capacity_for_deadlines
from supportkit.staffing.erlang import Queue, erlang_b, erlang_c, load_for_blocking, queue
from supportkit.staffing.erlang_a import ImpatientQueue, erlang_a, required_agents_impatient
from supportkit.staffing.required import Goal, queues, required_agents
from supportkit.staffing.square_root import delay_probability, halfin_whitt_beta, square_root_staffing
from supportkit.staffing.zones import Shift, coverage_gaps, local_day

__all__ = [
    "Goal",
    "ImpatientQueue",
    "Job",
    "LeadCount",
    "Queue",
    "Shift",
    "agents_to_clear",
    "backlog_path",
    "coverage_gaps",
    "delay_probability",
    "erlang_a",
    "erlang_b",
    "erlang_c",
    "fte_for_seats",
    "halfin_whitt_beta",
    "load_for_blocking",
    "local_day",
    "min_capacity_for_deadlines",
    "queue",
    "queues",
    "required_agents",
    "required_agents_impatient",
    "scheduled_agents",
    "square_root_staffing",
    "team_leads",
]
