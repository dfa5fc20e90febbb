"""The page of a report: self-contained, escaped, in three languages, and each number with what defends it."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser

import attrs
import pytest
from tests.unit.report.quarter import HOSTILE, HOSTILE_AGENT

from supportkit.measures import WARNINGS
from supportkit.measures.results import MetricResult
from supportkit.metrics import Kpis, definition_of
from supportkit.report import Report, Score, render
from supportkit.report.words import LOCALES, Words, language_of, table

pytest.importorskip("jinja2")


class Page(HTMLParser):
    """Everything that a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module", params=LOCALES)
def page(report, request) -> Page:
    return Page(render(report, locale=request.param))


def test_the_page_needs_nothing_but_itself(page):
    names = {tag for tag, _attributes in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "base", "form"}
    for _tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert not [value for name, value in attributes.items() if name in {"src", "srcset"}]
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_hostile_names_are_words_and_nothing_else(report):
    text = render(report)

    assert HOSTILE in Page(text).text
    assert HOSTILE_AGENT in Page(text).text
    for raw in ("<img", "<script", 'onerror="alert'):
        assert raw not in text


def test_a_hostile_title_and_note_are_words_too(report):
    text = render(attrs.evolve(report, title="</title><script>alert(1)</script>", note="<b onclick=alert(1)>"))
    assert "<script" not in text
    assert "<b onclick" not in text


def test_every_number_of_the_tables_has_its_definition(page, report):
    shown = page.text
    for result in report.kpis.results:
        if result.definition.startswith(("sla.", "resolution.", "fcr.", "reopen.", "backlog.count", "tickets.")):
            assert result.definition in shown


def test_every_definition_is_explained(page, report):
    for result in report.kpis.results:
        assert definition_of(result.definition).text in page.text


def test_what_the_filter_left_out_is_said(report):
    assert "spam 4" in Page(render(report)).text


def test_a_person_with_few_cases_has_no_value(report):
    kpis: Kpis = report.kpis
    few = next(group for group in kpis.by("agent") if group.name == HOSTILE_AGENT)
    assert all(result.value is None for result in few.results)
    assert "hidden: under 10 cases" in Page(render(report)).text


def test_people_stand_in_the_order_of_their_names(report):
    names = [group.name for group in report.kpis.by("agent")]
    assert names == sorted(names)


def test_an_empty_desk_has_a_report(report):
    from supportkit import Desk

    with Desk("sqlite://") as desk:
        text = Page(render(Report(kpis=desk.reports.kpis()))).text
    assert "no data" in text
    assert not re.search(r"\bnan\b|\bNone\b", text)


def test_surveys_alone_have_a_report(report):
    text = Page(render(Report(scores=report.scores, title="Survey"))).text
    assert "Satisfied customers" in text
    assert "nps.standard/1" in text


def test_without_jinja_the_error_names_the_extra(report, monkeypatch):
    import sys

    from supportkit.errors import ConfigurationError

    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigurationError, match=r"supportkit\[report\]"):
        render(report)


# -- words -------------------------------------------------------------------------------------------------------------

CYRILLIC, HAN = re.compile("[\u0400-\u04ff]"), re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("key", table())
def test_a_text_is_there_in_every_language_with_the_same_names(key):
    texts = table()[key]
    names = [{name for _text, name, _format, _how in string.Formatter().parse(text) if name} for text in texts]

    assert len(texts) == len(LOCALES)
    assert all(text.strip() for text in texts)
    assert names[0] == names[1] == names[2]


def test_texts_are_in_their_own_script():
    same = {"period"}
    for key, (_english, russian, chinese) in table().items():
        if key not in same:
            assert CYRILLIC.search(russian), key
            assert HAN.search(chinese), key


def test_every_warning_has_words():
    assert {f"warning.{code}" for code in WARNINGS} <= set(table())


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ru-RU", "ru"), ("zh-Hans-CN", "zh"), ("zh-TW", "zh"), ("de", "en"), ("nonsense!", "en")],
)
def test_a_locale_reads_the_nearest_language(locale, language):
    assert language_of(locale) == language


def test_every_measure_of_a_report_has_a_name_of_its_own(report):
    words = Words("en")
    for result in report.kpis.results:
        assert words.label(result.definition) != result.definition.partition("/")[0]


# -- numbers as people read them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("locale", "shown"), [("en", "84.3 %"), ("ru", "84,3 %"), ("zh", "84.3%")])
def test_percents_are_written_as_in_the_language(report, locale, shown):
    text = Page(render(report, locale=locale)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert shown in text


def test_half_is_rounded_up_where_it_is_shown():
    from supportkit.report.showing import Shown

    assert Shown("en", "UTC").percent(0.8495).replace("\N{NO-BREAK SPACE}", " ") == "85.0 %"
    assert Shown("en", "UTC").percent(0.00125, 1).startswith("0.1")


def test_a_score_without_an_interval_is_drawn_without_one(report):
    one: MetricResult = attrs.evolve(report.scores[0].results[0], interval=None)
    assert "CSAT" in Page(render(Report(scores=(Score(name="CSAT", results=(one,)),)))).text
