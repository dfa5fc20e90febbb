"""The KPIs of real logs: Volvo's incidents to the second, a city's promises, and the same through a desk's own log."""

from __future__ import annotations

import csv
import datetime as dt

import pytest
from tests.shared_data import shared_file

from supportkit import Desk
from supportkit.metrics import Period, measure
from supportkit.metrics.kpi_stocks import backlog
from supportkit.metrics.selection import Selection
from supportkit.replay import built_in_format, flow_table, replay

NOW = dt.datetime.fromisoformat("2012-05-23T00:22:12+01:00")
HOUR = dt.timedelta(hours=1)


def seconds(value):
    return value.total_seconds()


@pytest.fixture(scope="module")
def incidents():
    return flow_table(shared_file("data/bpi2013_dev.csv"), built_in_format("bpi2013"))


@pytest.fixture(scope="module")
def kpis(incidents):
    return measure(incidents)


def test_the_log_ends_where_the_table_is_judged(incidents):
    assert (incidents.now, len(incidents)) == (NOW, 717)


COUNTS = {
    "containment.l1": (445, 717),
    "containment.l1.born_l1": (445, 633),
    "escalation.tier_1": (192, 638),
    "escalation.tier_2": (20, 250),
    "escalation.tier_3": (0, 45),
    "resolved_share.tier_1": (512, 638),
    "resolved_share.tier_2": (179, 250),
    "resolved_share.tier_3": (26, 45),
    "reopen.7d": (32, 717),
    "tickets.created": (717, None),
    "tickets.resolutions": (760, None),
    "tickets.reopenings": (43, None),
    "level_changes.sum": (439, None),
}


@pytest.mark.parametrize("definition", COUNTS)
def test_counts_of_the_incidents(kpis, definition):
    found = kpis[definition]
    assert (found.numerator, found.denominator) == COUNTS[definition]
    assert found.cohort.excluded == ()


def test_times_of_the_incidents(kpis):
    first, full = "first_resolution.calendar", "full_resolution.calendar"
    assert seconds(kpis[f"{first}.median"].value) == 15_570
    assert seconds(kpis[f"{first}.sum"].value) == 398_235_240
    assert kpis[f"{first}.mean"].value / HOUR == pytest.approx(154.283, abs=5e-4)
    assert kpis[f"{first}.p90"].value / HOUR == pytest.approx(428.254, abs=5e-4)
    assert seconds(kpis[f"{full}.median"].value) == 28_947
    assert seconds(kpis[f"{full}.sum"].value) == 454_268_930
    assert kpis[f"{full}.mean"].value / HOUR == pytest.approx(175.991, abs=5e-4)
    assert kpis[f"{full}.p90"].value / HOUR == pytest.approx(480.159, abs=5e-4)
    assert seconds(kpis["requester_wait.calendar.sum"].value) == 313_505_302
    assert seconds(kpis["on_hold.calendar.sum"].value) == 91_486_301
    assert seconds(kpis["agent_wait.calendar.sum"].value) == 127_085_553


def test_the_backlog_of_the_incidents(incidents):
    start, end = (dt.datetime.fromisoformat(f"2012-0{month}-01T00:00:00+01:00") for month in (4, 5))
    selection = Selection(incidents, Period())
    (before, *_), (after, median, *_) = (list(backlog(selection, at)) for at in (start, end))
    month = measure(incidents, Period(since=start, until=end))

    assert (before.value, after.value) == (30, 206)
    assert seconds(median.value) == 556_077
    counts = [month[f"tickets.{name}"].value for name in ("created", "reopenings", "resolutions")]
    assert counts == [186, 16, 26]
    assert month["backlog.count"].value == 206


def test_a_desks_own_log_gives_the_same_numbers(kpis):
    with Desk("sqlite://", close_resolved_after=None) as desk:
        replay(desk, shared_file("data/bpi2013_dev.csv"), built_in_format("bpi2013"))
        told = []
        found = desk.reports.kpis(at=NOW, progress=lambda done, of: told.append((done, of)))

    assert told[-1] == (717, 717)
    for result in kpis.results:
        if result.definition.startswith("volume"):  # nobody wrote to the desk: the log has no messages
            continue
        other = found[result.definition]
        assert (other.value, other.numerator, other.denominator, other.n) == (
            result.value, result.numerator, result.denominator, result.n,
        ), result.definition  # fmt: skip


def test_halves_of_a_real_log_merge_to_the_whole(kpis, tmp_path):
    """Law 1 on a real log: two files with the incidents of even and odd numbers, folded apart and put together."""
    with shared_file("data/bpi2013_dev.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    place = head.index("SR Number")
    tables = []
    for odd in (0, 1):
        half = tmp_path / f"{odd}.csv"
        with half.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *(row for row in rows if sum(map(ord, row[place])) % 2 == odd)])
        tables.append(flow_table(half, built_in_format("bpi2013"), at=NOW))
    first, second = tables
    assert min(len(first), len(second)) > 300

    first.merge(second)

    merged = measure(first)
    assert merged.results == kpis.results
    assert merged.series == kpis.series


def test_nothing_about_replies_is_said_of_a_log_without_messages(kpis):
    assert not [one for one in kpis.results if "reply" in one.definition or one.definition.startswith("fcr")]


def test_another_zone_moves_borders_and_no_duration(incidents):
    utc, tokyo = (measure(incidents, Period(zone=zone)) for zone in ("UTC", "Asia/Tokyo"))

    assert [(one.value, one.n) for one in utc.results] == [(one.value, one.n) for one in tokyo.results]
    assert [point.start for point in utc.series] != [point.start for point in tokyo.series]


# -- the other logs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city():
    return flow_table(shared_file("data/boston311_dev.csv"), built_in_format("boston311"), topic_field="type")


def test_the_promises_of_a_city_are_met_and_breached_as_its_flags_say(city):
    closed, open_ones = [], []
    done = city.column("done")
    for ticket, clock, _due, verdict in city.clocks():
        assert clock == "resolution"
        (closed if done[ticket] != min(done) else open_ones).append(verdict)

    # The verdict is the label of the city on 3,978 closed requests; two more were closed late and have no label.
    assert closed.count("met") + closed.count("breached") == len(closed) == 3978 + 2
    assert closed.count("breached") == 987 + 2
    assert closed.count("met") == 2991
    assert len(open_ones) == 732
    attained = measure(city)["sla.attainment.resolution"]
    assert attained.numerator == 2991
    assert attained.denominator == 2991 + 989 + open_ones.count("breached")
    assert attained.cohort.left_out("running") == open_ones.count("running")


def test_the_verdicts_of_a_shop_are_counted(city):
    shop = flow_table(shared_file("data/uci_incident_dev.csv"), built_in_format("uci"))
    found = measure(shop)["sla.attainment.recorded"]
    assert found.denominator == 1269


def test_a_log_of_a_help_desk_has_every_number():
    table = flow_table(shared_file("data/helpdesk_dev.csv"), built_in_format("helpdesk"))
    found = measure(table)
    assert found["tickets.created"].value == len(table) == 423
