"""Random worlds for the laws of clocks: policies with all metrics and options, histories with all kinds of facts.

No tests in here. Everything lies on a grid of a quarter of an hour, so that dues, closings, facts and changes of the
zones' clocks often fall on one instant: there the mistakes are.
"""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from supportkit.businesstime import BusinessCalendar
from supportkit.model.message import MessageKind
from supportkit.model.people import ActorKind
from supportkit.model.ticket import Priority, StateCategory
from supportkit.sla import facts as fa
from supportkit.sla.policy import Policy
from supportkit.sla.rules import Rules
from supportkit.sla.terms import ENDING, RESPONSES, Metric

C = StateCategory
STATES = {"new": C.NEW, "open": C.OPEN, "pending": C.WAITING_CUSTOMER, "vendor": C.WAITING_EXTERNAL,
          "resolved": C.RESOLVED, "closed": C.CLOSED}  # fmt: skip
DONE = {C.RESOLVED, C.CLOSED}
START = dt.datetime(2025, 3, 27, tzinfo=dt.UTC)  # Berlin changes its clocks on 30 March, Casablanca on 6 April,
CELL = dt.timedelta(minutes=15)  # and Lord Howe, by half an hour, on 6 April too
TICK = dt.timedelta(microseconds=1)
ZERO = dt.timedelta(0)

LUNCH = BusinessCalendar(
    timezone="Europe/Berlin",
    hours=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "13:00"), ("14:00", "18:00"))),
    holidays=["2025-03-31", "2025-04-02"],
    overrides={"2025-04-05": [("10:00", "14:00")], "2025-04-02": [("12:00", "13:00")], "2025-04-03": []},
    breaks={"2025-04-01": [("10:00", "11:15")]},
    known_until="2025-04-04",
)
LONGER = BusinessCalendar.weekdays("Europe/Berlin", start="08:00", end="20:00")
SHORTER = BusinessCalendar(timezone="Europe/Berlin", hours=dict.fromkeys(("mon", "wed", "fri"), (("10:00", "12:00"),)))
NIGHTS = BusinessCalendar(
    timezone="Australia/Lord_Howe",
    hours=dict.fromkeys(("fri", "sat", "sun"), (("22:00", "06:00"),)),
    holidays=["2025-04-05"],
)
SOUK = BusinessCalendar(
    timezone="Africa/Casablanca",
    hours=dict.fromkeys(("sun", "tue", "thu", "sat"), (("01:30", "03:30"), ("20:00", "02:15"))),
)
ONCE = BusinessCalendar(
    timezone="Pacific/Kiritimati", overrides={f"2025-04-0{day}": [("22:00", "04:00")] for day in (1, 4, 8)}
)
ROUND = BusinessCalendar.always_open("Pacific/Apia")
NAMED = {"days": LUNCH, "nights": NIGHTS, "souk": SOUK, "once": ONCE, "round": ROUND}
REVISIONS = {calendar.revision: calendar for calendar in (LUNCH, LONGER, SHORTER, NIGHTS, SOUK)}
CALENDARS = NAMED | REVISIONS | {"always_open": BusinessCalendar.always_open()}

instants = st.integers(0, 14 * 24 * 4).map(lambda cells: START + cells * CELL)
anytime = instants | st.builds(
    lambda at, off: at + off * TICK, instants, st.sampled_from([-1, 1, 60_000_000, 7_777_777])
)
spans = st.integers(1, 160).map(lambda cells: cells * CELL)
names = st.sampled_from(sorted(NAMED))
thresholds = st.lists(
    st.sampled_from(["50%", "80%", "33.3%", "150%", "-30m", "-2h", "-90h", "+1h", "100%"]), unique=True, max_size=3
)


