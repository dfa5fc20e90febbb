"""The page of a survey: what records an answer, what never does, and the one page for everything that is refused."""

from __future__ import annotations

import datetime as dt
import html.parser
import json
import re
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.shared_data import shared_file
from tests.survey_rig import KIM, Rig, nonce_of, rig_with, survey

from supportkit import Address
from supportkit.measures import Cohort
from supportkit.surveying.page import MAX_BODY, PER_ADDRESS, PER_LINK, SurveyRequest, SurveyResponse, refusal
from supportkit.surveys import Invitation, SurveyInvitation, make_token, nps, response_rate
from supportkit.surveys.pages import MAX_COMMENT
from supportkit.surveys.texts import CSAT, NPS, STANDARD

DAY = dt.timedelta(days=1)


@pytest.fixture(scope="session")
def listed() -> dict[str, Any]:
    rows = json.loads(shared_file("golden/bad_inputs.json").read_text(encoding="utf-8"))["inputs"]
    return {row["id"]: row for row in rows}


def given_answers(rig: Rig, ticket: Any) -> list[dict[str, int | None]]:
    return [one.codes for one in rig.invitation(ticket).answers]


def kinds(rig: Rig, ticket: Any) -> list[str]:
    return [type(one.event).__name__ for one in rig.desk.history(ticket.id)]


# -- an answer --------------------------------------------------------------------------------------------------------


def test_a_person_opens_the_page_chooses_comments_and_is_thanked() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    answer = rig.answer(token, csat="4", comment="Thank\r\nyou <b>all</b>")
    assert answer.status == 200
    assert b"Thank you, we have received your answer." in answer.body
    found = rig.invitation(ticket).answer
    assert found is not None
    assert (found.codes, found.comment, found.flags, found.locale, found.text) == (
        {"csat": 4}, "Thank\nyou <b>all</b>", (), "en", 1,
    )  # fmt: skip
    assert rig.state(ticket) == "answered"
    page = rig.ask("GET", token).body.decode()
    assert 'value="4" aria-label="4" checked' in page
    assert "Thank\nyou &lt;b&gt;all&lt;/b&gt;" in page
    assert "Change answer" in page


def test_an_edit_is_another_version_and_the_last_one_counts() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.answer(token, csat="2")
    rig.clock.advance(hours=1)
    rig.answer(token, csat="5", comment="better now")
    answers = rig.invitation(ticket).answers
    assert [(one.version, one.codes["csat"], one.flags) for one in answers] == [(1, 2, ()), (2, 5, ())]
    assert answers[1].at - answers[0].at > dt.timedelta(hours=1)


def test_the_actor_of_an_answer_is_the_customer() -> None:
    rig = rig_with()
    ann = rig.customer()
    ticket, token = rig.asked(ann)
    rig.answer(token, csat="4")
    assert str(rig.desk.history(ticket.id)[-1].actor) == f"customer:{ann.id}"


def test_several_questions_may_be_left_blank_but_one() -> None:
    rig = rig_with(survey(questions=(CSAT, NPS)))
    ticket, token = rig.asked()
    assert rig.answer(token).status == 422
    assert given_answers(rig, ticket) == []
    rig.answer(token, nps="0")
    assert given_answers(rig, ticket) == [{"csat": None, "nps": 0}]


def test_an_answer_counts_until_the_expiry_and_not_at_it() -> None:
    rig = rig_with(survey(expiry=dt.timedelta(days=1)))
    ticket, token = rig.asked()
    nonce = nonce_of(rig.ask("GET", token))
    other = nonce_of(rig.ask("GET", token))
    rig.clock.advance(days=1, microseconds=-1)
    assert rig.ask("POST", token, form={"nonce": nonce, "csat": "3"}).status == 200
    rig.clock.advance(microseconds=1)
    assert rig.ask("POST", token, form={"nonce": other, "csat": "5"}) == refusal()
    assert given_answers(rig, ticket) == [{"csat": 3}]


# -- what records nothing ---------------------------------------------------------------------------------------------


