"""A ticket climbs: line 1, 2, 3, then a vendor that takes too long; who is told, what each line must know, and why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from supportkit import Capabilities, Desk, ManualClock, Printer
from supportkit.model.events import ColleaguesNotified, EscalationFired, TierMoved, VendorWritten

settings = tomllib.loads((Path(__file__).parent / "lines" / "support-lines.toml").read_text(encoding="utf-8"))
clock = ManualClock("2026-03-02T08:00:00+00:00")  # a Monday, 09:00 in Berlin
mail = Printer(name="email", capabilities=Capabilities(family="email", inbound=False))


def news(desk: Desk) -> Iterable[str]:
    """Yield what happened since the last call, one line a thing."""
    for recorded in desk.follow("story"):
        when = f"{recorded.occurred_at:%a %H:%M}"
        match recorded.event:
            case EscalationFired(rule=rule, level=level, why=why):
                yield f"{when}  rule {rule}, level {level}: {why}"
            case ColleaguesNotified(people=people):
                yield f"{when}    told: {', '.join(people)}"
            case TierMoved(source=source, dest=dest):
                yield f"{when}  line {source} -> {dest}"
            case VendorWritten(vendor=vendor):
                yield f"{when}    written to {vendor}"


def until(desk: Desk, instant: str) -> None:
    """Let time pass; the worker turns whenever something is due."""
    while (due := desk.tick().next_due) is not None and due <= clock.now().fromisoformat(instant):
        clock.set(due)
    clock.set(instant)
    desk.tick()
    for line in news(desk):
        print(line)


with Desk(
    channels=[mail],
    clock=clock,
    tiers=settings["tiers"],
    vendors=settings["vendors"],
    levels=settings["levels"],
    regulation=settings["regulation"],
    escalations={"rules": settings["rules"]},
) as desk:
    ann = desk.customers.add("Ann", addresses={"email": "ann@example.org"})
    ticket = desk.open(
        "The printer smells",
        "It smells of smoke.",
        customer=ann.id,
        channel="email",
        priority="high",
        tags=["printers"],
    )
    found = desk.regulation.responsible(ticket, away={"kim"})
    print("responsible while kim is away:", found and found.acting)

    until(desk, "2026-03-02T15:00:00+00:00")  # six hours in line 1
    desk.escalate(
        ticket,
        handover={"summary": "the fuser smokes", "tried": "another room", "asked": "look at it"},
        actor="agent:nora",
    )
    until(desk, "2026-03-05T12:00:00+00:00")  # 80 %, then late: the rule moves it to line 3

    for handover in desk.escalations.handovers(ticket):
        print(f"line {handover.dest} reads:", dict(handover.points_in_order))
    desk.escalate(ticket, to=4, handover={"summary": "fuser of the LX-80 smokes, please replace"}, actor="agent:vera")
    desk.deliver_outbox()
    until(desk, "2026-03-10T09:00:00+00:00")  # the vendor never answers

    print("why:")
    for one in desk.escalations.explain(ticket):
        print(f"  {one.rule} {one.level}: {one.standing} - {one.why}")
    back = desk.deescalate(ticket, "we replaced it ourselves", to=1, actor="agent:vera")
    print(f"back in line {back.tier}, team {back.team}, {back.state}")
