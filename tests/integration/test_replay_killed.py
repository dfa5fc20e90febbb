"""SIGKILL at random moments: whatever dies, every ticket is the fold of its log, and running it again ends the same."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import pytest
from tests.shared_data import shared_file

from supportkit import Desk
from supportkit.replay import built_in_format, fold_log, replay

# The child says after every transaction how far it is, so that the parent can kill it where it wants to.
CHILD = """
import sys
from supportkit import Desk
from supportkit.replay import built_in_format, replay

def tell(at):
    print(at.rows, flush=True)


with Desk(sys.argv[1], close_resolved_after=None) as desk:
    replay(desk, sys.argv[2], built_in_format("bpi2013"), batch=int(sys.argv[3]), progress=tell)
"""
SETTLED = 0.003
"""Seconds at most between the progress that was waited for and the kill: it falls anywhere in the next transactions."""


def kill_at(url, path, batch, row, chance):
    """Start a replay, kill it shortly after it has reached *row*; return how far it said it was."""
    command = [sys.executable, "-c", CHILD, url, str(path), str(batch)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        reached = 0
        for text in child.stdout:
            reached = int(text)
            if reached >= row:
                break
        try:
            child.wait(timeout=chance.uniform(0, SETTLED))
        except subprocess.TimeoutExpired:
            child.kill()
        assert child.wait() == -signal.SIGKILL, "it ended before it could be killed"
    return reached


def survive(folder, kills, batch, seed):
    path = shared_file("data/bpi2013_dev.csv")
    format_ = built_in_format("bpi2013")
    url = f"sqlite:///{folder}/desk.db"
    expected = fold_log(path, format_)
    chance, stored = random.Random(seed), 0
    for kill in range(kills):
        # Every fifth one dies while it still reads what is there, or before it has done anything.
        ahead = (expected.rows - stored) * 2 // (kills - kill + 1)
        target = chance.randint(0, stored) if kill % 5 == 4 else stored + chance.randint(1, max(1, ahead))
        reached = kill_at(url, path, batch, min(target, expected.rows - batch), chance)
        stored = max(stored, reached)
        with Desk(url, close_resolved_after=None) as desk:
            assert [finding for finding in desk.check(deep=True) if finding.severity == "error"] == []
    with Desk(url, close_resolved_after=None) as desk:
        report = replay(desk, path, format_, batch=batch)
        assert [finding for finding in desk.check(deep=True) if finding.severity == "error"] == []
        assert len(desk.find(limit=500).items) == 500
        assert sum(desk.counts().values()) == expected.tickets
    print(f"{kills} kills, {report.already_there} of {report.rows} rows were there at the end: {report}")  # noqa: T201
    assert report.already_there >= stored
    assert report.counts() == expected.counts()


def test_a_replay_that_is_killed_twenty_times_ends_with_the_same_counts(tmp_path):
    survive(tmp_path, kills=20, batch=5, seed=20130501)


@pytest.mark.stress
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("batch", [1, 7, 100])
def test_a_replay_that_is_killed_a_hundred_times_ends_with_the_same_counts(tmp_path, batch):
    survive(tmp_path, kills=100, batch=batch, seed=batch)
