"""P5: replaying a ticket's history into clocks, from ISO texts to ISO texts, against one due of the inlined core.

The history has ten events with four pauses; three metrics are measured. The bar is 60 microseconds, or on a slower
machine one hundred due times of the inlined core of `bench/businesstime.py`. What is answered is compared with
`evaluate` and with a stepwise advance before anything is timed. Run it with `python bench/sla.py`.
"""

from __future__ import annotations

import datetime as dt
import random
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.businesstime import COUNT, DUE_US, Core, compare, moscow, row, timed
from supportkit.clock import to_us
from supportkit.model.people import ActorKind
from supportkit.model.ticket import StateCategory
from supportkit.sla import (
    Created,
    Messaged,
    Policy,
    Rules,
    Snapshot,
    StateEntered,
    advance,
    evaluate,
    replay,
    step,
    upcoming,
)
from supportkit.sla.facts import Fact

STATES = {
    "new": StateCategory.NEW,
    "open": StateCategory.OPEN,
    "pending": StateCategory.WAITING_CUSTOMER,
    "resolved": StateCategory.RESOLVED,
}
EVENTS = [
    ("created", "2025-03-03T07:00:00+00:00", ""),
    ("pending", "2025-03-03T08:10:00+00:00", ""),
    ("open", "2025-03-03T09:40:00+00:00", ""),
    ("pending", "2025-03-03T11:00:00+00:00", ""),
    ("open", "2025-03-04T08:30:00+00:00", ""),
    ("agent", "2025-03-04T09:00:00+00:00", "m1"),
    ("pending", "2025-03-04T09:30:00+00:00", ""),
    ("open", "2025-03-05T10:00:00+00:00", ""),
    ("pending", "2025-03-05T12:00:00+00:00", ""),
    ("open", "2025-03-06T07:20:00+00:00", ""),
]
AT = "2025-03-06T09:00:00+00:00"
BAR_US = 60
BAR_DUES = 100


def service() -> Rules:
    policy = Policy.from_dict(
        {
            "id": "bench",
            "fallback": True,
            "calendar": "moscow",
            "targets": [
                {"metric": "FIRST_RESPONSE", "target": "8h"},
                {"metric": "RESOLUTION", "target": "40h"},
                {"metric": "REQUESTER_WAIT", "target": "40h"},
            ],
        }
    )
    return Rules([policy], {"moscow": moscow()}, categories=STATES)


def read(events: list[tuple[str, str, str]]) -> list[Fact]:
    facts: list[Fact] = []
    for seq, (kind, at, message) in enumerate(events, 1):
        if kind == "created":
            facts.append(Created(occurred_at=at, seq=seq, channel="email", state="new"))
        elif kind == "agent":
            facts.append(
                Messaged(
                    occurred_at=at,
                    seq=seq,
                    message=message,
                    author=ActorKind.AGENT,
                    channel="email",
                )
            )
        else:
            facts.append(StateEntered(occurred_at=at, seq=seq, state=kind))
    return facts


def replayed(rules: Rules) -> dict[str, str]:
    snapshot = replay(read(EVENTS), rules)
    assert snapshot is not None
    return {due.id: due.instant.isoformat() for due in upcoming(snapshot, rules)}


def check(rules: Rules) -> None:
    """Compare the side that is timed with the other two ways to the same answer."""
    facts, snapshot = read(EVENTS), None
    for fact in facts:
        snapshot = advance(snapshot, fact, rules)
    if snapshot != replay(facts, rules):
        raise AssertionError("advancing and replaying disagree, so their speed means nothing")
    whole = evaluate(facts, rules, None, AT, categories=STATES)
    wanted = {
        f"/{clock.metric}/1/1/100%": clock.breaches_at.isoformat()
        for clock in whole.clocks
        if clock.breaches_at is not None and clock.verdict is None
    }
    if len(wanted) != 2 or replayed(rules) != wanted:
        raise AssertionError("evaluating and replaying disagree, so their speed means nothing")


def run() -> list[dict[str, Any]]:
    """Measure the replay, the steps of a command, and the size of a snapshot's text."""
    rules, chance = service(), random.Random(2025)
    check(rules)
    core = Core(moscow())
    first, last = (to_us(dt.datetime(year, 1, 1, tzinfo=dt.UTC)) for year in (2024, 2027))
    ts = [chance.randrange(first, last) for _ in range(COUNT)]
    facts = read(EVENTS)
    before = replay(facts[:-1], rules)
    times = 50

    def dues() -> object:
        return [core.add(t, DUE_US) for t in ts]

    def replays() -> object:
        return [replayed(rules) for _ in range(times)]

    def evaluations() -> object:
        return [evaluate(read(EVENTS), rules, None, AT, categories=STATES) for _ in range(times)]

    def steps() -> object:
        return [step(before, facts[-1], rules) for _ in range(times)]

    def dues_to_come() -> object:
        assert isinstance(before, Snapshot)
        return [upcoming(before, rules) for _ in range(times)]

    scale = COUNT / times
    found = []
    for name, work, side in (
        ("P5-replay", "replay of 10 events, 3 metrics, ISO in and out", replays),
        ("P5-evaluate", "the same, evaluated with explanations", evaluations),
        ("P5-step", "one fact on a snapshot", steps),
        ("P5-upcoming", "what becomes due from a snapshot", dues_to_come),
    ):
        ratio, low, high = (value * scale for value in compare(dues, side))
        micros = statistics.median(timed(side) for _ in range(15)) / times * 1e6
        line = row(name, f"{work}: {micros:.1f} us", (ratio, low, high), BAR_DUES)
        found.append({**line, "reference": "one due of the inlined core", "ok": line["ok"] or micros <= BAR_US})
    return found


def main() -> None:
    print(f"{'id':<14} {'work':<62} {'dues':>8} {'min':>8} {'max':>8}  {'bar':<8} ok")
    for line in run():
        figures = " ".join(f"{line[key]:>8.1f}" for key in ("ratio", "low", "high"))
        print(f"{line['id']:<14} {line['work']:<62} {figures}  {line['bar']:<8} {'yes' if line['ok'] else 'NO'}")


if __name__ == "__main__":
    main()
