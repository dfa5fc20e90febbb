"""One message from outside: who wrote it, which conversation it belongs to, and what becomes of it. One transaction.

The order of looking is fixed: a signed token of ours, a message of ours that came back, the provider's thread or the
message that is answered, a signed tag, the same sender with a ticket that still runs, else a new ticket. Never a number
in the text, a subject or a name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from enum import StrEnum
from typing import cast

import attrs

from supportkit import originals
from supportkit.admitting import Budgets as Budgets  # noqa: PLC0414 - belongs to `Intake` as well
from supportkit.admitting import consenting, is_at, over_budget, word_of
from supportkit.channels.inbound import Authenticity, Inbound, Mark, Reference, ReferenceKind, SignalKind
from supportkit.channels.port import ChannelAdapter
from supportkit.continuing import ticket_of
from supportkit.drafting import Draft, Options
from supportkit.engine.decide import decide, needs_follow_up
from supportkit.errors import LimitExceeded
from supportkit.keys import Keys
from supportkit.legs import other_tickets
from supportkit.lookup import follow_up, survivor
from supportkit.model import commands as cm
from supportkit.model.addressing import normalised
from supportkit.model.change import Change, OutboxState
from supportkit.model.conversation import Heard, Leg, LegChange, StoredFile
from supportkit.model.events import DeliverySettled, Event
from supportkit.model.message import Attachment, MessageKind
from supportkit.model.people import SYSTEM, Actor, ActorKind, Address, AddressStatus, Customer
from supportkit.model.ticket import Link, LinkKind, StateCategory, Ticket
from supportkit.participants import newcomer, owner_of, taking_part
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.text import MAX_NAME, clean
from supportkit.windowing import watch

NO_SUBJECT = "(no subject)"
MAX_SUBJECT = 200
HOUR = dt.timedelta(hours=1)
_MOST_ANSWERED = 5
"""Messages of ours that one message from outside is taken to answer."""


class Outcome(StrEnum):
    """What became of a message."""

    OPENED = "opened"
    JOINED = "joined"
    FOLLOWED_UP = "followed_up"
    CLAIMED = "claimed"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


@attrs.frozen
class Routed:
    """Where a message went.

    Attributes:
        flagged: Another message was heard under its id before, and said something else.
    """

    outcome: Outcome
    ticket: Ticket | None = None
    flagged: bool = False
    reason: str = ""


class Quarantine(Exception):
    """A message that a person has to look at; it changed nothing."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class _Nothing(Exception):
    def __init__(self, routed: Routed) -> None:
        self.routed = routed
        super().__init__()


def conversation_key(keys: Keys, channel: str, account: str, thread: str) -> str:
    """Return the hash under which the newest leg of a conversation is found."""
    return keys.digest("conversation", channel, account, thread)


def heard_key(keys: Keys, channel: str, account: str, external_id: str) -> str:
    """Return the hash under which a message from outside has its effect once."""
    return keys.digest("heard", channel, account, external_id)


@attrs.frozen
class Intake:
    """Routes messages of one desk.

    Attributes:
        keys: Gives the keys that hash what is compared and sign what comes back.
        budgets: How much may come in.
        join_across: Somebody who proved who he is goes on, on another channel, with the one ticket of his that runs.
    """

    runner: Runner
    keys: Callable[[], Keys]
    budgets: Budgets = Budgets()  # noqa: RUF009 - a frozen value
    join_across: bool = False

    def route(
        self,
        adapter: ChannelAdapter,
        inbound: Inbound,
        received_at: dt.datetime,
        *,
        also: Callable[[ReceivingUnit], object] | None = None,
    ) -> Routed:
        """Let a message have its effect, once.

        Args:
            adapter: Its channel.
            inbound: The message.
            received_at: When its delivery came.
            also: Done in the same transaction, where the message changes a ticket.

        Raises:
            Quarantine: A person has to look at it.
            ConcurrentUpdate: Others were faster five times.
            WorkflowError: A rule of the desk refuses it.
        """
        message = _Message(self, adapter, inbound, received_at, self.keys())
        message.also = also
        if Mark.OWN in inbound.marks or Mark.ECHO in inbound.marks:
            return message.ignore("own")
        blank = cm.Receive(actor=SYSTEM, body="", author=SYSTEM, message="", ticket="", reference="")
        try:
            ticket = self.runner.carry_out(blank, Options(at=received_at), message.prepare, subject=None)
        except _Nothing as nothing:
            return nothing.routed
        return attrs.evolve(message.routed, ticket=ticket)


