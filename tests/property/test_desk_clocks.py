"""Random days at a desk that keeps promises: whatever is done and whenever somebody sweeps, each thing is told once.

The numbers are those of the properties of clocks and tickets: 11, 19 to 23, 25, 29 and 31.
"""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.desk_days import PLAIN, TOGETHER, Day, Step, days, levels

from supportkit.errors import InvalidPolicy
from supportkit.sla import ServiceLevels

DAYS = settings(max_examples=14, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
PAIRS = settings(DAYS, max_examples=4)
MANY = settings(DAYS, max_examples=400, derandomize=False)
HOUR = dt.timedelta(hours=1)
EVERY = st.sampled_from([HOUR / 4, 5 * HOUR, 50 * HOUR])


def live_through(promised: ServiceLevels, steps: list[Step]) -> None:
    """Carry out a day: the note is true after each step, and in the end everything was told (19 to 23, 25, 29, 31)."""
    try:
        day = Day(promised)
    except InvalidPolicy:
        return  # what the linter calls an error is refused
    with day:
        for step in steps:
            day.do(step)
            day.check_notes()
        day.check_end()


def sweep_all_the_time(day: Day, step: Step, every: dt.timedelta) -> None:
    """Let the time before a step pass in small bits, with a sweep after each, and carry it out."""
    until = day.now + step.wait
    while day.now < until:
        day.clock.set(min(day.now + every, until))
        day.sweep(day.desks[step.desk])
    day.act(step)
    day.sweep(day.desks[1 - step.desk], limit=1)


def compare(promised: ServiceLevels, steps: list[Step], every: dt.timedelta) -> None:
    """Carry a day out twice, with many small turns and with one big one at its end: the same is told (11, 19).

    One desk does everything; sweeps are those of both, but a desk that hears of newer levels promises by them.
    """
    try:
        often, once = Day(promised, close_after=None), Day(promised, close_after=None)
    except InvalidPolicy:
        return
    with often, once:
        for step in steps:
            sweep_all_the_time(often, step, every)
            if step.what != "lose":
                once.do(step)
            else:
                once.clock.advance(step.wait)
        for day in (often, once):
            day.clock.advance(days=40)
            day.check_end()
        for number, (verdicts, warnings) in often.summary().items():
            others, their_warnings = once.summary()[number]
            assert verdicts == others
            if warnings is not None and their_warnings is not None:
                assert warnings == their_warnings


@pytest.mark.parametrize("theme", TOGETHER)
@DAYS
@given(data=st.data())
def test_whatever_is_done_at_a_desk_its_log_tells_each_warning_and_breach_once_and_at_its_instant(
    theme: str, data: st.DataObject
) -> None:
    live_through(data.draw(levels()), data.draw(days(theme)))


@pytest.mark.parametrize("theme", TOGETHER)
@PAIRS
@given(data=st.data())
def test_many_small_turns_tell_what_one_big_turn_tells(theme: str, data: st.DataObject) -> None:
    steps = data.draw(days(theme, PLAIN, size=8, desks=1))
    compare(data.draw(levels()), steps, data.draw(EVERY))


@pytest.mark.stress
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("theme", TOGETHER)
@MANY
@given(data=st.data())
def test_many_more_days_tell_each_warning_and_breach_once(theme: str, data: st.DataObject) -> None:
    live_through(data.draw(levels()), data.draw(days(theme, size=20)))


@pytest.mark.stress
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("theme", TOGETHER)
@settings(MANY, max_examples=100)
@given(data=st.data())
def test_many_more_pairs_of_days_tell_the_same(theme: str, data: st.DataObject) -> None:
    compare(data.draw(levels()), data.draw(days(theme, PLAIN, desks=1)), data.draw(EVERY))
