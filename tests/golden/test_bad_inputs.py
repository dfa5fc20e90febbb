"""Each row of the shared list of hostile inputs is held by a test, or stands here with the reason why not yet.

A test of a row is named after it: `test_webhook_14_...` for `webhook-14`. Where one function holds several rows, or has
a name of its own, it stands in `ELSEWHERE`.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hostile import rows

TESTS = Path(__file__).parents[1]

_TEXTS = "unit/templates/test_language.py::test_templates_that_reach_out_are_refused_or_shown_as_they_stand"
_JSON = "unit/channels/test_bad_inputs.py::test_storage_09_and_10_json_that_breaks_parsers_is_malformed"
_CELLS = "unit/cli/test_bad_inputs.py::test_csv_cells_of_other_people_are_never_formulas"
ELSEWHERE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("csv-01", "csv-03", "csv-04", "csv-05", "csv-06", "csv-07", "csv-09"), (_CELLS,)),
    "template-01": (_TEXTS,),
    "template-02": (_TEXTS,),
    "template-04": (_TEXTS,),
    "template-06": (_TEXTS,),
    "template-07": (_TEXTS,),
    "storage-10": (_JSON,),
    "access-01": (
        "integration/test_tenants.py::test_an_id_of_another_tenant_is_answered_like_one_that_nobody_has",
        "integration/test_tenants.py::test_every_public_method_says_which_of_its_arguments_are_ids",
    ),
    "access-08": ("unit/desk/test_many_channels.py::test_a_signature_for_another_purpose_or_tenant_is_worth_nothing",),
    "redos-05": ("test_source_rules.py::test_no_pattern_is_made_of_what_somebody_wrote",),
    "privacy-05": ("integration/test_canaries.py::test_a_day_of_every_verb_says_nothing",),
    "privacy-06": (
        "golden/test_webhook_vectors.py::test_no_secret_shows",
        "unit/test_keys.py::test_secrets_never_show_themselves",
    ),
}
LATER: dict[str, str] = {
    **dict.fromkeys(("ssrf-02", "ssrf-03", "ssrf-07", "ssrf-10"), "webhooks do not go out yet"),
    "plugin-10": "hooks that decide are isolated and their failures passed over, but no time limit ends them yet",
}


@functools.cache
def written() -> dict[str, frozenset[str]]:
    """Return the names of the test functions of each file, by its path below `tests`."""
    return {path.relative_to(TESTS).as_posix(): frozenset(_tests_in(path)) for path in sorted(TESTS.rglob("test_*.py"))}


def _tests_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


def named_after(row: str) -> list[str]:
    """Return the tests that bear the name of a row."""
    begins = f"test_{row.replace('-', '_')}_"
    return [f"{path}::{name}" for path, names in written().items() for name in names if name.startswith(begins)]


def is_there(test: str) -> bool:
    path, _, name = test.partition("::")
    return name in written().get(path, frozenset())


def test_every_hostile_input_is_held_by_a_test_or_says_why_not_yet() -> None:
    assert {row for row in rows() if not named_after(row) and row not in ELSEWHERE and row not in LATER} == set()


def test_tests_that_are_named_elsewhere_are_there() -> None:
    rows()  # skipped visibly without the list
    assert [test for tests in ELSEWHERE.values() for test in tests if not is_there(test)] == []


def test_what_waits_for_later_has_a_reason_and_no_test_yet() -> None:
    """Whoever builds the subject takes its rows out of here."""
    assert [row for row in LATER if row not in rows() or row in ELSEWHERE or named_after(row)] == []
    assert all(len(reason.split()) > 3 for reason in LATER.values())


def test_no_test_bears_the_name_of_a_row_that_is_not_in_the_list() -> None:
    areas = {row.rpartition("-")[0] for row in rows()}
    wanted = re.compile(rf"test_({'|'.join(sorted(area.replace('-', '_') for area in areas))})_([0-9]{{2}})_")
    strays = {
        f"{path}::{name}"
        for path, names in written().items()
        for name in names
        if (match := wanted.match(name)) and f"{match[1].replace('_', '-')}-{match[2]}" not in rows()
    }
    assert strays == set()


@pytest.mark.parametrize(
    "area",
    [
        "email-parse", "header-injection", "html", "attachment", "email-identity", "mail-bomb", "redos", "template",
        "webhook", "unicode", "phone", "limits", "storage", "time",
    ],
)  # fmt: skip
def test_nothing_of_these_areas_waits_for_later(area: str) -> None:
    mine = [row for row in rows() if row.rpartition("-")[0] == area]
    assert mine
    assert not set(mine) & set(LATER)
