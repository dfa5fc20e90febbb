"""Two agents see each other, a macro and a rule do the routine, and one incident ends three tickets."""

from __future__ import annotations

from supportkit import Desk, ManualClock
from supportkit.errors import NewerMessages

clock = ManualClock("2026-03-02T09:00:00+00:00")
rules = {
    "rules": [
        {
            "id": "mail",
            "when": {"opened": True, "tag": "mail"},
            "levels": [{"actions": [{"macro": "to-mail-team"}]}],
        }
    ]
}

with Desk("sqlite://", clock=clock, escalations=rules) as desk:
    desk.macros.save(
        {
            "name": "to-mail-team",
            "steps": [{"do": "assign", "team": "mail"}, {"do": "priority", "to": "high"}],
        }
    )
    tickets = [
        desk.open("No mail", "Where is my mail?", author=f"customer:{name}", tags=["mail"])
        for name in ("ann", "bob", "cho")
    ]
    first = tickets[0]
    print(first.team, first.priority.name, [type(entry.event).__name__ for entry in desk.automations.log(first)])

    desk.viewing.look(first, "kim")
    print([other.agent for other in desk.viewing.look(first, "lee")])

    draft = desk.drafts.save(first, "lee", "Did you restart it?")
    desk.reply(first, "The server is down.", actor="agent:kim", seen_version=draft.seen_version)
    try:
        desk.drafts.send(first, "lee")
    except NewerMessages as error:
        print([message.body for message in error.messages])
        desk.drafts.discard(first, "lee")

    incident = desk.open("The mail server is down", author="agent:lead")
    for ticket in tickets:
        desk.incidents.add(incident, ticket, actor="agent:kim")
    report = desk.incidents.resolve(incident, "Disk replaced.", actor="agent:kim", answer="Mail works again.")
    print([(one.number, one.outcome.value) for one in report.tickets], report.incident.state)
