"""Random days of a desk: every kind of row, the same for the same seed. No tests in here."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
from tests.channel_rig import Pigeon, delivery, message

from supportkit import Accepted, Capabilities, Deferred, Desk, ManualClock, Rejected, SupportkitError
from supportkit.ids import SequentialIds
from supportkit.keys import Keys

KIM = "agent:kim"
MONDAY = "2026-01-05T09:00:00+00:00"
WORDS = (
    "printer",
    "smoke",
    "\u5370\u5237\u673a\u574f\u4e86",
    "\u043d\u0435\u0442 \u0441\u0432\u044f\u0437\u0438",
    "\U0001f525 fire",
    "a\u0301e\u0301",
    "line\nend\t'\"\\",
    "",
)


@attrs.define
class Provider:
    """A channel whose answers come from the story's own dice."""

    dice: random.Random
    name: str = "chat"
    capabilities: Capabilities = attrs.field(factory=lambda: Capabilities(outbound=True))

    def send(self, _message: object) -> Accepted | Deferred | Rejected:
        match self.dice.randrange(5):
            case 0:
                return Deferred("uncertain")
            case 1:
                return Deferred("throttled", retry_after=dt.timedelta(minutes=5))
            case 2:
                return Rejected("bad_recipient")
            case _:
                return Accepted(f"external-{self.dice.randrange(10**6)}")


@attrs.frozen
class Cast:
    """Whom a story is about: customers of the desk, and ids of things that are not the desk's."""

    people: list[str]
    strangers: tuple[str, ...]


def story_desk(storage: Any, seed: int, *, tenant: str = "default", **arguments: Any) -> Desk:
    """Return a desk whose clock, ids and channel give the same for the same seed."""
    return Desk(
        storage,
        tenant=tenant,
        clock=ManualClock(MONDAY),
        ids=SequentialIds(seed * 100_000),
        keys=Keys(signing={1: b"s" * 32}, hashing=b"h" * 32),
        channels=[Provider(random.Random(seed)), Pigeon()],
        **arguments,
    )


def play(desk: Desk, seed: int, steps: int, strangers: Sequence[str] = ()) -> int:
    """Play so many random verbs; what the rules refuse is part of the story. Return how many were done."""
    dice = random.Random(seed)
    people = [desk.customers.add(f"Ann {n}", addresses={"chat": f"@ann{n}"}).id for n in range(3)]
    who = Cast(people, tuple(strangers))
    desk.set_levels({"policies": [_policy(dice.randrange(1, 9))]})
    for number in range(3):
        desk.open(_words(dice), customer=who.people[number], idempotency_key=f"first-{number}")
    done = 0
    for number in range(steps):
        desk._runner.clock.advance(minutes=dice.choice((0, 1, 7, 60, 1500)))
        verb = dice.choice(VERBS)
        with contextlib.suppress(SupportkitError):
            verb(desk, dice, who)
            done += 1
        if number == steps // 2:
            for name in ("reports", "billing"):
                follow(desk, name, dice.randrange(1, 9))
    desk.note(_one(desk, dice, Cast(people, ())), _words(dice), actor=KIM, idempotency_key="last")
    desk.receive("pigeon", delivery({"id": "early", "status": "failed"}))
    desk.process_inbox(3)
    desk.receive("pigeon", delivery(message("unread", "@ann1", _words(dice))))
    return done


def follow(desk: Desk, name: str, count: int) -> None:
    events = desk.follow(name)
    for _ in zip(range(count), events, strict=False):
        pass
    events.close()  # type: ignore[attr-defined]


def _policy(hours: int) -> dict[str, Any]:
    return {"id": "all", "fallback": True, "targets": [{"metric": "FIRST_RESPONSE", "target": f"{hours}h"}]}


def _one(desk: Desk, dice: random.Random, who: Cast) -> str:
    """Return a ticket of the desk; now and then one of strangers, which it must not find."""
    mine = [ticket.id for ticket in desk.find(limit=100).items]
    return dice.choice(who.strangers if who.strangers and dice.randrange(4) == 0 else mine)


def _words(dice: random.Random) -> str:
    return " ".join(dice.choices(WORDS, k=3)) + f" {dice.randrange(1000)}"


def _open(desk: Desk, dice: random.Random, who: Cast) -> Any:
    return desk.open(
        _words(dice),
        dice.choice((None, _words(dice))),
        customer=dice.choice(who.people),
        channel=dice.choice(("chat", "app")),
        priority=dice.randrange(1, 5),
        tags=dice.sample(("red", "blue", "\u7ea2"), k=dice.randrange(3)),
        fields={"plan": dice.choice(("gold", 3, 1.5, True, None))},
        idempotency_key=f"open-{dice.randrange(40)}",
    )


