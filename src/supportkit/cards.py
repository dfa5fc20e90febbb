"""The card of a customer: what an agent wants to know before he says a word."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs

from supportkit.errors import NotFound
from supportkit.lookup import person
from supportkit.model.events import PromiseMade, PromiseMoved, SurveyAnswered
from supportkit.model.people import Customer
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner
from supportkit.storage.port import MAX_PAGE, Page, TicketQuery, UnitOfWork


@attrs.frozen(kw_only=True)
class OpenPromise:
    """What somebody promised the customer and has not kept yet.

    Attributes:
        due: By when; `None` where it was promised within a span of open time.
        within: The span.
    """

    ticket: str
    number: int
    promise: str
    text: str = attrs.field(repr=False)
    due: dt.datetime | None = None
    within: dt.timedelta | None = None


@attrs.frozen(kw_only=True)
class Rating:
    """What the customer answered to a survey, the last version of it.

    Attributes:
        scores: From the id of each question to the code that was chosen, `None` for a blank.
    """

    ticket: str
    number: int
    survey: str
    at: dt.datetime
    scores: tuple[tuple[str, int | None], ...]
    comment: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class CustomerCard:
    """Who it is, and what was before.

    Attributes:
        customer: Who; of a merged one the survivor.
        tickets: His tickets, the newest first, one page of them.
        promises: What was promised to him and is open, in his newest 500 tickets.
        ratings: His answers to surveys about the tickets of this page, the newest first; anonymous ones are nobody's.
        goodwill: What was given to him as an apology, the newest first; empty while the desk keeps none.
    """

    customer: Customer
    tickets: Page[Ticket]
    promises: tuple[OpenPromise, ...] = ()
    ratings: tuple[Rating, ...] = ()
    goodwill: tuple[Any, ...] = ()


def card(runner: Runner, customer: str, *, limit: int, cursor: str | None) -> CustomerCard:
    """Return the card of a customer; `Customers.card` says how.

    Raises:
        NotFound: There is no such customer.
    """
    with runner.reading() as unit:
        found = person(unit, customer)
        if found is None:
            raise NotFound("customer", customer)
        query = TicketQuery(customers=found.id, descending=True, limit=limit, cursor=cursor)
        newest = TicketQuery(customers=found.id, descending=True, limit=MAX_PAGE)
        promises = [one for ticket in unit.find(newest).items for one in _open(unit, ticket)]
        page = unit.find(query)
        ratings = [one for ticket in page.items for one in _answers(unit, ticket)]
        ratings.sort(key=lambda one: one.at, reverse=True)
        return CustomerCard(customer=found, tickets=page, promises=tuple(promises), ratings=tuple(ratings))


def _answers(unit: UnitOfWork, ticket: Ticket) -> list[Rating]:
    """Return the answers about a ticket; of each invitation the last version counts."""
    found: dict[tuple[str, int], Rating] = {}
    for one in unit.history(ticket.id):
        if isinstance(one.event, SurveyAnswered):
            found[one.event.survey, one.event.resolution] = Rating(
                ticket=ticket.id,
                number=ticket.number,
                survey=one.event.survey,
                at=one.occurred_at,
                scores=tuple([(score.question, score.code) for score in one.event.scores]),
                comment=one.event.comment,
            )
    return list(found.values())


def _open(unit: UnitOfWork, ticket: Ticket) -> list[OpenPromise]:
    """Return the open promises of a ticket; its log is read only where it has any."""
    if not ticket.promises:
        return []
    found: dict[str, OpenPromise] = {}
    for one in unit.history(ticket.id):
        match one.event:
            case PromiseMade(promise=name) as made if name in ticket.promises:
                found[name] = OpenPromise(
                    ticket=ticket.id,
                    number=ticket.number,
                    promise=name,
                    text=made.text,
                    due=made.due,
                    within=made.within,
                )
            case PromiseMoved(promise=name) as moved if name in found:
                found[name] = attrs.evolve(found[name], due=moved.due, within=moved.within)
            case _:
                continue
    return list(found.values())
