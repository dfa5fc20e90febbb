"""`desk.portal`: a customer looks at his own tickets with a link, and sees nothing that is internal."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Sequence

import attrs

from supportkit.arguments import as_customer
from supportkit.engine.decide import refuse
from supportkit.errors import NotFound, Refused
from supportkit.ids import random_bytes
from supportkit.keys import Keys
from supportkit.lookup import person
from supportkit.model.change import Change
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind, Customer
from supportkit.model.record import Record, RecordChange
from supportkit.model.ticket import Ticket
from supportkit.records import Records
from supportkit.runner import Runner
from supportkit.storage.codec import dumps, loads
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import MAX_PAGE, TicketQuery

KIND = "portal_link"
VALID_FOR = dt.timedelta(days=7)
LONGEST = dt.timedelta(days=30)
BYTES = 16
_PURPOSE = "portal link"
_MAX_TOKEN = 64


@attrs.frozen(kw_only=True)
class PublicMessage:
    """What was said, as the customer may see it.

    Attributes:
        author: `you`, `us` or `somebody else`; never the name of an agent.
        body: Of somebody else's message nothing.
    """

    author: str
    body: str = attrs.field(repr=False)
    at: dt.datetime


@attrs.frozen(kw_only=True)
class PublicTicket:
    """A ticket as its customer may see it: no number, no team, no person, no note, no field."""

    reference: str
    subject: str = attrs.field(repr=False)
    category: str
    created_at: dt.datetime
    updated_at: dt.datetime
    messages: tuple[PublicMessage, ...] = ()


@attrs.frozen
class Portal:
    """Makes links for customers and shows what lies behind them.

    A link is 128 random bits. Only a keyed hash of it is stored; it holds for a while and can be taken back.
    """

    _runner: Runner
    _keys: Callable[[], Keys]

    def issue(self, customer: str | Customer, *, valid_for: dt.timedelta = VALID_FOR, once: bool = False) -> str:
        """Return a token for a customer: send it to a proved address of his, and nowhere else.

        Args:
            customer: Who; a merged one stands for the survivor.
            valid_for: How long, a minute to 30 days.
            once: It opens once, for example as an invitation.

        Raises:
            NotFound: There is no such customer.
            ValueError: *valid_for* cannot be.
        """
        if not dt.timedelta(minutes=1) <= valid_for <= LONGEST:
            raise ValueError(f"valid_for must be between a minute and {LONGEST.days} days, not {valid_for}")
        named = as_customer(customer) or ""
        token = base64.b32encode(random_bytes(BYTES)).decode("ascii").rstrip("=").lower()

        hashed = self._hashed(token)  # the keys may have to be made, which is a transaction of its own

        def work(unit: KeepingUnit) -> None:
            found = person(unit, named)
            if found is None:
                raise NotFound("customer", named)
            now = self._runner.clock.now()
            over = [RecordChange(record=one, is_removed=True) for one in _links(unit, found) if _is_over(one, now)]
            link = self._links.new(hashed, dumps({"once": once}), owner=found.id, due_at=now + valid_for)
            unit.save(Change(records=(*over, RecordChange(record=link))))

        self._links.in_one(work)
        return token

    def open(self, token: str) -> Customer:
        """Return the customer of a link; one that opens once is used up by this.

        Raises:
            Refused: It is unknown, over, used or taken back: the text is the same for all.
        """
        hashed = self._hashed(token)

        def work(unit: KeepingUnit) -> Customer:
            link = unit.record(KIND, hashed)
            if link is None or _is_over(link, self._runner.clock.now()):
                raise _closed()
            found = person(unit, link.owner)
            if found is None or found.erased_at is not None:
                raise _closed()
            if loads(link.data)["once"]:
                unit.save(Change(records=(RecordChange(record=link, is_removed=True),)))
            return found

        return self._links.in_one(work)

    def tickets(self, token: str, *, limit: int = 50) -> Sequence[PublicTicket]:
        """Return the tickets of a link's customer, the newest first, without what was said in them.

        Raises:
            Refused: As for `open`.
        """
        customer = self.open(token)
        with self._runner.reading() as unit:
            page = unit.find(TicketQuery(customers=customer.id, descending=True, limit=limit))
        return [_public(ticket, ()) for ticket in page.items if ticket.source is None]

    def ticket(self, token: str, reference: str) -> PublicTicket:
        """Return one ticket of a link's customer with its messages; it is named by its public reference.

        Raises:
            Refused: As for `open`.
            NotFound: He has no ticket of this reference, whoever else has one.
        """
        customer = self.open(token)
        with self._runner.reading() as unit:
            query = TicketQuery(customers=customer.id, limit=MAX_PAGE)
            while True:
                page = unit.find(query)
                mine = [one for one in page.items if one.reference == reference and one.source is None]
                if mine or page.next is None:
                    break
                query = attrs.evolve(query, cursor=page.next)
            if not mine:
                raise NotFound("ticket", str(reference)[:64])
            names = {customer.id, *[part.customer for part in customer.merged]}
            said = [
                PublicMessage(author=author, body=one.body if author != "somebody else" else "", at=one.occurred_at)
                for one in unit.messages([mine[0].id])
                if one.kind is not MessageKind.EXTERNAL  # what the desk and a vendor tell each other is internal
                for author in [_author(one.author.kind, one.author.id in names)]
            ]
        return _public(mine[0], tuple(said))

    def revoke(self, customer: str | Customer) -> int:
        """Take back every link of a customer, and return how many there were."""
        named = as_customer(customer) or ""

        def work(unit: KeepingUnit) -> int:
            found = person(unit, named)
            links = [] if found is None else _links(unit, found)
            unit.save(Change(records=tuple([RecordChange(record=one, is_removed=True) for one in links])))
            return len(links)

        return self._links.in_one(work)

    @property
    def _links(self) -> Records:
        return Records(self._runner, KIND)

    def _hashed(self, token: str) -> str:
        """Return the id under which a token is kept; whoever reads the database learns no token from it."""
        given = token if isinstance(token, str) and len(token) <= _MAX_TOKEN and token.isascii() else ""
        return self._keys().digest(_PURPOSE, self._runner.tenant, given)


def _closed() -> Refused:
    return refuse("portal.link", "this link does not open anything (any more): ask for a new one")


def _is_over(link: Record, now: dt.datetime) -> bool:
    return link.due_at is None or now >= link.due_at


def _links(unit: KeepingUnit, customer: Customer) -> list[Record]:
    """Return the links of a customer, and of those who were merged into him."""
    names = (customer.id, *[part.customer for part in customer.merged])
    return [link for name in names for link in unit.records(KIND, owner=name, limit=MAX_PAGE)]


def _author(kind: ActorKind, is_own: bool) -> str:  # noqa: FBT001 - of one caller, in this module
    if kind in {ActorKind.CUSTOMER, ActorKind.EXTERNAL}:
        return "you" if is_own and kind is ActorKind.CUSTOMER else "somebody else"
    return "us"


def _public(ticket: Ticket, said: tuple[PublicMessage, ...]) -> PublicTicket:
    return PublicTicket(
        reference=ticket.reference,
        subject=ticket.subject,
        category=ticket.category.value,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        messages=said,
    )
