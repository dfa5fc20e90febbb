"""`desk.drafts`: answers that agents have begun, one for each agent and ticket, kept until they are sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Unpack

import attrs

from supportkit.arguments import How, as_actor, as_name, as_optional_name, as_options, as_ticket, as_words
from supportkit.clock import to_utc
from supportkit.drafting import Draft, Options, Prepare, Ref
from supportkit.engine.decide import decide
from supportkit.errors import ConcurrentUpdate, NotFound, UnknownChannel
from supportkit.lookup import expect, find, survivor
from supportkit.model import commands as cm
from supportkit.model.change import Change
from supportkit.model.message import Message
from supportkit.model.people import Actor, ActorKind
from supportkit.model.record import Record, RecordChange
from supportkit.model.ticket import Ticket
from supportkit.overtaking import newer_messages, refuse_overtaken
from supportkit.pairing import family
from supportkit.records import Records, id_for, keeping
from supportkit.runner import Runner
from supportkit.storage.codec import dumps, loads
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import UnitOfWork

DRAFT = "draft"
"""Kind of the records. They belong to the ticket, so they are exported, deleted and erased with it."""


@attrs.frozen(kw_only=True)
class SavedDraft:
    """An answer that an agent has begun.

    Attributes:
        ticket: Id of the ticket that it was written for; of a merged one it still is that one.
        agent: Who writes it.
        body: What he has so far.
        seen_version: The version of the ticket that he has read.
        saved_at: When it was last saved.
        version: 1 for the first save, then one more for each change.
    """

    ticket: str
    agent: str
    body: str = attrs.field(repr=False)
    seen_version: int
    saved_at: dt.datetime
    version: int


@attrs.frozen
class Drafts:
    """Answers that are not sent yet: `save`, `get`, `list`, `newer`, `send`, `discard`.

    Each agent has one for a ticket, and nobody overwrites that of another. Saving one is no event of the ticket.
    """

    _runner: Runner

    def save(
        self,
        ticket: Ref | Ticket,
        agent: str,
        body: str,
        *,
        seen_version: int | None = None,
        expected_version: int | None = None,
    ) -> SavedDraft:
        """Keep what an agent has written so far, in place of what he had before, and return it.

        Args:
            ticket: Which one.
            agent: His id.
            body: The words.
            seen_version: The version of the ticket that he has read; by default that of the draft, and for a new one
                the present one.
            expected_version: The version of the draft that this one replaces, 0 for none: two windows of one agent do
                not overwrite each other.

        Raises:
            TicketNotFound: There is no such ticket.
            ValueError: *body* is empty, or the ticket has no such version.
            LimitExceeded: *body* is too long.
            ConcurrentUpdate: The draft is not at *expected_version*.
            CapabilityMissing: The storage keeps no records.
        """
        named, agent = as_ticket(ticket), as_name(agent, "agent")
        body = as_words(body, "draft", self._runner.rules.limits.text_bytes)
        now = self._runner.clock.now()

        def once(unit: KeepingUnit) -> SavedDraft:
            found = find(unit, named)
            before = unit.record(DRAFT, id_for(found.id, agent))
            _expect_draft(found, before, expected_version)
            seen = seen_version
            if seen is None:
                seen = found.version if before is None else _draft(before).seen_version
            elif isinstance(seen, bool) or not 1 <= seen <= found.version:
                raise ValueError(f"seen_version must be a version of the ticket, 1 to {found.version}, not {seen!r}")
            data = dumps({"agent": agent, "body": body, "seen": seen, "saved": now.isoformat()})
            record = self._records.new(id_for(found.id, agent), data, owner=found.id)
            if before is not None:
                record = attrs.evolve(record, version=before.version + 1)
            unit.save(Change(records=(RecordChange(record=record),)))
            return _draft(record)

        return self._records.in_one(once)

    def get(self, ticket: Ref | Ticket, agent: str) -> SavedDraft | None:
        """Return what an agent has written for a ticket, `None` for nothing.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._records.reading() as unit:
            record = unit.record(DRAFT, id_for(find(unit, as_ticket(ticket)).id, as_name(agent, "agent")))
        return None if record is None else _draft(record)

    def list(self, ticket: Ref | Ticket) -> Sequence[SavedDraft]:
        """Return what all agents have written for a ticket and for those merged into it, the oldest first.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        with self._records.reading() as unit:
            whole = family(unit, find(unit, as_ticket(ticket)))
            found = [_draft(record) for one in whole for record in unit.records(DRAFT, owner=one)]
        return sorted(found, key=lambda one: (one.saved_at, one.agent))

    def newer(self, ticket: Ref | Ticket, agent: str) -> Sequence[Message]:
        """Return what others said after the version that the draft of an agent goes by: warn him with that.

        Raises:
            TicketNotFound: There is no such ticket.
            NotFound: He has no draft for it.
        """
        with self._records.reading() as unit:
            draft = _draft(self._mine(unit, as_ticket(ticket), as_name(agent, "agent")))
            return newer_messages(unit, draft.ticket, draft.seen_version, Actor(ActorKind.AGENT, draft.agent))

    def discard(self, ticket: Ref | Ticket, agent: str) -> None:
        """Throw a draft away; nothing happens where there is none.

        Raises:
            TicketNotFound: There is no such ticket.
        """
        named, agent = as_ticket(ticket), as_name(agent, "agent")

        def once(unit: KeepingUnit) -> None:
            found = unit.record(DRAFT, id_for(find(unit, named).id, agent))
            if found is not None:
                unit.save(Change(records=(RecordChange(record=found, is_removed=True),)))

        self._records.in_one(once)

    def send(
        self,
        ticket: Ref | Ticket,
        agent: str,
        *,
        actor: Actor | str | None = None,
        channel: str | None = None,
        seen_version: int | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Answer with the draft of an agent, and forget the draft in the same transaction; return the ticket.

        Args:
            ticket: Which one.
            agent: Whose draft.
            actor: Who answers; the agent by default.
            channel: By which channel; see `Desk.reply`.
            seen_version: The version of the ticket that was read; by default that of the draft.

        Raises:
            NotFound: There is no draft of his.
            NewerMessages: Others said something meanwhile; the draft is kept.
            UnknownChannel: The desk has no such channel.
            Refused: A rule or a plug-in says no; the draft is kept.
        """
        named, agent = as_ticket(ticket), as_name(agent, "agent")
        sends = self._runner.rules.sends
        if channel is not None and channel not in sends:
            raise UnknownChannel(channel, sorted(sends))
        now = self._runner.clock.now()
        # The words are those of the draft, which is gone when a key comes back: the key stands for "send my draft".
        command = cm.Reply(
            actor=Actor(ActorKind.AGENT, agent) if actor is None else as_actor(actor),
            body="",
            channel=as_optional_name(channel, "channel"),
            message=self._runner.new_id(now),
        )
        options = as_options(how)
        prepare = self._sending(named, agent, command, seen_version, options)
        return self._runner.carry_out(command, options, prepare, subject=named)

    def _sending(self, named: Ref, agent: str, command: cm.Reply, seen: int | None, options: Options) -> Prepare:
        runner = self._runner

        def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
            record = self._mine(keeping(unit, runner), named, agent)
            saved, ticket = _draft(record), survivor(unit, named)
            expect(ticket, options)
            refuse_overtaken(unit, named, ticket, saved.seen_version if seen is None else seen, command.actor)
            known = attrs.evolve(command, body=saved.body)
            draft.command = known
            events = decide(ticket, known, draft.at, runner.rules)
            runner.ask_plugins(ticket, known)
            draft.records.append(RecordChange(record=record, is_removed=True))
            return draft.add(runner.tenant, ticket, ticket.id, events) or ticket

        return prepare

    def _mine(self, unit: KeepingUnit, ticket: Ref, agent: str) -> Record:
        found = find(unit, ticket)
        record = unit.record(DRAFT, id_for(found.id, agent))
        if record is None:
            raise NotFound("draft", f"of {agent:.60} for ticket {found.number}")
        return record

    @property
    def _records(self) -> Records:
        return Records(self._runner, DRAFT)


def _expect_draft(ticket: Ticket, before: Record | None, expected: int | None) -> None:
    version = 0 if before is None else before.version
    if expected is not None and expected != version:
        raise ConcurrentUpdate(
            ticket.id, expected, f"the draft for ticket {ticket.number} is at version {version}, not {expected}"
        )


def _draft(record: Record) -> SavedDraft:
    plain = loads(record.data)
    return SavedDraft(
        ticket=record.owner,
        agent=plain["agent"],
        body=plain["body"],
        seen_version=plain["seen"],
        saved_at=to_utc(plain["saved"], "saved"),
        version=record.version,
    )
