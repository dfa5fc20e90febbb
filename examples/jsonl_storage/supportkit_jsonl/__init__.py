"""Tickets in one file of JSON lines: `Desk("jsonl:///support.jsonl", discover=True)`."""

from __future__ import annotations

from collections.abc import Callable

from supportkit.hooks.specs import StorageFactory, hookimpl
from supportkit_jsonl.storage import JsonlStorage

__all__ = ["JsonlStorage", "supportkit_register_storages"]


@hookimpl
def supportkit_register_storages(register: Callable[[str, StorageFactory], None]) -> None:
    """Let desks open `jsonl:` URLs."""
    register("jsonl", JsonlStorage)
