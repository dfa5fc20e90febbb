"""Finds the shared data beside the checkout; tests that need it skip without it, and fail where everything must run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("SUPPORTKIT_SHARED", ROOT.parent / "shared"))


def shared_file(name: str) -> Path:
    """Return the path of a shared file."""
    path = SHARED / name
    if path.exists():
        return path
    problem = f"{name} is not in the folder of shared data (set SUPPORTKIT_SHARED, or put 'shared' beside the checkout)"
    if os.environ.get("CI") == "true":
        pytest.fail(problem)
    pytest.skip(problem)
