"""An invented log and its format, for the tests of the replay. No tests in here."""

from __future__ import annotations

import datetime as dt

from supportkit.clock import UTC
from supportkit.replay import LogFormat

HEADER = "id,when,state,line,team,who,grade,way,person,born"

PLAIN = {
    "name": "invented",
    "missing": ["", "-"],
    "columns": {
        "ticket": "id",
        "time": "when",
        "state": "state",
        "tier": "line",
        "team": "team",
        "assignee": "who",
        "priority": "grade",
        "channel": "way",
        "customer": "person",
        "opened": "born",
    },
    "states": {
        "New": "new",
        "Work": "open",
        "Ask": "pending",
        "Wait": "on_hold",
        "Done": "resolved",
        "Spam": {"to": "closed", "reason": "spam"},
        "End": "closed",
        "Look": {"to": "=", "tag": "seen"},
    },
    "tiers": {"1": 1, "2": 2, "3": 3, "up": "+1", "down": "-1"},
    "priorities": {"low": "low", "mid": "normal", "top": "urgent", "same": "="},
}
FORMAT = LogFormat.from_dict(PLAIN)
START = dt.datetime(2026, 1, 5, 9, tzinfo=UTC)


def row(case, minute, state, line="", team="", who="", grade="", way="", person="", born=""):
    """Return one line of the invented log, at a minute after the start."""
    when = (START + dt.timedelta(minutes=minute)).isoformat()
    return f"{case},{when},{state},{line},{team},{who},{grade},{way},{person},{born}"


def write(folder, *rows, header=HEADER, name="log.csv"):
    """Write a log into *folder* and return its path."""
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path
