"""The shared list of hostile inputs, and what is common to the tests of its rows. No tests in here."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.shared_data import shared_file


@functools.cache
def rows() -> dict[str, Any]:
    """Return the rows by their ids; skip the test where the list is absent."""
    text = shared_file("golden/bad_inputs.json").read_text(encoding="utf-8")
    return {row["id"]: row for row in json.loads(text)["inputs"]}


def inputs(name: str) -> list[Any]:
    """Return the values of a row: literal ones, then those that its expression makes."""
    row = rows()[name]
    found = list(row.get("values") or [])
    if "make" in row:
        made = eval(row["make"], {})
        found += made if isinstance(made, list) else [made]
    return found


@contextmanager
def in_time(name: str) -> Iterator[None]:
    """Fail where a row takes more time than it may."""
    begin = time.process_time()
    yield
    seconds = rows()[name].get("seconds", 1)
    assert seconds is None or time.process_time() - begin < seconds
