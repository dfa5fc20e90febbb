"""Mails to write in a line, keys for tests, and where the corpora lie. No tests in here."""

from __future__ import annotations

import time
from pathlib import Path

from tests.shared_data import shared_file

from supportkit.channels.email import KnownTicket, parse_mail
from supportkit.keys import Keys

KEYS = Keys(signing={1: b"1" * 32}, hashing=b"h" * 32)
TICKET = KnownTicket(id="T-1", number=1042, participants=frozenset({"ann@customer.example"}))


def mail(body: str | bytes = "hi", **fields: object):
    """Parse a mail with *fields* (underscores become hyphens; `None` leaves one out) and a plain body."""
    return parse_mail(raw(body, **fields))


def raw(body: str | bytes = "hi", **fields: object) -> bytes:
    whole = {"from_": "Ann <ann@customer.example>", "to": "help@corp.example", "subject": "hi", **fields}
    lines = []
    for name, value in whole.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                text = one if isinstance(one, bytes) else str(one).encode()
                lines.append(name.strip("_").replace("_", "-").encode() + b": " + text)
    return b"\n".join([*lines, b"", body if isinstance(body, bytes) else body.encode()])


def corpus(folder: str, pattern: str) -> list[Path]:
    """Return the files of a folder of the shared mails; skip the test where they are absent."""
    found = sorted(path for path in shared_file(f"data/mail/{folder}").glob(pattern) if path.is_file())
    assert found, f"no {pattern} in {folder}"
    return [path for path in found if path.name != "LICENSE"]


def seconds(work) -> float:
    """Return the processor time of one call: the machine may be busy with something else."""
    begun = time.process_time()
    work()
    return time.process_time() - begun
