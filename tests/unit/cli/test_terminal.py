"""Other people's words reach the terminal without anything that it would obey."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from rich.console import Console
from tests.unit.cli.conftest import HOSTILE

from supportkit.cli.terminal import complain, harmless, line, print_json, words

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("code", [*range(32), *range(0x7F, 0xA0)])
def test_control_characters_are_taken_out_except_tab_and_line_end(code):
    assert harmless(f"a{chr(code)}b") == (f"a{chr(code)}b" if chr(code) in "\t\n" else "ab")


@pytest.mark.parametrize("mark", BIDI)
def test_marks_that_turn_the_direction_are_taken_out(mark):
    assert harmless(f"a{mark}b") == "ab"


@pytest.mark.parametrize("text", ["Привет", "自行车", "naïve", "שלום", "👩🏽‍🔧", "tab\tand\nline"])
def test_letters_of_all_alphabets_stay(text):
    assert harmless(text) == text


def shown(renderable):
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=False).print(renderable)
    return out.getvalue()


@pytest.mark.parametrize("made", [line, words])
def test_markup_and_emoji_names_in_words_are_shown_as_they_are(made):
    assert "red [bold]text[/] :smile:" in shown(made(HOSTILE))


@pytest.mark.parametrize("made", [line, words])
def test_nothing_that_is_shown_is_a_control_character(made):
    text = shown(made(HOSTILE)).replace("\n", "")
    assert [character for character in text if unicodedata.category(character) in {"Cc", "Cf"}] == []


def test_a_line_has_no_line_ends():
    assert line("two\nlines\t and  more").plain == "two lines and more"


def test_json_for_programs_has_nothing_to_obey_and_loses_nothing(capsys):
    print_json({"subject": HOSTILE})
    text = capsys.readouterr().out
    assert [c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf"}] == []
    assert json.loads(text) == {"subject": HOSTILE}


def test_a_complaint_is_one_line(capsys):
    complain(f"no ticket {HOSTILE}\nreally")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "\x1b" not in captured.err
