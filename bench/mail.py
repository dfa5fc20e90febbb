"""P11: reading a mail of 5 kB: parsing, classifying, text and reply view, in mails a second, and parsing alone.

The mail is made here: an answer with a plain and an HTML branch, a quote and a signature, encoded names, and the header
fields that mail servers add. The whole way, from a mailbox to a message on a ticket in a SQLite file (stored raw in one
commit for all, then one that routes a mail and claims the next one), is measured against a command of P1 on the
same disk.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.harness import Row, alone, at_least, at_most, cpu_seconds, insist, seconds, take_turns, told
from bench.life import COMMANDS, live
from supportkit import Desk
from supportkit.channels.email import (
    EmailChannel,
    classify_mail,
    html_to_text,
    parse_mail,
    read_delivery_report,
    reply_view,
)
from supportkit.channels.inbound import Payload, Polled
from supportkit.intake import Budgets
from supportkit.keys import Keys

MAILS = 300
BAR = 500
STORED = 60
LIVES = 20
STORED_BAR = 3.0


def run() -> list[Row]:
    """Measure reading and judging, the parser alone, and the way to a stored message."""
    return [insist(_whole), _parsed(), insist(_stored)]


def _whole() -> Row:
    raws = [sample(number) for number in range(MAILS)]

    def work() -> None:
        for raw in raws:
            mail = parse_mail(raw)
            classify_mail(mail)
            read_delivery_report(mail)
            html_to_text(mail.html or "")
            reply_view(mail.text)

    rates = [MAILS / taken for taken in alone(lambda: cpu_seconds(work))]
    return at_least(BAR, rates, digits=0, id="P11", work="a mail of 5 kB, read and judged", unit="mails/s")


def _parsed() -> Row:
    raws = [sample(number) for number in range(MAILS)]

    def work() -> None:
        for raw in raws:
            parse_mail(raw)

    rates = [MAILS / taken for taken in alone(lambda: cpu_seconds(work))]
    return told(rates, digits=0, id="P11-parse", work="parsed alone", unit="mails/s")


class _Source:
    """Hands everything over at once, as a mailbox with new mail does."""

    def __init__(self, payloads: list[tuple[str, Payload]]) -> None:
        self.payloads = payloads

    def poll(self, _cursor: str | None) -> Polled:
        """Return all of it."""
        return Polled(payloads=self.payloads, cursor="end")


def _stored() -> Row:
    """Compare a mail that becomes a message with three commands of P1 and the parsing."""
    raws = [sample(number) for number in range(STORED)]
    keys = Keys(signing={1: b"1" * 32}, hashing=b"h" * 32)
    payloads = [(str(number), Payload(body=raw)) for number, raw in enumerate(raws)]
    channel = EmailChannel(addresses="help@corp.example", keys=keys, imap=_Source(payloads))

    def ours() -> float:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'desk.db'}"
            with Desk(url, channels=[channel], keys=keys, budgets=Budgets(new_tickets=STORED)) as desk:
                taken = seconds(lambda: desk.process_inbox(limit=STORED)) / STORED
                if len(desk.find(limit=500).items) != STORED:
                    raise AssertionError("not every mail became a ticket")
                return taken

    def base() -> float:
        with tempfile.TemporaryDirectory() as folder, Desk(f"sqlite:///{Path(folder) / 'desk.db'}") as desk:
            command = seconds(lambda: live(desk, LIVES)) / (LIVES * COMMANDS)
        return command + seconds(lambda: [parse_mail(raw) for raw in raws]) / STORED / STORED_BAR

    measured = take_turns(ours, base)
    return at_most(
        STORED_BAR,
        measured.ratios,
        spread=measured.spread,
        id="P11-stored",
        work="a mail of 5 kB to a stored message",
        reference="a command of P1 + a third of parsing",
    )


def sample(number: int) -> bytes:
    """Return a mail of about 5 kB, no two alike."""
    words = "The printer on the second floor jams again, and the cover is still open. "
    answer = f"Hello,\n\nticket {number}: {words * 4}\n\nKind regards\nAnn\n\n-- \nAnn Lee\nCustomer Inc.\n\n"
    quote = "".join(f"> {words}\n" for _ in range(18))
    plain = f"{answer}On Mon, May 5, 2025 at 10:12 AM Help Desk <help@corp.example> wrote:\n\n{quote}"
    inner = "".join(f"<p style='margin:0'>{words}</p>" for _ in range(15))
    html = f"<html><body><div dir=ltr>{inner}</div><blockquote type=cite>{inner[:600]}</blockquote></body></html>"
    received = "".join(
        f"Received: from mx{hop}.example (mx{hop}.example [192.0.2.{hop}])\n"
        f"\tby mail.example with ESMTPS id {number}x{hop}\n"
        f"\tfor <help@corp.example>; Mon, 5 May 2025 10:1{hop}:00 +0000\n"
        for hop in range(4)
    )
    return (
        f"{received}From: =?utf-8?b?0JDQvdC90LAg0JvQuA==?= <ann@customer.example>\nTo: Help Desk <help@corp.example>\n"
        f"Subject: =?utf-8?q?Re:_Printer_{number}_k=C3=B6nnte?=\nMessage-ID: <{number}@customer.example>\n"
        "In-Reply-To: <first@corp.example>\nReferences: <first@corp.example> <second@corp.example>\n"
        "Date: Mon, 5 May 2025 10:15:00 +0000\nMIME-Version: 1.0\n"
        'Content-Type: multipart/alternative; boundary="part"\n\n'
        f"--part\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{plain}\n"
        f"--part\nContent-Type: text/html; charset=utf-8\n\n{html}\n--part--\n"
    ).encode()
