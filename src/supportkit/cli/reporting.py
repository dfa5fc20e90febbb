"""`supportkit report`: the numbers of a desk as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from supportkit.cli.app import DEFAULT_DATABASE
from supportkit.cli.kpis import All, At, Calendar, Since, Tenant, TopicField, Until, Where, Zone, opened
from supportkit.cli.terminal import console, line
from supportkit.errors import ConfigurationError
from supportkit.metrics import CUSTOMERS, EVERYTHING
from supportkit.report import Report, Score, render


def report(
    database: Where = DEFAULT_DATABASE,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The HTML file to write.")],
    since: Since = None,
    until: Until = None,
    zone: Zone = "UTC",
    at: At = None,
    calendar: Calendar = None,
    topic_field: TopicField = None,
    everything: All = False,
    locale: Annotated[str, typer.Option("--locale", help="The language: en, ru or zh.")] = "en",
    title: Annotated[str, typer.Option("--title", help="The heading.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    tenant: Tenant = "default",
) -> None:
    """Write the numbers of a desk as one HTML file, with charts and without scripts."""
    if out.exists() and not force:
        raise typer.BadParameter("the file is there already: name another one, or give --force", param_hint="--out")
    chosen = EVERYTHING if everything else CUSTOMERS
    kpis, questions = opened(database, since, until, zone, at, calendar, topic_field, chosen, tenant)
    scores = tuple(
        Score(
            name=one.question,
            results=one.results,
            distribution=tuple((str(code), n) for code, n in one.distribution),
        )
        for one in questions
    )
    page = render(Report(kpis=kpis, scores=scores, title=title), locale=locale)
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{out.name}: the file cannot be written: {error.strerror}") from None
    console().print(line(f"{kpis.tickets:,} tickets, written to {out.name}"), soft_wrap=True)
