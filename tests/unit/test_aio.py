"""`AsyncDesk`: the verbs of a desk for asyncio, in worker threads, with what happens when tasks are cancelled."""

from __future__ import annotations

import asyncio
import contextvars
import datetime as dt
import inspect
import io
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.channel_rig import Pigeon, delivery, message
from tests.unit.test_aio_parity import TWINS, methods

from supportkit import Accepted, AsyncDesk, Capabilities, Desk, ManualClock, Outbound, Refusal, TicketQuery
from supportkit.aio import worker
from supportkit.aio.threads import _LANES
from supportkit.errors import (
    ConcurrentUpdate,
    ConfigurationError,
    Refused,
    StorageCorrupt,
    StorageError,
    StorageUnavailable,
    TicketNotFound,
)
from supportkit.hooks import hookimpl
from supportkit.ids import SequentialIds
from supportkit.model.events import Recorded
from supportkit.model.message import OutboxState
from supportkit.model.ticket import Ticket
from supportkit.storage.sql import SqlStorage

KIM = "agent:kim"
NINE = "2026-01-05T09:00:00+00:00"
PATIENCE = 20.0
"""Seconds after which a test gives up; none waits that long unless something is wrong."""

_ABLE = Capabilities(inbound=False)


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'support.db'}"


def run(main: Awaitable[Any]) -> Any:
    """Run a coroutine; one that hangs fails instead."""

    async def limited() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await main

    return asyncio.run(limited())


@attrs.define
class Slow:
    """A plug-in that is told of an event and does not come back until it may."""

    begun: threading.Event = attrs.field(factory=threading.Event)
    may_end: threading.Event = attrs.field(factory=threading.Event)
    events: list[str] = attrs.field(factory=list)
    slow_after: str = "NoteAdded"

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded, ticket: Ticket) -> None:
        if type(recorded.event).__name__ != self.slow_after:
            return
        self.events.append("plug-in begins")
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        self.events.append("plug-in ends")

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)


@asynccontextmanager
async def open_ticket(storage: Any = "sqlite://", **arguments: Any) -> AsyncIterator[tuple[AsyncDesk, int]]:
    async with AsyncDesk(storage, **arguments) as desk:
        yield desk, (await desk.open("Printer", "It smokes", author="customer:ann")).number


async def bodies(desk: AsyncDesk, number: int) -> list[str]:
    return [note.body for note in await desk.notes(number)]


# -- opening and closing ---------------------------------------------------------------------------------------------


