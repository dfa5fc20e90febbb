"""Surveys as plain data: what a configuration file says, and back again."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest

from supportkit.config import load_config
from supportkit.errors import ConfigurationError, InvalidConfiguration
from supportkit.surveys import Exclusion, Question, Survey, Wording, surveys_from_dict, surveys_to_dict
from supportkit.surveys.texts import ACSI, CSAT, NPS

URL = "https://help.example.com/s/"
TEXT = """
[surveys.after]
url = "https://help.example.com/s/"
questions = ["csat", "nps"]
delay = "2h"
expiry = "10d"
remind_after = "3d"
follow_up = "never"
rate = "0.25"
staff = ["@example.com"]
leads = { east = "mia" }
unhappy = { csat = 2 }

[surveys.after.exclude.press]
tags = ["press"]

[surveys.own]
url = "https://help.example.com/s/"
anonymous = true
locales = ["en"]

[[surveys.own.questions]]
id = "effort"
lo = 1
hi = 3
higher_is_better = false
wordings.en = { text = "How much effort was it?", low = "Little", high = "Much" }
"""
EFFORT = Question(
    id="effort",
    lo=1,
    hi=3,
    higher_is_better=False,
    wordings={"en": Wording(text="How much effort was it?", low="Little", high="Much")},
)
AFTER = Survey(
    id="after",
    url=URL,
    questions=(CSAT, NPS),
    delay=dt.timedelta(hours=2),
    expiry=dt.timedelta(days=10),
    remind_after=dt.timedelta(days=3),
    follow_up=None,
    rate="0.25",
    staff={"@example.com"},
    leads={"east": "mia"},
    unhappy={"csat": 2},
    exclude=(Exclusion(id="press", tags={"press"}),),
)
OWN = Survey(id="own", url=URL, anonymous=True, locales=("en",), questions=(EFFORT,))


def test_a_file_says_what_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(TEXT, encoding="utf-8")
    assert load_config(path).arguments["surveys"] == (AFTER, OWN)


def test_plain_data_gives_the_same_surveys_again() -> None:
    plain = tomllib.loads(TEXT)["surveys"]
    whole = Survey(
        id="whole", url=URL, questions=ACSI, quota=5, edit_for=dt.timedelta(minutes=90), quiet=dt.timedelta(0)
    )
    assert surveys_from_dict(plain) == (AFTER, OWN)
    assert surveys_from_dict(surveys_to_dict([AFTER, OWN, whole])) == (AFTER, OWN, whole)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"dely": "2h"}, "did you mean 'delay'"), ({"delay": 2}, "after.delay: it is a length of time"),
        ({"rate": True}, "after.rate"), ({"comment": "yes"}, "true or false"), ({"version": True}, "whole number"),
        ({"questions": ["mood"]}, "there is no question 'mood'"), ({"questions": "csat"}, "list of questions"),
        ({"questions": [{"id": "q", "low": 1}]}, "did you mean 'lo'"), ({"staff": "a@b"}, "list of texts"),
        ({"exclude": {"x": {}}}, "names nothing"), ({"leads": ["mia"]}, "a table"),
        ({"url": 5}, "after.url: it is a text"),
        ({"delay": "1w"}, "length of time"), ({"delay": "1234567d"}, "length of time"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_key(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        surveys_from_dict({"after": {"url": URL, **wrong}})


def test_a_survey_needs_an_address_and_is_a_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="url is missing"):
        surveys_from_dict({"after": {}})
    with pytest.raises(ConfigurationError, match="it is a table"):
        surveys_from_dict({"after": 5})
    path = tmp_path / "desk.toml"
    path.write_text('[surveys.after]\nurl = "x"\n', encoding="utf-8")
    with pytest.raises(InvalidConfiguration, match="surveys"):
        load_config(path)
