"""A web app with FastAPI: tickets are opened, answered and read over HTTP, and the worker lives in the same process.

Run as a script it calls itself through httpx, without a server and without a network. For real use hand the app to a
server: `uvicorn --factory fastapi_app:make_app`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, StringConstraints

from supportkit import AsyncDesk, Printer, SupportkitError, TicketNotFound
from supportkit.errors import WorkflowError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
router = APIRouter()


class NewTicket(BaseModel):
    """What a customer writes."""

    name: Text
    subject: Text
    body: Text


class Answer(BaseModel):
    """What an agent writes."""

    agent: Text
    body: Text


class TicketOut(BaseModel):
    """What the API tells about a ticket."""

    number: int
    state: str


class Happened(BaseModel):
    """One line of a timeline."""

    seq: int
    actor: str
    event: str


async def desk_of(request: Request) -> AsyncDesk:
    """Return the desk that the lifespan opened."""
    desk: AsyncDesk = request.app.state.desk
    return desk


TheDesk = Annotated[AsyncDesk, Depends(desk_of)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]


@router.post("/tickets", status_code=201)
async def open_ticket(desk: TheDesk, new: NewTicket) -> TicketOut:
    """Add the customer and open the ticket: both or neither."""
    async with desk.transaction() as inside:
        customer = await inside.customers.add(new.name, addresses={"chat": f"@{new.name.lower()}"})
        ticket = await inside.open(new.subject, new.body, customer=customer.id, channel="chat")
    return TicketOut(number=ticket.number, state=ticket.state)


@router.post("/tickets/{number}/answers")
async def answer(desk: TheDesk, number: int, text: Answer, key: Key = None) -> TicketOut:
    """Answer the customer; a client that got no response repeats the request with the same key."""
    ticket = await desk.reply(number, text.body, actor=f"agent:{text.agent}", idempotency_key=key)
    return TicketOut(number=ticket.number, state=ticket.state)


@router.get("/tickets/{number}/timeline")
async def timeline(desk: TheDesk, number: int) -> list[Happened]:
    """Tell what happened to a ticket."""
    log = await desk.history(number)
    return [Happened(seq=one.seq, actor=one.actor.kind, event=type(one.event).__name__) for one in log]


async def told(_request: Request, error: Exception) -> JSONResponse:
    """Turn an error of the desk into a status: not there, the rules say no, try again, or our fault."""
    match error:
        case TicketNotFound():
            status = 404
        case WorkflowError():
            status = 409
        case SupportkitError(retryable=True):
            status = 503
        case _:
            status = 500
    return JSONResponse({"code": getattr(error, "code", ""), "error": str(error)}, status)


def make_app(url: str = "sqlite:///support.db") -> FastAPI:
    """Return the app; its desk is opened when the server starts it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncDesk(url, channels=[Printer(name="chat")]) as desk, asyncio.TaskGroup() as group:
            app.state.desk = desk
            worker = group.create_task(desk.run_forever(poll=dt.timedelta(seconds=0.1)))
            yield
            worker.cancel()

    app = FastAPI(title="Support", lifespan=lifespan, exception_handlers={SupportkitError: told})
    app.include_router(router)
    return app


async def sent(desk: AsyncDesk, number: int) -> None:
    """Wait until the worker has delivered the answers of a ticket."""
    while await desk.outbox(number, states=["pending", "leased"]):  # noqa: ASYNC110 - a database sets no event
        await asyncio.sleep(0.01)


async def main(url: str) -> None:
    """Start the app as a server would, and be its client."""
    app = make_app(url)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        ticket = await http.post("/tickets", json={"name": "Ann", "subject": "No sound", "body": "It is silent."})
        print(ticket.status_code, ticket.json())
        number = ticket.json()["number"]

        text = {"agent": "kim", "body": "Is it plugged in?"}
        for _ in range(2):  # the second is a repetition: one answer, the same response
            answered = await http.post(f"/tickets/{number}/answers", json=text, headers={"Idempotency-Key": "a-1"})
            print(answered.status_code, answered.json())
        await sent(app.state.desk, number)

        for line in (await http.get(f"/tickets/{number}/timeline")).json():
            print(line["seq"], line["actor"], line["event"])
        missing = await http.get("/tickets/99/timeline")
        print(missing.status_code, missing.json()["code"])


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(f"sqlite:///{Path(folder) / 'support.db'}"))