def test_a_url_is_opened_and_closed_with_the_block(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_ticket(url_in(tmp_path), tenant="acme") as (desk, number):
            assert (desk.tenant, (await desk.get(number)).subject) == ("acme", "Printer")
        with pytest.raises(StorageError, match="closed"):
            await desk.get(number)
        with pytest.raises(StorageError, match="closed"):
            desk.desk.get(number)

    run(main())


def test_a_desk_that_is_open_is_used_and_left_open() -> None:
    async def main(plain: Desk) -> int:
        desk = AsyncDesk(plain)
        assert desk.desk is plain
        number = (await desk.open("Printer", author="customer:ann")).number
        async with desk as same:
            assert same is desk
        return number

    with Desk() as plain:
        number = run(main(plain))
        assert plain.get(number).subject == "Printer"


def test_arguments_beside_a_desk_are_refused() -> None:
    with Desk() as plain, pytest.raises(TypeError, match="channels, tenant"):
        AsyncDesk(plain, tenant="acme", channels=[])


def test_a_desk_that_cannot_be_opened_says_why_as_a_desk_does() -> None:
    async def main() -> None:
        async with AsyncDesk("sqlite:///support.db", tenant=""):
            pytest.fail("it was opened")

    before = threading.active_count()
    with pytest.raises(ConfigurationError, match="tenant"):
        run(main())
    assert threading.active_count() == before


def test_a_desk_that_is_not_open_yet_says_what_to_write() -> None:
    desk = AsyncDesk()
    assert repr(desk) == "AsyncDesk(not open)"
    with pytest.raises(StorageError, match="async with"):
        assert desk.lifecycle
    with pytest.raises(StorageError, match="async with"):
        run(desk.get(1))


def test_there_is_at_least_one_thread() -> None:
    with pytest.raises(ValueError, match="threads"):
        AsyncDesk(threads=0)


def test_closing_waits_for_the_calls_that_were_made(tmp_path: Path) -> None:
    slow = Slow()

    async def main() -> None:
        async with open_ticket(url_in(tmp_path), plugins=[slow]) as (desk, number):
            note = asyncio.create_task(desk.note(number, "Try another outlet", actor=KIM))
            await slow.has_begun()
            closing = asyncio.create_task(desk.close())
            await asyncio.sleep(0)
            assert not closing.done()
            slow.may_end.set()
            assert (await note).number == number
            await closing

    run(main())


def test_two_event_loops_may_use_one_desk_one_after_the_other() -> None:
    with Desk() as plain:
        desk = AsyncDesk(plain)
        numbers = [run(desk.open("Printer", author="customer:ann")).number for _ in range(2)]
        run(desk.close())
    assert numbers == [1, 2]


def test_an_abandoned_opening_leaves_no_thread_behind() -> None:
    before = threading.active_count()

    async def main() -> None:
        opening = asyncio.create_task(AsyncDesk().__aenter__())
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        names = [thread.name for thread in threading.enumerate()]
        assert not any(name.startswith("supportkit") for name in names)

    run(main())
    assert threading.active_count() == before


# -- the verbs -------------------------------------------------------------------------------------------------------

Step = tuple[str, Callable[[Any], Any]]
NOON = "2026-01-05T12:00:00+00:00"
MENDED = delivery(message("m2", "ann", "See", files=[["a.txt", "content"]])).body
DAY: list[Step] = [
    ("Desk.now", lambda desk: desk.now()),
    ("Customers.add", lambda desk: desk.customers.add("Ann", addresses={"chat": "@ann"}, tags=["vip"])),
    ("Customers.list", lambda desk: desk.customers.list(limit=5)),
    ("Customers.get", lambda desk: desk.customers.get(desk_customer(desk))),
    ("Customers.update", lambda desk: desk.customers.update(desk_customer(desk), name="Ann Lee", locale="ru")),
    ("Desk.open", lambda desk: desk.open("Printer", "It smokes", author="customer:ann", channel="chat", tags=["a"])),
    ("Desk.open", lambda desk: desk.open("Scanner", author="customer:bo", idempotency_key="second", priority=4)),
    ("Desk.set_customer", lambda desk: desk.set_customer(1, desk_customer(desk), actor=KIM)),
    ("Desk.start", lambda desk: desk.start(1, actor=KIM, expected_version=3)),
    ("Desk.reply", lambda desk: desk.reply(1, "Is it on fire?", actor=KIM)),
    (
        "Desk.receive",
        lambda desk: desk.receive("pigeon", delivery(message("m1", "ann", "Hello"), {"id": "m2"})),
    ),
    ("Desk.process_inbox", lambda desk: desk.process_inbox(5, lease=dt.timedelta(seconds=30))),
    ("Quarantine.list", lambda desk: desk.quarantine.list(limit=3)),
    ("Quarantine.show", lambda desk: desk.quarantine.show(held(desk))),
    ("Quarantine.export", lambda desk: desk.quarantine.export(held(desk))),
    ("Quarantine.fix", lambda desk: desk.quarantine.fix(held(desk), MENDED)),
    ("Quarantine.reprocess", lambda desk: desk.quarantine.reprocess(held(desk))),
    ("Quarantine.purge", lambda desk: desk.quarantine.purge(NINE, limit=3)),
    ("Desk.file", lambda desk: desk.file(sync(desk).messages(3)[-1].attachments[0].id)),
    ("Desk.switch_channel", lambda desk: desk.switch_channel(3, "pigeon", actor=KIM)),
    ("Desk.channel_states", lambda desk: desk.channel_states()),
    ("Desk.legs", lambda desk: desk.legs(3)),
    ("Desk.suggestions", lambda desk: desk.suggestions(3)),
    ("Desk.add_message", lambda desk: desk.add_message(1, "A little", external_id="m1")),
    ("Desk.note", lambda desk: desk.note(1, "Call the brigade", actor=KIM, mentions=["lee"])),
    ("Desk.ask", lambda desk: desk.ask(1, "Which model?", actor=KIM, until=dt.timedelta(hours=1))),
    ("Desk.resume", lambda desk: desk.resume(1, actor=KIM)),
    ("Desk.hold", lambda desk: desk.hold(1, "Parts", actor=KIM, until=NOON)),
    ("Desk.fire", lambda desk: desk.fire(1, "resume", actor=KIM)),
    ("Desk.assign", lambda desk: desk.assign(1, actor=KIM, assignee="kim", team="it")),
    ("Desk.move_tier", lambda desk: desk.move_tier(1, 2, "It burns", actor=KIM)),
    ("Desk.escalate", lambda desk: desk.escalate(1, to=3, handover={"summary": "It burns"}, actor=KIM)),
    ("Desk.deescalate", lambda desk: desk.deescalate(1, "It is out", actor=KIM)),
    ("Escalations.handovers", lambda desk: desk.escalations.handovers(1)),
    ("Escalations.signal", lambda desk: desk.escalations.signal(1, "detractor", actor=KIM, instance="a1")),
    ("Escalations.acknowledge", lambda desk: desk.escalations.acknowledge(1, "sad", actor=KIM)),
    ("Escalations.explain", lambda desk: desk.escalations.explain(1)),
    ("Escalations.lint", lambda desk: desk.escalations.lint()),
    ("Regulation.responsible", lambda desk: desk.regulation.responsible(1, away={"kim"})),
    ("Regulation.lint", lambda desk: desk.regulation.lint(people=["kim"], topics=["paper"])),
    ("Desk.set_priority", lambda desk: desk.set_priority(1, "urgent", actor=KIM)),
    ("Desk.set_subject", lambda desk: desk.set_subject(1, "Fire", actor=KIM)),
    ("Desk.set_fields", lambda desk: desk.set_fields(1, {"floor": 3}, actor=KIM)),
    ("Desk.tag", lambda desk: desk.tag(1, "fire", "smoke", remove=["a"], actor=KIM)),
    ("Desk.followers", lambda desk: desk.followers(1, "lee", "mo", actor=KIM)),
    ("Desk.promise", lambda desk: desk.promise(1, "Call back", dt.timedelta(hours=2), actor=KIM)),
    ("Promises.make", lambda desk: desk.promises.make(1, "A new one", "2026-01-06T09:00:00+00:00", actor=KIM)),
    ("Promises.move", lambda desk: desk.promises.move(1, promise(desk), dt.timedelta(hours=3), actor=KIM)),
    ("Promises.keep", lambda desk: desk.promises.keep(1, promise(desk), actor=KIM)),
    ("Promises.cancel", lambda desk: desk.promises.cancel(1, promise(desk), actor=KIM)),
    ("Vendors.hand_over", lambda desk: desk.vendors.hand_over(1, "acme", actor=KIM)),
    ("Vendors.write", lambda desk: desk.vendors.write(1, "acme", "Any news?", actor=KIM)),
    ("Vendors.pause", lambda desk: desk.vendors.pause(1, "acme", actor=KIM)),
    ("Vendors.resume", lambda desk: desk.vendors.resume(1, "acme", actor=KIM)),
    ("Vendors.take_back", lambda desk: desk.vendors.take_back(1, "acme", actor=KIM)),
    ("Desk.set_due", lambda desk: desk.set_due(2, "first_response", NOON, actor=KIM)),
    ("Desk.apply_policy", lambda desk: desk.apply_policy(2, actor=KIM)),
    ("Desk.set_levels", lambda desk: desk.set_levels(desk.levels)),
    ("Desk.clocks", lambda desk: desk.clocks(1)),
    ("Desk.explain", lambda desk: desk.explain(1, NINE)),
    ("Desk.what_if", lambda desk: desk.what_if(desk.levels, limit=3)),
    ("Desk.link", lambda desk: desk.link(2, "child", 1, actor=KIM)),
    ("Desk.unlink", lambda desk: desk.unlink(2, "child", 1, actor=KIM)),
    ("Desk.merge", lambda desk: desk.merge(2, 1, actor=KIM)),
    ("Desk.unmerge", lambda desk: desk.unmerge(2, actor=KIM)),
    ("Desk.split", lambda desk: desk.split(1, [sync(desk).messages(1)[0].id], "A part", actor=KIM)),
    ("Desk.get", lambda desk: desk.get(3)),
    ("Desk.find", lambda desk: desk.find(states="open", limit=2)),
    ("Desk.messages", lambda desk: desk.messages(1)),
    ("Desk.notes", lambda desk: desk.notes(1)),
    ("Outbox.__call__", lambda desk: desk.outbox(1, states=["pending"], limit=3)),
    ("Desk.deliver_outbox", lambda desk: desk.deliver_outbox(1, lease=dt.timedelta(seconds=30))),
    ("Outbox.get", lambda desk: desk.outbox.get(sync(desk).outbox(1)[0].id)),
    ("Outbox.retry", lambda desk: desk.outbox.retry(stuck(desk, "parked"), by=KIM, note="It is back")),
    ("Outbox.settle", lambda desk: desk.outbox.settle(stuck(desk, "unknown"), "sent", by=KIM, external_id="x")),
    ("Desk.deliver_outbox", lambda desk: desk.deliver_outbox(3, lease=dt.timedelta(seconds=30))),
    ("Desk.resolve", lambda desk: desk.resolve(1, "It is out", actor=KIM)),
    ("Desk.reopen", lambda desk: desk.reopen(1, "It is back", actor=KIM)),
    ("Desk.end", lambda desk: desk.end(1, actor=KIM, reason="solved")),
    ("Desk.counts", lambda desk: desk.counts()),
    ("Desk.tick", lambda desk: desk.tick(NOON, limit=5)),
    ("Desk.purge", lambda desk: desk.purge(limit=5)),
    ("Desk.history", lambda desk: desk.history(1)),
    ("Teams.add", lambda desk: desk.teams.add("it")),
    ("Agents.add", lambda desk: desk.agents.add("kim", name="Kim", teams=["it"], languages=["en"])),
    ("Agents.get", lambda desk: desk.agents.get("kim")),
    ("Agents.change", lambda desk: desk.agents.change("kim", capacity={"chat": 2})),
    ("Agents.list", lambda desk: desk.agents.list()),
    ("Teams.get", lambda desk: desk.teams.get("it")),
    ("Teams.change", lambda desk: desk.teams.change("it", name="IT")),
    ("Teams.members", lambda desk: desk.teams.members("it")),
    ("Teams.lint", lambda desk: desk.teams.lint()),
    ("Teams.list", lambda desk: desk.teams.list()),
    ("Presence.set", lambda desk: desk.presence.set("kim", "online", lasting=dt.timedelta(hours=1))),
    ("Presence.get", lambda desk: desk.presence.get("kim")),
    ("Presence.list", lambda desk: desk.presence.list()),
    ("Presence.clear", lambda desk: desk.presence.clear("kim")),
    ("Desk.queue", lambda desk: desk.queue(limit=2)),
    ("Desk.candidates", lambda desk: desk.candidates(3)),
    ("Desk.next", lambda desk: desk.next("kim")),
    ("Agents.remove", lambda desk: desk.agents.remove("kim")),
    ("Teams.remove", lambda desk: desk.teams.remove("it")),
    ("Customers.consent", lambda desk: desk.customers.consent(desk_customer(desk), "surveys", allowed=False)),
    ("Customers.card", lambda desk: desk.customers.card(desk_customer(desk))),
    ("Participants.add", lambda desk: desk.participants.add(3, "mo@example.com", actor=KIM)),
    ("Participants.list", lambda desk: desk.participants.list(3)),
    ("Participants.remove", lambda desk: desk.participants.remove(3, "mo@example.com", actor=KIM)),
    ("Desk.revoke_tokens", lambda desk: desk.revoke_tokens(3, actor=KIM)),
    ("Outbox.pauses", lambda desk: desk.outbox.pauses()),
    ("Reports.kpis", lambda desk: desk.reports.kpis(NINE, NOON)),
    ("Reports.metric", lambda desk: desk.reports.metric("volume", NINE, NOON)),
    ("Reports.scores", lambda desk: desk.reports.scores(NINE, NOON)),
    ("Surveys.list", lambda desk: desk.surveys.list()),
    ("Surveys.invitations", lambda desk: desk.surveys.invitations(1)),
    ("Viewing.look", lambda desk: desk.viewing.look(1, "kim", lasting=dt.timedelta(minutes=5))),
    ("Viewing.typing", lambda desk: desk.viewing.typing(1, "lee", lasting=dt.timedelta(minutes=5))),
    ("Viewing.list", lambda desk: desk.viewing.list(1)),
    ("Viewing.leave", lambda desk: desk.viewing.leave(1, "kim")),
    ("Drafts.save", lambda desk: desk.drafts.save(1, "kim", "A draft")),
    ("Drafts.get", lambda desk: desk.drafts.get(1, "kim")),
    ("Drafts.list", lambda desk: desk.drafts.list(1)),
    ("Drafts.newer", lambda desk: desk.drafts.newer(1, "kim")),
    ("Drafts.discard", lambda desk: desk.drafts.discard(1, "kim")),
    ("Macros.list", lambda desk: desk.macros.list()),
    ("Automations.log", lambda desk: desk.automations.log(1)),
    ("Incidents.tickets", lambda desk: desk.incidents.tickets(1)),
    ("Privacy.ledger", lambda desk: desk.privacy.ledger()),
    ("Privacy.export", lambda desk: desk.privacy.export(desk_customer(desk), notes=True)),
    ("Desk.follow", lambda desk: desk.follow("billing", batch=7)),
    ("Desk.check", lambda desk: desk.check(deep=True)),
]
"""Every verb on a desk, with the result that both kinds of desk must agree about."""
ELSEWHERE = {
    "Desk.transaction", "Desk.close", "Desk.export", "Desk.import_",
    # What needs two people, a public channel or a secret that is random: the parity test hands their arguments on.
    "Customers.merge", "Customers.unmerge", "Customers.start_verification", "Customers.confirm",
    "Desk.answer_in_public", "Desk.move_to_private", "Desk.continuation_link", "Desk.original",
    "Portal.issue", "Portal.open", "Portal.revoke", "Portal.ticket", "Portal.tickets",
    "Surveys.add", "Surveys.get", "Surveys.anonymous", "Surveys.clear_flag", "Surveys.handle",
    # What ends what the others need, or is compared by what comes of it.
    "Drafts.send", "Macros.save", "Macros.get", "Macros.apply", "Macros.preview", "Macros.remove",
    "Automations.preview", "Incidents.add", "Incidents.answer", "Incidents.resolve",
    "Privacy.erase", "Privacy.resume", "Privacy.reapply", "Reports.table", "Outbox.resume",
}  # fmt: skip


def sync(desk: Any) -> Desk:
    return desk.desk if isinstance(desk, AsyncDesk) else desk


def stuck(desk: Any, state: str) -> str:
    """Return the id of a delivery after a worker could not end it."""
    with sync(desk).storage.begin("default") as unit:
        claimed = unit.claim_outbox(sync(desk).now(), lease=dt.timedelta(seconds=30), worker="w")
        assert claimed is not None
        unit.settle_outbox(claimed[0], state=OutboxState(state), now=sync(desk).now())
    return claimed[0].id


def desk_customer(desk: Any) -> str:
    return sync(desk).customers.list()[0].id


def held(desk: Any) -> str:
    return sync(desk).quarantine.list()[0].id


def promise(desk: Any) -> str:
    return sync(desk).get(1).promises[0]


@attrs.define
class Quiet:
    """A channel that takes everything."""

    name: str = "chat"
    capabilities: Capabilities = _ABLE

    def send(self, message: Outbound) -> Accepted:
        return Accepted(message.id)


SAD = {"id": "sad", "when": {"signal": "detractor"}, "levels": [{"actions": [{"tag": ["sad"]}]}]}


def arguments() -> dict[str, Any]:
    return {
        "clock": ManualClock(NINE),
        "ids": SequentialIds(),
        "channels": [Quiet(), Pigeon()],
        "vendors": [{"name": "acme", "channel": "chat", "address": "acme"}],
        "escalations": {"rules": [SAD]},
        "regulation": {"topics": {"fire": {"person": "kim", "deputy": "lee"}}},
    }


def plain_results() -> list[Any]:
    results = []
    with Desk(**arguments()) as desk:
        for _verb, step in DAY:
            result = step(desk)
            results.append(list(result) if isinstance(result, Iterator) else result)
    return results


async def awaited_results() -> list[Any]:
    results = []
    async with AsyncDesk(**arguments()) as desk:
        for _verb, step in DAY:
            result = step(desk)
            if inspect.isasyncgen(result):
                result = [item async for item in result]
            results.append(await result if inspect.isawaitable(result) else result)
    return results


def test_the_day_has_every_verb() -> None:
    verbs = {f"{cls.__name__}.{name}" for cls in TWINS for name in methods(cls)}
    assert {verb for verb, _step in DAY} == verbs - ELSEWHERE


def test_every_verb_gives_what_the_verb_of_a_plain_desk_gives() -> None:
    expected, got = plain_results(), run(awaited_results())
    assert len(expected) == len(got) == len(DAY)
    for (verb, _step), one, other in zip(DAY, expected, got, strict=True):
        assert other == one, verb


def test_errors_come_through_with_their_attributes() -> None:
    async def main() -> None:
        async with open_ticket() as (desk, number):
            with pytest.raises(TicketNotFound):
                await desk.get(99)
            with pytest.raises(Refused) as refused:
                await desk.resolve(number, "", actor=KIM)
            assert refused.value.refusal.code == "resolution.missing"
            with pytest.raises(TypeError, match="not both"):
                await desk.find(TicketQuery(), limit=2)

    run(main())


def test_many_calls_at_once_lose_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_ticket(url_in(tmp_path), threads=4) as (desk, number):
            asked = [f"note {count}" for count in range(60)]
            notes = [desk.note(number, text, actor=KIM, idempotency_key=text) for text in asked]
            again = [desk.note(number, text, actor=KIM, idempotency_key=text) for text in asked[:10]]
            reads = [desk.get(number) for _ in range(20)]
            await asyncio.gather(*notes, *reads, *again)
            assert sorted(await bodies(desk, number)) == sorted(asked)
            log = await desk.history(number)
            assert [recorded.seq for recorded in log] == list(range(1, len(log) + 1))

    run(main())


def test_two_readers_that_then_write_do_not_overwrite_each_other(tmp_path: Path) -> None:
    async def add_one(desk: AsyncDesk, number: int) -> None:
        for _ in range(10):
            while True:
                ticket = await desk.get(number)
                changes = {"count": int(ticket.fields.get("count", 0) or 0) + 1}
                try:
                    await desk.set_fields(number, changes, actor=KIM, expected_version=ticket.version)
                except ConcurrentUpdate:
                    continue
                break

    async def main() -> None:
        async with open_ticket(url_in(tmp_path)) as (desk, number):
            await asyncio.gather(*(add_one(desk, number) for _ in range(4)))
            assert (await desk.get(number)).fields["count"] == 40

    run(main())


def test_plug_ins_see_the_context_variables_of_the_task() -> None:
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")
    seen: dict[str, str] = {}

    class Plugin:
        @hookimpl
        def supportkit_event_recorded(self, recorded: Recorded, ticket: Ticket) -> None:
            seen[ticket.subject] = request.get()

    async def one(desk: AsyncDesk, name: str) -> None:
        request.set(name)
        await desk.open(name, author="customer:ann")
        async with desk.transaction() as inside:
            await inside.open(f"{name} inside", author="customer:ann")

    async def main() -> None:
        async with AsyncDesk(plugins=[Plugin()]) as desk:
            await asyncio.gather(one(desk, "a"), one(desk, "b"))

    run(main())
    assert seen == {"a": "a", "b": "b", "a inside": "a", "b inside": "b"}


# -- the event loop --------------------------------------------------------------------------------------------------


def test_a_slow_plug_in_does_not_stop_the_event_loop() -> None:
    slow = Slow()

    async def main() -> None:
        async with open_ticket(plugins=[slow]) as (desk, number):
            note = asyncio.create_task(desk.note(number, "Slowly", actor=KIM))
            await slow.has_begun()
            for _ in range(3):
                slow.events.append("tick")
                await asyncio.sleep(0)
            assert not note.done()
            slow.may_end.set()
            await note

    run(main())
    assert slow.events == ["plug-in begins", "tick", "tick", "tick", "plug-in ends"]


def test_a_slow_opening_does_not_stop_the_event_loop() -> None:
    order: list[str] = []
    begun, may_end = threading.Event(), threading.Event()

    class Plugin:
        @hookimpl
        def supportkit_register_channels(self, register: Callable[[Any], None]) -> None:
            order.append("opening begins")
            begun.set()
            assert may_end.wait(PATIENCE)
            order.append("opening ends")

    async def main() -> None:
        opening = asyncio.create_task(AsyncDesk(plugins=[Plugin()]).__aenter__())
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        order.append("tick")
        may_end.set()
        await (await opening).close()

    run(main())
    assert order == ["opening begins", "tick", "opening ends"]


# -- cancellation ----------------------------------------------------------------------------------------------------


def test_a_verb_that_was_begun_is_finished_and_may_be_repeated_with_its_key() -> None:
    slow = Slow()

    async def main() -> None:
        async with open_ticket(plugins=[slow]) as (desk, number):
            note = asyncio.create_task(desk.note(number, "Once", actor=KIM, idempotency_key="k"))
            await slow.has_begun()
            note.cancel()
            with pytest.raises(asyncio.CancelledError):
                await note
            assert slow.events == ["plug-in begins"]  # the task did not wait for the thread
            slow.may_end.set()
            first = await desk.note(number, "Once", actor=KIM, idempotency_key="k")
            assert await bodies(desk, number) == ["Once"]
            assert first.version == (await desk.get(number)).version

    run(main())
    assert slow.events == ["plug-in begins", "plug-in ends"]


def test_a_verb_that_was_not_begun_is_dropped() -> None:
    slow = Slow()

    async def main() -> None:
        async with open_ticket(plugins=[slow], threads=1) as (desk, number):
            first = asyncio.create_task(desk.note(number, "First", actor=KIM))
            await slow.has_begun()
            second = asyncio.create_task(desk.note(number, "Second", actor=KIM))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            slow.may_end.set()
            await first
            assert await bodies(desk, number) == ["First"]

    run(main())


def test_a_timeout_is_a_timeout_and_the_desk_goes_on() -> None:
    slow = Slow()

    async def main() -> None:
        async with open_ticket(plugins=[slow]) as (desk, number):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(desk.note(number, "Late", actor=KIM), timeout=0)
            slow.may_end.set()
            assert (await desk.get(number)).number == number

    run(main())


# -- transactions ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["file", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_in(tmp_path) if request.param == "file" else "sqlite://"


def test_commands_of_a_transaction_are_kept_together(storage: str) -> None:
    async def main() -> None:
        async with AsyncDesk(storage) as desk:
            async with desk.transaction() as inside:
                assert isinstance(inside, AsyncDesk)
                ann = await inside.customers.add("Ann")
                ticket = await inside.open("Late", customer=ann.id, actor=KIM)
                await inside.promises.make(ticket, "Call", dt.timedelta(hours=1), actor=KIM)
                assert (await inside.get(ticket)).promises
            assert (await desk.get(ticket)).customer == ann.id

    run(main())


def test_an_error_undoes_the_block_and_goes_on(storage: str) -> None:
    async def main() -> None:
        async with open_ticket(storage) as (desk, number):
            error = LookupError("of the app")
            with pytest.raises(LookupError) as caught:
                async with desk.transaction() as inside:
                    await inside.note(number, "Undone", actor=KIM)
                    raise error
            assert caught.value is error
            assert await bodies(desk, number) == []
            await desk.note(number, "Kept", actor=KIM)
            assert await bodies(desk, number) == ["Kept"]

    run(main())


def test_a_refusal_inside_may_be_caught_there(storage: str) -> None:
    async def main() -> None:
        async with open_ticket(storage) as (desk, number):
            async with desk.transaction() as inside:
                with pytest.raises(Refused):
                    await inside.resolve(number, "", actor=KIM)
                await inside.note(number, "Resolution missing", actor=KIM)
            assert await bodies(desk, number) == ["Resolution missing"]

    run(main())


def test_a_cancelled_block_is_undone_before_the_cancellation_goes_on(storage: str) -> None:
    written = asyncio.Event()

    async def block(desk: AsyncDesk, number: int) -> None:
        async with desk.transaction() as inside:
            await inside.note(number, "Undone", actor=KIM)
            written.set()
            await asyncio.Event().wait()

    async def main() -> None:
        async with open_ticket(storage) as (desk, number):
            task = asyncio.create_task(block(desk, number))
            await written.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await bodies(desk, number) == []
            await desk.note(number, "Kept", actor=KIM)

    run(main())


@attrs.define
class Hesitant:
    """A plug-in that decides slowly."""

    begun: threading.Event = attrs.field(factory=threading.Event)
    may_end: threading.Event = attrs.field(factory=threading.Event)

    @hookimpl
    def supportkit_refuse(self, ticket: Ticket | None, command: Any) -> Refusal | None:
        if type(command).__name__ == "AddNote" and command.body == "Slowly":
            self.begun.set()
            assert self.may_end.wait(PATIENCE)
        return None


def test_a_block_that_is_cancelled_inside_a_verb_is_undone_when_the_verb_is_finished(storage: str) -> None:
    slow = Hesitant()

    async def block(desk: AsyncDesk, number: int) -> None:
        async with desk.transaction() as inside:
            await inside.note(number, "Slowly", actor=KIM)

    async def main() -> None:
        async with open_ticket(storage, plugins=[slow]) as (desk, number):
            task = asyncio.create_task(block(desk, number))
            assert await asyncio.to_thread(slow.begun.wait, PATIENCE)
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
            slow.may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await bodies(desk, number) == []

    run(main())


def test_a_block_that_is_cancelled_twice_gives_the_storage_back_all_the_same(storage: str) -> None:
    slow = Hesitant()

    async def block(desk: AsyncDesk, number: int) -> None:
        async with desk.transaction() as inside:
            await inside.note(number, "Slowly", actor=KIM)

    async def main() -> None:
        async with open_ticket(storage, plugins=[slow]) as (desk, number):
            task = asyncio.create_task(block(desk, number))
            assert await asyncio.to_thread(slow.begun.wait, PATIENCE)
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            slow.may_end.set()
            await desk.note(number, "Kept", actor=KIM)
            assert await bodies(desk, number) == ["Kept"]

    run(main())


def test_a_block_that_is_cancelled_while_it_waits_to_begin_never_begins(storage: str) -> None:
    async def main() -> None:
        async with open_ticket(storage) as (desk, number):
            entered = asyncio.Event()

            async def second() -> None:
                async with desk.transaction():
                    pytest.fail("it began")

            async def first() -> None:
                async with desk.transaction() as inside:
                    entered.set()
                    waiting = contextvars.Context().run(asyncio.create_task, second())
                    await asyncio.sleep(0)
                    waiting.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await waiting
                    await inside.note(number, "First", actor=KIM)

            await first()
            await desk.note(number, "Second", actor=KIM)
            assert await bodies(desk, number) == ["First", "Second"]

    run(main())


def test_transactions_of_several_tasks_take_turns(tmp_path: Path) -> None:
    async def block(desk: AsyncDesk, number: int, name: str) -> None:
        async with desk.transaction() as inside:
            await inside.note(number, f"{name}1", actor=KIM)
            await asyncio.sleep(0)
            await inside.note(number, f"{name}2", actor=KIM)

    async def main() -> None:
        async with open_ticket(url_in(tmp_path), threads=3) as (desk, number):
            await asyncio.gather(*(block(desk, number, name) for name in "abcdefgh"))
            texts = await bodies(desk, number)
            assert sorted(texts) == sorted(f"{name}{part}" for name in "abcdefgh" for part in "12")
            assert [text[0] for text in texts[::2]] == [text[0] for text in texts[1::2]]

    run(main())


def test_readers_do_not_wait_for_transactions_that_wait_for_each_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_ticket(url_in(tmp_path), threads=1) as (desk, number):
            async with desk.transaction() as inside:
                others = [contextvars.Context().run(asyncio.create_task, write(desk, number, name)) for name in "abc"]
                await asyncio.sleep(0)
                reader = contextvars.Context().run(asyncio.create_task, desk.get(number))
                assert (await reader).number == number
                assert not any(other.done() for other in others)
                assert [thread.name for thread in threading.enumerate()].count("supportkit-transaction") == 1
                await inside.note(number, "First", actor=KIM)
            await asyncio.gather(*others)
            assert await bodies(desk, number) == ["First", "a", "b", "c"]

    async def write(desk: AsyncDesk, number: int, text: str) -> None:
        async with desk.transaction() as inside:
            await inside.note(number, text, actor=KIM)

    run(main())


def test_closing_waits_for_a_transaction_of_another_task(tmp_path: Path) -> None:
    async def main() -> None:
        desk = AsyncDesk(plain)
        async with desk.transaction() as inside:
            closing = contextvars.Context().run(asyncio.create_task, desk.close())
            number = (await inside.open("Printer", author="customer:ann")).number
            for count in range(20):  # enough for a closing that does not wait
                await inside.note(number, str(count), actor=KIM)
            assert not closing.done()
        await closing
        with pytest.raises(StorageError, match="closed"):
            async with desk.transaction():
                pytest.fail("it began")
        assert len(plain.notes(number)) == 20

    with Desk(url_in(tmp_path)) as plain:
        run(main())


ABANDONED = """
import asyncio
from supportkit import AsyncDesk

async def block(desk, entered):
    async with desk.transaction():
        entered.set()
        await asyncio.Event().wait()

async def main():
    desk = await AsyncDesk().__aenter__()
    entered = asyncio.Event()
    task = asyncio.create_task(block(desk, entered))
    await entered.wait()
    return desk, task

loop = asyncio.new_event_loop()
kept = loop.run_until_complete(main())
"""


def test_a_loop_that_is_abandoned_inside_a_transaction_does_not_keep_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", ABANDONED], capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0


def test_calls_that_are_gathered_inside_run_one_after_the_other(storage: str) -> None:
    async def main() -> None:
        async with open_ticket(storage) as (desk, number):
            async with desk.transaction() as inside:
                await asyncio.gather(*(inside.note(number, str(count), actor=KIM) for count in range(5)))
            assert await bodies(desk, number) == ["0", "1", "2", "3", "4"]

    run(main())


def test_the_outer_desk_does_inside_the_block_what_a_plain_one_does(storage: str) -> None:
    async def main() -> None:
        async with open_ticket(storage) as (desk, number):
            async with desk.transaction() as inside:
                with pytest.raises(ConfigurationError, match=r"desk\.transaction"):
                    await desk.note(number, "Outside", actor=KIM)
                with pytest.raises(ConfigurationError, match=r"desk\.transaction"):
                    async with desk.transaction():
                        pytest.fail("it began")
                assert (await desk.get(number)).number == number
                assert await asyncio.create_task(desk.counts())
                await inside.note(number, "Inside", actor=KIM)
            await desk.note(number, "After", actor=KIM)
            assert await bodies(desk, number) == ["Inside", "After"]

    run(main())


def test_the_desk_of_another_tenant_of_the_same_storage_cannot_hang_the_block(tmp_path: Path) -> None:
    async def main(shared: SqlStorage) -> None:
        async with AsyncDesk(shared, tenant="a") as one, AsyncDesk(shared, tenant="b") as two:
            async with one.transaction():
                with pytest.raises(ConfigurationError, match=r"desk\.transaction"):
                    await two.open("Printer", author="customer:ann")
            assert (await two.open("Printer", author="customer:ann")).number == 1

    shared = SqlStorage(url_in(tmp_path))
    shared.migrate()
    try:
        run(main(shared))
    finally:
        shared.close()


def test_a_desk_of_another_storage_is_free_inside_the_block(tmp_path: Path) -> None:
    slow = Hesitant()

    async def main() -> None:
        async with open_ticket(url_in(tmp_path), plugins=[slow]) as (one, number), open_ticket() as (two, other):
            async with one.transaction() as inside:
                note = asyncio.create_task(inside.note(number, "Slowly", actor=KIM))
                assert await asyncio.to_thread(slow.begun.wait, PATIENCE)
                async with two.transaction() as also:
                    await also.note(other, "Two", actor=KIM)
                assert await bodies(two, other) == ["Two"]
                slow.may_end.set()
                await note
            assert await bodies(one, number) == ["Slowly"]
            assert _LANES.get() == ()

    run(main())


def test_what_has_transactions_of_its_own_is_refused_inside() -> None:
    async def main() -> None:
        async with AsyncDesk() as desk, desk.transaction() as inside:
            for call in (inside.tick(), inside.deliver_outbox(), inside.follow("billing").__anext__()):
                with pytest.raises(StorageError, match="transactions of its own"):
                    await call
            with pytest.raises(StorageError, match="cannot hold another"):
                async with inside.transaction():
                    pytest.fail("it began")

    run(main())


def test_the_inner_desk_ends_with_its_block() -> None:
    async def main() -> None:
        async with open_ticket() as (desk, number):
            async with desk.transaction() as inside:
                await inside.close()  # does nothing, as that of a plain desk
                await inside.note(number, "Kept", actor=KIM)
            with pytest.raises(StorageError):
                await inside.get(number)
            assert await bodies(desk, number) == ["Kept"]

    run(main())


def test_a_task_that_outlives_the_block_it_was_made_in_uses_the_desk_freely() -> None:
    async def main() -> None:
        async with open_ticket() as (desk, number):
            go_on = asyncio.Event()

            async def later() -> list[str]:
                await go_on.wait()
                await desk.note(number, "Later", actor=KIM)
                async with desk.transaction() as inside:
                    await inside.note(number, "Later still", actor=KIM)
                try:
                    return await bodies(desk, number)
                finally:
                    await desk.close()

            async with desk.transaction():
                task = asyncio.create_task(later())
            go_on.set()
            assert await task == ["Later", "Later still"]

    run(main())


def test_closing_inside_a_block_is_refused_and_harms_nothing() -> None:
    async def main() -> None:
        async with open_ticket() as (desk, number):
            async with desk.transaction() as inside:
                with pytest.raises(StorageError, match="after the block"):
                    await desk.close()
                await inside.note(number, "Kept", actor=KIM)
            assert await bodies(desk, number) == ["Kept"]

    run(main())


# -- following -------------------------------------------------------------------------------------------------------


def test_a_follower_gets_each_event_once_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        async with open_ticket(url_in(tmp_path)) as (desk, number):
            first = [recorded.seq async for recorded in desk.follow("billing", batch=1)]
            assert first == [recorded.seq for recorded in await desk.history(number)]
            await desk.note(number, "More", actor=KIM)
            assert [type(recorded.event).__name__ async for recorded in desk.follow("billing")] == ["NoteAdded"]
            assert [recorded async for recorded in desk.follow("billing")] == []

    run(main())


def test_an_event_counts_as_seen_when_the_next_one_is_asked_for() -> None:
    async def main() -> None:
        async with open_ticket() as (desk, number):
            for text in ("one", "two", "three"):
                await desk.note(number, text, actor=KIM)
            seen = []
            async with aclosing(desk.follow("billing")) as events:
                async for recorded in events:
                    seen.append(recorded.seq)
                    if len(seen) == 3:
                        break
            again = [recorded.seq async for recorded in desk.follow("billing")]
            assert again == list(range(seen[-1], len(await desk.history(number)) + 1))

    run(main())


def test_a_follower_that_is_cancelled_while_it_reads_gets_the_event_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = threading.Event(), threading.Event()
    original = Desk.follow

    def slowly(self: Desk, name: str, *, batch: int = 100) -> Iterator[Recorded]:
        events = original(self, name, batch=batch)
        try:
            for recorded in events:
                begun.set()
                assert may_end.wait(PATIENCE)
                yield recorded
        finally:
            events.close()  # type: ignore[attr-defined]

    async def read(desk: AsyncDesk) -> list[int]:
        return [recorded.seq async for recorded in desk.follow("billing")]

    async def main() -> None:
        async with open_ticket() as (desk, number):
            reading = asyncio.create_task(read(desk))
            assert await asyncio.to_thread(begun.wait, PATIENCE)
            reading.cancel()
            await asyncio.sleep(0)
            may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await read(desk) == [recorded.seq for recorded in await desk.history(number)]

    monkeypatch.setattr(Desk, "follow", slowly)
    run(main())


# -- the worker ------------------------------------------------------------------------------------------------------


@attrs.define
class Line:
    """A channel that does not come back until it may."""

    name: str = "chat"
    capabilities: Capabilities = _ABLE
    begun: threading.Event = attrs.field(factory=threading.Event)
    may_end: threading.Event = attrs.field(factory=threading.Event)

    def send(self, message: Outbound) -> Accepted:
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        return Accepted(message.id)


class Enough(Exception):
    """Ends a worker whose pauses have been seen."""


@contextmanager
def pauses(clock: ManualClock, *, count: int) -> Iterator[list[float]]:
    """Let the worker's pauses pass at once, on the clock of the desk; the last of *count* ends it."""
    seen: list[float] = []

    async def sleep(seconds: float) -> None:
        seen.append(seconds)
        clock.advance(seconds=seconds)
        if len(seen) == count:
            raise Enough

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.asyncio, "sleep", sleep)
        yield seen


