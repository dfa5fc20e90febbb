"""An invented city: one row a request, with the due time that it was given. No tests in here."""

from __future__ import annotations

from supportkit.replay import LogFormat

CITY = LogFormat.from_dict(
    {
        "name": "city",
        "zone": "America/New_York",
        "columns": {
            "ticket": "id",
            "time": "opened",
            "ended": "closed",
            "state": "state",
            "channel": "way",
            "fields": {"type": "type"},
        },
        "states": {"Open": "new", "Closed": "closed"},
        "promise": {"due": "due", "label": "flag", "on_time": ["ok"], "late": ["late"], "kind": "type"},
    }
)
HEADER = "id,opened,closed,due,flag,state,way,type"


def request(case, opened, closed="", due="", flag="", *, state=None, way="App", kind="Lamp"):
    """Return a row; times are `05 10:00` in January 2026, a Monday."""
    state = state or ("Closed" if closed else "Open")
    return ",".join((case, *map(_time, (opened, closed, due)), flag, state, way, kind))


def _time(text):
    return f"2026-01-{text.replace(' ', 'T')}" if text[:1].isdigit() else text
