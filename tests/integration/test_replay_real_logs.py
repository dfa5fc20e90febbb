"""The four real logs are taken whole, and the counts of BPI 2013 are those of the specification."""

from __future__ import annotations

import pytest
from tests.shared_data import shared_file

from supportkit import Desk
from supportkit.replay import built_in_format, fold_log, replay

FILES = {
    "bpi2013": "bpi2013_dev.csv",
    "boston311": "boston311_dev.csv",
    "helpdesk": "helpdesk_dev.csv",
    "uci": "uci_incident_dev.csv",
}
SIZES = {"bpi2013": (717, 6125), "boston311": (6042, 6042), "helpdesk": (423, 1954), "uci": (1269, 7290)}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Return a function that gives a report, and the findings of a deep check, of a log that is played only once."""
    done = {}

    def play(name):
        if name not in done:
            path = shared_file(f"data/{FILES[name]}")
            folder = tmp_path_factory.mktemp(name)
            with Desk(f"sqlite:///{folder}/desk.db", close_resolved_after=None) as desk:
                report = replay(desk, path, built_in_format(name))
                done[name] = (report, desk.check(deep=True), desk.counts())
        return done[name]

    return play


@pytest.mark.parametrize("name", FILES)
def test_a_real_log_is_taken_whole(played, name):
    report, _findings, _counts = played(name)
    assert (report.tickets, report.rows) == SIZES[name]
    assert report.refused_rows == ()
    assert report.applied + report.unchanged == report.rows
    assert report.already_there == 0


@pytest.mark.parametrize("name", FILES)
def test_every_row_of_a_real_log_is_the_fold_of_its_log(played, name):
    _report, findings, _counts = played(name)
    assert [finding for finding in findings if finding.severity == "error"] == []


@pytest.mark.parametrize("name", FILES)
def test_a_pure_fold_of_a_real_log_reports_the_same(played, name):
    report, _findings, _counts = played(name)
    assert fold_log(shared_file(f"data/{FILES[name]}"), built_in_format(name)).counts() == report.counts()


@pytest.mark.parametrize("name", FILES)
def test_the_report_agrees_with_the_counts_of_the_desk(played, name):
    report, _findings, counts = played(name)
    states = {}
    for (state, _tier), count in counts.items():
        states[state] = states.get(state, 0) + count
    assert states == report.states


def test_the_counts_of_bpi2013_are_those_of_the_specification(played):
    report, _findings, _counts = played("bpi2013")
    assert report.born == {1: 633, 2: 70, 3: 14}
    assert report.never_left_l1 == 445
    assert report.highest == {1: 445, 2: 227, 3: 45}
    assert report.level_changes == {(1, 2): 249, (1, 3): 12, (2, 3): 21, (2, 1): 136, (3, 2): 17, (3, 1): 4}
    assert sum(report.level_changes.values()) == 439
    assert report.moved_tickets == 202
    assert (report.resolutions, report.reopenings, report.reopened_tickets) == (760, 43, 41)
    assert report.reopened_to == {"Accepted": 35, "Queued": 8}


def test_the_resolution_times_of_bpi2013_are_those_of_the_specification(played):
    first = played("bpi2013")[0].first_resolution
    assert (first.count, first.median, first.sum) == (717, 15_570, 398_235_240)
    assert round(first.mean / 3600, 3) == 154.283
    assert round(first.p90 / 3600, 3) == 428.254


def test_no_ticket_of_helpdesk_stays_without_an_end(played):
    report, _findings, _counts = played("helpdesk")
    assert set(report.states) <= {"resolved", "closed"}
    assert report.level_changes == {(1, 2): 8, (2, 3): 1}


def test_every_ticket_of_uci_is_closed(played):
    report, _findings, _counts = played("uci")
    assert report.states == {"closed": 1269}