async def ask(desk: AsyncDesk, *, until: dt.timedelta | None = None) -> int:
    ann = await desk.customers.add("Ann", addresses={"chat": "@ann"})
    ticket = await desk.open("Printer", "It smokes", customer=ann.id, channel="chat")
    await desk.ask(ticket, "Which model?", actor=KIM, until=until)
    return ticket.number


def test_the_worker_delivers_answers_fires_deadlines_and_sleeps_until_the_next() -> None:
    clock = ManualClock(NINE)

    async def main() -> None:
        async with AsyncDesk(clock=clock, channels=[Quiet()]) as desk:
            number = await ask(desk, until=dt.timedelta(seconds=90))
            with pauses(clock, count=3) as seen, pytest.raises(Enough):
                await desk.run_forever(poll=dt.timedelta(seconds=60))
            assert seen == [60.0, 30.0, 60.0]
            assert [one.state for one in await desk.outbox(number)] == ["sent"]
            assert (await desk.get(number)).state == "open"

    run(main())


def test_the_worker_does_all_that_is_due_before_it_sleeps() -> None:
    clock = ManualClock(NINE)

    async def main() -> None:
        async with AsyncDesk(clock=clock, channels=[Quiet()]) as desk:
            numbers = [await ask(desk) for _ in range(3)]
            with pauses(clock, count=1), pytest.raises(Enough):
                await desk.run_forever()
            states = [one.state for number in numbers for one in await desk.outbox(number)]
            assert states == ["sent"] * 3

    run(main())


