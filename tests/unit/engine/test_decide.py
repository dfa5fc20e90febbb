"""What each command does to a ticket, and what it refuses."""

from __future__ import annotations

import datetime as dt
import typing
from typing import Any

import attrs
import pytest

from supportkit.engine.copying import changed
from supportkit.engine.decide import _DECIDERS, decide
from supportkit.engine.effects import on_timer, state_timers
from supportkit.engine.evolve import _EVOLVERS, evolve
from supportkit.engine.rules import FOLLOW_UP, REOPEN, Limits, Rules, TierPolicy, reopen_within
from supportkit.errors import ConfigurationError, IllegalTransition, LimitExceeded, Refused
from supportkit.lifecycle import Lifecycle, LifecycleSpec, Refusal, State, Transition, built_in
from supportkit.model import commands as cm
from supportkit.model import events as ev
from supportkit.model.change import Timer
from supportkit.model.fields import Fields
from supportkit.model.message import MessageKind
from supportkit.model.people import SYSTEM, Actor, ActorKind, Tier
from supportkit.model.ticket import ClosingReason, Link, LinkKind, Priority, StateCategory, Ticket

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
KIM = Actor(ActorKind.AGENT, "kim")
ANN = Actor(ActorKind.CUSTOMER, "ann")
RULES = Rules(lifecycle=built_in())


def ticket(state: str = "open", **changes: Any) -> Ticket:
    base = Ticket(
        id="t1",
        tenant="acme",
        number=1,
        reference="R",
        subject="Printer",
        customer="ann",
        state=state,
        category=RULES.lifecycle.category(state),
        priority=Priority.NORMAL,
        channel="app",
        tier=1,
        created_at=NOW,
        updated_at=NOW,
        state_since=NOW,
        version=3,
    )
    return attrs.evolve(base, **changes)


def after(before: Ticket, command: cm.Command, *, rules: Rules = RULES, now: dt.datetime = NOW) -> Ticket:
    for event in decide(before, command, now, rules):
        before = evolve(
            before,
            ev.Recorded(
                tenant="acme",
                ticket=before.id,
                seq=before.version + 1,
                occurred_at=now,
                recorded_at=now,
                actor=command.actor,
                event=event,
                command="c",
            ),
        )
    return before


def code_of(caught: pytest.ExceptionInfo[Refused]) -> str:
    return str(caught.value.refusal.code)


def test_every_command_has_a_decision() -> None:
    assert set(_DECIDERS) == set(typing.get_args(cm.Command)) - {cm.Open}


def test_every_event_has_a_step_of_the_fold() -> None:
    assert set(_EVOLVERS) == set(typing.get_args(ev.Event))


def test_opening_records_the_ticket_and_the_message() -> None:
    command = cm.Open(actor=ANN, subject="Printer", body="It smokes", author=ANN, customer="ann", ticket="t", number=7)
    opened, received = decide(None, command, NOW, RULES)
    assert isinstance(opened, ev.TicketOpened)
    assert (opened.state, opened.category, opened.number) == ("new", StateCategory.NEW, 7)
    assert isinstance(received, ev.MessageReceived)


def test_a_ticket_can_be_opened_without_words() -> None:
    events = decide(None, cm.Open(actor=SYSTEM, subject="", author=SYSTEM), NOW, RULES)
    assert [type(event) for event in events] == [ev.TicketOpened]


def test_a_ticket_that_an_agent_opens_with_words_begins_with_an_answer() -> None:
    command = cm.Open(actor=KIM, subject="Outage", body="We are on it", author=KIM)
    assert isinstance(decide(None, command, NOW, RULES)[1], ev.ReplyAdded)


def test_another_command_than_open_needs_a_ticket() -> None:
    with pytest.raises(ValueError, match="Start needs a ticket"):
        decide(None, cm.Start(actor=KIM), NOW, RULES)


def test_a_reply_to_a_new_ticket_starts_it() -> None:
    events = decide(ticket("new"), cm.Reply(actor=KIM, body="Hello"), NOW, RULES)
    assert [type(event) for event in events] == [ev.StateChanged, ev.ReplyAdded]
    assert after(ticket("new"), cm.Reply(actor=KIM, body="Hello")).state == "open"


