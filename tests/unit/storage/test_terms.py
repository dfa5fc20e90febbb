"""The words of the search are the same whichever way they are found."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from supportkit.storage.terms import TERM_CHARS, index_terms, query_terms, words


@given(st.text(alphabet=string.printable))
def test_plain_text_gives_the_same_words_as_any_other(text: str) -> None:
    assert index_terms([text]) == {"w:" + word for word in words(text)}


@given(st.text(max_size=60))
def test_what_is_indexed_is_found_by_its_own_text(text: str) -> None:
    exact, prefixes = query_terms(text)
    indexed = index_terms([text], prefix="")
    assert set(exact) <= indexed
    assert all(any(term.startswith(prefix) for term in indexed) for prefix in prefixes)


def test_chinese_is_found_by_one_two_and_more_characters() -> None:
    indexed = index_terms(["打印机坏了"], prefix="")
    assert indexed == {"打印", "印机", "机坏", "坏了", "了"}
    assert query_terms("打") == ((), ("打",))
    assert query_terms("打印机") == (("打印", "印机"), ())


def test_a_very_long_word_is_found_by_its_beginning() -> None:
    assert index_terms(["x" * 500], prefix="") == {"x" * TERM_CHARS}
    assert query_terms("X" * 400) == (("x" * TERM_CHARS,), ())
