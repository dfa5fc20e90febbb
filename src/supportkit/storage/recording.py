"""Records in the database: found by kind and id, by owner, by name, or because they are due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, select, update

from supportkit.clock import to_us
from supportkit.errors import ConcurrentUpdate
from supportkit.model.record import Record, RecordChange
from supportkit.storage import received_rows as received
from supportkit.storage import schema as t
from supportkit.storage.port import MAX_PAGE, check_limit, is_id
from supportkit.storage.receiving import Receiving

_RACE = "this {kind} was changed by somebody else: load and decide again"


class Recording(Receiving):
    """A session with the verbs of records."""

    __slots__ = ()

    def record(self, kind: str, record_id: str) -> Record | None:
        """Return one record, or `None`."""
        if not is_id(record_id):
            return None
        found = self.select(self._of(kind).where(t.record.c.id == record_id))
        return received.read_record(found[0]) if found else None

    def records(
        self,
        kind: str,
        *,
        owner: str | None = None,
        name: str | None = None,
        after: str = "",
        limit: int = MAX_PAGE,
    ) -> Sequence[Record]:
        """Return records of a kind by id, beginning after the id *after*; only those of an owner or a name if given."""
        r, wanted = t.record, self._of(kind)
        if not all(is_id(one) for one in (owner, name) if one):
            return []
        if owner is not None:
            wanted = wanted.where(r.c.owner == owner)
        if name is not None:
            wanted = wanted.where(r.c.name == name)
        if after:
            wanted = wanted.where(r.c.id > after)
        return self._read(wanted.order_by(r.c.id).limit(check_limit(limit, MAX_PAGE)))

    def records_of(self, owner: str, *, limit: int = MAX_PAGE) -> Sequence[Record]:
        """Return the records of all kinds that belong to a ticket or customer, by kind and id."""
        r = t.record
        if not owner or not is_id(owner):
            return []
        his = select(r).where(r.c.tenant == self.tenant, r.c.owner == owner)
        return self._read(his.order_by(r.c.kind, r.c.id).limit(check_limit(limit, MAX_PAGE)))

    def records_due(self, kind: str, now: dt.datetime, limit: int) -> Sequence[Record]:
        """Return the records of a kind that somebody must look at by *now*, those that are due first in front."""
        r = t.record
        due = self._of(kind).where(r.c.due_at <= to_us(now))
        return self._read(due.order_by(r.c.due_at, r.c.id).limit(check_limit(limit, MAX_PAGE)))

    def save_records(self, changes: Sequence[RecordChange]) -> None:
        """Write the records of a change; errors are those of `save`."""
        r = t.record
        for change in sorted(changes, key=_place):  # in one order for everybody, so that two do not lock each other out
            record = change.record
            taken = ConcurrentUpdate(record.id, record.version - 1, _RACE.format(kind=record.kind))
            same = (r.c.tenant == self.tenant, r.c.kind == record.kind, r.c.id == record.id)
            if change.is_removed:
                done = self.write(delete(r).where(*same, r.c.version == record.version))
            elif record.version == 1:
                self._write_new(self._st.insert_record, [received.to_row(record)], taken)
                continue
            else:
                values = received.to_row(record)
                done = self.write(update(r).where(*same, r.c.version == record.version - 1).values(values))
            if done != 1:
                raise taken

    def _of(self, kind: str) -> Select[Any]:
        return select(t.record).where(t.record.c.tenant == self.tenant, t.record.c.kind == kind)

    def _read(self, statement: Select[Any]) -> list[Record]:
        return [received.read_record(row) for row in self.select(statement)]


def _place(change: RecordChange) -> tuple[str, str]:
    return change.record.kind, change.record.id
