"""What arrives by channels: stored before it is answered, read once, routed to its conversation, never lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channel_rig import ABLE, SECRET, Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.channels.inbound import Payload
from supportkit.channels.port import Capabilities
from supportkit.channels.windows import ReplyWindow
from supportkit.engine.notices import SILENT
from supportkit.errors import CapabilityMissing, ConfigurationError, NotFound, Refused, UnknownChannel
from supportkit.intake import Budgets
from supportkit.model import events as ev
from supportkit.model.conversation import ArrivalState
from supportkit.model.people import AddressStatus
from supportkit.model.ticket import LinkKind

KIM = "agent:kim"
NOON = "2026-03-02T12:00:00+00:00"
HOUR = dt.timedelta(hours=1)


@attrs.define
class Rig:
    """A desk with one messenger."""

    desk: Desk
    pigeon: Pigeon
    clock: ManualClock

    def arrive(self, *entries: dict[str, Any], **more: Any) -> int:
        return self.desk.receive("pigeon", delivery(*entries, **more)).status

    def take(self, *entries: dict[str, Any]) -> Any:
        """Let entries arrive and read them."""
        assert self.arrive(*entries) == 200
        return self.desk.process_inbox()

    def bodies(self, ticket: int) -> list[str]:
        return [one.body for one in self.desk.messages(ticket)]


def rig_with(pigeon: Pigeon, **more: Any) -> Rig:
    clock = ManualClock(NOON)
    # What the desk says by itself is another matter: see test_notices.py.
    return Rig(Desk(channels=[pigeon], clock=clock, notices=SILENT, **more), pigeon, clock)


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = rig_with(Pigeon())
    yield found
    found.desk.close()


# -- the request -------------------------------------------------------------------------------------------------------


def test_a_delivery_is_stored_and_answered_before_anybody_reads_it(rig: Rig) -> None:
    rig.pigeon.breaks = 10
    assert rig.arrive(message("m1", "ann", "Hello")) == 200
    assert rig.desk.find().items == ()
    rig.pigeon.breaks = 0
    assert rig.desk.process_inbox().opened == 1


def test_what_is_not_signed_is_refused_with_one_text_and_nothing_is_stored(rig: Rig) -> None:
    good = delivery(message("m1", "ann", "Hello"))
    wrong = [
        delivery(message("m1", "ann", "Hello"), secret="another"),
        attrs.evolve(good, headers=()),
        attrs.evolve(good, headers={"X-Hub-Signature-256": "garbage"}),
        attrs.evolve(good, body=good.body + b" "),
    ]
    answers = {rig.desk.receive("pigeon", payload) for payload in wrong}
    assert len(answers) == 1
    answer = answers.pop()
    assert (answer.status, SECRET.encode() in answer.body) == (401, False)
    assert rig.desk.process_inbox().routed == 0


def test_without_a_secret_nothing_is_let_in() -> None:
    rig = rig_with(Pigeon(secrets=()))
    assert rig.arrive(message("m1", "ann", "Hello")) == 500
    assert rig.desk.process_inbox().routed == 0


def test_a_challenge_is_answered(rig: Rig) -> None:
    answer = rig.desk.receive("pigeon", Payload(body=b"", method="GET", query={"challenge": "4711"}))
    assert (answer.status, answer.body) == (200, b"4711")
    assert rig.desk.receive("pigeon", Payload(body=b"", method="GET")).status == 405
    assert rig.desk.receive("pigeon", Payload(body=b"", method="PUT")).status == 405


def test_a_delivery_that_is_too_large_is_refused_unread() -> None:
    rig = rig_with(Pigeon(capabilities=attrs.evolve(ABLE, max_payload_bytes=100)))
    assert rig.arrive(message("m1", "ann", "x" * 100)) == 413


@pytest.mark.parametrize(
    ("types", "status"),
    [
        (("application/json",), 200),
        (("Application/JSON; charset=utf-8",), 200),
        (("application/json", "application/json"), 200),
        (("text/html",), 415),
        (("application/json", "text/html"), 415),
        (("application/jsonp",), 415),
        ((), 415),
    ],
    ids=str,
)
def test_a_delivery_of_another_kind_is_refused_unread(types: tuple[str, ...], status: int) -> None:
    rig = rig_with(Pigeon(capabilities=attrs.evolve(ABLE, content_types=["application/json"])))
    given = delivery(message("m1", "ann", "Hello"))
    payload = attrs.evolve(given, headers=[*given.headers, *(("Content-Type", one) for one in types)])
    assert rig.desk.receive("pigeon", payload).status == status
    assert rig.desk.process_inbox().opened == (status == 200)


@pytest.mark.parametrize("wrong", ["json", "application/json; charset=utf-8", "a/b/c"])
def test_a_media_type_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="media types"):
        attrs.evolve(ABLE, content_types=[wrong])


def test_only_channels_of_the_desk_receive(rig: Rig) -> None:
    with pytest.raises(UnknownChannel, match="pigeon"):
        rig.desk.receive("owl", Payload(body=b""))
    deaf = rig_with(Pigeon(capabilities=attrs.evolve(ABLE, inbound=False)))
    with pytest.raises(CapabilityMissing):
        deaf.desk.receive("pigeon", Payload(body=b""))
    with pytest.raises(TypeError, match="Payload"):
        rig.desk.receive("pigeon", b"bytes")  # type: ignore[arg-type]


# -- once --------------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, derandomize=True)
@given(order=st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_a_message_has_its_effect_once_however_often_and_in_whichever_batch_it_comes(order: list[int]) -> None:
    rig = rig_with(Pigeon())
    for number, which in enumerate(order):
        rig.arrive(message(f"m{which}", "ann", f"text {which}"), headers={"X-Delivery": str(number)})
        if number % 3 == 0:
            rig.desk.process_inbox()
    rig.desk.process_inbox()
    assert sorted(rig.bodies(1)) == sorted(f"text {which}" for which in set(order))
    assert len(rig.desk.find().items) == 1
    assert rig.desk.check(deep=True)


def test_the_same_delivery_again_is_answered_alike_and_stored_once(rig: Rig) -> None:
    assert [rig.arrive(message("m1", "ann", "Hello")) for _ in range(3)] == [200] * 3
    report = rig.desk.process_inbox()
    assert (report.routed, report.opened, report.duplicates) == (1, 1, 0)


def test_a_retry_header_is_no_reason_to_drop_a_delivery(rig: Rig) -> None:
    rig.arrive(message("m1", "ann", "Hello"), headers={"X-Slack-Retry-Num": "1"})
    assert rig.desk.process_inbox().opened == 1


def test_another_text_under_a_known_id_is_kept_and_flagged(rig: Rig) -> None:
    rig.take(message("m1", "ann", "first"))
    report = rig.take(message("m1", "ann", "second"))
    assert (report.joined, report.flagged) == (1, 1)
    assert rig.bodies(1) == ["first", "second"]


# -- one bad thing never stops the others ------------------------------------------------------------------------------


def test_a_bad_entry_of_a_batch_keeps_the_others_and_can_be_mended(rig: Rig) -> None:
    report = rig.take(message("m1", "ann", "Hello"), {"id": "m2"}, message("m3", "bo", "Hi"))
    assert (report.opened, report.quarantined, report.problems) == (2, 1, (("pigeon", "unparsed: no text"),))
    (held,) = rig.desk.quarantine.list()
    rig.desk.quarantine.fix(held.id, delivery(message("m2", "cy", "Mended"), message("m1", "ann", "Hello")).body)
    assert rig.desk.quarantine.reprocess(held.id) == 1
    assert rig.desk.quarantine.list() == []
    assert [ticket.subject for ticket in rig.desk.find().items] == ["Hello", "Hi", "Mended"]
    assert rig.bodies(1) == ["Hello"]


def test_what_cannot_be_read_is_kept_raw(rig: Rig) -> None:
    import hashlib
    import hmac

    body = b"\xff\xfe nonsense"
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert rig.desk.receive("pigeon", Payload(body=body, headers={"X-Hub-Signature-256": signature})).status == 200
    rig.arrive(message("m1", "ann", "Hello"))
    report = rig.desk.process_inbox()
    assert (report.opened, report.quarantined) == (1, 1)
    (held,) = rig.desk.quarantine.list()
    assert (held.reason, rig.desk.quarantine.export(held.id)) == ("malformed", body)
    shown, raw = rig.desk.quarantine.show(held.id)
    assert (shown, raw.body) == (held, body)
    assert "nonsense" not in repr((shown, raw))
    rig.clock.advance(days=31)
    assert rig.desk.quarantine.purge() == 2
    with pytest.raises(NotFound):
        rig.desk.quarantine.show(held.id)


def test_a_bug_of_the_adapter_is_tried_three_times_and_then_a_person_has_to_look(rig: Rig) -> None:
    rig.pigeon.breaks = 3
    rig.arrive(message("m1", "ann", "Hello"))
    for _ in range(2):
        report = rig.desk.process_inbox()
        assert (report.failed, report.quarantined) == (1, 0)
        assert report.next_due == rig.clock.now() + dt.timedelta(seconds=60)
        assert rig.desk.process_inbox().failed == 0, "its lease has to run out first"
        rig.clock.advance(seconds=60)
    assert rig.desk.process_inbox().quarantined == 1
    assert rig.desk.quarantine.reprocess() == 1
    assert rig.bodies(1) == ["Hello"]


def test_an_unknown_account_goes_to_quarantine_never_to_somebody() -> None:
    rig = rig_with(Pigeon(accounts=("shop",)))
    report = rig.take(message("m1", "ann", "Hello", account="another"))
    assert (report.quarantined, report.problems) == (1, (("pigeon", "unknown_account"),))


# -- who, and where it belongs -----------------------------------------------------------------------------------------


def test_a_proved_sender_becomes_a_customer_and_is_known_again(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", name="Ann", locale="ru"))
    customer = rig.desk.customers.get(rig.desk.get(1).customer)
    assert (customer.name, customer.addresses[0].status) == ("Ann", AddressStatus.VERIFIED)
    rig.desk.resolve(1, "done", actor=KIM)
    rig.desk.end(1, actor=KIM)
    rig.clock.advance(days=60)
    rig.take(message("m2", "ann", "Something else"))
    assert rig.desk.get(2).customer == customer.id


def test_a_customer_whom_the_app_added_is_recognised_and_his_address_proved(rig: Rig) -> None:
    ann = rig.desk.customers.add("Ann", addresses={"pigeon": "ann"})
    rig.take(message("m1", "ann", "Hello"))
    assert rig.desk.get(1).customer == ann.id
    assert rig.desk.customers.get(ann.id).addresses[0].status is AddressStatus.VERIFIED


def test_messages_of_one_sender_are_one_conversation_while_its_ticket_lives(rig: Rig) -> None:
    rig.take(message("m1", "ann", "One"))
    rig.take(message("m2", "ann", "Two"))
    rig.desk.resolve(1, "done", actor=KIM)
    rig.desk.end(1, actor=KIM)
    rig.clock.advance(days=3)
    assert rig.take(message("m3", "ann", "It is back")).joined == 1
    assert rig.desk.get(1).state == "open"
    rig.desk.resolve(1, "again", actor=KIM)
    rig.desk.end(1, actor=KIM)
    rig.clock.advance(days=15)
    assert rig.take(message("m4", "ann", "Another thing")).opened == 1
    assert rig.bodies(2) == ["Another thing"]
    assert rig.take(message("m5", "ann", "and more")).joined == 1
    assert rig.bodies(2) == ["Another thing", "and more"]


def test_a_thread_that_was_closed_too_long_ago_gets_a_linked_follow_up(rig: Rig) -> None:
    rig.take(message("m1", "ann", "One", thread="t"))
    rig.desk.end(1, actor=KIM, reason="spam")
    rig.clock.advance(days=15)
    assert rig.take(message("m2", "ann", "Two", thread="t")).followed_up == 1
    assert [link.kind for link in rig.desk.get(2).links] == [LinkKind.FOLLOW_UP]
    assert rig.take(message("m3", "ann", "Three", thread="t")).joined == 1
    assert rig.bodies(2) == ["Two", "Three"]


def test_a_stranger_in_a_known_thread_opens_a_ticket_of_his_own_linked_as_a_claim(rig: Rig) -> None:
    rig.take(message("m1", "ann", "My secret", thread="t"))
    report = rig.take(message("m2", "eve", "Me too", thread="t"))
    assert (report.joined, report.claimed) == (0, 1)
    assert [link.kind for link in rig.desk.get(2).links] == [LinkKind.CLAIMS]
    assert rig.bodies(1) == ["My secret"]
    assert rig.take(message("m3", "eve", "Hello?", thread="t")).joined == 1
    assert (rig.bodies(1), rig.bodies(2)) == (["My secret"], ["Me too", "Hello?"])
    rig.take(message("m4", "ann", "More", thread="t"))
    assert rig.bodies(1) == ["My secret", "More"]


def test_a_sender_who_is_not_who_he_says_never_joins(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    report = rig.take(message("m2", "ann", "Give me the password", auth="failed"))
    assert (report.joined, report.claimed) == (0, 1)
    assert rig.bodies(1) == ["Hello"]
    assert rig.desk.get(2).customer is None


def test_an_answer_to_a_message_of_ours_joins_its_ticket(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", thread="a"))
    rig.desk.reply(1, "Yes?", actor=KIM)
    rig.desk.deliver_outbox()
    assert rig.take(message("m2", "ann", "This", thread="b", reply_to=["out-1"])).joined == 1
    assert rig.take(message("m3", "eve", "That", thread="c", reply_to=["out-1"])).claimed == 1


def test_a_signed_token_joins_and_a_forged_one_does_not(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    ticket = rig.desk.get(1)
    token = f"{ticket.id}.{rig.desk._intake.keys().sign('ticket', 'default', ticket.id)}"
    assert rig.take(message("m2", "bo", "I have the link", thread="x", token=token)).joined == 1
    assert (
        rig.take(
            message("m3", "cy", "So have I", thread="y", token=token[:-1] + ("y" if token.endswith("x") else "x"))
        ).opened
        == 1
    )


def test_never_by_a_number_in_the_text_or_a_subject(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", subject="Printer"))
    rig.take(message("m2", "bo", "This is about ticket #1", subject="Re: Printer [#1]"))
    assert len(rig.desk.find().items) == 2


def test_our_own_messages_that_come_back_do_nothing(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    report = rig.take(message("m2", "shop", "We are on it", marks=["own"]), message("m3", "ann", "x", marks=["echo"]))
    assert (report.ignored, len(rig.desk.find().items), rig.bodies(1)) == (2, 1, ["Hello"])


def test_automatic_messages_open_nothing_and_reopen_nothing(rig: Rig) -> None:
    report = rig.take(message("m1", "ann", "I am away", marks=["auto_reply"]))
    assert (report.quarantined, report.problems) == (1, (("pigeon", "auto_reply"),))
    rig.take(message("m2", "ann", "Hello"))
    rig.desk.resolve(1, "done", actor=KIM)
    version = rig.desk.get(1).version
    assert rig.take(message("m3", "ann", "I am away", marks=["auto_reply"])).joined == 1
    ticket = rig.desk.get(1)
    assert (ticket.state, ticket.version) == ("resolved", version + 1)


def test_who_opens_too_many_tickets_has_to_wait_and_nothing_is_lost() -> None:
    rig = rig_with(Pigeon(), budgets=Budgets(new_tickets=3))
    for number in range(5):
        rig.take(message(f"m{number}", "ann", f"text {number}", thread=f"t{number}"))
    assert len(rig.desk.find().items) == 3
    assert {one.reason for one in rig.desk.quarantine.list()} == {"budget.new_tickets"}
    rig.clock.advance(hours=1)
    rig.desk.quarantine.reprocess()
    assert len(rig.desk.find().items) == 5


def test_files_are_kept_under_our_ids_and_told_by_digest(rig: Rig) -> None:
    rig.take(message("m1", "ann", "See", files=[["../../etc/passwd", "content"], ["../../etc/passwd", "more"]]))
    (found,) = rig.desk.messages(1)
    assert [one.name for one in found.attachments] == ["../../etc/passwd"] * 2
    assert [rig.desk.file(one.id).content for one in found.attachments] == [b"content", b"more"]
    with pytest.raises(NotFound):
        rig.desk.file("another")


# -- the way back ------------------------------------------------------------------------------------------------------


def test_the_answer_goes_where_the_customer_wrote_last(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", thread="t1"))
    rig.desk.reply(1, "Yes?", actor=KIM)
    rig.desk.deliver_outbox()
    (sent,) = rig.pigeon.sent
    assert (sent.recipient, sent.thread, sent.account) == ("ann", "t1", "shop")


def test_after_the_reply_window_nothing_is_sent_and_the_ticket_says_so() -> None:
    window = ReplyWindow(length=24 * HOUR, after=("template",))
    rig = rig_with(Pigeon(capabilities=attrs.evolve(ABLE, reply_window=window)))
    rig.take(message("m1", "ann", "Hello"))
    rig.clock.advance(hours=23)
    rig.desk.reply(1, "In time.", actor=KIM)
    rig.desk.deliver_outbox()
    rig.desk.reply(1, "Too late.", actor=KIM)
    rig.clock.advance(hours=1)
    report = rig.desk.deliver_outbox()
    assert (report.suppressed, [one.body for one in rig.pigeon.sent]) == (1, ["In time."])
    assert [one.event.reason for one in rig.desk.history(1) if isinstance(one.event, ev.DeliveryFailed)] == [
        "window_closed"
    ]


def test_who_opted_out_gets_nothing_until_he_opts_in(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    rig.take({"signal": "opt_out", "from": "ann"})
    rig.desk.reply(1, "Hm.", actor=KIM)
    assert rig.desk.deliver_outbox().suppressed == 1
    rig.take({"signal": "opt_in", "from": "ann"})
    rig.desk.reply(1, "Well.", actor=KIM)
    assert rig.desk.deliver_outbox().sent == 1


def test_a_conversation_goes_on_under_its_new_name(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", thread="old"))
    rig.take({"signal": "migrated", "thread": "old", "value": "new"})
    assert rig.take(message("m2", "ann", "Still here", thread="new")).joined == 1


@pytest.mark.parametrize("early", [False, True])
def test_a_receipt_of_failure_takes_the_response_back_whenever_it_comes(rig: Rig, early: bool) -> None:
    rig.take(message("m1", "ann", "Hello"))
    rig.desk.reply(1, "Yes?", actor=KIM)
    failed = {"id": "out-1", "status": "failed", "reason": "blocked"}
    if early:
        report = rig.take(failed)
        assert (report.receipts, report.unmatched) == (1, 1)
        rig.desk.deliver_outbox()
    else:
        rig.desk.deliver_outbox()
        assert rig.take({"id": "out-1", "status": "delivered"}, failed, failed).unmatched == 0
    failures = [one.event for one in rig.desk.history(1) if isinstance(one.event, ev.DeliveryFailed)]
    assert [(one.channel, one.reason) for one in failures] == [("pigeon", "blocked")]


# -- channels that are polled ------------------------------------------------------------------------------------------


def test_what_is_polled_is_stored_with_the_place_to_go_on() -> None:
    rig = rig_with(Pigeon(capabilities=attrs.evolve(ABLE, polls=True)))
    rig.pigeon.waiting = [(f"uid-{n}", delivery(message(f"m{n}", "ann", f"text {n}"))) for n in range(3)]
    report = rig.desk.process_inbox()
    assert (report.polled, report.opened, report.joined) == (3, 1, 2)
    assert rig.bodies(1) == ["text 0", "text 1", "text 2"]
    rig.pigeon.waiting = [("uid-2", delivery(message("m2", "ann", "text 2")))]
    assert rig.desk.process_inbox().polled == 0


# -- switching ---------------------------------------------------------------------------------------------------------


def test_a_conversation_goes_on_by_another_channel_with_all_its_clocks(rig: Rig) -> None:
    owl = Pigeon("owl", Capabilities(family="chat", addresses="owl", signed=True))
    rig = Rig(Desk(channels=[rig.pigeon, owl], clock=rig.clock), rig.pigeon, rig.clock)
    rig.take(message("m1", "ann", "Hello", name="Ann"))
    ticket = rig.desk.get(1)
    with pytest.raises(Refused, match="pigeon"):
        rig.desk.switch_channel(1, "owl", actor=KIM)
    customer = rig.desk.customers.get(ticket.customer)
    from supportkit import Address

    rig.desk.customers.update(customer.id, addresses=[*customer.addresses, Address(family="owl", value="@ann")])
    clocks = rig.desk.clocks(1)
    switched = rig.desk.switch_channel(1, "owl", actor=KIM)
    assert (switched.answers_on, switched.channel, switched.assignee) == ("owl", "pigeon", ticket.assignee)
    assert rig.desk.clocks(1).clocks == clocks.clocks
    rig.desk.reply(1, "Here?", actor=KIM)
    rig.desk.deliver_outbox()
    assert [one.recipient for one in owl.sent] == ["@ann"]
    with pytest.raises(Refused):
        rig.desk.switch_channel(1, "owl", address="@somebody", actor=KIM)
    with pytest.raises(UnknownChannel):
        rig.desk.switch_channel(1, "raven", actor=KIM)
    assert rig.desk.switch_channel(1, "pigeon", actor=KIM).answers_on == "pigeon"
    assert sum(isinstance(one.event, ev.ChannelSwitched) for one in rig.desk.history(1)) == 2


def test_an_answer_to_a_stranger_goes_to_the_thread_that_he_wrote_in(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Mine", thread="t"))
    rig.take(message("m2", "eve", "Me too", thread="t"))
    rig.desk.reply(2, "Yes?", actor=KIM)
    rig.desk.deliver_outbox()
    (sent,) = rig.pigeon.sent
    assert (sent.recipient, sent.thread) == ("eve", "t")


def test_a_delivery_with_one_message_is_settled_by_the_transaction_that_routes_it(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello"))
    rig.take(message("m2", "ann", "More"), message("m3", "ann", "And more"))
    rig.take(message("m2", "ann", "More"))
    rig.clock.advance(hours=1)
    report = rig.desk.process_inbox()
    assert (report.routed, report.duplicates, report.quarantined) == (0, 0, 0), "nothing is read again"


def waiting(rig: Rig) -> list[int]:
    """Return how often each delivery that waits was claimed, the oldest first."""
    with rig.desk.storage.begin("default", write=False) as unit:
        return [one.tries for one in unit.arrivals([ArrivalState.RECEIVED], limit=100)]  # type: ignore[attr-defined]


def test_the_next_delivery_is_claimed_by_the_transaction_that_routes_the_one_before(rig: Rig) -> None:
    for number in range(5):
        rig.arrive(message(f"m{number}", f"sender-{number}", "Hello"))
    assert rig.desk.process_inbox(limit=2).opened == 2
    assert waiting(rig) == [0, 0, 0], "nothing is claimed beyond the limit"
    stops = iter([False, False, True, True])
    assert rig.desk.process_inbox(stop=lambda: next(stops)).opened == 2
    assert waiting(rig) == [0], "nor where somebody says stop"
    assert rig.desk.process_inbox().opened == 1


def test_a_claim_goes_with_the_message_that_could_not_be_routed(rig: Rig) -> None:
    hostile = "x" * 300
    for number, sender in enumerate(["ann", "", "bo", hostile * 4, "cy"]):
        rig.arrive(message(f"m{number}", sender, "Hello"))
    report = rig.desk.process_inbox()
    assert (report.opened, report.quarantined, report.more, waiting(rig)) == (3, 2, False, [])
