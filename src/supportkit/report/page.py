"""The page: one HTML file with everything in it, no script, no font, no network; every word is escaped."""

from __future__ import annotations

import importlib.resources
from collections import Counter

import attrs

from supportkit.errors import ConfigurationError
from supportkit.report.model import Report
from supportkit.report.sections import Section, Writer
from supportkit.report.showing import Shown
from supportkit.report.words import Words

MAX_NAME = 200
"""How much of a name that others made up a page shows."""


def render(report: Report, *, locale: str = "en") -> str:
    """Return the report as one HTML file.

    Args:
        report: What is known.
        locale: The language of the reader; English, Russian and Chinese are there, others read English.

    Raises:
        ConfigurationError: Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment
        from markupsafe import Markup
    except ImportError:
        raise ConfigurationError("a report needs Jinja2: pip install 'supportkit[report]'") from None
    words = Words(locale)
    shown = Shown(locale, "UTC" if report.kpis is None else report.kpis.period.zone)
    writer = Writer(report, words, shown)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    source = importlib.resources.files("supportkit.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    sections = [
        # The charts are ours, and every text in them was escaped where it was drawn.
        _with_charts(section, tuple((caption, Markup(chart)) for caption, chart in section.charts))  # noqa: S704
        for section in writer.sections()
    ]
    return environment.from_string(source).render(
        language=words.language,
        title=report.title[:MAX_NAME] or words("title"),
        lines=_head(report, words, shown),
        words=words,
        cards=writer.cards(),
        sections=sections,
        definitions=list(writer.used()),
    )


def _with_charts(section: Section, charts: tuple[tuple[str, str], ...]) -> Section:
    return attrs.evolve(section, charts=charts)


def _head(report: Report, words: Words, shown: Shown) -> list[str]:
    """Return the lines below the title: period, instant, how many tickets, and what was left out of them."""
    kpis = report.kpis
    lines = [report.note] if report.note else []
    if kpis is None:
        return lines
    period = kpis.period
    since = words("beginning") if period.since is None else shown.day(period.since)
    until = shown.day(kpis.now if period.until is None else period.until)
    lines.append(words("period", since=since, until=until, zone=period.zone))
    created = kpis.get("tickets.created")
    gone = Counter(dict(created.cohort.excluded)) if created is not None else Counter[str]()
    told = [words("judged", now=shown.moment(kpis.now)), words("tickets", n=shown.number(kpis.tickets))]
    if created is not None:
        told.append(f"{words('filter')}: {created.cohort.filter}")
    if gone:
        left_out = ", ".join(f"{words.known(f'reason.{reason}', reason)} {n}" for reason, n in sorted(gone.items()))
        told.append(f"{words('left_out')}: {left_out}")
    lines.append(" · ".join(told))
    return lines
