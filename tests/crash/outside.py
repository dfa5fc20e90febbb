"""What lies outside of the processes that are killed: providers with logs of their own, and what was said. No tests.

One `Outside` answers every process of a test over a Unix socket. What a process has said before it was killed is kept,
whatever became of the process: that is what makes an acknowledgement one.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import socketserver
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol, Self

import attrs

from supportkit.channels.port import Accepted, Capabilities, Delivery, Outbound, Policy

LINES = {
    "idempotent": Capabilities(family="chat", dedupes_sends=True),
    "reconcilable": Capabilities(family="chat", finds_sends=True),
    "least": Capabilities(family="chat", policy=Policy.AT_LEAST_ONCE),
    "most": Capabilities(family="chat", policy=Policy.AT_MOST_ONCE),
}
"""One channel for each class and policy of `reliability.md`, section 2."""


@attrs.frozen
class Call:
    """A call that a provider accepted."""

    line: str
    id: str
    flagged: bool
    body: str


class Outside:
    """The world that no kill reaches."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.said: list[tuple[str, Any]] = []
        self._changed = threading.Condition()
        self._connections = 0
        self._held: set[str] = set()
        self._folder = tempfile.mkdtemp(prefix="supportkit-")
        self.address = os.path.join(self._folder, "outside")  # noqa: PTH118 - a short text, as sockets want it
        self._server = socketserver.ThreadingUnixStreamServer(self.address, self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._folder)

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        outside = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outside._serve(self)

        return Handler

    def _serve(self, handler: socketserver.StreamRequestHandler) -> None:
        with self._changed:
            self._connections += 1
        try:
            for line in handler.rfile:
                if not line.endswith(b"\n"):  # it was cut: nobody said it
                    break
                kind, data = json.loads(line)
                answer = self.ask(kind, data)
                if kind in {"send", "lookup", "wait"}:
                    handler.wfile.write(json.dumps(answer).encode() + b"\n")
        except OSError:  # who asked is dead
            pass
        finally:
            with self._changed:
                self._connections -= 1
                self._changed.notify_all()

    def ask(self, kind: str, data: Any) -> Any:
        """Hear a word and answer it; what a `Wire` does from another process."""
        with self._changed:
            answer = None
            if kind == "send":
                self.calls.append(Call(*data))
                answer = f"at {data[0]}: {data[1]}"
            elif kind == "lookup":
                taken = any((call.line, call.id) == tuple(data) for call in self.calls)
                answer = f"at {data[0]}: {data[1]}" if taken else None
            else:
                self.said.append((kind, data))
            self._changed.notify_all()
            name = data if kind == "wait" else data[0] if kind == "send" else None
            self._changed.wait_for(lambda: name not in self._held)
            return answer

    # -- what a test asks --------------------------------------------------------------------------------------------

    def hold(self, *names: str) -> None:
        """Let the calls of these lines, and the waits of these names, go without an answer until `release`."""
        with self._changed:
            self._held |= set(names)

    def release(self) -> None:
        with self._changed:
            self._held.clear()
            self._changed.notify_all()

    def until(self, happened: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until something was said or done."""
        with self._changed:
            assert self._changed.wait_for(happened, seconds), f"it did not happen within {seconds:g} s"

    def until_heard(self) -> None:
        """Wait until every word of the dead is read."""
        self.until(lambda: self._connections == 0)

    def words(self, kind: str) -> list[Any]:
        with self._changed:
            return [data for one, data in self.said if one == kind]

    def count(self, line: str) -> Counter[str]:
        """Return how often each id was accepted on a line."""
        return Counter(call.id for call in self.calls if call.line == line)


class Wire:
    """The way out of a process."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        self._answers = self._socket.makefile("rb")
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._answers.close()
        self._socket.close()

    def say(self, kind: str, data: Any) -> None:
        with self._lock:
            self._socket.sendall(json.dumps([kind, data]).encode() + b"\n")

    def ask(self, kind: str, data: Any) -> Any:
        with self._lock:
            self._socket.sendall(json.dumps([kind, data]).encode() + b"\n")
            return json.loads(self._answers.readline())


class Nowhere:
    """A way out that leads nowhere: everything is accepted, and nobody has heard it."""

    def ask(self, kind: str, _data: Any) -> Any:
        return kind


class Asks(Protocol):
    """Whatever leads to a provider."""

    def ask(self, kind: str, data: Any) -> Any: ...


class Line:
    """A channel whose provider is outside.

    Args:
        wire: How it is reached: a `Wire`, or the `Outside` itself.
        name: Which of `LINES`.
        reach: Called with `call` before a call and with `accepted` before its answer is read.
    """

    def __init__(self, wire: Asks, name: str, reach: Callable[[str], None]) -> None:
        self.name = name
        self.capabilities = LINES[name]
        self._wire = wire
        self._reach = reach

    def send(self, message: Outbound) -> Delivery:
        self._reach("call")
        answer = self._wire.ask("send", [self.name, message.id, message.possible_duplicate, message.body[:40]])
        self._reach("accepted")
        return Accepted(answer)

    def lookup(self, message_id: str) -> Accepted | None:
        answer = self._wire.ask("lookup", [self.name, message_id])
        return None if answer is None else Accepted(answer)


def lines(wire: Asks, reach: Callable[[str], None] = lambda _point: None) -> list[Line]:
    return [Line(wire, name, reach) for name in LINES]
