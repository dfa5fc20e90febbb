"""Links with which a customer goes on with a ticket on another channel: signed, for a while, for one person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from urllib.parse import urlsplit

import attrs

from supportkit.clock import to_us
from supportkit.drafting import Ref
from supportkit.keys import Keys
from supportkit.lookup import survivor
from supportkit.model.ticket import Ticket
from supportkit.runner import Runner

PURPOSE = "continuation"
"""What the signature is for; one of another purpose is worth nothing here."""
VALID_FOR = dt.timedelta(days=7)
LONGEST = dt.timedelta(days=30)
_MARK = "c"
_MAX_TOKEN = 200
_PARTS = 4


@attrs.frozen(kw_only=True)
class ContinuationLink:
    """What a customer is given to go on elsewhere.

    Attributes:
        token: What the other channel hands in as `Inbound.token`.
        url: The address with the token in it; `None` where no address was given.
        ticket: The id of the ticket.
        expires_at: The first instant at which it is worth nothing.
    """

    token: str = attrs.field(repr=False)
    url: str | None = attrs.field(default=None, repr=False)
    ticket: str
    expires_at: dt.datetime


def make_link(runner: Runner, keys: Keys, ref: Ref, valid_for: dt.timedelta, url: str | None) -> ContinuationLink:
    """Sign a link for a ticket, or for the survivor of a merged one; `Desk.continuation_link` says what is refused."""
    if not dt.timedelta(minutes=1) <= valid_for <= LONGEST:
        raise ValueError(f"valid_for must be between a minute and {LONGEST.days} days, not {valid_for}")
    if url is not None and urlsplit(url).scheme not in {"https", "http"}:
        raise ValueError("url must be the https address of a page that hands the token in")
    with runner.reading() as unit:
        ticket = survivor(unit, ref)
    until = runner.clock.now() + valid_for
    spelled = f"{to_us(until):x}"
    token = f"{_MARK}.{ticket.id}.{spelled}.{keys.sign(PURPOSE, *_signed(runner.tenant, ticket, spelled))}"
    joined = None if url is None else f"{url}{'&' if '?' in url else '?'}ticket={token}"
    return ContinuationLink(token=token, url=joined, ticket=ticket.id, expires_at=until)


def _signed(tenant: str, ticket: Ticket, spelled: str) -> tuple[str, ...]:
    """Return what is signed; a new generation of the ticket's signatures makes another one of it."""
    first = (tenant, ticket.id, spelled)
    return (*first, str(ticket.generation)) if ticket.generation else first


def ticket_of(
    keys: Keys, tenant: str, token: str, at: dt.datetime, get: Callable[[str], Ticket | None]
) -> Ticket | None:
    """Return the ticket of a token that this desk signed and that still holds *at*, else `None`.

    Expiry, ticket, tenant and generation are under the signature, which is compared in constant time before anything
    is believed; *get* loads a ticket by its id.
    """
    parts = token.split(".") if len(token) <= _MAX_TOKEN else []
    if len(parts) != _PARTS or parts[0] != _MARK:
        return None
    _mark, named, spelled, mac = parts
    ticket = get(named)
    if ticket is None or keys.verify(mac, PURPOSE, *_signed(tenant, ticket, spelled)) is None:
        return None
    return ticket if to_us(at) < int(spelled, 16) else None
