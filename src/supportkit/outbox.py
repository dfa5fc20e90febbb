"""`desk.outbox`: the deliveries of a desk, and what a person decides about those that wait for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Unpack

import attrs

from supportkit import pauses
from supportkit.arguments import How, as_actor, as_optional_name, as_options, as_text, as_ticket
from supportkit.drafting import Draft, Options, Prepare, Ref
from supportkit.engine.decide import decide
from supportkit.errors import ConcurrentUpdate, NotFound
from supportkit.lookup import expect, find
from supportkit.model import commands as cm
from supportkit.model.change import OutboxState, Outgoing
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.pauses import Pause
from supportkit.runner import Runner
from supportkit.storage.port import UnitOfWork


@attrs.frozen
class Outbox:
    """Deliveries: `desk.outbox()` lists them; `get` returns one; `retry` and `settle` are for a person's decision.

    A worker leaves a delivery `unknown` when it may have arrived and may not be sent again, and `parked` when it has
    given up. Where a provider does not let an account in, all that goes out by it waits: `pauses` tells, and `resume`
    lets the next worker try at once.
    """

    _runner: Runner

    def __call__(
        self, ticket: Ref | Ticket | None = None, *, states: Iterable[str] = (), limit: int = 100
    ) -> Sequence[Outgoing]:
        """Return deliveries, oldest first: of one ticket, in some states, or all.

        Raises:
            TicketNotFound: There is no such ticket.
            ValueError: There is no such state, or *limit* is not between 1 and 500.
        """
        with self._runner.reading() as unit:
            one = None if ticket is None else find(unit, as_ticket(ticket)).id
            return unit.outbox(ticket=one, states=[OutboxState(state) for state in states], limit=limit)

    def get(self, delivery: str) -> Outgoing:
        """Return one delivery by its id.

        Raises:
            NotFound: There is no such delivery.
        """
        with self._runner.reading() as unit:
            return _found(unit, delivery)

    def retry(self, delivery: str, *, by: Actor | str, note: str = "", **how: Unpack[How]) -> Ticket:
        """Let a delivery that is `unknown` or `parked` begin anew, at once, and return its ticket.

        Its tries and its 48 hours are counted from now. One that was `unknown` carries `possible_duplicate`: the
        customer may get the answer twice. Where the provider can be asked it is asked before.

        Args:
            delivery: Its id.
            by: Who decides.
            note: Why, in words.

        Raises:
            NotFound: There is no such delivery.
            IllegalSettlement: It does not wait for a person.
            Refused: A plug-in says no.
        """
        runner = self._runner
        command = cm.RetryDelivery(actor=as_actor(by), delivery=delivery, note=self._note(note))
        return runner.carry_out(command, options := as_options(how), _deciding(runner, command, options), subject=None)

    def settle(
        self,
        delivery: str,
        state: OutboxState | str,
        *,
        by: Actor | str,
        note: str = "",
        external_id: str | None = None,
        **how: Unpack[How],
    ) -> Ticket:
        """Say what became of a delivery that is `unknown` or `parked`, for good, and return its ticket.

        Settled as `failed` or `cancelled` the answer never was a response: clocks that it had stopped are corrected.

        Args:
            delivery: Its id.
            state: `sent`, `failed` or `cancelled`; `pending` is what `retry` does.
            by: Who decides.
            note: How that is known, in words.
            external_id: The provider's id of the message, if it was sent.

        Raises:
            NotFound: There is no such delivery.
            IllegalSettlement: It does not wait for a person, or may not become *state*.
            Refused: A plug-in says no.
            ValueError: There is no such state, or an id came with another one than `sent`.
        """
        state = OutboxState(state)
        if external_id is not None and state is not OutboxState.SENT:
            raise ValueError(f"external_id= goes with 'sent', not with {state.value!r}")
        if state is OutboxState.PENDING:
            return self.retry(delivery, by=by, note=note, **how)
        runner = self._runner
        command = cm.SettleDelivery(
            actor=as_actor(by),
            delivery=delivery,
            state=state,
            note=self._note(note),
            external_id=as_optional_name(external_id, "external_id"),
        )
        return runner.carry_out(command, options := as_options(how), _deciding(runner, command, options), subject=None)

    def pauses(self) -> Sequence[Pause]:
        """Return the accounts that their providers do not let in: a wrong password, a wrong certificate.

        Their deliveries stay pending, and nobody is called until the pause is over; then one of them tries.
        """
        with self._runner.reading() as unit:
            return pauses.pauses(self._runner, unit)

    def resume(self, channel: str, account: str = "") -> None:
        """Let the next worker try a paused account at once, because somebody has mended what was wrong.

        Args:
            channel: The name of the adapter.
            account: Which of ours, as `pauses` has it.

        Raises:
            NotFound: It is not paused.
        """
        pauses.resume(self._runner, (channel, account))

    def _note(self, note: str) -> str:
        return as_text(note, "note", self._runner.rules.limits.text_bytes)


def _found(unit: UnitOfWork, delivery: str) -> Outgoing:
    row = unit.delivery(delivery)
    if row is None:
        raise NotFound("delivery", delivery)
    return row


def _deciding(runner: Runner, command: cm.RetryDelivery | cm.SettleDelivery, options: Options) -> Prepare:
    """Decide about the delivery as it stands, and store that only if it still stands so."""

    def prepare(unit: UnitOfWork, draft: Draft) -> Ticket:
        row = _found(unit, command.delivery)
        ticket = find(unit, row.ticket)
        expect(ticket, options)
        known = attrs.evolve(command, message=row.message, channel=row.channel, source=row.state)
        draft.command = known
        events = decide(ticket, known, draft.at, runner.rules)
        runner.ask_plugins(ticket, known)
        state = known.state if isinstance(known, cm.SettleDelivery) else OutboxState.PENDING
        external_id = known.external_id if isinstance(known, cm.SettleDelivery) else None
        if not unit.decide_outbox(row, state=state, now=draft.now, external_id=external_id):
            raise ConcurrentUpdate(
                ticket.id, ticket.version, f"delivery {row.id!r:.140} was settled meanwhile: look at it again"
            )
        return draft.add(runner.tenant, ticket, ticket.id, events) or ticket

    return prepare
