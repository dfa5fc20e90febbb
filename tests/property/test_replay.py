"""Laws of the replay over invented logs: storage adds nothing, interleaving and batches change nothing."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.replay.logs import FORMAT, row, write

from supportkit import Desk
from supportkit.replay import fold_log, replay

LINES = st.builds(
    lambda case, state, line, team, who, grade: (case, state, line, team, who, grade),
    st.sampled_from("ABCD"),
    st.sampled_from(["New", "Work", "Ask", "Wait", "Done", "Spam", "End", "Look", "-", "Gone"]),
    st.sampled_from(["", "1", "2", "3", "up", "down"]),
    st.sampled_from(["", "t", "u"]),
    st.sampled_from(["", "kim", "lee"]),
    st.sampled_from(["", "low", "top", "same"]),
)
LOGS = st.lists(LINES, max_size=30)


def rows_of(log):
    return [row(case, minute, *rest) for minute, (case, *rest) in enumerate(log)]


@settings(max_examples=60, deadline=None)
@given(log=LOGS, batch=st.integers(1, 40), stop=st.integers(0, 30))
def test_an_interrupted_replay_ends_like_a_fold(log, batch, stop):
    rows = rows_of(log)
    with tempfile.TemporaryDirectory() as folder, Desk("sqlite://", close_resolved_after=None) as desk:
        path = write(Path(folder), *rows)
        replay(desk, write(Path(folder), *rows[:stop], name="half.csv"), FORMAT, batch=batch)
        report = replay(desk, path, FORMAT, batch=batch)
        assert report.counts() == fold_log(path, FORMAT).counts()
        assert report.applied + report.unchanged + report.refused == report.rows == len(rows)
        assert sum(report.states.values()) == report.tickets
        assert report.resolutions - report.reopenings == sum(
            count for state, count in report.states.items() if state in {"resolved", "closed"}
        )
        assert all(finding.severity != "error" for finding in desk.check(deep=True))


@settings(max_examples=60, deadline=None)
@given(log=LOGS, seed=st.integers(0, 2**32))
def test_interleaving_the_cases_changes_no_number(log, seed):
    rows = rows_of(log)
    cases = {case: [text for text in rows if text.startswith(f"{case},")] for case in "ABCD"}
    mixed, waiting, chance = [], {case: list(lines) for case, lines in cases.items() if lines}, random.Random(seed)
    while waiting:
        case = chance.choice(sorted(waiting))
        mixed.append(waiting[case].pop(0))
        if not waiting[case]:
            del waiting[case]
    with tempfile.TemporaryDirectory() as folder:
        one = fold_log(write(Path(folder), *(text for lines in cases.values() for text in lines)), FORMAT)
        other = fold_log(write(Path(folder), *mixed, name="mixed.csv"), FORMAT)
    assert one.counts() == other.counts()
