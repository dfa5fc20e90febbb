"""The README shows what the example does, and names what exists."""

from __future__ import annotations

import re

from tests.docs import pages

TEXT = pages.README.read_text(encoding="utf-8")
EXAMPLE = (pages.ROOT / "examples/quickstart.py").read_text(encoding="utf-8")


def body(source):
    """Return a script without the docstring at its top."""
    return source.split('"""', 2)[2].strip()


def test_the_quick_start_is_the_example():
    shown, *_ = [block for block in pages.blocks(pages.README) if block.language == "python"]
    assert shown.text.strip() == body(EXAMPLE)


def test_the_quick_start_has_about_twenty_lines():
    assert len([line for line in body(EXAMPLE).splitlines() if line.strip()]) <= 20


def test_the_two_commands_stand_at_the_top():
    first = next(block for block in pages.blocks(pages.README) if block.language == "console")
    assert [line.split("#")[0].strip() for line in first.text.splitlines()] == ["make demo", "make test"]


def test_every_target_of_make_that_the_readme_names_exists():
    makefile = (pages.ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)\b", TEXT, re.MULTILINE))
    assert named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
