"""How tests share servers, and which examples they try: those that use PostgreSQL run one after the other.

What a follower may read waits for the oldest transaction of the whole server, also where that one is of another
database. Tests that say what is read at once must not run beside others that keep transactions open.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")  # the same examples in every run; `make stress` looks for new ones

ALONE = ("postgresql", "test_server_", "procrastinate", "test_storage_differential", "test_export_import")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that use PostgreSQL into one group of `--dist loadgroup`, and those of each other file into one."""
    for item in items:
        is_alone = any(word in item.nodeid for word in ALONE)
        item.add_marker(pytest.mark.xdist_group("postgresql" if is_alone else item.nodeid.split("::", 1)[0]))


def pytest_collection_finish() -> None:
    """Leave what collecting made out of garbage collection: budgets in processor time are not for looking at tests."""
    gc.collect()
    gc.freeze()
