"""Random sequences of calls of a desk, good and bad ones, as data: the same for every storage. No tests in here."""

from __future__ import annotations

import datetime as dt
import random
import zlib
from collections.abc import Callable
from typing import Any

import attrs

from supportkit import Desk, ManualClock
from supportkit.channels.port import Accepted, Capabilities, Deferred, Delivery, Outbound, Reason, Rejected
from supportkit.errors import SupportkitError

KIM = "agent:kim"
WORDS = (
    "smoke",
    "Straße",
    "STRASSE",
    "печать не идёт",
    "打印机 缺纸",
    "プリンタ",
    "e\u0301t\u00e9",
    "\u00e9t\u00e9",
    "vip",
    "VIP",
    "vip ",
    " vip",
    "ﬁne",
    "fine",
    "\u0131 I i \u0130",
    "\U0001f525\U0010ffff",
    "nul\0inside",
    "\ud800alone",
    "100 % _ \\ ' \" ; --",
    "' OR 1=1 --",
    "\u202eright to left",
    "line\r\nline\ttab",
    "",
    "   ",
    "x" * 3000,
    "word " * 400,
)
STATES = ("new", "open", "pending", "on_hold", "resolved", "closed", "nonsense")


class Moody:
    """A provider whose answer follows from the id of the message, so that it is the same for every storage."""

    name = "app"
    capabilities = Capabilities(family="chat")

    def send(self, message: Outbound) -> Delivery:
        match zlib.crc32(f"{message.id}{message.possible_duplicate}".encode()) % 6:
            case 0:
                return Deferred(Reason.THROTTLED, dt.timedelta(minutes=5))
            case 1:
                return Deferred(Reason.UNCERTAIN)
            case 2:
                return Rejected(Reason.BLOCKED)
            case 3:
                raise RuntimeError("the adapter is broken")
            case _:
                return Accepted(f"taken {message.body[:9]}")


@attrs.frozen
class Step:
    """One call: the name of a verb or question, and its arguments."""

    name: str
    arguments: dict[str, Any]


def sequence(seed: int, length: int) -> list[Step]:
    """Return *length* calls that follow from *seed*."""
    luck = random.Random(seed)
    return [_customer(luck, 0), _open(luck), *[_step(luck) for _ in range(length - 2)]]


def _step(luck: random.Random) -> Step:
    return luck.choice(_MAKERS)(luck)


def _ref(luck: random.Random) -> Any:
    """Name a ticket by its number: mostly one that may be there."""
    return luck.choice([*range(1, 9), *range(1, 5), 77, 0, -1, 2**63, "nobody"])


def _how(luck: random.Random) -> dict[str, Any]:
    """Return the common arguments of a verb, mostly none."""
    chance = luck.random()
    if chance < 0.12:
        return {"idempotency_key": luck.choice(["key", "KEY", "key ", "other", "", "\u00e9"])}
    if chance < 0.2:
        return {"expected_version": luck.randint(1, 6)}
    if chance < 0.26:
        return {"at": f"2026-01-0{luck.randint(1, 9)}T0{luck.randint(0, 9)}:00:00+00:00"}
    return {}


def _some(luck: random.Random, most: int = 3) -> list[str]:
    return luck.sample(WORDS, luck.randint(0, most))


def _verb(name: str, *made: tuple[str, Callable[[random.Random], Any]]) -> Callable[[random.Random], Step]:
    """Return what makes a call of a verb about one ticket."""

    def make(luck: random.Random) -> Step:
        arguments = {key: value(luck) for key, value in made}
        return Step(name, {"ticket": _ref(luck), "actor": KIM, **arguments, **_how(luck)})

    return make


def _word(luck: random.Random) -> str:
    return luck.choice(WORDS)


