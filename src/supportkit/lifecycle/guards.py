"""Guards: plain functions that may refuse a trigger, and the `Refusal` that the person who asked gets to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Refusal:
    """Why a guard says no.

    Attributes:
        code: Stable dotted string for programs, logs and translations (`ticket.child_open`).
        sentence: What the person who asked reads; it says what to do instead.
    """

    code: str
    sentence: str


Guard = Callable[[Any, Any], Refusal | None]
"""Called with *ticket* and *command*; `None` lets them pass. Pure: no I/O, no clock."""
