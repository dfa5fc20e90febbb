"""The pages and the example about lifecycles run and say what the code does."""

from __future__ import annotations

import pathlib
import re

import pytest

from supportkit.lifecycle import Lifecycle, LifecycleSpec, built_in

ROOT = pathlib.Path(__file__).parents[3]
HOW_TO = (ROOT / "docs/how-to/own-lifecycle.md").read_text(encoding="utf-8")
EXPLANATION = (ROOT / "docs/explanation/lifecycle.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [HOW_TO, EXPLANATION], ids=["how-to", "explanation"])
def test_the_python_blocks_of_a_page_run_in_order(page):
    names = {"__name__": "page"}
    found = blocks(page, "python")
    assert found
    for block in found:
        exec(compile(block, "<page>", "exec"), names)


def test_the_diagram_on_the_page_is_the_one_that_the_code_draws():
    assert blocks(EXPLANATION, "mermaid") == [built_in().mermaid()]


@pytest.mark.parametrize("path", sorted((ROOT / "examples/lifecycles").glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_compiles(path):
    spec = LifecycleSpec.from_toml(path.read_text(encoding="utf-8"))
    assert spec.name == path.stem
    assert Lifecycle.compile(spec).initial == spec.initial
