"""A comparison of policies as plain data for programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from supportkit.model.ticket import Priority
from supportkit.replay import ReplayReport
from supportkit.sla import DIMENSIONS, Attainment, Attainments, Change, Comparison, Metric, Trial


def plain(
    comparison: Comparison, names: Sequence[str], report: ReplayReport, left_out: Sequence[Metric]
) -> dict[str, Any]:
    """Return a comparison as plain data; durations are seconds, instants ISO 8601."""
    first, *others = names
    return {
        "format": report.format,
        "rows": report.rows,
        "refused": report.refused,
        "tickets": comparison.tickets,
        "at": comparison.at.isoformat(),
        "left_out": [metric.value for metric in left_out],
        "base": {"policy": first, **_attainments(comparison.base)},
        "tried": [
            {"policy": name, **_attainments(trial.attainments), **_trial(trial)}
            for name, trial in zip(others, comparison.trials, strict=True)
        ],
    }


def _attainments(side: Attainments) -> dict[str, Any]:
    data: dict[str, Any] = {
        "attainment": [{"metric": metric.value, **_counts(counts)} for metric, counts in side.totals().items()]
    }
    for dimension in DIMENSIONS:
        data[f"by_{dimension}"] = [
            {
                "metric": metric.value,
                dimension: value.name.lower() if isinstance(value, Priority) else value,
                **_counts(counts),
            }
            for (metric, value), counts in side.by(dimension).items()
        ]
    return data


def _counts(counts: Attainment) -> dict[str, Any]:
    return {"met": counts.met, "breached": counts.breached, "open": counts.open, "rate": counts.rate}


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "met_to_breached": trial.newly_breached,
        "breached_to_met": trial.newly_met,
        "verdicts": [
            {"before": before and before.value, "after": after and after.value, "count": count}
            for (before, after), count in trial.verdicts.items()
        ],
        "changed_tickets": trial.changed,
        "changes": [_change(change) for change in trial.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    sides = zip(change.verdicts, change.used, change.dues, strict=True)
    before, after = (
        {"verdict": verdict and verdict.value, "used": _seconds(used), "due": due and due.isoformat()}
        for verdict, used, due in sides
    )
    return {
        "ticket": change.ticket,
        "metric": change.metric.value,
        "instance": change.instance,
        "cycle": change.cycle,
        "before": before,
        "after": after,
    }


def _seconds(used: dt.timedelta | None) -> float | None:
    return None if used is None else used.total_seconds()
