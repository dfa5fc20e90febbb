"""A parsed mail becomes the values of the channel port: a message, or what happened to one of ours."""

from __future__ import annotations

import attrs

from supportkit.channels.email.address import address_key, is_address
from supportkit.channels.email.authresults import Identity
from supportkit.channels.email.machine import MachineKind, MachineVerdict, answer_address, classify_mail
from supportkit.channels.email.outgoing import MAX_RECIPIENTS, choose_recipients
from supportkit.channels.email.parse import ParsedMail
from supportkit.channels.email.reply import SpanKind, reply_view
from supportkit.channels.email.report import DeliveryReport, read_delivery_report
from supportkit.channels.email.thread import Candidate, own_id, signed_generation, signed_references
from supportkit.channels.inbound import (
    Arrived,
    Authenticity,
    Inbound,
    InboundFile,
    Mark,
    Receipt,
    ReceiptStatus,
)
from supportkit.keys import Keys
from supportkit.model.message import MessageKind

NOBODY = "unknown-sender@mail.invalid"
"""Stands for a sender without an address; nothing is ever sent there (RFC 2606)."""
MAX_BODY_BYTES = 900_000
"""Of the text that is kept, in UTF-8; the mail itself is stored whole."""
MAX_ANSWERED = 50
_MAX_SUBJECT = 900
_MAX_SPANS = 500
_CUT = {"truncated", "too_big", "structure_bomb"}
_NOTE = "\n\n[This mail was too large or too deeply nested: a part of it is not shown here.]"
_AUTH = {
    Identity.VERIFIED: Authenticity.VERIFIED,
    Identity.UNVERIFIED: Authenticity.UNVERIFIED,
    Identity.FAILED: Authenticity.FAILED,
}
_MARKS = {
    MachineKind.BOUNCE: Mark.BOUNCE,
    MachineKind.COMPLAINT: Mark.AUTO_REPLY,
    MachineKind.RECEIPT: Mark.AUTO_REPLY,
    MachineKind.AUTO_REPLY: Mark.AUTO_REPLY,
    MachineKind.BULK: Mark.BULK,
    MachineKind.OWN: Mark.OWN,
}


@attrs.frozen(kw_only=True)
class Reader:
    """Reads mails of one mailbox.

    Attributes:
        addresses: Ours, as they are compared; the first is the account of mail that names none of them.
        cc_joins: Who stands in To or Cc takes part.
    """

    keys: Keys = attrs.field(repr=False)
    tenant: str
    addresses: tuple[str, ...]
    cc_joins: bool = False

    def read(self, mail: ParsedMail, *, identity: Identity) -> list[Arrived]:
        """Return what *mail* says: receipts for messages of ours, else one message."""
        verdict = classify_mail(mail, own_addresses=self.addresses, is_own_id=self._is_ours)
        if verdict.kind in {MachineKind.BOUNCE, MachineKind.RECEIPT}:
            report = read_delivery_report(mail)
            receipts = [] if report is None else self._receipts(mail, verdict.kind, report)
            if receipts:
                return [*receipts]
        return [self._message(mail, verdict, identity)]

    def _named(self, message_id: str) -> Candidate | None:
        """Return what a Message-ID names, if it bears our signature, of whatever generation: it is of our mail."""
        found = own_id(message_id)
        if found is None or signed_generation(found, self.keys, tenant=self.tenant) is None:
            return None
        return found

    def _is_ours(self, message_id: str) -> bool:
        return self._named(message_id) is not None

    def _receipts(self, mail: ParsedMail, kind: MachineKind, report: DeliveryReport) -> list[Receipt]:
        """Return what a report says of one of our mails: one receipt for each recipient that it names."""
        ids = [*report.found_ids, *mail.in_reply_to[:MAX_ANSWERED], *mail.references[-MAX_ANSWERED:]]
        ours = next((found for found in map(self._named, ids) if found is not None), None)
        if ours is None:
            return []
        found = []
        for one in report.recipients[:MAX_RECIPIENTS] or [None]:
            status, reason = _outcome(kind, report if one is None else attrs.evolve(report, recipients=(one,)))
            receipt = Receipt(
                status=status,
                account=self._account(mail),
                external_id=ours.message_id[:255],
                message=f"{ours.message}.1",
                recipient=None if one is None else one.address,
                reason=reason,
            )
            found.append(receipt)
        return list(dict.fromkeys(found))

    def _message(self, mail: ParsedMail, verdict: MachineVerdict, identity: Identity) -> Inbound:
        marks = {_MARKS[verdict.kind]} if verdict.kind in _MARKS else set()
        if not marks and not verdict.may_acknowledge and mail.sender.address and not mail.sender_ambiguous:
            marks = {Mark.BULK}  # a weak sign: it counts as a person's, and nobody acknowledges it
        is_event = verdict.is_event and verdict.kind is not MachineKind.OWN
        return Inbound(
            external_id=mail.key,
            account=self._account(mail),
            sender=mail.sender.address or NOBODY,
            sender_name=mail.sender.name or None,
            thread=mail.key,
            reply_to=self._answered(mail),
            references=signed_references(mail, self.keys, tenant=self.tenant),
            subject=mail.subject[:_MAX_SUBJECT] or None,
            body=_body(mail),
            html=mail.html,
            attachments=[
                InboundFile(
                    name=one.name,
                    content=one.content,
                    media_type=one.media_type,
                    inline=one.inline,
                    content_id=one.content_id,
                )
                for one in mail.attachments
            ],
            answer_to=self._answer_to(mail),
            participants=self._participants(mail),
            sent_at=mail.date,
            kind=MessageKind.AUTO if is_event else MessageKind.REPLY,
            auth=_AUTH[identity],
            marks=marks,
            details=_details(mail, verdict),
        )

    def _answer_to(self, mail: ParsedMail) -> str | None:
        """Return where answers are wanted, if that is elsewhere and not with us."""
        wanted = answer_address(mail)
        if not is_address(wanted) or address_key(wanted) == address_key(mail.sender.address):
            return None
        return next(iter(choose_recipients(wanted, own_addresses=self.addresses)), None)

    def _participants(self, mail: ParsedMail) -> tuple[str, ...]:
        """Return whom a mail was also sent to, as far as that is to mean anything: each once, none of ours."""
        if not self.cc_joins:
            return ()
        others = [box.address for box in (*mail.cc, *mail.to) if is_address(box.address)]
        return choose_recipients(mail.sender.address, others, own_addresses=self.addresses)[1:]

    def _answered(self, mail: ParsedMail) -> tuple[str, ...]:
        """Return the foreign ids that a mail answers, the likeliest first; one of ours counts by its signature."""
        ids = dict.fromkeys([*mail.in_reply_to[:MAX_ANSWERED], *reversed(mail.references[-MAX_ANSWERED:])])
        return tuple([one for one in ids if own_id(one) is None and len(one) <= 255][:MAX_ANSWERED])  # noqa: PLR2004

    def _account(self, mail: ParsedMail) -> str:
        """Return which of our addresses a mail came to, plus addresses included."""
        for box in (*mail.to, *mail.cc):
            local, _, domain = address_key(box.address).rpartition("@")
            for plain in (f"{local}@{domain}", f"{local.partition('+')[0]}@{domain}"):
                if plain in self.addresses:
                    return plain
        return self.addresses[0]