@pytest.mark.parametrize("state", ["open", "pending", "on_hold", "resolved", "closed"])
def test_a_reply_elsewhere_leaves_the_state(state: str) -> None:
    assert after(ticket(state), cm.Reply(actor=KIM, body="Hello")).state == state


@pytest.mark.parametrize(
    ("state", "dest"),
    [("new", "new"), ("open", "open"), ("pending", "open"), ("on_hold", "on_hold"), ("resolved", "open")],
)
def test_a_message_of_the_customer_takes_a_waiting_or_resolved_ticket_up_again(state: str, dest: str) -> None:
    assert after(ticket(state), cm.Receive(actor=ANN, author=ANN, body="And now?")).state == dest


@pytest.mark.parametrize("state", ["new", "open", "pending", "on_hold", "resolved", "closed"])
@pytest.mark.parametrize("kind", [MessageKind.AUTO, MessageKind.CAMPAIGN])
def test_an_automatic_message_changes_no_state(state: str, kind: MessageKind) -> None:
    got = after(ticket(state, closed_at=NOW), cm.Receive(actor=ANN, author=ANN, body="I am away", kind=kind))
    assert (got.state, got.messages) == (state, 1)


def test_a_message_of_a_vendor_changes_no_state() -> None:
    vendor = Actor(ActorKind.EXTERNAL, "acme-printers")
    assert after(ticket("pending"), cm.Receive(actor=vendor, author=vendor, body="Fixed")).state == "pending"


@pytest.mark.parametrize(
    ("policy", "days", "reopens"),
    [
        (REOPEN, 1000, True),
        (FOLLOW_UP, 0, False),
        (reopen_within(14), 14, True),
        (reopen_within(14), 14.0001, False),
    ],
)
def test_a_message_after_closing_follows_the_policy(policy: Any, days: float, *, reopens: bool) -> None:
    rules = Rules(lifecycle=built_in(), after_close=policy)
    closed = ticket("closed", closed_at=NOW, reason=ClosingReason.SOLVED)
    message = cm.Receive(actor=ANN, author=ANN, body="Again")
    later = NOW + dt.timedelta(days=days)
    if reopens:
        assert after(closed, message, rules=rules, now=later).state == "open"
    else:
        with pytest.raises(Refused) as caught:
            decide(closed, message, later, rules)
        assert code_of(caught) == "closed.follow_up"


def test_reopening_counts_and_clears_what_ended_the_ticket() -> None:
    done = ticket("resolved", reason=ClosingReason.SOLVED, resolution="Rebooted", resolved_at=NOW)
    again = after(done, cm.Reopen(actor=KIM))
    assert (again.reopenings, again.reason, again.resolution, again.resolved_at) == (1, None, "", None)


def test_resolving_needs_words() -> None:
    with pytest.raises(Refused) as caught:
        decide(ticket(), cm.Resolve(actor=KIM, text="  "), NOW, RULES)
    assert code_of(caught) == "resolution.missing"


def test_resolving_a_resolved_ticket_is_illegal_and_says_what_is_allowed() -> None:
    with pytest.raises(IllegalTransition) as caught:
        decide(ticket("resolved"), cm.Resolve(actor=KIM, text="done"), NOW, RULES)
    assert caught.value.state == "resolved"
    assert set(caught.value.allowed) == {"reopen", "close"}


def test_closing_what_was_not_resolved_needs_a_reason() -> None:
    with pytest.raises(Refused) as caught:
        decide(ticket(), cm.Close(actor=KIM), NOW, RULES)
    assert code_of(caught) == "reason.missing"
    assert after(ticket(), cm.Close(actor=KIM, reason=ClosingReason.SPAM)).reason is ClosingReason.SPAM


def test_closing_a_resolved_ticket_keeps_its_reason() -> None:
    done = ticket("resolved", reason=ClosingReason.NO_ANSWER, resolved_at=NOW)
    closed = after(done, cm.Close(actor=SYSTEM), now=NOW + dt.timedelta(days=7))
    assert (closed.reason, closed.resolved_at) == (ClosingReason.NO_ANSWER, NOW)
    assert closed.closed_at == NOW + dt.timedelta(days=7)


