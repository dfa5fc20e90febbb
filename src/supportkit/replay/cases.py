"""`Case`: the little that a replay keeps of each ticket of a log while the rows go by."""

from __future__ import annotations

import hashlib

import attrs

from supportkit.errors import Refused, SupportkitError
from supportkit.replay.mapping import SAME
from supportkit.replay.rows import ENDS, Row

_PLAIN_KEY = 160
_CODE = 31


@attrs.define
class Case:
    """One ticket of the log.

    Attributes:
        rows: Rows seen so far, taken or not.
        opening: Number of the row that opened the ticket; 0 before.
        done: Whether the last row that changed the ticket's state said that the work is over.
    """

    rows: int = 0
    opening: int = 0
    done: bool = False

    def follow(self, row: Row) -> bool:
        """Take in a row that changed its ticket; tell whether it takes finished work up again."""
        to = row.said.meaning.to
        if to == SAME:
            return False
        before, self.done = self.done, to in ENDS
        return before and not self.done


def row_key(format_name: str, case: str, number: int) -> str:
    """Return the idempotency key of the *number*-th row of a case; a case that fits into no key is hashed."""
    if len(case) > _PLAIN_KEY or not (case.isascii() and case.isprintable()):
        case = f"#{hashlib.sha256(case.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return f"{format_name}:{case}:{number}"


def fingerprint(cells: list[str]) -> str:
    """Return what tells the rows of a key apart: SHA-256 over the cells."""
    return hashlib.sha256("\x1f".join(cells).encode("utf-8", "surrogatepass")).hexdigest()


def refusal_code(error: SupportkitError) -> str:
    """Return the code under which a refused row is counted; as long as a receipt can hold."""
    code: str = error.refusal.code if isinstance(error, Refused) else error.code
    return code[:_CODE]
