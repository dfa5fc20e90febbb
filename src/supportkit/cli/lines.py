"""`supportkit regulation` and `supportkit escalations`: who is responsible, and which rules wait for what."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing, read_text
from supportkit.cli.terminal import console, line
from supportkit.errors import InvalidEscalation
from supportkit.escalation.actions import kind_of, plain_action
from supportkit.escalation.findings import Finding
from supportkit.escalation.lint import lint
from supportkit.escalation.regulation import Duties
from supportkit.escalation.rules import EscalationRules, describe
from supportkit.escalation.tiers import read_tiers
from supportkit.escalation.vendors import read_vendors
from supportkit.model.people import TIERS
from supportkit.sla import ServiceLevels
from supportkit.sla.lint import Severity

_PARTS = ("rules", "tiers", "vendors", "regulation", "levels")
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


def regulation(
    file: Annotated[Path, typer.Argument(help="A TOML file: topics, each with team, tier, person and deputy.")],
    *,
    person: Annotated[
        list[str] | None,
        typer.Option("--person", help="Somebody who works here now; others count as gone. Repeatable."),
    ] = None,
) -> None:
    """Show who is responsible for which topic, and what is wrong with that; exit 1 where something is."""
    data = _toml(file)
    table = Duties.from_dict(data.get("regulation", data))
    out = console()
    shown = Table("Topic", "Team", "Line", "Person", "Deputy", box=box.SIMPLE_HEAD, pad_edge=False)
    deputies = dict(table.deputies)
    for duty in table.duties:
        deputy = duty.deputy or deputies.get(duty.person or "")
        cells = (duty.topic, duty.team, None if duty.tier is None else f"L{duty.tier}", duty.person, deputy)
        shown.add_row(*(line(cell or "-") for cell in cells))
    out.print(shown)
    found = table.lint(people=person, tiers=TIERS)
    _print_findings(found)
    if found:
        raise typer.Exit(1)


def escalations(
    file: Annotated[
        Path, typer.Argument(help="A TOML file: rules, and if you like tiers, vendors, levels, regulation.")
    ],
    *,
    ticket: Annotated[
        int | None, typer.Option(help="Say of each rule why it fired on this ticket of the database, or did not.")
    ] = None,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Show what each escalation rule waits for and does, and what is wrong with it; exit 1 where a rule cannot work."""
    data = _toml(file)
    unknown = sorted(set(data) - set(_PARTS))
    if unknown:
        raise InvalidEscalation(
            f"{file.name}: {unknown[0]!r} is not a table of this file; there are: {', '.join(_PARTS)}"
        )
    rules = EscalationRules.from_dict({"rules": data.get("rules", [])})
    if ticket is not None:
        _explain(rules, data, ticket, database)
        return
    shown = Table("Rule", "Level", "Waits for", "Only where", "Does", box=box.SIMPLE_HEAD, pad_edge=False)
    for rule in rules.rules:
        where = "; ".join(f"{name}: {', '.join(sorted(map(str, wanted)))}" for name, wanted in rule.when.filters)
        for number, level in enumerate(rule.levels, 1):
            does = "; ".join(f"{_words(plain_action(one))} ({kind_of(one)})" for one in level.actions)
            cells = (rule.id if number == 1 else "", str(number), describe(rule, level), where or "any ticket", does)
            shown.add_row(*map(line, cells))
    console().print(shown)
    found = lint(
        rules,
        read_tiers(data.get("tiers", TIERS)),
        ServiceLevels.from_dict(data["levels"]) if "levels" in data else ServiceLevels(),
        regulation=Duties.from_dict(data["regulation"]) if "regulation" in data else None,
        vendors=read_vendors(data.get("vendors", ())),
    )
    _print_findings(found)
    if any(one.severity is Severity.ERROR for one in found):
        raise typer.Exit(1)


def _explain(rules: EscalationRules, data: dict[str, Any], ticket: int, database: str) -> None:
    given = {"tiers": read_tiers(data["tiers"])} if "tiers" in data else {}
    shown = Table("Rule", "Level", "Stands", "At (UTC)", "Why", box=box.SIMPLE_HEAD, pad_edge=False)
    with existing(database, escalations=rules, regulation=data.get("regulation"), **given) as desk:
        found = desk.escalations.explain(ticket)
    for one in found:
        at = "-" if one.at is None else f"{one.at:%Y-%m-%d %H:%M}"
        stands = one.standing.value + (", late" if one.late else "")
        shown.add_row(*map(line, (one.rule, str(one.level), stands, at, one.why)))
    console().print(shown)


def _words(action: dict[str, Any]) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in action.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return _words(value)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print_findings(found: Iterable[Finding]) -> None:
    out = console()
    several = list(found)
    if not several:
        out.print("Nothing is wrong.")
    for one in several:
        out.print(line(f"{one.severity} {one.code} {one.where}: {one.sentence}"), style=_STYLES[one.severity])


def _toml(file: Path) -> dict[str, Any]:
    """Return what a file says.

    Raises:
        InvalidEscalation: It is no TOML.
    """
    try:
        return tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise InvalidEscalation(f"{file.name}: this is no TOML: {error}") from None
