"""What is an answer, what is a blank, and what is refused with a sentence a person can act on."""

from __future__ import annotations

import json

import pytest
from tests.shared_data import SHARED

from supportkit.surveys import Question, Wording, csat, nps, read_answers
from supportkit.surveys.texts import ACSI, CES, CSAT, NPS, STANDARD

BAD = SHARED / "golden" / "bad_inputs.json"
ROWS = {row["id"]: row for row in json.loads(BAD.read_text(encoding="utf-8"))["inputs"]} if BAD.exists() else {}


def test_survey_05_the_row_is_there() -> None:
    if not ROWS:
        pytest.skip("the folder `shared` is not beside the project: survey-05 was read from a copy of its values")
    assert ROWS["survey-05"]["values"] == SURVEY_05


SURVEY_05 = ["0", "6", "-1", "1e9", "NaN", "5 stars", "null", "11", ""]


@pytest.mark.parametrize("value", SURVEY_05)
def test_survey_05_a_bad_score_is_refused_with_a_field_error(value: str) -> None:
    form = read_answers([CSAT], {"csat": value})
    assert form.codes == ()
    assert [name for name, _sentence in form.errors] == ["csat"]
    assert "whole numbers from 1 to 5" in form.errors[0][1]


@pytest.mark.parametrize("value", [11, -1, 7.5, True, "9", float("nan"), float("inf"), 10**9])
def test_survey_05_a_bad_score_is_never_averaged(value: object) -> None:
    with pytest.raises(ValueError, match="whole number from 0 to 10"):
        nps([9, value, 10])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="whole number from 1 to 5"):
        csat([5, value])  # type: ignore[list-item]


@pytest.mark.parametrize("value", ["4", 4])
def test_a_code_and_its_plain_text_are_answers(value: object) -> None:
    assert CSAT.read(value) == 4


@pytest.mark.parametrize("value", ["٤", " 4", "4 ", "+4", "04", "4.0", "4\n", b"4", 4.0, [4], "9" * 5000])
def test_what_only_looks_like_a_code_is_none(value: object) -> None:
    with pytest.raises(ValueError, match="question 'csat' takes whole numbers") as refused:
        CSAT.read(value)
    assert len(str(refused.value)) < 150


def test_a_declared_blank_is_a_blank_as_a_number_and_as_a_text() -> None:
    question = Question(id="q", lo=0, hi=10, blank_codes={11, "n/a", ""})
    assert [question.read(value) for value in (11, "11", "n/a", "", None)] == [None] * 5
    assert question.read(0) == 0  # zero is an answer


def test_an_answer_cannot_be_a_blank() -> None:
    with pytest.raises(ValueError, match="5 cannot be an answer and a blank"):
        Question(id="q", lo=1, hi=5, blank_codes={5})


def test_a_form_tells_of_every_field() -> None:
    form = read_answers([CSAT, NPS, CES], {"csat": "5", "nps": "12", "colour": "red"})
    assert form.codes == (("csat", 5), ("ces", None))
    assert [name for name, _sentence in form.errors] == ["nps", "colour"]


@pytest.mark.parametrize("question", STANDARD, ids=lambda question: question.id)
def test_ready_made_questions_are_whole_in_three_languages(question: Question) -> None:
    question.check_locales(["en", "ru", "zh"])
    texts = [wording.text for _locale, wording in question.wordings]
    assert len(set(texts)) == 3
    assert all(wording.low != wording.high for _locale, wording in question.wordings)


def test_the_scales_are_those_of_the_instruments() -> None:
    found = [(q.id, q.lo, q.hi) for q in (CSAT, NPS, CES)]
    assert found == [("csat", 1, 5), ("nps", 0, 10), ("ces", 1, 7)]
    assert [(q.lo, q.hi) for q in ACSI] == [(1, 10)] * 3


def test_languages_fall_back_and_never_by_accident() -> None:
    assert CSAT.wording("zh-Hans-CN") == CSAT.wording("zh")
    assert CSAT.wording("pt_BR", "ru") == CSAT.wording("ru")
    with pytest.raises(ValueError, match="no text for pt; it has en, ru, zh"):
        CSAT.wording("pt")
    with pytest.raises(ValueError, match="lacks a text in pt"):
        CSAT.check_locales(["en", "pt"])


def test_both_ends_of_a_scale_have_a_label() -> None:
    with pytest.raises(ValueError, match="'high' is empty"):
        Wording(text="How was it?", low="bad", high=" ")
