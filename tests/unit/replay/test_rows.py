"""From cells to a row: words are looked up, times become instants, and what cannot be read is refused by a code."""

from __future__ import annotations

import copy
import datetime as dt

import pytest
from tests.unit.replay.logs import FORMAT, HEADER, PLAIN, START, row

from supportkit.clock import UTC
from supportkit.errors import Refused
from supportkit.model.ticket import Priority
from supportkit.replay import LogFormat, built_in_format
from supportkit.replay.rows import RowReader

NAMES = tuple(HEADER.split(","))


def read(line, format_=FORMAT):
    reader, cells = RowReader(format_, NAMES), line.split(",")
    return reader.read(cells, reader.case(cells))


def with_(**changes):
    return LogFormat.from_dict({**copy.deepcopy(PLAIN), **changes})


def test_every_column_finds_its_place():
    got = read(row("A", 5, "Work", "2", "wheels", "kim", "top", " Self  Service", "Ann", START.isoformat()))
    assert (got.case, got.at, got.opened) == ("A", START + dt.timedelta(minutes=5), START)
    said = got.said
    assert (said.meaning.to, said.tier, said.priority) == ("open", 2, Priority.URGENT)
    assert (said.team, said.assignee, said.channel, said.customer_name) == ("wheels", "kim", "self_service", "Ann")


def test_what_is_missing_is_not_known():
    got = read(row("A", 0, "-", "-", "-", "-", "-", "-", "-", "-"))
    said = got.said
    assert said.meaning.to == "="
    assert (said.tier, said.priority, said.team, said.assignee, said.channel, said.customer) == (None,) * 6
    assert got.opened is None


def test_the_same_name_is_the_same_customer_and_the_name_is_no_part_of_the_id():
    one, two = read(row("A", 0, "New", person="Ann")), read(row("B", 0, "New", person="Ann"))
    assert one.said.customer == two.said.customer
    assert "Ann" not in one.said.customer
    other = RowReader(with_(name="other"), NAMES).read(row("A", 0, "New", person="Ann").split(","), "A")
    assert other.said.customer != one.said.customer


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (row("A", 0, "Gone"), "replay.unknown_value", "the state 'Gone' is not in the format"),
        (row("A", 0, "New", "9"), "replay.unknown_value", "the tier '9'"),
        (row("A", 0, "New", grade="?"), "replay.unknown_value", "the priority '?'"),
        (row("-", 0, "New"), "replay.no_ticket", "names no ticket"),
        (row("A" * 201, 0, "New"), "replay.too_long", "201 characters, at most 200"),
        (row("A", 0, "New", team="t" * 201), "replay.too_long", "the team has 201"),
        (row("A", 0, "New", born="soon"), "replay.bad_time", "'soon' in column 'born'"),
        (row("A", 0, "New").replace(START.isoformat(), "yesterday"), "replay.bad_time", "'yesterday' in column 'when'"),
        (row("A", 0, "New").replace("2026", "0001"), "replay.bad_time", "in column 'when'"),
        (row("A", 0, "New").replace("2026", "9999"), "replay.bad_time", "in column 'when'"),
    ],
)
def test_what_cannot_be_read_is_refused_by_a_code(line, code, said):
    with pytest.raises(Refused) as caught:
        read(line)
    assert caught.value.refusal.code == code
    assert said in caught.value.refusal.sentence


