"""Long texts in parts: they fit, nothing is lost, and what belongs together stays together."""

from __future__ import annotations

import re
import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from supportkit.channels.measure import measure, segments
from supportkit.channels.splitting import split
from supportkit.errors import ConfigurationError, LimitExceeded

WORDS = st.text(st.sampled_from("ab z.!?\n\t。й中é\u0301👍🏽👨\u200d👩\u200d👧🇷🇺€[]{}<>*`"), min_size=1, max_size=300)
UNITS = st.sampled_from([("chars", 40), ("utf16", 40), ("bytes", 90), ("segments", 1), ("segments", 2)])
TOKENS = (
    "https://example.com/a/rather/long/path",
    "{{ ticket.number }}",
    "<https://e.com|a link>",
    "[see](https://e.com)",
)


def unmarked(parts: tuple[str, ...]) -> list[str]:
    count = len(parts)
    return [
        part.removesuffix(f" ({number}/{count})") if number < count else part for number, part in enumerate(parts, 1)
    ]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@given(text=WORDS, unit=UNITS)
def test_parts_fit_are_not_empty_and_say_the_text(text: str, unit: tuple[str, int]) -> None:
    name, limit = unit
    try:
        parts = split(text, limit, unit=name, max_parts=60)
    except LimitExceeded:
        return
    assert split(text, limit, unit=name, max_parts=60) == parts
    assert all(measure(part, name) <= limit for part in parts)
    assert squeezed("".join(unmarked(parts))) == squeezed(text)
    if len(parts) > 1:
        assert all(part.strip() for part in unmarked(parts))


@given(text=st.text(st.sampled_from("👍🏽é\u0301👨\u200d👩a"), min_size=60, max_size=200))
def test_no_cluster_is_cut(text: str) -> None:
    parts = split(text, 60, max_parts=40)
    clusters = regex.findall(r"\X", text)
    again = [cluster for part in unmarked(parts) for cluster in regex.findall(r"\X", part)]
    assert again == clusters


@given(data=st.data())
def test_no_address_token_or_placeholder_is_cut(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from([*TOKENS, "word", "и", "中文。", "\n\n"]), min_size=20, max_size=60))
    text = " ".join(words)
    parts = split(text, 70, max_parts=60)
    for token in TOKENS:
        assert sum(part.count(token) for part in parts) == text.count(token)


def test_cuts_are_made_at_paragraphs_then_sentences_then_words() -> None:
    assert split("One two three.\n\nFour five.", 21) == ("One two three. (1/2)", "Four five.")
    assert split("One two. Three four. Five", 21) == ("One two. (1/2)", "Three four. Five")
    assert split("onetwothree four five six", 22) == ("onetwothree four (1/2)", "five six")
    assert split("x" * 30, 20) == ("x" * 14 + " (1/2)", "x" * 16)


def test_a_text_that_fits_is_left_alone() -> None:
    assert split("  as it is \n", 12) == ("  as it is \n",)
    assert split("x" * 10**6, None) == ("x" * 10**6,)


def test_more_parts_than_allowed_are_refused_with_advice() -> None:
    with pytest.raises(LimitExceeded, match="e-mail or as a file"):
        split("word " * 100, 40, max_parts=3)
    with pytest.raises(LimitExceeded):
        split("word " * 100, 40, max_parts=1)


def test_an_address_longer_than_a_part_is_refused_not_cut() -> None:
    with pytest.raises(LimitExceeded, match="cannot be cut"):
        split("https://example.com/" + "x" * 100, 50)


def test_ten_parts_and_more_leave_room_for_their_numbers() -> None:
    parts = split("word " * 100, 40, max_parts=20)
    assert parts[0].endswith(" (1/17)")
    assert max(map(len, parts)) <= 40


def test_segments_are_counted_as_the_network_does() -> None:
    assert [segments("a" * n) for n in (0, 1, 160, 161, 306, 307)] == [0, 1, 1, 2, 2, 3]
    assert [segments("я" * n) for n in (70, 71, 134, 135)] == [1, 2, 2, 3]
    assert [segments("€" * n) for n in (80, 81)] == [1, 2]
    assert segments("👍" * 35) == 1
    assert segments("👍" * 36) == 2
    assert segments("a" * 152 + "€" + "b" * 152) == 3  # the escape is not parted from its character


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="chars, utf16, bytes, segments"):
        measure("x", "words")


def test_a_million_characters_are_cut_in_no_time() -> None:
    begun = time.process_time()
    for text in ("x" * 10**6, "<" * 10**6, "[a](" * 250_000, "https://" * 125_000, " \n" * 500_000, "{{" * 500_000):
        try:
            split(text, 4096, max_parts=5)
        except LimitExceeded:
            continue
    assert time.process_time() - begun < 5
