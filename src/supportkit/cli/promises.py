"""`supportkit calendar` and `supportkit policy lint`: when a desk is open, and whether its promises can be kept."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.table import Table

from supportkit.businesstime import BusinessCalendar
from supportkit.cli.app import read_text
from supportkit.cli.logs import levels_of
from supportkit.cli.terminal import console, line
from supportkit.clock import SystemClock
from supportkit.errors import InvalidCalendar
from supportkit.lifecycle import Lifecycle, LifecycleSpec, built_in
from supportkit.sla import Severity, lint

_YEARS = (2, 9997)
_MAX_CHARS = 1_000_000
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}

policy = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at service-level policies.")


@policy.command("lint")
def policy_lint(
    file: Annotated[Path, typer.Argument(help="A TOML file with calendars and policies.")],
    *,
    lifecycle: Annotated[Path | None, typer.Option(help="A TOML file with a lifecycle of your own.")] = None,
) -> None:
    """Say what is wrong or unwise about policies; end with 1 if they would be refused."""
    levels = levels_of(file)
    compiled = built_in() if lifecycle is None else Lifecycle.compile(LifecycleSpec.from_toml(read_text(lifecycle)))
    categories = {state.name: state.category for state in compiled.states}
    findings = lint(levels, None, categories, now=SystemClock().now())
    out = console()
    if not findings:
        out.print(f"{len(levels.policies)} policies, nothing to say.")
        return
    table = Table("", "Code", "Where", "Finding", box=box.SIMPLE_HEAD, pad_edge=False)
    for finding in findings:
        severity = finding.severity
        table.add_row(
            f"[{_COLOURS[severity]}]{severity.value}[/]", finding.code, line(finding.where), line(finding.sentence)
        )
    out.print(table)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(1)


def calendar(
    file: Annotated[Path, typer.Argument(help="A TOML or JSON file: one calendar, or service levels with several.")],
    *,
    year: Annotated[
        int | None, typer.Option(min=_YEARS[0], max=_YEARS[1], help="Which year; this one by default.")
    ] = None,
) -> None:
    """Show calendars: the ordinary week, and the open days and hours of each month of a year."""
    shown = SystemClock().now().year if year is None else year
    out = console()
    for name, one in _calendars(file).items():
        out.print(line(f"{name}: {one.timezone}, revision {one.revision[:12]}"), style="bold")
        out.print(one.draw(), markup=False)
        out.print(_months(one, shown))
        closed = ", ".join(date.isoformat() for date in one.holidays if date.year == shown)
        out.print(f"holidays of {shown}: {closed or 'none'}", markup=False)
        if one.known_until is not None and one.known_until < dt.date(shown, 12, 31):
            out.print(f"holidays are known until {one.known_until} only", style="yellow")
        out.print()


def _calendars(file: Path) -> dict[str, BusinessCalendar]:
    """Return the calendars of a file by name.

    Raises:
        InvalidCalendar: The file holds no calendar that could be meant.
    """
    text = read_text(file)
    if len(text) > _MAX_CHARS:
        raise InvalidCalendar(f"{file.name}: a file of calendars has at most {_MAX_CHARS} characters")
    try:
        plain: Any = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCalendar(f"{file.name} cannot be read: {str(error)[:200]}") from None
    if not isinstance(plain, dict):
        raise InvalidCalendar(f"{file.name} holds no table with a calendar")
    if "calendars" not in plain:
        return {str(plain.get("name") or file.stem): BusinessCalendar.from_dict(plain)}
    several = plain["calendars"]
    if not isinstance(several, dict) or not several:
        raise InvalidCalendar(f"{file.name}: `calendars` must be a table with at least one calendar")
    return {str(name): BusinessCalendar.from_dict(one) for name, one in several.items()}


def _months(one: BusinessCalendar, year: int) -> Table:
    zone = ZoneInfo(one.timezone)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Month")
    table.add_column("Open days", justify="right")
    table.add_column("Open hours", justify="right")
    days_of_year, total = 0, dt.timedelta(0)
    for month in range(1, 13):
        start = dt.datetime(year, month, 1, tzinfo=zone)
        end = dt.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        days = {begin.astimezone(zone).date() for begin, _end in _by_day(one, start, end, zone)}
        hours = one.between(start, end)
        days_of_year, total = days_of_year + len(days), total + hours
        table.add_row(f"{year}-{month:02}", str(len(days)), _hours(hours))
    table.add_section()
    table.add_row("all", str(days_of_year), _hours(total))
    return table


def _by_day(
    one: BusinessCalendar, start: dt.datetime, end: dt.datetime, zone: ZoneInfo
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return the open intervals of a month cut at local midnights, so that each day that is open at all is counted."""
    found = []
    date = start.date()
    while date < end.date():
        following = date + dt.timedelta(days=1)
        found += one.intervals(
            dt.datetime.combine(date, dt.time(), zone), dt.datetime.combine(following, dt.time(), zone)
        )[:1]
        date = following
    return found


def _hours(duration: dt.timedelta) -> str:
    minutes = round(duration.total_seconds() / 60)
    return f"{minutes // 60}:{minutes % 60:02}"
