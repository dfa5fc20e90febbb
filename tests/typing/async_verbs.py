"""Read by mypy only: what the verbs of an `AsyncDesk` take, and what awaiting them gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import assert_type

from supportkit import AsyncDesk, Customer, Desk, Note, Printer, Priority, Ticket
from supportkit.model.events import Recorded
from supportkit.storage.port import Page
from supportkit.timers import TickReport


async def commands(desk: AsyncDesk) -> None:
    assert_type(await desk.open("No sound", "Silent.", customer="1", priority="high", tags=["a"]), Ticket)
    assert_type(await desk.ask("id", "Which?", actor="agent:kim", until=dt.timedelta(days=1)), Ticket)
    assert_type(await desk.set_priority(1, Priority.HIGH, actor="agent:kim", idempotency_key="k"), Ticket)
    assert_type(await desk.customers.add("Ann", addresses={"chat": "@ann"}), Customer)
    assert_type(await desk.promises.make(1, "Call", dt.timedelta(hours=1), actor="agent:kim"), Ticket)
    assert_type(await desk.vendors.pause(1, "acme", actor="agent:kim"), Ticket)


async def mistakes(desk: AsyncDesk, plain: Desk) -> None:
    await desk.reply(1, "Hello!")  # type: ignore[call-arg]
    await desk.reply(1, "Hello!", actor="agent:kim", idempotency="k")  # type: ignore[call-arg]
    await desk.move_tier(1, "two", actor="agent:kim")  # type: ignore[arg-type]
    _ = desk.get(1).subject  # type: ignore[attr-defined]
    AsyncDesk("sqlite://", tenants="a")  # type: ignore[call-arg]
    AsyncDesk("sqlite://", tenant=1)  # type: ignore[arg-type]
    AsyncDesk(plain)


async def reading(desk: AsyncDesk) -> None:
    assert_type(await desk.find(), Page[Ticket])
    assert_type(await desk.notes(1), Sequence[Note])
    assert_type(desk.follow("billing"), AsyncGenerator[Recorded, None])
    async with aclosing(desk.follow("billing")) as events:
        async for recorded in events:
            assert_type(recorded, Recorded)


async def background() -> None:
    async with AsyncDesk("sqlite://", tenant="acme", channels=[Printer(name="chat")], threads=4) as desk:
        assert_type(desk, AsyncDesk)
        assert_type(await desk.tick(), TickReport)
        async with desk.transaction() as inside:
            assert_type(inside, AsyncDesk)
        await desk.run_forever(poll=dt.timedelta(seconds=5))
