"""`supportkit work`: a worker as a process, for cron, systemd or a container."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.terminal import complain, harmless
from supportkit.cli.times import length
from supportkit.desk import Desk
from supportkit.errors import ConfigurationError, PluginError
from supportkit.worker import LONGEST_POLL, Worker, WorkReport


def work(
    *,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, then end.")] = False,
    poll: Annotated[float, typer.Option(metavar="SECONDS", help="How long to sleep at most.")] = 30.0,
    plugin: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE[:OBJECT]", help="Also load this plug-in; may be given several times."),
    ] = None,
    desk: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FACTORY", help="Call this for the desk: it knows the rules that your code gives."),
    ] = None,
    discover: Annotated[bool, typer.Option(help="Load the installed plug-ins, and with them their channels.")] = True,
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Fire deadlines and deliver answers until SIGTERM; print a line for each turn that did something."""
    if not 0 < poll <= LONGEST_POLL:
        raise typer.BadParameter(f"more than 0 and at most {LONGEST_POLL:g} seconds", param_hint="--poll")
    logging.getLogger("supportkit.worker").addHandler(logging.NullHandler())  # this command says it in its own words
    if desk is not None and plugin:
        raise typer.BadParameter("a desk that your code makes has its own plug-ins", param_hint="--plugin")
    plugins = [_loaded(name) for name in plugin or ()]
    with existing(database, plugins=plugins, discover=discover) if desk is None else made(desk) as opened:
        for failure in opened.hooks.failures:
            complain(f"plug-in {failure.plugin} failed in {failure.hook}: {failure.error}")
        worker = Worker(opened, poll=poll, on_turn=_teller(opened))
        if not once:
            worker.run_forever()
        elif worker.run_until_idle().errors:
            raise typer.Exit(1)


def made(name: str) -> Desk:
    """Return the desk that the factory `MODULE:FACTORY` makes.

    Raises:
        ConfigurationError: It makes something else.
    """
    factory: Any = _loaded(name)
    made = factory() if callable(factory) else factory
    if not isinstance(made, Desk):
        raise ConfigurationError(f"{name[:80]} gives a {type(made).__name__}, not a Desk")
    return made


def _loaded(name: str) -> object:
    """Return the module, or the object in it, that `MODULE[:OBJECT]` names.

    Raises:
        PluginError: It cannot be imported, or is not there.
    """
    module, _, path = name.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in path.split(".") if path else ():
            found = getattr(found, part)
    except Exception as error:  # whatever a foreign module does while it is imported
        raise PluginError(name, f"it cannot be loaded: {type(error).__name__}: {error}") from error
    return found


def _teller(desk: Desk) -> Callable[[WorkReport], None]:
    """Return what tells about a turn; what stays as it is, is said once."""
    can_send = any(adapter.capabilities.outbound for adapter in desk.channels.values())
    told = False

    def tell(report: WorkReport) -> None:
        nonlocal told
        for kind, _code, sentence in report.errors:
            complain(f"{kind}: {sentence}")
        if report.outbox.oldest_due is not None and not can_send and not told:
            told = True
            complain("answers wait in the outbox, and no plug-in here brings a channel: another worker must send them")
        if report.outcomes:
            sys.stdout.write(harmless(_line(report)) + "\n")
            sys.stdout.flush()

    return tell


def _line(report: WorkReport) -> str:
    """Return one turn as a line: `timers: 3 fired, 1 stale; outbox: 2 sent; lag 12 s`."""
    parts = [
        f"{kind}: {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}"
        for kind, counts in report.outcomes.items()
    ]
    return "; ".join([*parts, f"lag {length(report.lag.total_seconds())}"])
