"""The commands, what they share, and how an error of ours becomes one sentence."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from supportkit.cli.terminal import complain
from supportkit.desk import Desk
from supportkit.errors import ConfigurationError, SupportkitError
from supportkit.storage.schema import VERSION_TABLE

DEFAULT_DATABASE = "sqlite:///support.db"

Database = Annotated[
    str,
    typer.Option("--database", envvar="SUPPORTKIT_DATABASE", metavar="URL", help="Where the tickets are."),
]


class Commands(TyperGroup):
    """Ends with one sentence on stderr and the code 1 where the library raised one of its errors."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except SupportkitError as error:
            complain(str(error))
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A support desk in a database: look at it, check it, play a real history through it.",
)


def run() -> None:
    """Run the command line with what the shell gave it."""
    from supportkit.cli import commands

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a name in a script that it cannot print
    commands.app(prog_name="supportkit")


def existing(url: str, **arguments: Any) -> Desk:
    """Open a desk that is there already; a slip in the URL makes no new database.

    Raises:
        ConfigurationError: The file of the URL does not exist.
    """
    must_exist(url)
    return Desk(url, **arguments)


def must_exist(url: str) -> None:
    """Refuse the URL of a file that is not there, or of somebody else's database.

    Raises:
        ConfigurationError: It is so.
    """
    scheme, _, path = url.partition(":///")
    path = path.split("?", 1)[0]
    if scheme.startswith("sqlite") and path and path != ":memory:":
        if not Path(path).exists():
            raise ConfigurationError(f"there is no database {Path(path).name!r}: name one with --database URL")
        if _is_foreign(Path(path)):
            raise ConfigurationError(f"{Path(path).name!r} is no database of supportkit: name one with --database URL")


def _is_foreign(path: Path) -> bool:
    """Tell whether a file is a sound SQLite database without the tables of supportkit; reads it only."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone()
    except sqlite3.Error:
        return False  # opening it as a desk says what is wrong
    return found is None


def read_text(path: Path) -> str:
    """Return the text of a small file that the user named.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path.name}: the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path.name}: the file is not UTF-8") from None
