"""Agents on one ticket: who is there, what they have begun to write, and that nobody answers past somebody else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.errors import ConcurrentUpdate, LimitExceeded, NewerMessages, NotFound, Refused, TicketNotFound
from supportkit.hooks import hookimpl
from supportkit.lifecycle import Refusal
from supportkit.model.commands import Reply
from supportkit.model.message import NewFile

ANN, KIM, LEE = "customer:ann", "agent:kim", "agent:lee"
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2026-01-05T09:00:00+00:00")


@pytest.fixture
def desk(clock: ManualClock) -> Iterator[Desk]:
    with Desk("sqlite://", clock=clock) as desk:
        yield desk


def opened(desk: Desk, body: str = "It smokes") -> int:
    return desk.open("Printer", body, author=ANN).number


def there(desk: Desk, ticket: int) -> list[tuple[str, str]]:
    return [(one.agent, one.state.value) for one in desk.viewing.list(ticket)]


# -- who is there ----------------------------------------------------------------------------------------------------


def test_who_looks_learns_who_else_is_there(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    assert desk.viewing.look(ticket, "kim") == []
    clock.advance(seconds=5)
    [other] = desk.viewing.look(ticket, "lee")
    assert (other.agent, other.state, other.until - other.since) == ("kim", "looking", 60 * SECOND)
    assert there(desk, ticket) == [("kim", "looking"), ("lee", "looking")]


def test_who_says_no_more_is_forgotten_first_as_a_typist_then_as_a_viewer(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    desk.viewing.typing(ticket, "kim")
    assert there(desk, ticket) == [("kim", "typing")]
    clock.advance(seconds=15)
    assert there(desk, ticket) == [("kim", "looking")]
    clock.advance(seconds=45)
    assert there(desk, ticket) == []


def test_saying_it_again_keeps_since_and_moves_until(desk: Desk, clock: ManualClock) -> None:
    ticket, came = opened(desk), clock.now()
    desk.viewing.look(ticket, "kim", lasting=600 * SECOND)
    clock.advance(seconds=30)
    desk.viewing.typing(ticket, "kim")
    [one] = desk.viewing.list(ticket)
    assert (one.since, one.until) == (came, came + 600 * SECOND)


def test_who_leaves_is_gone_at_once(desk: Desk) -> None:
    ticket = opened(desk)
    desk.viewing.look(ticket, "kim")
    desk.viewing.leave(ticket, "kim")
    desk.viewing.leave(ticket, "kim")
    assert there(desk, ticket) == []


def test_on_a_merged_ticket_the_survivor_is_meant(desk: Desk) -> None:
    one, two = opened(desk), opened(desk)
    desk.merge(one, two, actor=KIM)
    desk.viewing.look(one, "kim")
    assert there(desk, two) == there(desk, one) == [("kim", "looking")]


def test_what_is_over_does_not_pile_up(desk: Desk, clock: ManualClock) -> None:
    for _ in range(5):
        desk.viewing.look(opened(desk), "kim")
    clock.advance(minutes=2)
    desk.viewing.look(opened(desk), "lee")
    with desk.storage.begin(desk.tenant, write=False) as unit:
        kept: Any = unit
        assert len(kept.records("viewing")) == 1


def test_looking_is_no_event_and_a_name_may_be_long(desk: Desk) -> None:
    ticket = opened(desk)
    before = desk.get(ticket)
    desk.viewing.look(ticket, "k" * 200)
    assert desk.get(ticket) == before
    assert there(desk, ticket) == [("k" * 200, "looking")]


@pytest.mark.parametrize("lasting", [0 * SECOND, -SECOND, 3601 * SECOND])
def test_a_time_that_cannot_be_meant_is_refused(desk: Desk, lasting: dt.timedelta) -> None:
    ticket = opened(desk)
    with pytest.raises(ValueError, match="lasting must be"):
        desk.viewing.look(ticket, "kim", lasting=lasting)
    assert there(desk, ticket) == []


def test_nobody_looks_at_what_is_not_there(desk: Desk) -> None:
    for verb in (desk.viewing.look, desk.viewing.typing, desk.viewing.leave, desk.drafts.get):
        with pytest.raises(TicketNotFound):
            verb(7, "kim")


# -- drafts ----------------------------------------------------------------------------------------------------------


def test_each_agent_has_one_draft_for_a_ticket(desk: Desk, clock: ManualClock) -> None:
    ticket = opened(desk)
    first = desk.drafts.save(ticket, "kim", "Dear")
    clock.advance(seconds=1)
    desk.drafts.save(ticket, "lee", "Hello")
    second = desk.drafts.save(ticket, "kim", "Dear Ann")
    assert (first.version, second.version, second.body, second.seen_version) == (1, 2, "Dear Ann", 2)
    assert desk.drafts.get(ticket, "kim") == second
    assert [one.body for one in desk.drafts.list(ticket)] == ["Dear Ann", "Hello"]
    desk.drafts.discard(ticket, "kim")
    desk.drafts.discard(ticket, "kim")
    assert desk.drafts.get(ticket, "kim") is None
    assert "Hello" not in repr(desk.drafts.list(ticket))


def test_two_windows_of_one_agent_do_not_overwrite_each_other(desk: Desk) -> None:
    ticket = opened(desk)
    desk.drafts.save(ticket, "kim", "one", expected_version=0)
    with pytest.raises(ConcurrentUpdate, match="is at version 1, not 0"):
        desk.drafts.save(ticket, "kim", "two", expected_version=0)
    assert desk.drafts.save(ticket, "kim", "three", expected_version=1).body == "three"


def test_a_draft_that_cannot_be_is_refused(desk: Desk) -> None:
    ticket = opened(desk)
    with pytest.raises(ValueError, match="draft must not be empty"):
        desk.drafts.save(ticket, "kim", " ")
    with pytest.raises(LimitExceeded, match="size of draft"):
        desk.drafts.save(ticket, "kim", "x" * (desk._runner.rules.limits.text_bytes + 1))
    with pytest.raises(ValueError, match="1 to 2, not 3"):
        desk.drafts.save(ticket, "kim", "x", seen_version=3)
    assert desk.drafts.list(ticket) == []


def test_sending_answers_and_forgets_the_draft_in_one_transaction(desk: Desk) -> None:
    ticket = opened(desk)
    desk.drafts.save(ticket, "kim", "Pull the plug")
    answered = desk.drafts.send(ticket, "kim", idempotency_key="k")
    assert [message.body for message in desk.messages(ticket)] == ["It smokes", "Pull the plug"]
    assert desk.drafts.list(ticket) == []
    assert desk.drafts.send(ticket, "kim", idempotency_key="k") == answered
    with pytest.raises(NotFound, match="no draft 'of kim for ticket 1'"):
        desk.drafts.send(ticket, "kim", idempotency_key="l")
    assert len(desk.messages(ticket)) == 2


def test_a_draft_of_a_merged_ticket_reaches_the_survivor_once_its_agent_has_read_that(desk: Desk) -> None:
    one, two = opened(desk), opened(desk, "It burns")
    desk.drafts.save(one, "kim", "Pull the plug")
    desk.merge(one, two, actor=LEE)
    assert [draft.body for draft in desk.drafts.list(two)] == ["Pull the plug"]
    with pytest.raises(NewerMessages) as error:
        desk.drafts.send(one, "kim")
    assert [message.body for message in error.value.messages] == ["It burns"]
    assert error.value.ticket == desk.get(two).id


def test_a_veto_keeps_the_draft() -> None:
    class Veto:
        @hookimpl
        def supportkit_refuse(self, ticket: Any, command: Any) -> Refusal | None:
            del ticket
            return Refusal("app.no", "Not today.") if isinstance(command, Reply) else None

    with Desk("sqlite://", plugins=[Veto()]) as desk:
        ticket = opened(desk)
        desk.drafts.save(ticket, "kim", "Dear")
        with pytest.raises(Refused, match="Not today"):
            desk.drafts.send(ticket, "kim")
        assert [one.body for one in desk.drafts.list(ticket)] == ["Dear"]


def test_erasing_the_customer_takes_drafts_and_viewers_of_his_tickets_out(desk: Desk) -> None:
    ann = desk.customers.add("Ann")
    ticket = desk.open("Printer", "It smokes", customer=ann)
    desk.drafts.save(ticket, "kim", "Dear Ann")
    desk.viewing.look(ticket, "kim")
    other = opened(desk)
    desk.drafts.save(other, "kim", "Dear Bob")
    assert desk.privacy.erase(ann, actor="agent:lead").records == 2
    assert (desk.drafts.list(ticket), desk.viewing.list(ticket)) == ([], [])
    assert len(desk.drafts.list(other)) == 1


# -- answering past somebody -----------------------------------------------------------------------------------------


def test_the_second_agent_who_answers_sees_what_the_first_said_and_nothing_is_sent(desk: Desk) -> None:
    ticket = opened(desk)
    seen = desk.get(ticket).version
    desk.reply(ticket, "Pull the plug", actor=KIM, seen_version=seen)
    desk.add_message(ticket, "I did", author=ANN)
    before = desk.get(ticket)
    with pytest.raises(NewerMessages, match="2 messages are newer than version 2: read ticket 1") as error:
        desk.reply(ticket, "Is it plugged in?", actor=LEE, seen_version=seen)
    assert [message.body for message in error.value.messages] == ["Pull the plug", "I did"]
    assert "Pull" not in f"{error.value!r} {error.value}"
    assert (desk.get(ticket), error.value.version) == (before, before.version)
    answered = desk.reply(ticket, "Good", actor=LEE, seen_version=error.value.version)
    assert answered.messages == 4


@pytest.mark.parametrize("files", [(), (NewFile(name="a.txt", content=b"a"),)], ids=["plain", "file"])
@pytest.mark.parametrize("verb", ["reply", "ask"])
def test_every_answer_is_looked_at(desk: Desk, verb: str, files: Any) -> None:
    ticket = opened(desk)
    desk.add_message(ticket, "Hurry", author=ANN)
    with pytest.raises(NewerMessages, match="a message is newer"):
        getattr(desk, verb)(ticket, "x", actor=KIM, seen_version=2, files=files)
    assert getattr(desk, verb)(ticket, "x", actor=KIM, seen_version=desk.get(ticket).version, files=files)


def test_own_words_notes_and_tags_do_not_overtake(desk: Desk) -> None:
    ticket = opened(desk)
    seen = desk.get(ticket).version
    desk.reply(ticket, "One", actor=KIM)
    desk.note(ticket, "hm", actor=LEE)
    desk.tag(ticket, "fire", actor=LEE)
    assert desk.reply(ticket, "Two", actor=KIM, seen_version=seen).messages == 3


def test_what_a_merge_brought_in_is_newer(desk: Desk) -> None:
    one, two = opened(desk, "It smokes"), opened(desk, "It burns")
    seen = desk.get(two).version
    desk.merge(one, two, actor=KIM)
    with pytest.raises(NewerMessages) as error:
        desk.reply(two, "x", actor=KIM, seen_version=seen)
    assert [message.body for message in error.value.messages] == ["It smokes"]


def test_a_repeated_answer_with_its_key_is_not_overtaken_by_what_came_after_it(desk: Desk) -> None:
    ticket = opened(desk)
    how: dict[str, Any] = {"actor": KIM, "seen_version": 2, "idempotency_key": "k"}
    first = desk.reply(ticket, "x", **how)
    desk.add_message(ticket, "Thanks", author=ANN)
    assert desk.reply(ticket, "x", **how) == first
    assert len(desk.messages(ticket)) == 3


def test_a_draft_is_warned_of_and_sent_after_reading(desk: Desk) -> None:
    ticket = opened(desk)
    desk.drafts.save(ticket, "kim", "Dear")
    assert list(desk.drafts.newer(ticket, "kim")) == []
    desk.add_message(ticket, "Forget it", author=ANN)
    desk.drafts.save(ticket, "kim", "Dear Ann")
    assert [message.body for message in desk.drafts.newer(ticket, "kim")] == ["Forget it"]
    with pytest.raises(NewerMessages):
        desk.drafts.send(ticket, "kim")
    assert [one.body for one in desk.drafts.list(ticket)] == ["Dear Ann"]
    desk.drafts.send(ticket, "kim", seen_version=desk.get(ticket).version)
    assert desk.messages(ticket)[-1].body == "Dear Ann"


@pytest.mark.parametrize("seen", [0, -1, 99, True])
def test_a_version_that_the_ticket_never_had_is_refused(desk: Desk, seen: int) -> None:
    ticket = opened(desk)
    with pytest.raises(ValueError, match="seen_version must be a version of the ticket"):
        desk.reply(ticket, "x", actor=KIM, seen_version=seen)
    assert len(desk.messages(ticket)) == 1


def test_the_error_survives_a_process_boundary() -> None:
    import pickle

    error = NewerMessages("t", 1, 2, 5, ["x"])
    again = pickle.loads(pickle.dumps(error))
    assert (again.ticket, again.seen, again.version, again.messages) == ("t", 2, 5, ("x",))
