"""`supportkit config check`: whether a configuration file makes a desk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supportkit.cli.terminal import complain, console, line
from supportkit.config import load_config
from supportkit.desk import Desk
from supportkit.errors import ConfigurationError, InvalidConfiguration

config = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at configuration files.")


@config.callback()
def _config() -> None:
    """Keep `check` a command of its own, although it is the only one."""


@config.command("check")
def check(file: Annotated[Path, typer.Argument(help="A TOML file for Desk.from_config.")]) -> None:
    """Say everything that is wrong with a configuration file; end with 1 if there is anything.

    The database that it names is not opened: the desk is tried in memory.
    """
    try:
        found = load_config(file)
        Desk("sqlite://", **{**found.arguments, "discover": False}).close()
    except InvalidConfiguration as error:
        for problem in error.problems:
            complain(f"{error.file}: {problem}")
        raise typer.Exit(1) from None
    except ConfigurationError as error:
        complain(f"{file.name}: {error}")
        raise typer.Exit(1) from None
    console().print(line(f"{file.name}: {len(found.arguments)} arguments, nothing to say."), markup=False)
