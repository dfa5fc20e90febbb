"""`supportkit survey score`: the scores of a file of answers, with blanks declared and counted."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer

from supportkit.cli.app import read_text
from supportkit.cli.kpis import HEAD, result_plain, result_rows, results_table
from supportkit.cli.sheets import sheet
from supportkit.cli.terminal import console, print_json
from supportkit.errors import ConfigurationError
from supportkit.measures import MetricResult
from supportkit.surveys import (
    NpsCounts,
    Question,
    acsi_items,
    ces,
    csat,
    csat_distribution,
    csat_mean,
    csi_aggregate,
    nps,
    weighted_nps,
)
from supportkit.surveys.csi import Method

survey = typer.Typer(no_args_is_help=True, help="Scores of surveys.", rich_markup_mode=None)
"""The commands of `supportkit survey`."""


class Instrument(StrEnum):
    """What was asked."""

    NPS = "nps"
    CSAT = "csat"
    CES = "ces"
    CSI = "csi"
    ACSI = "acsi"


_MOST = 200_000_000
CSI_METHODS: tuple[Method, ...] = ("minmax", "percent_of_max", "raw")


@survey.callback()
def _group() -> None:
    """Keep `score` a command of its own, also while it is the only one."""


@survey.command()
def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a row for each person.")],
    *,
    instrument: Annotated[Instrument, typer.Option(help="What was asked.")],
    column: Annotated[list[str], typer.Option(help="The column of the answers; several for csi and acsi.")],
    importance: Annotated[list[str] | None, typer.Option(help="For csi: the column of each importance.")] = None,
    blank: Annotated[
        list[str] | None, typer.Option(help="What stands for no answer; may be given several times, '' for empty.")
    ] = None,
    low: Annotated[int, typer.Option(help="The lowest answer of csi and ces.")] = 1,
    high: Annotated[int | None, typer.Option(help="The highest answer; 5 for csat, 7 for ces, 10 for csi.")] = None,
    boxes: Annotated[int | None, typer.Option(help="For csat: how many of the best answers mean satisfied.")] = None,
    lower_is_easier: Annotated[bool, typer.Option(help="For ces: the lowest answer is the easiest.")] = False,
    weight: Annotated[str | None, typer.Option(help="For nps: the column of survey weights.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
) -> None:
    """Score answers. An answer that is neither on the scale nor a declared blank is an error, never dropped."""
    _check(instrument, column, importance or ())
    rows = _rows(file, [*column, *(importance or ()), *([weight] if weight else ())])
    scale = _scale(instrument, low, high)
    blanks = blank or []
    answers = [_codes(file, rows, name, blanks, scale) for name in column]
    weights = [_codes(file, rows, name, blanks, scale) for name in importance or ()]
    try:
        results, more = _score(instrument, answers, weights, boxes, scale, easier=not lower_is_easier)
        if weight is not None and instrument is Instrument.NPS:
            results.append(weighted_nps(answers[0], _weights(file, rows, weight)))
    except ValueError as error:
        raise ConfigurationError(f"{file.name}: {error}") from None
    _print(results, more, as_json=json, as_csv=csv)


def _print(results: Sequence[MetricResult], more: dict[str, Any], *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json({"results": [result_plain(result) for result in results], **more})
    elif as_csv:
        sys.stdout.write(sheet(HEAD, result_rows(("all", "", result) for result in results)))
    else:
        out = console()
        out.print(results_table(tuple(results)))
        for result in results[:1]:
            left_out = ", ".join(f"{n:,} {reason}" for reason, n in result.cohort.excluded)
            out.print(f"left out: {left_out or 'nothing'}")
        for name, value in more.items():
            out.print(f"{name}: {value}")


def _check(instrument: Instrument, column: Sequence[str], importance: Sequence[str]) -> None:
    """Refuse a number of columns that the instrument has not."""
    wanted = {Instrument.ACSI: 3, Instrument.CSI: max(len(column), 1)}.get(instrument, 1)
    if len(column) != wanted:
        raise typer.BadParameter(f"{instrument} has {wanted} columns of answers", param_hint="--column")
    if len(importance) != (len(column) if instrument is Instrument.CSI else 0):
        raise typer.BadParameter("csi takes an importance for each column, the others none", param_hint="--importance")


def _scale(instrument: Instrument, low: int, high: int | None) -> tuple[int, int]:
    fixed = {Instrument.NPS: (0, 10), Instrument.ACSI: (1, 10), Instrument.CSAT: (1, high or 5)}
    return fixed.get(instrument, (low, high or (7 if instrument is Instrument.CES else 10)))


def _rows(file: Path, names: Sequence[str]) -> list[dict[str, str]]:
    if file.exists() and file.stat().st_size > _MOST:
        raise ConfigurationError(f"{file.name}: a file of answers has at most {_MOST:,} bytes")
    try:
        reader = csv.DictReader(io.StringIO(read_text(file), newline=""), strict=True)
        missing = [name for name in names if name not in (reader.fieldnames or ())]
        if missing:
            raise ConfigurationError(f"{file.name}: there is no column {missing[0][:60]!r}")
        return [{name: row[name] or "" for name in names} for row in reader]
    except csv.Error as error:
        raise ConfigurationError(f"{file.name}: {error}") from None


def _codes(
    file: Path, rows: Sequence[dict[str, str]], name: str, blanks: Sequence[str], scale: tuple[int, int]
) -> list[int | None]:
    question = Question(id=name, lo=scale[0], hi=scale[1], blank_codes=blanks)
    found: list[int | None] = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(question.read(row[name]))
        except ValueError as error:
            said = f"{file.name}, answer {number}: {error}; declare what stands for no answer with --blank"
            raise ConfigurationError(said) from None
    return found


def _score(
    instrument: Instrument,
    answers: Sequence[Sequence[int | None]],
    importance: Sequence[Sequence[int | None]],
    boxes: int | None,
    scale: tuple[int, int],
    *,
    easier: bool,
) -> tuple[list[MetricResult], dict[str, Any]]:
    first = answers[0]
    match instrument:
        case Instrument.NPS:
            counts = NpsCounts.of(first)
            told = {"promoters": counts.promoters, "passives": counts.passives, "detractors": counts.detractors}
            return [nps(first)], told
        case Instrument.CSAT:
            # A mean is never shown without the distribution; its bootstrap interval is left to the library.
            spread = list(csat_distribution(first, scale_max=scale[1]))
            mean = csat_mean(first, scale_max=scale[1], resamples=0)
            return [csat(first, scale_max=scale[1], boxes=boxes), mean], {"distribution": spread}
        case Instrument.CES:
            effort = ces(first, scale=scale, higher_is_easier=easier, resamples=0)
            return [effort.mean, effort.easy_share, effort.net], {}
        case Instrument.CSI:
            people, weights = list(zip(*answers, strict=True)), list(zip(*importance, strict=True))
            lo, hi = scale
            return [csi_aggregate(weights, people, lo=lo, hi=hi, method=one, resamples=0) for one in CSI_METHODS], {}
        case Instrument.ACSI:
            return [acsi_items(list(zip(*answers, strict=True)), resamples=0)], {}
        case never:
            assert_never(never)


def _weights(file: Path, rows: Sequence[dict[str, str]], name: str) -> list[float]:
    try:
        return [float(row[name]) for row in rows]
    except ValueError:
        raise ConfigurationError(f"{file.name}: column {name[:60]!r} has something that is no number") from None
