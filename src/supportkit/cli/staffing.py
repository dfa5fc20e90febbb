"""`supportkit staffing`: how many people a queue takes, and what goes with it. Pure arithmetic; no desk is opened."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import attrs
import typer
from rich import box
from rich.table import Table

from supportkit.cli.terminal import console, print_json
from supportkit.errors import ConfigurationError
from supportkit.measures import display_round
from supportkit.staffing import (
    Goal,
    agents_to_clear,
    erlang_a,
    fte_for_seats,
    required_agents,
    required_agents_impatient,
    scheduled_agents,
    team_leads,
)

_HOUR = 60.0


def staffing(
    *,
    calls: Annotated[float, typer.Option(min=0, help="Contacts an hour that must be answered at once.")] = 0,
    aht: Annotated[float, typer.Option(help="Mean handling time in minutes.")] = 5,
    service_level: Annotated[float, typer.Option(min=0, max=0.9999, help="Share answered in time.")] = 0.8,
    within: Annotated[float, typer.Option(min=0, help="What in time is, in seconds.")] = 20,
    asa: Annotated[float | None, typer.Option(help="Highest mean wait, in seconds.")] = None,
    occupancy: Annotated[float | None, typer.Option(help="Highest occupancy, for example 0.85.")] = None,
    patience: Annotated[
        float | None, typer.Option(help="Mean minutes after which a caller hangs up: Erlang A instead of C.")
    ] = None,
    backlog: Annotated[float | None, typer.Option(help="Tickets that wait, for work that may be put off.")] = None,
    inflow: Annotated[float, typer.Option(help="New tickets a working day.")] = 0,
    days: Annotated[float, typer.Option(help="Working days in which the backlog shall be gone.")] = 5,
    hours: Annotated[float, typer.Option(help="Productive hours a day of an agent.")] = 6,
    shrinkage: Annotated[
        list[float] | None, typer.Option(help="A share of time that is lost; several multiply.")
    ] = None,
    additive: Annotated[bool, typer.Option("--additive", help="The shares of lost time add up instead.")] = False,
    seat_hours: Annotated[float | None, typer.Option(help="Hours a week that seats are occupied, 168: always.")] = None,
    seats: Annotated[float, typer.Option(help="How many seats.")] = 1,
    week: Annotated[float, typer.Option(help="Paid hours of a full-time week.")] = 40,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Reckon how many agents are needed: at once (Erlang C or A), to clear a backlog, around the clock."""
    found: dict[str, dict[str, Any]] = {}
    lost = shrinkage or []
    try:
        if calls:
            goal = _Goal(service_level, within / 60, None if asa is None else asa / 60, occupancy)
            found["queue"] = _queue(calls, aht, goal, patience)
        if backlog is not None or inflow:
            agents = agents_to_clear(
                backlog or 0, target_days=days, daily_inflow=inflow, productive_hours=hours, aht_minutes=aht
            )
            found["deferred"] = {"agents": agents}
        _around(found, lost, additive=additive)
        if seat_hours is not None:
            kept = 1 - sum(lost) if additive else math.prod(1 - share for share in lost)
            fte = fte_for_seats(seat_hours, seats=seats, fte_hours=week, shrinkage=1 - kept)
            found["cover"] = {"fte": fte}
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    if not found:
        raise typer.BadParameter("give --calls, --backlog, --inflow or --seat-hours", param_hint="staffing")
    if json:
        print_json(found)
        return
    _print(found)


def _around(found: dict[str, dict[str, Any]], lost: Sequence[float], *, additive: bool) -> None:
    """Put beside the agents how many must be scheduled, and how many leads the largest part takes."""
    for part in found.values():
        part["scheduled"] = scheduled_agents(part["agents"], lost, additive=additive)
    most = max((part["scheduled"] for part in found.values()), default=0)
    if most:
        found["leads"] = attrs.asdict(team_leads(math.ceil(most - 1e-9)))


def _print(found: dict[str, dict[str, Any]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("What", "Measure", "Value"):
        table.add_column(title, justify="right" if title == "Value" else "left")
    for what, part in found.items():
        for name, value in part.items():
            table.add_row(what, name, _shown(value))
    console().print(table)


@attrs.frozen
class _Goal:
    """What is wanted of a queue, in minutes."""

    service_level: float
    threshold: float
    asa: float | None
    occupancy: float | None


def _queue(calls: float, aht: float, goal: _Goal, patience: float | None) -> dict[str, Any]:
    rate, load = calls / _HOUR, calls / _HOUR * aht
    if patience is None:
        wanted = Goal(
            service_level=goal.service_level, threshold=goal.threshold, asa=goal.asa, occupancy=goal.occupancy
        )
        queue = required_agents(load, aht, wanted)
        return {
            "model": "Erlang C",
            "load": load,
            "agents": queue.agents,
            "p_wait": queue.p_wait,
            "service_level": queue.service_level(goal.threshold),
            "asa_seconds": 60 * queue.asa,
            "occupancy": queue.occupancy,
        }
    agents = required_agents_impatient(
        rate, 1 / aht, 1 / patience, service_level=goal.service_level, threshold=goal.threshold
    )
    impatient = erlang_a(agents, rate, 1 / aht, 1 / patience, threshold=goal.threshold)
    return {
        "model": "Erlang A",
        "load": load,
        "agents": agents,
        "p_wait": impatient.p_wait,
        "service_level": impatient.service_level,
        "p_abandon": impatient.p_abandon,
        "mean_wait_seconds": 60 * impatient.mean_wait,
        "occupancy": impatient.occupancy,
    }


def _shown(value: Any) -> str:
    return str(display_round(value, digits=4)) if isinstance(value, float) else str(value)
