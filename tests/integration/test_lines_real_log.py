"""BPI 2013 through the built-in lines: time in each line, hand-overs, ping-pong, and what a strict policy refuses."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from collections import Counter, defaultdict

import pytest
from tests.shared_data import shared_file

from supportkit import Desk
from supportkit.engine.rules import STRICT_LINES, TierPolicy
from supportkit.replay import built_in_format, replay

LOG = "data/bpi2013_dev.csv"


def played(policy: TierPolicy):
    with Desk(close_resolved_after=None, tier_policy=policy) as desk:
        return replay(desk, shared_file(LOG), built_in_format("bpi2013"), batch=1000)


@pytest.fixture(scope="module")
def free():
    return played(TierPolicy())


@pytest.fixture(scope="module")
def strict():
    return played(STRICT_LINES)


@pytest.fixture(scope="module")
def cases():
    """Return instant, level, team and status of each row of each case, read without any code of the library."""
    found = defaultdict(list)
    with shared_file(LOG).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = dt.datetime.fromisoformat(row["Change Date+Time"])
            found[row["SR Number"]].append((at, int(row["ST Level"][1]), row["Involved ST"], row["Status"]))
    return found


def test_time_in_each_line_is_the_time_between_its_rows_without_what_was_completed(free, cases):
    expected = Counter()
    for rows in cases.values():
        for (at, level, _team, status), (after, *_rest) in itertools.pairwise(rows):
            if status != "Completed":
                expected[level] += (after - at).total_seconds()
    assert free.line_seconds == pytest.approx(dict(expected), abs=0.001)
    # What the specification says of requester wait and agent wait together.
    assert sum(free.line_seconds.values()) == 313_505_302 + 127_085_553


def test_hand_overs_and_ping_pong_are_those_of_the_teams_in_the_log(free, cases):
    handovers = handed = ping_pong = ping_ponged = 0
    for rows in cases.values():
        teams = [team for index, (_at, _level, team, _s) in enumerate(rows) if not index or rows[index - 1][2] != team]
        back = sum(one == two for one, two in zip(teams, teams[2:], strict=False))
        handovers, handed = handovers + len(teams) - 1, handed + (len(teams) > 1)
        ping_pong, ping_ponged = ping_pong + back, ping_ponged + (back > 0)
    assert (free.handovers, free.handed_over) == (handovers, handed)
    assert (free.ping_pong, free.ping_ponged) == (ping_pong, ping_ponged)
    assert ping_pong > 0


def test_a_strict_policy_refuses_exactly_177_tickets_with_typed_reasons(strict, cases):
    expected = {}
    for case, rows in cases.items():
        levels = [level for _at, level, _team, _status in rows]
        moves = list(itertools.pairwise(levels))
        broken = levels[0] > 1 or any(there < here or there > here + 1 for here, there in moves)
        expected[case] = broken
    assert len(strict.refused_tickets) == 177
    assert set(strict.refused_tickets) == {case for case, broken in expected.items() if broken}
    assert set(strict.refusals) == {"tier.birth", "tier.down", "tier.skip"}
    first = Counter("tier.birth" for case, codes in strict.refused_tickets.items() if "tier.birth" in codes)
    assert first["tier.birth"] == 84
    assert strict.applied + strict.unchanged + strict.refused == strict.rows == 6125


def test_without_a_policy_nothing_is_refused(free):
    assert (free.refused, dict(free.refused_tickets)) == (0, {})
