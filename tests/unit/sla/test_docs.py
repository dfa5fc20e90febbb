"""The reference names every metric and every lint code; the blocks of the pages are run by the tests of the docs."""

from __future__ import annotations

from pathlib import Path

from supportkit.sla import Metric

REFERENCE = (Path(__file__).resolve().parents[3] / "docs/reference/sla.md").read_text(encoding="utf-8")


def test_every_metric_and_lint_code_is_in_the_reference():
    assert all(f"`{metric}`" in REFERENCE for metric in Metric)
    assert all(f"L{number:02}" in REFERENCE for number in range(1, 20))
