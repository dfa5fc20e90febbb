"""Everything of one person as plain values, and nothing of anybody else."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import attrs

from supportkit.channels.port import ChannelAdapter
from supportkit.forgetting import places_of, union
from supportkit.model.conversation import Arrival, ArrivalState
from supportkit.model.events import PromiseMade, Recorded, SurveyAnswered
from supportkit.model.message import Message, MessageKind
from supportkit.model.people import Actor, ActorKind, Customer
from supportkit.model.record import Record
from supportkit.model.ticket import Ticket
from supportkit.raw import is_only_his, speaks_of
from supportkit.runner import Runner
from supportkit.storage.codec import loads
from supportkit.storage.erasing import ErasingUnit
from supportkit.storage.port import MAX_PAGE, TicketQuery

FORMAT = "supportkit person"
VERSION = 1
REDACTED = "[address of somebody else]"
_RAW_AT_ONCE = 10
_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
# Linear: a match begins at the begin of a run only, and no run is given back once it is taken.
_MAIL = re.compile(rf"(?<!{_LOCAL}){_LOCAL}++@[\w-]++(?:\.[\w-]++)++")
_PHONE = re.compile(r"\+[1-9](?:[ \-./()]?[0-9]){6,14}")
Plain = dict[str, Any]


def portrait(runner: Runner, channels: Mapping[str, ChannelAdapter], customer: str, *, notes: bool) -> Plain:
    """Return everything of a customer; `Privacy.export` says how.

    Raises:
        NotFound: There is no such customer.
    """
    with runner.reading() as reading:
        unit = cast("ErasingUnit", reading)
        names = union(unit, customer)
        people = [found for name in names if (found := unit.customer(name)) is not None]
        places = {place for one in people for place in places_of(one)}
        painter = _Painter(unit, frozenset(names), _redactor(places), channels, notes)
        tickets = [ticket for name in names for ticket in _tickets(unit, name)]
        for leg in unit.legs([ticket.id for ticket in tickets]):
            places.add(leg.address)
        return {
            "format": FORMAT,
            "version": VERSION,
            "exported_at": runner.clock.now().isoformat(),
            "people": [_person(one) for one in people],
            "tickets": painter.tickets(tickets),
            "elsewhere": painter.elsewhere(),
            "raw": painter.raw(frozenset(places - {""})),
            "records": [painter.record(one) for name in names for one in unit.records_of(name)],
        }


def _tickets(unit: ErasingUnit, customer: str) -> list[Ticket]:
    found: list[Ticket] = []
    query = TicketQuery(customers=customer, limit=MAX_PAGE)
    while True:
        page = unit.find(query)
        found += page.items
        if page.next is None:
            return found
        query = attrs.evolve(query, cursor=page.next)


def _person(customer: Customer) -> Plain:
    return {
        "id": customer.id,
        "name": customer.name,
        "addresses": [
            {"family": one.family, "value": one.value, "status": one.status.value, "opted_out": one.opted_out}
            for one in customer.addresses
        ],
        "locale": customer.locale,
        "timezone": customer.timezone,
        "segment": customer.segment,
        "tags": list(customer.tags),
        "fields": dict(customer.fields),
        "consents": [
            {"purpose": one.purpose, "allowed": one.allowed, "at": one.at.isoformat(), "source": one.source}
            for one in customer.consents
        ],
        "created_at": customer.created_at.isoformat(),
        "merged_into": customer.merged_into,
        "erased_at": _time(customer.erased_at),
    }


def _time(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _redactor(places: Iterable[str]) -> Callable[[str], str]:
    """Return a function that takes addresses of others out of a text."""
    own = {place.casefold() for place in places}
    digits = {"".join(filter(str.isdigit, place)) for place in places if place.startswith("+")}

    def mail(match: re.Match[str]) -> str:
        return match[0] if match[0].casefold() in own else REDACTED

    def phone(match: re.Match[str]) -> str:
        return match[0] if "".join(filter(str.isdigit, match[0])) in digits else REDACTED

    return lambda text: _PHONE.sub(phone, _MAIL.sub(mail, text))


@attrs.frozen
class _Painter:
    """Reads what belongs to a person."""

    unit: ErasingUnit
    names: frozenset[str]
    redact: Callable[[str], str]
    channels: Mapping[str, ChannelAdapter]
    with_notes: bool

    def tickets(self, tickets: Sequence[Ticket]) -> list[Plain]:
        """Return tickets with what was said in them."""
        found = []
        for start in range(0, len(tickets), MAX_PAGE):
            some = tickets[start : start + MAX_PAGE]
            said: dict[str, list[Plain]] = {}
            noted: dict[str, list[Plain]] = {}
            for message in self.unit.messages([ticket.id for ticket in some]):
                # What the desk and another organisation tell each other is internal, like notes.
                if self.with_notes or message.kind is not MessageKind.EXTERNAL:
                    said.setdefault(message.ticket, []).append(self._message(message))
            if self.with_notes:
                for note in self.unit.notes([ticket.id for ticket in some]):
                    plain = {"id": note.id, "at": note.occurred_at.isoformat(), "body": self.redact(note.body)}
                    noted.setdefault(note.ticket, []).append(plain)
            found += [self._ticket(ticket, said.get(ticket.id, []), noted.get(ticket.id, [])) for ticket in some]
        return found

    def _ticket(self, ticket: Ticket, said: list[Plain], noted: list[Plain]) -> Plain:
        log = self.unit.history(ticket.id)
        plain: Plain = {
            "id": ticket.id,
            "number": ticket.number,
            "reference": ticket.reference,
            "subject": self.redact(ticket.subject),
            "state": ticket.state,
            "channel": ticket.channel,
            "priority": ticket.priority.name.lower(),
            "tags": list(ticket.tags),
            "fields": {name: self._value(value) for name, value in ticket.fields.items()},
            "reason": None if ticket.reason is None else ticket.reason.value,
            "resolution": self.redact(ticket.resolution),
            "created_at": ticket.created_at.isoformat(),
            "resolved_at": _time(ticket.resolved_at),
            "closed_at": _time(ticket.closed_at),
            "messages": said,
            "promises": self._promises(log),
            "answers": self._answers(log),
            "log": [{"at": one.occurred_at.isoformat(), "event": type(one.event).__name__} for one in log],
            "records": [self.record(one) for one in self.unit.records_of(ticket.id)] if self.with_notes else [],
        }
        return plain | {"notes": noted} if self.with_notes else plain

    def _promises(self, log: Sequence[Recorded]) -> list[Plain]:
        made = [one.event for one in log if isinstance(one.event, PromiseMade)]
        return [{"text": self.redact(one.text), "due": _time(one.due)} for one in made]

    def _answers(self, log: Sequence[Recorded]) -> list[Plain]:
        """Return what was answered to surveys about the ticket; an anonymous answer leads to nobody."""
        return [
            {
                "at": one.occurred_at.isoformat(),
                "survey": one.event.survey,
                "scores": {score.question: score.code for score in one.event.scores},
                "comment": self.redact(one.event.comment),
            }
            for one in log
            if isinstance(one.event, SurveyAnswered)
        ]

    def _value(self, value: Any) -> Any:
        return self.redact(value) if isinstance(value, str) else value

    def _message(self, message: Message) -> Plain:
        """Return a message; of one by another customer only that it was there."""
        is_own = message.author.kind is ActorKind.CUSTOMER and message.author.id in self.names
        if message.author.kind in {ActorKind.CUSTOMER, ActorKind.EXTERNAL} and not is_own:
            return {"id": message.id, "at": message.occurred_at.isoformat(), "from": "somebody else"}
        return {
            "id": message.id,
            "at": message.occurred_at.isoformat(),
            "from": "you" if is_own else "us",
            "channel": message.channel,
            "kind": message.kind.value,
            "body": self.redact(message.body),
            "attachments": [self._file(one.id, one.name, one.media_type) for one in message.attachments],
        }

    def _file(self, file_id: str, name: str, media_type: str) -> Plain:
        stored = self.unit.file(file_id)
        content = "" if stored is None else base64.b64encode(stored.content).decode("ascii")
        return {"id": file_id, "name": name, "media_type": media_type, "content": content}

    def elsewhere(self) -> list[Plain]:
        """Return what the person wrote in tickets of others, without a word of those."""
        found = []
        for name in sorted(self.names):
            author = str(Actor(ActorKind.CUSTOMER, name))
            after = ""
            while page := self.unit.messages_by(author, limit=MAX_PAGE, after=after):
                tickets = {one.ticket: self.unit.get(one.ticket) for one in page}
                found += [
                    self._message(one)
                    for one in page
                    if (ticket := tickets[one.ticket]) is not None and ticket.customer not in self.names
                ]
                after = page[-1].id
        return found

    def raw(self, places: frozenset[str]) -> list[Plain]:
        """Return raw deliveries that nobody could read, or has not yet; of those with words of others only that."""
        found: list[Plain] = []
        after: str | None = None
        wanted = [ArrivalState.RECEIVED, ArrivalState.QUARANTINED]
        while page := self.unit.arrivals(wanted, limit=_RAW_AT_ONCE, after=after):
            mine = [one for one in page if one.body and places and speaks_of(one, self.channels, places)]
            found += [self._raw(one, places) for one in mine]
            after = page[-1].id
        return found

    def _raw(self, arrival: Arrival, places: frozenset[str]) -> Plain:
        text = None
        if is_only_his(arrival, self.channels, places):
            text = self.redact(arrival.body.decode("utf-8", "replace"))
        return {
            "id": arrival.id,
            "channel": arrival.channel,
            "received_at": arrival.received_at.isoformat(),
            "state": arrival.state.value,
            "text": text,
        }

    def record(self, record: Record) -> Plain:
        """Return what another subject keeps of the person, with addresses of others redacted."""
        return {"kind": record.kind, "id": record.id, "data": self._deep(loads(record.data))}

    def _deep(self, value: Any) -> Any:
        match value:
            case str():
                return self.redact(value)
            case dict():
                return {name: self._deep(item) for name, item in value.items()}
            case list():
                return [self._deep(item) for item in value]
            case _:
                return value
