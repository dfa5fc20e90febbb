"""Reading and writing records of one kind, in a transaction of their own or in the open one."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import attrs

from supportkit.errors import CapabilityMissing, NotFound
from supportkit.model.change import Change
from supportkit.model.record import Record, RecordChange
from supportkit.races import again
from supportkit.runner import Runner
from supportkit.storage.codec import dumps
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import MAX_PAGE, UnitOfWork

Result = TypeVar("Result")


def id_for(*words: str) -> str:
    """Return the id of a record that some words name together: as long as an id may be, whatever they are."""
    return hashlib.sha256(dumps(list(words)).encode("utf-8", "surrogatepass")).hexdigest()


def keeping(unit: UnitOfWork, runner: Runner) -> KeepingUnit:
    """Return a unit of work as one that has records.

    Raises:
        CapabilityMissing: The storage keeps none.
    """
    if not runner.storage.capabilities.keeps:
        raise CapabilityMissing("the storage", "keeps", "use one that keeps records besides tickets")
    return cast("KeepingUnit", unit)


@attrs.frozen
class Records:
    """The records of one kind.

    Args:
        runner: Of the desk.
        kind: What they are.
    """

    runner: Runner
    kind: str

    def get(self, record_id: str) -> Record:
        """Return one record.

        Raises:
            NotFound: There is none of this kind with this id.
        """
        found = self.find(record_id)
        if found is None:
            raise NotFound(self.kind, record_id)
        return found

    def find(self, record_id: str) -> Record | None:
        """Return one record, or `None`."""
        with self.reading() as unit:
            return unit.record(self.kind, record_id)

    def list(
        self, *, owner: str | None = None, name: str | None = None, after: str = "", limit: int = MAX_PAGE
    ) -> Sequence[Record]:
        """Return records by id, beginning after the id *after*; only those of an owner or a name if given."""
        with self.reading() as unit:
            return unit.records(self.kind, owner=owner, name=name, after=after, limit=limit)

    def all(self, *, owner: str | None = None, name: str | None = None) -> Iterator[Record]:
        """Yield every record, page by page."""
        after = ""
        while page := self.list(owner=owner, name=name, after=after):
            yield from page
            if len(page) < MAX_PAGE:
                return
            after = page[-1].id

    def due(self, now: dt.datetime, limit: int = MAX_PAGE) -> Sequence[Record]:
        """Return those that somebody must look at by *now*, those that are due first in front."""
        with self.reading() as unit:
            return unit.records_due(self.kind, now, limit)

    def new(self, record_id: str, data: str, **values: Any) -> Record:
        """Return a record that is not stored yet; *values* are `owner`, `name` and `due_at`."""
        return Record(tenant=self.runner.tenant, kind=self.kind, id=record_id, data=data, **values)

    def put(self, record_id: str, write: Callable[[Record | None], Record]) -> Record:
        """Store what *write* makes of the record as it is, `None` where there is none; again after a lost race.

        *Write* returns a record of this kind and id; its version is set here. What is equal is not written.
        """

        def once(unit: KeepingUnit) -> Record:
            before = unit.record(self.kind, record_id)
            after = attrs.evolve(write(before), version=1 if before is None else before.version)
            if after == before:
                return before
            if before is not None:
                after = attrs.evolve(after, version=before.version + 1)
            unit.save(Change(records=(RecordChange(record=after),)))
            return after

        return self.in_one(once)

    def remove(self, record_id: str) -> Record:
        """Delete a record, and return it as it was.

        Raises:
            NotFound: There is none of this kind with this id.
        """

        def once(unit: KeepingUnit) -> Record:
            before = unit.record(self.kind, record_id)
            if before is None:
                raise NotFound(self.kind, record_id)
            unit.save(Change(records=(RecordChange(record=before, is_removed=True),)))
            return before

        return self.in_one(once)

    def in_one(self, work: Callable[[KeepingUnit], Result]) -> Result:
        """Do *work* in one transaction, again after a lost race; inside `desk.transaction()` in that one, once."""
        runner, shared = self.runner, self.runner.shared
        if shared is None:

            def once() -> Result:
                with runner.storage.begin(runner.tenant) as unit:
                    return work(keeping(unit, runner))

            return again(once)
        if shared.joined is None:
            return work(keeping(shared.unit, runner))
        with shared.joined.step():
            return work(keeping(shared.joined, runner))

    @contextmanager
    def reading(self) -> Iterator[KeepingUnit]:
        """Open a unit of work for reading; inside a transaction it is that transaction's own."""
        with self.runner.reading() as unit:
            yield keeping(unit, self.runner)
