"""The list of planted faults follows the code, and is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.sabotage import FAULTS, ROOT, Fault, plant


def test_the_list_has_every_number_once() -> None:
    assert [fault.number for fault in FAULTS] == list(range(1, 19))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.number} {fault.name}")
def test_a_fault_finds_the_place_where_it_belongs(fault: Fault) -> None:
    text = (ROOT / "src" / "supportkit" / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, "the code has moved: let the fault follow it"
    assert compile(text.replace(fault.old, fault.new), fault.file, "exec")
    assert [test for test in fault.tests if ".py" in test and not (ROOT / test.partition("::")[0]).exists()] == []


def test_a_fault_without_its_place_is_refused(tmp_path: Path) -> None:
    lost = Fault(number=99, name="x", file="text.py", old="this stands nowhere", new="", tests=())
    with pytest.raises(ValueError, match="0 times"):
        plant(lost, tmp_path)
