"""Every statement of the database and every call of the provider fails once, at its N-th time, N = 1, 2, 3 ...

After each failure the caller repeats what failed, with the same key, and the promises of the desk must hold. A
statement fails in two ways: it was not carried out; or it was, and only its answer is lost (as when a connection dies
in a commit).
"""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import event

from supportkit import Desk
from supportkit.channels.port import Accepted, Capabilities, Delivery, Outbound
from supportkit.clock import ManualClock
from supportkit.errors import StorageError
from supportkit.model.change import OutboxState, Outgoing
from supportkit.storage.sql import SqlStorage

KIM = "agent:kim"
NINE = "2026-01-05T09:00:00+00:00"
CLASSES: dict[str, dict[str, Any]] = {
    "idempotent": {"dedupes_sends": True},
    "reconcilable": {"finds_sends": True},
    "at least once": {},
    "at most once": {"policy": "at_most_once"},
}
MOST = 400
"""More steps than any of these stories has; a story that never ends is a mistake of the test."""


@attrs.define
class Fault:
    """What fails: the call of this number, before it is carried out or after it."""

    at: int = 0
    after: bool = False
    count: int = 0

    def around(self, call: Callable[[], Any], error: Exception) -> Any:
        self.count += 1
        hit = self.count == self.at
        if hit and not self.after:
            raise error
        result = call()
        if hit:
            raise error
        return result


@attrs.define
class Provider:
    """A provider that remembers what it took; its calls may fail."""

    capabilities: Capabilities
    fault: Fault = attrs.field(factory=Fault)
    name: str = "app"
    taken: list[Outbound] = attrs.field(factory=list)

    def send(self, message: Outbound) -> Delivery:
        def take() -> Delivery:
            if not (self.capabilities.dedupes_sends and self._has(message.id)):
                self.taken.append(message)
            return Accepted(f"ext-{message.id}")

        return self.fault.around(take, ConnectionResetError("reset"))  # type: ignore[no-any-return]

    def lookup(self, message_id: str) -> Accepted | None:
        def look() -> Accepted | None:
            return Accepted(f"ext-{message_id}") if self._has(message_id) else None

        return self.fault.around(look, ConnectionResetError("reset"))  # type: ignore[no-any-return]

    def _has(self, message_id: str) -> bool:
        return any(message.id == message_id for message in self.taken)


def _io_error() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
    return error


