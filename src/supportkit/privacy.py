"""`desk.privacy`: a person is erased, and erased again after a backup came back; a person gets everything of his."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import attrs

from supportkit.arguments import as_actor, as_customer
from supportkit.channels.port import ChannelAdapter
from supportkit.errors import CapabilityMissing, NotFound
from supportkit.forgetting import Counts, Erased, Forgetting, read_ledger
from supportkit.model.people import SYSTEM, Actor, Customer
from supportkit.portrait import portrait
from supportkit.runner import Runner
from supportkit.storage.erasing import ErasingStorage


@attrs.frozen(kw_only=True)
class ErasureReport:
    """What one call has erased; what an earlier one did before it was cut off is not counted again.

    Attributes:
        customer: The id of the one who stands for all that were merged.
        people: All ids that were one person.
        at: When it began, as the ledger has it.
        customers: Rows of people that lost everything but their ids.
        tickets: Tickets out of which every word was taken.
        messages: What the person wrote in tickets of others.
        cancelled: Deliveries that waited to go out and never will.
        arrivals: Raw deliveries, in quarantine or not, that lost their bytes.
        arrivals_left: Raw deliveries that nobody has read yet, with words of others too: erase again when they are.
        records: Records of his and of his tickets that were deleted or emptied.
        is_scrubbed: Whether the database has let go of the old pages as well; false where a reader was in the way.
    """

    customer: str
    people: tuple[str, ...]
    at: dt.datetime
    customers: int = 0
    tickets: int = 0
    messages: int = 0
    cancelled: int = 0
    arrivals: int = 0
    arrivals_left: int = 0
    records: int = 0
    is_scrubbed: bool = True


@attrs.frozen
class Privacy:
    """Erases people and hands out what is theirs.

    The log of each ticket stays with its ids, states and instants, and with it every count.
    """

    _runner: Runner
    _channels: Mapping[str, ChannelAdapter]

    def erase(self, customer: str | Customer, *, actor: Actor | str) -> ErasureReport:
        """Take a person out for good, with everybody who was merged with him; nothing brings him back.

        Names, addresses, bodies, files, custom fields, notes, subjects, search terms, raw deliveries and records of
        his go, and what waits to go out to him is cancelled. Each of his tickets keeps its log, which says
        `PersonErased`. It is done in many small transactions: after a crash call it again, or `resume`.

        Args:
            customer: Who; any id of a merged person means all of them.
            actor: Who does it, as the log says.

        Raises:
            NotFound: There is no such customer.
            CapabilityMissing: The storage cannot erase.
        """
        return self._erase(as_customer(customer) or "", (), as_actor(actor))

    def resume(self, *, actor: Actor | str = SYSTEM) -> Sequence[ErasureReport]:
        """Go on with every erasure that was begun and cut off; nothing is done where there is none."""
        by = as_actor(actor)
        return [self._erase(one.customer, one.people, by) for one in self.ledger() if not one.is_done]

    def ledger(self) -> Sequence[Erased]:
        """Return who was erased, by ids, in the order in which it began.

        Keep a copy apart from the backups of the database: `reapply` wants it after one of them was restored.
        """
        with self._runner.reading() as unit:
            return read_ledger(unit)

    def reapply(
        self, ledger: Iterable[Erased] | None = None, *, actor: Actor | str = SYSTEM
    ) -> Sequence[ErasureReport]:
        """Erase again everybody whom a restored backup has brought back; return those who were there.

        Args:
            ledger: What `ledger()` said before the backup was restored; by default what the database itself says.
            actor: Who does it.
        """
        by, found = as_actor(actor), []
        for one in self.ledger() if ledger is None else ledger:
            for name in (one.customer, *one.people):
                try:
                    report = self._erase(name, one.people, by)
                except NotFound:
                    continue  # the backup is older than he
                found.append(report)
                break
        return found

    def export(self, customer: str | Customer, *, notes: bool = False) -> dict[str, Any]:
        """Return everything of a person as plain values that `json.dumps` takes, and nothing of others.

        What others wrote in his tickets is left out, except what the desk answered; addresses of others are replaced.
        Files come in Base64. Internal notes come only with *notes*: what they say may be others' too.

        Raises:
            NotFound: There is no such customer.
            CapabilityMissing: The storage cannot look all of it up.
        """
        self._require()
        return portrait(self._runner, self._channels, as_customer(customer) or "", notes=notes)

    def _erase(self, customer: str, also: Sequence[str], actor: Actor) -> ErasureReport:
        self._require()
        self._runner.outside("erasing a person")
        work = Forgetting(self._runner, self._channels, actor, counts := Counts())
        entry = work.erase(customer, also)
        is_scrubbed = cast("ErasingStorage", self._runner.storage).scrub()
        return ErasureReport(
            customer=entry.customer,
            people=entry.people,
            at=entry.at,
            customers=counts.people,
            tickets=counts.tickets,
            messages=counts.messages,
            cancelled=counts.cancelled,
            arrivals=counts.arrivals,
            arrivals_left=counts.arrivals_left,
            records=counts.records,
            is_scrubbed=is_scrubbed,
        )

    def _require(self) -> None:
        able = self._runner.storage.capabilities
        if not (able.erases and able.receives and able.keeps):
            raise CapabilityMissing("the storage", "erases", "use one that can take a person's words out of its rows")