def test_survey_01_a_scanner_that_follows_every_link_records_no_rating(listed: dict[str, Any]) -> None:
    assert "GET on every rating link" in listed["survey-01"]["input"]
    rig = rig_with(survey(rating_links=True))
    ticket, token = rig.asked()
    rig.clock.advance(seconds=1)
    for method in ("HEAD", "OPTIONS", "GET", "GET"):
        for code in range(1, 6):
            assert rig.ask(method, token, f"csat={code}").status in {200, 204}
    assert given_answers(rig, ticket) == []
    assert rig.state(ticket) == "viewed"
    assert b'<form method="post"' in rig.ask("GET", token, "csat=5").body
    assert kinds(rig, ticket).count("SurveyViewed") == 1


def test_survey_02_the_token_says_no_score_and_the_score_of_a_link_is_judged_when_it_is_sent(
    listed: dict[str, Any],
) -> None:
    assert "score changed" in listed["survey-02"]["input"]
    rig = rig_with(survey(rating_links=True))
    ticket, token = rig.asked()
    assert "csat" not in token
    assert rig.ask("GET", token, "csat=1").status == 200
    assert rig.answer(token, query="csat=1", csat="9").status == 422
    assert given_answers(rig, ticket) == []
    rig.answer(token, query="csat=1", csat="5")
    found = rig.invitation(ticket).answer
    assert found is not None
    assert (found.codes, found.prefilled) == ({"csat": 5}, True)
    other, _ = rig.asked()
    assert given_answers(rig, other) == []


def test_survey_05_what_is_no_answer_is_refused_with_the_field_and_never_averaged(listed: dict[str, Any]) -> None:
    values = listed["survey-05"]["values"]
    assert values == ["0", "6", "-1", "1e9", "NaN", "5 stars", "null", "11", ""]
    rig = rig_with(survey(questions=(CSAT, NPS)))
    ticket, token = rig.asked()
    for value in [*values, "४", "5.0", "1\0", "٣", "True", "9" * 5000]:
        answer = rig.answer(token, csat=value)
        assert answer.status == 422, value
        assert b'class="error"' in answer.body
        rig.clock.advance(minutes=1)
    for value in ("11", "-1", "7.5", ""):
        assert rig.answer(token, nps=value, csat="4").status == 422
        rig.clock.advance(minutes=1)
    assert rig.answer(token).status == 422
    assert given_answers(rig, ticket) == []
    assert nps([]).value is None


def test_survey_07_nobody_is_asked_who_may_not_be_and_the_reason_is_kept(listed: dict[str, Any]) -> None:
    assert listed["survey-07"]["expected"] == "not sent; reason recorded"
    rig = rig_with()
    out = rig.customer(addresses=[Address(family="email", value="no@example.org", opted_out=True)])
    dead = rig.customer(addresses=[Address(family="email", value="gone@example.org", failures=2)])
    erased = rig.customer()
    later = rig.resolved(erased)
    tickets = [rig.resolved(out), rig.resolved(dead)]
    rig.desk.customers.update(erased.id, addresses=[], name="")
    rig.work(hours=24)
    assert [rig.state(one) for one in (*tickets, later)] == [
        "suppressed opted_out", "suppressed no_address", "suppressed no_address",
    ]  # fmt: skip
    assert not [one for one in rig.mail.sent if "survey" in one.body.lower() or "/s/" in one.body]


def test_nothing_that_is_pressed_faster_than_a_person_records_an_answer() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.clock.advance(minutes=1)
    again = rig.answer(token, wait=1.999, csat="5")
    assert again.status == 200
    assert b"press the button once more" in again.body
    assert b'value="5" aria-label="5: Very satisfied" checked' in again.body
    assert given_answers(rig, ticket) == []
    rig.clock.advance(seconds=2)
    rig.ask("POST", token, form={"nonce": nonce_of(again), "csat": "5"})
    assert given_answers(rig, ticket) == [{"csat": 5}]


def test_a_form_that_is_sent_again_records_nothing_again() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    nonce = nonce_of(rig.ask("GET", token))
    rig.clock.advance(seconds=30)
    rig.ask("POST", token, form={"nonce": nonce, "csat": "2"})
    before = kinds(rig, ticket)
    for code in ("2", "5"):
        again = rig.ask("POST", token, form={"nonce": nonce, "csat": code})
        assert again.status == 200
        assert b'value="2" aria-label="2" checked' in again.body
    assert kinds(rig, ticket) == before


