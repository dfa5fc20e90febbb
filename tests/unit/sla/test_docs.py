"""The examples of the pages about service levels run as they stand, and the reference names every lint code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supportkit.sla import Metric

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs/how-to/promise-times.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/reference/sla.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_example_runs(number, capsys):
    exec(compile(BLOCKS[number], f"example {number}", "exec"), {})

    assert "Error" not in capsys.readouterr().out


def test_the_linted_example_finds_what_the_page_says(capsys):
    exec(compile(BLOCKS[0], "example", "exec"), {})

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["L02", "L08"]


def test_every_metric_and_lint_code_is_in_the_reference():
    assert all(f"`{metric}`" in REFERENCE for metric in Metric)
    assert all(f"L{number:02}" in REFERENCE for number in range(1, 20))
