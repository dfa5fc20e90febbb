"""Laws of surveys over random days at a desk: one decision a resolution, one invitation, no answer lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.survey_rig import KIM, Rig, rig_with, survey, tokens

from supportkit import IllegalTransition, Refused
from supportkit.model import events as ev
from supportkit.surveys import InvitationState, invitations_of

DONE = frozenset({"resolve", "end", "reopen", "merge", "work", "read", "answer", "write", "unmerge"})
STEPS = st.lists(st.tuples(st.sampled_from(sorted(DONE)), st.integers(0, 2), st.integers(0, 40)), max_size=25)


def play(rig: Rig, tickets: list[str], step: str, which: int, hours: int) -> None:
    """Do one thing at a desk, or find out that it is not allowed."""
    ticket = tickets[which]
    try:
        match step:
            case "resolve":
                rig.desk.resolve(ticket, "done", actor=KIM)
            case "end":
                rig.desk.end(ticket, actor=KIM, reason="solved")
            case "reopen":
                rig.desk.reopen(ticket, actor=KIM)
            case "write":
                rig.desk.add_message(ticket, "and another thing")
            case "merge":
                rig.desk.merge(ticket, tickets[(which + 1) % len(tickets)], actor=KIM)
            case "unmerge":
                rig.desk.unmerge(ticket, actor=KIM)
            case "work":
                rig.work(hours=hours)
            case _:
                found = [token for mail in rig.mail.sent if mail.ticket == ticket for token in tokens(mail.body)]
                if found and step == "read":
                    rig.ask("GET", found[-1])
                elif found:
                    rig.answer(found[which % len(found)], csat=str(1 + hours % 5))
    except (IllegalTransition, Refused):
        return


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_each_resolution_has_one_decision_a_survey_and_no_answer_is_lost(steps: list[tuple[str, int, int]]) -> None:
    rig = rig_with(survey(quarantine=survey().quiet, max_per_30_days=9), survey(id="two", rate=0.5, follow_up=None))
    ann = rig.customer()
    tickets = [rig.open(ann).id for _ in range(3)]
    given_before: dict[tuple[str, str, int], int] = {}
    for step, which, hours in steps:
        play(rig, tickets, step, which, hours)
        for ticket in tickets:
            for one in rig.desk.surveys.invitations(ticket):
                key = ticket, one.survey, one.resolution
                assert len(one.answers) >= given_before.get(key, 0)
                given_before[key] = len(one.answers)
    for ticket in tickets:
        log = [one.event for one in rig.desk.history(ticket)]
        resolutions = [one.resolution for one in log if isinstance(one, ev.ResolutionAttributed)]
        assert resolutions == sorted(set(resolutions))
        decided = Counter((one.survey, one.resolution) for one in invitations_of(rig.desk.history(ticket)))
        assert decided == {(name, number): 1 for name in ("after", "two") for number in resolutions}
        first = [one for one in log if isinstance(one, ev.SurveyScheduled)]
        sent = Counter((one.survey, one.resolution) for one in log if isinstance(one, ev.SurveySent))
        assert len({(one.survey, one.resolution) for one in first}) == len(first)
        assert all(count == 1 for count in sent.values())
        assert len([one for one in rig.mail.sent if one.ticket == ticket and tokens(one.body)]) <= sum(sent.values())
        if rig.desk.get(ticket).is_done and not rig.desk.get(ticket).merged_into and resolutions:
            last = [one for one in rig.desk.surveys.invitations(ticket) if one.resolution == resolutions[-1]]
            assert len(last) == 2
    for ticket in tickets:
        for one in rig.desk.surveys.invitations(ticket):
            assert (one.state is InvitationState.SUPPRESSED) <= (one.reason is not None)
