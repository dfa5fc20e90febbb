"""`supportkit templates`: which texts there are, what they look like, and whether own ones can be used."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from supportkit.cli.terminal import console, line, words
from supportkit.clock import SystemClock
from supportkit.templates import Catalog, Kind, lint_folder, read_folder

templates = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at the texts for customers.")

Folder = Annotated[Path | None, typer.Option(help="A folder of own texts: ru.toml, zh-Hant.toml ...")]

_SAMPLES: dict[str, dict[str, str]] = {
    "en": {"customer.name": "Ann Lee", "agent.name": "Kim", "ticket.subject": "Charged twice"},
    "ru": {"customer.name": "Анна", "agent.name": "Ким", "ticket.subject": "Двойная оплата"},
    "zh": {"customer.name": "王芳", "agent.name": "小金", "ticket.subject": "重复扣款"},
}
_EVERYWHERE = {
    "ticket.reference": "K7Q2-9F3D",
    "survivor.reference": "M3T8-11XA",
    "previous.reference": "B5W1-40CE",
    "survey.url": "https://example.org/s/1",
    "contact": "https://example.org/help",
}


@templates.command("list")
def list_texts(*, folder: Folder = None) -> None:
    """List the keys of all texts, the values that may stand in each, and the languages that there are."""
    catalog = _catalog(folder)
    table = Table("Key", "Values (needed ones first)", box=box.SIMPLE_HEAD, pad_edge=False)
    for key in catalog.keys:
        fields = catalog.fields(key)
        names = sorted(fields.values, key=lambda name: (name not in fields.needed, name))
        table.add_row(line(key), line(", ".join(f"{name}*" if name in fields.needed else name for name in names)))
    out = console()
    out.print(table)
    out.print(line(f"languages: {', '.join(catalog.locales)}"))


@templates.command()
def show(
    key: Annotated[str, typer.Argument(help="A notice such as solved, or replies.NAME.")],
    *,
    locale: Annotated[str, typer.Option(help="The language of the customer.")] = "en",
    channel: Annotated[str, typer.Option(help="The kind of channel: email, chat, sms ...")] = "email",
    zone: Annotated[str, typer.Option(help="In which zone to tell times.")] = "UTC",
    bare: Annotated[bool, typer.Option("--bare", help="Only with the values that are always there.")] = False,
    folder: Folder = None,
) -> None:
    """Show a text as a customer would read it, with made-up values."""
    catalog = _catalog(folder)
    if key not in catalog.keys:
        raise typer.BadParameter(f"there is no text {key[:60]!r}; `supportkit templates list` names them")
    fields = catalog.fields(key)
    now = SystemClock().now()
    values = {
        name: _sample(name, kind, locale, now)
        for name, kind in fields.values.items()
        if name in fields.needed or not bare
    }
    shown = catalog.render(key, locale=locale, values=values, timezone=zone, now=now, channel_kind=channel)
    out = console()
    if shown.subject:
        out.print(line(shown.subject), style="bold")
        out.print()
    out.print(words(shown.body))
    for problem in shown.problems:
        out.print(line(problem), style="yellow")


@templates.command()
def lint(folder: Annotated[Path, typer.Argument(help="A folder of own texts: ru.toml, zh-Hant.toml ...")]) -> None:
    """Say everything that is wrong with a folder of own texts; end with 1 if anything is."""
    out = console()
    problems = lint_folder(folder)
    for problem in problems:
        out.print(line(str(problem)), soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    out.print("Nothing to say.")


def _catalog(folder: Path | None) -> Catalog:
    return Catalog() if folder is None else read_folder(folder)


def _sample(name: str, kind: Kind, locale: str, now: dt.datetime) -> Any:
    match kind:
        case Kind.COUNT:
            return 3
        case Kind.MOMENT:
            return now + dt.timedelta(hours=2 if name == "opens" else 4)
        case Kind.LINES:
            return (name,)
        case Kind.LINE | Kind.TEXT:
            mine = _SAMPLES.get(locale.split("-", 1)[0], _SAMPLES["en"])
            return _EVERYWHERE.get(name) or mine.get(name) or f"<{name}>"
