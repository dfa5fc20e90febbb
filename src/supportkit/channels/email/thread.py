"""Which ticket a mail belongs to, and whether its sender may write there.

Our ids, answer addresses and subject tags are signed. A signature proves that somebody had one of our mails, not who
writes; so a candidate is found first and authorised after. Never found by the text, by an attached mail or by a subject
without a tag.

The way: `candidates` names what a mail points at, in order; the caller loads the ticket of each, `is_signed` checks the
signature with the ticket's token generation, `may_join` decides. `decide` does these steps in one call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum

import attrs

from supportkit.channels.email.address import address_key, read_mailboxes
from supportkit.channels.email.authresults import Identity
from supportkit.channels.email.parse import ParsedMail
from supportkit.channels.inbound import Reference, ReferenceKind
from supportkit.keys import Keys
from supportkit.model.ticket import MAX_GENERATION

MESSAGE_ID = "mail.message-id"
ANSWER = "mail.answer-address"
TAG = "mail.subject-tag"
"""The purposes of the signatures, so that one never passes for another."""
MAX_LOCAL = 64
MAX_SIGNED = 100
"""So many signatures of one mail are checked, each under every generation; a real mail has a few."""
LOOKED_UP = 50
"""Ids of References that are looked up, the last ones."""

_MAC = "[a-zA-Z2-7]{16}"
_OWN_ID = re.compile(
    rf"<sk\.([A-Za-z0-9_-]{{1,64}})\.([A-Za-z0-9_-]{{1,64}})\.({_MAC})@[^<>\s]{{1,255}}>", re.IGNORECASE
)
_ANSWER = re.compile(rf"[^@\s]{{1,40}}\+t\.([0-9]{{1,12}})\.({_MAC})@[^\s]{{1,255}}", re.IGNORECASE)
_TAGGED = re.compile(rf"\[#([0-9]{{1,12}})-({_MAC})\]")
_RECIPIENT_FIELDS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
_MAX_RECIPIENT_FIELDS = 20
_SUBJECT_CHARS = 2_000
_ID_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Evidence(StrEnum):
    """What points at a ticket, the strongest first."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    OWN_ID = "own_id"
    FOREIGN_ID = "foreign_id"
    TAG = "tag"


@attrs.frozen(kw_only=True)
class Candidate:
    """Something in a mail that points at a ticket.

    Attributes:
        evidence: What it is.
        ticket: Id of the ticket (`OWN_ID`) or its number (`TOKEN`, `TAG`); empty for a foreign id.
        message: Id of our message that it names, for `OWN_ID`.
        mac: The signature to be checked.
        message_id: The Message-ID, for ids.
    """

    evidence: Evidence
    ticket: str = ""
    message: str = ""
    mac: str = attrs.field(default="", repr=False)
    message_id: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class KnownTicket:
    """What the rules need to know of a ticket that a candidate points at.

    Attributes:
        id: Its id.
        number: Its number.
        generation: Of its tokens; a new one revokes every signature before it.
        participants: Addresses of requester, participants and agents.
        domains: Mail domains whose people may join too, by policy; never those of public providers.
    """

    id: str
    number: int
    generation: int = 0
    participants: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    domains: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class Permission:
    """Whether a mail becomes part of a ticket.

    Attributes:
        joins: It does.
        stranger: Its sender takes no part: the message is marked, adds nobody, and nobody new gets an answer.
        reason: Why, for the log; none of the sender's words.
    """

    joins: bool
    stranger: bool = False
    reason: str


@attrs.frozen(kw_only=True)
class Decision:
    """Where a mail goes.

    Attributes:
        ticket: Id of the ticket that it joins; `None`: a new one.
        claims: Id of a ticket that the new one claims to follow: linked, and nothing of it disclosed.
        stranger: As in `Permission`.
        evidence: What decided; `None` where nothing points anywhere.
        reason: Why, for the log.
    """

    ticket: str | None = None
    claims: str | None = None
    stranger: bool = False
    evidence: Evidence | None = None
    reason: str