@pytest.mark.parametrize(
    "command",
    [
        cm.Close(actor=KIM, reason=ClosingReason.MERGED),
        cm.Resolve(actor=KIM, text="x", reason=ClosingReason.MERGED),
        cm.Fire(actor=KIM, trigger="close", reason=ClosingReason.MERGED),
    ],
)
def test_merged_is_no_reason_to_give_by_hand(command: cm.Command) -> None:
    with pytest.raises(Refused) as caught:
        decide(ticket(), command, NOW, RULES)
    assert code_of(caught) == "reason.merged"


@pytest.mark.parametrize("kind", ["resolve", "close", "fire"])
def test_an_open_blocker_refuses_solving(kind: str) -> None:
    blocked = ticket(links=(Link(LinkKind.BLOCKED_BY, "t2"),))
    commands: dict[str, cm.Command] = {
        "resolve": cm.Resolve(actor=KIM, text="done"),
        "close": cm.Close(actor=KIM, reason=ClosingReason.SOLVED),
        "fire": cm.Fire(actor=KIM, trigger="resolve", reason=ClosingReason.SOLVED),
    }
    other = ticket(id="t2", number=2)
    with pytest.raises(Refused) as caught:
        decide(blocked, commands[kind], NOW, RULES, {"t2": other})
    assert code_of(caught) == "link.blocked"
    done = attrs.evolve(other, state="resolved", category=StateCategory.RESOLVED)
    assert decide(blocked, commands[kind], NOW, RULES, {"t2": done})


@pytest.mark.parametrize("command", [cm.Ask(actor=KIM, body="?", until=NOW), cm.Hold(actor=KIM, until=NOW)])
def test_waiting_until_now_is_refused(command: cm.Command) -> None:
    with pytest.raises(Refused) as caught:
        decide(ticket(), command, NOW, RULES)
    assert code_of(caught) == "until.past"


def test_a_guard_refuses_with_its_sentence() -> None:
    no = Refusal("four_eyes", "somebody else must resolve this")
    lifecycle = Lifecycle.compile(built_in().spec, guards={"resolve": [lambda _ticket, _command: no]})
    with pytest.raises(Refused, match="somebody else must resolve this"):
        decide(ticket(), cm.Resolve(actor=KIM, text="x"), NOW, Rules(lifecycle=lifecycle))


@pytest.mark.parametrize(
    ("policy", "source", "dest", "code"),
    [
        (TierPolicy(skip=False), 1, 3, "tier.skip"),
        (TierPolicy(down=False), 2, 1, "tier.down"),
        (TierPolicy(), 1, 9, "tier.unknown"),
    ],
)
def test_a_tier_policy_refuses_with_a_code(policy: TierPolicy, source: int, dest: int, code: str) -> None:
    with pytest.raises(Refused) as caught:
        decide(
            ticket(tier=source), cm.MoveTier(actor=KIM, tier=dest), NOW, Rules(lifecycle=built_in(), tier_policy=policy)
        )
    assert code_of(caught) == code


def test_a_birth_above_the_allowed_tier_is_refused() -> None:
    rules = Rules(lifecycle=built_in(), tier_policy=TierPolicy(birth=1))
    with pytest.raises(Refused) as caught:
        decide(None, cm.Open(actor=KIM, subject="x", author=KIM, tier=2), NOW, rules)
    assert code_of(caught) == "tier.birth"


@pytest.mark.parametrize(("source", "dest"), [(1, 2), (1, 3), (3, 1), (2, 5)])
def test_without_a_policy_every_move_between_tiers_is_legal(source: int, dest: int) -> None:
    moved = after(ticket(tier=source, assignee="kim", team="desk"), cm.MoveTier(actor=KIM, tier=dest, team="experts"))
    assert (moved.tier, moved.team, moved.assignee) == (dest, "experts", None)


def test_tiers_must_differ() -> None:
    with pytest.raises(ConfigurationError, match="different levels"):
        Rules(lifecycle=built_in(), tiers=(Tier(level=1, name="a"), Tier(level=1, name="b")))


@pytest.mark.parametrize(
    "command",
    [
        cm.SetPriority(actor=KIM, priority=Priority.NORMAL),
        cm.SetSubject(actor=KIM, subject="Printer"),
        cm.SetCustomer(actor=KIM, customer="ann"),
        cm.Assign(actor=KIM),
        cm.Assign(actor=KIM, team=None, assignee=None),
        cm.Tag(actor=KIM, add=("vip",), remove=("gone",)),
        cm.Follow(actor=KIM, remove=("gone",)),
        cm.SetFields(actor=KIM, changes=Fields({"plan": "gold", "absent": None})),
        cm.MoveTier(actor=KIM, tier=1),
    ],
)
def test_a_command_without_effect_gives_no_event(command: cm.Command) -> None:
    same = ticket(tags=("vip",), fields=Fields({"plan": "gold"}))
    assert decide(same, command, NOW, RULES) == ()