def failing(path: Path, fault: Fault) -> SqlStorage:
    """Open a storage whose driver fails where *fault* says."""

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, values: Any = ()) -> Any:
            if fault.after and sql != "COMMIT":  # whose answer is lost before the commit is rolled back like any other
                return super().execute(sql, values)
            return fault.around(lambda: super(Cursor, self).execute(sql, values), _io_error())

        def executemany(self, sql: str, several: Any) -> Any:
            if fault.after:
                return super().executemany(sql, several)
            return fault.around(lambda: super(Cursor, self).executemany(sql, several), _io_error())

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, sql: str, values: Any = ()) -> Any:
            return self.cursor().execute(sql, values)

    storage = SqlStorage(f"sqlite:///{path}", synchronous="normal")

    @event.listens_for(storage.engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> sqlite3.Connection:
        return sqlite3.connect(*arguments, factory=Connection, **options)

    return storage


@attrs.define
class Story:
    """One run: a desk on a copy of a prepared database."""

    desk: Desk
    clock: ManualClock
    provider: Provider
    fault: Fault
    ann: str
    failed: int = 0

    def repeatedly(self, step: Callable[[], Any]) -> None:
        """Do a step, and again after a failure, as a caller does that got no answer."""
        try:
            step()
        except StorageError:
            self.failed += 1
            step()

    def deliver(self) -> None:
        """Deliver until nothing is due, past every lease and back-off."""
        while any(row.state in {"pending", "leased"} for row in self._rows()):
            self.repeatedly(self.desk.deliver_outbox)
            self.clock.advance(seconds=70)

    def _rows(self) -> Sequence[Outgoing]:
        """Look at the outbox without a failure."""
        at, count, self.fault.at = self.fault.at, self.fault.count, 0
        rows = self.desk.outbox()
        self.fault.at, self.fault.count = at, count
        return rows


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database with one customer, whose ticket has two answers that wait."""
    path = tmp_path_factory.mktemp("prepared") / "support.db"
    provider = Provider(Capabilities(family="chat"))
    with Desk(f"sqlite:///{path}", clock=ManualClock(NINE), channels=[provider], synchronous="normal") as desk:
        ann = desk.customers.add("Ann", addresses={"chat": "ann@chat"})
        desk.open("Printer", "It smokes", customer=ann.id)
        desk.reply(1, "Unplug it", actor=KIM)
        desk.reply(1, "And wait", actor=KIM)
    return path


@pytest.fixture
def begin(prepared: Path, tmp_path: Path) -> Iterator[Callable[..., Story]]:
    opened: list[SqlStorage] = []

    def make(able: str, *, statement: int = 0, call: int = 0, after: bool = False) -> Story:
        for storage in opened:
            storage.close()
        opened.clear()
        for old in tmp_path.glob("support.db*"):
            old.unlink()
        path = tmp_path / "support.db"
        shutil.copy(prepared, path)
        fault, calls = Fault(after=after), Fault(call, after)
        storage = failing(path, fault)
        opened.append(storage)
        clock = ManualClock("2026-01-05T10:00:00+00:00")
        # Kept in the database, every policy stays as the app declared it when the answer was queued.
        provider = Provider(Capabilities(family="chat", **CLASSES[able]), calls)
        desk = Desk(storage, clock=clock, channels=[provider])
        with storage.begin("default") as unit:
            unit._cursor.execute("UPDATE supportkit_outbox SET policy = ?", (provider.capabilities.policy.value,))
        ann = desk.customers.list()[0].id
        fault.count, fault.at = 0, statement
        return Story(desk, clock, provider, calls if call else fault, ann)

    yield make
    for storage in opened:
        storage.close()


def hold(story: Story, able: str) -> None:
    """Look at every promise: reliability.md section 2, and that each log folds to its row."""
    story.fault.at = 0
    desk, provider = story.desk, story.provider
    wrong = [finding for finding in desk.check(deep=True) if finding.severity == "error"]
    assert wrong == []
    for row in desk.outbox():
        took = [message for message in provider.taken if message.id == row.id]
        if row.state is OutboxState.UNKNOWN:
            assert able.startswith("at ")
            assert len(took) <= (1 if able == "at most once" else 2)
        else:
            assert row.state is OutboxState.SENT, row
            assert len(took) in {1, 2} if able == "at least once" else len(took) == 1
        assert [message.possible_duplicate for message in took[1:]] == [True] * len(took[1:])
        assert len(took) < 2 or row.possible_duplicate
    assert {message.id for message in provider.taken} <= {row.id for row in desk.outbox()}


def every(begin: Callable[..., Story], tell: Callable[[Story], None], able: str, fails: str, *, after: bool) -> int:
    """Tell a story again and again, each time with the next step failing, until one is told without a failure."""
    for number in range(1, MOST):
        story = begin(able, after=after, **{fails: number})
        tell(story)
        if story.fault.count < number:
            return number
        hold(story, able)
    raise AssertionError(f"the story has more than {MOST} steps")


def deliver(story: Story) -> None:
    story.deliver()


@pytest.mark.parametrize("after", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("able", CLASSES)
def test_every_statement_of_a_delivery_may_fail(begin: Callable[..., Story], able: str, *, after: bool) -> None:
    def tell(story: Story) -> None:
        story.repeatedly(story.desk.deliver_outbox)
        count = story.fault.count
        story.deliver()
        if story.fault.at > count:  # only the first delivery is told step by step
            story.fault.count = 0

    assert every(begin, tell, able, "statement", after=after) > (2 if after else 20)


@pytest.mark.parametrize("after", [False, True], ids=["not taken", "taken, answer lost"])
@pytest.mark.parametrize("able", CLASSES)
def test_every_call_of_the_provider_may_fail(begin: Callable[..., Story], able: str, *, after: bool) -> None:
    assert every(begin, deliver, able, "call", after=after) > 2


def day(story: Story) -> None:
    """Do one of each: open, answer, merge, wait, resolve, decide about what a worker could not send."""
    desk = story.desk
    at = story.clock.now() + dt.timedelta(hours=1)
    for step in (
        lambda: desk.open("Scanner", "Dead", customer=story.ann, idempotency_key="open"),
        lambda: desk.reply(2, "We look", actor=KIM, idempotency_key="reply"),
        lambda: desk.add_message(2, "Well?", idempotency_key="receive"),
        lambda: desk.ask(2, "Which one?", actor=KIM, until=at, idempotency_key="ask"),
        lambda: desk.merge(2, 1, actor=KIM, idempotency_key="merge"),
        lambda: desk.resolve(1, "A new fuser", actor=KIM, idempotency_key="resolve"),
        lambda: desk.end(1, actor=KIM, reason="spam", idempotency_key="end"),
    ):
        story.repeatedly(step)


@pytest.mark.parametrize("after", [False, True], ids=["not done", "answer lost"])
def test_every_statement_of_a_day_may_fail_and_the_same_key_completes_the_work(
    begin: Callable[..., Story], *, after: bool
) -> None:
    whole = begin("idempotent")
    day(whole)
    expected = told(whole)

    def tell(story: Story) -> None:
        day(story)
        if story.fault.count >= story.fault.at:
            assert told(story) == expected

    number = 0
    for number in range(1, MOST):
        story = begin("idempotent", statement=number, after=after)
        tell(story)
        if story.fault.count < number:
            break
        story.fault.at = 0
        assert story.failed <= 1
        assert [finding for finding in story.desk.check(deep=True) if finding.severity == "error"] == []
    assert number > (7 if after else 40)


def told(story: Story) -> Any:
    """Return everything that a day leaves behind, without the ids that differ from run to run."""
    story.fault.at = 0
    desk = story.desk
    return (
        [[type(recorded.event).__name__ for recorded in desk.history(number)] for number in (1, 2)],
        [message.body for message in desk.messages(1)],
        [(row.seq, row.state, row.reason, row.withdrawn) for row in desk.outbox()],
        [ticket.number for ticket in desk.find().items],
    )


@pytest.mark.parametrize("after", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("verb", ["retry", "settle"])
def test_every_statement_of_a_decision_may_fail(begin: Callable[..., Story], verb: str, *, after: bool) -> None:
    for number in range(1, MOST):
        story = begin("at most once")
        delivery = story.desk.outbox(1)[0].id
        with story.desk.storage.begin("default") as unit:
            claimed = unit.claim_outbox(story.clock.now(), lease=dt.timedelta(seconds=60), worker="a")
            assert claimed is not None
            unit.settle_outbox(claimed[0], state=OutboxState.UNKNOWN, now=story.clock.now())
        story.fault.count, story.fault.at, story.fault.after = 0, number, after
        more = () if verb == "retry" else ("failed",)
        story.repeatedly(lambda: getattr(story.desk.outbox, verb)(delivery, *more, by=KIM, idempotency_key="k"))  # noqa: B023
        ended = story.fault.count < number
        story.fault.at = 0
        row = story.desk.outbox.get(delivery)
        assert (row.state, row.fence) == ("pending" if verb == "retry" else "failed", 2)
        names = [type(recorded.event).__name__ for recorded in story.desk.history(1)]
        assert names.count("DeliveryRetried") + names.count("DeliverySettled") == 1
        if ended:
            break
    assert number > (1 if after else 8)