def sign_message_id(keys: Keys, *, tenant: str, ticket: str, generation: int, message: str, domain: str) -> str:
    """Return the Message-ID of our *message* on *ticket*, with angle brackets.

    Raises:
        ValueError: *ticket* or *message* has other characters than letters, digits, `_` and `-`, or more than 64.
    """
    for name, part in (("ticket", ticket), ("message", message)):
        if not _ID_PART.fullmatch(part):
            raise ValueError(f"the {name} of a Message-ID is 1 to 64 letters, digits, _ and -, not {part!r:.80}")
    mac = keys.sign(MESSAGE_ID, tenant, ticket, str(generation), message)
    return f"<sk.{ticket}.{message}.{mac}@{domain}>"


def sign_answer_address(keys: Keys, mailbox: str, *, tenant: str, ticket: KnownTicket) -> str | None:
    """Return *mailbox* with the token of *ticket* behind a plus, `None` if its local part would be too long."""
    local, _, domain = mailbox.rpartition("@")
    mac = keys.sign(ANSWER, tenant, str(ticket.number), str(ticket.generation), "")
    local = f"{local}+t.{ticket.number}.{mac}"
    return f"{local}@{domain}" if len(local) <= MAX_LOCAL else None


def sign_tag(keys: Keys, *, tenant: str, ticket: KnownTicket) -> str:
    """Return the tag of *ticket* for subjects, such as `[#1042-abcdefghijklmnop]`."""
    return f"[#{ticket.number}-{keys.sign(TAG, tenant, str(ticket.number), str(ticket.generation), '')}]"


def candidates(mail: ParsedMail) -> tuple[Candidate, ...]:
    """Return what in *mail* points at a ticket, in the order in which it is looked up; no signature is checked yet."""
    return tuple(dict.fromkeys([*_tokens(mail), *_ids(mail), *_tags(mail)]))


def _tokens(mail: ParsedMail) -> Iterator[Candidate]:
    for field in _RECIPIENT_FIELDS:
        for value in mail.headers.all(field)[:_MAX_RECIPIENT_FIELDS]:
            boxes, _doubt = read_mailboxes(value, 100)
            for box in boxes:
                match = _ANSWER.fullmatch(box.address)
                if match:
                    yield Candidate(evidence=Evidence.TOKEN, ticket=match[1], mac=match[2].lower())


def _ids(mail: ParsedMail) -> Iterator[Candidate]:
    ids = [*mail.in_reply_to[:LOOKED_UP], *reversed(mail.references[-LOOKED_UP:])]
    yield from [own for own in map(own_id, ids) if own]
    for found in ids:
        if own_id(found) is None:
            yield Candidate(evidence=Evidence.FOREIGN_ID, message_id=found)


def _tags(mail: ParsedMail) -> Iterator[Candidate]:
    for match in _TAGGED.finditer(mail.subject[:_SUBJECT_CHARS]):
        yield Candidate(evidence=Evidence.TAG, ticket=match[1], mac=match[2].lower())


def own_id(message_id: str) -> Candidate | None:
    """Return what a Message-ID of our form names; whether it is ours tells `is_signed`."""
    match = _OWN_ID.fullmatch(message_id)
    if match is None:
        return None
    return Candidate(
        evidence=Evidence.OWN_ID, ticket=match[1], message=match[2], mac=match[3].lower(), message_id=message_id
    )


def is_signed(candidate: Candidate, keys: Keys, *, tenant: str, ticket: KnownTicket) -> bool:
    """Tell whether *candidate* bears our signature for *ticket* of *tenant*; a wrong one counts as absent."""
    generation = str(ticket.generation)
    match candidate.evidence:
        case Evidence.OWN_ID:
            signed = (MESSAGE_ID, tenant, candidate.ticket, generation, candidate.message)
            return candidate.ticket == ticket.id and keys.verify(candidate.mac, *signed) is not None
        case Evidence.TOKEN | Evidence.TAG:
            purpose = ANSWER if candidate.evidence is Evidence.TOKEN else TAG
            right = candidate.ticket == str(ticket.number)
            return right and keys.verify(candidate.mac, purpose, tenant, candidate.ticket, generation, "") is not None
        case Evidence.FOREIGN_ID:
            return False


