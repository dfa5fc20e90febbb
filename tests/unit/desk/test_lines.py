"""Hand-overs between lines, the way back, and other organisations: what they are told, and that customers never are."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from tests.channel_rig import ABLE, Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.channels.inbound import Authenticity
from supportkit.engine.notices import SILENT
from supportkit.engine.rules import STRICT_LINES
from supportkit.errors import IllegalTransition, InvalidEscalation, LimitExceeded, Refused, TicketNotFound
from supportkit.escalation.vendors import Vendor
from supportkit.ids import SequentialIds
from supportkit.model import events as ev
from supportkit.model.clocks import Metric
from supportkit.model.message import MessageKind
from supportkit.model.people import Actor, ActorKind, Tier
from supportkit.model.ticket import StateCategory

NOON = "2026-03-02T12:00:00+00:00"  # a Monday
KIM, LEE = "agent:kim", "agent:lee"
CHECKLIST = ("summary", "tried", "asked")
TIERS = (
    Tier(level=1, name="help desk", teams=("desk",)),
    Tier(level=2, name="specialists", teams=("printers",), checklist=CHECKLIST),
    Tier(level=3, name="experts", teams=("core",), lead="vera"),
    Tier(level=4, name="vendor", external=True, checklist=("summary",)),
)
SAID = {"tried": "a new fuser", "summary": "the fuser fails", "asked": "replace the board"}
ACME = {"name": "acme", "channel": "owl", "address": "acme-support", "also": ["@acme.example"], "target": "8h"}
ACME_CALENDAR = {"timezone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
LEVELS: dict[str, Any] = {
    "calendars": {"acme hours": ACME_CALENDAR},
    "policies": [{"id": "all", "fallback": True, "targets": [{"metric": "RESOLUTION", "target": "100h"}]}],
}


@attrs.define
class Rig:
    desk: Desk
    clock: ManualClock
    pigeon: Pigeon
    owl: Pigeon

    def take(self, *entries: dict[str, Any], by: str = "pigeon") -> Any:
        assert self.desk.receive(by, delivery(*entries)).status == 200
        return self.desk.process_inbox()

    def events(self, ticket: Any, kind: type[Any]) -> list[Any]:
        return [one.event for one in self.desk.history(ticket) if isinstance(one.event, kind)]


def rig_with(**more: Any) -> Rig:
    clock, pigeon = ManualClock(NOON), Pigeon()
    owl = Pigeon(name="owl", capabilities=attrs.evolve(ABLE, addresses="owl"))
    given = {
        "channels": [pigeon, owl],
        "notices": SILENT,
        "tiers": TIERS,
        "levels": LEVELS,
        "vendors": [{**ACME, "calendar": "acme hours"}],
    }
    return Rig(Desk(clock=clock, ids=SequentialIds(), **given | more), clock, pigeon, owl)


@pytest.fixture
def rig() -> Any:
    found = rig_with()
    found.take(message("m1", "ann", "My printer burns"))
    yield found
    found.desk.close()


def at_vendor(rig: Rig) -> Any:
    rig.desk.escalate(1, to=2, handover=SAID, actor=KIM)
    return rig.desk.escalate(1, to=4, handover={"summary": "the board is broken"}, actor=LEE)


# -- hand-overs ------------------------------------------------------------------------------------------------------


def test_a_hand_over_is_what_the_next_person_reads_first(rig):
    ticket = rig.desk.escalate(1, handover=SAID, actor=KIM)
    assert (ticket.tier, ticket.team, ticket.assignee) == (2, "printers", None)
    (newest,) = rig.desk.escalations.handovers(1)
    assert newest.points_in_order == tuple((key, SAID[key]) for key in CHECKLIST)
    assert (newest.actor, newest.source, newest.dest) == (Actor.parse(KIM), 1, 2)


def test_missing_points_are_refused_by_name_and_nothing_has_happened(rig):
    before = rig.desk.history(1)
    with pytest.raises(Refused, match="say tried, asked") as caught:
        rig.desk.escalate(1, to="specialists", handover={"summary": "x", "tried": "  "}, actor=KIM)
    assert caught.value.refusal.code == "handover.missing"
    assert rig.desk.history(1) == before


def test_a_plain_move_up_cannot_go_round_the_checklist(rig):
    with pytest.raises(Refused, match=r"handover\.missing"):
        rig.desk.move_tier(1, 2, "take it", actor=KIM)


@pytest.mark.parametrize(
    ("points", "error", "said"),
    [
        ({**SAID, "colour": "red"}, Refused, "handover.unknown"),
        ({**SAID, "asked": 3}, Refused, "handover.words"),
        ({**SAID, "asked": "x" * 70_000}, LimitExceeded, "size of a point"),
    ],
)
def test_points_that_nobody_asked_for_or_nobody_can_read_are_refused(rig, points, error, said):
    with pytest.raises(error, match=said):
        rig.desk.escalate(1, to=2, handover=points, actor=KIM)
    assert rig.desk.get(1).tier == 1


def test_escalating_downwards_and_to_unknown_lines_is_refused(rig):
    rig.desk.escalate(1, to=2, handover=SAID, actor=KIM)
    with pytest.raises(Refused, match=r"tier\.not_up"):
        rig.desk.escalate(1, to=1, actor=LEE)
    with pytest.raises(Refused, match=r"tier\.unknown"):
        rig.desk.escalate(1, to=9, actor=LEE)
    with pytest.raises(ValueError, match="did you mean 'experts'"):
        rig.desk.escalate(1, to="expert", actor=LEE)


def test_a_ticket_comes_back_to_the_team_and_the_person_that_it_came_from(rig):
    rig.desk.assign(1, assignee="kim", team="desk", actor=KIM)
    rig.desk.escalate(1, to=2, handover=SAID, actor=KIM)
    rig.desk.assign(1, assignee="lee", actor=LEE)
    back = rig.desk.deescalate(1, "the board is replaced, please tell her", actor=LEE)
    assert (back.tier, back.team, back.assignee) == (1, "desk", "kim")
    assert [one.dest for one in rig.desk.escalations.handovers(1)] == [1, 2]
    assert rig.desk.escalations.handovers(1)[0].points["summary"] == "the board is replaced, please tell her"


def test_there_is_nothing_below_the_first_line(rig):
    with pytest.raises(Refused, match=r"tier\.not_down"):
        rig.desk.deescalate(1, actor=KIM)


def test_a_strict_policy_lets_nobody_skip_or_return():
    rig = rig_with(tier_policy=STRICT_LINES)
    rig.take(message("m1", "ann", "My printer burns"))
    with pytest.raises(Refused, match=r"tier\.skip"):
        rig.desk.escalate(1, to=3, actor=KIM)
    rig.desk.escalate(1, to=2, handover=SAID, actor=KIM)
    with pytest.raises(Refused, match=r"tier\.down"):
        rig.desk.deescalate(1, actor=LEE)
    with pytest.raises(Refused, match=r"tier\.birth"):
        rig.desk.open("x", "y", author="customer:ann", tier=2)


def test_a_repeated_key_hands_over_once(rig):
    for _ in range(2):
        rig.desk.escalate(1, to=2, handover=SAID, actor=KIM, idempotency_key="once")
    assert len(rig.events(1, ev.TierMoved)) == 1


# -- vendors ---------------------------------------------------------------------------------------------------------


def test_a_vendor_is_written_to_and_its_clock_runs(rig):
    ticket = at_vendor(rig)
    assert (ticket.tier, ticket.category, ticket.vendors) == (4, StateCategory.WAITING_EXTERNAL, ("acme",))
    rig.desk.deliver_outbox()
    (sent,) = rig.owl.sent
    assert (sent.recipient, sent.kind, sent.body) == (
        "acme-support", MessageKind.EXTERNAL, "summary: the board is broken",
    )  # fmt: skip
    assert rig.pigeon.sent == []
    clock = next(one for one in rig.desk.clocks(1).clocks if one.metric is Metric.EXTERNAL)
    assert clock.override_due_at == dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC)  # 8 h of its own opening hours


def test_the_reply_of_a_vendor_comes_back_as_the_vendors_and_never_as_the_customers(rig):
    at_vendor(rig)
    rig.desk.deliver_outbox()
    report = rig.take(message("v1", "acme-support", "We send a board"), by="owl")
    assert (report.joined, report.opened) == (1, 0)
    last = rig.desk.messages(1)[-1]
    assert (last.author, last.kind) == (Actor(ActorKind.EXTERNAL, "acme"), MessageKind.EXTERNAL)
    ticket = rig.desk.get(1)
    assert (ticket.category, ticket.answers_on) == (StateCategory.WAITING_EXTERNAL, "pigeon")
    assert len(rig.desk.customers.list()) == 1
    assert "customer_replied" not in {one.trigger for one in rig.events(1, ev.StateChanged)}


def test_answers_to_the_customer_never_go_to_the_vendor(rig):
    at_vendor(rig)
    rig.take(message("v1", "acme-support", "We send a board"), by="owl")
    rig.desk.reply(1, "We are on it", actor=KIM)
    rig.desk.deliver_outbox()
    assert [(one.recipient, one.body) for one in rig.pigeon.sent] == [("ann", "We are on it")]
    assert [leg.address for leg in rig.desk.legs(1)] == ["ann"]
    with pytest.raises(Refused, match=r"channel\.address"):
        rig.desk.switch_channel(1, "owl", actor=KIM)


def test_somebody_else_at_the_vendor_is_the_vendor_too_but_an_impostor_is_not(rig):
    at_vendor(rig)
    rig.desk.deliver_outbox()
    rig.take(message("v1", "bob@acme.example", "It is on its way", reply_to=("out-1",)), by="owl")
    assert rig.desk.messages(1)[-1].author == Actor(ActorKind.EXTERNAL, "acme")
    rig.take(message("v2", "acme-support", "Send money", auth=Authenticity.FAILED, reply_to=("out-1",)), by="owl")
    assert [one.body for one in rig.desk.messages(1)][-1] == "It is on its way"
    assert rig.desk.messages(2)[0].author.kind is ActorKind.CUSTOMER


def test_a_vendor_is_written_to_again_on_the_same_leg(rig):
    at_vendor(rig)
    rig.desk.vendors.write(1, "acme", "Any news?", actor=LEE)
    legs = {one.leg for one in rig.events(1, ev.VendorWritten)}
    assert len(legs) == 1
    with pytest.raises(Refused, match=r"vendor\.unknown"):
        rig.take(message("m2", "bea", "another"))
        rig.desk.vendors.write(2, "acme", "hello", actor=LEE)
    with pytest.raises(Refused, match=r"vendor\.unreachable"):
        rig.desk.vendors.write(1, "nobody", "hello", actor=LEE)


def test_a_vendor_that_never_answers_is_late_and_rules_fire():
    late = {
        "id": "silent-vendor",
        "when": {"clock": "EXTERNAL", "tier": 4},
        "levels": [{"at": "breach", "actions": [{"move": 3}, {"notify": "lead"}]}],
    }
    rig = rig_with(escalations={"rules": [late]})
    rig.take(message("m1", "ann", "My printer burns"))
    at_vendor(rig)
    rig.clock.set("2026-03-03T12:00:00+00:00")
    rig.desk.tick()
    assert rig.events(1, ev.EscalationFired) == []
    rig.clock.set("2026-03-03T12:00:01+00:00")
    rig.desk.tick()
    assert [one.metric for one in rig.events(1, ev.ClockBreached)] == [Metric.EXTERNAL]
    (fired,) = rig.events(1, ev.EscalationFired)
    assert (fired.rule, fired.instance) == ("silent-vendor", "EXTERNAL/1/1")
    assert (rig.desk.get(1).tier, rig.events(1, ev.ColleaguesNotified)[0].people) == (3, ("vera",))


def test_coming_back_from_a_vendor_ends_its_work_and_goes_on(rig):
    at_vendor(rig)
    back = rig.desk.deescalate(1, "acme sent a board", actor=LEE)
    assert (back.tier, back.team, back.vendors, back.category) == (2, "printers", (), StateCategory.OPEN)


def test_several_vendors_of_one_line_must_be_named():
    rig = rig_with(vendors=[ACME, {**ACME, "name": "other", "address": "other-support"}])
    rig.take(message("m1", "ann", "My printer burns"))
    with pytest.raises(Refused, match="acme, other"):
        rig.desk.escalate(1, to=4, handover={"summary": "x"}, actor=KIM)
    assert rig.desk.escalate(1, to=4, vendor="other", handover={"summary": "x"}, actor=KIM).vendors == ("other",)


def test_a_vendor_has_to_be_told_something():
    rig = rig_with(tiers=(*TIERS[:3], Tier(level=4, name="vendor", external=True)))
    rig.take(message("m1", "ann", "My printer burns"))
    with pytest.raises(Refused, match=r"vendor\.words"):
        rig.desk.escalate(1, to=4, actor=KIM)
    assert rig.desk.get(1).tier == 1


def test_what_a_vendor_is_told_stays_out_of_reprs(rig):
    at_vendor(rig)
    assert "board" not in repr(rig.desk.history(1))
    assert "acme-support" not in repr(rig.desk.vendors.known)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channel": "fax"}, "no channel 'fax'"),
        ({"tier": 7}, "no line 7"),
        ({"calendar": "nowhere"}, "X08"),
        ({"colour": "red"}, "'colour' is not a key"),
        ({"target": "soon"}, "is no duration"),
    ],
)
def test_a_vendor_that_could_never_be_written_to_is_refused_at_once(change, said):
    with pytest.raises(InvalidEscalation, match=said):
        rig_with(vendors=[ACME | change])


def test_a_vendor_reads_back_from_its_dict():
    vendor = Vendor.from_dict({**ACME, "calendar": "acme hours", "tier": 5})
    assert Vendor.from_dict(vendor.to_dict()) == vendor


def test_another_tenant_has_no_such_ticket(rig):
    with Desk(rig.desk.storage, tenant="other", tiers=TIERS) as other:
        for call in (
            lambda: other.escalate(1, to=2, handover=SAID, actor=KIM),
            lambda: other.deescalate(1, actor=KIM),
            lambda: other.escalations.explain(1),
            lambda: other.escalations.handovers(1),
            lambda: other.escalations.signal(1, "sad", actor=KIM),
            lambda: other.escalations.acknowledge(1, "slow", actor=KIM),
            lambda: other.regulation.responsible(1),
            lambda: other.vendors.write(1, "acme", "hello", actor=KIM),
        ):
            with pytest.raises(TicketNotFound):
                call()


def test_a_ticket_that_is_finished_is_not_put_on_hold_by_a_vendor(rig):
    rig.desk.resolve(1, "done", actor=KIM)
    ticket = rig.desk.escalate(1, to=4, handover={"summary": "for your records"}, actor=KIM)
    assert ticket.category is StateCategory.RESOLVED
    with pytest.raises(IllegalTransition):
        rig.desk.hold(1, actor=KIM)


def test_what_a_person_is_given_of_his_data_has_no_word_of_a_vendor(rig):
    at_vendor(rig)
    rig.take(message("v1", "acme-support", "We send a board"), by="owl")
    ann = rig.desk.get(1).customer
    assert "board" not in str(rig.desk.privacy.export(ann))
    assert "the board is broken" in str(rig.desk.privacy.export(ann, notes=True))


def test_a_customer_sees_nothing_of_what_a_vendor_is_told_and_says(rig):
    ticket = at_vendor(rig)
    rig.take(message("v1", "acme-support", "We send a board"), by="owl")
    link = rig.desk.portal.issue(ticket.customer)
    seen = rig.desk.portal.ticket(link, ticket.reference)
    assert [one.body for one in seen.messages] == ["My printer burns"]
