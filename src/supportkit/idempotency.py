"""Idempotency keys: what a key stands for, and the first result again when it comes back."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from supportkit.drafting import Ref
from supportkit.engine.evolve import fold
from supportkit.errors import IdempotencyConflict, TicketNotFound
from supportkit.model import commands as cm
from supportkit.model.ticket import Ticket
from supportkit.storage.codec import codec_of, dumps
from supportkit.storage.port import UnitOfWork


def fingerprint_of(command: cm.Command | cm.PairCommand, subject: Ref | None) -> str:
    """Return SHA-256 over the canonical JSON of verb, ticket and arguments, without what the desk makes itself."""
    cls: Any = type(command)
    plain = codec_of(cls).encode(command)
    for field in attrs.fields(cls):
        if field.metadata.get("made"):
            plain.pop(field.name, None)
    canonical = dumps([cls.__name__, subject, {name: plain[name] for name in sorted(plain)}])
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def first_result(unit: UnitOfWork, key: str, command: cm.Command | cm.PairCommand, fingerprint: str) -> Ticket | None:
    """Return the result that *key* stands for, rebuilt from the log; `None` when the key is new.

    Raises:
        IdempotencyConflict: The key was used with other parameters.
    """
    receipt = unit.receipt(key)
    if receipt is None:
        return None
    if receipt.fingerprint != fingerprint:
        raise IdempotencyConflict(key, type(command).__name__)
    log = [recorded for recorded in unit.history(receipt.ticket) if recorded.seq <= receipt.seq]
    ticket = fold(log)
    if ticket is None:
        raise TicketNotFound(receipt.ticket)
    return ticket
