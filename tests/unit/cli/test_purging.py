"""`supportkit purge`: what is too old goes, and the counts are printed."""

from __future__ import annotations

import json

import pytest

from supportkit import Desk

FACTORY = """
import datetime as dt

from supportkit import Desk
from supportkit.retention import Retention


def make():
    return Desk({url!r}, retention=Retention(closed=dt.timedelta(days=30)))
"""


@pytest.fixture
def url(url):
    with Desk(url) as desk:  # the third ticket was resolved in January 2026
        while desk.tick().more:
            pass
        desk.tag(1, "late", actor="agent:kim", idempotency_key="young")
    return url


def test_nothing_is_deleted_that_nobody_named(cli, url):
    result = cli("purge", "--database", url)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Nothing is too old.\n", "")


def test_closed_tickets_go_after_the_days_that_were_named(cli, url):
    with Desk(url) as desk:
        closed = desk.find(categories="closed").items
        assert len(closed) == 1
        age = (desk.now() - closed[0].closed_at).days
    if age < 1:
        pytest.skip("the clock of this machine stands before the tickets of this test")
    result = cli("purge", "--closed-after", str(max(age - 1, 15)), "--json", "--database", url)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["tickets"] == int(age > 15)


def test_a_desk_of_the_app_brings_its_own_retention(cli, url, tmp_path, monkeypatch):
    (tmp_path / "purging_desk_of_tests.py").write_text(FACTORY.format(url=url), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = cli("purge", "--desk", "purging_desk_of_tests:make")
    assert (result.exit_code, result.stderr) == (0, "")
    refused = cli("purge", "--desk", "purging_desk_of_tests:make", "--closed-after", "30")
    assert refused.exit_code == 2


def test_a_time_in_which_a_message_reopens_is_refused(cli, url):
    result = cli("purge", "--closed-after", "3", "--database", url)
    assert result.exit_code == 1
    assert "reopened" in result.stderr
