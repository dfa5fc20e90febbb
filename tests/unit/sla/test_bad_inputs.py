"""The hostile inputs of the shared list that concern clocks, by the id that each has there."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.unit.sla.desk import CATEGORIES, Log, M, h, policy, rules, utc

from supportkit.businesstime import BusinessCalendar
from supportkit.errors import ConfigurationError
from supportkit.sla import (
    Created,
    InvalidPolicy,
    Metric,
    Policy,
    PromiseMade,
    Rules,
    ServiceLevels,
    StateEntered,
    Status,
    Verdict,
    evaluate,
    lint,
    replay,
    report,
    tick,
    upcoming,
    verdicts,
    warnings,
    what_if,
)

NAIVE = dt.datetime(2024, 1, 8, 9)  # noqa: DTZ001 - naive on purpose
DESK = rules(policy({"FIRST_RESPONSE": 2, "RESOLUTION": 8}, metrics={"RESOLUTION": {"warnings": ["50%", "-1h"]}}))


def snapshot():
    return replay(Log("08 09:00").facts, DESK)


ASKED = {
    "at": lambda now: evaluate(Log("08 09:00").facts, DESK, None, now, categories=CATEGORIES),
    "known_at": lambda now: evaluate([], DESK, None, utc("08 09:00"), categories=CATEGORIES, known_at=now),
    "until": lambda now: tick(snapshot(), DESK, now),
    "after": lambda now: verdicts(snapshot(), DESK, utc("09 09:00"), after=now),
    "occurred_at": lambda now: StateEntered(occurred_at=now, state="open"),
    "recorded_at": lambda now: StateEntered(occurred_at=utc("08 09:00"), recorded_at=now, state="open"),
    "promised": lambda now: PromiseMade(occurred_at=utc("08 09:00"), promise="x", promised=now),
}
MORE = {
    "report": ("at", lambda now: report(snapshot(), DESK, now)),
    "replay": ("at", lambda now: replay(Log("08 09:00").facts, DESK, at=now)),
    "warnings": ("after", lambda now: warnings(snapshot(), DESK, utc("09 09:00"), after=now)),
    "what_if": ("at", lambda now: what_if({"T": Log("08 09:00").facts}, DESK.policies, {}, now, categories=CATEGORIES,
                                          recorded=DESK)),
}  # fmt: skip
CALLS = {**{name: (name, call) for name, call in ASKED.items()}, **MORE}


@pytest.mark.parametrize("name", CALLS)
def test_time_01_a_naive_now_is_a_type_error_that_names_the_parameter(name):
    parameter, call = CALLS[name]

    with pytest.raises(TypeError, match=rf"^{parameter}\b.*2024-01-08T09:00:00"):
        call(NAIVE)


def test_time_02_a_clock_set_back_by_an_hour_unfires_nothing_and_counts_nothing_negative():
    first = tick(snapshot(), DESK, utc("08 11:30"))  # the first response is late since 11:00
    back = tick(first.snapshot, DESK, utc("08 10:30"))
    again = tick(back.snapshot, DESK, utc("08 11:30"))
    early = evaluate(Log("08 09:00").facts, DESK, None, utc("08 08:00"), categories=CATEGORIES)

    assert [record.id for record in first.records] == ["T1/FIRST_RESPONSE/1/1/100%"]
    assert (back.records, back.warnings, back.snapshot) == ((), (), first.snapshot)
    assert (again.records, again.warnings) == ((), ())
    # Asked for an hour before, the verdict that was written down stands, and nothing has run backwards.
    assert [clock.verdict for clock in report(back.snapshot, DESK, utc("08 10:30")).clocks] == [Verdict.BREACHED, None]
    assert all(clock.used >= dt.timedelta(0) for clock in report(back.snapshot, DESK, utc("08 10:30")).clocks)
    assert early.clocks == ()


def test_time_03_after_a_jump_of_thirty_days_each_fires_once_in_its_order_and_at_its_true_time():
    expected = upcoming(snapshot(), DESK)

    done = tick(snapshot(), DESK, utc("08 09:00") + dt.timedelta(days=30))
    fired = sorted([*done.records, *done.warnings], key=lambda item: item.at)

    assert [(item.id.split("/", 1)[1], item.at) for item in fired] == [
        ("FIRST_RESPONSE/1/1/100%", utc("08 11:00")),
        ("RESOLUTION/1/1/50%", utc("08 13:00")),
        ("RESOLUTION/1/1/-3600s", utc("08 16:00")),
        ("RESOLUTION/1/1/100%", utc("09 09:00")),  # used up at closing: late with the next opening
    ]
    assert [(due.id, due.instant) for due in expected] == [(item.id, item.at) for item in fired]
    assert upcoming(done.snapshot, DESK) == ()


HOURS_05 = {
    "22:00-06:00": ({"mon": [("22:00", "06:00")]}, "08 21:00", 8, "09 06:00"),
    "00:00-24:00": ({"mon": [("00:00", "24:00")]}, "08 00:00", 24, "09 00:00"),
}


@pytest.mark.parametrize("window", HOURS_05)
def test_time_05_a_clock_counts_over_midnight_and_round_the_clock(window):
    hours, start, target, end = HOURS_05[window]
    calendars = {"days": BusinessCalendar(timezone="UTC", hours=hours)}

    clock = Log(start).at(end, policy({"RESOLUTION": target}), calendars)[M.RESOLUTION]

    assert (clock.used, clock.due_at) == (h(target), utc(end))
    assert clock.breaches_at > utc("14 00:00")  # not before the next Monday


def test_time_05_a_clock_counts_nothing_on_the_day_whose_window_lies_in_the_gap():
    calendars = {"days": BusinessCalendar(timezone="Europe/Berlin", hours={"sun": [("02:15", "02:45")]})}
    log = Log(dt.datetime(2025, 3, 29, tzinfo=dt.UTC))

    clock = log.at(dt.datetime(2025, 4, 1, tzinfo=dt.UTC), policy({"RESOLUTION": 0.5}), calendars)[M.RESOLUTION]

    assert clock.used == h(0)
    assert clock.due_at == dt.datetime(2025, 4, 6, 0, 45, tzinfo=dt.UTC)


@pytest.mark.parametrize("hours", [{}, {"mon": []}, {"mon": [["09:00", "09:00"]]}])
def test_time_05_service_levels_with_hours_that_never_open_are_refused_at_load(hours):
    with pytest.raises(ConfigurationError):
        ServiceLevels.from_dict({"calendars": {"days": {"timezone": "UTC", "hours": hours}}})


@pytest.mark.timeout(20)
def test_time_08_a_clock_on_a_calendar_that_is_closed_for_years_waits_and_one_that_never_opens_again_has_no_due():
    closed = [str(dt.date(2024, 1, 1) + dt.timedelta(days=day)) for day in range(6 * 366)]
    later = BusinessCalendar.from_dict(
        {**BusinessCalendar.weekdays("UTC", start="09:00").to_dict(), "holidays": closed}
    )
    over = BusinessCalendar(timezone="UTC", overrides={"2023-12-31": [("09:00", "10:00")]})
    asked = policy({"RESOLUTION": 1}, metrics={"RESOLUTION": {"warnings": ["50%"]}})

    waiting = Log("08 09:00").at("09 09:00", asked, {"days": later})[M.RESOLUTION]
    never = Log("08 09:00").at("09 09:00", asked, {"days": over})[M.RESOLUTION]
    snapshot = replay(Log("08 09:00").facts, rules(asked, calendars={"days": over}))

    assert (waiting.status, waiting.used, waiting.due_at.year) == (Status.RUNNING, h(0), 2030)
    assert (never.status, never.used, never.due_at, never.breaches_at) == (Status.RUNNING, h(0), None, None)
    assert upcoming(snapshot, rules(asked, calendars={"days": over})) == ()
    assert "L14" in {finding.code for finding in lint([asked], {"days": over}, CATEGORIES, now=utc("08 09:00"))}


def test_time_11_service_levels_with_an_unknown_zone_are_refused_at_load():
    with pytest.raises(ConfigurationError, match="Mars/Base"):
        ServiceLevels.from_dict(
            {"calendars": {"days": {"timezone": "Mars/Base", "hours": {"mon": [["09:00", "17:00"]]}}}}
        )


def test_time_11_clocks_that_were_stored_open_again_when_the_zone_of_their_calendar_is_gone():
    """The snapshot names its calendar and holds no zone; measuring without it is an error of configuration."""
    stored = snapshot().to_json()

    opened = type(snapshot()).from_json(stored)
    without = Rules(DESK.policies, {}, categories=CATEGORIES)

    assert opened == snapshot()
    assert [(clock.metric, clock.calendar) for clock in opened.clocks] == [
        (Metric.FIRST_RESPONSE, "days"),
        (Metric.RESOLUTION, "days"),
    ]
    with pytest.raises(InvalidPolicy, match="no calendar 'days'"):
        report(opened, without, utc("08 10:00"))


@pytest.mark.parametrize(
    "wrong", ["2024-01-08T24:00:00Z", "2024-01-08T23:59:60Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_time_instants_that_no_clock_can_count_with_are_refused_with_the_name_of_the_field(wrong):
    """`reliability.md` 10, row "time": 24:00:00, :60 and the years 1 and 9999."""
    with pytest.raises(ValueError, match=r"^occurred_at: "):
        Created(occurred_at=wrong, channel="email")
    with pytest.raises(ValueError, match=r"^until: "):
        tick(snapshot(), DESK, wrong)


def test_a_policy_of_the_past_is_read_with_the_calendar_of_the_past():
    """A zone may go, a revision may not: what a history names must be given."""
    log = Log("08 09:00")

    with pytest.raises(InvalidPolicy, match="nowhere"):
        log.at(
            "08 10:00",
            Policy.from_dict({"id": "p", "fallback": True, "calendar": "nowhere", "metrics": {"RESOLUTION": {}}}),
        )
