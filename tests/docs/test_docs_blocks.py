"""Every Python block of README and docs/ runs, and prints what the page says it prints."""

from __future__ import annotations

import pytest
from tests.docs import pages

ALL = [page for page in pages.pages() if pages.runnable(page)]

NOT_RUN = {
    ("docs/how-to/surveys.md", "no answer of this page has a flag"),
    ("docs/how-to/surveys.md", "it needs a web framework"),
}
"""Blocks that no test runs, as (page, reason). A new one is a decision, so it is listed here as well."""


@pytest.mark.parametrize("page", ALL, ids=pages.name_of)
def test_the_python_blocks_of_a_page_run_in_order(page, tmp_path):
    marked = sum(block.is_output for block in pages.blocks(page))
    assert pages.run(page, tmp_path) == marked


def test_blocks_that_are_not_run_are_listed():
    found = {
        (pages.name_of(block.page), block.no_run)
        for page in pages.pages()
        for block in pages.blocks(page)
        if block.no_run is not None
    }
    assert found == NOT_RUN


def test_output_stands_behind_a_block_that_prints():
    for page in pages.pages():
        before = None
        for block in pages.blocks(page):
            if block.is_output:
                assert block.language == "text", f"{pages.name_of(page)}:{block.line}"
                assert before is not None, f"{pages.name_of(page)}:{block.line}"
                assert before.language == "python", f"{pages.name_of(page)}:{block.line}"
            before = block


def test_a_wrong_output_is_found(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint('one')\n```\n\n<!-- output -->\n```text\ntwo\n```\n", encoding="utf-8")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    with pytest.raises(AssertionError, match=r"page\.md:6 shows other output"):
        pages.run(page, tmp_path)


def test_the_tutorial_and_every_guide_have_blocks_that_run():
    folders = ("tutorial", "how-to", "plugins")
    guides = [page for folder in folders for page in sorted((pages.DOCS / folder).glob("*.md"))]
    assert guides
    assert [pages.name_of(page) for page in guides if not any(b.language == "python" for b in pages.blocks(page))] == []
