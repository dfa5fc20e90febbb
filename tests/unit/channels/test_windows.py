"""Until when a channel lets us answer."""

from __future__ import annotations

import datetime as dt

import pytest

from supportkit.channels.windows import Closed, Open, ReplyWindow, warns_at, window_at
from supportkit.errors import ConfigurationError

HOUR = dt.timedelta(hours=1)
TICK = dt.timedelta(microseconds=1)
WROTE = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
WHATSAPP = ReplyWindow(length=24 * HOUR, after=("template",))
MESSENGER = ReplyWindow(length=24 * HOUR, after=("human_agent",), human_length=7 * 24 * HOUR)


def test_the_window_is_open_up_to_its_last_microsecond_and_closed_at_its_end() -> None:
    end = WROTE + 24 * HOUR
    assert window_at(WHATSAPP, WROTE, WROTE) == Open(end)
    assert window_at(WHATSAPP, WROTE, end - TICK) == Open(end)
    assert window_at(WHATSAPP, WROTE, end) == Closed(end, ("template",))


def test_a_person_may_answer_longer_where_the_channel_says_so() -> None:
    assert window_at(MESSENGER, WROTE, WROTE + 24 * HOUR) == Closed(WROTE + 24 * HOUR, ("human_agent",))
    assert window_at(MESSENGER, WROTE, WROTE + 168 * HOUR) == Closed(WROTE + 24 * HOUR, ())


def test_who_never_wrote_has_opened_nothing() -> None:
    assert window_at(WHATSAPP, None, WROTE) == Closed(None, ("template",))
    assert window_at(MESSENGER, None, WROTE) == Closed(None, ())


def test_without_a_window_it_is_always_open() -> None:
    assert window_at(None, None, WROTE) == Open(None)


def test_the_end_is_warned_about_two_hours_before() -> None:
    assert warns_at(WHATSAPP, WROTE) == WROTE + 22 * HOUR
    assert warns_at(ReplyWindow(length=HOUR), WROTE) == WROTE


@pytest.mark.parametrize(
    "wrong",
    [{"length": 0 * HOUR}, {"length": 2 * HOUR, "human_length": HOUR}, {"length": HOUR, "opened_by": "a click"}],
)
def test_a_window_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        ReplyWindow(**wrong)  # type: ignore[arg-type]