def _options(draw, metric):
    """All options that fit a metric, each now and then."""
    categories = st.sampled_from(["new", "open", "waiting_customer", "waiting_external", "resolved", "closed"])
    fitting = {
        "warnings": thresholds,
        "pauses": st.none() | st.lists(categories, unique=True, max_size=4),
        "end": st.sampled_from(["resolved", "resolved", "closed"]),
        "calendar": st.none() | names,
    }
    if metric in ENDING or metric in (Metric.FIRST_RESPONSE, Metric.TIME_TO_OWN):
        fitting["reopen"] = st.sampled_from([None, "continue", "new_cycle", "once"])
    if metric in RESPONSES or metric is Metric.PROMISE:
        fitting |= {"bots_count": st.booleans(), "owner_only": st.booleans()}
    match metric:
        case Metric.NEXT_RESPONSE:
            fitting["after_first_response"] = st.booleans()
        case Metric.PERIODIC_UPDATE:
            fitting["restart_on"] = st.sampled_from(["response", "any_contact"])
            fitting["starts"] = st.sampled_from(["creation", "first_response"])
        case Metric.TIER:
            fitting["cumulative"] = st.booleans()
        case Metric.PROMISE:
            fitting["kept_by"] = st.sampled_from(["kept", "response"])
    return draw(st.fixed_dictionaries({}, optional=fitting))


@st.composite
def policies(draw, name="p", *, absolute=True, metrics=tuple(Metric), last=True, keyed=False):
    """A policy: rows with and without each part of their key, and options of every kind, for some of all metrics."""
    chosen = draw(st.lists(st.sampled_from(metrics), min_size=2, max_size=6, unique=True))
    rows = []
    for metric in chosen:
        keys = [
            ("priority",),
            ("channel",),
            ("channel_class",),
            ("tier",),
            ("channel", "priority"),
            ("tier", "priority"),
        ]
        cells = draw(st.lists(st.sampled_from(keys), unique=True, max_size=2))
        if draw(st.integers(0, 4)):
            cells.append(())
        if keyed:
            cells = [(), ("priority",)]
        values = {"priority": st.sampled_from(["urgent", "low"]), "channel": st.sampled_from(["email", "chat"]),
                  "channel_class": st.sampled_from(["messenger", "chat"]), "tier": st.integers(1, 3)}  # fmt: skip
        for cell in cells:
            target = spans if not absolute or draw(st.integers(0, 7)) else instants
            row = {"metric": metric, "target": draw(target), **{part: draw(values[part]) for part in cell}}
            if draw(st.integers(0, 3)) == 0:
                row["calendar"] = draw(names)
            rows.append(row)
    condition = (
        {} if last else draw(st.sampled_from([{"channel": "chat"}, {"priority": ["urgent", "low"]}, {"tier": 2}]))
    )
    return Policy.from_dict(
        {
            "id": name,
            "fallback": last,
            "condition": condition,
            "calendar": draw(names),
            "tiers": draw(st.dictionaries(st.integers(1, 3), names, max_size=2)),
            "vendors": draw(st.dictionaries(st.sampled_from(["a", "b"]), names, max_size=1)),
            "targets": rows,
            "metrics": {metric: _options(draw, metric) for metric in chosen},
        }
    )


@st.composite
def rules(draw, **more):
    """Two policies: one with a condition, and the fallback."""
    listed = [draw(policies("q", last=False, **more)), draw(policies("p", **more))]
    return Rules(listed, CALENDARS, categories=STATES)


STATE_KINDS = ("state", "state", "state")
TALK = ("customer", "agent", "bot", "auto", "owner")
VENDOR = ("started", "paused", "resumed", "ended")
PROMISES = ("made", "moved", "kept", "cancelled")
TARGETS = ("priority", "tier", "channel", "policy")
FORWARD = (*STATE_KINDS, *TALK, *VENDOR, *PROMISES, *TARGETS, "override", "calendar")
JOINING = ("merged", "unmerged", "absorbed", "released")
BACKWARD = ("failed", "voided", "retroactive", *JOINING)
ALL = (*FORWARD, *BACKWARD)


