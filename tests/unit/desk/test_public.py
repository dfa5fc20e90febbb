"""Public channels: a short answer that says nothing of the matter, and the way to go on in private."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tests.channel_rig import ABLE, Pigeon, delivery, message

from supportkit import Desk, ManualClock, Notices, hookimpl
from supportkit.channels.public import exposed_in
from supportkit.errors import InvalidTemplate, Refused, UnknownChannel
from supportkit.ids import SequentialIds
from supportkit.model.clocks import Metric
from supportkit.model.message import MessageKind
from supportkit.model.ticket import LinkKind
from supportkit.templates import Layer

KIM = "agent:kim"
NOON = "2026-03-02T12:00:00+00:00"
PUBLIC = attrs.evolve(ABLE, family="social", public=True, addresses="chirp")


@attrs.define
class Rig:
    """A desk with a public channel and its direct messages."""

    desk: Desk
    square: Pigeon
    direct: Pigeon
    clock: ManualClock

    def take(self, *entries: dict[str, Any], by: str = "square") -> Any:
        assert self.desk.receive(by, delivery(*entries)).status == 200
        return self.desk.process_inbox()


def rig_with(*, able: Any = PUBLIC, direct: bool = True) -> Rig:
    clock, square = ManualClock(NOON), Pigeon(name="square", capabilities=able)
    private = Pigeon(name="direct", capabilities=attrs.evolve(ABLE, addresses="chirp"))
    channels = [square, private] if direct else [square]
    return Rig(Desk(channels=channels, clock=clock, ids=SequentialIds()), square, private, clock)


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = rig_with()
    found.take(message("m1", "ann", "Your printer ate my homework!", name="Ann Smith", thread="post-1"))
    yield found
    found.desk.close()


def code(caught: Any) -> str:
    return str(caught.value.refusal.code)


def test_a_reply_is_refused_where_everybody_reads_and_says_what_to_do(rig: Rig) -> None:
    for verb in (rig.desk.reply, rig.desk.ask):
        with pytest.raises(Refused, match=r"answer_in_public\(\), or move_to_private\(\)") as caught:
            verb(1, "Your order 4711 is late.", actor=KIM)
        assert code(caught) == "channel.public"
    with pytest.raises(Refused):
        rig.desk.open("News", "We are better now.", author=KIM, channel="square")
    assert (rig.desk.deliver_outbox().sent, rig.desk.get(1).state) == (0, "new")


def test_the_shipped_words_are_sent_to_the_post_in_the_customers_language(rig: Rig) -> None:
    rig.desk.open("Bo", customer=rig.desk.customers.add("Bo", addresses={"chirp": "bo"}, locale="ru"))
    rig.take(message("m2", "bo", "Bad", thread="post-2"))
    rig.desk.answer_in_public(1, actor=KIM)
    rig.desk.answer_in_public(3, actor=KIM)
    rig.desk.deliver_outbox()
    sent, russian = rig.square.sent
    assert "извин" in russian.body.casefold()
    assert (sent.thread, sent.recipient) == ("post-1", "ann")
    assert "sorry" in sent.body
    assert "private message" in sent.body
    assert len(sent.body) <= 280


def test_the_desks_own_words_are_used_in_public_and_are_looked_at_like_any_others() -> None:
    class Words:
        @hookimpl
        def supportkit_register_catalogs(self, register: Any) -> None:
            register("en", {"notices": {"public_answer": {"body": "Sorry! Write to us in private. {{ desk.name }}"}}})
            register("ru", {"notices": {"public_answer": {"body": "Простите!"}}})

    def said(**more: Any) -> str:
        square = Pigeon(name="square", capabilities=PUBLIC)
        with Desk(channels=[square], clock=ManualClock(NOON), **more) as desk:
            assert desk.receive("square", delivery(message("m1", "ann", "Bad", thread="post-1"))).status == 200
            desk.process_inbox()
            with desk.transaction() as inside:
                inside.answer_in_public(1, actor=KIM)
            desk.deliver_outbox()
            return square.sent[0].body

    own = Layer(locale="en", texts={"notices": {"public_answer": {"body": "Sorry, we mean it."}}})
    assert said(plugins=[Words()], notices=Notices(on=(), desk_name="Fuser Ltd")) == (
        "Sorry! Write to us in private. Fuser Ltd"
    )
    assert said(plugins=[Words()], notices=Notices(layers=(own,))) == "Sorry, we mean it."
    leaking = Layer(locale="en", texts={"notices": {"public_answer": {"body": "Call +49 151 12345678"}}})
    with pytest.raises(Refused, match="phone"):
        said(notices=Notices(layers=(leaking,)))
    wrong = Layer(locale="en", texts={"notices": {"public_answer": {"body": "{{ ticket.reference }}"}}})
    with pytest.raises(InvalidTemplate):
        said(notices=Notices(layers=(wrong,)))


def test_an_agents_public_answer_is_a_response_and_an_automatic_one_is_not(rig: Rig) -> None:
    rig.clock.advance(minutes=5)
    rig.desk.answer_in_public(1, actor="bot:greeter")
    assert rig.desk.get(1).state == "new"
    assert rig.desk.clocks(1)[Metric.FIRST_RESPONSE].verdict is None
    assert rig.desk.answer_in_public(1, "We look into it.", actor=KIM).state == "open"
    assert rig.desk.clocks(1)[Metric.FIRST_RESPONSE].verdict is not None
    assert [one.kind for one in rig.desk.messages(1)][1:] == [MessageKind.AUTO, MessageKind.REPLY]


def test_a_thread_has_one_automatic_public_answer_however_many_tickets_it_has(rig: Rig) -> None:
    rig.take(message("m2", "eve", "Mine too", thread="post-1"))
    rig.desk.answer_in_public(1, actor="system")
    for ticket, actor in ((1, "system"), (2, "bot:greeter")):
        with pytest.raises(Refused) as caught:
            rig.desk.answer_in_public(ticket, actor=actor)
        assert code(caught) == "public.once"
    rig.desk.answer_in_public(1, actor=KIM)
    assert len(rig.desk.messages(1)) == 3


def test_an_idempotency_key_gives_the_first_result_again(rig: Rig) -> None:
    first = rig.desk.answer_in_public(1, actor="system", idempotency_key="k")
    assert rig.desk.answer_in_public(1, actor="system", idempotency_key="k") == first


def test_the_comment_of_somebody_else_is_a_ticket_of_his_own(rig: Rig) -> None:
    assert rig.take(message("m2", "eve", "Mine too", thread="post-1")).claimed == 1
    assert [link.kind for link in rig.desk.get(2).links] == [LinkKind.CLAIMS]
    assert [one.body for one in rig.desk.messages(1)] == ["Your printer ate my homework!"]


def test_after_the_end_one_closing_line_may_be_said(rig: Rig) -> None:
    rig.desk.resolve(1, "replaced", actor=KIM)
    assert rig.desk.answer_in_public(1, "Thank you, it is settled.", actor=KIM).state == "resolved"
    with pytest.raises(Refused) as caught:
        rig.desk.answer_in_public(1, "Thank you again.", actor=KIM)
    assert code(caught) == "public.closed"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to help@shop.example please", "address"),
        ("Write to help\u200b@shop.example please", "address"),
        ("Call +49 151 / 123 45-67", "phone"),
        ("Call \uff10\uff11\uff15\uff11\uff11\uff12\uff13\uff14\uff15", "phone"),
        ("Call \u0660\u0661\u0665\u0661\u0661\u0662\u0663", "phone"),
        ("Your order no. 77 is late", "number"),
        ("Ticket #12", "number"),
        ("Заявка 77 в работе", "number"),
        ("订单 12 已发货", "number"),
        ("It is 4711007", "phone"),
        ("It is 47110", "number"),
        ("See k7qm-2x9d-b4ta", "reference"),
        ("You get 20 EUR back", "amount"),
        ("You get $5 back", "amount"),
        ("退您30元", "amount"),
        ("Вернём 500 рублей", "amount"),
        ("Dear Ms Smith", "name"),
        ("Dear SMITH", "name"),
    ],
)
def test_what_must_not_be_public_is_refused_and_named(rig: Rig, text: str, kind: str) -> None:
    with pytest.raises(Refused, match=kind) as caught:
        rig.desk.answer_in_public(1, text, actor=KIM)
    assert code(caught) == "public.private"
    assert len(rig.desk.messages(1)) == 1


def test_the_reference_of_the_ticket_is_found_in_any_spelling(rig: Rig) -> None:
    reference = rig.desk.get(1).reference
    for spelled in (reference, reference.lower(), reference.replace("-", ""), reference.replace("-", " ")):
        with pytest.raises(Refused, match="reference"):
            rig.desk.answer_in_public(1, f"You are {spelled} here", actor=KIM)


def test_a_link_of_the_desk_is_not_for_everybody(rig: Rig) -> None:
    token = rig.desk.continuation_link(1).token
    with pytest.raises(Refused):
        rig.desk.answer_in_public(1, f"Go on: {token}", actor=KIM)


@pytest.mark.parametrize(
    "text", ["@ann, we are sorry!", "Write to us within 24 h.", "On 12 March at 9:30.", "Ann, thank you.", "谢谢您"]
)
def test_an_innocent_answer_is_sent(rig: Rig, text: str) -> None:
    rig.desk.answer_in_public(1, text, actor=KIM)
    assert rig.desk.deliver_outbox().sent == 1


def test_an_answer_is_short(rig: Rig) -> None:
    rig.desk.answer_in_public(1, "a " * 140, actor=KIM)
    with pytest.raises(Refused, match="at most 280"):
        rig.desk.answer_in_public(1, "a" * 281, actor=KIM)
    shorter = rig_with(able=attrs.evolve(PUBLIC, max_body_chars=10))
    shorter.take(message("m1", "ann", "Hm", thread="p"))
    with pytest.raises(Refused, match="at most 10"):
        shorter.desk.answer_in_public(1, "a" * 11, actor=KIM)


def test_looking_for_private_things_takes_no_long_time() -> None:
    for text in ("1" * 280, "a@" * 140, "1 " * 140, "#" * 280, "$1" * 140, "a.b-" * 70):
        exposed_in(text, handle="ann", names=["x" * 200], references=["AAAA-BBBB-CCCC"])


def test_a_ticket_without_a_public_leg_has_no_public_answer(rig: Rig) -> None:
    rig.desk.open("Quiet", "text", customer=rig.desk.customers.add("Bo"), channel="direct")
    with pytest.raises(Refused) as caught:
        rig.desk.answer_in_public(2, actor=KIM)
    assert code(caught) == "public.none"


# -- going on in private -----------------------------------------------------------------------------------------------


def test_the_conversation_goes_on_by_direct_message_in_the_same_ticket(rig: Rig) -> None:
    rig.desk.answer_in_public(1, actor=KIM)
    moved = rig.desk.move_to_private(1, actor=KIM)
    assert (moved.ticket.number, moved.ticket.answers_on, moved.link) == (1, "direct", None)
    rig.desk.reply(1, "Ms Smith, your order 4711 is on its way.", actor=KIM)
    rig.desk.deliver_outbox()
    assert [one.body for one in rig.direct.sent] == ["Ms Smith, your order 4711 is on its way."]
    assert all("4711" not in one.body for one in rig.square.sent)
    assert rig.take(message("d1", "ann", "Thanks"), by="direct").joined == 1
    rig.desk.resolve(1, "sent", actor=KIM)
    rig.desk.answer_in_public(1, "Glad that it is settled.", actor=KIM)
    rig.desk.deliver_outbox()
    assert rig.square.sent[-1].body == "Glad that it is settled."


def test_without_a_private_way_there_is_a_link() -> None:
    rig = rig_with(direct=False)
    rig.take(message("m1", "ann", "Hm", thread="p"))
    moved = rig.desk.move_to_private(1, actor=KIM)
    assert moved.link is not None
    assert moved.link.expires_at == rig.clock.now() + dt.timedelta(days=7)
    assert moved.ticket.answers_on == "square"


def test_a_public_or_unknown_channel_is_no_private_one(rig: Rig) -> None:
    with pytest.raises(Refused, match="everybody"):
        rig.desk.move_to_private(1, actor=KIM, to="square")
    with pytest.raises(UnknownChannel):
        rig.desk.move_to_private(1, actor=KIM, to="owl")


def test_nothing_but_public_answers_leaves_by_a_public_channel(rig: Rig) -> None:
    """A desk that knew the channel as private queued an answer; the one that sends knows better."""
    before = Desk(rig.desk.storage, channels=[Pigeon(name="square")], clock=rig.clock)
    before.reply(1, "Your order 4711 is late.", actor=KIM)
    report = rig.desk.deliver_outbox()
    assert (report.sent, report.suppressed, rig.square.sent) == (0, 1, [])