def test_a_form_of_another_link_another_desk_or_yesterday_records_nothing() -> None:
    rig, other = rig_with(), rig_with()
    ticket, token = rig.asked()
    _ticket, second = rig.asked()
    _far, foreign = other.asked()
    old = nonce_of(rig.ask("GET", token))
    rig.clock.advance(days=1, seconds=1)
    wrong = [
        nonce_of(rig.ask("GET", second)), nonce_of(other.ask("GET", foreign)), old, "", "x" * 200,
        old.replace(".0.", ".1."), old[:-1] + ("a" if old[-1] != "a" else "b"),
    ]  # fmt: skip
    rig.clock.advance(seconds=30)
    for nonce in wrong:
        again = rig.ask("POST", token, form={"nonce": nonce, "csat": "5"})
        assert (again.status, given_answers(rig, ticket)) == (200, [])
        assert nonce_of(again) not in {"", nonce}


def test_a_choice_that_a_link_filled_in_cannot_lose_its_tag() -> None:
    rig = rig_with(survey(rating_links=True))
    ticket, token = rig.asked()
    nonce = nonce_of(rig.ask("GET", token, "csat=5"))
    assert ".1." in nonce
    rig.clock.advance(seconds=30)
    rig.ask("POST", token, form={"nonce": nonce.replace(".1.", ".0."), "csat": "5"})
    assert given_answers(rig, ticket) == []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(["GET", "HEAD", "OPTIONS", "replay", "blind"]), st.booleans(), st.integers(0, 90)),
        max_size=12,
    )
)
def test_any_number_of_requests_that_are_no_answer_changes_no_answer_count_or_rate(
    requests: list[tuple[str, bool, int]],
) -> None:
    rig = rig_with(survey(rating_links=True))
    one, first = rig.asked()
    two, second = rig.asked()
    nonce = nonce_of(rig.ask("GET", first))
    rig.clock.advance(seconds=30)
    rig.ask("POST", first, form={"nonce": nonce, "csat": "2"})

    def numbers() -> tuple[object, ...]:
        found = [rig.invitation(one), rig.invitation(two)]
        now = rig.clock.now() + 30 * DAY
        cohort = Cohort(basis="sent", start=now - 60 * DAY, end=now, now=now)
        sent = [rate_of(invitation) for invitation in found]
        rate = response_rate(sent, window=14 * DAY, cohort=cohort)
        return ([x.answers for x in found], rate.numerator, rate.denominator)

    before = numbers()
    for what, is_first, seconds in requests:
        rig.clock.advance(seconds=seconds)
        token = first if is_first else second
        match what:
            case "replay":
                rig.ask("POST", token, form={"nonce": nonce, "csat": "5"})
            case "blind":
                rig.ask("POST", token, form={"csat": "5"})
            case _:
                rig.ask(what, token, "csat=5&more=1")
    assert numbers() == before


def rate_of(invitation: SurveyInvitation) -> Invitation:
    assert invitation.sent_at is not None
    return Invitation(sent_at=invitation.sent_at, answered_at=invitation.answered_at)


# -- suspicion --------------------------------------------------------------------------------------------------------


def flags(rig: Rig, ticket: Any) -> tuple[str, ...]:
    found = rig.invitation(ticket).answer
    assert found is not None
    return found.flags


def test_a_flip_is_flagged() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.answer(token, csat="5")
    rig.answer(token, csat="1")
    assert flags(rig, ticket) == ("flip",)


def test_whoever_follows_the_link_that_nobody_sees_is_flagged() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    page = rig.ask("GET", token).body.decode()
    (trap,) = re.findall(r'href="([^"]+)" rel="nofollow" tabindex="-1"', page)
    rig.ask("GET", token, trap.removeprefix("?"))
    rig.answer(token, csat="5")
    assert flags(rig, ticket) == ("honeypot",)


@pytest.mark.parametrize(("probe", "flag"), [("HEAD", "head_only"), (None, "no_page_view")])
def test_an_answer_without_a_page_is_flagged(probe: str | None, flag: str) -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    rig.clock.advance(minutes=1)
    if probe:
        rig.ask(probe, token)
    nonce = nonce_of(rig.ask("POST", token, form={"csat": "5"}))  # the page that a blind form is answered with
    rig.clock.advance(seconds=3)
    rig.ask("POST", token, form={"nonce": nonce, "csat": "5"})
    assert flags(rig, ticket) == (flag,)


# -- refusals ---------------------------------------------------------------------------------------------------------