def _merge(desk: Desk, dice: random.Random, who: Cast) -> Any:
    return desk.merge(_one(desk, dice, who), _one(desk, dice, who), actor=KIM)


def _split(desk: Desk, dice: random.Random, who: Cast) -> Any:
    ticket = _one(desk, dice, who)
    lying = [message.id for message in desk.messages(ticket) if message.ticket == ticket]
    return desk.split(ticket, lying[:1], _words(dice), actor=KIM)


def _promise(desk: Desk, dice: random.Random, who: Cast) -> Any:
    return desk.promises.make(_one(desk, dice, who), _words(dice), dt.timedelta(hours=dice.randrange(1, 90)), actor=KIM)


def _receive(desk: Desk, dice: random.Random, who: Cast) -> Any:
    return desk.add_message(
        _one(desk, dice, who), _words(dice), external_id=f"in-{dice.randrange(10**6)}", channel="chat"
    )


def _arrive(desk: Desk, dice: random.Random, _who: Cast) -> Any:
    """Let something come in by the messenger: a message, one that nobody can read, or a receipt."""
    number, sender = dice.randrange(60), f"@ann{dice.randrange(5)}"
    text, auth = _words(dice), dice.choice(("verified", "unverified", "failed"))
    said = message(f"m{number}", sender, text, thread=dice.choice((None, "t1", "t2")), auth=auth)
    match dice.randrange(6):
        case 0:
            entry: dict[str, Any] = {"id": f"m{number}", "from": sender}
        case 1:
            entry = {"id": f"out-{number}", "status": dice.choice(("delivered", "failed"))}
        case 2:
            entry = said | {"files": [("a.txt", text)]}
        case _:
            entry = said
    return desk.receive("pigeon", delivery(entry))


Verb = Callable[[Desk, random.Random, Cast], Any]
VERBS: tuple[Verb, ...] = (
    _open,
    _receive,
    _receive,
    _merge,
    _split,
    _promise,
    lambda desk, dice, who: desk.reply(_one(desk, dice, who), _words(dice), actor=KIM, channel="chat"),
    lambda desk, dice, who: desk.reply(_one(desk, dice, who), _words(dice), actor=KIM, kind="call"),
    lambda desk, dice, who: desk.ask(_one(desk, dice, who), _words(dice), actor=KIM, until=dt.timedelta(hours=5)),
    lambda desk, dice, who: desk.note(_one(desk, dice, who), _words(dice), actor=KIM, mentions=["lee"]),
    lambda desk, dice, who: desk.tag(_one(desk, dice, who), dice.choice(("red", "green")), remove=["blue"], actor=KIM),
    lambda desk, dice, who: desk.set_subject(_one(desk, dice, who), _words(dice), actor=KIM),
    lambda desk, dice, who: desk.set_priority(_one(desk, dice, who), dice.randrange(1, 5), actor=KIM),
    lambda desk, dice, who: desk.assign(
        _one(desk, dice, who), assignee=dice.choice(("lee", None)), team="gears", actor=KIM
    ),
    lambda desk, dice, who: desk.move_tier(_one(desk, dice, who), dice.randrange(1, 6), "hard", actor=KIM),
    lambda desk, dice, who: desk.link(_one(desk, dice, who), "related", _one(desk, dice, who), actor=KIM),
    lambda desk, dice, who: desk.resolve(_one(desk, dice, who), _words(dice), actor=KIM),
    lambda desk, dice, who: desk.end(_one(desk, dice, who), actor=KIM, reason="solved"),
    lambda desk, dice, who: desk.unmerge(_one(desk, dice, who), actor=KIM),
    lambda desk, dice, who: desk.vendors.hand_over(_one(desk, dice, who), "maker", actor=KIM),
    lambda desk, dice, who: desk.customers.update(dice.choice(who.people), name=_words(dice)),
    lambda desk, dice, who: desk.set_levels({"policies": [_policy(dice.randrange(1, 9))]}),
    lambda desk, _dice, _who: desk.tick(limit=5),
    lambda desk, dice, who: desk.deliver_outbox(dice.randrange(1, 4)),
    _arrive,
    _arrive,
    _arrive,
    lambda desk, _dice, _who: desk.process_inbox(3),
    lambda desk, _dice, _who: desk.process_inbox(1),
    lambda desk, dice, who: desk.switch_channel(_one(desk, dice, who), "pigeon", actor=KIM),
    lambda desk, _dice, _who: desk.quarantine.reprocess(),
    lambda desk, _dice, _who: desk.purge(limit=5),
    lambda desk, dice, who: follow(desk, dice.choice(("reports", "billing")), dice.randrange(1, 5)),
)


def without_header(exported: bytes) -> Iterable[bytes]:
    """Return the lines of an export behind the first one."""
    return exported.splitlines()[1:]
