"""Surveys at work: one decision a resolution, invitations that go out once, and what each setting does."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from tests.channel_rig import Pigeon, delivery, message
from tests.survey_rig import KIM, MAIL, START, Mail, Rig, rig_with, survey, tokens

from supportkit import Address, Desk, ManualClock, Notices, Refused
from supportkit.channels.port import Accepted, Deferred, Reason, Rejected
from supportkit.channels.windows import ReplyWindow
from supportkit.errors import CapabilityMissing, ConfigurationError, NotFound
from supportkit.keys import Keys
from supportkit.model import events as ev
from supportkit.model.change import Change, Timer
from supportkit.model.clocks import Metric
from supportkit.model.message import MessageKind
from supportkit.model.people import AddressStatus
from supportkit.model.surveys import SURVEY_TIMERS
from supportkit.model.ticket import LinkKind
from supportkit.surveying.page import SurveyRequest
from supportkit.surveying.sending import BLANK
from supportkit.surveys import Exclusion, Survey, credits_of
from supportkit.surveys.texts import CES, CSAT, NPS
from supportkit.surveys.tokens import LENGTH

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def decisions(rig: Rig, ticket: str) -> list[ev.Event]:
    kinds = (ev.SurveyScheduled, ev.SurveySuppressed)
    return [one.event for one in rig.desk.history(ticket) if isinstance(one.event, kinds)]


def links(rig: Rig) -> list[str]:
    """Return the handles of the links that lead somewhere."""
    with rig.desk._runner.reading() as unit:
        return [one.id for one in unit.records("survey.link")]


# -- deciding and sending ---------------------------------------------------------------------------------------------


def test_a_resolution_is_asked_about_a_day_later_with_a_link_that_only_the_customer_sees() -> None:
    rig = rig_with()
    ticket = rig.resolved()
    assert rig.state(ticket) == "scheduled"
    assert rig.invitation(ticket).due == NOON + DAY
    rig.work(hours=23, minutes=59)
    assert rig.state(ticket) == "scheduled"
    rig.work(minutes=1)
    assert rig.state(ticket) == "sent"
    sent = rig.mail.sent[-1]
    (token,) = tokens(sent.body)
    assert sent.kind is MessageKind.AUTO
    assert ticket.reference in (sent.subject or "")
    assert rig.ask("GET", token).status == 200
    told = "".join(one.body for one in rig.desk.messages(ticket.id))
    assert token not in told
    assert BLANK in told
    assert token not in repr(rig.desk.history(ticket.id))
    assert len(BLANK) == LENGTH


def test_a_desk_without_surveys_writes_nothing_about_any() -> None:
    rig = rig_with()
    with Desk(channels=[Mail()], clock=ManualClock(START)) as desk:
        customer = desk.customers.add(addresses={"email": "a@example.org"})
        ticket = desk.open("x", customer=customer.id, channel="email")
        desk.resolve(ticket.id, "y", actor=KIM)
        assert not [one for one in desk.history(ticket.id) if type(one.event).__name__.startswith(("Survey", "Resol"))]
    assert decisions(rig, rig.resolved().id)


def test_a_reopening_cancels_and_the_next_resolution_makes_a_new_invitation() -> None:
    rig = rig_with()
    ticket = rig.resolved()
    rig.desk.reopen(ticket.id, actor=KIM)
    assert rig.state(ticket) == "cancelled reopened"
    rig.clock.advance(hours=2)
    rig.desk.resolve(ticket.id, "now it works", actor=KIM)
    assert [(one.resolution, one.state.value) for one in rig.desk.surveys.invitations(ticket.id)] == [
        (1, "cancelled"), (2, "scheduled"),
    ]  # fmt: skip
    rig.work(hours=24)
    assert [one.state.value for one in rig.desk.surveys.invitations(ticket.id)] == ["cancelled", "sent"]
    assert len(tokens("".join(one.body for one in rig.mail.sent))) == 1


def test_a_link_is_dead_as_soon_as_the_ticket_is_open_again() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.desk.add_message(ticket.id, "It smokes again.")
    assert rig.state(ticket) == "cancelled reopened"
    assert rig.ask("GET", token).status == 404
    assert links(rig) == []


def test_an_invitation_that_is_cancelled_before_it_went_out_never_does() -> None:
    rig = rig_with()
    ticket = rig.resolved()
    rig.clock.advance(hours=24)
    rig.desk.tick()
    assert rig.state(ticket) == "sent"
    rig.desk.reopen(ticket.id, actor=KIM)
    rig.desk.deliver_outbox()
    assert tokens("".join(one.body for one in rig.mail.sent)) == []
    assert BLANK not in "".join(one.body for one in rig.mail.sent)


def test_an_answer_stays_after_a_reopening_tagged_with_its_resolution() -> None:
    rig = rig_with(survey(quarantine=dt.timedelta(0)))
    ticket, token = rig.asked()
    rig.answer(token, csat="4")
    rig.desk.reopen(ticket.id, actor=KIM)
    rig.desk.resolve(ticket.id, "again", actor=KIM)
    rig.work(hours=24)
    first, second = rig.desk.surveys.invitations(ticket.id)
    assert first.answer is not None
    assert (first.resolution, first.state.value, first.answer.codes) == (1, "answered", {"csat": 4})
    assert (second.resolution, second.state.value, second.answers) == (2, "sent", ())


def test_a_merge_cancels_and_its_link_is_dead() -> None:
    rig = rig_with()
    ann = rig.customer()
    ticket, token = rig.asked(ann)
    rig.desk.merge(ticket.id, rig.open(ann).id, actor=KIM)
    assert rig.state(ticket) == "cancelled merged"
    assert rig.ask("GET", token).status == 404


def test_a_failed_delivery_bounces_the_invitation() -> None:
    rig = rig_with()
    ticket = rig.resolved()
    rig.mail.answer = Rejected(Reason.BAD_RECIPIENT)
    rig.work(hours=24)
    assert rig.state(ticket) == "bounced"


def test_a_delivery_that_is_only_late_is_sent_with_the_same_link() -> None:
    rig = rig_with()
    ticket = rig.resolved()
    rig.desk.deliver_outbox()
    rig.mail.answer = Deferred(Reason.THROTTLED)
    rig.work(hours=24)
    rig.mail.answer = Accepted()
    rig.work(hours=1)
    first, second = [tokens(one.body)[0] for one in rig.mail.sent if tokens(one.body)]
    assert first == second
    assert rig.state(ticket) == "sent"


def test_every_resolved_ticket_has_exactly_one_decision_a_survey_however_it_ended() -> None:
    rig = rig_with(survey(rate="0.5", salt="2026Q4"), survey(id="nps", questions=(NPS,), max_per_30_days=1))
    tickets = [rig.resolved() for _ in range(12)]
    tickets += [rig.resolved(source="mystery"), rig.resolved(tags=["vip"])]
    for ticket in tickets[:3]:
        rig.desk.end(ticket.id, actor=KIM)
    closed = rig.open()
    tickets.append(rig.desk.end(closed.id, actor=KIM, reason="not_ours"))
    rig.work(hours=24)
    rig.work(hours=24)
    for ticket in tickets:
        made = [(one.survey, one.resolution) for one in rig.desk.surveys.invitations(ticket.id)]
        assert made == [("after", 1), ("nps", 1)]
        assert {one.state.value for one in rig.desk.surveys.invitations(ticket.id)} <= {"sent", "suppressed"}


def test_closing_after_resolving_is_one_resolution() -> None:
    rig = rig_with()
    ticket = rig.resolved()
    rig.work(days=8)
    assert rig.desk.get(ticket.id).state == "closed"
    assert len(rig.desk.surveys.invitations(ticket.id)) == 1


def test_history_that_is_brought_in_asks_nobody() -> None:
    from supportkit.model import commands as cm
    from supportkit.model.people import Actor

    rig = rig_with()
    ticket = rig.open()
    kim = Actor.parse(KIM)
    with rig.desk._runner.sharing() as runner:
        runner.run_many(
            runner.shared.unit.get(ticket.id),
            [(NOON, cm.Resolve(actor=kim, text="long ago"))],
            key="row-1",
            fingerprint="x",
        )
    assert rig.desk.get(ticket.id).is_done
    assert decisions(rig, ticket.id) == []


# -- the reasons, each by what happens at a desk ----------------------------------------------------------------------


def unsolved(rig: Rig) -> str:
    ticket = rig.open()
    return rig.desk.resolve(ticket.id, "not ours", actor=KIM, reason="not_ours").id


def spam(rig: Rig) -> str:
    return rig.desk.end(rig.open().id, actor=KIM, reason="spam").id


def automatic(rig: Rig) -> str:
    return rig.desk.resolve(rig.open().id, "by a rule", actor="system").id


def colleague(rig: Rig) -> str:
    return rig.resolved(rig.customer(addresses={"email": "Lee@Staff.Example.org"})).id


def opted_out(rig: Rig) -> str:
    address = Address(family="email", value="no@example.org", opted_out=True)
    return rig.resolved(rig.customer(addresses=[address])).id


def nowhere(rig: Rig) -> str:
    return rig.resolved(rig.customer(addresses={"phone": "+3725550100"})).id


def dead(rig: Rig) -> str:
    return rig.resolved(rig.customer(addresses=[Address(family="email", value="a@example.org", failures=2)])).id


def nobody(rig: Rig) -> str:
    ticket = rig.desk.open("x", actor=KIM, channel="email")
    return rig.desk.resolve(ticket.id, "y", actor=KIM).id


def asked_lately(rig: Rig) -> str:
    ann = rig.customer()
    rig.asked(ann)
    return rig.resolved(ann).id


@pytest.mark.parametrize(
    ("happens", "reason", "rule"),
    [
        (unsolved, "not_solved", None), (spam, "excluded_by_rule", "spam"), (automatic, "auto_resolved", None),
        (colleague, "internal_requester", None), (opted_out, "opted_out", None), (nowhere, "no_address", None),
        (dead, "no_address", None), (nobody, "no_address", None), (asked_lately, "quarantined", None),
        (lambda rig: rig.resolved(source="mystery").id, "excluded_by_rule", "mystery"),
        (lambda rig: rig.resolved(source="test").id, "excluded_by_rule", "test"),
        (lambda rig: rig.resolved(source="survey").id, "excluded_by_rule", "internal"),
        (lambda rig: rig.resolved(tags=["vip"]).id, "excluded_by_rule", "vip"),
    ],
)  # fmt: skip
def test_a_reason_is_stored_at_the_resolution(happens: Callable[[Rig], str], reason: str, rule: str | None) -> None:
    rig = rig_with(survey(exclude=(Exclusion(id="vip", tags={"vip"}),), staff={"@staff.example.org"}))
    ticket = happens(rig)
    (found,) = rig.desk.surveys.invitations(ticket)
    assert (found.state.value, found.reason, found.rule) == ("suppressed", reason, rule)
    assert len(decisions(rig, ticket)) == 1
    before = len(rig.mail.sent)
    rig.work(hours=48)
    assert not [one for one in rig.mail.sent[before:] if one.ticket == ticket and tokens(one.body)]


def test_what_changes_after_the_resolution_counts_at_the_sending() -> None:
    rig = rig_with(survey(exclude=(Exclusion(id="vip", tags={"vip"}),)))
    ann = rig.customer()
    tagged, out = rig.resolved(), rig.resolved(ann)
    rig.desk.tag(tagged.id, "vip", actor=KIM)
    rig.desk.customers.update(ann.id, addresses=[attrs.evolve(ann.addresses[0], opted_out=True)])
    rig.work(hours=24)
    assert (rig.state(tagged), rig.invitation(tagged).rule) == ("suppressed excluded_by_rule", "vip")
    assert rig.state(out) == "suppressed opted_out"
    assert tokens("".join(one.body for one in rig.mail.sent)) == []


def test_a_person_with_two_tickets_is_asked_about_the_first_one() -> None:
    rig = rig_with()
    ann = rig.customer()
    one, two = rig.resolved(ann), rig.resolved(ann)
    rig.work(hours=24)
    assert sorted([rig.state(one), rig.state(two)]) == ["sent", "suppressed quarantined"]


def test_a_quarantine_holds_for_all_addresses_of_one_person() -> None:
    rig = rig_with()
    ann, anna = rig.customer("Ann"), rig.customer("Anna")
    rig.asked(ann)
    rig.desk.customers.merge(ann.id, anna.id, actor=KIM)
    ticket = rig.resolved(rig.desk.customers.get(anna.id))
    assert rig.state(ticket) == "suppressed quarantined"
    assert rig.invitation(ticket).until == NOON + 31 * DAY


def test_a_channel_that_forbids_a_message_by_then_is_a_reason() -> None:
    window = ReplyWindow(length=dt.timedelta(hours=24))
    able = attrs.evolve(Pigeon().capabilities, reply_window=window)
    pigeon, clock = Pigeon(capabilities=able), ManualClock(START)
    with Desk(channels=[pigeon], clock=clock, surveys=[survey(delay=2 * HOUR), survey(id="late", delay=DAY)]) as desk:
        desk.receive("pigeon", delivery(message("m1", "ann", "Hello")))
        desk.process_inbox()
        desk.resolve(1, "done", actor=KIM)
        clock.advance(hours=2, seconds=1)
        clock.advance(hours=2)
        desk.tick()
        desk.deliver_outbox()
        clock.advance(hours=21)
        desk.tick()
        asked, late = desk.surveys.invitations(1)
        assert (asked.state.value, late.reason) == ("sent", "quarantined")  # quarantine is tested before the window
        desk.receive("pigeon", delivery(message("m2", "bob", "Hello")))
        desk.process_inbox()
        desk.resolve(2, "done", actor=KIM)
        clock.advance(hours=25)
        desk.tick()
        assert [one.reason for one in desk.surveys.invitations(2)] == ["channel_window_closed"] * 2


# -- two workers ------------------------------------------------------------------------------------------------------


def test_many_workers_send_one_invitation_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    rig = rig_with(storage=url)
    tickets = [rig.resolved() for _ in range(6)]
    same = rig.customer()
    pair = [rig.resolved(same), rig.resolved(same)]
    rig.clock.advance(hours=24)
    desks = [Desk(url, channels=[rig.mail], clock=ManualClock(rig.clock.now()), surveys=[survey()]) for _ in range(4)]
    start = threading.Barrier(4)

    def work(desk: Desk) -> None:
        start.wait()
        for _ in range(3):
            desk.tick()
            desk.deliver_outbox()

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for desk in (*desks, rig.desk):
        desk.tick(rig.clock.now() + 2 * HOUR)
        desk.close()
    sent = [token for one in rig.mail.sent for token in tokens(one.body)]
    assert len(sent) == len(set(sent)) == len(tickets) + 1
    with Desk(url, surveys=[survey()]) as desk:
        told = [[type(one.event).__name__ for one in desk.history(ticket.id)] for ticket in (*tickets, *pair)]
    assert [names.count("SurveySent") for names in told[:6]] == [1] * 6
    assert sum(names.count("SurveySent") for names in told[6:]) == 1
    assert sum(names.count("SurveySuppressed") for names in told[6:]) == 1


def test_a_worker_that_does_not_know_a_survey_leaves_it_to_one_that_does(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    rig = rig_with(storage=url)
    ticket = rig.resolved()
    rig.clock.advance(hours=24)
    with Desk(url, channels=[rig.mail], clock=rig.clock) as other:
        other.tick()
    rig.work()
    assert rig.state(ticket) == "scheduled"
    rig.work(hours=1)
    assert rig.state(ticket) == "sent"


@pytest.mark.parametrize("name", SURVEY_TIMERS)
def test_a_deadline_that_fires_twice_has_its_effect_once(name: str) -> None:
    rig = rig_with(survey(remind_after=DAY))
    ticket, token = rig.asked()
    rig.work(days=1)
    if name == "survey.end":
        rig.work(days=14)
    before = [type(one.event).__name__ for one in rig.desk.history(ticket.id)]
    again = Timer(tenant="default", ticket=ticket.id, name=name, instance="after/1", due_at=rig.clock.now())
    with rig.desk.storage.begin("default") as unit:
        unit.save(Change(timers=(again,)))
    rig.work(hours=1)
    assert [type(one.event).__name__ for one in rig.desk.history(ticket.id)] == before
    assert [one for mail in rig.mail.sent for one in tokens(mail.body)] == [token, token]


def test_a_customer_who_has_answered_gets_no_reminder() -> None:
    rig = rig_with(survey(remind_after=DAY))
    ticket, token = rig.asked()
    rig.answer(token, csat="4")
    rig.work(days=2)
    assert rig.invitation(ticket).reminder is None
    assert len([one for mail in rig.mail.sent for one in tokens(mail.body)]) == 1


# -- every setting ----------------------------------------------------------------------------------------------------


def later_sent(rig: Rig, ticket: str) -> dt.datetime | None:
    (found,) = rig.desk.surveys.invitations(ticket)
    return found.sent_at


def effect_of_id() -> None:
    rig = rig_with(survey(id="other"))
    assert rig.invitation(rig.resolved(), "other").survey == "other"


def effect_of_url() -> None:
    rig = rig_with(survey(url="https://other.example.com/x/"))
    rig.resolved()
    rig.work(hours=24)
    assert "https://other.example.com/x/E" in rig.mail.sent[-1].body


def effect_of_questions() -> None:
    rig = rig_with(survey(questions=(CES, NPS)))
    _ticket, token = rig.asked()
    page = rig.ask("GET", token).body.decode()
    assert page.index('name="ces"') < page.index('name="nps"')
    assert "csat" not in page
    assert "2 questions" in rig.mail.sent[-1].body


def effect_of_version() -> None:
    rig = rig_with(survey(version=7))
    ticket, token = rig.asked()
    rig.answer(token, csat="4")
    found = rig.invitation(ticket)
    assert found.answer is not None
    assert (found.version, found.answer.text) == (7, 7)


def effect_of_locales() -> None:
    for locales, spoken in ((("en", "ru"), "ru"), (("en",), "en")):
        rig = rig_with(survey(locales=locales))
        ticket, token = rig.asked(rig.customer(locale="ru"))
        assert f'<html lang="{spoken}">' in rig.ask("GET", token).body.decode()
        rig.answer(token, csat="4")
        answer = rig.invitation(ticket).answer
        assert answer is not None
        assert answer.locale == spoken


def effect_of_default_locale() -> None:
    rig = rig_with(survey(default_locale="zh"))
    _ticket, token = rig.asked(rig.customer(locale="de"))
    assert '<html lang="zh">' in rig.ask("GET", token).body.decode()


def effect_of_comment() -> None:
    for wanted in (True, False):
        rig = rig_with(survey(comment=wanted))
        ticket, token = rig.asked()
        assert (b"<textarea" in rig.ask("GET", token).body) is wanted
        rig.answer(token, csat="4", comment="thank you")
        answer = rig.invitation(ticket).answer
        assert answer is not None
        assert answer.comment == ("thank you" if wanted else "")


def effect_of_delay() -> None:
    for delay in (6 * HOUR, 30 * HOUR):
        rig = rig_with(survey(delay=delay))
        ticket = rig.resolved()
        rig.work(hours=delay / HOUR - 0.01)
        assert rig.state(ticket) == "scheduled"
        rig.work(hours=0.01)
        assert later_sent(rig, ticket.id) == NOON + delay


def effect_of_quiet() -> None:
    for quiet, sent_after in ((4 * HOUR, 27 * HOUR), (HOUR, 24 * HOUR)):
        rig = rig_with(survey(quiet=quiet))
        ticket = rig.resolved()
        rig.clock.advance(hours=23)
        rig.desk.note(ticket.id, "She called and is happy.", actor=KIM)
        rig.work(hours=1)
        rig.work(hours=3)
        assert later_sent(rig, ticket.id) == NOON + sent_after


def effect_of_expiry() -> None:
    rig = rig_with(survey(expiry=3 * DAY))
    ticket, token = rig.asked()
    rig.clock.advance(days=3, microseconds=-1)
    assert rig.ask("GET", token).status == 200
    rig.clock.advance(microseconds=1)
    assert rig.ask("GET", token).status == 404
    assert len(links(rig)) == 1
    rig.work()
    assert rig.state(ticket) == "expired"
    assert links(rig) == []


def effect_of_edit_for() -> None:
    for edit_for, can_edit in ((HOUR, False), (None, True)):
        rig = rig_with(survey(edit_for=edit_for))
        ticket, token = rig.asked()
        rig.answer(token, csat="4")
        rig.clock.advance(minutes=59)
        assert rig.ask("GET", token).status == 200
        rig.work(minutes=1, seconds=1)
        assert rig.ask("GET", token).status == (200 if can_edit else 404)
        assert rig.state(ticket) == ("answered" if can_edit else "locked")


def effect_of_remind_after() -> None:
    for remind_after, times in ((2 * DAY, 2), (None, 1)):
        rig = rig_with(survey(remind_after=remind_after))
        ticket, token = rig.asked()
        rig.work(days=2)
        rig.work(days=2)
        assert [one for mail in rig.mail.sent for one in tokens(mail.body)] == [token] * times
        assert (rig.invitation(ticket).reminder is None) is (times == 1)


def effect_of_quarantine() -> None:
    for quarantine, state in ((10 * DAY, "sent"), (30 * DAY, "suppressed quarantined")):
        rig = rig_with(survey(quarantine=quarantine))
        ann = rig.customer()
        rig.asked(ann)
        rig.clock.advance(days=11)
        ticket, _token = rig.asked(ann)
        assert rig.state(ticket) == state


def effect_of_max_per_30_days() -> None:
    for most, states in ((1, ["sent", "suppressed"]), (2, ["sent", "sent"])):
        rig = rig_with(survey(quarantine=DAY, max_per_30_days=most))
        ann = rig.customer()
        found = []
        for _ in range(2):
            found.append(rig.state(rig.asked(ann)[0]).split()[0])
            rig.clock.advance(days=1)
        assert found == states


def effect_of_quota() -> None:
    rig = rig_with(survey(quota=2))
    tickets = [rig.resolved() for _ in range(3)]
    rig.work(hours=24)
    assert sorted(rig.state(one) for one in tickets) == ["sent", "sent", "suppressed quota_reached"]
    assert rig.state(rig.resolved()) == "suppressed quota_reached"
    rig.clock.advance(days=30)
    assert rig.state(rig.resolved()) == "scheduled"
    assert rig_with(survey(quota=0)).desk.surveys.list()[0].quota == 0


def effect_of_rate() -> None:
    for rate, state in ((0, "suppressed sampled_out"), (1, "scheduled")):
        rig = rig_with(survey(rate=rate))
        assert rig.state(rig.resolved()) == state


def effect_of_salt() -> None:
    def drawn(salt: str) -> list[str]:
        from supportkit.ids import SequentialIds

        rig = rig_with(survey(rate=0.5, salt=salt), ids=SequentialIds())
        return [rig.state(rig.resolved()) for _ in range(16)]

    assert drawn("a") == drawn("a") != drawn("b")


def effect_of_exclude() -> None:
    rig = rig_with(survey(exclude=(Exclusion(id="west", teams={"west"}),)))
    assert rig.invitation(rig.resolved(team="west")).rule == "west"
    assert rig.state(rig.resolved(team="east")) == "scheduled"


def effect_of_staff() -> None:
    lee = {"addresses": {"email": "lee@example.com"}}
    for staff, state in (({"lee@example.com"}, "suppressed internal_requester"), (set(), "scheduled")):
        rig = rig_with(survey(staff=staff))
        assert rig.state(rig.resolved(rig.customer(**lee))) == state


def effect_of_ask_automatic() -> None:
    for wanted, state in ((True, "scheduled"), (False, "suppressed auto_resolved")):
        rig = rig_with(survey(ask_automatic=wanted))
        assert rig.state(rig.desk.resolve(rig.open().id, "by a rule", actor="system")) == state


def effect_of_rating_links() -> None:
    for wanted in (True, False):
        rig = rig_with(survey(rating_links=wanted))
        ticket, token = rig.asked()
        assert (b" checked" in rig.ask("GET", token, "csat=2").body) is wanted
        assert rig.state(ticket) == "viewed"
        rig.answer(token, query="csat=2", csat="2")
        answer = rig.invitation(ticket).answer
        assert answer is not None
        assert answer.prefilled is wanted


def effect_of_anonymous() -> None:
    rig = rig_with(survey(anonymous=True))
    ticket, token = rig.asked(rig.customer(locale="ru"), tier=2)
    assert rig.answer(token, csat="1").status == 200
    (kept,) = rig.desk.surveys.anonymous("after")
    assert (kept.month, kept.tier, kept.channel, kept.locale, kept.scores[0].code) == ("2026-03", 2, "email", "ru", 1)
    found = rig.invitation(ticket)
    assert (found.state.value, found.answers, found.follow_up) == ("locked", (), None)
    assert rig.ask("GET", token).status == 404


def effect_of_follow_up() -> None:
    for follow_up in (2 * DAY, None):
        rig = rig_with(survey(follow_up=follow_up))
        ticket, token = rig.asked()
        rig.answer(token, csat="1")
        task = rig.invitation(ticket).follow_up
        assert (task is None) is (follow_up is None)
        if task is not None:
            assert rig.desk.clocks(task)[Metric.PROMISE].due_at == rig.clock.now() + 2 * DAY


def effect_of_unhappy() -> None:
    for unhappy, is_followed in (({"csat": 2}, True), ({}, False)):
        rig = rig_with(survey(unhappy=unhappy))
        ticket, token = rig.asked()
        rig.answer(token, csat="2")
        assert (rig.invitation(ticket).follow_up is not None) is is_followed


def effect_of_leads() -> None:
    for leads, assignee in (({"east": "boss"}, "boss"), ({"east": "kim"}, None), ({}, None)):
        rig = rig_with(survey(leads=leads))
        ticket, token = rig.asked()
        rig.answer(token, csat="1")
        task = rig.desk.get(rig.invitation(ticket).follow_up or "")
        assert (task.assignee, task.team) == (assignee, "east")


def test_by_default_the_lead_of_the_team_looks_after_the_unhappy() -> None:
    rig = rig_with()
    rig.desk.agents.add("mia")
    rig.desk.teams.add("east", lead="mia")
    ticket, token = rig.asked()
    rig.answer(token, csat="1")
    assert rig.desk.get(rig.invitation(ticket).follow_up or "").assignee == "mia"


@pytest.mark.parametrize("purpose", ["surveys", "everything"])
def test_who_refused_surveys_is_not_asked_and_who_refused_notices_alone_is(purpose: str) -> None:
    rig = rig_with()
    ann, bob, early = rig.customer(), rig.customer("Bob"), rig.customer("Eve")
    waiting = rig.resolved(early)
    rig.desk.customers.consent(ann.id, purpose, allowed=False)
    rig.desk.customers.consent(bob.id, "notices", allowed=False)
    assert rig.state(rig.resolved(ann)) == "suppressed opted_out"
    asked = rig.resolved(bob)
    rig.clock.advance(hours=24)
    rig.desk.tick()
    rig.desk.customers.consent(early.id, purpose, allowed=False)
    rig.desk.deliver_outbox()
    assert (rig.state(asked), rig.state(waiting)) == ("sent", "bounced")
    assert len(tokens("".join(one.body for one in rig.mail.sent))) == 1


def test_an_erased_person_keeps_the_count_and_loses_comment_link_and_booking() -> None:
    rig = rig_with()
    ann, bob = rig.customer(), rig.customer("Bob")
    ticket, token = rig.asked(ann)
    rig.answer(token, csat="2", comment="my secret")
    unanswered, other = rig.asked(bob)
    for one in (ann, bob):
        rig.desk.privacy.erase(one.id, actor=KIM)
    answer = rig.invitation(ticket).answer
    assert answer is not None
    assert (answer.codes, answer.comment) == ({"csat": 2}, "")
    assert rig.ask("GET", token).status == rig.ask("GET", other).status == 404
    assert rig.state(unanswered) == "sent"
    with rig.desk._runner.reading() as unit:
        assert unit.records("survey.asked") == unit.records("survey.link") == []
    assert rig.state(rig.resolved(rig.desk.customers.get(ann.id))) == "suppressed no_address"


def effect_of_follow_up_team() -> None:
    rig = rig_with(survey(follow_up_team="care", leads={"care": "boss"}))
    ticket, token = rig.asked()
    rig.answer(token, csat="1")
    task = rig.desk.get(rig.invitation(ticket).follow_up or "")
    assert (task.team, task.assignee) == ("care", "boss")


def effect_of_topic_field() -> None:
    for field, topic in (("topic", "paper"), ("subject_area", "toner")):
        rig = rig_with(survey(topic_field=field))
        ticket = rig.resolved(fields={"topic": "paper", "subject_area": "toner"})
        credit = rig.invitation(ticket).credit
        assert credit is not None
        assert credit.topic == topic


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Survey)])
def test_a_setting_has_the_effect_that_it_is_for(name: str) -> None:
    globals()[f"effect_of_{name}"]()


# -- follow-up, credit, flags -----------------------------------------------------------------------------------------


def test_an_unhappy_answer_becomes_internal_work_linked_and_left_alone_by_surveys() -> None:
    rig = rig_with(survey(leads={"east": "boss"}), notices=Notices(to_addresses=True))
    ticket, token = rig.asked()
    before = len(rig.mail.sent)
    rig.answer(token, csat="1")
    task = rig.desk.get(rig.invitation(ticket).follow_up or "")
    assert (task.source, task.customer, task.assignee) == ("survey", None, "boss")
    assert [(link.kind, link.ticket) for link in task.links] == [(LinkKind.RELATED, ticket.id)]
    assert [link.ticket for link in rig.desk.get(ticket.id).links] == [task.id]
    rig.desk.resolve(task.id, "She was called, and is content.", actor="agent:boss")
    (decided,) = rig.desk.surveys.invitations(task.id)
    assert (decided.reason, decided.rule) == ("excluded_by_rule", "internal")
    rig.desk.deliver_outbox()
    assert len(rig.mail.sent) == before
    found = rig.invitation(ticket)
    assert found.answer is not None
    assert found.answer.codes == {"csat": 1}


def test_a_later_version_makes_no_second_task_and_a_first_unhappy_one_does() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    for code in ("5", "1", "1"):
        rig.clock.advance(minutes=2)
        rig.answer(token, csat=code)
    followed = [one for one in rig.desk.history(ticket.id) if isinstance(one.event, ev.SurveyFollowedUp)]
    assert len(followed) == 1
    assert [one.version for one in rig.invitation(ticket).answers] == [1, 2, 3]


def test_a_suspicious_answer_makes_no_work() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.answer(token, wait=3, csat="1")
    answer = rig.invitation(ticket).answer
    assert answer is not None
    assert answer.flags == ("too_fast",)
    assert rig.invitation(ticket).follow_up is None


def test_a_reassignment_after_the_resolution_moves_no_score() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.desk.assign(ticket.id, assignee="mo", team="west", actor=KIM)
    rig.desk.move_tier(ticket.id, 3, actor=KIM)
    rig.answer(token, csat="5")
    credit = rig.invitation(ticket).credit
    assert credit is not None
    assert (credit.assignee, credit.team, credit.tier) == ("kim", "east", 1)
    assert credits_of(credit, "primary") == {"kim": 1}


def test_an_agent_may_clear_a_flag_and_the_log_says_who() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.answer(token, wait=3, csat="4")
    with pytest.raises(Refused, match="only an agent"):
        rig.desk.surveys.clear_flag(ticket.id, "after", "too_fast", actor="system")
    after = rig.desk.surveys.clear_flag(
        ticket.id, "after", "too_fast", actor="agent:lee", note="She told me.", idempotency_key="k"
    )
    answer = rig.invitation(ticket).answer
    assert answer is not None
    assert (answer.flags, answer.is_flagged) == (("too_fast",), False)
    last = rig.desk.history(ticket.id)[-1]
    assert (str(last.actor), type(last.event)) == ("agent:lee", ev.SurveyFlagCleared)
    again = rig.desk.surveys.clear_flag(
        ticket.id, "after", "too_fast", actor="agent:lee", note="She told me.", idempotency_key="k"
    )
    once_more = rig.desk.surveys.clear_flag(ticket.id, "after", "too_fast", actor="agent:lee")
    assert after.version == again.version == once_more.version
    with pytest.raises(NotFound):
        rig.desk.surveys.clear_flag(ticket.id, "after", "flip", actor="agent:lee")
    with pytest.raises(ValueError, match="mood"):
        rig.desk.surveys.clear_flag(ticket.id, "after", "mood", actor="agent:lee")


# -- anonymous --------------------------------------------------------------------------------------------------------


def test_nothing_leads_from_an_anonymous_answer_to_anybody_and_the_quarantine_is_kept() -> None:
    rig = rig_with(survey(anonymous=True))
    ann = rig.customer()
    ticket, token = rig.asked(ann)
    rig.answer(token, csat="1")
    with rig.desk._runner.reading() as unit:
        (answer,) = unit.records("survey.answer")
        assert unit.records("survey.link") == []
        (asked,) = unit.records("survey.asked")
    known = {ann.id, ticket.id, ticket.reference, token, "example.org", asked.id}
    assert answer.owner == ""
    assert not [one for one in known if one in f"{answer.id} {answer.name} {answer.data}"]
    told = "".join(repr(one) for one in rig.desk.history(ticket.id))
    assert answer.id not in told
    assert "code=1" not in told
    assert rig.state(rig.resolved(ann)) == "suppressed quarantined"


# -- adding and missing -----------------------------------------------------------------------------------------------


def test_a_survey_may_be_added_later_and_is_one_of_its_id() -> None:
    rig = rig_with()
    rig.desk.surveys.add(survey(id="nps", questions=(NPS,)))
    rig.desk.surveys.add(survey(id="nps", questions=(NPS,)))
    with pytest.raises(ConfigurationError, match="another survey 'nps'"):
        rig.desk.surveys.add(survey(id="nps", questions=(CSAT,)))
    with pytest.raises(ConfigurationError, match="not str"):
        rig.desk.surveys.add("nps")  # type: ignore[arg-type]
    assert [one.id for one in rig.desk.surveys.list()] == ["after", "nps"]
    assert rig.desk.surveys.get("nps").questions == (NPS,)
    with pytest.raises(NotFound):
        rig.desk.surveys.get("other")
    assert len(rig.desk.surveys.invitations(rig.resolved().id)) == 2


def test_a_storage_that_cannot_keep_what_surveys_need_is_refused() -> None:
    from supportkit.surveying.service import require

    class Poor:
        capabilities = attrs.evolve(rig_with().desk.storage.capabilities, keeps=False)

    with pytest.raises(CapabilityMissing, match="keeps"):
        require(Poor())  # type: ignore[arg-type]


def test_the_words_of_a_comment_are_stored_apart_so_that_they_can_be_erased() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.answer(token, csat="4", comment="call me at home")
    (event,) = [one.event for one in rig.desk.history(ticket.id) if isinstance(one.event, ev.SurveyAnswered)]
    assert event.comment == "call me at home"
    assert "home" not in repr(event)
    from supportkit.storage.codec import encode_event

    _name, _schema, public, private = encode_event(event)
    assert "comment" not in public
    assert private == {"comment": "call me at home"}


def test_nobody_reads_the_subject_at_an_address_that_is_only_claimed() -> None:
    rig = rig_with()
    rig.resolved(rig.customer(addresses=[Address(family="email", value="x@example.org")]))
    rig.resolved(
        rig.customer(addresses=[Address(family="email", value="y@example.org", status=AddressStatus.VERIFIED)])
    )
    rig.work(hours=24)
    asked = {one.recipient: one.body for one in rig.mail.sent if tokens(one.body)}  # both at once, in any order
    assert set(asked) == {"x@example.org", "y@example.org"}
    assert "Printer" not in asked["x@example.org"]
    assert "Printer" in asked["y@example.org"]


def test_a_text_in_parts_has_the_link_whole_in_one_of_them() -> None:
    able = attrs.evolve(MAIL, max_body_chars=150, max_parts=9)
    rig = rig_with(able=able)
    rig.resolved()
    rig.work(hours=24)
    parts = [one.body for one in rig.mail.sent if one.kind is MessageKind.AUTO]
    assert len(parts) > 1
    assert len(tokens("\n".join(parts))) == 1
    assert BLANK not in "".join(parts)


def test_a_new_signing_key_signs_and_links_of_the_old_one_lead_on_until_it_is_retired(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    old, new, hashing = b"o" * 32, b"n" * 32, b"h" * 32
    rig = rig_with(storage=url, keys=Keys(signing={1: old}, hashing=hashing))
    _ticket, token = rig.asked()
    rig.desk.close()

    def status(signing: dict[int, bytes]) -> int:
        with Desk(url, clock=rig.clock, surveys=[survey()], keys=Keys(signing=signing, hashing=hashing)) as desk:
            return desk.surveys.handle(SurveyRequest(method="GET", path=f"/s/{token}")).status

    assert status({2: new, 1: old}) == 200
    assert status({2: new}) == 404
    assert rig_with().ask("GET", token).status == 404
