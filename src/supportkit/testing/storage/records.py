"""Contract: records are found by kind and id, owner, name and due instant, and change one version at a time."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest

from supportkit.errors import ConcurrentUpdate, StorageError
from supportkit.model.change import Change
from supportkit.model.record import Record, RecordChange
from supportkit.races import again
from supportkit.storage.port import Storage
from supportkit.testing.builders import TENANT, later, make_outgoing, make_record, opened
from supportkit.testing.storage.kit import OTHER, StorageKit, get, in_threads, keeping, save

LEASE = dt.timedelta(seconds=60)

_AWKWARD = '{"a":"\\u0000 Ω 中文 \U0001f525 \'quoted\' %s"}'


def keep(storage: Storage, *records: Record, tenant: str = TENANT) -> None:
    """Store records, all in one unit."""
    with keeping(storage, tenant) as unit:
        unit.save(Change(records=tuple([RecordChange(record=record) for record in records])))


def found(storage: Storage, *args: Any, tenant: str = TENANT, **criteria: Any) -> list[str]:
    """Return the ids of the records that `records` gives."""
    with keeping(storage, tenant, write=False) as unit:
        return [record.id for record in unit.records(*args, **criteria)]


class RecordTests(StorageKit):
    """What is no ticket."""

    def test_a_record_comes_back_as_it_was(self, storage: Storage) -> None:
        """Every attribute, whatever lies in the data."""
        whole = make_record(owner="customer-1", name="vip", due_at=later(0.000_001), data=_AWKWARD)
        keep(storage, whole, make_record("agent-2"))
        with keeping(storage, write=False) as unit:
            assert unit.record("agent", "agent-1") == whole
            assert unit.record("agent", "agent-2") == make_record("agent-2")
            assert unit.record("team", "agent-1") is None
            assert unit.record("agent", "agent-3") is None
            assert unit.record("agent", "agent-1\x00") is None

    def test_a_record_changes_one_version_at_a_time(self, storage: Storage) -> None:
        """Who decided on an old one is told, and nothing of his change is kept."""
        first = make_record()
        keep(storage, first)
        second = attrs.evolve(first, version=2, name="night", due_at=later(5), owner="ticket-1", data="[2]")
        keep(storage, second)
        for stale in (second, attrs.evolve(second, version=4), make_record()):
            with pytest.raises(ConcurrentUpdate), keeping(storage) as unit:
                unit.save(Change(tickets=(opened(9),), records=(RecordChange(record=stale),)))
        with keeping(storage, write=False) as unit:
            assert unit.record("agent", "agent-1") == second
            assert unit.get("ticket-9") is None

    def test_a_removed_record_is_gone_and_its_id_is_free(self, storage: Storage) -> None:
        """It is removed at the version that was read, or not at all."""
        keep(storage, make_record(), make_record("agent-2"))
        late = RecordChange(record=make_record(version=2), is_removed=True)
        with pytest.raises(ConcurrentUpdate), keeping(storage) as unit:
            unit.save(Change(records=(late,)))
        with keeping(storage) as unit:
            unit.save(Change(records=(RecordChange(record=make_record(), is_removed=True),)))
        assert found(storage, "agent") == ["agent-2"]
        keep(storage, make_record())
        assert found(storage, "agent") == ["agent-1", "agent-2"]

    def test_records_are_listed_by_id_in_pages(self, storage: Storage) -> None:
        """Those of other kinds are not among them; ids are compared by code point."""
        ids = ["B", "a", "b", "ä", "я", "中", "\U0001f525"]
        keep(storage, *(make_record(one) for one in ids), make_record("c", kind="team"))
        assert found(storage, "agent") == ids
        assert found(storage, "agent", limit=2) == ["B", "a"]
        assert found(storage, "agent", after="b", limit=3) == ["ä", "я", "中"]
        assert found(storage, "agent", after="\U0001f525") == []
        for limit in (0, 501, -1):
            with pytest.raises(ValueError, match="limit"):
                found(storage, "agent", limit=limit)

    def test_records_are_found_by_owner_and_by_name(self, storage: Storage) -> None:
        """Names are compared exactly; an owner's records are found over all kinds."""
        keep(
            storage,
            make_record("1", owner="ticket-1", name="red"),
            make_record("2", owner="ticket-1", name="Red"),
            make_record("3", owner="ticket-2", name="red"),
            make_record("1", kind="draft", owner="ticket-1"),
        )
        assert found(storage, "agent", owner="ticket-1") == ["1", "2"]
        assert found(storage, "agent", name="red") == ["1", "3"]
        assert found(storage, "agent", name="red", owner="ticket-2") == ["3"]
        assert found(storage, "agent", name="red ") == []
        assert found(storage, "agent", owner="") == []
        with keeping(storage, write=False) as unit:
            his = unit.records_of("ticket-1")
            assert [(one.kind, one.id) for one in his] == [("agent", "1"), ("agent", "2"), ("draft", "1")]
            assert [one.kind for one in unit.records_of("ticket-1", limit=1)] == ["agent"]
            assert list(unit.records_of("")) == []

    def test_what_is_due_comes_first_in_front(self, storage: Storage) -> None:
        """The instant itself is due; what has none never is."""
        keep(
            storage,
            make_record("1", due_at=later(3)),
            make_record("2", due_at=later(1)),
            make_record("3", due_at=later(3)),
            make_record("4", due_at=later(3.000_001)),
            make_record("5"),
            make_record("6", kind="team", due_at=later(0)),
        )
        with keeping(storage, write=False) as unit:
            assert [one.id for one in unit.records_due("agent", later(3), 10)] == ["2", "1", "3"]
            assert [one.id for one in unit.records_due("agent", later(3), 1)] == ["2"]
            assert list(unit.records_due("agent", later(0.999_999), 10)) == []

    def test_no_tenant_sees_or_writes_the_records_of_another(self, storage: Storage) -> None:
        """Equal ids do not meet."""
        keep(storage, make_record(name="red", owner="ticket-1", due_at=later(0)))
        keep(storage, make_record(tenant=OTHER, data="[7]"), tenant=OTHER)
        with keeping(storage, OTHER, write=False) as unit:
            mine = unit.record("agent", "agent-1")
            assert mine is not None
            assert mine.data == "[7]"
            assert list(unit.records_due("agent", later(10), 10)) == []
            assert list(unit.records_of("ticket-1")) == []
            assert list(unit.records("agent", name="red")) == []
        with pytest.raises(StorageError):
            keep(storage, make_record("agent-9", tenant=OTHER))
        assert found(storage, "agent", tenant=OTHER) == ["agent-1"]

    def test_records_go_with_their_ticket(self, storage: Storage) -> None:
        """Those of others stay."""
        save(storage, opened(1), opened(2))
        keep(storage, make_record("1", owner="ticket-1"), make_record("2", owner="ticket-2"), make_record("3"))
        with storage.begin(TENANT) as unit:
            unit.delete_ticket(get(storage, "ticket-1"))
        assert found(storage, "agent") == ["2", "3"]

    def test_accounts_that_are_paused_are_left_out(self, storage: Storage) -> None:
        """A desk keeps pauses as records: nothing of a paused account is claimed, nor counted as due."""
        rows = (
            make_outgoing(account="one"),
            make_outgoing("ticket-2", account="two", available_at=later(5)),
            make_outgoing("ticket-3", channel="chat", account="one", available_at=later(7)),
        )
        save(storage, Change(outbox=rows))
        paused = [("app", "one"), ("chat", "nobody")]
        with keeping(storage) as unit:
            first, second, third = (
                unit.claim_outbox(later(9), lease=LEASE, worker="worker", but=paused) for _ in range(3)
            )
        assert third is None
        assert {one[0].id for one in (first, second) if one is not None} == {rows[1].id, rows[2].id}
        with keeping(storage, write=False) as unit:
            rest = unit.outbox_backlog(later(9), but=[("app", "two"), ("chat", "one")])
            none = unit.outbox_backlog(later(9), but=[("app", "one"), ("app", "two"), ("chat", "one")])
        assert (rest.due, none.due, none.next_due) == (1, 0, None)

    def test_of_writers_at_once_none_overwrites_another(self, storage: Storage) -> None:
        """Each change is decided on what it replaces."""
        keep(storage, make_record(data="0"))

        def work(_thread: int) -> None:
            for _ in range(10):
                again(count, tries=200)

        def count() -> None:
            with keeping(storage) as unit:
                before = unit.record("agent", "agent-1")
                assert before is not None
                after = attrs.evolve(before, version=before.version + 1, data=str(int(before.data) + 1))
                unit.save(Change(records=(RecordChange(record=after),)))

        in_threads(self.writers, work)
        with keeping(storage, write=False) as unit:
            last = unit.record("agent", "agent-1")
        assert last is not None
        assert (last.data, last.version) == (str(10 * self.writers), 1 + 10 * self.writers)

    def test_an_instant_keeps_its_microseconds(self, storage: Storage) -> None:
        """As far as instants go."""
        early, late = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, dt.UTC)
        keep(storage, make_record("1", due_at=early), make_record("2", due_at=late))
        with keeping(storage, write=False) as unit:
            assert [one.due_at for one in unit.records("agent")] == [early, late]
