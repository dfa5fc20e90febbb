"""Events of support lines and escalation rules in plain English."""

from __future__ import annotations

from typing import assert_never

from supportkit.model import events as ev

Escalated = (
    ev.HandoverWritten
    | ev.VendorWritten
    | ev.SignalRaised
    | ev.EscalationFired
    | ev.ColleaguesNotified
    | ev.HookDue
    | ev.EscalationRefused
    | ev.EscalationStopped
    | ev.EscalationAcknowledged
)


def told_escalation(event: Escalated) -> str:  # noqa: PLR0911 - one short case an event
    """Return what happened."""
    match event:
        case ev.HandoverWritten():
            points = ", ".join(event.points) or "nothing"
            return f"hand-over from L{event.source} to L{event.dest} says: {points}"
        case ev.VendorWritten():
            return f"message to {event.vendor} by {event.channel}"
        case ev.SignalRaised():
            return f"signal {event.signal}"
        case ev.EscalationFired():
            late = ", found late" if event.late else ""
            return f"escalation {event.rule}, level {event.level}{late}: {event.why}"
        case ev.ColleaguesNotified():
            return f"escalation {event.rule}, level {event.level} tells {', '.join(event.people)}"
        case ev.HookDue():
            return f"escalation {event.rule}, level {event.level} calls {event.hook}"
        case ev.EscalationRefused():
            return f"escalation {event.rule}, level {event.level} could not {event.action}: {event.code}"
        case ev.EscalationStopped():
            return f"escalation {event.rule}, level {event.level} was stopped: {event.why}"
        case ev.EscalationAcknowledged():
            return f"escalation {event.rule} is seen to"
        case _:
            assert_never(event)
