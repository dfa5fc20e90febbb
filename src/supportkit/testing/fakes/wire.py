"""What the fake providers share: requests, answers, what was taken, and the script of what goes wrong."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import parse_qsl

import attrs

from supportkit.channels.inbound import Payload

Wait = int | str | None
"""What a provider says about when to come back: seconds, a text of its own for `Retry-After`, or nothing."""


@attrs.frozen(kw_only=True)
class Request:
    """What an adapter asked for; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object, an empty one where it is none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    def form(self) -> dict[str, str]:
        """Return the fields of a form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@attrs.frozen(kw_only=True)
class Reply:
    """What a provider answers; more than once it answers out of turn."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    times: int = 1


def reply(status: int, value: Any, *more: tuple[str, str]) -> Reply:
    """Return an answer in JSON."""
    return Reply(status=status, body=json.dumps(value).encode(), headers=(("Content-Type", "application/json"), *more))


def retry_header(seconds: Wait) -> tuple[tuple[str, str], ...]:
    """Return the header that tells how long to wait, where there is a time; a text stands there as it is."""
    return () if seconds is None else (("Retry-After", str(seconds)),)


@attrs.frozen(kw_only=True)
class Taken:
    """A message that the provider took.

    Attributes:
        id: The provider's id of it; empty until it is taken.
        key: What the adapter gave as a key against repeats or as a reference.
        details: Everything else that it sent, as the provider understood it.
    """

    recipient: str
    body: str
    id: str = ""
    key: str | None = None
    account: str = ""
    details: Mapping[str, Any] = attrs.field(factory=dict)


class Provider(Protocol):
    """What one provider does: its paths, limits, answers and signatures. It keeps nothing."""

    def read(self, request: Request, taken: Sequence[Taken]) -> Taken | Reply:
        """Return the message of a request, one of *taken* for a repeat, or an answer that is no acceptance."""
        ...

    def accepted(self, taken: Taken) -> Reply:
        """Return the answer for a message that was taken."""
        ...

    def error(self, status: int, retry_after: Wait) -> Reply:
        """Return the answer of a provider that has a fault, or has had enough."""
        ...

    def new_id(self, number: int) -> str:
        """Return the provider's id of its message with that *number*, counted from 1."""
        ...

    def delivery(self, *events: Mapping[str, Any], number: int = 1, url: str | None = None) -> Payload:
        """Return a signed delivery of the provider that tells of *events*."""
        ...


class FaultKind(StrEnum):
    """What a provider can do to a request besides taking it."""

    STATUS = "status"
    HANG = "hang"
    ACCEPT_THEN_DROP = "accept_then_drop"
    ACCEPT_THEN_STATUS = "accept_then_status"
    TWICE = "twice"
    GARBAGE = "garbage"
    SLOW = "slow"


@attrs.frozen(kw_only=True)
class Fault:
    """One thing that goes wrong with one request.

    Attributes:
        status: For `status`: what it answers, and nothing is taken; for `accept_then_status`: what it answers although.
        retry_after: Seconds that it asks to wait, or a text that stands in the header as it is.
        seconds: For `slow` and `hang`: how long.
    """

    kind: FaultKind = attrs.field(converter=FaultKind)
    status: int = 500
    retry_after: Wait = None
    seconds: float = 30.0


@attrs.define
class Script:
    """The faults of the next requests, in order; an empty script lets everything through."""

    _faults: deque[Fault] = attrs.field(factory=deque)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def add(self, fault: Fault, times: int = 1) -> None:
        """Let the next *times* requests after those planned already go wrong."""
        with self._lock:
            self._faults.extend([fault] * times)

    def next(self) -> Fault | None:
        """Return what is to go wrong with this request."""
        with self._lock:
            return self._faults.popleft() if self._faults else None

    def clear(self) -> None:
        """Forget what was planned."""
        with self._lock:
            self._faults.clear()
