"""How long what arrived is kept, and that nothing of it has its effect twice: after a purge, or in another database."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest
from tests.channel_rig import Pigeon, delivery, message

from supportkit import AfterClose, ConfigurationError, Desk, ManualClock
from supportkit.engine.notices import SILENT
from supportkit.retention import Retention

KIM = "agent:kim"
DAY = dt.timedelta(days=1)
HELLO = message("m1", "ann", "Hello", thread="t1", files=[("a.txt", "hello")])
NEVER = AfterClose(dt.timedelta(0))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-03-02T12:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with Desk(
        channels=[Pigeon()], clock=clock, retention=Retention(closed=DAY), after_close=NEVER, notices=SILENT
    ) as desk:
        yield desk


def take(desk: Desk, *entries: dict[str, Any], again: str = "") -> Any:
    """Let entries arrive, under another id of the delivery where they come *again*, and read them."""
    headers = {"X-Delivery": again} if again else None
    assert desk.receive("pigeon", delivery(*entries, headers=headers)).status == 200
    return desk.process_inbox()


def rows_of(desk: Desk, *kinds: str) -> dict[str, int]:
    file = io.BytesIO()
    rows = desk.export(file).rows
    return {kind: rows.get(kind, 0) for kind in kinds}


def test_raw_deliveries_go_after_thirty_days_and_unread_ones_stay(desk: Desk, clock: ManualClock) -> None:
    take(desk, HELLO)
    assert take(desk, {"id": "m2", "from": "ann"}).quarantined == 1
    desk.receive("pigeon", delivery(message("m3", "ann", "unread")))
    clock.advance(days=30)
    assert desk.purge().arrivals == 0
    clock.advance(seconds=1)
    assert desk.purge().arrivals == 2
    assert desk.quarantine.list() == []
    assert rows_of(desk, "arrival", "ticket", "file", "heard") == {"arrival": 1, "ticket": 1, "file": 1, "heard": 1}
    assert desk.process_inbox().opened == 1


def test_a_repeat_does_nothing_for_as_long_as_there_is_the_ticket(desk: Desk, clock: ManualClock) -> None:
    take(desk, HELLO)
    clock.advance(days=400)
    assert desk.purge().arrivals == 1
    assert take(desk, HELLO).duplicates == 1
    assert len(desk.find().items) == 1


def test_a_repeat_within_eight_days_does_not_bring_a_deleted_ticket_back(desk: Desk, clock: ManualClock) -> None:
    take(desk, HELLO)
    desk.end(1, actor=KIM, reason="solved")
    clock.advance(days=7)
    assert desk.purge().tickets == 1
    kinds = ("ticket", "message", "leg", "conversation", "file", "heard")
    assert rows_of(desk, *kinds) == dict.fromkeys(kinds, 0) | {"heard": 1}
    report = take(desk, HELLO, again="another id of the delivery")
    assert (report.duplicates, report.opened) == (1, 0)
    clock.advance(days=1, seconds=1)
    assert desk.purge().heard == 1
    assert rows_of(desk, "heard") == {"heard": 0}
    assert take(desk, HELLO, again="much later").opened == 1


def test_early_receipts_and_budgets_go_after_eight_days(desk: Desk, clock: ManualClock) -> None:
    take(desk, HELLO, {"id": "nobody knows", "status": "failed"})
    assert rows_of(desk, "receipt", "budget") == {"receipt": 1, "budget": 2}
    clock.advance(days=7)
    assert (desk.purge().receipts, desk.purge().budgets) == (0, 0)
    clock.advance(days=1, seconds=1)
    report = desk.purge()
    assert (report.receipts, report.budgets) == (1, 2)
    assert rows_of(desk, "receipt", "budget") == {"receipt": 0, "budget": 0}


def test_delivery_ids_cannot_be_kept_for_less_than_eight_days() -> None:
    with pytest.raises(ConfigurationError, match="arrivals are kept for at least 8 days"):
        Retention(arrivals=7 * DAY)


def test_a_desk_that_was_moved_knows_what_it_has_heard(desk: Desk, clock: ManualClock) -> None:
    """Its own keys go with it, so hashes and signatures are the same there."""
    take(desk, HELLO)
    file = io.BytesIO()
    desk.export(file)
    with Desk(channels=[Pigeon()], clock=clock, tenant="moved", notices=SILENT) as moved:
        moved.import_(io.BytesIO(file.getvalue()))
        assert take(moved, HELLO, again="another id of the delivery").duplicates == 1
        assert take(moved, message("m2", "ann", "Well?", thread="t1")).joined == 1
        assert [one.body for one in moved.messages(1)] == ["Hello", "Well?"]
        attached = moved.messages(1)[0].attachments[0]
        assert moved.file(attached.id).content == b"hello"
