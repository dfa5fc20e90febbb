"""`python -m bench`: it finds its modules, runs what is asked for, and prints one table."""

from __future__ import annotations

from types import ModuleType

import pytest
from bench import __main__ as main


def module(docstring: str | None) -> ModuleType:
    made = ModuleType("bench.example")
    made.__doc__ = docstring
    return made


def test_every_module_with_something_to_run_is_found() -> None:
    found = {found.__name__ for found in main.modules()}
    assert found >= {
        f"bench.{name}" for name in ("life", "core", "lifecycle", "imports", "hooks", "memory", "growth", "timers")
    }
    assert "bench.harness" not in found


def test_modules_run_in_the_order_of_their_rows() -> None:
    first = [int(numbers[0][1:]) for numbers in map(main.numbers, main.modules()) if numbers]
    assert first == sorted(first)


@pytest.mark.parametrize("found", main.modules(), ids=lambda found: found.__name__)
def test_every_module_says_which_rows_it_measures(found: ModuleType) -> None:
    assert main.numbers(found)


def test_a_module_runs_when_one_of_its_rows_is_asked_for() -> None:
    both = module("P1 and P2: something.\n\nAlso P3.")
    assert main.numbers(both) == ("P1", "P2")
    assert main.wanted(both, ["P2"])
    assert main.wanted(both, [])
    assert not main.wanted(both, ["P3"])


def test_a_module_that_names_no_row_always_runs() -> None:
    assert main.wanted(module(None), ["P5"])


def test_a_row_that_has_no_such_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["fast"]) == 2
    assert "'fast'" in capsys.readouterr().err


def test_the_table_tells_what_was_missed_and_what_is_void() -> None:
    rows = [
        {"id": "P1", "work": "one", "ratio": 1.5, "low": 1.0, "high": 2.0, "bar": "<= 2", "ok": True},
        {"id": "P2", "work": "two", "ratio": 3, "low": 3, "high": 3, "bar": "<= 2", "ok": False, "void": True},
    ]
    head, first, second = main.table(rows).splitlines()
    assert head.split() == ["id", "work", "against", "median", "min", "max", "bar"]
    assert first.endswith("ok")
    assert second.endswith("void (base varied), MISSED")
