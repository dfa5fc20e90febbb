"""Promises to customers and work of other organisations: verbs of `desk.promises` and `desk.vendors`."""

from __future__ import annotations

import datetime as dt
from typing import Unpack

import attrs

from supportkit.arguments import How, When, as_actor, as_name, as_options, as_ticket, as_words
from supportkit.clock import to_utc
from supportkit.drafting import Ref
from supportkit.escalation.vendors import Vendor
from supportkit.lines import Lines
from supportkit.model import commands as cm
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner


def _goal(due: When | dt.timedelta) -> tuple[dt.datetime | None, dt.timedelta | None]:
    return (None, due) if isinstance(due, dt.timedelta) else (to_utc(due, "due"), None)


@attrs.frozen
class Promises:
    """What was promised to customers by hand: each promise is a clock with a warning and a breach of its own."""

    _runner: Runner

    def make(
        self, ticket: Ref | Ticket, text: str, due: When | dt.timedelta, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Promise the customer something, for example a call.

        Args:
            ticket: Whose customer.
            text: What is promised.
            due: An instant, which knows no pauses, or a span of open time of the policy's calendar.
            actor: Who promises.

        Returns:
            The ticket; the last one of its `promises` that was not there before is the new one.

        Raises:
            Refused: The due lies in the past, or too many promises are open.
        """
        runner = self._runner
        at, within = _goal(due)
        command = cm.MakePromise(
            actor=as_actor(actor),
            text=as_words(text, "promise", runner.rules.limits.text_bytes),
            due=at,
            within=within,
            promise=runner.new_id(runner.clock.now()),
        )
        return runner.run(as_ticket(ticket), command, as_options(how))

    def move(
        self, ticket: Ref | Ticket, promise: str, due: When | dt.timedelta, *, actor: Actor | str, **how: Unpack[How]
    ) -> Ticket:
        """Give a promise another due; if the earlier one was missed it stays missed."""
        at, within = _goal(due)
        command = cm.MovePromise(actor=as_actor(actor), promise=as_name(promise, "promise"), due=at, within=within)
        return self._runner.run(as_ticket(ticket), command, as_options(how))

    def keep(self, ticket: Ref | Ticket, promise: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Say that a promise was kept."""
        command = cm.KeepPromise(actor=as_actor(actor), promise=as_name(promise, "promise"))
        return self._runner.run(as_ticket(ticket), command, as_options(how))

    def cancel(self, ticket: Ref | Ticket, promise: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Say that a promise is void; one that was missed before stays missed."""
        command = cm.CancelPromise(actor=as_actor(actor), promise=as_name(promise, "promise"))
        return self._runner.run(as_ticket(ticket), command, as_options(how))


@attrs.frozen
class Vendors:
    """Other organisations that work on tickets; the clock EXTERNAL measures each hand-over."""

    _runner: Runner
    _lines: Lines

    @property
    def known(self) -> tuple[Vendor, ...]:
        """The vendors that the desk can write to."""
        return tuple(self._runner.rules.vendors.values())

    def write(self, ticket: Ref | Ticket, vendor: str, body: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Write to a vendor that works on the ticket; the customer never gets it.

        Raises:
            Refused: The vendor does not work on it, or the desk knows no address of it.
        """
        words = as_words(body, "message", self._runner.rules.limits.text_bytes)
        return self._lines.write(as_ticket(ticket), as_name(vendor, "vendor"), words, as_actor(actor), as_options(how))

    def hand_over(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Let another organisation work on the ticket; its state is yours to change (`desk.hold`)."""
        command = cm.HandOver(actor=as_actor(actor), vendor=as_name(vendor, "vendor"))
        return self._runner.run(as_ticket(ticket), command, as_options(how))

    def pause(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Let the vendor's clock stand still while it waits for something."""
        command = cm.PauseVendor(actor=as_actor(actor), vendor=as_name(vendor, "vendor"))
        return self._runner.run(as_ticket(ticket), command, as_options(how))

    def resume(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """Let the vendor's clock go on."""
        command = cm.ResumeVendor(actor=as_actor(actor), vendor=as_name(vendor, "vendor"))
        return self._runner.run(as_ticket(ticket), command, as_options(how))

    def take_back(self, ticket: Ref | Ticket, vendor: str, *, actor: Actor | str, **how: Unpack[How]) -> Ticket:
        """End the vendor's work on the ticket."""
        command = cm.TakeBack(actor=as_actor(actor), vendor=as_name(vendor, "vendor"))
        return self._runner.run(as_ticket(ticket), command, as_options(how))