def refused(rig: Rig, token: str, **values: Any) -> list[SurveyResponse]:
    path = values.pop("path", f"/s/{token}")
    get = SurveyRequest(method="GET", path=path, **values)
    body = urlencode({"nonce": "x", "csat": "5"}).encode()
    return [rig.desk.surveys.handle(one) for one in (get, attrs.evolve(get, method="POST", body=body))]


def test_every_refusal_is_the_same_page_with_the_same_status_and_headers() -> None:
    rig = rig_with(survey(expiry=dt.timedelta(days=2)))
    _gone, expired = rig.asked()
    rig.work(days=2)
    ticket, token = rig.asked()
    cancelled, revoked = rig.asked()
    rig.desk.reopen(cancelled.id, actor=KIM)
    keys = rig.desk._intake.keys()
    number, secret = next(iter(keys.signing.items()))
    later = rig.clock.now() + DAY
    unknown = make_token(secret, number=number, handle="00" * 8, expires_at=later)
    handle = rig.desk._runner.surveyor is not None and token_handle(rig, ticket)
    longer = make_token(secret, number=number, handle=handle or "", expires_at=later + 99 * DAY)
    forged = make_token(b"f" * 32, number=number, handle=handle or "", expires_at=later)
    found = [
        *refused(rig, expired), *refused(rig, revoked), *refused(rig, unknown), *refused(rig, longer),
        *refused(rig, forged), *refused(rig, ""), *refused(rig, "x"), *refused(rig, token[:-1] + "!"),
        *refused(rig, token, login="agent:kim"), *refused(rig, "", path=f"/s/{token}/"),
        *refused(rig, token, query="a" * 3000), *refused(rig, "", path="/" * 3000),
        rig.ask("PUT", token), rig.ask("DELETE", token), rig.ask("BREW", token),
        rig.desk.surveys.handle(SurveyRequest(method="POST", path=f"/s/{token}", body=b"a" * (MAX_BODY + 1))),
    ]  # fmt: skip
    assert found == [refusal()] * len(found)
    assert refusal().status == 404
    for words in ("This page is not available", "Эта страница недоступна", "此页面无法打开"):
        assert words.encode() in refusal().body
    assert rig.ask("GET", token).status == 200
    assert given_answers(rig, ticket) == []


def token_handle(rig: Rig, ticket: Any) -> str:
    with rig.desk._runner.reading() as unit:
        (link,) = unit.records("survey.link", owner=ticket.id)
    return link.id


def test_a_refusal_touches_no_database() -> None:
    rig = rig_with()
    rig.desk.surveys.handle(SurveyRequest(method="GET", path="/s/x"))  # the keys are made once
    rig.desk.close()
    assert rig.ask("GET", "A" * 39) == refusal()