def signed_references(mail: ParsedMail, keys: Keys, *, tenant: str) -> tuple[Reference, ...]:
    """Return what in *mail* bears our signature, in the order in which it is looked up.

    Nothing else than the signature is needed to check it: the number, which tokens and tags name, is signed itself.
    Whether its generation is the one that holds for the ticket, only who has the ticket can tell.
    """
    found = []
    signed = [one for one in candidates(mail) if one.evidence is not Evidence.FOREIGN_ID]
    for candidate in signed[:MAX_SIGNED]:
        generation = signed_generation(candidate, keys, tenant=tenant)
        if generation is not None:
            kind = _REFERENCES[candidate.evidence]
            if kind is ReferenceKind.MESSAGE:
                reference = Reference(kind=kind, id=candidate.ticket, message=candidate.message)
            else:
                reference = Reference(kind=kind, number=int(candidate.ticket))
            found.append(attrs.evolve(reference, generation=generation))
    return tuple(found)


def signed_generation(candidate: Candidate, keys: Keys, *, tenant: str) -> int | None:
    """Return under which generation *candidate* bears our signature, `None` where it bears none."""
    is_number = candidate.evidence in {Evidence.TOKEN, Evidence.TAG}
    number = int(candidate.ticket) if is_number else 0
    for generation in range(MAX_GENERATION + 1):
        named = KnownTicket(id=candidate.ticket, number=number, generation=generation)
        if is_signed(candidate, keys, tenant=tenant, ticket=named):
            return generation
    return None


_REFERENCES = {
    Evidence.TOKEN: ReferenceKind.TOKEN,
    Evidence.OWN_ID: ReferenceKind.MESSAGE,
    Evidence.TAG: ReferenceKind.TAG,
}


def may_join(
    candidate: Candidate,
    mail: ParsedMail,
    participants: Collection[str],
    *,
    identity: Identity = Identity.UNVERIFIED,
    domains: Collection[str] = frozenset(),
) -> Permission:
    """Return whether the sender of *mail* may write to the ticket that *candidate* points at.

    A token always joins, a stranger's mail marked as such. An id or a tag joins only if the sender is unambiguous, has
    not failed authentication, and takes part or, by policy, belongs to one of *domains*.
    """
    known = {address_key(address) for address in participants}
    takes_part = not mail.sender_ambiguous and address_key(mail.sender.address) in known
    trusted = takes_part and identity is not Identity.FAILED
    if candidate.evidence is Evidence.TOKEN:
        return Permission(joins=True, stranger=not trusted, reason="token" if trusted else "token of a stranger")
    if mail.sender_ambiguous:
        return Permission(joins=False, stranger=True, reason="ambiguous sender")
    if identity is Identity.FAILED:
        return Permission(joins=False, stranger=True, reason="failed authentication")
    if takes_part:
        return Permission(joins=True, reason="takes part")
    if mail.sender.domain and mail.sender.domain in {domain.lower() for domain in domains}:
        return Permission(joins=True, reason="same organisation")
    return Permission(joins=False, stranger=True, reason="takes no part")


def decide(
    mail: ParsedMail,
    find: Callable[[Candidate], KnownTicket | None],
    keys: Keys,
    *,
    tenant: str,
    identity: Identity = Identity.UNVERIFIED,
) -> Decision:
    """Return where *mail* goes.

    Parameters:
        find: Returns the ticket that a candidate names (by id, by number, or by a foreign Message-ID stored on it)
            among those of *tenant*, `None` if there is none.
        identity: What authentication says about the sender.
    """
    for candidate in candidates(mail):
        ticket = find(candidate)
        if ticket is None:
            continue
        if candidate.evidence is not Evidence.FOREIGN_ID and not is_signed(
            candidate, keys, tenant=tenant, ticket=ticket
        ):
            continue
        allowed = may_join(candidate, mail, ticket.participants, identity=identity, domains=ticket.domains)
        if allowed.joins:
            return Decision(
                ticket=ticket.id, stranger=allowed.stranger, evidence=candidate.evidence, reason=allowed.reason
            )
        return Decision(claims=ticket.id, stranger=True, evidence=candidate.evidence, reason=allowed.reason)
    return Decision(reason="points at no ticket")