def test_the_worker_finishes_the_call_in_hand_when_it_is_cancelled() -> None:
    line = Line()

    async def main() -> None:
        async with AsyncDesk(channels=[line]) as desk:
            number = await ask(desk)
            working = asyncio.create_task(desk.run_forever())
            assert await asyncio.to_thread(line.begun.wait, PATIENCE)
            working.cancel()
            await asyncio.sleep(0)
            assert not working.done()
            line.may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await working
            assert [one.state for one in await desk.outbox(number)] == ["sent"]

    run(main())


@pytest.mark.parametrize("error", [StorageUnavailable("locked"), StorageCorrupt("damaged")])
def test_the_worker_goes_on_after_an_error_that_passes_and_ends_at_any_other(
    error: StorageError, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, original, failures = ManualClock(NINE), Desk.tick, [error]

    def fails_once(self: Desk, *args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return original(self, *args, **kwargs)

    async def main() -> None:
        async with AsyncDesk(clock=clock, channels=[Quiet()]) as desk:
            number = await ask(desk)
            with pauses(clock, count=2), pytest.raises(Enough if error.retryable else StorageCorrupt):
                await desk.run_forever()
            states = [one.state for one in await desk.outbox(number)]
            assert states == (["sent"] if error.retryable else ["pending"])

    monkeypatch.setattr(Desk, "tick", fails_once)
    run(main())
    assert (error.code in caplog.text) is error.retryable


def test_a_pause_must_be_positive() -> None:
    async def main() -> None:
        async with AsyncDesk() as desk:
            await desk.run_forever(poll=dt.timedelta(0))

    with pytest.raises(ValueError, match="poll"):
        run(main())


def test_a_desk_is_exported_and_imported() -> None:
    async def story() -> list[str]:
        file = io.BytesIO()
        async with AsyncDesk() as desk:
            await desk.open("Printer", author="customer:ann")
            await desk.export(file)
        async with AsyncDesk() as other:
            await other.import_(io.BytesIO(file.getvalue()))
            return [ticket.subject for ticket in (await other.find()).items]

    assert asyncio.run(story()) == ["Printer"]
