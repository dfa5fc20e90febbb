"""The registry of definitions: what the id of every number means, in one sentence each.

An id ends in a version, which the entries leave out. Parts in angle brackets stand for what the id names: `<mode>` is
`calendar` or `business`, `<quantile>` is `median`, `p90` and so on.
"""

from __future__ import annotations

import re

import attrs

_PARTS = {
    "mode": "calendar|business",
    "quantile": r"median|p[0-9_]+",
    "window": r"[0-9]+(?:d|h|m|s|us)",
    "k": "[0-9]+",
    "b": "[0-9]+",
    "m": "[0-9]+",
    "clock": "[a-z0-9_]+",
    "method": "minmax|percent_of_max|raw",
    "weights": r"unweighted|weighted\.[a-z0-9_]+",
    "kind": "customer|business|compliance",
    "variant": "answered|answered_plus_abandoned|answered_plus_long_abandoned|with_flowouts",
    "metric": r"[a-z0-9_]+(?:\.[a-z0-9_]+)*",
}


@attrs.frozen
class Definition:
    """What a number means.

    Attributes:
        id: Its id without the version, with parameters in angle brackets.
        text: What is counted or measured.
        basis: By which date units belong to a period; empty where the caller says.
        unit: `share`, `points`, `index`, `time`, `count`, `money` or `scale`.
    """

    id: str
    text: str
    basis: str
    unit: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its ids look like, with a version."""
        parts = re.split(r"<(\w+)>", self.id)
        found = "".join(re.escape(part) if at % 2 == 0 else f"(?:{_PARTS[part]})" for at, part in enumerate(parts))
        return re.compile(rf"{found}/[1-9][0-9]*")


def _times(metric: str, text: str, basis: str = "created") -> tuple[Definition, ...]:
    return (
        Definition(f"{metric}.<quantile>", text, basis, "time"),
        Definition(f"{metric}.mean", f"Mean: {text[0].lower()}{text[1:]}", basis, "time"),
        Definition(f"{metric}.sum", f"Sum: {text[0].lower()}{text[1:]}", basis, "time"),
    )


DEFINITIONS: tuple[Definition, ...] = (
    # -- promises, rates of tickets
    Definition(
        "sla.attainment.<clock>",
        "Met / (met + breached); open and past due is breached, open and not yet due is left out as `running`.",
        "deadline",
        "share",
    ),
    Definition(
        "resolution.within_<window>",
        "Solved within the window of the creation and done at its end / mature tickets;"
        " `no_answer` and `not_ours` count against.",
        "created",
        "share",
    ),
    Definition(
        "fcr.<window>",
        "Exactly one reply, no escalation, no reopening and no new ticket of the same customer and topic"
        " until the window after the first resolution ends / resolved and mature.",
        "first_resolved",
        "share",
    ),
    Definition(
        "reopen.<window>",
        "Reopened within the window of the first resolution / resolved and mature.",
        "first_resolved",
        "share",
    ),
    Definition("one_touch", "Done with exactly one reply / done.", "resolved", "share"),
    Definition(
        "one_touch.lt2", "Done with fewer than two replies, tickets closed in silence too / done.", "resolved", "share"
    ),
    Definition("escalation.tier_<k>", "Left the line upwards / entered it, once a ticket.", "created", "share"),
    Definition("escalation.any", "Ever moved to a higher line / all tickets.", "created", "share"),
    Definition("resolved_share.tier_<k>", "Done while in the line / entered it.", "created", "share"),
    Definition("containment.l1", "Never in another line than the first / all tickets.", "created", "share"),
    Definition(
        "containment.l1.born_l1", "Never in another line than the first / created in the first.", "created", "share"
    ),
    # -- counts
    Definition("tickets.created", "Tickets that were created.", "created", "count"),
    Definition("tickets.resolutions", "Changes to done.", "resolved", "count"),
    Definition("tickets.reopenings", "Changes from done to not done.", "resolved", "count"),
    Definition(
        "volume", "Contacts: tickets whose first message came from the customer, by its arrival.", "arrival", "count"
    ),
    Definition(
        "channel.share",
        "Contacts that began in the channel / all contacts; of tickets where nobody wrote.",
        "arrival",
        "share",
    ),
    Definition(
        "topic.share",
        "Contacts with the topic / all contacts; a ticket with several counts in each.",
        "arrival",
        "share",
    ),
    *(
        one
        for name, text in (
            ("replies", "Messages and calls of people that reached the customer"),
            ("reopens", "Changes from done to not done"),
            ("level_changes", "Moves between support lines"),
        )
        for one in (
            Definition(f"{name}.sum", f"{text}.", "created", "count"),
            Definition(f"{name}.mean", f"{text} / tickets.", "created", "scale"),
        )
    ),
    # -- durations
    Definition(
        "first_reply.<mode>.<quantile>",
        "Creation to first reply, Kaplan-Meier: a ticket without one counts as a wait that is longer.",
        "created",
        "time",
    ),
    Definition(
        "first_reply.<mode>.within", "First replies within a limit / waits of which that is known.", "created", "share"
    ),
    Definition(
        "next_reply.<mode>.<quantile>",
        "Oldest unanswered customer message after the first agent message to the next reply, Kaplan-Meier.",
        "created",
        "time",
    ),
    *_times("open_next_reply.<mode>", "Age of customer messages that wait for a further reply.", "created"),
    *_times("requester_wait.<mode>", "Time in NEW, OPEN and WAITING_EXTERNAL."),
    *_times("agent_wait.<mode>", "Time in WAITING_CUSTOMER."),
    *_times("on_hold.<mode>", "Time in WAITING_EXTERNAL."),
    *_times("first_resolution.<mode>", "Creation to the first change to done.", "first_resolved"),
    *_times("full_resolution.<mode>", "Creation to the last change to done, of tickets that are done.", "resolved"),
    Definition(
        "first_resolution.calendar.km.<quantile>",
        "Creation to the first change to done, Kaplan-Meier: what is still open counts as longer.",
        "created",
        "time",
    ),
    *_times(
        "tier_time.tier_<k>.<mode>", "Entry to exit of a visit to the line; visits that last are left out as `open`."
    ),
    # -- stocks
    Definition("backlog.count", "Created and not done at an instant.", "instant", "count"),
    Definition("backlog.age.<quantile>", "Age of the backlog from creation.", "instant", "time"),
    Definition("backlog.age.max", "Age of the oldest ticket of the backlog.", "instant", "time"),
    Definition(
        "backlog.age.since_reopening.<quantile>",
        "Age of the backlog from the last reopening, else from creation.",
        "instant",
        "time",
    ),
    Definition("backlog.age.since_reopening.max", "The highest such age.", "instant", "time"),
    # -- coverage, queues, people
    Definition("coverage.outside_desk_hours", "Contacts while the desk is closed / all.", "arrival", "share"),
    Definition(
        "coverage.local_day_unserved",
        "Of the contacts in the customer's own working day, those while the desk is closed.",
        "arrival",
        "share",
    ),
    Definition("abandonment", "(Abandoned - short) / (offered - short).", "arrival", "share"),
    Definition("abandonment.with_short", "Abandoned / offered.", "arrival", "share"),
    Definition("service_level.<variant>", "Answered in time / what the variant names.", "arrival", "share"),
    Definition("aht", "Handle time / tickets with a work log; overlapping work of one agent counts once.", "", "time"),
    Definition("occupancy", "Handling / (handling + available).", "", "share"),
    Definition("utilisation", "(Handling + available) / paid.", "", "share"),
    Definition("shrinkage", "(Scheduled - available) / scheduled.", "", "share"),
    Definition("attrition", "Left / average headcount.", "", "share"),
    Definition("churn.rate", "Customers at the start who are none at the end / customers at the start.", "", "share"),
    Definition("churn.relative_change", "(r1 - r0) / r0 between two periods of equal length.", "", "share"),
    Definition("qa.accuracy.<kind>", "Reviews without a critical error of the kind / reviews.", "", "share"),
    # -- surveys
    Definition("csat.top<b>_of_<m>", "Answers among the best b of a scale of m / answers.", "answered", "share"),
    Definition("csat.mean_of_<m>", "Mean answer; never without the distribution.", "answered", "scale"),
    Definition("csat.post_stratified", "sum(N k / n) / sum(N) over groups of customers.", "answered", "share"),
    Definition("nps.standard", "100 (promoters 9-10 - detractors 0-6) / answers.", "answered", "points"),
    Definition("nps.weighted", "The same with survey weights.", "answered", "points"),
    Definition("ces.mean", "Mean answer after turning, so that higher is easier.", "answered", "scale"),
    Definition("ces.easy_share", "Answers above the middle of the scale / answers.", "answered", "share"),
    Definition("ces.net", "100 (above - below the middle) / answers.", "answered", "points"),
    Definition(
        "csi.<method>.aggregate",
        "Index of mean importances and mean satisfactions, each over its own answers.",
        "answered",
        "index",
    ),
    Definition("csi.<method>.respondent", "Mean of one index per person.", "answered", "index"),
    Definition("acsi.<weights>.items", "ACSI-style index of item means, each over its own n.", "answered", "index"),
    Definition(
        "acsi.<weights>.respondent",
        "Mean of the ACSI-style index of everybody who answered all items.",
        "answered",
        "index",
    ),
    Definition(
        "response.sent", "Answered within the window / invitations sent in the period and mature.", "sent", "share"
    ),
)
"""Every definition, the most asked first."""


def definition_of(id: str) -> Definition:  # noqa: A002 - what it is called everywhere
    """Return the definition of an id with its version, as a result carries it.

    Raises:
        KeyError: There is none.
    """
    for definition in DEFINITIONS:
        if definition.pattern.fullmatch(id):
            return definition
    raise KeyError(id)
