"""Whatever is written into policies, facts and questions about clocks: a value, or a declared error, and soon."""

from __future__ import annotations

import datetime as dt
import typing

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.sla_worlds import CALENDARS, STATES, histories, policies
from tests.property.test_hostile_calendars import PATIENCE, junk

from supportkit.errors import ConfigurationError, SupportkitError
from supportkit.sla import (
    Created,
    Fact,
    InvalidPolicy,
    Metric,
    Options,
    Policy,
    Rules,
    ServiceLevels,
    evaluate,
    explain,
    read_duration,
    replay,
    tick,
    upcoming,
    write_duration,
)
from supportkit.sla.thresholds import read_threshold

FUZZ = settings(max_examples=100, deadline=PATIENCE, suppress_health_check=[HealthCheck.too_slow])
DECLARED = (SupportkitError, TypeError, ValueError, OverflowError)
START = dt.datetime(2025, 3, 27, tzinfo=dt.UTC)

words = st.sampled_from(["RESOLUTION", "first_response", "80%", "-30m", "1h", "P1D", "PT0S", "-1h", "0%", "100000%",
                         "urgent", "chat", "waiting_customer", "new_cycle", "closed", "", " ", "\0", "\u0663h",
                         "\uff11h", "999999d", "PT1.0000001S",
                         "2025-01-01T00:00:00Z", "2025-01-01", "9999-12-31T00:00:00Z"])  # fmt: skip


def _pairs(data):
    """Tell whether a list stands where a mapping or pairs belong: `test_known_faults` has the example."""
    return any(isinstance(data.get(key), list | tuple) for key in ("metrics", "calendars", "channels"))


odd = junk | words | st.lists(words, max_size=3)
ROWS = [field.name for field in attrs.fields(type(Policy.from_dict({"id": "p"})))]
OPTIONS = [field.name for field in attrs.fields(Options)]
SOUND = {"id": "p", "fallback": True, "targets": [{"metric": "RESOLUTION", "target": "4h"}], "metrics": {"PROMISE": {}}}


@pytest.mark.timeout(120)
@FUZZ
@given(
    st.dictionaries(st.sampled_from([*ROWS, "targets", "polices"]), odd, max_size=2).filter(
        lambda data: not _pairs(data)
    ),
    st.dictionaries(
        st.sampled_from(["metric", "target", "channel", "channel_class", "priority", "tier", "calendar", "x"]), odd
    ),
    st.dictionaries(st.sampled_from([*OPTIONS, "x"]), odd, max_size=2),
)
def test_whatever_is_written_makes_a_policy_or_is_invalid(changes, row, options):
    data = {
        **SOUND,
        "targets": [{"metric": "RESOLUTION", "target": "4h", **row}],
        "metrics": {"TIER": options},
        **changes,
    }
    try:
        policy = Policy.from_dict(data)
    except InvalidPolicy as refusal:
        assert 0 < len(str(refusal)) < 1000, "a reason, and not the whole input again"  # noqa: PT017 - or it is a value
        return

    assert Policy.from_dict(policy.to_dict()) == policy
    assert Policy.from_dict(policy.to_dict()).revision == policy.revision


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["policies", "calendars", "channels", "x"]), odd | st.lists(st.just(SOUND), max_size=2)
    ).filter(lambda data: not _pairs(data))
)
def test_whatever_is_written_makes_service_levels_or_is_an_error_of_configuration(data):
    try:
        levels = ServiceLevels.from_dict(data)
    except ConfigurationError as refusal:
        assert str(refusal)  # noqa: PT017 - or it is a value
        return

    assert ServiceLevels.from_dict(levels.to_dict()) == levels


@FUZZ
@given(st.text(alphabet="0123456789dhmsPTDHMS.%+- \u0663\uff11", max_size=12) | words | st.text(max_size=6))
def test_a_text_is_a_duration_or_a_threshold_or_is_refused(text):
    try:
        assert read_duration(write_duration(read_duration(text, "it")), "it") == read_duration(text, "it")
    except InvalidPolicy as refusal:
        assert str(refusal).startswith("it: ")  # noqa: PT017 - or it is a value
    try:
        found = read_threshold(text, "it")
    except InvalidPolicy as refusal:
        assert str(refusal).startswith("it: ")  # noqa: PT017 - or it is a value
    else:
        assert read_threshold(found.id, "again") == found
        assert found.point(3_600_000_000) >= 0


@FUZZ
@given(policies(absolute=False))
def test_a_policy_of_any_kind_is_its_own_dict(policy):
    copy = Policy.from_dict(policy.to_dict())

    assert (copy, copy.revision) == (policy, policy.revision)


@pytest.mark.timeout(120)
@FUZZ
@given(st.data(), st.sampled_from(typing.get_args(Fact)))
def test_whatever_a_fact_holds_it_is_folded_or_refused_by_a_declared_error(data, kind):
    """The constructors check instants; the rest is for the fold to take or to refuse, without any other exception."""
    names = [field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING]
    values = {name: data.draw(odd) for name in names if name != "occurred_at"}
    when = data.draw(st.just(START + dt.timedelta(hours=1)) | odd)
    desk = Rules([Policy.from_dict({**SOUND, "metrics": {m: {} for m in Metric}})], CALENDARS, categories=STATES)
    try:
        fact = kind(occurred_at=when, seq=2, **values)
        evaluate([Created(occurred_at=START, seq=1, channel="email"), fact], desk, None, START + dt.timedelta(days=9),
                 categories=STATES)  # fmt: skip
    except DECLARED as refusal:
        assert str(refusal) or isinstance(refusal, TypeError)  # noqa: PT017 - or it is a value


@FUZZ
@given(odd)
def test_whatever_is_given_for_an_instant_is_refused_with_its_name(now):
    desk = Rules([Policy.from_dict(SOUND)], CALENDARS, categories=STATES)
    snapshot = replay([Created(occurred_at=START, channel="email")], desk)
    for name, ask in (
        ("at", lambda: evaluate([], desk, None, now, categories=STATES)),
        ("until", lambda: tick(snapshot, desk, now)),
        ("occurred_at", lambda: Created(occurred_at=now, channel="email")),
    ):
        try:
            ask()
        except (TypeError, ValueError) as refusal:
            assert str(refusal).startswith((f"{name}: ", f"{name} must be"))  # noqa: PT017 - or it is an instant


@pytest.mark.timeout(120)
@settings(FUZZ, max_examples=40)
@given(
    histories(size=8),
    st.sampled_from([dt.timedelta.max, dt.timedelta(microseconds=1), dt.timedelta(days=30)]),
    st.sampled_from(sorted(set(CALENDARS) & {"days", "nights", "once", "round"})),
)
def test_targets_of_a_microsecond_and_of_all_time_have_clocks_that_end(facts, target, calendar):
    rows = [{"metric": metric, "target": target} for metric in Metric]
    warnings = {metric: {"warnings": ["50%", "-1h", "+1h", "9999%"]} for metric in Metric}
    policy = Policy.from_dict({**SOUND, "calendar": calendar, "targets": rows, "metrics": warnings})
    desk = Rules([policy, attrs.evolve(policy, id="q")], CALENDARS, categories=STATES)
    at = facts[-1].occurred_at + dt.timedelta(days=1)

    clocks = evaluate(facts, desk, None, at, categories=STATES)

    assert all(explain(clock, at) or clock.started_at >= min(at, clock.stopped_at or at) for clock in clocks.clocks)
    assert all(due.id for due in upcoming(replay(facts, desk), desk))