def test_a_naive_time_is_of_the_zone_and_an_offset_wins():
    rome = with_(zone="Europe/Rome", times=["%d/%m/%Y %H:%M", "iso"])

    def at(text):
        return read(row("A", 0, "New").replace(START.isoformat(), text), rome).at

    assert at("05/07/2026 12:00") == dt.datetime(2026, 7, 5, 10, tzinfo=UTC)
    assert at("05/01/2026 12:00") == dt.datetime(2026, 1, 5, 11, tzinfo=UTC)
    assert at("2026-07-05T12:00:00+09:00") == dt.datetime(2026, 7, 5, 3, tzinfo=UTC)
    assert at("2026-07-05T12:00:00Z") == dt.datetime(2026, 7, 5, 12, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_the_first_one():
    rome = with_(zone="Europe/Rome")
    got = read(row("A", 0, "New").replace(START.isoformat(), "2026-10-25T02:30:00"), rome)
    assert got.at == dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def joined(states):
    plain = copy.deepcopy(PLAIN)
    plain["columns"]["state"] = ["state", "line"]
    del plain["columns"]["tier"]
    plain["states"] = states
    return LogFormat.from_dict(plain)


@pytest.mark.parametrize(
    ("first", "second", "to"),
    [
        ("Done", "Odd", "closed"),
        ("Done", "Any", "resolved"),
        ("Open", "Wait", "on_hold"),
        ("Open", "Any", None),
        ("Odd", "Any", None),
        ("-", "-", "="),
    ],
)
def test_joined_states_are_looked_up_exactly_and_then_by_patterns(first, second, to):
    format_ = joined({"Done/*": "resolved", "Done/Odd": "closed", "*/Wait": "on_hold"})
    if to is None:
        with pytest.raises(Refused):
            read(row("A", 0, first, second), format_)
    else:
        assert read(row("A", 0, first, second), format_).said.meaning.to == to


def test_the_first_pattern_that_fits_wins():
    format_ = joined({"*/Wait": "on_hold", "Done/*": "resolved", "*": "open"})
    assert read(row("A", 0, "Done", "Wait"), format_).said.meaning.to == "on_hold"
    assert read(row("A", 0, "Never", "heard"), format_).said.meaning.to == "open"


STATUS = ("Accepted", "Queued", "Completed", "Unmatched")
SUB = (
    "In Progress", "Awaiting Assignment", "Resolved", "Closed", "Wait - User", "Assigned", "In Call", "Wait",
    "Wait - Implementation", "Wait - Vendor", "Wait - Customer", "Cancelled", "Unmatched",
)  # fmt: skip


def words(name, columns, cells):
    format_ = built_in_format(name)
    values = dict.fromkeys(format_.columns.all, "")
    values[format_.columns.ticket] = "1"
    values[format_.columns.time] = {"bpi2013": "2012-01-02T03:04:05+01:00", "helpdesk": "2012/01/02 03:04:05.000"}.get(
        name, "2/1/2012 03:04"
    )
    values |= dict(zip(columns, cells, strict=True))
    return RowReader(format_, tuple(values)).read(list(values.values()), "1").said


@pytest.mark.parametrize("sub", SUB)
def test_a_completed_incident_of_bpi2013_is_done_whatever_the_sub_status(sub):
    meaning = words("bpi2013", ("Status", "Sub Status"), ("Completed", sub)).meaning
    assert meaning.to == ("closed" if sub in {"Closed", "Cancelled"} else "resolved")


@pytest.mark.parametrize(
    ("sub", "to"),
    [
        ("Wait - User", "pending"),
        ("Wait - Customer", "pending"),
        ("Wait", "on_hold"),
        ("Wait - Implementation", "on_hold"),
        ("Wait - Vendor", "on_hold"),
        ("In Progress", "open"),
        ("Assigned", "open"),
        ("Cancelled", "open"),
        ("Unmatched", "open"),
    ],
)
def test_an_accepted_incident_of_bpi2013_waits_only_where_it_says_so(sub, to):
    assert words("bpi2013", ("Status", "Sub Status"), ("Accepted", sub)).meaning.to == to


def test_an_unmatched_incident_of_bpi2013_is_taken():
    assert words("bpi2013", ("Status", "Sub Status"), ("Unmatched", "Unmatched")).meaning.to == "new"


@pytest.mark.parametrize(
    "activity",
    [
        "Insert ticket", "Assign seriousness", "Take in charge ticket", "Wait", "Require upgrade",
        "Schedule intervention", "Create SW anomaly", "Resolve SW anomaly", "VERIFIED", "RESOLVED", "INVALID",
        "DUPLICATE", "Resolve ticket", "Closed",
    ],
)  # fmt: skip
def test_every_activity_of_helpdesk_is_taken(activity):
    said = words("helpdesk", ("Activity",), (activity,))
    assert said.tier == ("+1" if activity == "Require upgrade" else None)


@pytest.mark.parametrize(
    "state",
    [
        "New", "Active", "Awaiting User Info", "Awaiting Problem", "Awaiting Vendor", "Awaiting Evidence", "Resolved",
        "Closed", "-100", "?",
    ],
)  # fmt: skip
def test_every_state_of_uci_is_taken(state):
    to = words("uci", ("incident_state",), (state,)).meaning.to
    assert (to == "=") is (state in {"-100", "?"})
