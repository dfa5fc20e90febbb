"""Contract: words are taken out of what stays, all of them and nobody else's (capability `erases`)."""

# ruff: noqa: S101, PLR2004 - these are tests, although they lie in the package

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import attrs
import pytest

from supportkit.errors import StorageError
from supportkit.model import events as ev
from supportkit.model.change import Change
from supportkit.model.conversation import LegChange
from supportkit.model.message import Attachment
from supportkit.model.people import Actor
from supportkit.model.ticket import Ticket
from supportkit.storage.erasing import ErasingStorage, ErasingUnit
from supportkit.storage.port import Storage, TicketQuery
from supportkit.testing.builders import (
    TENANT,
    make_file,
    make_heard,
    make_leg,
    make_message,
    make_note,
    make_outgoing,
    make_receipt,
    opened,
    then,
)
from supportkit.testing.storage.kit import OTHER, StorageKit, get

WORD = "vermilion"
ANN = Actor.parse("customer:ann")


@contextmanager
def erasing(storage: Storage, tenant: str = TENANT, *, write: bool = True) -> Iterator[ErasingUnit]:
    """Open a unit of work that can take words out, or skip where the storage cannot."""
    if not storage.capabilities.erases:
        pytest.skip("the storage declares that it takes no words out")
    with storage.begin(tenant, write=write) as unit:
        yield cast("ErasingUnit", unit)


def full(storage: Storage, number: int, tenant: str = TENANT) -> Ticket:
    """Keep a ticket with words of Ann in every row that may have some."""
    change = opened(number, tenant=tenant, subject=f"{WORD} subject", tags=["crimson"])
    ticket = change.ticket
    message = attrs.evolve(
        make_message(ticket, f"message-{number}", body=f"{WORD} body", external_id=f"{WORD}-{number}"),
        author=ANN,
        attachments=(Attachment(id=f"file-{number}", name=WORD, media_type="text/plain", size=1, digest="0" * 64),),
    )
    leg = make_leg(ticket, f"leg-{number}", address=f"{WORD}-address", thread=f"{WORD}-thread-{number}")
    with storage.begin(tenant) as unit:
        unit.save(
            Change(
                tickets=(change,),
                messages=(message,),
                notes=(make_note(ticket, f"note-{number}", body=f"{WORD} note"),),
                outbox=(make_outgoing(ticket, recipient=f"{WORD}-address", external_id=f"{WORD}-out"),),
                receipt=make_receipt(f"key-{number}", ticket=ticket.id, fingerprint=WORD),
                heard=(make_heard(ticket, key=f"heard-{number}", message=message.id),),
                legs=(LegChange(leg=leg, key=f"conversation-{number}"),),
                files=(make_file(ticket, f"file-{number}", message=message.id, name=WORD, content=WORD.encode()),),
            )
        )
        unit.save(Change(tickets=(then(ticket, ev.SubjectChanged(subject=f"{WORD} again")),)))
    return get(storage, ticket.id, tenant)


def erase(storage: Storage, ticket: Ticket) -> None:
    """Do to a ticket what the desk does."""
    with erasing(storage) as unit:
        unit.erase_words(ticket)
        unit.save(Change(tickets=(then(ticket, ev.PersonErased(customer="ann")),)))


def rows(storage: Storage, tenant: str = TENANT) -> list[str]:
    """Return every row of a tenant as text, with what its `repr` hides."""
    with storage.begin(tenant, write=False) as unit:
        return [repr(attrs.asdict(row)) for row in unit.dump()]