def _open(luck: random.Random) -> Step:
    more: dict[str, Any] = {
        "body": luck.choice([None, _word(luck)]),
        "priority": luck.choice(["low", "normal", "urgent", 3, 9]),
        "tier": luck.randint(1, 6),
        "team": luck.choice([None, "east", "EAST"]),
        "tags": _some(luck),
        "fields": {word[:20]: luck.choice([1, "two", None, True, 2.5]) for word in _some(luck, 2)},
        "locale": luck.choice([None, "de", "zh-Hant", "no such"]),
    }
    kept = {name: value for name, value in more.items() if luck.random() < 0.5}
    who = luck.choice(
        [{"customer": "first"}, {"customer": "first"}, {"actor": KIM}, {"author": "customer:x"}, {"customer": "nobody"}]
    )
    return Step("open", {"subject": _word(luck) or "x", **kept, **who, **_how(luck)})


def _customer(luck: random.Random, most: int = 3) -> Step:
    return Step("customer", {"name": luck.choice(WORDS[: most + 1]), "addresses": {"chat": f"@{luck.randint(1, 3)}"}})


def _find(luck: random.Random) -> Step:
    criteria: dict[str, Callable[[], Any]] = {
        "text": lambda: _word(luck)[:30],
        "tags": lambda: _some(luck, 2),
        "states": lambda: [luck.choice(STATES)],
        "teams": lambda: ["east"],
        "tiers": lambda: [luck.randint(1, 5)],
        "priorities": lambda: [luck.choice(["low", "urgent"])],
        "unassigned": lambda: True,
        "created_from": lambda: "2026-01-05T10:00:00+00:00",
        "sort": lambda: luck.choice(["created_at", "updated_at", "number", "priority", "subject"]),
        "descending": lambda: True,
        "limit": lambda: luck.choice([1, 2, 50, 0]),
        "cursor": lambda: luck.choice(["AAAA", ""]),
    }
    return Step("find", {name: criteria[name]() for name in luck.sample(sorted(criteria), luck.randint(0, 3))})


def _read(luck: random.Random) -> Step:
    name = luck.choice(["get", "history", "messages", "notes", "outbox", "clocks", "explain"])
    return Step(name, {"ticket": _ref(luck)})


def _ask(luck: random.Random) -> Step:
    return Step(luck.choice(["counts", "follow", "customers", "backlog"]), {})


def _work(luck: random.Random) -> Step:
    return luck.choice(
        [
            Step("tick", {"limit": luck.choice([1, 500])}),
            Step("deliver_outbox", {"limit": luck.choice([1, 50])}),
            Step("advance", {"minutes": luck.choice([0, 1, 40, 60 * 24, 60 * 24 * 9])}),
        ]
    )


def _both(luck: random.Random) -> Step:
    """Two commands in one transaction, of which the second may fail."""
    return Step("together", {"first": _step_of(luck, "note", "tag", "set_priority"), "second": _step_of(luck, *_NAMES)})


def _step_of(luck: random.Random, *names: str) -> Step:
    return _VERBS[luck.choice(names)](luck)


