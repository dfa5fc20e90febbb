"""The part of the storage port for records; a storage that has it declares `keeps`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from supportkit.model.record import Record
from supportkit.storage.port import UnitOfWork


class KeepingUnit(UnitOfWork, Protocol):
    """One transaction of one tenant, with the records. They are written by `save`, as `Change.records`."""

    def record(self, kind: str, record_id: str) -> Record | None:
        """Return one record, or `None`."""
        ...

    def records(
        self,
        kind: str,
        *,
        owner: str | None = None,
        name: str | None = None,
        after: str = "",
        limit: int = 500,
    ) -> Sequence[Record]:
        """Return records of a kind by id, beginning after the id *after*; only those of an owner or a name if given.

        Raises:
            ValueError: A limit outside 1..500.
        """
        ...

    def records_of(self, owner: str, *, limit: int = 500) -> Sequence[Record]:
        """Return the records of all kinds that belong to a ticket or customer, by kind and id."""
        ...

    def records_due(self, kind: str, now: dt.datetime, limit: int) -> Sequence[Record]:
        """Return the records of a kind that somebody must look at by *now*, those that are due first in front."""
        ...
