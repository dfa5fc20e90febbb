"""Celery, procrastinate and DBOS with real brokers, databases and processes: what a kill, a flood and an outage do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.docs.pages import ROOT
from tests.integration.engines import engines, shop

PATIENCE = 60.0
"""Seconds after which something that should happen has not. A slow machine needs some of them, a quick one none."""


@contextlib.contextmanager
def engine_of(name, folder):
    """Give an engine with a place of its own, and nobody at work."""
    for room in ("tenants", "calls", "deadly", "ready"):
        (folder / room).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_FOLDER", str(folder))
        for variable in ("SHOP_DESK", "SHOP_BROKER"):
            patch.setenv(variable, "")  # so that both are as before afterwards
        with engines.ALL[name](folder) as engine:
            engine.name = name
            yield engine


@pytest.fixture(scope="module", params=engines.ALL)
def name(request):
    return request.param


@pytest.fixture
def engine(name, tmp_path):
    with engine_of(name, tmp_path) as engine:
        yield engine


@pytest.fixture(scope="module")
def running(name, tmp_path_factory):
    """Keep one worker alive for the tests that only look at what it does."""
    with engine_of(name, tmp_path_factory.mktemp(name)) as engine, workers(engine, at_once=4):
        yield engine


@contextlib.contextmanager
def workers(engine, *, count=1, at_once):
    """Run workers, each the leader of a process group of its own; whatever happens, all are gone afterwards."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    log = shop.folder() / "workers.log"
    with contextlib.ExitStack() as stack, log.open("a", encoding="utf-8") as output:
        started = []
        for _ in range(count):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.integration.engines.worker", engine.name, str(at_once)],
                    cwd=shop.folder(),
                    env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
                    stdin=subprocess.PIPE,  # closed when this process ends; then so do they
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )
            stack.callback(kill, process)
            started.append(process)
        for process in started:
            until(lambda process=process: (shop.folder() / "ready" / str(process.pid)).exists(), "a worker is up")
        yield started


def kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(holds, what):
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            log = (shop.folder() / "workers.log").read_text(encoding="utf-8")
            pytest.fail(f"{PATIENCE:g} s have passed, and not yet: {what}\n{log[-6000:]}")
        time.sleep(0.05)


def until_idle(engine, *tenants):
    for tenant in tenants:
        until(lambda tenant=tenant: shop.is_idle(tenant), f"{tenant} is served")
    until(lambda: engine.left() == 0, "no job is left")


def test_a_worker_killed_in_the_middle_of_a_delivery_delays_it_by_two_periods_at_most(engine):
    with workers(engine, count=2, at_once=4) as pair:
        shop.join("killed", answers=4, deadly=True)
        until(lambda: any(process.poll() is not None for process in pair), "a worker is killed")
        until(lambda: shop.is_idle("killed"), "all is delivered")
        assert sum(process.poll() is None for process in pair) == 1
    begun, *taken = shop.calls("killed")
    assert (begun["what"], begun["body"]) == ("begun", "Answer 0")
    assert [(call["body"], call["again"]) for call in taken] == [
        ("Answer 0", True),
        ("Answer 1", False),
        ("Answer 2", False),
        ("Answer 3", False),
    ]
    assert taken[-1]["at"] - begun["at"] <= 2 * shop.PERIOD + 1.5  # the rest is for a busy machine


def test_after_an_outage_one_run_catches_up_with_everything(engine):
    shop.join("outage", resolved=3, answers=10)  # due for hours, while nobody works
    for _ in range(20):
        engine.nudge.tell("outage")
    assert shop.calls("outage") == []
    with workers(engine, at_once=1):
        until_idle(engine, "outage")
    made = shop.calls("outage")
    assert [call["body"] for call in made] == [f"Answer {number}" for number in range(10)]
    assert len({call["run"] for call in made}) == 1
    tickets, _rows = shop.state("outage")
    closed = [[name for name, _actor in log].count("StateChanged") for _state, log in tickets[:3]]
    assert [state for state, _log in tickets] == ["closed"] * 3 + ["open"]
    assert closed == [2] * 3  # resolved by Kim, closed by time


def test_a_hundred_nudges_at_once_have_the_effects_of_one(running):
    for tenant in ("once", "often"):
        shop.join(tenant, resolved=2, answers=5, listed=False)  # no period serves them, nudges alone do
    running.nudge.tell("once")
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(running.nudge.tell, ["often"] * 100))
    until_idle(running, "once", "often")
    assert shop.state("often") == shop.state("once")
    assert [call["body"] for call in shop.calls("often")] == [f"Answer {number}" for number in range(5)]


def test_what_the_engine_calls_and_what_is_called_by_hand_give_equal_results(running):
    shop.join("engine", resolved=3, answers=3)
    until_idle(running, "engine")
    shop.join("hand", resolved=3, answers=3, listed=False)  # so the engine does not see it
    by_hand = running.by_hand("hand")
    assert shop.state("hand") == shop.state("engine")
    assert by_hand == {"timers": {"fired": 3, "late": 3}, "outbox": {"sent": 3}}
