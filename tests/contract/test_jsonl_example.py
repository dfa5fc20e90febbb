"""The storage in `examples/` is what it says: a package with a plug-in that passes the contract."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from supportkit import Desk

EXAMPLE = Path(__file__).parents[2] / "examples" / "jsonl_storage"


def test_the_example_passes_the_contract(tmp_path: Path) -> None:
    """With its own tests, in a process that knows nothing of ours."""
    path = os.pathsep.join(filter(None, [str(EXAMPLE), os.environ.get("PYTHONPATH")]))
    command = ["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-W", "error", str(EXAMPLE / "tests")]
    done = subprocess.run(
        [sys.executable, *command, f"--rootdir={tmp_path}", f"--basetemp={tmp_path / 'files'}"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 180
    assert set(re.findall(r"SKIPPED \[\d+\] .*: (.*)", done.stdout)) == {
        "the storage declares that it joins no transaction of the app",
        "the storage declares that it keeps no records",
        "the storage declares that it takes no words out",
        "the storage declares that it has no work queue",
        "the storage declares that it has no rows of this kind",
        "the storage declares that it keeps nothing of what arrives",
        "the storage declares that only one process may use it",
    }


def test_its_entry_point_registers_the_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    monkeypatch.syspath_prepend(str(EXAMPLE))
    plugin = importlib.import_module(project["entry-points"]["supportkit.plugins"]["jsonl"])
    with Desk(f"jsonl:///{tmp_path}/support.jsonl", plugins=[plugin]) as desk:
        desk.open("Printer", author="customer:ann")
        assert type(desk.storage).__name__ == "JsonlStorage"
