"""HTML that may be shown: nothing runs, nothing loads from elsewhere, nothing leaves its place."""

from __future__ import annotations

import sys

import pytest
from tests.unit.email.mails import seconds

from supportkit.channels.email import sanitize_html

pytest.importorskip("nh3", reason="the cleaner is the extra `html`")


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<script>alert(1)</script><b>x</b>", "<b>x</b>"),
        ("<b onmouseover=alert(1)>x</b>", "<b>x</b>"),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer nofollow">x</a>'),
        ('<a href="https://e.example">x</a>', '<a href="https://e.example" rel="noopener noreferrer nofollow">x</a>'),
        ('<img src="https://evil.example/pixel.gif">', "<img>"),
        ('<img src="cid:logo@x">', '<img src="cid:logo@x">'),
        ('<img src="data:image/png;base64,AAAA">', "<img>"),
        ('<p style="position:fixed">x</p>', "<p>x</p>"),
        ('<form action="//evil"><input>x</form><base href=//evil><meta http-equiv=refresh>', "x"),
        ('<svg><image href="//evil"/></svg><iframe src="//evil"></iframe><object data="//evil"></object>', ""),
    ],
)
def test_what_could_harm_is_gone(html, cleaned):
    assert sanitize_html(html) == cleaned


@pytest.mark.parametrize("html", ["<div>" * 100_000, "<b>" * 300, "x" * 500_001])
def test_what_would_take_long_is_not_cleaned(html):
    assert seconds(lambda: sanitize_html(html)) < 1
    assert sanitize_html(html) is None


def test_many_paragraphs_are_no_depth():
    assert sanitize_html("<p>x" * 1_000) is not None


def test_without_the_extra_there_is_no_html(monkeypatch):
    monkeypatch.setitem(sys.modules, "nh3", None)
    assert sanitize_html("<b>x</b>") is None
