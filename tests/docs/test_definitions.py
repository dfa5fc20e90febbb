"""The reference lists every definition of a number with the text that the registry has, and no other."""

from __future__ import annotations

import re

from tests.docs import pages

from supportkit.metrics import DEFINITIONS

TEXT = (pages.DOCS / "reference/metrics.md").read_text(encoding="utf-8")
TABLE = TEXT.split("\n## Definitions\n", 1)[1].split("\n## ", 1)[0]
ROWS = re.findall(r"^\| `([^`]+)` \| (.+) \| (?:`(\w+)`)? ?\| (\w+) \|$", TABLE, re.MULTILINE)


def test_the_reference_has_every_definition_with_its_text():
    assert {(name, text, basis, unit) for name, text, basis, unit in ROWS} == {
        (one.id, one.text, one.basis, one.unit) for one in DEFINITIONS
    }


def test_no_definition_stands_there_twice():
    names = [name for name, *_rest in ROWS]
    assert len(names) == len(set(names)) == len(DEFINITIONS)


def test_every_id_of_the_older_tables_has_a_definition():
    """An id in the tables of surveys and tickets is one of the registry, up to the names of its parts."""
    parts = TEXT.split("\n## Numbers of a desk\n", 1)[0]
    named = {
        name for cell in re.findall(r"^\| (`[^|]+`) \|", parts, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)
    }
    ids = {name for name in named if "." in name and not name.endswith("()")}
    roots = {one.id.split(".")[0] for one in DEFINITIONS} | {"<metric>"}
    assert ids
    assert {name for name in ids if name.split(".")[0] not in roots} == set()
