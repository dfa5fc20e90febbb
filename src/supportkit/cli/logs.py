"""What the commands about logs share: formats by name, policies from files, instants, and bars of progress."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from supportkit.cli.app import read_text
from supportkit.cli.terminal import console
from supportkit.errors import InvalidPolicy, SupportkitError
from supportkit.replay import LogFormat, built_in_format
from supportkit.replay.times import ISO, time_reader
from supportkit.sla import ServiceLevels

_MAX_CHARS = 1_000_000


class Format(StrEnum):
    """The formats by name; `csv` is one of your own."""

    BPI2013 = "bpi2013"
    BOSTON311 = "boston311"
    HELPDESK = "helpdesk"
    UCI = "uci"
    CSV = "csv"


Log = Annotated[Path, typer.Argument(help="The event log, a CSV file.")]
FormatName = Annotated[Format, typer.Option("--format", help="What kind of log it is.")]
Mapping = Annotated[
    Path | None, typer.Option("--map", help="With --format csv: a TOML file that says what columns and words mean.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="When open tickets are judged; by default at the end of the log."),
]


def format_of(name: Format, mapping: Path | None) -> LogFormat:
    """Return the format that was asked for.

    Raises:
        typer.BadParameter: `csv` came without a mapping, or another one with it.
    """
    if name is not Format.CSV:
        if mapping is not None:
            raise typer.BadParameter("only --format csv takes a mapping", param_hint="--map")
        return built_in_format(name.value)
    if mapping is None:
        raise typer.BadParameter("--format csv needs --map mapping.toml", param_hint="--format")
    return LogFormat.from_toml(read_text(mapping))


def levels_of(file: Path) -> ServiceLevels:
    """Return the service levels of a file.

    Raises:
        ConfigurationError: It cannot be read, or holds no service levels; the text names the file.
    """
    text = read_text(file)
    if len(text) > _MAX_CHARS:
        raise InvalidPolicy(f"{file.name}: a file of policies has at most {_MAX_CHARS} characters")
    try:
        return ServiceLevels.from_toml(text)
    except SupportkitError as error:
        raise InvalidPolicy(f"{file.name}: {error}") from None
    except RecursionError:
        raise InvalidPolicy(f"{file.name}: it is nested too deeply") from None


def instant_of(text: str | None, log_format: LogFormat) -> dt.datetime | None:
    """Return an instant that is written in ISO 8601, or as the log writes it; without an offset, in the log's zone.

    Raises:
        typer.BadParameter: It is no time.
    """
    if text is None:
        return None
    found = time_reader((*log_format.times, ISO), log_format.zone)(text)
    if found is None:
        raise typer.BadParameter(f"{text[:60]!r} is no time; write for example 2016-01-12T22:22:40", param_hint="--at")
    return found


Move = Callable[[int, int, str], None]
"""Moves a bar: how far, of how much, and what to say beside it."""


@contextmanager
def bar(what: str) -> Iterator[Move]:
    """Draw a bar of progress on standard error while that is a terminal."""
    err = console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, TimeRemainingColumn(), console=err, disable=not err.is_terminal) as drawn:
        task = drawn.add_task(what, total=None, note="")

        def move(done: int, total: int, note: str) -> None:
            drawn.update(task, total=total, completed=done, note=note)

        yield move
