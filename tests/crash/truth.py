"""What must be true of a database whatever was killed: `examine` looks at all of it. No tests in here."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
from sqlalchemy import select
from tests.crash.outside import LINES, Call

from supportkit import Desk
from supportkit.drafting import read_clocks
from supportkit.model import events as ev
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.ticket import StateCategory
from supportkit.storage import schema as t
from supportkit.storage.port import TicketQuery
from supportkit.storage.sql import SqlStorage
from supportkit.testing.storage.kit import all_tickets


@attrs.define
class Found:
    """What was looked at; printed, so that a green test shows that it saw something."""

    tickets: int = 0
    events: int = 0
    deliveries: int = 0
    warnings: int = 0
    breaches: int = 0
    unknown: int = 0
    repeats: int = 0


def rows(storage: SqlStorage, tenant: str, table: Any) -> list[Any]:
    with storage.engine.connect() as connection:
        return list(connection.execute(select(table).where(table.c.tenant == tenant)))


def examine(desk: Desk, storage: SqlStorage) -> Found:
    """Check that every row is the fold of its log, and that what belongs together is there together."""
    found = Found()
    errors = [one for one in desk.check(deep=True) if one.severity == "error"]
    assert errors == []
    replies, received, notes, told, due = Counter[Any](), Counter[str](), Counter[str](), Counter[Any](), {}
    with desk.storage.begin(desk.tenant, write=False) as unit:
        tickets = all_tickets(unit, TicketQuery(limit=500))
        found.tickets = len(tickets)
        for ticket in tickets:
            log = unit.history(ticket.id)
            assert [one.seq for one in log] == list(range(1, ticket.version + 1))
            found.events += len(log)
            kept = read_clocks(ticket, desk._runner.rules.promises)
            assert (kept is None) <= (ticket.category is StateCategory.CLOSED)
            if kept is not None and kept.next is not None:
                due[ticket.id] = kept.next
            for one in log:
                match one.event:
                    case ev.ReplyAdded(queued=True):
                        replies[one.event.message, ticket.id, one.seq, one.event.channel] += 1
                    case ev.MessageReceived():
                        received[one.event.message] += 1
                    case ev.NoteAdded():
                        notes[one.event.note] += 1
                    case ev.ClockWarned() | ev.ClockBreached():
                        told[ticket.id, one.event.id] += 1
                        found.warnings += isinstance(one.event, ev.ClockWarned)
                        found.breaches += isinstance(one.event, ev.ClockBreached)
        ids = [ticket.id for ticket in tickets]
        messages = Counter(one.id for page in _pages(ids) for one in unit.messages(page))
        stored_notes = Counter(one.id for page in _pages(ids) for one in unit.notes(page))
    outbox = rows(storage, desk.tenant, t.outbox)
    found.deliveries = len(outbox)
    assert Counter((row.message, row.ticket, row.seq, row.channel) for row in outbox) == replies
    assert messages == received + Counter({reply[0]: count for reply, count in replies.items()})
    assert stored_notes == notes
    assert set(told.values()) <= {1}, "a warning or breach was told twice"
    assert {(row.ticket, row.id) for row in rows(storage, desk.tenant, t.firing)} >= set(told)
    waiting = {row.ticket: row.due_at for row in rows(storage, desk.tenant, t.timer) if _is_live(row)}
    assert waiting == due
    attempts = Counter(row.outbox for row in rows(storage, desk.tenant, t.attempt))
    assert {row.id: row.fence for row in outbox if row.fence} == dict(attempts)
    return found


def _pages(ids: list[str]) -> list[list[str]]:
    return [ids[at : at + 500] for at in range(0, len(ids), 500)]


def _is_live(row: Any) -> bool:
    return bool(row.name == "clocks" and row.state in {"waiting", "leased"})


def kept_words(desk: Desk) -> Counter[str]:
    """Return how many messages and notes begin with the key of each order."""
    words: Counter[str] = Counter()
    with desk.storage.begin(desk.tenant, write=False) as unit:
        for page in _pages([ticket.id for ticket in all_tickets(unit, TicketQuery(limit=500))]):
            for one in (*unit.messages(page), *unit.notes(page)):
                words[one.body.split(" ", 1)[0]] += 1
    return words


def all_deliveries(storage: SqlStorage, tenant: str) -> list[Outgoing]:
    from supportkit.storage.rows import read_outgoing

    return [read_outgoing(row) for row in rows(storage, tenant, t.outbox)]


def obeys_section_two(deliveries: list[Outgoing], calls: list[Call], found: Found | None = None) -> None:
    """Check the log of each provider against the rows, when everything is drained."""
    found = found or Found()
    by_id: dict[str, list[Call]] = {}
    for call in calls:
        by_id.setdefault(call.id, []).append(call)
    assert set(by_id) <= {row.id for row in deliveries}, "a provider has what no row knows"
    for row in deliveries:
        made = by_id.get(row.id, [])
        assert {call.line for call in made} <= {row.channel}
        sent = row.state is OutboxState.SENT
        found.unknown += row.state is OutboxState.UNKNOWN
        found.repeats += max(0, len(made) - 1)
        assert [call.flagged for call in made[1:]] == [row.channel == "least"] * (len(made) - 1) or (
            row.channel == "idempotent"
        )
        match row.channel:
            case "idempotent":  # the provider keeps one message for each key, however often it is called
                assert sent, row
                assert made, row
            case "reconcilable":
                assert (sent, len(made)) == (True, 1), row
            case "least":
                assert sent or row.state is OutboxState.UNKNOWN, row
                assert len(made) <= 2, row
                assert made or not sent, row
                assert len(made) < 2 or row.possible_duplicate, row
            case "most":
                assert sent or row.state is OutboxState.UNKNOWN, row
                assert len(made) == 1 if sent else len(made) <= 1, row
            case _:
                assert row.channel in LINES
