"""Who is not asked and why, what is suspicious, who gets the credit, and what may be shown of anonymous answers."""

from __future__ import annotations

import datetime as dt
import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supportkit.errors import ConfigurationError
from supportkit.model import events as ev
from supportkit.model.message import MessageKind
from supportkit.model.people import SYSTEM, Actor
from supportkit.model.surveys import Contribution, ResolutionAttributed, Score
from supportkit.model.ticket import StateCategory
from supportkit.surveys import (
    Credit,
    Evidence,
    Exclusion,
    Question,
    Situation,
    Suppression,
    Survey,
    Wording,
    attributed,
    credits_of,
    hidden_groups,
    quarantined_until,
    suppression,
    suspicions,
)
from supportkit.surveys.phrases import PHRASES
from supportkit.surveys.texts import CES, CSAT, NPS, STANDARD
from supportkit.testing.builders import make_ticket

AT = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
URL = "https://help.example.com/s/"
AGAINST: dict[Suppression, dict[str, Any]] = {
    Suppression.NOT_SOLVED: {"is_solved": False},
    Suppression.REOPENED: {"is_done": False},
    Suppression.MERGED: {"is_merged": True},
    Suppression.EXCLUDED_BY_RULE: {"rule": "vip"},
    Suppression.AUTO_RESOLVED: {"is_automatic": True},
    Suppression.INTERNAL_REQUESTER: {"is_internal": True},
    Suppression.OPTED_OUT: {"has_opted_out": True},
    Suppression.NO_ADDRESS: {"has_address": False},
    Suppression.DUPLICATE: {"is_asked_already": True},
    Suppression.QUARANTINED: {"quarantined_until": AT},
    Suppression.QUOTA_REACHED: {"is_quota_reached": True},
    Suppression.CHANNEL_WINDOW_CLOSED: {"is_window_closed": True},
    Suppression.SAMPLED_OUT: {"is_sampled": False},
}


# -- the reasons -------------------------------------------------------------------------------------------------------


def test_the_reasons_stand_in_the_order_of_the_specification() -> None:
    order = (
        "not_solved reopened merged excluded_by_rule auto_resolved internal_requester opted_out no_address duplicate "
        "quarantined quota_reached channel_window_closed sampled_out"
    )
    assert [reason.value for reason in Suppression] == order.split()
    assert list(AGAINST) == list(Suppression)


def test_nothing_against_it_means_that_the_customer_is_asked() -> None:
    assert suppression(Situation()) is None


@pytest.mark.parametrize("reason", Suppression)
def test_a_reason_alone_is_stored(reason: Suppression) -> None:
    refused = suppression(Situation(**AGAINST[reason]))
    assert refused is not None
    assert refused.reason is reason
    assert refused.rule == ("vip" if reason is Suppression.EXCLUDED_BY_RULE else None)
    assert refused.until == (AT if reason is Suppression.QUARANTINED else None)


def test_of_any_two_reasons_the_first_one_is_stored() -> None:
    for first, second in itertools.combinations(Suppression, 2):
        refused = suppression(Situation(**AGAINST[first], **AGAINST[second]))
        assert refused is not None
        assert refused.reason is first


def test_sampled_out_means_that_nothing_else_stood_against_it() -> None:
    for reason in [one for one in Suppression if one is not Suppression.SAMPLED_OUT]:
        refused = suppression(Situation(is_sampled=False, **AGAINST[reason]))
        assert refused is not None
        assert refused.reason is reason


# -- quarantine --------------------------------------------------------------------------------------------------------


def until(*days: float, quarantine: float = 30, most: int = 2) -> float | None:
    """Return for how many days from now somebody is left alone who was asked so many days ago."""
    sent = [AT - day * DAY for day in days]
    found = quarantined_until(sent, AT, quarantine=quarantine * DAY, most=most)
    return None if found is None else (found - AT) / DAY