_UNTIL = ("until", lambda luck: luck.choice([None, dt.timedelta(hours=2), "2026-01-20T00:00:00+00:00"]))
_OTHER = ("other", _ref)
_KIND = ("kind", lambda luck: luck.choice(["child", "duplicate", "related", "cousin"]))
_VERBS: dict[str, Callable[[random.Random], Step]] = {
    "reply": _verb("reply", ("body", _word)),
    "receive": _verb("receive", ("body", _word), ("kind", lambda luck: luck.choice(["reply", "auto"]))),
    "ask": _verb("ask", ("body", _word), _UNTIL),
    "note": _verb("note", ("body", _word), ("mentions", _some)),
    "start": _verb("start"),
    "hold": _verb("hold", ("text", _word), _UNTIL),
    "resume": _verb("resume"),
    "resolve": _verb("resolve", ("text", _word), ("reason", lambda luck: luck.choice(["solved", "spam", "bored"]))),
    "reopen": _verb("reopen", ("text", _word)),
    "end": _verb("end", ("reason", lambda luck: luck.choice([None, "spam"]))),
    "assign": _verb("assign", ("assignee", lambda luck: luck.choice([None, "kim", "Kim"]))),
    "move_tier": _verb("move_tier", ("tier", lambda luck: luck.randint(0, 6)), ("summary", _word)),
    "set_priority": _verb("set_priority", ("priority", lambda luck: luck.choice([1, 4, "high", "x"]))),
    "set_subject": _verb("set_subject", ("subject", _word)),
    "set_fields": _verb(
        "set_fields", ("changes", lambda luck: {word[:20]: luck.choice([None, word, 7]) for word in _some(luck)})
    ),
    "tag": _verb("tag", ("add", _some), ("remove", _some)),
    "followers": _verb("followers", ("add", _some), ("remove", _some)),
    "merge": _verb("merge", ("into", _ref)),
    "unmerge": _verb("unmerge"),
    "link": _verb("link", _KIND, _OTHER),
    "unlink": _verb("unlink", _KIND, _OTHER),
    "split": _verb("split", ("subject", _word)),
    "promise": _verb("promise", ("text", _word), ("due", lambda luck: dt.timedelta(minutes=luck.randint(-5, 300)))),
    "set_due": _verb(
        "set_due",
        ("metric", lambda luck: luck.choice(["RESOLUTION", "nothing"])),
        ("due", lambda _luck: "2026-01-06T00:00:00+00:00"),
    ),
    "apply_policy": _verb("apply_policy"),
}
_NAMES = tuple(_VERBS)
_MAKERS = [_open, _open, _customer, _find, _find, _read, _read, _ask, _work, _work, _work, _both, *_VERBS.values()]


# -- carrying them out -----------------------------------------------------------------------------------------------


@attrs.define
class Player:
    """One desk that a sequence is played on."""

    desk: Desk
    clock: ManualClock
    first: str = "nobody"

    def play(self, step: Step) -> Any:
        """Return what came of a call: its result, or class, code and kind of its error."""
        try:
            return ("result", _plain(self._call(self.desk, step)))
        except SupportkitError as error:
            return ("error", type(error).__name__, error.code, error.retryable)
        except (TypeError, ValueError) as error:
            return ("error", type(error).__name__, str(error))

    def _call(self, desk: Desk, step: Step) -> Any:  # noqa: PLR0911, PLR0912 - one kind of call a line
        arguments = dict(step.arguments)
        match step.name:
            case "advance":
                return self.clock.advance(**arguments)
            case "customer":
                made = desk.customers.add(**arguments)
                self.first = made.id if self.first == "nobody" else self.first
                return made
            case "open":
                if arguments.get("customer") == "first":
                    arguments["customer"] = self.first
                return desk.open(arguments.pop("subject"), arguments.pop("body", None), **arguments)
            case "find":
                page = desk.find(**arguments)
                rest = desk.find(**arguments | {"cursor": page.next}) if page.next else None
                return (page, rest)
            case "tag" | "followers":
                return getattr(desk, step.name)(arguments.pop("ticket"), *arguments.pop("add"), **arguments)
            case "receive":
                del arguments["actor"]
                return desk.add_message(**arguments)
            case "split":
                messages = [one.id for one in desk.messages(arguments["ticket"])][:1]
                return desk.split(messages=messages, **arguments)
            case "follow":
                return list(desk.follow("reports"))
            case "customers":
                return desk.customers.list(limit=2)
            case "backlog":
                with desk.storage.begin(desk.tenant, write=False) as unit:
                    return (unit.outbox_backlog(self.clock.now()), unit.timer_backlog(self.clock.now()))
            case "together":
                with desk.transaction() as inside:
                    return (self._call(inside, arguments["first"]), self._call(inside, arguments["second"]))
            case name:
                return getattr(desk, name)(**arguments)


def _plain(value: Any) -> Any:
    """Return a result so that those of two storages can be compared: any sequence is a list."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
