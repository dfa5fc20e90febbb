"""One quarter for all tests of reports."""

from __future__ import annotations

import pytest
from tests.unit.report import quarter


@pytest.fixture(scope="session")
def report():
    """Return what is known of a quarter of a small desk."""
    with quarter.played() as desk:
        yield quarter.report(desk)
