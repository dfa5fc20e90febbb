"""Every statement that a contract test sends names the tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.tenant_watch import watching


@pytest.fixture(autouse=True)
def _statements_name_the_tenant() -> Iterator[None]:
    with watching() as wrong:
        yield
    assert wrong == []
