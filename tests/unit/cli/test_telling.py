"""Every event has a sentence, and every duration and instant its words."""

from __future__ import annotations

import datetime as dt
import typing

import attrs
import pytest
import typer

from supportkit.cli.telling import told
from supportkit.cli.times import age, length, moment, zone_of
from supportkit.model import events as ev
from supportkit.model.fields import Fields
from supportkit.model.people import Actor
from supportkit.model.ticket import MergedPart

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
PLAIN = {
    str: "word",
    int: 2,
    bool: True,
    dt.datetime: NOW,
    dt.timedelta: dt.timedelta(hours=2),
    Actor: Actor.parse("agent:kim"),
    Fields: Fields({"a": 1}),
}


def example(kind):
    """Return a value of a type."""
    kinds = [one for one in typing.get_args(kind) if one is not type(None)]
    if typing.get_origin(kind) is tuple:
        return (example(kinds[0]),)
    if kinds:
        return example(kinds[0])
    if kind is MergedPart:
        return MergedPart("word")
    if attrs.has(kind):
        return kind(**{name: example(hint) for name, hint in typing.get_type_hints(kind).items()})
    return PLAIN[kind] if kind in PLAIN else next(iter(kind))


@pytest.mark.parametrize("kind", typing.get_args(ev.Event), ids=lambda kind: kind.__name__)
def test_every_event_is_told_in_one_sentence(kind):
    hints = typing.get_type_hints(kind)
    hints.pop("links", None)
    known = {field.name for field in attrs.fields(kind)}
    values = {name: example(hint) for name, hint in hints.items() if name in known}
    if "threshold" in values:
        values["threshold"] = "-1800s"
    sentence = told(kind(**values))
    assert sentence
    assert "\n" not in sentence
    assert "None" not in sentence


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3_661, "1 h 1 min"), (15_570, "4 h 19 min"),
        (86_400, "1 d"), (86_460, "1 d"), (1_541_716, "17 d 20 h"),
    ],
)  # fmt: skip
def test_a_duration_has_its_two_largest_parts(seconds, said):
    assert length(seconds) == said


def test_an_instant_is_told_in_the_zone_of_the_reader():
    assert moment(NOW, "UTC") == "Mon 5 Jan 2026 09:00"
    assert moment(NOW, "Asia/Shanghai") == "Mon 5 Jan 2026 17:00"


def test_an_age_is_told_in_words():
    assert age(NOW - dt.timedelta(hours=2), NOW) == "2 hours ago"
    assert age(NOW + dt.timedelta(days=3), NOW) == "3 days ahead"


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", ""])
def test_a_zone_that_does_not_exist_is_bad_usage(name):
    with pytest.raises(typer.BadParameter, match="there is no zone"):
        zone_of(name)
