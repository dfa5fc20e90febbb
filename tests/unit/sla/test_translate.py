"""From the desk's own events to facts."""

from __future__ import annotations

import datetime as dt
import typing

from supportkit.model import events as ev
from supportkit.model.message import MessageKind
from supportkit.model.people import SYSTEM, Actor
from supportkit.model.ticket import MergedPart, Priority, StateCategory
from supportkit.sla import DEFAULT_POLICY, Metric, Rules, Verdict, evaluate, facts_of, translate
from supportkit.sla import facts as fa

AT = dt.datetime(2024, 1, 8, 10, tzinfo=dt.UTC)
KIM, ANN = Actor.parse("agent:kim"), Actor.parse("customer:ann")


def recorded(event, seq=2, actor=KIM, minutes=0):
    at = AT + dt.timedelta(minutes=minutes)
    return ev.Recorded(
        tenant="t", ticket="T1", seq=seq, occurred_at=at, recorded_at=at, actor=actor, event=event, command="c"
    )


OPENED = ev.TicketOpened(
    number=1,
    reference="R",
    subject="s",
    customer="ann",
    state="new",
    category=StateCategory.NEW,
    channel="email",
    policy=DEFAULT_POLICY.id,
    revision=DEFAULT_POLICY.revision,
)


def kinds(event):
    return [type(fact).__name__ for fact in facts_of(recorded(event))]


def test_each_event_that_clocks_know_gives_its_facts():
    assert kinds(OPENED) == ["Created", "PolicyApplied"]
    assert kinds(ev.MessageReceived(message="m", author=ANN, kind=MessageKind.REPLY, channel="email")) == ["Messaged"]
    assert kinds(ev.DeliveryFailed(message="m", channel="email", reason="bounce")) == ["DeliveryFailed"]
    assert kinds(ev.Assigned(team=None, assignee="kim")) == ["OwnerSet"]
    assert kinds(ev.TierMoved(source=1, dest=2)) == ["TierEntered", "OwnerSet"]
    assert kinds(ev.PriorityChanged(source=Priority.LOW, priority=Priority.HIGH)) == ["PrioritySet"]
    assert kinds(ev.TicketMerged(into="T2", state="closed", category=StateCategory.CLOSED)) == ["Merged"]
    assert kinds(ev.TicketUnmerged(out_of="T2", state="open", category=StateCategory.OPEN)) == ["Unmerged"]
    assert kinds(ev.TicketAbsorbed(part=MergedPart("S"))) == ["Absorbed"]
    assert kinds(ev.TicketReleased(ticket="S")) == ["Released"]
    assert kinds(ev.PolicyApplied(policy="p", revision="r")) == ["PolicyApplied"]
    assert kinds(ev.DueSet(metric=Metric.RESOLUTION, due=AT)) == ["DueOverridden"]
    assert kinds(ev.PromiseMade(promise="p", due=AT)) == ["PromiseMade"]
    assert kinds(ev.PromiseMoved(promise="p", within=dt.timedelta(hours=1))) == ["PromiseMoved"]
    assert kinds(ev.PromiseKept(promise="p")) == ["PromiseKept"]
    assert kinds(ev.PromiseCancelled(promise="p")) == ["PromiseCancelled"]
    assert kinds(ev.HandedOver(vendor="v")) == ["ExternalStarted"]
    assert kinds(ev.VendorPaused(vendor="v")) == ["ExternalPaused"]
    assert kinds(ev.VendorResumed(vendor="v")) == ["ExternalResumed"]
    assert kinds(ev.TakenBack(vendor="v")) == ["ExternalEnded"]
    assert kinds(ev.Routed(assignee="kim", strategy="sticky")) == ["OwnerSet"]
    assert kinds(ev.AssignmentReturned(assignee="kim")) == ["OwnerSet"]


def test_every_event_either_gives_facts_or_is_known_to_give_none():
    silent = {
        "DeliveryRetried", "NoteAdded", "NoticeQueued", "ChannelSwitched", "ClocksRemeasured",
        "SubjectChanged", "CustomerChanged", "TagsChanged", "FieldsChanged", "FollowersChanged", "Linked",
        "ResolutionAttributed", "SurveyScheduled", "SurveySuppressed", "SurveySent", "SurveyReminded", "SurveyViewed",
        "SurveyAnswered", "SurveyTaken", "SurveyFlagCleared", "SurveyFollowedUp", "SurveyCancelled", "SurveyEnded",
        "Unlinked", "MessagesMoved", "PersonErased", "ClockWarned", "ClockBreached", "ClockStopped", "ClockCorrected",
        "ParticipantsChanged", "RecipientRefused", "TokensRevoked",
        "MessageEdited", "MessageDeleted", "ReplyWindowWarned", "ChannelProposed",
        "SignalRaised", "HookDue", "EscalationFired", "EscalationRefused", "EscalationAcknowledged",
        "EscalationStopped", "ColleaguesNotified", "HandoverWritten", "VendorWritten", "MacroApplied",
    }  # fmt: skip
    events = {cls.__name__ for cls in typing.get_args(ev.Event)}

    assert {cls.__name__ for cls in translate._FACTS} == events - silent


def test_notes_tags_and_links_are_no_facts():
    assert kinds(ev.NoteAdded(note="n")) == kinds(ev.TagsChanged(added=("x",))) == []


def test_a_recorded_category_is_used_where_a_state_is_not_known_any_more():
    event = ev.StateChanged(trigger="ask", source="new", dest="gone", category=StateCategory.WAITING_CUSTOMER)
    (fact,) = facts_of(recorded(event))

    assert (fact.state, fact.category) == ("gone", StateCategory.WAITING_CUSTOMER)


def test_a_log_of_the_desk_gives_clocks():
    log = [
        recorded(OPENED, 1, ANN),
        recorded(ev.MessageReceived(message="m1", author=ANN, kind=MessageKind.REPLY, channel="email"), 2, ANN),
        recorded(ev.ReplyAdded(message="m2", author=SYSTEM, kind=MessageKind.AUTO, channel="email", queued=True), 3),
        recorded(
            ev.ReplyAdded(message="m3", author=KIM, kind=MessageKind.REPLY, channel="email", queued=True), 4, KIM, 30
        ),
    ]
    facts = [fact for item in log for fact in facts_of(item)]
    rules = Rules([DEFAULT_POLICY], categories={})
    clock = evaluate(facts, rules, None, AT + dt.timedelta(hours=1), categories={})[Metric.FIRST_RESPONSE]

    assert isinstance(facts[0], fa.Created)
    assert (clock.used, clock.verdict) == (dt.timedelta(minutes=30), Verdict.MET)
    assert clock.records[0].id == "T1/FIRST_RESPONSE/1/1/stop/1"