def test_a_person_is_left_alone_after_an_invitation_and_not_longer() -> None:
    assert until() is None
    assert until(10) == 20
    assert until(10, 29) == 20
    assert until(30) is None
    assert until(29.5) == 0.5


def test_a_person_is_asked_so_many_times_within_thirty_days() -> None:
    assert until(8, quarantine=7) is None
    assert until(8, 20, quarantine=7) == 10
    assert until(8, 31, quarantine=7) is None
    assert until(8, 20, 25, quarantine=7) == 10
    assert until(8, 20, quarantine=7, most=3) is None
    assert until(5, 20, quarantine=0) == 10


# -- settings ----------------------------------------------------------------------------------------------------------


def made(**values: Any) -> Survey:
    return Survey(**{"id": "after", "url": URL, **values})


SAID = {locale: Wording(text="?", low="low", high="high") for locale in ("en", "ru")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""}, {"id": "After"}, {"id": "a" * 41}, {"url": "ftp://x/"}, {"url": "https://x/?a=1"}, {"url": "/s/"},
        {"url": "https://x"}, {"url": "https://x/" + "a" * 150 + "/"}, {"questions": ()}, {"questions": (CSAT, CSAT)},
        {"version": 0}, {"version": True}, {"delay": -DAY}, {"quiet": -DAY}, {"quarantine": -DAY},
        {"quarantine": 400 * DAY}, {"expiry": dt.timedelta(0)}, {"expiry": 91 * DAY}, {"edit_for": -DAY},
        {"remind_after": 14 * DAY}, {"remind_after": dt.timedelta(0)}, {"follow_up": -DAY}, {"max_per_30_days": 0},
        {"quota": -1}, {"rate": 1.1}, {"rate": -0.1}, {"rate": "much"}, {"rate": True}, {"rate": float("nan")},
        {"anonymous": True, "comment": True}, {"unhappy": {"nps": 6}}, {"staff": "@example.com"},
        {"questions": (Question(id="Bad Id", lo=1, hi=5, wordings={**SAID, "zh": SAID["en"]}),)},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_when_the_survey_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        made(**wrong)


def test_a_missing_translation_is_an_error_when_the_survey_is_made() -> None:
    half = Question(id="q", lo=1, hi=5, wordings=SAID)
    with pytest.raises(ValueError, match="lacks a text in zh"):
        made(questions=(half,))
    assert made(questions=(half,), locales=("en", "ru")).questions == (half,)
    with pytest.raises(ValueError, match="lacks a text in de"):
        made(default_locale="de")


def test_every_shipped_question_can_be_asked_in_every_shipped_language() -> None:
    assert made(questions=STANDARD).locales == ("en", "ru", "zh")


def test_the_page_says_everything_in_every_language_and_with_the_same_values() -> None:
    import string

    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for locale, texts in PHRASES.items():
        assert texts.keys() == PHRASES["en"].keys(), locale
        assert {key: names(text) for key, text in texts.items()} == {
            key: names(text) for key, text in PHRASES["en"].items()
        }


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [(("ru",), "ru"), (("zh-Hans-CN",), "zh"), (("de", "ru"), "ru"), (("de",), "en"), ((None,), "en"), ((), "en")],
)
def test_the_language_follows_a_chain_of_fallbacks(wanted: tuple[str | None, ...], spoken: str) -> None:
    assert made().language(*wanted) == spoken


def test_an_exclusion_applies_where_all_that_it_names_is_met() -> None:
    rule = Exclusion(id="vip-mail", tags={"vip"}, channels={"email"}, teams={"east"}, segments={"gold"})
    fits = {"tags": ("paper", "vip"), "channel": "email", "team": "east", "source": None}
    assert rule.applies(make_ticket(**fits), "gold")
    for other in ({"tags": ("paper",)}, {"channel": "chat"}, {"team": "west"}):
        assert not rule.applies(make_ticket(**{**fits, **other}), "gold")
    assert not rule.applies(make_ticket(**fits), None)
    with pytest.raises(ConfigurationError, match="names nothing"):
        Exclusion(id="all")
    with pytest.raises(ConfigurationError, match="id of an exclusion"):
        Exclusion(id="Bad Id", tags={"vip"})


