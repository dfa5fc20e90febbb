"""Own texts over the shipped ones: layers, fallbacks, variants, errors when a catalog is made."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from supportkit.errors import ConfigurationError, InvalidTemplate, LimitExceeded, TemplateFailed, UnknownLocale
from supportkit.templates import Catalog, Layer, Notice, chain
from supportkit.templates.values import MAX_TEXT_BYTES

REFERENCE = {"ticket.reference": "K7Q2"}
NOON = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)


def layer(locale="en", source="own texts", **notices):
    return Layer(locale=locale, texts={"notices": notices}, source=source)


def solved(catalog, locale="en", **more):
    return catalog.render(Notice.SOLVED, locale=locale, values=REFERENCE | more.pop("values", {}), **more)


# -- which text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "steps"),
    [
        ("zh-Hant-TW", ("zh-Hant-TW", "zh-Hant", "zh", "en")),
        ("zh-TW", ("zh-TW", "zh-Hant", "zh", "en")),
        ("zh_hant_tw", ("zh-Hant-TW", "zh-Hant", "zh", "en")),
        ("ru-RU", ("ru-RU", "ru-Cyrl", "ru", "en")),
        ("RU", ("ru", "en")),
        ("en-GB", ("en-GB", "en-Latn", "en")),
        ("pt-BR", ("pt-BR", "pt-Latn", "pt", "en")),
        ("", ("en",)),
        ("../../etc/passwd", ("en",)),
        ("xx" * 1_000, ("en",)),
        ("tlh", ("tlh", "en")),
    ],
)
def test_the_chain_of_fallbacks(tag, steps):
    assert chain(tag) == steps


def test_the_default_locale_comes_before_english():
    assert chain("fr", "ru") == ("fr", "ru", "en")
    assert solved(Catalog(default_locale="ru"), "fr").locale == "ru"


@pytest.mark.parametrize(("wanted", "locale"), [("zh-Hant-TW", "zh"), ("ru-UA", "ru"), ("de", "en"), ("?", "en")])
def test_a_customer_gets_the_nearest_language(wanted, locale):
    assert solved(Catalog(), wanted).locale == locale


def test_the_nearest_own_text_wins():
    catalog = Catalog([layer("zh-Hant", solved={"subject": "已解決", "body": "已解決 {{ ticket.reference }}"})])
    assert solved(catalog, "zh-TW").body == "已解決 K7Q2"
    assert solved(catalog, "zh-Hant-HK").locale == "zh-Hant"
    assert solved(catalog, "zh-CN").locale == "zh"
    assert catalog.locales == ("en", "ru", "zh", "zh-Hant")


def test_an_own_part_leaves_the_other_parts_as_they_ship():
    catalog = Catalog([layer(solved={"body": "Done: {{ ticket.reference }}"})])
    shown = solved(catalog)
    assert (shown.subject, shown.body) == ("Your request K7Q2 has been solved", "Done: K7Q2")
    assert solved(catalog, channel_kind="chat").body.startswith("Your request K7Q2 has been solved.")


def test_a_later_layer_lies_above_an_earlier_one():
    catalog = Catalog([layer(source="plug-in a", solved={"body": "a"}), layer(source="own.toml", solved={"body": "b"})])
    assert solved(catalog).body == "b"


def test_a_further_language_needs_its_own_subject():
    with pytest.raises(InvalidTemplate, match=r"solved \(uk\): it needs the part 'subject' in this language"):
        Catalog([layer("uk", solved={"body": "Вирішено"})])
    complete = Catalog([layer("uk", solved={"subject": "Вирішено", "body": "Вирішено: {{ ticket.reference }}"})])
    shown = solved(complete, "uk-UA")
    assert (shown.locale, shown.subject, shown.body) == ("uk", "Вирішено", "Вирішено: K7Q2")
    assert solved(complete, "uk-UA", channel_kind="chat").body == "Вирішено: K7Q2"
    assert complete.render("closed", locale="uk", values=REFERENCE).locale == "en"


def test_a_language_without_patterns_of_moments_has_neutral_ones():
    texts = {"subject": "Вирішено", "body": "До {{ due }}"}
    catalog = Catalog([layer("uk", delayed=texts)])
    shown = catalog.render("delayed", locale="uk", values=REFERENCE | {"due": NOON}, timezone="Europe/Kyiv", now=NOON)
    assert shown.body == "До середа, 4 березня 2026 р., 14:00 (Київ, UTC+2)"


# -- which part ------------------------------------------------------------------------------------------------------


def test_variants_for_kinds_of_channels():
    parts = {"short": "short", "body": "long", "on": {"sms": "text", "email": "mail"}}
    catalog = Catalog([layer(solved=parts)])
    shown = {
        kind: solved(catalog, channel_kind=kind) for kind in ("sms", "chat", "messenger", "social", "email", "form")
    }
    assert {kind: one.body for kind, one in shown.items()} == {
        "sms": "text",
        "chat": "short",
        "messenger": "short",
        "social": "short",
        "email": "mail",
        "form": "long",
    }
    assert {kind for kind, one in shown.items() if one.subject} == {"email", "form"}


def test_html_says_what_the_body_says():
    both = layer(solved={"body": "one", "html": "<p>one</p>"})
    assert solved(Catalog([both])).html == "<p>one</p>"
    assert solved(Catalog([both, layer(solved={"body": "two"})])).html is None
    assert solved(Catalog([both]), "ru").html is None
    assert solved(Catalog([both]), channel_kind="chat").html is None
    assert solved(Catalog()).html is None


# -- values ----------------------------------------------------------------------------------------------------------


def test_an_unknown_value_is_an_error_with_a_suggestion():
    with pytest.raises(
        ValueError, match=r"solved has no value 'ticket\.referense'; did you mean 'ticket\.reference'\?"
    ):
        Catalog().render("solved", locale="en", values={"ticket.referense": "K7"})


@pytest.mark.parametrize(
    "values", [{}, {"ticket.reference": None}, {"ticket.reference": ""}, {"ticket.reference": " \u200b"}]
)
def test_a_value_that_is_needed_must_be_there(values):
    with pytest.raises(ValueError, match=r"solved needs the value 'ticket\.reference'"):
        Catalog().render("solved", locale="en", values=values)


class Secret:
    password = "hunter2"

    def __str__(self):
        return self.password


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("customer.name", Secret(), "a str, not Secret"),
        ("customer.name", {"password": "x"}, "a str, not dict"),
        ("customer.name", b"Ann", "a str, not bytes"),
        ("reopen_days", "14", "an int from 0 on, not str"),
        ("reopen_days", True, "an int from 0 on, not bool"),
        ("reopen_days", -1, "an int from 0 on, not int"),
        ("reopen_days", 1.5, "an int from 0 on, not float"),
        ("resolution", 5, "a str, not int"),
    ],
)
def test_only_plain_values_of_the_right_kind_are_taken(name, value, wanted):
    with pytest.raises(TypeError, match=f"the value '{name}' must be {wanted}") as caught:
        solved(Catalog(), values={name: value})
    assert "hunter2" not in str(caught.value)


def test_a_moment_needs_a_time_zone():
    with pytest.raises(TypeError, match="'due' must be a datetime with a time zone"):
        Catalog().render("delayed", locale="en", values=REFERENCE | {"due": dt.datetime(2026, 3, 4)})  # noqa: DTZ001


def test_an_unknown_key_is_an_error_with_a_suggestion():
    with pytest.raises(ValueError, match="there is no text 'solvd'; did you mean 'solved'"):
        Catalog().render("solvd", locale="en", values=REFERENCE)
    with pytest.raises(ValueError, match=r"there is no text 'replies\.refund'"):
        Catalog().render("replies.refund", locale="en", values={})


def test_names_lose_what_nobody_sees_and_stay_on_one_line():
    name = "An\u202en\u200b\u2066 \x00\x1b[31mLee\r\n\r\nYou won!\u2028\U000e0041\ufeff"
    shown = solved(Catalog(), values={"customer.name": name})
    assert shown.body.startswith("Hello Ann [31mLee You won!,\n")
    assert shown.subject == "Your request K7Q2 has been solved"


def test_a_subject_stays_on_one_line():
    catalog = Catalog([layer(solved={"subject": "{{ resolution }}"})])
    assert solved(catalog, values={"resolution": "a\r\nBcc: x@y\n"}).subject == "a Bcc: x@y"


def test_long_names_end_in_an_ellipsis():
    body = solved(Catalog(), values={"customer.name": "n" * 5_000}).body
    assert f"Hello {'n' * 199}…," in body


def test_a_text_that_is_too_long_is_refused_with_the_name_of_the_limit():
    assert "ж" in solved(Catalog(), values={"resolution": "ж" * (MAX_TEXT_BYTES // 2)}).body
    with pytest.raises(LimitExceeded, match="resolution: at most 65536 bytes allowed, got 65538"):
        solved(Catalog(), values={"resolution": "ж" * (MAX_TEXT_BYTES // 2 + 1)})


def test_line_ends_of_a_long_text_stay():
    assert "\n\na\n\nb\n\n" in solved(Catalog(), values={"resolution": "a\r\n\r\n\r\nb"}).body


# -- own values ------------------------------------------------------------------------------------------------------


def test_an_app_adds_values_of_its_own():
    catalog = Catalog(
        [layer(solved={"body": "{{ shop.phone }} {% for item in items %}[{{ item }}]{% endfor %}"})],
        values={"shop.phone": "line", "items": "lines"},
    )
    assert solved(catalog, values={"shop.phone": "+49 30", "items": ["a", "b\u202e"]}).body == "+49 30 [a][b]"
    assert solved(catalog, values={"shop.phone": "+49 30"}).body == "+49 30"
    with pytest.raises(LimitExceeded, match="items: at most 100 lines"):
        solved(catalog, values={"items": ["x"] * 101})
    assert "shop.phone" not in catalog.fields("acknowledgement_unverified").values


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"Shop": "line"}, "'Shop' is no name of a value"),
        ({"a.b.c": "line"}, "is no name of a value"),
        ({"__class__": "line"}, "is no name of a value"),
        ({"shop": "lin"}, "there is no kind 'lin'; did you mean 'line'?"),
        ({"shop": None}, "there is no kind 'None'"),
        ({"ticket.reference": "line"}, "is taken by the values of every desk"),
        ({"ticket": "line"}, "is taken by the values of every desk"),
        ({"due.x": "line"}, "is taken by the values of every desk"),
        ({"shop": "line", "shop.x": "line"}, "'shop' cannot be a value and the first part of 'shop.x'"),
        ({"shop.limit": "line"}, "'limit' is a word of Liquid"),
        (["shop"], "a table of names and kinds is needed, not list"),
    ],
)
def test_names_of_own_values_are_checked(values, words):
    with pytest.raises(InvalidTemplate, match="values") as caught:
        Catalog(values=values)
    assert words in str(caught.value)


# -- errors when a catalog is made -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([], "a table is needed, not list"),
        ({"notice": {}}, "'notice' is not a key here; did you mean 'notices'?"),
        ({"notices": {"solvd": {}}}, "'solvd' is not a key here; did you mean 'solved'?"),
        ({"notices": {"solved": "Done"}}, "solved: a table is needed, not str"),
        ({"notices": {"solved": {"boddy": "Done"}}}, "'boddy' is not a key here; did you mean 'body'?"),
        ({"notices": {"solved": {"body": 5}}}, "solved.body: a text is needed, not int"),
        ({"notices": {"solved": {"body": "  "}}}, "solved.body: the text is empty"),
        ({"notices": {"solved": {"body": "a\x00"}}}, "characters that no text can hold"),
        ({"notices": {"solved": {"on": "x"}}}, "a table of channel kinds"),
        ({"notices": {"solved": {"on": {"S M S": "x"}}}}, "'S M S' is no kind of channel"),
        ({"notices": {"solved": {"on": {"sms": "{{ x }}"}}}}, "solved.on.sms (en), line 1: there is no value 'x'"),
        ({"notices": {"solved": {"body": "a\n{{ due }}"}}}, "solved.body (en), line 2: there is no value 'due'"),
        ({"notices": {"acknowledgement_unverified": {"body": "{{ customer.name }}"}}}, "no value 'customer.name'"),
        ({"moments": {"yesterday": "x"}}, "'yesterday' is not a key here"),
        ({"moments": {"today": "{{ day }}"}}, "no value 'day'"),
        ({"replies": {"No!": {}}}, "'No!' is no name of a reply"),
        ({"replies": {"a": {"body": "x", "keyword": []}}}, "'keyword' is not a key here; did you mean 'keywords'?"),
        ({"replies": {"a": {"body": "x", "keywords": "refund"}}}, "a list of words is needed, not str"),
        ({"replies": {"a": {"body": "x", "keywords": ["x" * 101]}}}, "a word has at most 100 characters"),
        ({"replies": {"a": {"body": "x", "tags": ["x"] * 51}}}, "at most 50 words"),
        ({"replies": {"a": {"body": "x", "title": "a\nb"}}}, "one line of at most 200"),
        ({"replies": {"a": {"title": "x"}}}, "replies.a (en): it needs the part 'body'"),
        ({"replies": []}, "replies: a table is needed, not list"),
        ({"replies": {f"r{n}": {"body": "x"} for n in range(2_001)}}, "at most 2000 replies"),
        ({"notices": {"solved": {"body": "{{ ticket.reference | plus }}"}}}, "it cannot be rendered"),
        ({"notices": {"closed": {"body": "{{ reopen_days | plural: one: 'a', other: 'b' }}"}}}, "inside {% if %}"),
        ({"notices": {"closed": {"body": "a{% if due %}{% endif %}"}}}, "no value 'due'"),
        ({"notices": {"started": {"body": "a{% if due %}{{ due | truncate: 'x' }}{% endif %}"}}}, "be rendered"),
        ({"notices": {"closed": {"body": "{{ desk.name | plural: one: 'a', other: 'b' }}"}}}, "plural needs a count"),
        ({"notices": {"solved": {"body": "{{ reopen_days | truncate: 'x' }}"}}}, "it cannot be rendered"),
    ],
)  # fmt: skip
def test_a_wrong_text_is_an_error_when_the_catalog_is_made(texts, words):
    with pytest.raises(InvalidTemplate) as caught:
        Catalog([Layer(locale="en", texts=texts)])
    assert words in str(caught.value)
    assert isinstance(caught.value, ConfigurationError)


@pytest.mark.parametrize(
    ("locale", "words"), [("english", "'english'"), ("xx", "'xx'"), ("rus", "did you mean 'ru'"), ("", "''")]
)
def test_an_unknown_locale_is_an_error(locale, words):
    with pytest.raises(UnknownLocale, match="no locale") as caught:
        Catalog([layer(locale)])
    assert words in str(caught.value)
    with pytest.raises(UnknownLocale):
        Catalog(default_locale=locale)


# -- when a text fails at work ---------------------------------------------------------------------------------------


def test_an_own_text_that_fails_gives_way_to_the_shipped_one():
    greedy = "{% for a in names %}{% for b in names %}{% for c in names %}x{% endfor %}{% endfor %}{% endfor %}"
    catalog = Catalog([layer(solved={"body": greedy})], values={"names": "lines"})
    assert solved(catalog, values={"names": ["a", "b"]}).body == "x" * 8
    shown = solved(catalog, values={"names": ["a"] * 100})
    assert shown.body == solved(Catalog()).body
    (problem,) = shown.problems
    assert "own texts: solved.body (en): " in problem


def test_an_own_text_that_says_nothing_gives_way_too():
    catalog = Catalog([layer(solved={"body": "{{ resolution }}"})])
    shown = solved(catalog)
    assert shown.body == solved(Catalog()).body
    assert shown.problems == ("own texts: solved.body (en): nothing came of it",)


def test_a_reply_of_which_nothing_comes_is_an_error():
    catalog = Catalog([Layer(locale="en", texts={"replies": {"a": {"body": "{{ customer.name }}"}}})])
    assert catalog.render("replies.a", locale="en", values={"customer.name": "Ann"}).body == "Ann"
    with pytest.raises(TemplateFailed, match=r"'replies\.a' could not be rendered: .*nothing came of it"):
        catalog.render("replies.a", locale="en", values={})


# -- plain data ------------------------------------------------------------------------------------------------------

DATA = {
    "default_locale": "ru",
    "values": {"shop.phone": "line"},
    "texts": {
        "ru": {"notices": {"solved": {"body": "Готово. {{ shop.phone }}"}}},
        "en": {"replies": {"hours": {"body": "9 to 5", "keywords": ["open"], "tags": ["shop"]}}},
    },
}


def test_a_catalog_goes_through_plain_data():
    catalog = Catalog.from_dict(DATA)
    assert catalog.to_dict() == DATA
    assert solved(Catalog.from_dict(catalog.to_dict()), "de", values={"shop.phone": "112"}).body == "Готово. 112"


def test_layers_of_one_locale_are_joined_in_plain_data():
    catalog = Catalog([layer(solved={"subject": "a", "body": "a"}), layer(solved={"body": "b"}, closed={"body": "c"})])
    assert catalog.to_dict()["texts"]["en"] == {
        "notices": {"solved": {"subject": "a", "body": "b"}, "closed": {"body": "c"}}
    }


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"text": {}}, "did you mean 'texts'"),
        ({"texts": []}, "a table of locales"),
        ({"values": 5}, "a table of names"),
    ],
)
def test_plain_data_is_read_strictly(data, words):
    with pytest.raises(InvalidTemplate, match=words):
        Catalog.from_dict(data)


def test_no_own_texts_are_no_layers():
    assert Catalog.from_dict({}).to_dict() == {"default_locale": "en", "values": {}, "texts": {}}


def test_threads_share_a_catalog():
    catalog, shown = Catalog(), set()

    def work():
        shown.update(
            catalog.render(notice, locale="ru", values=REFERENCE).body for notice in ("solved", "closed", "started")
        )

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown) == 3
