"""Which mail a machine wrote: bounces, automatic answers, lists, our own; and whether it may be acknowledged.

A mail with any sign at all is never acknowledged (RFC 3834): two desks that answer each other stop here first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum

import attrs

from supportkit.channels.email import phrases
from supportkit.channels.email.address import address_key, read_mailboxes
from supportkit.channels.email.parse import ParsedMail

_COMMENT = re.compile(r"\([^()]*\)")
_BOUNCERS = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|mdaemon|post[-_]?master|bounces?|mail-?deliver(?:y|-?system|-?subsystem)?)"
    r"(?:[+=._-].*)?"
)
_BOUNCER_NAMES = re.compile(
    r"(?:mail|message) delivery (?:sub)?system|mailer[- ]daemon|mail administrator|postmaster|system administrator"
    r"|internet mail delivery|delivery (?:sub)?system|mail ?system"
)
_NO_REPLY = re.compile(
    r"(?:no|do[-_.]?not|dont|never|ne[-_.]?pas|nicht|keine?)[-_.]?"
    r"(?:reply|replies|respond|answer|repondre|antworten|antwort)|noreply.*|.*[-_.+]no-?reply"
)
_AUTO_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponse", "x-autoresponder", "x-mail-autoreply", "x-vacation",
                 "x-auto-reply", "x-auto-response", "x-autoreply-from")  # fmt: skip
_SUPPRESS = {"all", "oof", "autoreply", "dr", "rn", "nrn"}
_LIST_HEADERS = ("list-id", "list-unsubscribe", "list-post", "x-loop")
_PRECEDENCE = {"bulk", "junk", "list", "auto_reply", "auto-reply"}
_PREFIX = re.compile(r"\[[^\]\n]{1,40}\]\s{0,3}|\*{2,5}spam\*{2,5}\s{0,3}", re.IGNORECASE)
_AFTER_AUTO = re.compile(
    r"\s*(?:\Z|[:\uff1a!(\[\-\u2013\u2014/]|re\b|from\b|until\b|till\b|von\b|bis\b|auto|reply|response|message"
    r"|notification|notice|du\b|de\b|do\b|od\b|\u0441\b|\u043e\u0442\b|\u7684)"
)


class MachineKind(StrEnum):
    """What a mail is by its signs."""

    PERSON = "person"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    RECEIPT = "receipt"
    AUTO_REPLY = "auto_reply"
    BULK = "bulk"
    OWN = "own"


@attrs.frozen(kw_only=True)
class MachineVerdict:
    """What the signs of a mail say.

    Attributes:
        kind: By the strongest sign; `person` where there is none, or a weak one.
        reasons: Every sign that was found, none of the sender's words.
        may_acknowledge: There is no sign at all, and somebody to answer to.
    """

    kind: MachineKind
    reasons: tuple[str, ...] = ()
    may_acknowledge: bool

    @property
    def is_event(self) -> bool:
        """It opens no ticket, reopens none and moves no clock: it belongs to what it answers, or to quarantine."""
        return self.kind not in {MachineKind.PERSON, MachineKind.BULK}


def _nobody(_message_id: str) -> bool:
    return False


def classify_mail(
    mail: ParsedMail,
    *,
    own_addresses: Collection[str] = frozenset(),
    is_own_id: Callable[[str], bool] = _nobody,
) -> MachineVerdict:
    """Return what *mail* is.

    Parameters:
        own_addresses: The addresses of our mailboxes.
        is_own_id: Tells whether a Message-ID bears our valid signature.
    """
    if mail.message_id and is_own_id(mail.message_id):
        return MachineVerdict(kind=MachineKind.OWN, reasons=("own Message-ID",), may_acknowledge=False)
    signs = list(_signs(mail, {address_key(address) for address in own_addresses}))
    kind = next((kind for kind in _ORDER if any(found is kind for found, _reason in signs)), MachineKind.PERSON)
    answerable = bool(mail.sender.address) and not mail.sender_ambiguous
    reasons = [reason for _kind, reason in signs] + ([] if answerable else ["sender unknown or ambiguous"])
    return MachineVerdict(kind=kind, reasons=tuple(reasons), may_acknowledge=not reasons)


_ORDER = (
    MachineKind.COMPLAINT,
    MachineKind.RECEIPT,
    MachineKind.BOUNCE,
    MachineKind.OWN,
    MachineKind.AUTO_REPLY,
    MachineKind.BULK,
)
_WEAK = MachineKind.PERSON
_Sign = tuple[MachineKind, str]


def _signs(mail: ParsedMail, own: set[str]) -> Iterator[_Sign]:
    yield from _report_signs(mail)
    yield from _bounce_signs(mail)
    if address_key(mail.sender.address) in own:
        yield MachineKind.OWN, "From one of our addresses"
    yield from _auto_signs(mail)
    yield from _bulk_signs(mail)
    answer = (mail.reply_to[0] if mail.reply_to else mail.sender).address
    if _NO_REPLY.fullmatch(answer.partition("@")[0].lower()):
        yield _WEAK, "answers are not read"


def _report_signs(mail: ParsedMail) -> Iterator[_Sign]:
    types = {attachment.media_type for attachment in mail.attachments} | {mail.media_type}
    report = dict(mail.parameters).get("report-type", "").lower() if mail.media_type == "multipart/report" else ""
    if report == "feedback-report" or "message/feedback-report" in types:
        yield MachineKind.COMPLAINT, "feedback report"
    elif report == "disposition-notification" or "message/disposition-notification" in types:
        yield MachineKind.RECEIPT, "disposition notification"
    elif mail.media_type == "multipart/report":
        yield MachineKind.BOUNCE, "multipart/report"
    if types & {"message/delivery-status", "message/global-delivery-status"}:
        yield MachineKind.BOUNCE, "delivery status"


def _bounce_signs(mail: ParsedMail) -> Iterator[_Sign]:
    headers = mail.headers
    if headers.raw("x-failed-recipients") is not None:
        yield MachineKind.BOUNCE, "X-Failed-Recipients"
    local = mail.sender.address.partition("@")[0].lower()
    name = mail.sender.name.lower()
    if (
        _BOUNCERS.fullmatch(local)
        or (not mail.sender.address and _BOUNCERS.match(name))
        or _BOUNCER_NAMES.fullmatch(name)
    ):
        yield MachineKind.BOUNCE, "From a mailer daemon"
    subject = mail.subject[:1_000].lower()
    bounce_like = any(words in subject for words in phrases.BOUNCE_SUBJECTS)
    null = [value for value in headers.all("return-path") if value.replace(" ", "") == "<>"]
    if null and bounce_like:
        yield MachineKind.BOUNCE, "null sender, and the subject of a bounce"
    elif null:
        yield _WEAK, "null sender"
    elif bounce_like:
        yield _WEAK, "subject of a bounce"


def _auto_signs(mail: ParsedMail) -> Iterator[_Sign]:
    for value in mail.headers.all("auto-submitted"):
        word = _word(value)
        if word == "auto-replied":
            yield MachineKind.AUTO_REPLY, "Auto-Submitted: auto-replied"
        elif word != "no":
            yield MachineKind.BULK, "Auto-Submitted"
    for name in _AUTO_HEADERS:
        given = mail.headers.raw(name)
        if given is not None and _word(given) != "no":
            yield MachineKind.AUTO_REPLY, name
    subject = _PREFIX.sub("", mail.subject[:1_000], count=1).strip().lower()
    for words in phrases.AUTO_REPLY_SUBJECTS:
        if subject.startswith(words) and _AFTER_AUTO.match(subject, len(words)):
            yield MachineKind.AUTO_REPLY, "subject of an automatic answer"
            break


def _bulk_signs(mail: ParsedMail) -> Iterator[_Sign]:
    headers = mail.headers
    suppressed = {
        word.strip().lower() for value in headers.all("x-auto-response-suppress") for word in value.split(",")
    }
    if suppressed & _SUPPRESS:
        yield MachineKind.BULK, "X-Auto-Response-Suppress"
    if any(_word(value) in _PRECEDENCE for value in headers.all("precedence")):
        yield MachineKind.BULK, "Precedence"
    for name in _LIST_HEADERS:
        if headers.raw(name) is not None:
            yield MachineKind.BULK, name


def _word(value: str) -> str:
    """Return the first word of a value, without comments and parameters, lower case."""
    return _COMMENT.sub(" ", value[:1_000]).partition(";")[0].strip().lower()


def answer_address(mail: ParsedMail) -> str:
    """Return where an answer to *mail* goes: the first address of Reply-To, else the sender's; it may be empty."""
    boxes, _doubt = read_mailboxes(mail.headers.raw("reply-to"), 1)
    return boxes[0].address if boxes else mail.sender.address