def fact_of(draw, kind, when, earlier=()):  # noqa: PLR0911, PLR0912 - a table in the shape of a match
    vendor, promise = st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"])
    seq = when["seq"]
    match kind:
        case "state":
            return fa.StateEntered(**when, state=draw(st.sampled_from(sorted(STATES))))
        case "customer" | "agent" | "bot" | "auto":
            authors = {"customer": ActorKind.CUSTOMER, "agent": ActorKind.AGENT, "bot": ActorKind.BOT}
            answers = st.sampled_from([MessageKind.REPLY, MessageKind.REPLY, MessageKind.CALL])
            return fa.Messaged(
                **when,
                message=f"m{seq}",
                author=authors.get(kind) or draw(st.sampled_from(ActorKind)),
                by=draw(st.sampled_from(["kim", "lee"])),
                kind=draw(st.sampled_from([MessageKind.AUTO, MessageKind.CAMPAIGN]) if kind == "auto" else answers),
                channel=draw(st.sampled_from(["email", "chat", "telegram"])),
            )
        case "owner":
            return fa.OwnerSet(**when, owner=draw(st.sampled_from([None, "kim", "lee"])))
        case "started" | "paused" | "resumed" | "ended":
            made = {"started": fa.ExternalStarted, "paused": fa.ExternalPaused, "resumed": fa.ExternalResumed}
            return made.get(kind, fa.ExternalEnded)(**when, vendor=draw(vendor))
        case "made" | "moved":
            made = fa.PromiseMade if kind == "made" else fa.PromiseMoved
            return made(**when, promise=draw(promise), promised=draw(spans | instants))
        case "kept" | "cancelled":
            return (fa.PromiseKept if kind == "kept" else fa.PromiseCancelled)(**when, promise=draw(promise))
        case "priority":
            return fa.PrioritySet(**when, priority=draw(st.sampled_from(Priority)))
        case "tier":
            return fa.TierEntered(**when, tier=draw(st.integers(1, 3)))
        case "channel":
            return fa.ChannelSet(**when, channel=draw(st.sampled_from(["email", "chat", "telegram"])))
        case "policy":
            return fa.PolicyApplied(**when, policy=draw(st.sampled_from(["p", "q", "p", "q", None])))
        case "override":
            return fa.DueOverridden(**when, metric=draw(st.sampled_from(Metric)), instant=draw(st.none() | instants))
        case "calendar" | "retroactive":
            revisions = {"days": (LUNCH, LONGER, SHORTER), "nights": (NIGHTS, SOUK)}
            name = draw(st.sampled_from(sorted(revisions)))
            revision = draw(st.sampled_from(revisions[name])).revision
            return fa.CalendarChanged(**when, calendar=name, revision=revision, retroactive=kind == "retroactive")
        case "failed":
            sent = [fact.message for fact in earlier if isinstance(fact, fa.Messaged)]
            return fa.DeliveryFailed(**when, message=draw(st.sampled_from(sent or ["nothing"])))
        case "voided":
            return fa.Voided(**when, voids=draw(st.integers(2, max(2, seq // 10))) * 10)
        case "merged":
            return fa.Merged(**when, into="Z")
        case "unmerged":
            return fa.Unmerged(**when, out_of="Z")
        case "absorbed":
            return fa.Absorbed(**when, ticket="S")
        case "released":
            return fa.Released(**when, ticket="S")
    raise AssertionError(kind)


GAPS = st.sampled_from([0, 0, 1, 2, 4, 7, 16, 30, 90, 300])


@st.composite
def histories(draw, kinds=FORWARD, *, ticket="T", size=12, gaps=GAPS):
    """The facts of one ticket in order, several at one instant now and then; seq goes up in tens, to leave room."""
    created = draw(st.integers(0, 200)) * CELL + START
    facts = [
        fa.Created(
            occurred_at=created,
            seq=10,
            ticket=ticket,
            channel=draw(st.sampled_from(["email", "chat", "telegram"])),
            author=draw(st.sampled_from([ActorKind.CUSTOMER, ActorKind.CUSTOMER, ActorKind.AGENT])),
            priority=draw(st.sampled_from(Priority)),
            tier=draw(st.integers(1, 2)),
            state=draw(st.sampled_from(["new", "open", "pending", "resolved", None])),
            owner=draw(st.sampled_from([None, None, "kim"])),
        )
    ]
    # Few kinds in one history, others in the next: so that those which matter to one another meet.
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))
    at = created
    for number in range(2, 2 + draw(st.sampled_from([size, size, size // 2, 3, 1, 0]))):
        at += draw(gaps) * CELL
        facts.append(fact_of(draw, draw(st.sampled_from(chosen)), {"occurred_at": at, "seq": number * 10}, facts))
    return facts


def others() -> st.SearchStrategy[dict]:
    """The history of the ticket that may be merged into the one under test."""
    return histories(FORWARD, ticket="S", size=6).map(lambda facts: {"S": facts})