class ErasingTests(StorageKit):
    """What is left of words that were taken out."""

    def test_every_word_of_a_ticket_is_gone_and_every_row_is_there(self, storage: Storage) -> None:
        """Rows keep their ids and instants; only files and the way to a conversation are gone."""
        with erasing(storage, write=False):
            pass
        ticket = full(storage, 1)
        before = len(rows(storage))
        assert sum(WORD in row for row in rows(storage)) >= 7
        erase(storage, ticket)
        assert [row for row in rows(storage) if WORD in row] == []
        assert len(rows(storage)) == before - 1  # the event comes, file and conversation go
        with erasing(storage, write=False) as unit:
            assert unit.message("message-1") is not None
            assert unit.conversation("conversation-1") is None
            assert unit.file("file-1") is None
            [heard] = unit.heard("heard-1")
            assert (heard.ticket, heard.message) == (None, None)

    def test_the_search_finds_the_ticket_by_its_tags_only(self, storage: Storage) -> None:
        """Words of subjects that it had once are gone too."""
        with erasing(storage, write=False):
            pass
        erase(storage, full(storage, 1))
        with storage.begin(TENANT, write=False) as unit:
            for text in (WORD, "subject", "body", "note", "again"):
                assert unit.find(TicketQuery(text=text)).items == ()
            assert [one.id for one in unit.find(TicketQuery(tags=["crimson"])).items] == ["ticket-1"]

    def test_no_other_ticket_and_no_other_tenant_loses_a_word(self, storage: Storage) -> None:
        """Everything of theirs is as it was, and a ticket of another tenant is refused."""
        with erasing(storage, write=False):
            pass
        ticket, other, foreign = full(storage, 1), full(storage, 2), full(storage, 1, OTHER)
        before = [row for row in rows(storage) if f"'{other.id}'" in row], rows(storage, OTHER)
        erase(storage, ticket)
        assert ([row for row in rows(storage) if f"'{other.id}'" in row], rows(storage, OTHER)) == before
        with pytest.raises(StorageError), erasing(storage) as unit:
            unit.erase_words(foreign)
        assert rows(storage, OTHER) == before[1]

    def test_single_messages_are_emptied_and_the_search_forgets_only_them(self, storage: Storage) -> None:
        """They are found by their author, as long as there is something in them."""
        with erasing(storage, write=False):
            pass
        change = opened(1, tenant=TENANT, subject="lamp")
        mine = [attrs.evolve(make_message(change.ticket, f"m{n}", body=f"scarlet {n}"), author=ANN) for n in range(5)]
        other = make_message(change.ticket, "m9", body="lamp is dark")
        with erasing(storage) as unit:
            unit.save(Change(tickets=(change,), messages=(*mine, other)))
        with erasing(storage) as unit:
            assert [one.id for one in unit.messages_by("customer:ann", limit=3)] == ["m0", "m1", "m2"]
            assert [one.id for one in unit.messages_by("customer:ann", limit=9, after="m2")] == ["m3", "m4"]
            unit.erase_messages(unit.messages_by("customer:ann", limit=3))
        with erasing(storage, write=False) as unit:
            assert [one.id for one in unit.messages_by("customer:ann", limit=9)] == ["m3", "m4"]
            found = [[one.id for one in unit.find(TicketQuery(text=text)).items] for text in ("dark", "scarlet", "0")]
            assert found == [["ticket-1"], ["ticket-1"], []]

    def test_addresses_are_taken_out_wherever_they_lie(self, storage: Storage) -> None:
        """Those of others stay, and two deliveries of one cause stay two."""
        with erasing(storage, write=False):
            pass
        ticket = full(storage, 1)
        with erasing(storage) as unit:
            second = make_outgoing(ticket, id="second", part=2, recipient=f"{WORD}-address")
            kept = make_outgoing(ticket, id="third", part=3, recipient="somebody else")
            unit.save(Change(outbox=(second, kept)))
        with erasing(storage) as unit:
            assert unit.erase_places([f"{WORD}-address", "nobody"]) == 3
        with erasing(storage, write=False) as unit:
            recipients = [one.recipient for one in unit.outbox(limit=10)]
            assert (len(set(recipients)), recipients.count("somebody else")) == (3, 1)
            assert WORD not in repr(recipients)
            assert [(leg.address, leg.thread) for leg in unit.legs([ticket.id])] == [("", "")]

    def test_scrubbing_changes_nothing_that_can_be_read(self, storage: Storage) -> None:
        """It may be called at any time."""
        with erasing(storage, write=False):
            pass
        full(storage, 1)
        before = rows(storage)
        assert cast("ErasingStorage", storage).scrub() is True
        assert rows(storage) == before
