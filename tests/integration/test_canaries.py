"""Words of people, addresses and passwords turn up in no log, warning, repr, pickle, traceback or text of an error."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests import servers
from tests.channel_rig import Pigeon, delivery, message

from supportkit import Capabilities, Desk, Limits, ManualClock, SupportkitError, hookimpl
from supportkit.model import commands as cm
from supportkit.model.stored import RECEIVED
from supportkit.storage.sql import SqlStorage
from supportkit.worker import Worker, run_due

KIM = "agent:kim"
WORD = "xylophonecanary"
ADDRESS = "canary.address@example.org"
PASSWORD = "hunter2canary"
PLANTED = (WORD, ADDRESS, PASSWORD)
TEXT = f"My {WORD} broke, write to {ADDRESS}."


class Shouting:
    """A channel that breaks and says all it knows."""

    name = "chat"
    capabilities = Capabilities(outbound=True)

    def send(self, message: Any) -> Any:
        raise RuntimeError(f"cannot send {message.body} to {ADDRESS}")


class Gossip:
    """A plug-in that breaks and says all it knows."""

    @hookimpl
    def supportkit_event_recorded(self, recorded: Any, ticket: Any) -> None:
        raise RuntimeError(f"cannot note {ticket.subject}")

    @hookimpl
    def supportkit_refuse(self, ticket: Any, command: Any) -> None:
        if isinstance(command, cm.Note):
            raise LookupError(f"cannot judge {command.body}")  # noqa: TRY004 - it breaks


@attrs.frozen
class Net:
    """Everything that was said while it was open: where, and what."""

    said: list[tuple[str, str]] = attrs.field(factory=list)

    def take(self, where: str, what: object) -> None:
        self.said.append((where, str(what)))

    def value(self, where: str, value: object) -> None:
        self.take(f"repr of {where}", repr(value))

    def error(self, where: str, error: BaseException) -> None:
        self.take(f"text of {where}", error)
        self.take(f"repr of {where}", repr(error))
        self.take(f"traceback of {where}", "".join(traceback.format_exception(error)))
        self.take(f"pickle of {where}", pickle.dumps(error))
        self.take(f"state of {where}", vars(error))

    @property
    def caught(self) -> list[tuple[str, str]]:
        return [(where, what[:300]) for where, what in self.said if any(planted in what for planted in PLANTED)]


class Everything(logging.Handler):
    """Keeps every record as it would be written, with its traceback and its arguments."""

    def __init__(self, net: Net) -> None:
        super().__init__(logging.DEBUG)
        self.net = net

    def emit(self, record: logging.LogRecord) -> None:
        self.net.take(f"log {record.name}", f"{self.format(record)} {record.args!r}")


@pytest.fixture
def net() -> Iterator[Net]:
    net, root = Net(), logging.getLogger()
    handler, level = Everything(net), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield net
    root.removeHandler(handler)
    root.setLevel(level)
    for warning in warned:
        net.take("warning", warning.message)
    assert net.caught == []


def steps(desk: Desk) -> dict[str, Callable[[], object]]:
    """Return every verb with words of people in every argument that may have some."""
    people: list[str] = []

    def add() -> object:
        made = desk.customers.add(WORD, addresses={"email": ADDRESS}, tags=[WORD], fields={"a": WORD})
        people.append(made.id)
        return made

    fields: dict[str, Any] = {"note": TEXT}
    return {
        "add": add,
        "update": lambda: desk.customers.update(people[0], name=f"{WORD} again", addresses={"chat": ADDRESS}),
        "list": desk.customers.list,
        "open": lambda: desk.open(TEXT, TEXT, customer=people[0], channel="chat", fields=fields, idempotency_key="k"),
        "conflict": lambda: desk.open(f"{TEXT}!", TEXT, customer=people[0], idempotency_key="k"),
        "reply": lambda: desk.reply(1, TEXT, actor=KIM),
        "ask": lambda: desk.ask(1, TEXT, actor=KIM, until=dt.timedelta(hours=1)),
        "receive": lambda: desk.add_message(1, TEXT),
        "note": lambda: desk.note(1, TEXT, actor=KIM),
        "subject": lambda: desk.set_subject(1, f"{TEXT} again", actor=KIM),
        "fields": lambda: desk.set_fields(1, {"other": TEXT}, actor=KIM),
        "promise": lambda: desk.promise(1, TEXT, dt.timedelta(hours=2), actor=KIM),
        "tier": lambda: desk.move_tier(1, 2, TEXT, actor=KIM),
        "split": lambda: desk.split(1, [desk.messages(1)[0].id], TEXT, actor=KIM),
        "merge": lambda: desk.merge(2, 1, actor=KIM),
        "resolve": lambda: desk.resolve(1, TEXT, actor=KIM),
        "reopen": lambda: desk.reopen(1, TEXT, actor=KIM),
        "arrive": lambda: desk.receive("pigeon", said("m1", "first")),
        "arrive again": lambda: desk.receive("pigeon", attrs.evolve(said("m1", "first"), headers=())),
        "arrive badly": lambda: desk.receive("pigeon", delivery({"id": "m2", "from": ADDRESS, "value": TEXT})),
        "arrive as nothing": lambda: desk.receive("pigeon", attrs.evolve(said("m3", "x"), body=TEXT.encode())),
        "arrive nowhere": lambda: desk.receive("sms", said("m4", "x")),
        "inbox": desk.process_inbox,
        "inbox breaks": lambda: broken(desk),
        "quarantine": desk.quarantine.list,
        "show": lambda: desk.quarantine.show(desk.quarantine.list()[0].id),
        "fix": lambda: desk.quarantine.fix(desk.quarantine.list()[0].id, TEXT.encode()),
        "reprocess": desk.quarantine.reprocess,
        "file": lambda: desk.file(attached(desk)),
        "switch": lambda: desk.switch_channel(1, "pigeon", address=ADDRESS, actor=KIM),
        "arrivals": lambda: everything_arrived(desk),
        "find": lambda: desk.find(text=WORD),
        "get": lambda: desk.get(1),
        "messages": lambda: desk.messages(1),
        "notes": lambda: desk.notes(1),
        "history": lambda: desk.history(1),
        "outbox": desk.outbox,
        "follow": lambda: list(desk.follow("reports")),
        "clocks": lambda: desk.clocks(1),
        "explain": lambda: desk.explain(1),
        "deliver": desk.deliver_outbox,
        "turn": lambda: run_due(desk),
        "purge": desk.purge,
        "export": lambda: desk.export(io.BytesIO()),
        "check": lambda: desk.check(deep=True),
        "illegal": lambda: desk.fire(1, "start", actor=KIM),
        "ended": lambda: desk.end(1, actor=KIM, reason="solved"),
        "too long": lambda: desk.reply(1, TEXT * 200, actor=KIM),
        "too many": lambda: desk.tag(1, *[f"{WORD}{n}" for n in range(300)], actor=KIM),
        "no text": lambda: desk.reply(1, TEXT.encode(), actor=KIM),  # type: ignore[arg-type]
        "transaction": lambda: half_done(desk),
        "worker": lambda: Worker(desk).run_until_idle(signals=False),
    }


def said(name: str, text: str) -> Any:
    """Return a delivery full of words."""
    files = [(f"{WORD}.txt", TEXT)]
    return delivery(message(name, ADDRESS, f"{text} {TEXT}", subject=TEXT, name=WORD, thread=WORD, files=files))


def broken(desk: Desk) -> object:
    """Read a delivery with an adapter that breaks."""
    desk.receive("pigeon", said("m5", "again"))
    pigeon: Any = desk.channels["pigeon"]
    pigeon.breaks = 1
    return desk.process_inbox()


def attached(desk: Desk) -> str:
    return next(
        file.id
        for ticket in desk.find(channels="pigeon").items
        for m in desk.messages(ticket)
        for file in m.attachments
    )


def everything_arrived(desk: Desk) -> list[object]:
    """Return every row of what arrived."""
    with desk.storage.begin(desk.tenant, write=False) as unit:
        return [row for row in unit.dump() if isinstance(row, RECEIVED)]


def half_done(desk: Desk) -> None:
    with desk.transaction() as inside:
        inside.note(1, TEXT, actor=KIM)
        raise ValueError("of the app")


def play(desk: Desk, net: Net) -> int:
    """Play every step, and every one again after the desk broke; return how many errors were raised."""
    errors = 0
    for name, step in steps(desk).items():
        try:
            net.value(name, step())
        except Exception as error:  # noqa: BLE001 - every one is looked at
            errors += 1
            net.error(name, error)
        desk._runner.clock.advance(minutes=20)  # type: ignore[attr-defined]
    net.value("desk", desk)
    net.value("storage", desk.storage)
    net.value("options of the engine", desk.storage.engine.url)  # type: ignore[attr-defined]
    return errors


def a_desk(url: str, **arguments: Any) -> Desk:
    return Desk(
        url,
        clock=ManualClock("2026-01-05T09:00:00+00:00"),
        channels=[Shouting(), Pigeon()],
        limits=Limits(text_bytes=5_000),
        **arguments,
    )


def with_password(url: str) -> str:
    """Return the URL with a password that the server, which trusts this user, does not look at."""
    return servers.make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)


@pytest.mark.parametrize("kind", ["sqlite", servers.POSTGRESQL, servers.MARIADB])
@pytest.mark.parametrize("plugins", [(), (Gossip(),)], ids=["alone", "with a plug-in that breaks"])
def test_a_day_of_every_verb_says_nothing(kind: str, plugins: tuple[object, ...], net: Net, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        url = (
            f"sqlite:///{tmp_path / 'support.db'}" if kind == "sqlite" else stack.enter_context(servers.database(kind))
        )
        if kind == servers.POSTGRESQL:
            url = with_password(url)
        with a_desk(url, plugins=plugins) as desk:
            assert play(desk, net) >= 5
            for failure in desk.hooks.failures:
                net.take("failure of a plug-in", (failure.plugin, failure.hook, failure.at))
    kinds = {where.split()[0] for where, _what in net.said}
    assert {"log", "repr", "text", "traceback", "pickle"} <= kinds


def test_a_database_that_breaks_says_nothing(net: Net) -> None:
    """Every table is gone in turn, while the same day goes on."""
    for table in ("message", "note", "term", "event_text", "customer", "outbox"):
        with a_desk("sqlite://") as desk:
            desk.customers.add(WORD)
            desk.open(TEXT, TEXT, author="customer:ann", channel="chat")
            with desk.storage.engine.connect() as connection:  # type: ignore[attr-defined]
                driver: Any = connection.connection.driver_connection
                driver.execute(f"ALTER TABLE supportkit_{table} RENAME TO elsewhere")
            assert play(desk, net) >= 5


def test_rows_that_cannot_be_read_say_nothing(net: Net) -> None:
    with a_desk("sqlite://") as desk:
        desk.open(TEXT, TEXT, author="customer:ann", fields={"a": TEXT})
        with desk.storage.engine.connect() as connection:  # type: ignore[attr-defined]
            driver: Any = connection.connection.driver_connection
            driver.execute("UPDATE supportkit_ticket SET data = ?", (f'{{"{WORD}',))
            driver.execute("UPDATE supportkit_event_text SET data = ?", (f'{{"subject": {{"{WORD}": 1}}}}',))
        assert play(desk, net) >= 5


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://kim:{PASSWORD}@127.0.0.1:1/support",
        f"postgresql+psycopg://kim:{PASSWORD}@127.0.0.1:5432/nowhere?connect_timeout=2",
        f"mariadb+pymysql://kim:{PASSWORD}@127.0.0.1:1/support",
        f"mariadb+pymysql://kim:{PASSWORD}@127.0.0.1:3306/nowhere",
        f"oracle://kim:{PASSWORD}@127.0.0.1/support",
        f"postgresql+psycopg://kim:{PASSWORD}@[::1/support",
        f"sqlite://kim:{PASSWORD}@host/support.db",
        f"mariadb+pymysql://kim:{PASSWORD}@127.0.0.1/support?no_such_option={PASSWORD}",
    ],
)
def test_a_database_that_cannot_be_opened_keeps_the_password(url: str, net: Net) -> None:
    try:
        a_desk(url).close()
    except SupportkitError as error:
        net.error("opening", error)
    else:
        pytest.fail("it was opened")
    with contextlib.suppress(Exception):
        net.value("storage", SqlStorage(url))


def test_the_net_catches_what_is_said() -> None:
    net, log = Net(), logging.getLogger("supportkit.canary")
    handler = Everything(net)
    log.addHandler(handler)
    log.warning("%s", TEXT)
    log.removeHandler(handler)
    error = RuntimeError("harmless")
    error.__cause__ = ValueError(WORD)
    net.error("a chain", error)
    assert {where for where, _what in net.caught} == {"log supportkit.canary", "traceback of a chain"}
