"""The Liquid of our texts: what it refuses when a text is loaded, and what it cannot be made to do."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from liquid.exceptions import LiquidError
from tests.shared_data import shared_file

from supportkit.errors import InvalidTemplate
from supportkit.templates import Catalog, Layer
from supportkit.templates.compiled import CompiledText
from supportkit.templates.language import MAX_OUTPUT_BYTES

NAMES = frozenset({"ticket.reference", "due", "days", "customer.name", "names"})
VALUES = {
    "ticket": {"reference": "K7"},
    "due": None,
    "days": 2,
    "customer": {"name": "Ann"},
    "names": ["a", "b"],
}


def render(source, locale="en", **more):
    return CompiledText(source, "t", NAMES, locale).render(VALUES | more)


def own(source, **more):
    return Catalog([Layer(locale="en", texts={"notices": {"solved": {"body": source}}})], **more)


def refused(source, locale="en"):
    with pytest.raises(InvalidTemplate) as caught:
        CompiledText(source, "solved.body (en)", NAMES, locale)
    assert str(caught.value).startswith("solved.body (en)")
    return caught.value


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ ticket.reference }}", "K7"),
        ("{{ ticket['reference'] }}", "K7"),
        ("{% if due %}by {{ due }}{% else %}soon{% endif %}", "soon"),
        ("{% unless due %}-{% endunless %}", "-"),
        ("{% case days %}{% when 2 %}two{% else %}many{% endcase %}", "two"),
        ("{% for name in names %}{{ name }}{% unless forloop.last %}, {% endunless %}{% endfor %}", "a, b"),
        ("{% assign who = customer.name | default: 'you' %}{{ who | upcase }}", "ANN"),
        ("{{ names | join: '+' }} {{ names | size }} {{ names | first }}{{ names | last }}", "a+b 2 ab"),
        ("{{ days | plus: 1 }} {{ days | minus: 1 }} {{ 'a b' | url_encode }}", "3 1 a+b"),
        ("{{ 'é' | append: 'x' | prepend: ' ' | strip | capitalize | truncate: 9 }}", "Éx"),
        ("{% comment %}not shown{% endcomment %}x", "x"),
        ("{{ days | plural: one: 'day', other: 'days' }}", "days"),
        ("{ticket.reference} $ticket {% if days == 2 and customer.name contains 'A' %}!{% endif %}",
         "{ticket.reference} $ticket !"),
    ],
)  # fmt: skip
def test_what_a_text_can_do(source, shown):
    assert render(source) == shown


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("a\n{{ tickt.reference }}", 2, "there is no value 'tickt.reference'; did you mean 'ticket.reference'?"),
        ("{{ ticket }}", 1, "there is no value 'ticket'"),
        ("{{ ticket.reference.size }}", 1, "no value 'ticket.reference.size'"),
        ("{{ ticket[days] }}", 1, "no value 'ticket.?'"),
        ("{{ now }}", 1, "there is no value 'now'; there are: customer.name, days, due, names, ticket.reference"),
        ("{{ today }}", 1, "no value 'today'"),
        ("{% if missing %}{% endif %}", 1, "no value 'missing'"),
        ("{% for x in missing %}{% endfor %}", 1, "no value 'missing'"),
        ("{% for x in names limit: secret %}{% endfor %}", 1, "no value 'secret'"),
        ("{{ due | append: secret }}", 1, "no value 'secret'"),
        ("{% case due %}{% when secret %}{% endcase %}", 1, "no value 'secret'"),
        ("{% assign x = due | default: secret %}", 1, "no value 'secret'"),
        ("{% assign x = days | plural: one: 'a' %}", 1, "plural needs exactly"),
        ("{{ days | plural: one: secret, other: 'b' }}", 1, "no value 'secret'"),
        ("{% for x in names %}{{ x.secret }}{% endfor %}", 1, "no value 'x.secret'"),
        ("{% for x in names %}{{ forloop.parentloop }}{% endfor %}", 1, "no value 'forloop.parentloop'"),
        ("\n\n{{ due | upcas }}", 3, "there is no filter 'upcas'; did you mean 'upcase'?"),
        ("{{ due | date: '%Y' }}", 1, "there is no filter 'date'"),
        ("{{ due | replace: 'a', 'b' }}", 1, "there is no filter 'replace'"),
        ("{{ due | safe }}", 1, "there is no filter 'safe'"),
        ("x\n{% no_such_tag %}", 2, "there is no tag 'no_such_tag'"),
        ("{% include 'x' %}", 1, "there is no tag 'include'"),
        ("{% render 'x' %}", 1, "there is no tag 'render'"),
        ("{% capture x %}{% endcapture %}", 1, "there is no tag 'capture'"),
        ("{% raw %}{% endraw %}", 1, "there is no tag 'raw'"),
        ("{% iff due %}{% endif %}", 1, "there is no tag 'iff'; did you mean 'if'?"),
        ("a\n\n{{", 3, "'{{' is not closed by '}}'"),
        ("{{ due", 1, "'{{' is not closed by '}}'"),
        ("\n{% if due", 2, "'{%' is not closed by '%}'"),
        ("\n{% if %}x{% endif %}", 2, "missing expression"),
        ("a\n{% for x in %}{% endfor %}\nb", 2, "expected a primitive expression"),
        ("a\n{{ }}\nb", 2, "expected a primitive expression"),
        ("{% if due %}\n{% endif %}\n{% if due %}x\n\nx", 3, "expected tag endif"),
        ("x{% endif %}", 1, "unexpected tag 'endif'"),
        ("{{ due due }}", 1, "expected end of expression"),
        ("{% assign ticket = due %}", 1, "'ticket' is a value already"),
        ("{% for due in names %}{% endfor %}", 1, "'due' is a value already"),
        ("{% for x in (1..3) %}{% endfor %}", 1, "ranges such as (1..9) are not allowed"),
        ("{{ (1..999999999) | join: '' }}", 1, "ranges such as (1..9) are not allowed"),
        ("{% assign x = (1..9) %}", 1, "ranges such as (1..9) are not allowed"),
        ("{% if days == (1..9) %}{% endif %}", 1, "ranges such as (1..9) are not allowed"),
        ("\n{{ days | plural: one: 'day' }}", 2, 'in en plural needs exactly: one: "...", other: "..."'),
        ("{{ days | plural: one: 'a', few: 'b', other: 'c' }}", 1, "plural needs exactly"),
        ("{{ days | plural: 'a', 'b' }}", 1, "plural needs exactly"),
        ("{{ days | upcase | plural: one: 'day' }}", 1, "plural needs exactly"),
        ("{{ due" + " " * 41 + "}}", 1, "40 blanks"),
        ("x" * 16_001, None, "a text has at most 16000 characters, this one 16001"),
        ("{{due}}" * 401, 1, "at most 400 tags and outputs"),
        ("{% if due %}" * 40, 1, "nesting"),
    ],
)
def test_what_is_refused_with_its_line(source, line, words):
    error = refused(source)
    assert words in error.problem
    assert error.line == line
    assert error.code == "configuration.template"


@pytest.mark.parametrize(
    ("locale", "forms"), [("ru", "one few many"), ("zh", "other"), ("ar", "zero one two few many other")]
)
def test_plurals_need_the_forms_of_their_language(locale, forms):
    given = ", ".join(f"{form}: '{form}'" for form in forms.split())
    assert render(f"{{{{ days | plural: {given} }}}}", locale) in forms.split()
    assert "plural needs exactly" in refused("{{ days | plural: one: 'a', other: 'b' }}", locale).problem


def test_a_value_is_never_read_as_a_template():
    hostile = "{{ ticket.reference }}{% raw %}{ticket.reference}$ticket"
    assert render("{{ customer.name }}", customer={"name": hostile}) == hostile


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{% assign a = customer.name %}" + "{% assign a = a | append: a %}" * 40 + "{{ a }}", "longer|namespace"),
        ("{{ names | join: customer.name | url_encode | url_encode | url_encode }}", "longer"),
        ("{% for x in names %}{{ customer.name }}{% endfor %}", "output"),
        (
            "{% for x in names %}{% for y in names %}{% for z in names %}{% endfor %}{% endfor %}{% endfor %}",
            "loop|steps",
        ),
        ("{% for x in names %}{% endfor %}" * 200 + "x", "steps"),
        ("{% for x in names %}" + "{% if due %}{% endif %}" * 190 + "{% endfor %}", "steps"),
    ],
)
def test_a_greedy_text_ends_in_time(source, words):
    begin = time.process_time()
    with pytest.raises(LiquidError, match=words):
        render(source, names=["x"] * 110, customer={"name": "n" * 5_000})
    assert time.process_time() - begin < 1


def test_whatever_a_filter_trips_over_is_one_kind_of_error(monkeypatch):
    def trips(value):
        raise ZeroDivisionError(value)

    text = CompiledText("{{ customer.name | upcase }}", "t", NAMES, "en")
    monkeypatch.setitem(text.template.env.filters, "upcase", trips)
    with pytest.raises(LiquidError, match="it failed with ZeroDivisionError"):
        text.render(VALUES)


def test_time_runs_out_even_where_steps_do_not(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr("supportkit.templates.language.thread_seconds", lambda: next(ticks))
    with pytest.raises(LiquidError, match=r"0\.5 s"):
        render("{{ due }}")


def test_output_is_limited_in_bytes():
    half = "я" * (MAX_OUTPUT_BYTES // 4)
    assert len(render("{{ due }}{{ due }}", due=half).encode()) == MAX_OUTPUT_BYTES
    with pytest.raises(LiquidError, match="output"):
        render("{{ due }}{{ due }}.", due=half)


@pytest.mark.parametrize(
    "source",
    [
        *(opening * (16_000 // len(opening)) for opening in ("{{", "{%", "{% ", "{", "{{ a | ", "{% raw %}")),
        "{% comment %}" * 1_200,
        *(f"{{{{{' ' * 39}-" * 300, "{{ " + "a." * 150 + "}}", "{{ " + "a[" * 150 + "}}", "{{ '" + "\\'" * 180 + "}}"),
        *("{% if a" + " == a" * 70 + " %}", "{% if a" + " and a" * 60 + " %}", "{{ 1" + "0" * 380 + " }}"),
        *("{%-" * 5_000, "{{-}}" * 300, "{% if " + "(" * 300 + " %}"),
        *("{{ due | plural: one: }}", "{{ 9e999 | plus: 1 }}"),
    ],
    ids=lambda source: source[:12],
)  # fmt: skip
def test_hostile_sources_end_in_time_with_a_typed_error(source):
    begin = time.process_time()
    with contextlib.suppress(InvalidTemplate):
        own(source)
    assert time.process_time() - begin < 1


# -- rows of the shared list of hostile inputs -----------------------------------------------------------------------


def row(name):
    rows = json.loads(shared_file("golden/bad_inputs.json").read_text(encoding="utf-8"))["inputs"]
    return next(row for row in rows if row["id"] == name)["values"]


@pytest.mark.parametrize("name", ["template-01", "template-02", "template-04", "template-06", "template-07"])
def test_templates_that_reach_out_are_refused_or_shown_as_they_stand(name):
    for source in row(name):
        begin = time.process_time()
        if "{{" in source or "{%" in source:
            with pytest.raises(InvalidTemplate):
                own(source)
        else:
            shown = own(source).render("solved", locale="en", values={"ticket.reference": "K7"})
            assert shown.body == source
        assert time.process_time() - begin < 1


def test_template_08_words_of_a_customer_appear_literally():
    for text in row("template-08"):
        shown = Catalog().render("solved", locale="en", values={"ticket.reference": "K7", "customer.name": text})
        assert f"Hello {text}," in shown.body


def test_html_12_values_are_escaped_in_html_and_not_in_text():
    texts = {"notices": {"solved": {"body": "Hello {{ customer.name }}", "html": "<p>Hello {{ customer.name }}</p>"}}}
    catalog = Catalog([Layer(locale="en", texts=texts)])
    for name in row("html-12"):
        shown = catalog.render("solved", locale="en", values={"ticket.reference": "K7", "customer.name": name})
        assert shown.body == f"Hello {name}"
        assert "<b" not in (shown.html or "<b")
        assert "&lt;b" in shown.html
