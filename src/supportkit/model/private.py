"""The mark of a field that holds a person's words."""

from __future__ import annotations

from typing import Any

import attrs


def private(default: Any = attrs.NOTHING) -> Any:
    """Declare a field that holds a person's words: hidden from `repr`, stored apart, erasable."""
    return attrs.field(default=default, repr=False, metadata={"private": True})
