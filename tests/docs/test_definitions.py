"""Every definition id and every warning of the source stands on the page that defines them."""

from __future__ import annotations

import pathlib
import re

from tests.docs import pages

import supportkit
from supportkit.measures import WARNINGS

PAGE = (pages.DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
SOURCE = pathlib.Path(supportkit.__file__).parent
ROOMS = ("measures", "surveys", "metrics", "staffing")
PATTERN = re.compile(r'"((?:[a-z0-9_]|\{[^{}"]*(?:\([^)]*\))?\})+(?:\.(?:[a-z0-9_]|\{[^{}"]*\})+)*)/1"')


def shape(definition: str) -> str:
    """Return an id with a star for each part that depends on the data."""
    return re.sub(r"\{[^}]*\}|<[^>]*>", "*", definition)


def ids_of_the_source() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for room in ROOMS for path in (SOURCE / room).glob("*.py"))
    return {shape(found) for text in texts for found in PATTERN.findall(text)} - {"none"}  # the filter that takes all


def test_every_definition_is_on_the_page() -> None:
    found = ids_of_the_source()
    assert {"nps.standard", "csat.top*_of_*", "reopen.*", "containment.l1.born_l1"} <= found
    assert found - {shape(name) for name in re.findall(r"`([^`\n]+)`", PAGE)} == set()


def test_every_warning_is_on_the_page() -> None:
    assert sorted(code for code in WARNINGS if f"`{code}`" not in PAGE) == []
