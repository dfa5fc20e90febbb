"""One random sequence of calls on every storage, with fixed ids and clock: equal results, errors and events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests import servers
from tests.crash.days import LEVELS
from tests.crash.sequences import Moody, Player, sequence

from supportkit import Desk, ManualClock
from supportkit.ids import SequentialIds
from supportkit.storage.sql import SqlStorage
from supportkit.testing.storage.kit import snapshot

START = "2026-01-05T09:00:00+00:00"
LENGTH = 40
_TENANTS = itertools.count(1)


@pytest.fixture(scope="module")
def storages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SqlStorage]]:
    with ExitStack() as stack:
        urls = {"memory": "sqlite://", "file": f"sqlite:///{tmp_path_factory.mktemp('differential') / 'support.db'}"}
        for kind in (servers.POSTGRESQL, servers.MARIADB):
            urls[kind] = stack.enter_context(servers.database(kind))
        opened = {name: servers.opened(url) for name, url in urls.items()}
        for storage in opened.values():
            storage.migrate()
            stack.callback(storage.close)
        yield opened


def players(storages: dict[str, SqlStorage]) -> dict[str, Player]:
    """Return a desk on each storage, all in a new tenant of one name."""
    tenant, made = f"tenant-{next(_TENANTS)}", {}
    for name, storage in storages.items():
        clock = ManualClock(START)
        desk = Desk(storage, tenant=tenant, clock=clock, ids=SequentialIds(), channels=[Moody()], levels=LEVELS)
        made[name] = Player(desk, clock)
    return made


def stored(player: Player) -> dict[str, Any]:
    """Return everything that the tenant can read, but for the cursors, which are the storage's own."""
    found = snapshot(player.desk.storage, player.desk.tenant, keys=("key", "KEY", "key ", "other"))
    found["events"] = [recorded for recorded, _cursor in found["events"]]
    del found["follower"]
    found["clocks"] = [ticket.clocks for ticket in found["tickets"]]
    return found


def differ(storages: dict[str, SqlStorage], seed: int) -> None:
    playing = players(storages)
    done = []
    for step in sequence(seed, LENGTH):
        done.append(step)
        answers = {name: player.play(step) for name, player in playing.items()}
        first = answers["memory"]
        for name, answer in answers.items():
            assert answer == first, f"seed {seed}: after {len(done)} calls {name} differs: {step}"
    states = {name: stored(player) for name, player in playing.items()}
    for name, state in states.items():
        for what, value in state.items():
            assert value == states["memory"][what], f"seed {seed}: {name} has other {what}"
    for name, player in playing.items():
        errors = [one for one in player.desk.check(deep=False) if one.severity == "error"]
        assert errors == [], name


@pytest.mark.parametrize("seed", range(40))
def test_a_sequence_of_calls_has_the_same_results_on_every_storage(storages: dict[str, SqlStorage], seed: int) -> None:
    differ(storages, seed)


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_a_thousand_sequences_have_the_same_results_on_every_storage(storages: dict[str, SqlStorage]) -> None:
    for seed in range(1000, 2000):
        differ(storages, seed)


def test_the_sequences_meet_errors_and_results_of_every_kind(storages: dict[str, SqlStorage]) -> None:
    """A sequence that is refused throughout would compare nothing."""
    (player,) = players({"memory": storages["memory"]}).values()
    met: dict[str, set[str]] = {}
    for seed in range(40):
        for step in sequence(seed, LENGTH):
            met.setdefault(step.name, set()).add(player.play(step)[0])
    assert {name for name, kinds in met.items() if "result" not in kinds} == set()
    assert len([name for name, kinds in met.items() if "error" in kinds]) > 25
