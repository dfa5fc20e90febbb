"""The part of the storage port with which a person is erased; a storage that has it declares `erases`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from supportkit.model.message import Message
from supportkit.model.ticket import Ticket
from supportkit.storage.arriving import ReceivingUnit
from supportkit.storage.keeping import KeepingUnit
from supportkit.storage.port import Storage


class ErasingUnit(KeepingUnit, ReceivingUnit, Protocol):
    """One transaction of one tenant that can take words out of what is stored."""

    def erase_words(self, ticket: Ticket) -> None:
        """Take every word out of what belongs to a ticket, given as it is stored; the ticket itself is `save`'s.

        The words that events keep apart, bodies of messages and notes and the providers' ids of messages become empty;
        attachments, search terms except those of tags, and conversations that lead here are gone; legs lose thread and
        address, deliveries recipient and provider's id, what was heard the ids of ticket and message, idempotency keys
        the fingerprint, so that a repeat is a conflict. Nothing else changes: no id, no time, no state, no count.
        """
        ...

    def messages_by(self, author: str, *, limit: int, after: str = "") -> Sequence[Message]:
        """Return messages of an author (`customer:<id>`) that have words or attachments still.

        They come by id, beginning after the id *after*.
        """
        ...

    def erase_messages(self, messages: Sequence[Message]) -> None:
        """Empty single messages: body, attachments, provider's id; the search finds their tickets by the rest only."""
        ...

    def erase_places(self, places: Collection[str]) -> int:
        """Take addresses out of legs and deliveries of whatever ticket; return how many rows had one of *places*."""
        ...


class ErasingStorage(Storage, Protocol):
    """A storage whose capabilities declare `erases`."""

    def scrub(self) -> bool:
        """Let go of what the database itself still has of erased rows, such as a log beside its file.

        False where somebody who reads at this moment is in the way: call it again.
        """
        ...
