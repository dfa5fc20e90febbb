"""A channel that fetches from a box, and others that each do one thing wrong. No tests in here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from supportkit.channels.inbound import Arrived, Inbound, Payload, Polled
from supportkit.channels.port import Capabilities
from supportkit.channels.reading import read_object
from supportkit.errors import MalformedPayload
from supportkit.testing import Rig, Sample

ABLE = Capabilities(family="chat", addresses="box", polls=True, outbound=False)
BATCH = 3


@attrs.define
class Box:
    """Where deliveries lie, each with the number at which it came; a hidden one is counted and not there."""

    lying: list[tuple[int, dict[str, Any]]] = attrs.field(factory=list)
    count: int = 0
    breaks: bool = False
    flagged: int = 0

    def wait(self, several: int) -> Sequence[str]:
        ids = []
        for _ in range(several):
            self.count += 1
            ids.append(f"in-{self.count}")
            self.lying.append((self.count, {"id": ids[-1], "from": "17", "text": f"text {self.count}"}))
        return ids

    def hide(self, several: int) -> None:
        self.count += several

    def break_off(self) -> None:
        self.breaks = True


def key_of(number: int) -> str:
    return f"box-{number}"


def place_of(cursor: str | None) -> int:
    """Return the number of a cursor; one that is none begins anew."""
    return int(cursor) if cursor is not None and cursor.isascii() and cursor.isdigit() else 0


@attrs.frozen(kw_only=True)
class Fetches:
    """The sound one: its cursor is the number of the last delivery; what it covers is flagged."""

    box: Box
    name: str = "box"
    capabilities: Capabilities = ABLE

    def receive(self, payload: Payload) -> Iterable[Arrived]:
        said = read_object(payload)
        if not all(isinstance(said.get(name), str) and said[name] for name in ("id", "from", "text")):
            raise MalformedPayload("this is nothing that lies in the box")
        try:
            return [Inbound(external_id=said["id"], account="box", sender=said["from"], body=said["text"])]
        except ValueError:
            raise MalformedPayload("the id is too long") from None

    def poll(self, cursor: str | None) -> Polled:
        place = place_of(cursor)
        self.box.flagged = max(self.box.flagged, place)
        waiting = [(number, said) for number, said in self.box.lying if number > place]
        batch = waiting[:BATCH]
        if self.box.breaks:
            self.box.breaks = False
            batch = batch[:1]
        last = batch[-1][0] if batch else place
        return Polled(
            payloads=[(key_of(number), self.payload(said)) for number, said in batch],
            cursor=str(last),
            more=len(waiting) > len(batch),
            gap=last - place - len(batch) if place or not cursor else 0,
        )

    def payload(self, said: dict[str, Any]) -> Payload:
        return Payload(body=json.dumps(said).encode())


@attrs.frozen(kw_only=True)
class ForgetsAtOnce(Fetches):
    """Takes out what it hands over, before anybody has stored it."""

    def poll(self, cursor: str | None) -> Polled:
        polled = Fetches.poll(self, cursor)
        last = place_of(polled.cursor)
        self.box.lying = [(number, said) for number, said in self.box.lying if number > last]
        return polled


@attrs.frozen(kw_only=True)
class SkipsTheRest(Fetches):
    """Its cursor is the newest delivery, also where it handed over fewer."""

    def poll(self, cursor: str | None) -> Polled:
        polled = Fetches.poll(self, cursor)
        return attrs.evolve(polled, cursor=str(self.box.count), more=False)


@attrs.frozen(kw_only=True)
class NewKeys(Fetches):
    """Makes a key for each poll."""

    def poll(self, cursor: str | None) -> Polled:
        polled = Fetches.poll(self, cursor)
        self.box.flagged += 1
        return attrs.evolve(polled, payloads=[(f"{key}-{self.box.flagged}", one) for key, one in polled.payloads])


@attrs.frozen(kw_only=True)
class OneKey(Fetches):
    """Gives all deliveries of a poll one key."""

    def poll(self, cursor: str | None) -> Polled:
        polled = Fetches.poll(self, cursor)
        return attrs.evolve(polled, payloads=[("box", one) for _key, one in polled.payloads])


@attrs.frozen(kw_only=True)
class NeverGoesOn(Fetches):
    """Forgets to say where to go on."""

    def poll(self, cursor: str | None) -> Polled:
        return attrs.evolve(Fetches.poll(self, cursor), cursor=None)


@attrs.frozen(kw_only=True)
class HidesTheGap(Fetches):
    """Says nothing of what the source counts and does not hand over."""

    def poll(self, cursor: str | None) -> Polled:
        return attrs.evolve(Fetches.poll(self, cursor), gap=0)


@attrs.frozen(kw_only=True)
class NewestFirst(Fetches):
    """Hands over the newest first."""

    def poll(self, cursor: str | None) -> Polled:
        polled = Fetches.poll(self, cursor)
        return attrs.evolve(polled, payloads=polled.payloads[::-1])


@attrs.frozen(kw_only=True)
class PassesOver(Fetches):
    """Takes a cursor that it does not know for the end."""

    def poll(self, cursor: str | None) -> Polled:
        known = cursor is None or (cursor.isdigit() and int(cursor) > 0)
        return Fetches.poll(self, cursor if known else str(self.box.count))


@attrs.frozen(kw_only=True)
class LosesWhatBroke(Fetches):
    """Goes on behind what did not come when the source broke off."""

    def poll(self, cursor: str | None) -> Polled:
        broke = self.box.breaks
        polled = Fetches.poll(self, cursor)
        return attrs.evolve(polled, cursor=str(self.box.count)) if broke else polled


HELLO = {"id": "in-0", "from": "17", "text": "The printer is on fire"}
SAMPLES = (
    Sample(
        name="one message",
        payload=Payload(body=json.dumps(HELLO).encode()),
        expect=Inbound(external_id="in-0", account="box", sender="17", body="The printer is on fire"),
    ),
)


def polling_rig(cls: type[Fetches] = Fetches, **more: Any) -> Rig:
    """Return a rig around a channel that fetches."""
    box = Box()
    return Rig(**{"adapter": cls(box=box), "wait": box.wait, "hide": box.hide, "break_off": box.break_off} | more)
