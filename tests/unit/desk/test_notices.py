"""What a desk tells customers by itself: when, in which words, and when it keeps silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tests.channel_rig import ABLE, Pigeon, delivery, message

from supportkit import Address, Capabilities, Customer, Desk, ManualClock, Notices, Outbound, Printer, hookimpl
from supportkit.channels.inbound import Authenticity
from supportkit.channels.port import Accepted, Delivery
from supportkit.engine.notices import POSSIBLE, SILENT
from supportkit.errors import ConfigurationError, InvalidTemplate, LimitExceeded
from supportkit.model.clocks import Metric
from supportkit.model.events import NoticeQueued
from supportkit.model.message import MessageKind, OutboxState
from supportkit.model.people import AddressStatus, Agent, Shift
from supportkit.routing.roster import Routing
from supportkit.templates import Layer

KIM = "agent:kim"
NOON = "2026-03-02T12:00:30+00:00"
OFFICE: dict[str, Any] = {
    "calendars": {"office": {"timezone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed")}}},
    "policies": [
        {
            "id": "promised",
            "fallback": True,
            "calendar": "office",
            "targets": [
                {"metric": "FIRST_RESPONSE", "target": "2h"},
                {"metric": "FIRST_RESPONSE", "target": "1h", "priority": "urgent"},
            ],
        }
    ],
}


MAIL = Capabilities(family="email", inbound=False, subject=True)


@attrs.define
class Mail:
    """A channel of mail that keeps what it is handed."""

    name: str = "email"
    capabilities: Capabilities = MAIL
    sent: list[Outbound] = attrs.field(factory=list)

    def send(self, outbound: Outbound) -> Delivery:
        self.sent.append(outbound)
        return Accepted()


@attrs.define
class Rig:
    desk: Desk
    pigeon: Pigeon
    clock: ManualClock

    def take(self, id_: str = "m1", sender: str = "ann", text: str = "Hello", **more: Any) -> None:
        assert self.desk.receive("pigeon", delivery(message(id_, sender, text, **more))).status == 200
        self.desk.process_inbox()

    def notices(self, ticket: int = 1) -> list[NoticeQueued]:
        return [one.event for one in self.desk.history(ticket) if isinstance(one.event, NoticeQueued)]

    def names(self, ticket: int = 1) -> list[str]:
        return [one.notice for one in self.notices(ticket)]

    def bodies(self, ticket: int = 1) -> list[str]:
        return [one.body for one in self.desk.messages(ticket) if one.kind is MessageKind.AUTO]


def rig_with(able: Capabilities = ABLE, now: str = NOON, **more: Any) -> Rig:
    clock, pigeon = ManualClock(now), Pigeon(capabilities=able)
    return Rig(Desk(channels=[pigeon], clock=clock, levels=more.pop("levels", OFFICE), **more), pigeon, clock)


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = rig_with()
    yield found
    found.desk.close()


def mail_desk(locale: str, zone: str, **more: Any) -> tuple[Desk, Mail, Customer]:
    mail = Mail()
    desk = Desk(channels=[mail], clock=ManualClock(NOON), levels=OFFICE, notices=Notices(to_addresses=True, **more))
    address = Address(family="email", value="ann@example.org", status=AddressStatus.VERIFIED)
    return desk, mail, desk.customers.add("Ann", addresses=[address], locale=locale, timezone=zone)


# -- the acknowledgement -----------------------------------------------------------------------------------------------


def test_a_request_is_acknowledged_with_the_time_of_its_clock_rounded_down(rig: Rig) -> None:
    rig.take()
    ticket = rig.desk.get(1)
    due = rig.desk.clocks(1)[Metric.FIRST_RESPONSE].due_at
    assert due == dt.datetime(2026, 3, 2, 14, 0, 30, tzinfo=dt.UTC)
    assert rig.bodies() == [
        f"Thank you, we have received your request {ticket.reference}. We will answer by today, 2 March, 14:00 (UTC)."
    ]
    assert rig.notices()[0].due == due.replace(second=0)
    assert ticket.messages == len(rig.desk.messages(1)) == 2


def test_it_goes_to_the_leg_of_the_ticket_and_is_no_response(rig: Rig) -> None:
    rig.take(thread="t7")
    assert rig.desk.deliver_outbox().sent == 1
    (sent,) = rig.pigeon.sent
    assert (sent.recipient, sent.thread, sent.kind) == ("ann", "t7", MessageKind.AUTO)
    (row,) = rig.desk.outbox(1)
    assert (row.rule, row.cause.rpartition(":")[2]) == ("acknowledgement", "1")
    assert rig.desk.clocks(1)[Metric.FIRST_RESPONSE].stopped_at is None


@pytest.mark.parametrize(
    ("locale", "zone", "words"),
    [
        ("en", "Europe/London", "We will answer by today, 2 March, 14:00 (London time, UTC)."),
        ("ru", "Europe/Moscow", "17:00 (Москва, UTC+3)"),
        ("zh-Hans", "Asia/Shanghai", "22:00"),
    ],
)
def test_it_speaks_the_language_and_the_time_zone_of_the_customer(locale: str, zone: str, words: str) -> None:
    desk, mail, customer = mail_desk(locale, zone)
    with desk:
        ticket = desk.open("Printer", "It smokes.", customer=customer.id, channel="email")
        desk.deliver_outbox()
        assert words in mail.sent[0].body
        assert ticket.reference in (mail.sent[0].subject or "")
        assert desk.get(ticket.id) == ticket


def test_a_closed_desk_says_when_it_opens_and_by_when_it_answers_then() -> None:
    rig = rig_with(now="2026-03-02T20:00:00+00:00")
    rig.take()
    assert "Next opening: tomorrow, 3 March, 09:00 (UTC). We will answer by tomorrow, 3 March, 11:00" in rig.bodies()[0]


def test_without_a_target_no_time_is_named() -> None:
    rig = rig_with(levels={"policies": [{"id": "none", "fallback": True, "targets": []}]})
    rig.take()
    assert "answer by" not in rig.bodies()[0]
    assert rig.notices()[0].due is None


def test_there_is_one_acknowledgement_a_ticket(rig: Rig) -> None:
    for number in range(3):
        rig.take(f"m{number}")
    assert rig.names() == ["acknowledgement"]


def test_a_claimed_address_is_told_the_reference_and_nothing_that_anybody_wrote(rig: Rig) -> None:
    rig.take(auth=Authenticity.UNVERIFIED, name="Buy pills", subject="Cheap pills", text="pills")
    assert rig.names() == ["acknowledgement_unverified"]
    rig.desk.resolve(1, "pills", actor=KIM)
    rig.desk.deliver_outbox()
    assert len(rig.pigeon.sent) == 2
    for sent in rig.pigeon.sent:
        assert rig.desk.get(1).reference in sent.body
        assert "pills" not in f"{sent.subject}{sent.body}".lower()


# -- later steps -------------------------------------------------------------------------------------------------------


def test_a_promise_that_moves_is_told_once_a_move(rig: Rig) -> None:
    rig.take()
    rig.clock.advance(minutes=5)
    rig.desk.set_priority(1, "urgent", actor=KIM)
    rig.desk.set_priority(1, "urgent", actor=KIM)
    rig.desk.tag(1, "vip", actor=KIM)
    rig.desk.apply_policy(1, actor=KIM)
    assert rig.names() == ["acknowledgement", "promise_moved"]
    assert "We will answer by today, 2 March, 13:00 (UTC)." in rig.bodies()[1]


def test_nobody_is_told_of_a_move_after_the_answer(rig: Rig) -> None:
    rig.take()
    rig.desk.reply(1, "Here is the answer.", actor=KIM)
    rig.desk.set_priority(1, "urgent", actor=KIM)
    assert rig.names() == ["acknowledgement"]


def test_solving_closing_and_reopening_are_told(rig: Rig) -> None:
    rig.take()
    rig.desk.resolve(1, "words for colleagues", actor=KIM)
    rig.clock.advance(dt.timedelta(days=8))
    rig.desk.tick()  # closes what is solved already: that was told
    rig.take("m2", text="Not solved!")
    rig.desk.end(1, actor=KIM, reason="not_ours")
    assert rig.names() == ["acknowledgement", "solved", "reopened", "closed"]
    assert "words for colleagues" not in "".join(rig.bodies())


@pytest.mark.parametrize("reason", ["spam", "duplicate"])
def test_spam_and_duplicates_end_without_a_word(rig: Rig, reason: str) -> None:
    rig.take()
    rig.desk.end(1, actor=KIM, reason=reason)
    assert rig.names() == ["acknowledgement"]


def test_a_merge_takes_back_notices_that_are_not_sent_yet(rig: Rig) -> None:
    rig.take("m1", thread="a")
    rig.take("m2", thread="b")
    rig.desk.merge(2, into=1, actor=KIM)
    assert [one.state for one in rig.desk.outbox(2)] == [OutboxState.CANCELLED]


# -- silence -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"marks": ["bulk"]}, "bulk"),
        ({"auth": Authenticity.FAILED}, "unknown_sender"),
    ],
)
def test_what_must_not_be_answered_is_a_suppressed_row_with_its_reason(
    rig: Rig, more: dict[str, Any], reason: str
) -> None:
    rig.take(**more)
    assert [(one.state, one.reason) for one in rig.desk.outbox(1)] == [(OutboxState.SUPPRESSED, reason)]
    assert [one.reason for one in rig.notices()] == [reason]
    assert rig.bodies() == []
    assert rig.desk.get(1).messages == len(rig.desk.messages(1)) == 1
    assert rig.desk.deliver_outbox().sent == 0


def test_an_automatic_message_of_the_app_is_not_answered() -> None:
    desk, _mail, customer = mail_desk("en", "UTC")
    with desk:
        desk.open("Away", "I am on holiday.", customer=customer.id, channel="email", kind="auto")
        assert [one.reason for one in desk.outbox()] == ["automatic"]


def test_who_opted_out_is_told_nothing(rig: Rig) -> None:
    rig.take()
    customer = rig.desk.customers.get(rig.desk.get(1).customer or "")
    rig.desk.customers.update(customer.id, addresses=[attrs.evolve(one, opted_out=True) for one in customer.addresses])
    rig.desk.resolve(1, "done", actor=KIM)
    assert [one.reason for one in rig.notices()] == [None, "opted_out"]


def test_one_conversation_gets_five_automatic_messages_an_hour(rig: Rig) -> None:
    rig.take()
    for _ in range(3):
        rig.desk.resolve(1, "done", actor=KIM)
        rig.desk.reopen(1, actor=KIM)
    assert [one.reason for one in rig.notices()] == [None] * 5 + ["budget.conversation"] * 2
    rig.clock.advance(hours=1)
    rig.desk.resolve(1, "done", actor=KIM)
    assert rig.notices()[-1].reason is None


def test_one_address_gets_five_automatic_messages_an_hour_over_all_tickets(rig: Rig) -> None:
    rig.take("m1", thread="a")
    rig.take("m2", thread="b")
    for number in (1, 2, 1, 2):
        rig.desk.resolve(number, "done", actor=KIM)
        rig.desk.reopen(number, actor=KIM)
    assert sum(row.state is not OutboxState.SUPPRESSED for row in rig.desk.outbox()) == 5
    assert {row.reason for row in rig.desk.outbox()} == {None, "budget.address"}


def test_after_three_rounds_within_ten_minutes_the_pair_is_muted_for_a_day(rig: Rig) -> None:
    for number in range(1, 6):
        rig.take(f"m{number}", thread=f"t{number}")
    reasons = [one.reason for number in range(1, 6) for one in rig.notices(number)]
    assert reasons == [None, None, None, "muted", "muted"]
    rig.clock.advance(hours=23)
    rig.take("m6", thread="t6")
    rig.clock.advance(hours=2)
    rig.take("m7", thread="t7")
    assert [rig.notices(6)[0].reason, rig.notices(7)[0].reason] == ["muted", None]


def test_two_desks_that_strip_every_header_stop_answering_each_other() -> None:
    sides = [rig_with(), rig_with()]
    heard = 0
    sides[0].take("begin", "them", "Hello", thread="first")
    for turn in range(40):
        here, there = sides[turn % 2], sides[1 - turn % 2]
        here.desk.deliver_outbox()
        sent, here.pigeon.sent = here.pigeon.sent, []
        for outbound in sent:
            heard += 1
            there.take(f"copy-{heard}", "them", outbound.body, thread=f"new-{heard}")
    assert heard == 6
    assert {row.reason for side in sides for row in side.desk.outbox()} == {None, "muted"}


def test_history_that_is_brought_in_tells_nobody() -> None:
    desk, _mail, customer = mail_desk("en", "UTC")
    with desk:
        at = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
        desk.open("Old", "Long ago.", customer=customer.id, channel="email", at=at)
        assert desk.outbox() == []


def test_a_desk_that_keeps_silent_and_one_whose_app_opens_tickets_write_nothing() -> None:
    silent = rig_with(notices=SILENT)
    silent.take()
    assert silent.desk.outbox() == []
    with Desk(channels=[Mail()], clock=ManualClock(NOON)) as desk:
        customer = desk.customers.add("Ann", addresses={"email": "ann@example.org"})
        desk.open("Printer", "It smokes.", customer=customer.id, channel="email")
        assert desk.outbox() == []


# -- words and configuration -------------------------------------------------------------------------------------------


def test_own_texts_lie_above_those_of_plug_ins_and_a_wrong_one_is_found_when_the_desk_is_built() -> None:
    class Words:
        @hookimpl
        def supportkit_register_catalogs(self, register: Any) -> None:
            register("en", {"notices": {"acknowledgement": {"short": "plug-in {{ ticket.reference }}"}}})

    plugged = rig_with(plugins=[Words()])
    plugged.take()
    assert plugged.bodies()[0].startswith("plug-in ")
    own = Layer(locale="en", texts={"notices": {"acknowledgement": {"short": "own {{ ticket.reference }}"}}})
    both = rig_with(plugins=[Words()], notices=Notices(layers=(own,)))
    both.take()
    assert both.bodies()[0].startswith("own ")
    wrong = Layer(locale="en", texts={"notices": {"acknowledgement": {"short": "{{ ticket.refrence }}"}}})
    with pytest.raises(InvalidTemplate):
        rig_with(notices=Notices(layers=(wrong,)))


@pytest.mark.parametrize("wrong", ["aknowledgement", "maintenance"])
def test_notices_that_no_event_leads_to_are_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="possible: acknowledgement"):
        Notices(on=[wrong])


def test_every_possible_notice_renders_in_the_shipped_languages() -> None:
    for locale in ("en", "ru", "zh"):
        desk, _mail, customer = mail_desk(locale, "UTC", on=POSSIBLE)
        with desk:
            one = desk.open("Printer", "It smokes.", customer=customer.id, channel="email")
            desk.start(one.id, actor=KIM)
            desk.move_tier(one.id, 2, actor=KIM)
            desk.vendors.hand_over(one.id, "fuser works", actor=KIM)
            two = desk.open("Printer", "It smokes.", customer=customer.id, channel="email")
            desk.merge(two.id, into=one.id, actor=KIM)
            found = {row.rule: row.reason for row in desk.outbox()}
            assert found["merged"] in {None, "budget.address"}
            assert "template" not in found.values()
            assert {"acknowledgement", "started", "handed_over_line", "handed_over_vendor", "merged"} <= set(found)


# -- long texts --------------------------------------------------------------------------------------------------------


def test_a_long_answer_is_a_row_a_part_and_arrives_in_order() -> None:
    rig = rig_with(attrs.evolve(ABLE, max_body_chars=40, max_parts=3), notices=SILENT)
    rig.take()
    text = "First we look at the printer. Then we look at the paper. Then we write again."
    rig.desk.reply(1, text, actor=KIM)
    assert [row.part for row in rig.desk.outbox(1)] == [1, 2, 3]
    rig.desk.deliver_outbox()
    assert [(sent.part, sent.parts) for sent in rig.pigeon.sent] == [(1, 3), (2, 3), (3, 3)]
    joined = " ".join(sent.body.removesuffix(f" ({sent.part}/3)") for sent in rig.pigeon.sent)
    assert joined == text
    assert all(len(sent.body) <= 40 for sent in rig.pigeon.sent)


def test_an_answer_that_needs_too_many_parts_is_refused_before_anything_is_queued() -> None:
    rig = rig_with(attrs.evolve(ABLE, max_body_chars=40, max_parts=2), notices=SILENT)
    rig.take()
    before = rig.desk.get(1)
    with pytest.raises(LimitExceeded, match=r"channel pigeon.*2 .*40 chars.*by e-mail or as a file"):
        rig.desk.reply(1, "word " * 60, actor=KIM)
    assert (rig.desk.get(1), rig.desk.outbox(1)) == (before, [])


def test_a_notice_that_does_not_fit_never_keeps_a_message_out() -> None:
    rig = rig_with(attrs.evolve(ABLE, max_body_chars=10, max_parts=2))
    rig.take()
    assert [row.reason for row in rig.desk.outbox(1)] == ["too_long"]


def test_a_channel_of_another_family_speaks_when_it_is_named() -> None:
    printer = Printer(name="app", capabilities=Capabilities(inbound=False))
    with Desk(channels=[printer], notices=Notices(channels=["app"], to_addresses=True)) as desk:
        customer = desk.customers.add("Ann", addresses={"other": "desk 7"})
        desk.open("Printer", "It smokes.", customer=customer.id)
        assert [row.rule for row in desk.outbox()] == ["acknowledgement"]


@pytest.mark.parametrize(("begins", "is_told"), [(13, True), (15, False)])
def test_a_customer_is_told_when_somebody_who_can_help_works_again(begins: int, is_told: bool) -> None:
    """The calendar of the promise is open; what would be later than the promise (14:00) is not said beside it."""
    late = Shift(days=(1, 2, 3), begins=dt.time(begins), ends=dt.time(20))
    rig = rig_with(routing=Routing(agents=[Agent(id="kim", shifts=(late,))]))
    rig.take()
    assert rig.names() == ["acknowledgement"]
    assert (f"Next opening: today, 2 March, {begins}:00 (UTC)." in rig.bodies()[0]) is is_told
    assert ("opening" in rig.bodies()[0]) is is_told
    rig.desk.close()


def test_a_customer_is_told_of_no_opening_where_somebody_is_there() -> None:
    rig = rig_with(routing=Routing(agents=[Agent(id="kim", capacity={"other": 0})]))
    rig.take()
    assert rig.desk.get(1).assignee is None
    assert "opening" not in rig.bodies()[0]
    rig.desk.close()


# -- live, and by phone ------------------------------------------------------------------------------------------------

LIVE = attrs.evolve(ABLE, family="chat", live=True)


def test_who_waits_live_is_told_his_place_in_the_queue() -> None:
    rig = rig_with(LIVE)
    for number, sender in enumerate(("ann", "bo", "cy"), start=1):
        rig.take(f"m{number}", sender)
        assert f"You are number {number} in the queue." in rig.bodies(number)[0]
    rig.desk.reply(1, "Hi", actor=KIM)  # no longer new: nobody waits behind it
    rig.take("m4", "di")
    assert "You are number 3 in the queue." in rig.bodies(4)[0]
    rig.clock.advance(hours=13)
    rig.take("m5", "ed")
    assert "queue" not in rig.bodies(5)[0], "the desk is closed by then"
    assert "Next opening" in rig.bodies(5)[0]


def test_who_waits_live_without_having_proved_who_he_is_reads_his_own_session() -> None:
    rig = rig_with(LIVE)
    rig.take(text="BUY NOW", name="BUY NOW", auth=Authenticity.UNVERIFIED)
    assert rig.names() == ["acknowledgement"]
    assert "You are number 1 in the queue." in rig.bodies()[0]
    assert "BUY" not in rig.bodies()[0]


def test_a_place_that_is_too_far_is_not_told_and_other_channels_have_none() -> None:
    rig = rig_with(LIVE)
    people = [message(f"m{number}", f"person{number}", "Hello") for number in range(102)]
    rig.desk.receive("pigeon", delivery(*people))
    rig.desk.process_inbox()
    assert [number for number in range(1, 103) if "queue" not in rig.bodies(number)[0]] == [102]
    slow = rig_with()
    slow.take()
    assert "queue" not in slow.bodies()[0]
    slow.desk.close()


def test_who_waits_by_mail_stands_in_no_live_queue() -> None:
    owl = Pigeon(name="owl", capabilities=attrs.evolve(ABLE, addresses="owl"))
    live = Pigeon(capabilities=LIVE)
    with Desk(channels=[live, owl], clock=ManualClock(NOON), levels=OFFICE) as desk:
        for channel in ("owl", "owl", "pigeon"):
            desk.receive(
                channel, delivery(message(f"m{len(desk.find().items)}", f"p{len(desk.find().items)}", "Hello"))
            )
            desk.process_inbox()
        assert "You are number 1 in the queue." in desk.messages(3)[1].body


@pytest.mark.parametrize(("locale", "words"), [("ru", "Ваше место в очереди: 1."), ("zh", "您目前排在第 1 位")])
def test_the_place_is_told_in_the_customers_language(locale: str, words: str) -> None:
    rig = rig_with(LIVE)
    rig.desk.customers.add("Ann", addresses={"pigeon": "ann"}, locale=locale)
    rig.take()
    assert words in rig.bodies()[0]


def phone_desk(*after_calls: str, status: AddressStatus = AddressStatus.VERIFIED, **more: Any) -> tuple[Desk, Mail]:
    mail = Mail()
    desk = Desk(
        channels=[mail], clock=ManualClock(NOON), levels=OFFICE, notices=Notices(after_calls=after_calls, **more)
    )
    desk.customers.add("Ann", addresses=[Address(family="email", value="ann@example.org", status=status)])
    return desk, mail


def call(desk: Desk, **more: Any) -> None:
    ann = desk.customers.list()[0]
    desk.open("Printer", "It smokes, she says", customer=ann.id, channel="phone", kind="call", **more)


def test_a_call_is_acknowledged_in_writing_where_customers_have_consented() -> None:
    desk, mail = phone_desk("sms", "email")
    call(desk)
    desk.deliver_outbox()
    (sent,) = mail.sent
    assert sent.recipient == "ann@example.org"
    assert desk.get(1).reference in sent.body
    assert "We will answer by" in sent.body
    assert desk.outbox(1)[0].rule == "acknowledgement"
    desk.reply(1, "Unplug it", actor=KIM, kind="call")
    desk.resolve(1, "Unplugged", actor=KIM)
    desk.deliver_outbox()
    assert len(mail.sent) == 1, "what happens later is told on the phone"


def test_a_call_of_somebody_who_only_claims_an_address_is_acknowledged_without_a_word_of_his() -> None:
    desk, mail = phone_desk("email", status=AddressStatus.CLAIMED)
    call(desk)
    desk.deliver_outbox()
    (sent,) = mail.sent
    assert "Printer" not in sent.body + (sent.subject or "")
    assert "Ann" not in sent.body


@pytest.mark.parametrize("after_calls", [(), ("sms",)])
def test_without_consent_or_a_way_to_write_a_call_is_not_acknowledged(after_calls: tuple[str, ...]) -> None:
    desk, _mail = phone_desk(*after_calls)
    call(desk)
    assert desk.outbox(1) == []


def test_calls_that_were_not_the_customers_and_letters_are_not_acknowledged_by_mail() -> None:
    desk, _mail = phone_desk("email")
    call(desk, author=KIM)
    ann = desk.customers.list()[0]
    desk.open("Letter", "It smokes", customer=ann.id, channel="post")
    assert (desk.outbox(1), desk.outbox(2)) == ([], [])


def test_who_opted_out_gets_no_letter_after_a_call() -> None:
    desk, _mail = phone_desk("email")
    ann = desk.customers.list()[0]
    desk.customers.update(ann.id, addresses=[attrs.evolve(ann.addresses[0], opted_out=True)])
    call(desk)
    assert desk.outbox(1) == []
