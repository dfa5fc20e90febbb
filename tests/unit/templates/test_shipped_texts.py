"""Every text that ships: each key, part, placeholder, plural form and combination of values, in each language."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import pytest

from supportkit.templates import Catalog, Kind, Notice
from supportkit.templates.catalog import SHIPPED, shipped
from supportkit.templates.locales import plural_form, plural_forms
from supportkit.templates.notices import FIELDS, MOMENTS

CATALOG = Catalog()
RAW = {locale: shipped(locale).parts for locale in SHIPPED}
NOON = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)
NOW = NOON - dt.timedelta(days=1)
TEXTS = [(locale, notice) for locale in SHIPPED for notice in Notice]
PARTS = [
    pytest.param(locale, notice, part, text, id=f"{locale}-{notice}-{part}")
    for locale, notice in TEXTS
    for part, text in RAW[locale][notice].items()
]
PLACEHOLDER = re.compile(r"{{\s*([\w.]+)")
PLURAL = re.compile(r"{{\s*([\w.]+)\s*\|\s*plural:\s*([^}]*?)\s*}}")
FORM = re.compile(r'(\w+): "([^"]*)"')
COUNTS = (*range(126), 1_000, 1_001, 1_000_000)


def sample(name, kind):
    """Return a value that can be told apart from every other, and the words by which it is seen."""
    match kind:
        case Kind.COUNT:
            return 1 + sum(map(ord, name)) % 900 * 7
        case Kind.MOMENT:
            return NOON + dt.timedelta(days=7, minutes=sum(map(ord, name)) % 600)
        case _:
            return f"<{name}>"


def seen_as(value):
    return value.strftime("%H:%M") if isinstance(value, dt.datetime) else str(value)


def samples(notice):
    return {name: sample(name, kind) for name, kind in FIELDS[notice].values.items()}


def kinds_of_channel(part):
    return "chat" if part == "short" else "email"


def part_of(rendered, part):
    return rendered.subject if part == "subject" else rendered.body


def test_every_language_has_the_same_notices_and_parts():
    shape = {locale: {key: set(parts) for key, parts in RAW[locale].items()} for locale in SHIPPED}
    assert set(shape["en"]) == {*(notice.value for notice in Notice), "moments"}
    assert shape["ru"] == shape["en"] == shape["zh"]
    for notice in Notice:
        assert set(FIELDS[notice].parts) <= shape["en"][notice]
        assert "short" in shape["en"][notice] or notice is Notice.PUBLIC_ANSWER


def test_every_language_has_its_patterns_of_moments():
    assert all(set(RAW[locale]["moments"]) == set(MOMENTS) for locale in SHIPPED)


def test_every_notice_has_its_fields():
    assert set(FIELDS) == set(Notice)


@pytest.mark.parametrize(("locale", "notice", "part", "text"), PARTS)
def test_a_text_has_the_placeholders_that_it_has_in_english(locale, notice, part, text):
    english = set(PLACEHOLDER.findall(RAW["en"][notice][part]))
    assert set(PLACEHOLDER.findall(text)) == english


@pytest.mark.parametrize(("locale", "notice", "part", "text"), PARTS)
def test_every_placeholder_of_a_text_arrives(locale, notice, part, text):
    values = samples(notice)
    rendered = CATALOG.render(notice, locale=locale, values=values, channel_kind=kinds_of_channel(part))
    assert (rendered.locale, rendered.problems) == (locale, ())
    shown = part_of(rendered, part)
    for name in set(PLACEHOLDER.findall(text)):
        assert seen_as(values[name]) in shown
    assert not re.search(r"{{|{%|None|nil|\[|\]", shown)


@pytest.mark.parametrize(("locale", "notice"), TEXTS)
def test_every_value_of_a_notice_is_used_or_offered_to_own_texts(locale, notice):
    used = {name for text in RAW[locale][notice].values() for name in PLACEHOLDER.findall(text)}
    offered = {"ticket.subject", "agent.name", "customer.name", "line.name", "desk.name"}
    assert set(FIELDS[notice].values) - used <= offered
    assert FIELDS[notice].needed <= used


@pytest.mark.parametrize(("locale", "notice", "part", "text"), PARTS)
def test_a_text_reads_well_whatever_is_absent(locale, notice, part, text):
    values, needed = samples(notice), FIELDS[notice].needed
    optional = sorted({*re.findall(r"[\w.]+", text)} & (set(values) - needed))
    for size in range(len(optional) + 1):
        for chosen in itertools.combinations(optional, size):
            given = {name: values[name] for name in (*needed, *chosen)}
            rendered = CATALOG.render(notice, locale=locale, values=given, channel_kind=kinds_of_channel(part), now=NOW)
            shown = part_of(rendered, part)
            assert not re.search(r" {2,}| [.,;:!?。，：！]|\(\)|（）|“”|«»|\n{3,}|[.。]{2}|, ?\.", shown), shown
            assert shown == shown.strip()
            assert shown[0].isupper() or shown[0] in "<您我请谢非为温关维抱" or locale == "zh", shown
            assert shown.endswith((".", "!", "?", "。", "！", "？", ">")) or part == "subject", shown


@pytest.mark.parametrize(("locale", "notice", "part", "text"), PARTS)
def test_every_plural_form_is_there_and_used_by_its_numbers(locale, notice, part, text):
    for name, forms_text in PLURAL.findall(text):
        forms = dict(FORM.findall(forms_text))
        assert set(forms) == set(plural_forms(locale))
        reached = set()
        for count in COUNTS:
            values = samples(notice) | {name: count}
            shown = part_of(
                CATALOG.render(notice, locale=locale, values=values, channel_kind=kinds_of_channel(part)), part
            )
            form = plural_form(count, locale)
            assert re.search(rf"(?<!\d){count}\s+{re.escape(forms[form])}(?!\w)", shown) or forms[form] in ("is", "are")
            reached.add(form)
        assert reached == set(forms)


def test_plurals_are_written_where_a_language_has_them():
    for locale, expected in (("en", True), ("ru", True), ("zh", False)):
        whole = "".join(text for parts in RAW[locale].values() for text in parts.values())
        assert bool(PLURAL.search(whole)) is expected


@pytest.mark.parametrize("kind", ["email", "chat"])
@pytest.mark.parametrize("notice", [Notice.SOLVED, Notice.CLOSED])
@pytest.mark.parametrize(
    ("days", "words"), [(1, "дня"), (2, "дней"), (5, "дней"), (11, "дней"), (21, "дня"), (22, "дней"), (111, "дней")]
)
def test_russian_days_after_a_preposition(days, words, notice, kind):
    values = {"ticket.reference": "K7", "reopen_days": days}
    shown = CATALOG.render(notice, locale="ru", values=values, channel_kind=kind).body
    assert re.search(rf"в течение {days} {words}\b", shown)


@pytest.mark.parametrize("kind", ["email", "chat"])
@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "1 вопрос"), (2, "2 вопроса"), (5, "5 вопросов"), (12, "12 вопросов"), (104, "104 вопроса")],
)
def test_russian_questions(count, words, kind):
    values = {"ticket.reference": "K7", "survey.url": "u", "survey.questions": count}
    shown = CATALOG.render("survey_invitation", locale="ru", values=values, channel_kind=kind).body
    assert f"{words}." in shown


@pytest.mark.parametrize("kind", ["email", "chat"])
@pytest.mark.parametrize(("count", "words"), [(1, "1 минуты."), (3, "3 минут."), (5, "5 минут."), (21, "21 минуты.")])
def test_russian_minutes_after_a_preposition(count, words, kind):
    values = {"ticket.reference": "K7", "survey.url": "u", "survey.questions": 1, "survey.minutes": count}
    shown = CATALOG.render("survey_invitation", locale="ru", values=values, channel_kind=kind).body
    assert f"около {words}" in shown


@pytest.mark.parametrize("locale", SHIPPED)
def test_the_acknowledgement_of_an_unverified_address_has_no_word_of_the_requester(locale):
    fields = CATALOG.fields("acknowledgement_unverified")
    assert set(fields.values) == {"ticket.reference", "desk.name"}
    with pytest.raises(ValueError, match=r"no value 'customer\.name'"):
        CATALOG.render(
            "acknowledgement_unverified", locale=locale, values={"ticket.reference": "K7", "customer.name": "spam"}
        )


@pytest.mark.parametrize("locale", SHIPPED)
def test_a_public_answer_is_short_and_names_nobody(locale):
    values = {"contact": "c" * 100, "desk.name": "d"}
    shown = CATALOG.render("public_answer", locale=locale, values=values, channel_kind="social")
    assert len(shown.body) <= 280
    assert shown.subject == ""
    assert set(FIELDS[Notice.PUBLIC_ANSWER].values) == {"desk.name", "contact"}


def test_the_languages_are_formal():
    russian = "".join(text for parts in RAW["ru"].values() for text in parts.values())
    chinese = "".join(text for parts in RAW["zh"].values() for text in parts.values())
    assert not re.search(r"\b(ты|тебя|тебе|твой|твоё|твоего|вы|вам|вас|ваш\w*)\b", russian)
    assert "你" not in chinese
    assert "Вы" in russian
    assert "您" in chinese
