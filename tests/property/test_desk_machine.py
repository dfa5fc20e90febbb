"""Random days at a desk: whatever is done in whatever order, the laws of the log and of merging hold."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from supportkit.channels.port import Accepted, Capabilities, Deferred, Delivery, Outbound, Rejected
from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.engine.evolve import evolve
from supportkit.errors import IdempotencyConflict, IllegalTransition, Refused
from supportkit.ids import SequentialIds
from supportkit.model.change import OutboxState
from supportkit.model.ticket import ClosingReason, LinkKind, Priority, Ticket

KIM = "agent:kim"
WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(
    str.strip
)
TAGS = st.sampled_from(["vip", "bug", "печать", "打印机"])


class Provider:
    """A provider of no talent: it neither deduplicates nor finds; the test scripts its answers."""

    name = "app"
    capabilities = Capabilities(family="chat")

    def __init__(self) -> None:
        self.answers: list[Delivery | type[Exception]] = []
        self.taken: list[tuple[str, bool]] = []

    def send(self, message: Outbound) -> Delivery:
        answer = self.answers.pop(0) if self.answers else Accepted()
        if isinstance(answer, type):
            self.taken.append((message.id, message.possible_duplicate))
            raise answer
        if isinstance(answer, Accepted):
            self.taken.append((message.id, message.possible_duplicate))
        return answer


class DeskMachine(RuleBasedStateMachine):
    tickets = Bundle("tickets")

    @initialize()
    def build(self) -> None:
        self.clock = ManualClock("2026-01-05T09:00:00+00:00")
        self.provider = Provider()
        self.desk = Desk("sqlite://", clock=self.clock, ids=SequentialIds(), channels=[self.provider])
        self.other = Desk(self.desk.storage, tenant="other", clock=self.clock, ids=SequentialIds())
        self.foreign = self.other.open("Theirs", "not ours", author="customer:them", tags=["vip"])
        self.foreign_log = list(self.other.history(self.foreign.id))
        self.ann = self.desk.customers.add("Ann")
        self.known: dict[str, Ticket] = {}
        self.dirty = True
        self.keys: dict[str, tuple[int, str, Ticket]] = {}

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            assert list(self.other.history(self.foreign.id)) == self.foreign_log
            assert self.other.get(self.foreign.id) == self.foreign
            self.desk.storage.close()

    def attempt(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a verb; a refusal must leave everything as it was."""
        try:
            got = verb(*args, **kwargs)
        except (IllegalTransition, Refused):
            if not self.dirty:
                assert {ticket.id: ticket for ticket in self.all_tickets()} == self.known
            return None
        self.dirty = True
        return got

    def all_tickets(self) -> tuple[Ticket, ...]:
        return self.desk.find(limit=500).items

    @rule(target=tickets, subject=WORDS, body=st.none() | WORDS, tags=st.sets(TAGS), tier=st.integers(1, 5))
    def open(self, subject: str, body: str | None, tags: set[str], tier: int) -> int:
        self.dirty = True
        return self.desk.open(subject, body, customer=self.ann.id, tags=tags, tier=tier).number

    @rule(ticket=tickets, body=WORDS)
    def reply(self, ticket: int, body: str) -> None:
        self.attempt(self.desk.reply, ticket, body, actor=KIM)

    @rule(target=tickets, ticket=tickets, body=WORDS, kind=st.sampled_from(["reply", "auto"]))
    def receive(self, ticket: int, body: str, kind: str) -> Any:
        got = self.attempt(self.desk.add_message, ticket, body, kind=kind)
        return multiple() if got is None else got.number

    @rule(ticket=tickets, body=WORDS, hours=st.none() | st.integers(1, 50))
    def ask(self, ticket: int, body: str, hours: int | None) -> None:
        until = None if hours is None else dt.timedelta(hours=hours)
        self.attempt(self.desk.ask, ticket, body, actor=KIM, until=until)

    @rule(ticket=tickets, verb=st.sampled_from(["start", "hold", "resume", "reopen"]))
    def change_state(self, ticket: int, verb: str) -> None:
        self.attempt(getattr(self.desk, verb), ticket, actor=KIM)

    @rule(ticket=tickets, text=WORDS, reason=st.sampled_from(ClosingReason))
    def resolve(self, ticket: int, text: str, reason: ClosingReason) -> None:
        self.attempt(self.desk.resolve, ticket, text, actor=KIM, reason=reason)

    @rule(ticket=tickets, reason=st.none() | st.sampled_from(ClosingReason))
    def end(self, ticket: int, reason: ClosingReason | None) -> None:
        self.attempt(self.desk.end, ticket, actor=KIM, reason=reason)

    @rule(ticket=tickets, add=st.sets(TAGS), remove=st.sets(TAGS))
    def tag(self, ticket: int, add: set[str], remove: set[str]) -> None:
        self.attempt(self.desk.tag, ticket, *add, remove=remove, actor=KIM)

    @rule(ticket=tickets, name=st.sampled_from(["kim", "lee"]))
    def follow(self, ticket: int, name: str) -> None:
        self.attempt(self.desk.followers, ticket, name, actor=KIM)

    @rule(ticket=tickets, tier=st.integers(1, 5), priority=st.sampled_from(Priority), note=WORDS)
    def small_changes(self, ticket: int, tier: int, priority: Priority, note: str) -> None:
        self.attempt(self.desk.move_tier, ticket, tier, actor=KIM)
        self.attempt(self.desk.set_priority, ticket, priority, actor=KIM)
        self.attempt(self.desk.note, ticket, note, actor=KIM)

    @rule(one=tickets, two=tickets)
    def merge(self, one: int, two: int) -> None:
        before, into = self.desk.get(one), self.desk.get(two)
        words = self.words(one) | self.words(two)
        survivor = self.attempt(self.desk.merge, one, two, actor=KIM)
        if survivor is None:
            return
        assert set(before.tags) <= set(survivor.tags)
        assert set(before.followers) <= set(survivor.followers)
        assert words <= self.words(survivor.number)
        assert into.merged_into is not None or set(survivor.tags) == set(before.tags) | set(into.tags)

    @rule(one=tickets, two=tickets)
    def merge_and_unmerge_restores(self, one: int, two: int) -> None:
        if self.attempt(self.desk.merge, one, two, actor=KIM) is None:
            return
        merged = self.desk.get(one)
        assert merged.merged_into is not None
        kept = self.desk.get(merged.merged_into)
        log = self.desk.history(one)
        before = fold_until(log, merged.version - 1)
        kept_before = fold_until(self.desk.history(kept.id), kept.version - 1)
        self.desk.unmerge(one, actor=KIM)
        assert same_but_version(self.desk.get(one), before)
        assert same_but_version(self.desk.get(kept.id), kept_before)

    @rule(ticket=tickets)
    def unmerge(self, ticket: int) -> None:
        self.attempt(self.desk.unmerge, ticket, actor=KIM)

    @rule(target=tickets, ticket=tickets)
    def split(self, ticket: int) -> Any:
        mine = [message for message in self.desk.messages(ticket) if message.ticket == self.desk.get(ticket).id]
        if not mine:
            return multiple()
        words = self.words(ticket)
        new = self.attempt(self.desk.split, ticket, [mine[0].id], "Split off", actor=KIM)
        if new is None:
            return multiple()
        assert self.words(ticket) | self.words(new.number) == words
        return new.number

    @rule(one=tickets, two=tickets, kind=st.sampled_from(LinkKind))
    def link(self, one: int, two: int, kind: LinkKind) -> None:
        if self.attempt(self.desk.link, one, kind, two, actor=KIM) is not None:
            ids = self.desk.get(one).id, self.desk.get(two).id
            assert any(link.ticket == ids[0] and link.kind is kind.inverse for link in self.desk.get(two).links)

    @rule(ticket=tickets, key=st.sampled_from(["a", "b", "c"]), body=st.sampled_from(["one", "two"]))
    def keyed_reply(self, ticket: int, key: str, body: str) -> None:
        known = self.keys.get(key)
        self.dirty = True
        before = {ticket.id: ticket.version for ticket in self.all_tickets()}
        try:
            got = self.desk.reply(ticket, body, actor=KIM, idempotency_key=key)
        except IdempotencyConflict:
            assert known is not None
            assert known[:2] != (ticket, body)
            return
        except (IllegalTransition, Refused):
            assert known is None
            return
        if known is None:
            self.keys[key] = (ticket, body, got)
        else:
            assert known == (ticket, body, got)
            assert {ticket.id: ticket.version for ticket in self.all_tickets()} == before

    @rule(hours=st.integers(0, 400))
    def let_time_pass(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    @rule()
    def tick_twice_is_once(self) -> None:
        self.dirty = True
        self.desk.tick()
        before = self.all_tickets()
        report = self.desk.tick()
        assert report.fired == 0
        assert self.all_tickets() == before
        assert report.next_due is None or report.next_due > self.clock.now()

    @rule(
        answers=st.lists(st.sampled_from([Accepted(), Deferred("throttled"), Rejected("blocked"), OSError]), max_size=4)
    )
    def deliver(self, answers: list[Any]) -> None:
        self.dirty = True
        self.provider.answers = list(answers)
        self.desk.deliver_outbox()
        self.provider.answers = []

    # -- laws --------------------------------------------------------------------------------------------------------

    @invariant()
    def every_prefix_of_every_log_folds_to_the_row(self) -> None:
        if not hasattr(self, "desk"):
            return
        if not self.dirty:
            return
        tickets = self.all_tickets()
        for ticket in tickets:
            if self.known.get(ticket.id) == ticket:
                continue
            log = self.desk.history(ticket.id)
            assert [recorded.seq for recorded in log] == list(range(1, len(log) + 1))
            state: Ticket | None = None
            for recorded in log:
                state = evolve(state, recorded)
                assert state.version == recorded.seq
                assert state.state in {known.name for known in self.desk.lifecycle.states}
            assert state == ticket
        self.known = {ticket.id: ticket for ticket in tickets}
        self.dirty = False

    @invariant()
    def every_queued_answer_has_one_row_and_an_honest_end(self) -> None:
        if not hasattr(self, "desk") or not self.provider.taken:
            return
        sent = [identity for identity, _flag in self.provider.taken]
        for row in self.desk.outbox(limit=500):
            times = sent.count(row.id)
            assert times <= 2, "at least once allows one flagged resend, never more"
            if times == 2:
                assert row.possible_duplicate
            if row.state is OutboxState.SENT:
                assert times >= 1

    def words(self, ticket: int) -> set[str]:
        return {message.id for message in self.desk.messages(ticket)}


def fold_until(log: Any, version: int) -> Ticket:
    state: Ticket | None = None
    for recorded in log:
        if recorded.seq <= version:
            state = evolve(state, recorded)
    assert state is not None
    return state


def same_but_version(one: Ticket, two: Ticket) -> bool:
    import attrs

    return attrs.evolve(one, version=0, updated_at=two.updated_at) == attrs.evolve(two, version=0)


DeskMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


class TestRandomDays(DeskMachine.TestCase):  # type: ignore[misc,name-defined]
    pass


@pytest.mark.stress
def test_many_more_random_days() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    many = settings(max_examples=1500, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(DeskMachine, settings=many)
