"""`desk.joined(connection)`: verbs in the app's own transaction, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, StaticPool, create_engine, text
from sqlalchemy.orm import Session
from tests import servers

from supportkit import Desk, Refused, hookimpl
from supportkit.errors import (
    CannotJoin,
    CapabilityMissing,
    ConcurrentUpdate,
    ConfigurationError,
    IdempotencyConflict,
    StorageError,
    TicketNotFound,
)
from supportkit.storage.port import StorageCapabilities
from supportkit.storage.sql import SqlStorage

KIM = "agent:kim"
SQLITE = "sqlite"
on_servers = pytest.mark.parametrize("place", [servers.POSTGRESQL, servers.MARIADB], indirect=True)
"""In SQLite nobody else writes while the joined transaction does."""


class Ear:
    """Hears what observers are told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    def supportkit_event_recorded(self, recorded: Any) -> None:
        self.heard.append(type(recorded.event).__name__)


@pytest.fixture(scope="module", params=[SQLITE, servers.POSTGRESQL, servers.MARIADB])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a database with the tables of supportkit and one of an app."""
    if request.param == SQLITE:
        url = f"sqlite:///{tmp_path_factory.mktemp('joined') / 'app.db'}"
        SqlStorage(url).migrate()
        _make_orders(url)
        yield url
        return
    with servers.database(request.param) as url:
        _make_orders(url)
        yield url


def _make_orders(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (number INTEGER PRIMARY KEY, ticket VARCHAR(64))"))


@pytest.fixture
def engine(place: str) -> Iterator[Engine]:
    engine = create_engine(place, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM orders"))
    yield engine
    engine.dispose()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def desk(place: str, engine: Engine, ear: Ear) -> Iterator[Desk]:
    storage = servers.emptied(place)
    with Desk(storage, plugins=[ear]) as desk:
        yield desk
    storage.close()


def orders(engine: Engine) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT number, ticket FROM orders ORDER BY number"))]


def insert(connection: Any, number: int, ticket: str | None = None) -> None:
    connection.execute(text("INSERT INTO orders VALUES (:number, :ticket)"), {"number": number, "ticket": ticket})


@contextmanager
def raw(place: str) -> Iterator[Any]:
    if place.startswith(SQLITE):
        connection: Any = sqlite3.connect(place.removeprefix("sqlite:///"))
    else:
        connection = servers.driver_connection(place)
    try:
        yield connection
    finally:
        connection.close()


# -- one commit for both ---------------------------------------------------------------------------------------------


def test_the_ticket_and_the_order_come_in_one_commit(desk: Desk, engine: Engine) -> None:
    with engine.connect() as connection:
        with connection.begin(), desk.joined(connection) as inside:
            ann = inside.customers.add("Ann")
            ticket = inside.open("Order 7 is late", "Where is it?", customer=ann.id, actor=KIM, tags=["late"])
            insert(connection, 7, ticket.id)
            inside.reply(ticket.id, "On its way.", actor=KIM)
            assert inside.get(ticket.number).state == "open"
            assert [found.id for found in inside.find(tags=["late"]).items] == [ticket.id]
            assert len(inside.messages(ticket.id)) == 2
            assert len(inside.history(ticket.id)) == inside.get(ticket.id).version
            assert desk.find().items == ()
        assert desk.get(ticket.id).version == len(desk.history(ticket.id))
    assert orders(engine) == [(7, ticket.id)]
    assert {finding.code for finding in desk.check(deep=True) if finding.severity == "error"} == set()


def test_a_rollback_leaves_neither(desk: Desk, engine: Engine) -> None:
    with pytest.raises(KeyError), engine.begin() as connection, desk.joined(connection) as inside:
        insert(connection, 7, inside.open("Order 7 is late", actor=KIM).id)
        raise KeyError
    assert (orders(engine), desk.find().items, desk.counts()) == ([], (), {})


def test_a_session_lends_its_connection(desk: Desk, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.execute(text("INSERT INTO orders VALUES (7, NULL)"))
        with desk.joined(session.connection()) as inside:
            inside.open("Order 7 is late", actor=KIM)
    assert (len(orders(engine)), len(desk.find().items)) == (1, 1)


def test_the_drivers_own_connection_can_be_joined(desk: Desk, engine: Engine, place: str) -> None:
    with raw(place) as connection:
        for number in (7, 8):
            connection.cursor().execute(f"INSERT INTO orders VALUES ({number}, NULL)")
            with desk.joined(connection) as inside:
                inside.open(f"Order {number} is late", actor=KIM)
            if number == 7:
                connection.commit()
            else:
                connection.rollback()
    assert [number for number, _ticket in orders(engine)] == [7]
    assert [ticket.subject for ticket in desk.find().items] == ["Order 7 is late"]


def test_a_connection_that_has_not_sent_anything_yet_can_be_joined(desk: Desk, place: str) -> None:
    with raw(place) as connection:
        with desk.joined(connection) as inside:
            inside.open("first", actor=KIM)
        assert desk.find().items == ()
        connection.commit()
    assert len(desk.find().items) == 1


# -- what goes wrong in one command ----------------------------------------------------------------------------------


def test_a_refused_command_spoils_nothing(desk: Desk, engine: Engine) -> None:
    with engine.begin() as connection, desk.joined(connection) as inside:
        ticket = inside.open("Order 7 is late", actor=KIM)
        with pytest.raises(Refused):
            inside.resolve(ticket.id, "", actor=KIM)
        with pytest.raises(TicketNotFound):
            inside.note("nowhere", "?", actor=KIM)
        insert(connection, 7, ticket.id)
        inside.note(ticket.id, "still here", actor=KIM)
    assert len(desk.notes(ticket.id)) == 1
    assert orders(engine) == [(7, ticket.id)]


def test_another_expected_version_is_refused_and_the_order_is_kept(desk: Desk, engine: Engine) -> None:
    ticket = desk.open("Order 7 is late", actor=KIM)
    desk.tag(ticket.id, "late", actor=KIM)
    with engine.begin() as connection, desk.joined(connection) as inside:
        insert(connection, 7, ticket.id)
        with pytest.raises(ConcurrentUpdate):
            inside.note(ticket.id, "?", actor=KIM, expected_version=ticket.version)
    assert orders(engine) == [(7, ticket.id)]
    assert desk.notes(ticket.id) == []


def _isolated(place: str, level: str) -> Engine:
    return create_engine(place, poolclass=NullPool, isolation_level=level)


@on_servers
def test_a_lost_race_is_repeated_where_the_transaction_reads_anew(desk: Desk, place: str) -> None:
    ticket = desk.open("busy", actor=KIM)
    with _isolated(place, "READ COMMITTED").begin() as connection, desk.joined(connection) as inside:
        _in_the_middle(inside, lambda: desk.tag(ticket.id, "late", actor=KIM))
        inside.note(ticket.id, "seen", actor=KIM)
    assert [recorded.seq for recorded in desk.history(ticket.id)] == list(range(1, desk.get(ticket.id).version + 1))
    assert (desk.get(ticket.id).tags, len(desk.notes(ticket.id))) == (("late",), 1)


@on_servers
def test_a_lost_race_is_not_repeated_where_the_snapshot_would_be_the_same(desk: Desk, place: str) -> None:
    ticket = desk.open("busy", actor=KIM)
    engine = _isolated(place, "REPEATABLE READ")
    with engine.begin() as connection, desk.joined(connection) as inside:
        insert(connection, 7, ticket.id)
        inside.get(ticket.id)
        tries = _in_the_middle(inside, lambda: desk.tag(ticket.id, "late", actor=KIM))
        with pytest.raises(ConcurrentUpdate):
            inside.note(ticket.id, "not seen", actor=KIM)
    assert (len(tries), desk.notes(ticket.id)) == (1, [])
    assert orders(engine) == [(7, ticket.id)]


def _in_the_middle(inside: Desk, work: Callable[[], object]) -> list[int]:
    """Let another thread *work* once between the reading and the writing of the next command; count the tries."""
    tries: list[int] = []
    unit: Any = inside._runner.shared.unit  # type: ignore[union-attr]

    class Interrupting:
        def __init__(self, saving: Any) -> None:
            self.saving = saving

        def __getattr__(self, name: str) -> Any:
            return getattr(self.saving, name)

        def save(self, change: Any) -> None:
            tries.append(len(tries))
            if len(tries) == 1:
                thread = threading.Thread(target=work)
                thread.start()
                thread.join(30)
            self.saving.save(change)

    afresh = unit._start_afresh

    def start_afresh() -> None:
        afresh()
        unit._saving = Interrupting(unit._saving)

    inside._runner.shared.joined = inside._runner.shared.unit = _Stepping(unit, start_afresh)  # type: ignore[union-attr]
    return tries


class _Stepping:
    """A unit whose steps begin with a planted interruption."""

    def __init__(self, unit: Any, begun: Callable[[], None]) -> None:
        self.unit = unit
        self.begun = begun

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unit, name)

    @contextmanager
    def step(self) -> Iterator[None]:
        with self.unit.step():
            self.begun()
            yield


# -- idempotency keys ------------------------------------------------------------------------------------------------


def test_a_key_means_the_same_inside_and_outside(desk: Desk, engine: Engine) -> None:
    first = desk.open("Order 7 is late", actor=KIM, idempotency_key="order-7")
    with engine.begin() as connection, desk.joined(connection) as inside:
        again = inside.open("Order 7 is late", actor=KIM, idempotency_key="order-7")
        other = inside.open("Order 8 is late", actor=KIM, idempotency_key="order-8")
        assert inside.open("Order 8 is late", actor=KIM, idempotency_key="order-8") == other
        with pytest.raises(IdempotencyConflict):
            inside.open("Order 9 is late", actor=KIM, idempotency_key="order-7")
    assert again == first
    assert desk.open("Order 8 is late", actor=KIM, idempotency_key="order-8") == other
    assert [ticket.number for ticket in desk.find().items] == [1, 2]


def test_a_key_of_a_rolled_back_transaction_is_new_again(desk: Desk, engine: Engine) -> None:
    with pytest.raises(KeyError), engine.begin() as connection, desk.joined(connection) as inside:
        inside.open("Order 7 is late", actor=KIM, idempotency_key="order-7")
        raise KeyError
    assert desk.open("Order 8 is late", actor=KIM, idempotency_key="order-7").number == 1


# -- who hears of it -------------------------------------------------------------------------------------------------


def test_observers_are_told_only_by_announce_and_only_what_is_committed(desk: Desk, engine: Engine, ear: Ear) -> None:
    with engine.connect() as connection:
        connection.begin()
        with desk.joined(connection) as kept:
            kept.open("kept", actor=KIM)
            with pytest.raises(StorageError, match="nothing is committed yet"):
                kept.announce()
        assert ear.heard == []
        connection.commit()
        connection.begin()
        with desk.joined(connection) as lost:
            lost.open("lost", actor=KIM)
        connection.rollback()
    assert (lost.announce(), ear.heard) == (0, [])
    told = kept.announce()
    assert told == len(ear.heard) > 0
    assert ear.heard[0] == "TicketOpened"
    assert kept.announce() == 0
    with pytest.raises(StorageError, match="joined"):
        desk.announce()


def test_followers_see_it_after_the_commit(desk: Desk, engine: Engine) -> None:
    with engine.connect() as connection:
        with connection.begin(), desk.joined(connection) as inside:
            ticket = inside.open("Order 7 is late", actor=KIM)
            seen_inside = _from_another_thread(lambda: list(desk.follow("reports")))
        servers.wait_for_others(engine)
        seen = list(desk.follow("reports"))
    assert seen_inside == []
    assert {recorded.ticket for recorded in seen} == {ticket.id}


def _from_another_thread(work: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(30)
    return found[0]


# -- what cannot be joined -------------------------------------------------------------------------------------------


def refused(desk: Desk, connection: object) -> str:
    with pytest.raises(CannotJoin) as caught, desk.joined(connection):
        pass
    assert (caught.value.code, caught.value.retryable) == ("storage.cannot_join", False)
    return str(caught.value)


def test_a_connection_without_an_open_transaction_is_refused(desk: Desk, engine: Engine, place: str) -> None:
    with engine.connect() as connection:
        assert "begin one first" in refused(desk, connection)
        connection.execute(text("SELECT 1"))
        connection.close()
        assert "closed" in refused(desk, connection)
    with _isolated(place, "AUTOCOMMIT").connect() as connection:
        connection.begin()
        assert "autocommit" in refused(desk, connection)


def test_a_connection_to_something_else_is_refused(desk: Desk, place: str, tmp_path: Path) -> None:
    with create_engine(f"sqlite:///{tmp_path / 'other.db'}", poolclass=NullPool).begin() as connection:
        assert ("another database" if place.startswith(SQLITE) else "this desk joins") in refused(desk, connection)
    assert "NoneType" in refused(desk, None)
    if not place.startswith(SQLITE):
        with (
            servers.database(place.partition("+")[0]) as url,
            create_engine(url, poolclass=NullPool).begin() as connection,
        ):
            assert "another database" in refused(desk, connection)


@pytest.mark.parametrize("place", [servers.POSTGRESQL], indirect=True)
def test_a_failed_transaction_of_postgresql_is_refused(desk: Desk, place: str) -> None:
    with raw(place) as connection:
        with pytest.raises(Exception, match="nothing_of_this_name"):
            connection.execute("SELECT * FROM nothing_of_this_name")
        assert "roll back first" in refused(desk, connection)


@pytest.mark.parametrize("place", [servers.MARIADB], indirect=True)
def test_settings_of_mariadb_that_would_spoil_texts_are_refused(desk: Desk, place: str) -> None:
    with raw(place) as connection:
        connection.query("SET SESSION sql_mode = ''")
        assert "STRICT_TRANS_TABLES" in refused(desk, connection)
    with raw(place) as connection:
        connection.set_character_set("latin1")
        assert "charset=utf8mb4" in refused(desk, connection)


def test_a_joined_desk_has_no_transactions_of_its_own(desk: Desk, engine: Engine) -> None:
    with engine.begin() as connection, desk.joined(connection) as inside:
        for work in (inside.tick, inside.deliver_outbox, lambda: list(inside.follow("reports"))):
            with pytest.raises(StorageError, match="joined"):
                work()
        with pytest.raises(StorageError, match="one cannot hold another"), inside.joined(connection):
            pass
        with pytest.raises(StorageError, match="one cannot hold another"), inside.transaction():
            pass
        with pytest.raises(ConfigurationError, match="joined"):
            desk.open("outside", actor=KIM)
    assert desk.open("after", actor=KIM).number == 1


def test_a_storage_that_does_not_join_says_so() -> None:
    class Plain:
        def __init__(self, storage: SqlStorage) -> None:
            self.storage = storage

        capabilities = StorageCapabilities()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.storage, name)

    storage = SqlStorage("sqlite://")
    storage.migrate()
    with pytest.raises(CapabilityMissing, match="joins"), Desk(Plain(storage)).joined(object()):
        pass
    storage.close()


def test_an_engine_in_memory_is_joined_on_its_only_connection() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    desk = Desk(engine)
    with engine.begin() as connection, desk.joined(connection) as inside:
        inside.open("kept", actor=KIM)
    with pytest.raises(KeyError), engine.begin() as connection, desk.joined(connection) as inside:
        inside.open("lost", actor=KIM)
        raise KeyError
    assert [ticket.subject for ticket in desk.find().items] == ["kept"]
    desk.close()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM supportkit_ticket")).scalar_one() == 1
    engine.dispose()