def test_what_is_added_and_removed_at_once_goes() -> None:
    assert after(ticket(tags=("a",)), cm.Tag(actor=KIM, add=("a", "b"), remove=("a",))).tags == ("b",)


@pytest.mark.parametrize(
    ("command", "limit"),
    [
        (cm.Tag(actor=KIM, add=tuple(f"t{n}" for n in range(201))), "tags of a ticket"),
        (cm.Tag(actor=KIM, add=("x" * 101,)), "length of a tag"),
        (cm.SetFields(actor=KIM, changes=Fields({f"f{n}": n for n in range(201)})), "custom fields of a ticket"),
        (cm.SetFields(actor=KIM, changes=Fields({"f": "я" * 40_000})), "size of a custom field"),
        (cm.Follow(actor=KIM, add=tuple(f"a{n}" for n in range(501))), "followers of a ticket"),
    ],
)
def test_a_limit_names_itself(command: cm.Command, limit: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        decide(ticket(), command, NOW, RULES)
    assert caught.value.limit == limit
    assert caught.value.got > caught.value.allowed


def test_limits_are_configurable() -> None:
    rules = Rules(lifecycle=built_in(), limits=Limits(tags=1))
    with pytest.raises(LimitExceeded):
        decide(ticket(), cm.Tag(actor=KIM, add=("a", "b")), NOW, rules)


# -- deadlines -------------------------------------------------------------------------------------------------------


def names(timers: list[Timer]) -> dict[str, dt.datetime | None]:
    return {timer.name: timer.due_at for timer in timers}


def test_a_resolved_ticket_gets_a_closing_deadline() -> None:
    assert names(state_timers(ticket(), ticket("resolved"), RULES)) == {"close_resolved": NOW + dt.timedelta(days=7)}


def test_leaving_a_state_cancels_its_deadline() -> None:
    assert names(state_timers(ticket("resolved"), ticket(), RULES)) == {"close_resolved": None}


def test_waiting_until_an_instant_gets_a_deadline() -> None:
    until = NOW + dt.timedelta(hours=1)
    assert names(state_timers(ticket(), ticket("pending", until=until), RULES)) == {"resume": until}


def test_a_deadline_that_has_lost_its_point_does_nothing() -> None:
    timer = Timer(tenant="acme", ticket="t1", name="close_resolved", due_at=NOW + dt.timedelta(days=7))
    assert on_timer(timer, ticket("open"), RULES) is None
    assert on_timer(timer, ticket("resolved", state_since=NOW + dt.timedelta(days=1)), RULES) is None
    assert isinstance(on_timer(timer, ticket("resolved"), RULES), cm.Close)


def test_an_own_lifecycle_decides_with_its_own_states() -> None:
    spec = LifecycleSpec(
        name="tiny",
        initial="inbox",
        states=(State(name="inbox", category=StateCategory.NEW), State(name="archive", category=StateCategory.CLOSED)),
        transitions=(Transition(trigger="file", sources=("inbox",), dest="archive"),),
    )
    rules = Rules(lifecycle=Lifecycle.compile(spec))
    inbox = attrs.evolve(ticket("new"), state="inbox")
    filed = after(inbox, cm.Fire(actor=KIM, trigger="file", reason=ClosingReason.SOLVED), rules=rules)
    assert (filed.state, filed.category) == ("archive", StateCategory.CLOSED)
    assert after(inbox, cm.Receive(actor=ANN, author=ANN, body="hi"), rules=rules).state == "inbox"
    assert rules.closed_state == "archive"


def test_the_copy_of_a_ticket_has_every_field() -> None:
    full = ticket(tags=("a",), links=(Link(LinkKind.CHILD, "t2"),), resolution="done", until=NOW, reopenings=3)
    assert changed(full, {}) == full
    assert changed(full, {"state": "closed", "version": 9}) == attrs.evolve(full, state="closed", version=9)
