"""One customer, many channels: links to go on elsewhere, the ways to a customer, and what seems to belong together."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tests.channel_rig import ABLE, Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.channels.windows import ReplyWindow
from supportkit.engine.notices import SILENT
from supportkit.errors import TicketNotFound
from supportkit.ids import SequentialIds
from supportkit.keys import Keys
from supportkit.legs import Suggestion
from supportkit.model import events as ev

KIM = "agent:kim"
NOON = "2026-03-02T12:00:00+00:00"
DAY = dt.timedelta(days=1)


@attrs.define
class Rig:
    """A desk with two messengers, a pigeon and an owl."""

    desk: Desk
    clock: ManualClock

    def take(self, *entries: dict[str, Any], by: str = "pigeon") -> Any:
        assert self.desk.receive(by, delivery(*entries)).status == 200
        return self.desk.process_inbox()

    def bodies(self, ticket: int) -> list[str]:
        return [one.body for one in self.desk.messages(ticket)]


def rig_with(**more: Any) -> Rig:
    clock = ManualClock(NOON)
    adapters = [Pigeon(), Pigeon(name="owl", capabilities=attrs.evolve(ABLE, addresses="owl"))]
    return Rig(Desk(**{"channels": adapters, "clock": clock, "ids": SequentialIds(), "notices": SILENT, **more}), clock)


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = rig_with()
    yield found
    found.desk.close()


# -- links -------------------------------------------------------------------------------------------------------------


def test_a_link_lets_a_customer_go_on_elsewhere_and_the_answer_follows(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    link = rig.desk.continuation_link(1, url="https://help.example/go?x=1")
    assert link.url == f"https://help.example/go?x=1&ticket={link.token}"
    assert link.expires_at == rig.clock.now() + 7 * DAY
    assert link.token not in repr(link)
    assert rig.take(message("m2", "ann@owl", "I am here now", token=link.token), by="owl").joined == 1
    assert rig.bodies(1) == ["Hello", "I am here now"]
    assert rig.desk.get(1).answers_on == "owl"
    assert rig.take(message("m3", "ann@owl", "and go on"), by="owl").joined == 1
    assert [(leg.channel, leg.is_current) for leg in rig.desk.legs(1)] == [("owl", True), ("pigeon", False)]


def test_a_link_moves_a_conversation_that_was_about_another_ticket(rig: Rig) -> None:
    rig.take(message("m1", "bo", "Mine"), by="owl")
    rig.take(message("m2", "ann", "Hello"))
    token = rig.desk.continuation_link(2).token
    rig.take(message("m3", "bo", "with the link", token=token), by="owl")
    rig.take(message("m4", "bo", "without it"), by="owl")
    assert (rig.bodies(1), rig.bodies(2)) == (["Mine"], ["Hello", "with the link", "without it"])
    assert {leg.channel for leg in rig.desk.legs(2)} == {"pigeon", "owl"}


def test_access_07_a_link_that_has_expired_opens_a_ticket_of_its_own(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    token = rig.desk.continuation_link(1, valid_for=30 * DAY).token
    rig.clock.advance(days=30)
    assert rig.take(message("m2", "bo", "Late", token=token), by="owl").opened == 1
    assert rig.bodies(1) == ["Hello"]


def test_access_07_a_link_belongs_to_whoever_used_it_first(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    token = rig.desk.continuation_link(1).token
    report = rig.take(
        message("m2", "bo", "first", token=token),
        message("m3", "eve", "second", token=token),
        message("m4", "bo", "again", token=token),
        by="owl",
    )
    assert (report.joined, report.opened) == (2, 1)
    assert rig.bodies(1) == ["Hello", "first", "again"]


def test_access_08_a_forged_link_is_worth_nothing(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    rig.take(message("m2", "cy", "Other", thread="o"))
    token = rig.desk.continuation_link(1).token
    mark, ticket, until, mac = token.split(".")
    other = rig.desk.get(2).id
    forged = [
        f"{mark}.{other}.{until}.{mac}",
        f"{mark}.{ticket}.{int(until, 16) + 1:x}.{mac}",
        f"{mark}.{ticket}.{until}.{'a' * 16}",
        f"x.{ticket}.{until}.{mac}",
        f"{mark}.{ticket}.{mac}",
        f"{token}.",
        token + "x" * 300,
        "c....",
        "c.\u0661.\u0661.\u0661",
    ]
    for number, one in enumerate(forged):
        assert rig.take(message(f"f{number}", f"eve{number}", "let me in", token=one), by="owl").opened == 1, one
    assert rig.bodies(1) == ["Hello"]


def test_a_signature_for_another_purpose_or_tenant_is_worth_nothing(tmp_path: Any) -> None:
    keys = Keys(signing={1: "s" * 32}, hashing="h" * 32)
    url = f"sqlite:///{tmp_path}/support.db"
    ours, theirs = rig_with(storage=url, keys=keys), rig_with(storage=url, keys=keys, tenant="other")
    ours.take(message("m1", "ann", "Hello"))
    theirs.take(message("m1", "ann", "Hello"))
    token = theirs.desk.continuation_link(1).token
    assert ours.take(message("m2", "eve", "over here", token=token), by="owl").opened == 1
    _mark, ticket, until, _mac = ours.desk.continuation_link(1).token.split(".")
    for number, purpose in enumerate(("ticket", "survey", "")):
        mac = keys.sign(purpose, "default", ticket, until)
        wrong = message(f"w{number}", f"eve{number}", "let me in", token=f"c.{ticket}.{until}.{mac}")
        assert ours.take(wrong, by="owl").opened == 1, purpose
    with pytest.raises(TicketNotFound):
        ours.desk.continuation_link("missing")
    theirs.desk.close()
    ours.desk.close()


def test_a_sender_who_is_not_who_he_says_gets_nowhere_with_a_link(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    token = rig.desk.continuation_link(1).token
    rig.take(message("m2", "bo", "It is me", token=token, auth="failed"), by="owl")
    assert rig.bodies(1) == ["Hello"]


@pytest.mark.parametrize("wrong", [{"valid_for": dt.timedelta(0)}, {"valid_for": 31 * DAY}, {"url": "javascript:x"}])
def test_a_link_that_cannot_be_is_refused(rig: Rig, wrong: dict[str, Any]) -> None:
    rig.take(message("m1", "ann", "Hello"))
    with pytest.raises(ValueError, match="must be"):
        rig.desk.continuation_link(1, **wrong)


# -- legs --------------------------------------------------------------------------------------------------------------


def test_legs_show_where_a_customer_can_be_reached(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    ann = rig.desk.customers.get(rig.desk.get(1).customer or "")
    rig.desk.customers.update(ann.id, addresses=[*ann.addresses, attrs.evolve(ann.addresses[0], family="owl")])
    current, possible = rig.desk.legs(1)
    assert (current.channel, current.is_current, current.verified, current.problem) == ("pigeon", True, True, None)
    assert (possible.id, possible.channel, possible.address, possible.is_proposed) == (None, "owl", "ann", False)
    assert "'ann'" not in repr(current)


def test_when_a_window_closes_the_next_leg_is_proposed_and_nothing_moves() -> None:
    window = ReplyWindow(length=DAY)
    adapters = [
        Pigeon(capabilities=attrs.evolve(ABLE, reply_window=window)),
        Pigeon(name="owl", capabilities=attrs.evolve(ABLE, addresses="owl")),
    ]
    rig = rig_with(channels=adapters)
    rig.take(message("m1", "ann", "Hello"))
    rig.take(message("m2", "ann@owl", "Hi", token=rig.desk.continuation_link(1).token), by="owl")
    rig.take(message("m3", "ann", "back"))
    first = rig.desk.legs(1)[0]
    assert (first.channel, first.open_until) == ("pigeon", rig.clock.now() + DAY)
    rig.clock.advance(days=1)
    legs = rig.desk.legs(1)
    assert [(one.channel, one.problem, one.is_proposed) for one in legs] == [
        ("pigeon", "window_closed", False),
        ("owl", None, True),
    ]
    assert rig.desk.get(1).answers_on == "pigeon"


# -- what seems to belong together -------------------------------------------------------------------------------------


def joined_ann(rig: Rig) -> None:
    ann = rig.desk.customers.get(rig.desk.get(1).customer or "")
    rig.desk.customers.update(
        ann.id, addresses=[*ann.addresses, attrs.evolve(ann.addresses[0], family="owl", value="ann@owl")]
    )


def test_a_proved_match_elsewhere_is_suggested_and_not_joined(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    joined_ann(rig)
    assert rig.take(message("m2", "ann@owl", "Hello again"), by="owl").opened == 1
    assert rig.desk.suggestions(2) == (Suggestion(kind="ticket", id=rig.desk.get(1).id, channel="pigeon"),)
    rig.desk.end(1, actor=KIM, reason="spam")
    assert rig.desk.suggestions(2) == ()


def test_where_the_desk_wants_it_a_proved_sender_goes_on_with_his_one_ticket() -> None:
    rig = rig_with(join_across_channels=True)
    rig.take(message("m1", "ann", "Hello"))
    joined_ann(rig)
    assert rig.take(message("m2", "ann@owl", "claimed", auth="unverified"), by="owl").opened == 1
    rig.desk.end(2, actor=KIM, reason="spam")
    rig.clock.advance(days=15)
    assert rig.take(message("m3", "ann@owl", "Hello again"), by="owl").joined == 1
    assert rig.bodies(1) == ["Hello", "Hello again"]


def test_another_customer_with_the_same_proved_address_is_suggested(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    other = rig.desk.customers.add("Annie", addresses={"pigeon": "ann"})
    assert rig.desk.suggestions(1) == (Suggestion(kind="customer", id=other.id, channel="pigeon"),)


# -- receipts ----------------------------------------------------------------------------------------------------------

ORDER = ["queued", "sent", "delivered", "read"]


def farthest(statuses: list[str]) -> str:
    """Return where a message stands after receipts in this order: forward only, and `failed` from any but read."""
    at = statuses[0]
    for status in statuses[1:]:
        if at in {"failed", "read"}:
            continue
        if status == "failed" or ORDER.index(status) > ORDER.index(at):
            at = status
    return at


@pytest.mark.parametrize("statuses", list(itertools.permutations([*ORDER, "failed"], 3)), ids="-".join)
def test_receipts_move_forward_only_in_any_order_and_however_often(rig: Rig, statuses: tuple[str, ...]) -> None:
    rig.take(message("m1", "ann", "Hello"))
    rig.desk.reply(1, "Yes?", actor=KIM)
    rig.desk.deliver_outbox()
    (sent,) = rig.desk.outbox(1)
    assert sent.receipt is None
    for status in statuses:
        for again in range(2):
            entry = {"id": "out-1", "status": status, "again": again, "reason": "blocked"}
            assert rig.take(entry).unmatched == 0
    known = farthest(list(statuses))
    after = rig.desk.outbox.get(sent.id)
    assert (after.receipt, after.state) == (known, "failed" if known == "failed" else "sent")
    failures = [one for one in rig.desk.history(1) if isinstance(one.event, ev.DeliveryFailed)]
    assert len(failures) == (known == "failed")


def test_who_has_seen_a_conversation_has_read_what_was_sent_there(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    rig.desk.reply(1, "Yes?", actor=KIM)
    rig.desk.deliver_outbox()
    rig.desk.reply(1, "And?", actor=KIM)
    for kind in ("typing", "joined", "left"):
        assert rig.take({"signal": kind, "from": "ann"}).signals == 1
    assert [one.receipt for one in rig.desk.outbox(1)] == [None, None]
    rig.take({"signal": "seen", "from": "ann"})
    assert [one.receipt for one in rig.desk.outbox(1)] == ["read", None]


def test_two_failures_for_good_make_an_address_dead_and_another_leg_is_proposed(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    joined_ann(rig)

    def fail(number: int, reason: str) -> None:
        rig.desk.reply(1, f"Try {number}", actor=KIM)
        rig.desk.deliver_outbox()
        for again in range(2):
            rig.take({"id": f"out-{number}", "status": "failed", "reason": reason, "again": again})

    def state() -> list[tuple[str, str | None, bool]]:
        return [(one.channel, one.problem, one.is_proposed) for one in rig.desk.legs(1)]

    fail(1, "blocked")
    rig.desk.reply(1, "arrives", actor=KIM)
    rig.desk.deliver_outbox()
    rig.take({"id": "out-2", "status": "delivered"})
    fail(3, "blocked")
    fail(4, "throttled")
    assert state() == [("pigeon", None, False), ("owl", None, False)]
    fail(5, "bad_recipient")
    assert state() == [("pigeon", "dead", False), ("owl", None, True)]
    assert rig.desk.get(1).answers_on == "pigeon", "the desk proposes, a person moves"
