"""Canned replies: found by keyword and tag, in the language of the customer."""

from __future__ import annotations

import pytest

from supportkit.templates import Catalog, Layer

EN = {
    "refund": {
        "title": "Refund is on its way",
        "keywords": ["refund", "money back"],
        "tags": ["billing"],
        "body": "Hello {{ customer.name }}, the money is on its way.",
    },
    "invoice": {
        "keywords": ["invoice"],
        "tags": ["billing", "papers"],
        "body": "Here is the invoice; no refund needed.",
    },
    "hours": {"title": "Opening hours", "tags": ["shop"], "body": "We are open from 9 to 17."},
}
RU = {"refund": {"title": "Возврат", "keywords": ["возврат денег"], "tags": ["billing"], "body": "Деньги отправлены."}}
ZH = {"refund": {"title": "退款", "keywords": ["退款进度"], "tags": ["billing"], "body": "退款已经发出。"}}
CATALOG = Catalog(
    [Layer(locale=locale, texts={"replies": texts}) for locale, texts in (("en", EN), ("ru", RU), ("zh", ZH))]
)


def names(words="", **more):
    return [reply.name for reply in CATALOG.replies.search(words, **more)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("refund", ["refund", "invoice"]),
        ("REFUND", ["refund", "invoice"]),
        ("refunds", ["refund", "invoice"]),
        ("refu", ["refund", "invoice"]),
        ("money", ["refund"]),
        ("refund way", ["refund"]),
        ("billing", ["invoice", "refund"]),
        ("opening", ["hours"]),
        ("xyz", []),
        ("refund xyz", []),
        ("", ["hours", "invoice", "refund"]),
        ("!?", ["hours", "invoice", "refund"]),
    ],
)
def test_words_are_found_and_keywords_come_first(words, found):
    assert names(words) == found


@pytest.mark.parametrize("words", ["возврат", "Возврата", "ВОЗВРАТЫ", "возвр", "деньги"])
def test_russian_endings_matter_little(words):
    assert names(words, locale="ru") == ["refund"]


@pytest.mark.parametrize("words", ["退款", "款", "进度", "已经发出"])
def test_chinese_is_found_anywhere(words):
    assert names(words, locale="zh-CN") == ["refund"]


def test_tags_narrow():
    assert names(tags=["billing"]) == ["invoice", "refund"]
    assert names(tags=["Billing", "papers"]) == ["invoice"]
    assert names("refund", tags=["papers"]) == ["invoice"]


def test_each_reply_comes_once_in_the_best_language():
    found = {reply.name: reply.locale for reply in CATALOG.replies.search(locale="ru-RU")}
    assert found == {"refund": "ru", "invoice": "en", "hours": "en"}


def test_a_reply_that_no_language_of_the_chain_has_is_offered_as_it_is():
    catalog = Catalog([Layer(locale="ru", texts={"replies": RU})])
    assert [reply.locale for reply in catalog.replies.search(locale="zh")] == ["ru"]


def test_the_limit_is_held():
    assert names(limit=1) == ["hours"]
    for limit in (0, 501):
        with pytest.raises(ValueError, match="between 1 and 500"):
            names(limit=limit)


def test_a_reply_is_rendered_like_a_notice():
    shown = CATALOG.render("replies.refund", locale="en", values={"customer.name": "Ann"})
    assert (shown.subject, shown.body) == ("", "Hello Ann, the money is on its way.")
    assert CATALOG.render("replies.refund", locale="ru", values={}).body == "Деньги отправлены."


def test_a_reply_has_its_name_as_title_where_it_has_none():
    assert {reply.title for reply in CATALOG.replies if reply.name == "invoice"} == {"invoice"}
    assert len(CATALOG.replies) == 5


def test_an_upper_layer_replaces_a_reply():
    above = Layer(locale="en", texts={"replies": {"refund": {"title": "Money", "body": "Sent."}}})
    catalog = Catalog([Layer(locale="en", texts={"replies": EN}), above])
    assert [reply.title for reply in catalog.replies.search("money")] == ["Money"]
    assert catalog.render("replies.refund", locale="en", values={}).body == "Sent."


def test_a_long_question_is_cut_before_it_is_read():
    assert names("refund " + "x" * 10_000) == []
