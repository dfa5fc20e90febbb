"""Reply windows: asked before an answer is queued and sent, warned about, closed by the provider's word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tests.channel_rig import ABLE, Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.channels.port import Accepted, Delivery, Outbound, Reason, Rejected
from supportkit.channels.windows import ReplyWindow
from supportkit.engine.notices import SILENT
from supportkit.model import events as ev
from supportkit.model.message import OutboxState
from supportkit.model.people import Address, AddressStatus

KIM = "agent:kim"
NOON = "2026-03-02T12:00:00+00:00"
HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR
WINDOW = ReplyWindow(length=DAY, after=("template", "human_agent"), human_length=7 * DAY)
SHUT_FOR_A_DAY = attrs.evolve(ABLE, reply_window=WINDOW)


@attrs.define
class Picky(Pigeon):
    """A messenger whose provider may refuse."""

    refuses: Reason | None = None

    def send(self, outbound: Outbound) -> Delivery:
        if self.refuses is not None:
            return Rejected(self.refuses)
        self.sent.append(outbound)
        return Accepted(f"out-{len(self.sent)}")


@attrs.define
class Rig:
    """A desk with a messenger that has a window, and an owl that has none."""

    desk: Desk
    pigeon: Picky
    clock: ManualClock

    def take(self, *entries: dict[str, Any], by: str = "pigeon") -> Any:
        assert self.desk.receive(by, delivery(*entries)).status == 200
        return self.desk.process_inbox()

    def told(self, kind: type[Any], ticket: int = 1) -> list[Any]:
        return [one.event for one in self.desk.history(ticket) if isinstance(one.event, kind)]

    def warned(self, ticket: int = 1) -> list[Any]:
        return self.told(ev.ReplyWindowWarned, ticket)


@pytest.fixture
def rig() -> Iterator[Rig]:
    clock, pigeon = ManualClock(NOON), Picky(capabilities=SHUT_FOR_A_DAY)
    owl = Pigeon(name="owl", capabilities=attrs.evolve(ABLE, addresses="owl"))
    with Desk(channels=[pigeon, owl], clock=clock, notices=SILENT) as desk:
        found = Rig(desk, pigeon, clock)
        found.take(message("m1", "ann", "Hello"))
        yield found


def reachable_by_owl(rig: Rig) -> None:
    """Let the customer have a proved address on the owl."""
    (ann,) = rig.desk.customers.list()
    owl = Address(family="owl", value="ann", status=AddressStatus.VERIFIED)
    rig.desk.customers.update(ann.id, addresses=[*ann.addresses, owl])


# -- the warning -------------------------------------------------------------------------------------------------------


def test_an_open_question_is_warned_about_two_hours_before_the_end(rig: Rig) -> None:
    assert rig.desk.tick().next_due is not None
    rig.clock.advance(hours=22, seconds=-1)
    rig.desk.tick()
    assert rig.warned() == []
    rig.clock.advance(seconds=1)
    assert rig.desk.tick().fired >= 1
    (warning,) = rig.warned()
    assert (warning.channel, warning.until, warning.late) == ("pigeon", rig.clock.now() + 2 * HOUR, False)
    assert warning.leg == rig.desk.get(1).leg
    rig.desk.tick()
    assert len(rig.warned()) == 1


def test_each_message_moves_the_warning(rig: Rig) -> None:
    rig.clock.advance(hours=10)
    rig.take(message("m2", "ann", "Still there?"))
    rig.clock.advance(hours=12)
    rig.desk.tick()
    assert rig.warned() == []
    rig.clock.advance(hours=10)
    rig.desk.tick()
    assert [one.until for one in rig.warned()] == [rig.clock.now() + 2 * HOUR]


def test_after_the_warning_a_new_message_is_warned_about_again(rig: Rig) -> None:
    rig.clock.advance(hours=22)
    rig.desk.tick()
    rig.take(message("m2", "ann", "Hello?"))
    rig.clock.advance(hours=22)
    rig.desk.tick()
    assert len(rig.warned()) == 2


def test_nobody_is_warned_after_an_answer(rig: Rig) -> None:
    rig.desk.reply(1, "Hi", actor=KIM)
    rig.clock.advance(hours=23)
    rig.desk.tick()
    assert rig.warned() == []


def test_an_answer_that_did_not_arrive_is_none(rig: Rig) -> None:
    rig.pigeon.refuses = Reason.TOO_LONG
    rig.desk.reply(1, "Hi", actor=KIM)
    rig.desk.deliver_outbox()
    rig.clock.advance(hours=22)
    rig.desk.tick()
    assert len(rig.warned()) == 1


def test_an_automatic_answer_and_a_note_are_none(rig: Rig) -> None:
    rig.desk.note(1, "look into it", actor=KIM)
    rig.desk.reply(1, "We have got it", actor="bot:hal")
    rig.clock.advance(hours=22)
    rig.desk.tick()
    assert len(rig.warned()) == 1


def test_nobody_is_warned_about_work_that_is_over_or_goes_on_elsewhere(rig: Rig) -> None:
    reachable_by_owl(rig)
    rig.take(message("m2", "bo", "Hello"))
    rig.desk.end(2, reason="spam", actor=KIM)
    rig.desk.switch_channel(1, "owl", actor=KIM)
    rig.clock.advance(hours=22)
    rig.desk.tick()
    assert (rig.warned(1), rig.warned(2)) == ([], [])


def test_a_worker_that_comes_too_late_says_that_it_is_closed(rig: Rig) -> None:
    rig.clock.advance(days=30)
    rig.desk.tick()
    (warning,) = rig.warned()
    assert warning.late
    at = next(one.occurred_at for one in rig.desk.history(1) if one.event is warning or one.event == warning)
    assert at == rig.clock.now() - 30 * DAY + 22 * HOUR


def test_a_worker_without_the_channel_warns_all_the_same(tmp_path: Any) -> None:
    url, clock = f"sqlite:///{tmp_path / 'desk.db'}", ManualClock(NOON)
    with Desk(url, channels=[Picky(capabilities=SHUT_FOR_A_DAY)], clock=clock, notices=SILENT) as desk:
        Rig(desk, Picky(), clock).take(message("m1", "ann", "Hello"))
    clock.advance(hours=22)
    with Desk(url, clock=clock, notices=SILENT) as other:
        other.tick()
        assert [one.until for one in Rig(other, Picky(), clock).warned()] == [clock.now() + 2 * HOUR]


# -- before it is queued -----------------------------------------------------------------------------------------------


def test_an_answer_to_a_closed_window_is_not_queued_and_the_agent_is_told_what_is_possible(rig: Rig) -> None:
    reachable_by_owl(rig)
    rig.clock.advance(hours=24)
    rig.desk.reply(1, "Unplug it", actor=KIM, idempotency_key="k")
    (row,) = rig.desk.outbox(1)
    assert (row.state, row.reason) == (OutboxState.SUPPRESSED, "window_closed")
    message_id = rig.desk.messages(1)[-1].id
    assert rig.told(ev.DeliveryFailed) == [
        ev.DeliveryFailed(message=message_id, channel="pigeon", reason="window_closed")
    ]
    assert rig.told(ev.ChannelProposed) == [
        ev.ChannelProposed(
            message=message_id, reason="window_closed", allowed=("template", "human_agent"), channel="owl", leg=None
        )
    ]
    assert rig.desk.get(1).leg == rig.desk.legs(1)[0].id, "nothing has moved"
    assert rig.desk.deliver_outbox().sent == 0
    again = rig.desk.reply(1, "Unplug it", actor=KIM, idempotency_key="k")
    assert again.version == rig.desk.get(1).version
    assert rig.desk.check(deep=True)


def test_a_row_that_waited_too_long_is_not_sent_and_the_agent_is_told_once(rig: Rig) -> None:
    rig.clock.advance(hours=23)
    rig.desk.reply(1, "Unplug it", actor=KIM)
    rig.clock.advance(hours=1)
    assert rig.desk.deliver_outbox().suppressed == 1
    (proposal,) = rig.told(ev.ChannelProposed)
    assert (proposal.reason, proposal.allowed, proposal.channel) == ("window_closed", ("template", "human_agent"), None)


def test_an_answer_in_parts_is_told_about_once() -> None:
    able = attrs.evolve(SHUT_FOR_A_DAY, max_body_chars=20)
    clock, pigeon = ManualClock(NOON), Picky(capabilities=able)
    with Desk(channels=[pigeon], clock=clock, notices=SILENT) as desk:
        rig = Rig(desk, pigeon, clock)
        rig.take(message("m1", "ann", "Hello"))
        desk.reply(1, "Unplug it, wait a while, plug it in", actor=KIM)
        clock.advance(hours=24)
        assert desk.deliver_outbox().suppressed >= 2
        assert len(rig.told(ev.ChannelProposed)) == 1
        desk.reply(1, "Unplug it, wait a while, plug it in", actor=KIM)
        assert {row.state for row in desk.outbox(1)} == {OutboxState.SUPPRESSED}
        assert len(rig.told(ev.ChannelProposed)) == 2


def test_what_is_allowed_ends_with_the_window_for_persons(rig: Rig) -> None:
    rig.clock.advance(days=7)
    rig.desk.reply(1, "Unplug it", actor=KIM)
    assert [one.allowed for one in rig.told(ev.ChannelProposed)] == [("template",)]


def test_in_an_open_window_nothing_is_held_back_and_nothing_is_said(rig: Rig) -> None:
    rig.clock.advance(hours=24, seconds=-1)
    rig.desk.reply(1, "Unplug it", actor=KIM)
    assert rig.desk.deliver_outbox().sent == 1
    assert rig.told(ev.ChannelProposed) == []


# -- the provider ------------------------------------------------------------------------------------------------------


def test_a_provider_that_says_that_the_window_is_closed_is_right(rig: Rig) -> None:
    rig.pigeon.refuses = Reason.WINDOW_CLOSED
    rig.desk.reply(1, "Unplug it", actor=KIM)
    assert rig.desk.deliver_outbox().failed == 1
    assert rig.desk.legs(1)[0].problem == "window_closed"
    assert [one.allowed for one in rig.told(ev.ChannelProposed)] == [("template", "human_agent")]
    rig.pigeon.refuses = None
    rig.desk.reply(1, "Unplug it", actor=KIM)
    assert rig.desk.outbox(1)[-1].state is OutboxState.SUPPRESSED
    rig.take(message("m2", "ann", "Hello?"))
    assert rig.desk.legs(1)[0].problem is None, "the next message opens it again"


@pytest.mark.parametrize("reason", [Reason.BLOCKED, Reason.BAD_RECIPIENT, Reason.NOT_FOUND])
def test_an_address_that_fails_gets_another_way_proposed(rig: Rig, reason: Reason) -> None:
    reachable_by_owl(rig)
    rig.pigeon.refuses = reason
    rig.desk.reply(1, "Unplug it", actor=KIM)
    rig.desk.deliver_outbox()
    assert [(one.reason, one.channel) for one in rig.told(ev.ChannelProposed)] == [(reason.value, "owl")]


def test_what_another_channel_would_not_help_proposes_none(rig: Rig) -> None:
    reachable_by_owl(rig)
    rig.pigeon.refuses = Reason.POLICY
    rig.desk.reply(1, "Unplug it", actor=KIM)
    rig.desk.deliver_outbox()
    assert len(rig.told(ev.DeliveryFailed)) == 1
    assert rig.told(ev.ChannelProposed) == []


def test_an_answer_that_failed_after_it_was_sent_gets_another_way_proposed(rig: Rig) -> None:
    reachable_by_owl(rig)
    rig.desk.reply(1, "Unplug it", actor=KIM)
    rig.desk.deliver_outbox()
    for _ in range(2):
        rig.take({"id": "out-1", "status": "failed", "reason": "undelivered"})
    (proposal,) = rig.told(ev.ChannelProposed)
    assert (proposal.reason, proposal.channel, proposal.allowed) == ("undelivered", "owl", ())
    assert len(rig.told(ev.DeliveryFailed)) == 1


def test_nobody_proposes_a_way_that_is_as_useless(rig: Rig) -> None:
    (ann,) = rig.desk.customers.list()
    owl = Address(family="owl", value="ann", status=AddressStatus.VERIFIED, opted_out=True)
    rig.desk.customers.update(ann.id, addresses=[*ann.addresses, owl])
    rig.pigeon.refuses = Reason.BLOCKED
    rig.desk.reply(1, "Unplug it", actor=KIM)
    rig.desk.deliver_outbox()
    assert rig.told(ev.ChannelProposed) == []