@pytest.mark.parametrize(
    ("question", "code", "better", "unhappy"),
    [
        (CSAT, 1, True, True), (CSAT, 2, True, False), (NPS, 6, True, True), (NPS, 7, True, False),
        (CES, 3, True, True), (CES, 4, True, False), (CES, 5, False, True), (CES, 4, False, False),
        (CSAT, None, True, False), (CSAT, 5, False, True),
    ],
)  # fmt: skip
def test_the_unhappy_are_those_of_the_specification(
    question: Question, code: int | None, better: bool, unhappy: bool
) -> None:
    score = Score(question=question.id, code=code, lo=question.lo, hi=question.hi, higher_is_better=better)
    assert made().is_unhappy([score]) is unhappy


def test_a_survey_may_say_who_is_unhappy() -> None:
    score = Score(question="csat", code=2, lo=1, hi=5)
    assert made(unhappy={"csat": 2}).is_unhappy([score])


# -- suspicion ---------------------------------------------------------------------------------------------------------


def flags(**values: Any) -> tuple[str, ...]:
    plain = {"sent_at": AT, "answered_at": AT + DAY, "codes": {"csat": 4}}
    return suspicions(Evidence(**{**plain, **values}))


def seconds(number: float) -> dt.datetime:
    return AT + dt.timedelta(seconds=number)


def test_an_answer_of_a_person_is_not_suspicious() -> None:
    assert flags() == ()


def test_an_answer_within_ten_seconds_of_sending_is_too_fast() -> None:
    assert flags(answered_at=seconds(9.9)) == ("too_fast",)
    assert flags(answered_at=seconds(10)) == ()


def test_another_rating_within_forty_five_seconds_is_a_flip() -> None:
    assert flags(answered_at=seconds(145), before=({"csat": 1}, seconds(100))) == ("flip",)
    assert flags(answered_at=seconds(145.1), before=({"csat": 1}, seconds(100))) == ()
    assert flags(answered_at=seconds(101), before=({"csat": 4}, seconds(100))) == ()


def test_traps_and_answers_without_a_page_are_flagged() -> None:
    assert flags(was_trapped=True) == ("honeypot",)
    assert flags(was_viewed=False) == ("no_page_view",)
    assert flags(was_viewed=False, was_probed=True) == ("head_only",)
    assert flags(was_probed=True) == ()
    assert flags(was_trapped=True, was_viewed=False, answered_at=AT) == ("honeypot", "no_page_view", "too_fast")


# -- credit ------------------------------------------------------------------------------------------------------------

KIM, LEE, BOT = Actor.parse("agent:kim"), Actor.parse("agent:lee"), Actor.parse("bot:helper")


def log(*given: tuple[Actor, ev.Event]) -> list[ev.Recorded]:
    return [
        ev.Recorded(
            tenant="t", ticket="T", seq=seq, occurred_at=AT, recorded_at=AT, actor=actor, event=event, command="c"
        )
        for seq, (actor, event) in enumerate(given, 1)
    ]


def reply(author: Actor, message: str, kind: MessageKind = MessageKind.REPLY) -> tuple[Actor, ev.Event]:
    return author, ev.ReplyAdded(message=message, author=author, kind=kind, channel="email", queued=True)


RESOLVED = ev.StateChanged(trigger="resolve", source="open", dest="resolved", category=StateCategory.RESOLVED)


