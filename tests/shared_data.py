"""Where the real data lies: a folder beside the checkout, never copied into it. No tests in here."""

from __future__ import annotations

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = pathlib.Path(os.environ.get("SUPPORTKIT_SHARED") or ROOT.parent / "shared")


def shared_file(name: str) -> pathlib.Path:
    """Return a file of the shared folder, for example `data/bpi2013_dev.csv`; skip the test where it is absent.

    In CI (`CI=true`) the data is part of the job: there its absence fails the test.
    """
    path = SHARED / name
    if path.exists():
        return path
    reason = (
        f"the shared data is not here: no {name!r} in SUPPORTKIT_SHARED or in the folder `shared` beside the checkout"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