class _Message:
    """One message while it is routed; decided again from the beginning after a lost race."""

    def __init__(
        self, intake: Intake, adapter: ChannelAdapter, inbound: Inbound, received_at: dt.datetime, keys: Keys
    ) -> None:
        self.runner, self.budgets, self.keys = intake.runner, intake.budgets, keys
        self.join_across = intake.join_across
        self.adapter, self.inbound, self.at = adapter, inbound, received_at
        self.channel = adapter.name
        self.kind = adapter.capabilities.address_kind
        self.routed = Routed(Outcome.OPENED)
        self.is_stranger = False
        self.looked_at: dict[str, Leg | None] = {}
        self.also: Callable[[ReceivingUnit], object] | None = None
        self.key = heard_key(keys, self.channel, inbound.account, inbound.external_id)
        files = [hashlib.sha256(file.content).hexdigest() for file in inbound.attachments]
        said = (inbound.sender, inbound.subject or "", inbound.body, inbound.html or "")
        self.digest = keys.digest("content", *said, *files)
        try:
            self.sender = normalised(self.kind, clean(inbound.sender, "sender"))
        except ValueError:
            self.sender = ""
        is_itself = inbound.auth is not Authenticity.FAILED
        self.vendor = self.runner.rules.vendor_at(self.channel, self.sender) if self.sender and is_itself else None

    # -- what is looked up -------------------------------------------------------------------------------------------

    def prepare(self, unit: object, draft: Draft) -> Ticket:
        """Route the message inside the transaction of *unit*."""
        self.unit, self.draft = cast("ReceivingUnit", unit), draft
        draft.received.unanswerable = self._unanswerable()
        before = self.unit.heard(self.key)
        if any(one.digest == self.digest for one in before):
            raise _Nothing(Routed(Outcome.DUPLICATE, reason="heard before"))
        self.routed, self.is_stranger = Routed(Outcome.OPENED, flagged=bool(before)), False
        if not self.sender:
            raise Quarantine("bad_sender")
        hashed = self.keys.digest("sender", self.kind, self.sender)
        if (spent := over_budget(self.unit, self.budgets, self.channel, hashed, draft.now)) is not None:
            raise Quarantine(spent)
        thread = self._thread()
        key = conversation_key(self.keys, self.channel, self.inbound.account, thread)
        self.looked_at = {key: self.unit.conversation(key)}
        known = self.looked_at[key] or self._begun_by_us()
        found, is_claim = self._find(known)
        if is_claim and (own := self._own_claim(thread)) is not None:
            known, found, is_claim = own, survivor(self.unit, own.ticket), False
        if (found is None or is_claim) and self._is_automatic:
            raise Quarantine("bounce" if Mark.BOUNCE in self.inbound.marks else "auto_reply")
        nobody = self.is_stranger or self.vendor is not None or (is_claim and found is not None)
        customer = None if nobody else self._heeded(self._customer())
        if found is not None and not is_claim:
            return self._join(found, self._known_leg(found) if self._is_mail else known, customer)
        return self._open(known, customer, claims=found)

    @property
    def _is_automatic(self) -> bool:
        return bool(self.inbound.marks & {Mark.AUTO_REPLY, Mark.BOUNCE}) or self.inbound.kind is MessageKind.AUTO

    def _unanswerable(self) -> str | None:
        """Return why nothing may answer the message by itself."""
        if word_of(self.kind, self.inbound.body) is SignalKind.OPT_OUT:
            return "opted_out"
        for mark in (Mark.BOUNCE, Mark.AUTO_REPLY, Mark.BULK, Mark.BOT):
            if mark in self.inbound.marks:
                return mark.value
        return "automatic" if self._is_automatic else None

    def _thread(self) -> str:
        """Return the provider's conversation; where there is none, whoever writes is one."""
        return clean(self.inbound.thread or self.sender, "thread")[:320]

    def _begun_by_us(self) -> Leg | None:
        """Return the leg that the desk began to this sender, before it could know account and thread."""
        leg = self.unit.conversation(conversation_key(self.keys, self.channel, "", self.sender))
        return leg if leg is not None and _is_ours(leg) else None

    def _find(self, known: Leg | None) -> tuple[Ticket | None, bool]:
        """Return the ticket that the message belongs to, and whether its sender only claims that."""
        ticket = self._by_token()
        if ticket is not None:
            return ticket, False
        if (referred := self._referred(ReferenceKind.TOKEN, ReferenceKind.MESSAGE)) is not None:
            return referred
        if known is not None:
            ticket = survivor(self.unit, known.ticket)
            if not self._takes_part(ticket, known):
                return ticket, True
            return (self._across(), False) if self._is_over(ticket, known) else (ticket, False)
        ticket = self._by_answered()
        if ticket is None:
            return self._referred(ReferenceKind.TAG) or (self._across(), False)
        return ticket, not self._takes_part(ticket, None)

    def _across(self) -> Ticket | None:
        """Return the one ticket of a proved sender that runs on another channel, where the desk wants that."""
        if not self.join_across or self.inbound.auth is not Authenticity.VERIFIED or self.adapter.capabilities.public:
            return None
        for owner, status in self.unit.owners(self.kind, self.sender):
            if status is AddressStatus.VERIFIED:
                running = other_tickets(self.unit, owner, self.channel)
                return running[0] if len(running) == 1 else None
        return None

    def _referred(self, *kinds: ReferenceKind) -> tuple[Ticket, bool] | None:
        """Return the ticket that the first reference of these kinds names, and whether its sender only claims that.

        A token joins also for a stranger, except where he is not who he says, or a machine: a mail that some service
        sends to the address of a ticket is nothing for those who talk there.
        """
        for reference in self.inbound.references:
            ticket = self._named(reference) if reference.kind in kinds else None
            if ticket is None:
                continue
            if self._takes_part(ticket, None):
                return ticket, False
            is_person = not self.inbound.marks and self.inbound.auth is not Authenticity.FAILED
            self.is_stranger = reference.kind is ReferenceKind.TOKEN and is_person
            return ticket, not self.is_stranger
        return None

    def _named(self, reference: Reference) -> Ticket | None:
        ticket = self.unit.get(reference.id) if reference.id else self.unit.by_number(reference.number)
        if ticket is None or reference.generation != ticket.generation:  # an older one was revoked: it counts as absent
            return None
        return survivor(self.unit, ticket.id)

    @property
    def _is_mail(self) -> bool:
        return self.adapter.capabilities.family == "email"

    def _known_leg(self, ticket: Ticket) -> Leg | None:
        """Return the leg on which the sender talks about a ticket; each mail is a conversation of its own."""
        mine = (self.channel, clean(self.inbound.account, "account")[:255], self.sender)
        legs = [one for one in self.unit.legs([ticket.id]) if (one.channel, one.account, one.address) == mine]
        if not legs:
            return None
        key = conversation_key(self.keys, self.channel, self.inbound.account, legs[-1].thread)
        newest = self.unit.conversation(key)
        return legs[-1] if newest is not None and newest.id == legs[-1].id else None

    def _own_claim(self, thread: str) -> Leg | None:
        """Return the leg of the ticket that a stranger in somebody's thread has opened before."""
        if self.inbound.auth is Authenticity.FAILED:
            return None
        own = self.keys.digest("stranger", thread, self.sender)
        return self.unit.conversation(conversation_key(self.keys, self.channel, self.inbound.account, own))

    def _by_token(self) -> Ticket | None:
        continued = ticket_of(self.keys, self.runner.tenant, self.inbound.token or "", self.at, self.unit.get)
        if continued is not None:
            return self._by_continuation(continued)
        reference, _, mac = (self.inbound.token or "").rpartition(".")
        ticket = self.unit.get(reference) if reference else None
        if ticket is None:
            return None
        generation = (str(ticket.generation),) if ticket.generation else ()
        if self.keys.verify(mac, "ticket", self.runner.tenant, reference, *generation) is None:
            return None
        return survivor(self.unit, ticket.id)

    def _by_continuation(self, ticket: Ticket) -> Ticket | None:
        """Return the ticket of a link; it belongs to whoever used it first, so one that was passed on opens nothing."""
        if self.inbound.auth is Authenticity.FAILED:
            return None
        key = self.keys.digest("link used", self.inbound.token or "")
        sender = self.keys.digest("sender", self.kind, self.sender)
        used = self.unit.heard(key)
        if any(one.digest != sender for one in used):
            return None
        if not used:
            heard = Heard(tenant=self.runner.tenant, key=key, digest=sender, ticket=ticket.id, at=self.draft.now)
            self.draft.received.heard.append(heard)
        return survivor(self.unit, ticket.id)

    def _by_answered(self) -> Ticket | None:
        """Return the ticket of a message that this one says it answers: one of ours, or one that we heard."""
        ids = list(self.inbound.reply_to)[:50]
        for delivery in self.unit.sent_as(self.channel, ids):
            return survivor(self.unit, delivery.ticket)
        for external_id in ids:
            for heard in self.unit.heard(heard_key(self.keys, self.channel, self.inbound.account, external_id)):
                if heard.ticket is not None:
                    return survivor(self.unit, heard.ticket)
        return None

    def _takes_part(self, ticket: Ticket, leg: Leg | None) -> bool:
        """Tell whether the sender is one of those who talk about a ticket, as far as anybody can know."""
        if self.inbound.auth is Authenticity.FAILED:
            return False
        if self.vendor is not None:
            return self._is_asked(ticket)
        legs = [leg] if leg is not None else []
        merged = [part.ticket for part in ticket.merged]
        legs += self.unit.legs([ticket.id, *merged])
        if any(one.address == self.sender for one in legs if one.channel == self.channel):
            return True
        owners = {owner for owner, _status in self.unit.owners(self.kind, self.sender)}
        family = [ticket, *[other for other in map(self.unit.get, merged) if other is not None]]
        if owners & {one.customer for one in family}:
            return True
        return bool(owners) and any(owners & taking_part(self.unit, one) for one in family if one.participants)

    def _is_asked(self, ticket: Ticket) -> bool:
        """Tell whether the vendor who writes was ever written to about a ticket."""
        legs = self.unit.legs([ticket.id, *[part.ticket for part in ticket.merged]])
        return any(self.vendor == self.runner.rules.vendor_at(one.channel, one.address) for one in legs)

    def _is_over(self, ticket: Ticket, leg: Leg) -> bool:
        """Tell whether a conversation without threads begins anew: its ticket is closed for good."""
        if self.inbound.thread is not None or ticket.category is not StateCategory.CLOSED:
            return False
        return not self.runner.rules.after_close.reopens(ticket.closed_at, self.at) and leg.ticket is not None

    def _customer(self) -> Customer | None:
        """Return who writes, known or new; nobody for a sender who is not who he says."""
        if self.inbound.auth is Authenticity.FAILED:
            return None
        is_proved = self.inbound.auth is Authenticity.VERIFIED
        owners = self.unit.owners(self.kind, self.sender)
        proved = [owner for owner, status in owners if status is AddressStatus.VERIFIED]
        claimed = [owner for owner, status in owners if status is AddressStatus.CLAIMED]
        if proved:
            return self.unit.customer(proved[0])
        if len(claimed) == 1:
            customer = self.unit.customer(claimed[0])
            return self._proved(customer) if is_proved and customer is not None else customer
        if claimed and not is_proved:
            return self.unit.customer(claimed[0])
        return self._new_customer(is_proved=is_proved)

    def _proved(self, customer: Customer) -> Customer:
        """Note that a customer wrote from an address that he had only claimed."""
        status = AddressStatus.VERIFIED
        addresses = tuple(
            attrs.evolve(one, status=status) if is_at(one, self.kind, self.sender) else one
            for one in customer.addresses
        )
        proved = attrs.evolve(customer, addresses=addresses, version=customer.version + 1)
        self.draft.received.customers.append(proved)
        return proved

    def _heeded(self, customer: Customer | None) -> Customer | None:
        """Note on a customer what a word such as STOP says about messages to this address."""
        word = word_of(self.kind, self.inbound.body)
        if customer is None or word is None:
            return customer
        after = consenting(customer, self.kind, self.sender, is_out=word is SignalKind.OPT_OUT)
        if after is customer:
            return customer
        several = self.draft.received.customers
        if customer in several:  # new, or proved by this message: one row
            several.remove(customer)
        else:
            after = attrs.evolve(after, version=customer.version + 1)
        several.append(after)
        return after

    def _new_customer(self, *, is_proved: bool) -> Customer:
        status = AddressStatus.VERIFIED if is_proved else AddressStatus.CLAIMED
        now = self.draft.now
        customer = Customer(
            id=self.runner.new_id(now),
            tenant=self.runner.tenant,
            name=clean(self.inbound.sender_name or "", "name").strip()[:MAX_NAME],
            addresses=(Address(family=self.kind, value=self.sender, status=status),),
            locale=self.inbound.locale or "en",
            created_at=now,
        )
        self.draft.received.customers.append(customer)
        return customer

    # -- what is written ---------------------------------------------------------------------------------------------

    def _join(self, ticket: Ticket, known: Leg | None, customer: Customer | None) -> Ticket:
        """Add the message to a ticket, or to a follow-up of one that was closed too long ago."""
        author = self._author(customer)
        is_guest = customer is not None and self._is_guest(ticket, customer)
        # A stranger is heard, and nobody new is answered: the conversation stays on the leg that it has. So it does
        # where somebody writes who gets answers in copy.
        is_beside = self.is_stranger or is_guest
        leg = None if is_beside else self._leg(ticket, known, is_answered=author.kind is ActorKind.CUSTOMER)
        command = cm.Receive(
            actor=author,
            body=self._body(),
            author=author,
            channel=self.channel,
            kind=self._kind(),
            external_id=self.inbound.external_id,
            attachments=(),
            leg=None if leg is None else leg.leg.id,
            message=self.runner.new_id(self.draft.now),
            ticket=self.runner.new_id(self.draft.now),
            reference=self.runner.ids.reference(),
        )
        if needs_follow_up(ticket, command, self.at, self.runner.rules):
            opening = follow_up(ticket, command)
            if is_guest and customer is not None:
                opening = attrs.evolve(opening, customer=customer.id)
            leg = self._leg_for(opening.ticket, known)
            files = self._files(opening.ticket, command.message, is_joining=False)
            opening = attrs.evolve(opening, leg=leg.leg.id, attachments=files)
            after = self.runner.opened(self.unit, self.draft, opening, guarded=False)
            return self._done(after, command.message, leg, Outcome.FOLLOWED_UP)
        self._spend_reopening(ticket)
        command = attrs.evolve(command, attachments=self._files(ticket.id, command.message, is_joining=True))
        self.draft.command = command
        events = (
            *self._arrived(ticket),
            *decide(ticket, command, self.at, self.runner.rules),
            *self._joining(ticket, author),
        )
        after = self.draft.add(self.runner.tenant, ticket, ticket.id, events) or ticket
        return self._done(after, command.message, leg, Outcome.JOINED)

    def _arrived(self, ticket: Ticket) -> tuple[Event, ...]:
        """Settle what nobody knew of: whoever answers one of our messages has it."""
        found = []
        named = [one.message for one in self.inbound.references if one.kind is ReferenceKind.MESSAGE and one.message]
        for message in () if self.is_stranger else dict.fromkeys(named[:_MOST_ANSWERED]):
            delivery = self.unit.delivery(f"{message}.1")
            if delivery is None or delivery.state is not OutboxState.UNKNOWN:
                continue
            is_here = (delivery.channel, delivery.ticket) == (self.channel, ticket.id)
            if is_here and self.unit.decide_outbox(delivery, state=OutboxState.SENT, now=self.draft.now):
                settled = DeliverySettled(
                    delivery=delivery.id,
                    message=delivery.message,
                    channel=delivery.channel,
                    source=delivery.state,
                    state=OutboxState.SENT,
                    reason="answered",
                )
                found.append(settled)
        return tuple(found)

    def _is_guest(self, ticket: Ticket, customer: Customer) -> bool:
        """Tell whether somebody takes part in a ticket that is another one's."""
        return customer.id != ticket.customer and customer.id in taking_part(self.unit, ticket)

    def _joining(self, ticket: Ticket, author: Actor) -> tuple[Event, ...]:
        """Let those take part to whom a person who may write here has also sent his message."""
        if not self.adapter.capabilities.copies or self.inbound.marks or self._is_automatic or self.is_stranger:
            return ()
        if self.inbound.auth is Authenticity.FAILED or ticket.merged_into is not None:
            return ()
        if author.kind is not ActorKind.CUSTOMER:  # whom a vendor writes to is no business of the customer
            return ()
        room = self.runner.rules.limits.participants - len(ticket.participants)
        people = {ticket.customer, *taking_part(self.unit, ticket)}
        found: dict[str, None] = {}
        for address in self.inbound.participants[: max(0, room)]:
            try:
                value = normalised(self.kind, clean(address))
            except ValueError:
                continue
            who = owner_of(self.unit, self.kind, value) or newcomer(self.runner, self.draft, self.kind, value).id
            if value != self.sender and who not in people:
                found[who] = None
        command = cm.ChangeParticipants(actor=author, add=tuple(found))
        return decide(ticket, command, self.at, self.runner.rules)

    def _open(self, known: Leg | None, customer: Customer | None, *, claims: Ticket | None) -> Ticket:
        """Open a ticket; where the sender only claims that it belongs to another one, it is linked as a claim."""
        hour = self.draft.now.replace(minute=0, second=0, microsecond=0)
        sender = self.keys.digest("sender", self.kind, self.sender)
        if not self.unit.spend("new_tickets", sender, hour, self.budgets.new_tickets):
            raise Quarantine("budget.new_tickets")
        author = self._author(customer)
        ticket, message = self.runner.new_id(self.draft.now), self.runner.new_id(self.draft.now)
        leg = self._leg_for(ticket, None if claims is not None else known, own_thread=claims is not None)
        command = cm.Open(
            actor=author,
            subject=self._subject(),
            body=self._body(),
            author=author,
            customer=None if customer is None else customer.id,
            channel=self.channel,
            kind=self._kind(),
            locale=self.inbound.locale,
            external_id=self.inbound.external_id,
            links=() if claims is None else (Link(LinkKind.CLAIMS, claims.id),),
            attachments=self._files(ticket, message, is_joining=False),
            leg=leg.leg.id,
            ticket=ticket,
            reference=self.runner.ids.reference(),
            message=message,
        )
        after = self.runner.opened(self.unit, self.draft, command, customer, guarded=False)
        joining = () if claims is not None or customer is None else self._joining(after, author)
        if joining:
            after = self.draft.add(self.runner.tenant, after, after.id, joining, actor=author) or after
            self.draft.join()
        return self._done(after, message, leg, Outcome.OPENED if claims is None else Outcome.CLAIMED)

    def _done(self, ticket: Ticket, message: str, leg: LegChange | None, outcome: Outcome) -> Ticket:
        received = self.draft.received
        if leg is not None:
            received.legs.append(leg)
            if leg.leg.heard_at == self.at:
                watch(self.draft, self.adapter, leg.leg)
        received.heard.append(
            Heard(
                tenant=self.runner.tenant,
                key=self.key,
                digest=self.digest,
                ticket=ticket.id,
                message=message,
                at=self.draft.now,
            )
        )
        self.routed = attrs.evolve(self.routed, outcome=outcome)
        if self.also is not None:
            self.also(self.unit)
        return ticket

    def ignore(self, reason: str) -> Routed:
        """Note that a message was heard and does nothing."""
        with self.runner.storage.begin(self.runner.tenant) as unit:
            receiving = cast("ReceivingUnit", unit)
            if not receiving.heard(self.key):
                heard = Heard(tenant=self.runner.tenant, key=self.key, digest=self.digest, at=self.runner.clock.now())
                receiving.save(Change(heard=(heard,)))
        return Routed(Outcome.IGNORED, reason=reason)

    def _author(self, customer: Customer | None) -> Actor:
        if self.inbound.marks & {Mark.BOT} and self.inbound.kind is MessageKind.AUTO:
            return Actor(ActorKind.BOT, self.channel)
        if self.vendor is not None:
            return Actor(ActorKind.EXTERNAL, self.vendor.name)
        if customer is None:
            who = "stranger" if self.is_stranger else "unknown"
            return Actor(ActorKind.CUSTOMER, f"{who}.{self.keys.digest('sender', self.kind, self.sender)[:16]}")
        return Actor(ActorKind.CUSTOMER, customer.id)

    def _kind(self) -> MessageKind:
        if self.vendor is not None and not self._is_automatic:
            return MessageKind.EXTERNAL
        return MessageKind.AUTO if self._is_automatic else self.inbound.kind

    def _body(self) -> str:
        body, limit = clean(self.inbound.body, "body"), self.runner.rules.limits.text_bytes
        if len(body) > limit or len(body.encode("utf-8", "surrogatepass")) > limit:
            raise LimitExceeded("text of a message", limit, len(body), "bytes")
        return body

    def _subject(self) -> str:
        subject = " ".join(clean(self.inbound.subject or "", "subject").split())
        if not subject:
            first = next((line.strip() for line in self.inbound.body.splitlines() if line.strip()), "")
            subject = " ".join(clean(first, "subject").split())
            if len(subject) > MAX_SUBJECT:
                subject = subject[: MAX_SUBJECT - 1].rstrip() + "…"
        return subject or NO_SUBJECT

    def _leg(self, ticket: Ticket, known: Leg | None, *, is_answered: bool) -> LegChange:
        """Return the leg of a message that joins a ticket: the one that is known, or a new one of this ticket."""
        heard_at = self.at if is_answered and not self._is_automatic else None
        is_here = known is not None and known.ticket in {ticket.id, *[part.ticket for part in ticket.merged]}
        if known is not None and is_here and known.address == self.sender:
            key = conversation_key(self.keys, self.channel, self.inbound.account, known.thread)
            if _is_ours(known) and self.inbound.account:
                real = clean(self.inbound.account, "account")[:255]
                key = conversation_key(self.keys, self.channel, self.inbound.account, self._thread())
                leg = attrs.evolve(known, account=real, thread=self._thread(), heard_at=heard_at)
                return LegChange(leg=leg, key=key, is_new=False)
            latest = max(known.heard_at or known.began_at, heard_at or known.began_at)
            leg = attrs.evolve(known, heard_at=latest if heard_at else known.heard_at)
            return LegChange(leg=leg, key=key, replaces=known.id, is_new=False)
        return self._leg_for(ticket.id, known, own_thread=known is not None and known.address != self.sender)

    def _leg_for(self, ticket: str, known: Leg | None, *, own_thread: bool = False) -> LegChange:
        """Return a new leg of a ticket; a stranger in somebody's thread has one of his own."""
        thread = self._thread()
        keyed = self.keys.digest("stranger", thread, self.sender) if own_thread else thread
        key = conversation_key(self.keys, self.channel, self.inbound.account, keyed)
        replaced = known if known is not None and not own_thread else self._newest(key)
        leg = Leg(
            id=self.runner.new_id(self.draft.now),
            tenant=self.runner.tenant,
            ticket=ticket,
            channel=self.channel,
            account=clean(self.inbound.account, "account")[:255],
            thread=thread,
            address=self.sender,
            began_at=self.draft.now,
            heard_at=None if self._is_automatic else self.at,
            verified=self.inbound.auth is Authenticity.VERIFIED,
        )
        return LegChange(leg=leg, key=key, replaces=None if replaced is None else replaced.id)

    def _may_move(self, *, is_joining: bool) -> bool:
        """Tell whether the sender may say where answers go: an unproved one moves no others to another domain."""
        wanted, auth = self.inbound.answer_to, self.inbound.auth
        if wanted is None or auth is Authenticity.FAILED or self.is_stranger:
            return False
        return not is_joining or auth is Authenticity.VERIFIED or originals.same_domain(wanted, self.sender)

    def _newest(self, key: str) -> Leg | None:
        """Return the newest leg of a conversation; what was looked at in this transaction is not asked for again."""
        if key not in self.looked_at:
            self.looked_at[key] = self.unit.conversation(key)
        return self.looked_at[key]

    def _files(self, ticket: str, message: str, *, is_joining: bool) -> tuple[Attachment, ...]:
        given = self.inbound.attachments
        if len(given) > self.budgets.files:
            raise LimitExceeded("files of one message", self.budgets.files, len(given))
        size = sum(len(file.content) for file in given)
        if size > self.budgets.file_bytes:
            raise LimitExceeded("files of one message together", self.budgets.file_bytes, size, "bytes")
        original = originals.file_of(
            self.inbound,
            tenant=self.runner.tenant,
            ticket=ticket,
            message=message,
            sender=self.sender,
            moves=self._may_move(is_joining=is_joining),
        )
        if original is not None:
            self.draft.received.files.append(original)
        found = []
        for file in given:
            stored = StoredFile(
                id=self.runner.new_id(self.draft.now),
                tenant=self.runner.tenant,
                ticket=ticket,
                message=message,
                name=clean(file.name, "name of a file")[:255],
                media_type=clean(file.media_type, "media type")[:255],
                content=file.content,
                digest=hashlib.sha256(file.content).hexdigest(),
                inline=file.inline,
                content_id=file.content_id,
            )
            self.draft.received.files.append(stored)
            found.append(
                Attachment(
                    id=stored.id,
                    name=stored.name,
                    media_type=stored.media_type,
                    size=len(file.content),
                    digest=stored.digest,
                )
            )
        return tuple(found)

    def _spend_reopening(self, ticket: Ticket) -> None:
        if not ticket.is_done or self._is_automatic:
            return
        day = self.draft.now.replace(hour=0, minute=0, second=0, microsecond=0)
        if not self.unit.spend("reopenings", ticket.id, day, self.budgets.reopenings):
            raise Quarantine("budget.reopenings")


def _is_ours(leg: Leg) -> bool:
    """Tell whether the desk began a leg and nobody has answered on it: its account and its thread are not known."""
    return not leg.account and leg.thread == leg.address and leg.heard_at is None