def test_the_snapshot_counts_human_answers_that_arrived_and_bots_apart() -> None:
    events = log(
        reply(BOT, "m0"),
        reply(KIM, "m1"),
        (KIM, ev.TierMoved(source=1, dest=3)),
        reply(LEE, "m2"),
        reply(LEE, "m3", MessageKind.CALL),
        reply(LEE, "m4"),
        reply(SYSTEM, "m5", MessageKind.AUTO),
        reply(KIM, "m6", MessageKind.AUTO),
        (LEE, ev.TierMoved(source=3, dest=2)),
        (SYSTEM, ev.DeliveryFailed(message="m4", channel="email", reason="blocked")),
        (KIM, RESOLVED),
    )
    ticket = make_ticket(assignee="kim", tier=2, team="east", channel="email", locale="ru", fields={"topic": "paper"})
    found = attributed(events, ticket, 2, topic_field="topic")
    assert found == ResolutionAttributed(
        resolution=2,
        assignee="kim",
        replier="lee",
        resolver="kim",
        contributors=(Contribution(agent="kim", replies=1), Contribution(agent="lee", replies=2)),
        bot_replies=1,
        tier=2,
        highest=3,
        tiers=(1, 2, 3),
        team="east",
        topic="paper",
        channel="email",
        locale="ru",
    )


def snapshot(**values: Any) -> ResolutionAttributed:
    return ResolutionAttributed(**{"resolution": 1, "channel": "email", **values})


def test_the_primary_credit_goes_to_the_assignee_else_who_replied_last_else_who_resolved() -> None:
    assert credits_of(snapshot(assignee="a", replier="b", resolver="c"), "primary") == {"a": 1}
    assert credits_of(snapshot(replier="b", resolver="c"), "primary") == {"b": 1}
    assert credits_of(snapshot(resolver="c"), "primary") == {"c": 1}
    assert credits_of(snapshot(), "primary") == {}


def test_a_final_line_gets_all_and_touched_lines_get_it_all_each() -> None:
    many = snapshot(tier=2, highest=3, tiers=(1, 2, 3))
    assert credits_of(many, Credit.FINAL_TIER) == {2: 1}
    assert credits_of(many, Credit.TOUCHED_TIERS) == {1: 1, 2: 1, 3: 1}


@settings(max_examples=50)
@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 50), min_size=1, max_size=6))
def test_the_weights_of_contributors_add_up_to_one(replies: dict[str, int]) -> None:
    several = tuple([Contribution(agent=agent, replies=count) for agent, count in replies.items()])
    weights = credits_of(snapshot(contributors=several), Credit.CONTRIBUTORS)
    assert sum(weights.values()) == 1
    assert all(weights[one.agent] == Fraction(one.replies, sum(replies.values())) for one in several)
    assert credits_of(snapshot(), Credit.CONTRIBUTORS) == {}


# -- anonymous groups --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({"a": 9, "b": 5}, ""), ({"a": 9, "b": 7, "c": 3}, "bc"), ({"a": 9, "b": 3, "c": 2}, "bc"),
        ({"a": 9, "b": 2, "c": 2}, "abc"), ({"a": 3}, "a"), ({"a": 9, "b": 0}, ""), ({}, ""), ({"a": 9, "b": 1}, "ab"),
        ({"a": 50, "b": 4, "c": 0}, "ab"),
    ],
)  # fmt: skip
def test_small_groups_are_hidden_with_one_that_would_give_them_away(counts: dict[str, int], hidden: str) -> None:
    assert hidden_groups(counts) == set(hidden)


@settings(max_examples=100)
@given(st.dictionaries(st.integers(0, 20), st.integers(0, 30), max_size=8), st.integers(1, 8))
def test_nobody_can_subtract_a_small_group(counts: dict[int, int], least: int) -> None:
    hidden = hidden_groups(counts, least=least)
    assert all(count >= least or count == 0 for group, count in counts.items() if group not in hidden)
    rest = sum(counts[group] for group in hidden)
    others = [group for group, count in counts.items() if count and group not in hidden]
    assert not hidden or not others or (len(hidden) > 1 and rest >= least)
    with pytest.raises(ValueError, match="least"):
        hidden_groups(counts, least=0)