def _outcome(kind: MachineKind, report: DeliveryReport) -> tuple[ReceiptStatus, str]:
    """Return what a report says became of a mail; one that is only late has no effect."""
    if kind is MachineKind.RECEIPT:
        return ReceiptStatus.READ, "read"
    codes = [one.status for one in report.recipients if one.status]
    actions = {one.action for one in report.recipients}
    code = f"bounce {codes[0]}" if codes else "bounce"
    if report.is_permanent or not report.recipients:
        return ReceiptStatus.FAILED, code
    if actions and actions <= {"delivered", "relayed", "expanded"}:
        return ReceiptStatus.DELIVERED, "delivered"
    is_late = "delayed" in actions or any(one.startswith("4") for one in codes)
    if is_late:
        return ReceiptStatus.QUEUED, f"delayed {codes[0]}" if codes else "delayed"
    return ReceiptStatus.FAILED, code


def _body(mail: ParsedMail) -> str:
    """Return the whole text of a mail, with a note where a part of it was cut."""
    text, is_cut = mail.text, bool(mail.flags & _CUT)
    octets = text.encode("utf-8", "replace")
    if len(octets) > MAX_BODY_BYTES:
        text, is_cut = octets[:MAX_BODY_BYTES].decode("utf-8", "ignore"), True
    return text + _NOTE if is_cut else text


def _details(mail: ParsedMail, verdict: MachineVerdict) -> dict[str, str]:
    """Return what has no field of its own: how the text reads, and what was noticed."""
    spans = [span for span in reply_view(mail.text).spans if span.kind is SpanKind.NEW]
    details: dict[str, str] = {
        "kind": verdict.kind.value,
        "signs": "; ".join(verdict.reasons[:20]),
        "flags": " ".join(sorted(mail.flags)),
        "shown": " ".join(f"{span.start}-{span.end}" for span in spans[:_MAX_SPANS]),
    }
    answer = answer_address(mail)
    if address_key(answer) != address_key(mail.sender.address):
        details["answer_to"] = answer
        if answer.rpartition("@")[2].lower() != mail.sender.domain:
            details["answer_domain"] = "another"
    if mail.sender_ambiguous:
        details["sender"] = "ambiguous"
    return details
