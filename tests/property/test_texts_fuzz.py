"""Whatever is written as a template or given as a value, only declared errors come out, and in time."""

# ruff: noqa: SIM905 - many short words read better as one text

from __future__ import annotations

import contextlib
import datetime as dt
import time
import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from supportkit.errors import InvalidTemplate, LimitExceeded, TemplateFailed
from supportkit.templates import Catalog, Layer, Notice

CATALOG = Catalog()
BITS = st.sampled_from(
    "{{ }} {% %} {{- -}} {%- -%} | : , . [ ] ( ) .. ' \" \\ == # 1 -1 9e9 'a'".split()
    + "x ж 天 \u202e \x00 \ud800 nil empty".split()
    + [f" {tag} " for tag in "if elsif else endif for in endfor assign case when endcase unless endunless".split()]
    + [f" {tag} " for tag in "comment endcomment raw endraw and or contains".split()]
    + "ticket reference ticket.reference resolution reopen_days forloop limit offset reversed".split()
    + "true plural one: other: append join truncate default size first".split()
    + ["\n", " ", "\t"]
)
SOURCES = st.lists(BITS, max_size=40).map("".join)
INSTANTS = st.datetimes(timezones=st.just(dt.UTC))


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(SOURCES)
@example("{% for x in ticket.reference limit: 'a' %}{% endfor %}")
@example("{{ reopen_days | truncate: ticket.reference }}")
def test_any_source_is_read_or_refused(source):
    begin = time.process_time()
    try:
        catalog = Catalog([Layer(locale="en", texts={"notices": {"solved": {"body": source}}})])
        shown = catalog.render(
            "solved", locale="en", values={"ticket.reference": "K7", "resolution": "a\nb", "reopen_days": 2}
        )
        assert shown.body
    except InvalidTemplate as refusal:
        line = refusal.line
        assert line is None or 1 <= line <= source.count("\n") + 1
    assert time.process_time() - begin < 2


@pytest.mark.stress
@settings(deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow])
@given(SOURCES)
def test_any_source_is_read_or_refused_for_long(source):
    test_any_source_is_read_or_refused.hypothesis.inner_test(source)


@settings(deadline=None, max_examples=200)
@given(
    st.text(max_size=400), st.text(max_size=20), st.text(max_size=20), INSTANTS, INSTANTS, st.sampled_from(list(Notice))
)
def test_nothing_about_a_customer_raises(words, locale, zone, at, now, notice):
    fields = CATALOG.fields(notice)
    values = {"line": words, "text": words, "count": len(words), "moment": at}
    given_values = {
        name: "K7" if name in fields.needed and kind == "line" else values[kind] for name, kind in fields.values.items()
    }
    for kind in ("email", "chat"):
        shown = CATALOG.render(notice, locale=locale, values=given_values, timezone=zone, now=now, channel_kind=kind)
        assert "\n" not in shown.subject
        unseen = [
            char
            for char in shown.subject + shown.body
            if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"
        ]
        assert unseen == []
        assert not set("\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff") & set(shown.subject + shown.body)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=300))
def test_a_value_appears_as_it_is_cleaned_and_never_acts(words):
    catalog = Catalog([Layer(locale="en", texts={"notices": {"solved": {"body": "<{{ customer.name }}>"}}})])
    shown = catalog.render("solved", locale="en", values={"ticket.reference": "K7", "customer.name": words}).body
    twice = catalog.render("solved", locale="en", values={"ticket.reference": "K7", "customer.name": shown[1:-1]}).body
    assert shown == twice
    assert (
        shown[1:-1].replace("…", "")[:50] in " ".join(unicodedata.normalize("NFC", words).split())
        or shown != f"<{words}>"
    )


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(["ticket.reference", "due", "x", ""]),
        st.one_of(st.none(), st.integers(), st.text(), st.binary()),
    )
)
def test_wrong_values_raise_only_what_is_declared(values):
    with contextlib.suppress(ValueError, TypeError, LimitExceeded, TemplateFailed):
        assert CATALOG.render("delayed", locale="ru", values=values).body