@pytest.mark.parametrize("limit", ["link", "address"])
def test_whoever_asks_too_often_is_refused_for_a_minute(limit: str) -> None:
    rig = rig_with()
    links = [rig.asked()[1] for _ in range(1 if limit == "link" else 1 + PER_ADDRESS // PER_LINK)]
    rig.clock.advance(minutes=1)
    most = PER_LINK if limit == "link" else PER_ADDRESS
    more = {"remote": "203.0.113.7"} if limit == "address" else {}
    for turn in range(most):
        assert rig.ask("GET", links[turn % len(links)], **more).status == 200
    assert rig.ask("GET", links[0], **more) == refusal()
    if limit == "address":
        assert rig.ask("GET", links[0], remote="203.0.113.8").status == 200
    rig.clock.advance(minutes=1)
    assert rig.ask("GET", links[0], **more).status == 200


def test_the_address_of_a_reader_is_nowhere_in_the_database() -> None:
    rig = rig_with()
    _ticket, token = rig.asked()
    rig.ask("GET", token, remote="203.0.113.77")
    with rig.desk._runner.reading() as unit:
        rows = [repr(attrs.asdict(row)) for row in unit.dump()]
    assert any("survey.remote" in row for row in rows)
    assert not [row for row in rows if "203.0.113.77" in row]
    assert not [row for row in rows if token in row]
    assert token not in repr(SurveyRequest(method="GET", path=f"/s/{token}", body=b"secret"))


# -- what the page is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PUT"])
def test_every_answer_is_private_unindexed_and_tells_nobody_where_it_came_from(method: str) -> None:
    rig = rig_with()
    _ticket, token = rig.asked()
    for one in (rig.ask(method, token), rig.ask(method, "x")):
        headers = dict(one.headers)
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "noindex" in headers["X-Robots-Tag"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert (one.body == b"") is (method in {"HEAD", "OPTIONS"})


def test_head_and_options_say_what_get_would_without_a_body() -> None:
    rig = rig_with()
    _ticket, token = rig.asked()
    got, head, options = (rig.ask(method, token) for method in ("GET", "HEAD", "OPTIONS"))
    assert (head.status, head.headers) == (got.status, got.headers)
    assert (options.status, dict(options.headers)["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert rig.ask("HEAD", "x").status == 404


class Page(html.parser.HTMLParser):
    """Notes what stands on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.parents: dict[int, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.parents[len(self.seen)] = list(self.open)
        self.seen.append((tag, dict(attributes)))
        if tag not in {"input", "meta"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


@pytest.mark.parametrize("locale", ["en", "ru", "zh-Hans"])
def test_the_page_is_labelled_has_no_script_and_loads_nothing(locale: str) -> None:
    rig = rig_with(survey(questions=STANDARD))
    _ticket, token = rig.asked(rig.customer(locale=locale))
    text = rig.ask("GET", token).body.decode()
    page = Page(text)
    assert page.open == []
    assert page.all("html") == [{"lang": locale.split("-", maxsplit=1)[0]}]
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _attributes in page.seen}
    assert not re.findall(r"\bon\w+=|https?://|javascript:", text)
    groups = len(STANDARD)
    assert len(page.all("fieldset")) == len(page.all("legend")) == groups
    radios = [(at, one) for at, (tag, one) in enumerate(page.seen) if tag == "input" and one["type"] == "radio"]
    assert len(radios) == sum(one.hi - one.lo + 1 for one in STANDARD)
    assert all({"fieldset", "label"} <= set(page.parents[at]) for at, _one in radios)
    assert not [one for _at, one in radios if "checked" in one]
    ids = {one["id"] for _tag, one in page.seen if "id" in one}
    assert {one["for"] for one in page.all("label") if "for" in one} <= ids
    assert all(set((one["aria-describedby"] or "").split()) <= ids for one in page.all("fieldset"))
    for question in STANDARD:
        wording = question.wording(locale)
        assert wording.text in text
        assert wording.low in text
        assert wording.high in text
    codes = [int(one["value"] or "") for _at, one in radios if one["name"] == "nps"]
    assert codes == sorted(codes)


def test_all_lines_of_support_ask_the_same_question() -> None:
    pages = []
    for tier in (1, 2, 3):
        rig = rig_with()
        _ticket, token = rig.asked(tier=tier)
        pages.append(re.sub(r'name="nonce" value="[^"]+"', "", rig.ask("GET", token).body.decode()))
    assert len(set(pages)) == 1


def test_a_comment_that_is_too_long_is_refused_with_the_field() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    assert rig.answer(token, csat="4", comment="x" * MAX_COMMENT).status == 200
    rig.clock.advance(minutes=1)
    answer = rig.answer(token, csat="4", comment="y" * (MAX_COMMENT + 1))
    assert answer.status == 422
    assert str(MAX_COMMENT).encode() in answer.body
    assert len(rig.invitation(ticket).answers) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe=\xff", b"&" * 60, b"=&" * 60, b"csat=%ff%00%zz", b"csat=4&csat=5", b"a=" + b"b" * 60_000, b"%"],
    ids=repr,
)
def test_a_body_that_no_form_of_ours_sends_records_nothing_and_breaks_nothing(body: bytes) -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    answer = rig.desk.surveys.handle(SurveyRequest(method="POST", path=f"/s/{token}", body=body[:MAX_BODY]))
    assert answer.status in {200, 422}
    assert given_answers(rig, ticket) == []


def test_words_of_a_visitor_never_become_markup() -> None:
    rig = rig_with(survey(rating_links=True))
    _ticket, token = rig.asked()
    evil = '"><script>alert(1)</script>'
    pages = [
        rig.ask("GET", token, urlencode({"csat": evil, evil: evil})),
        rig.answer(token, wait=1, csat="4", comment=evil),
        rig.answer(token, csat=evil, comment=evil),
    ]
    for one in pages:
        assert b"<script" not in one.body
