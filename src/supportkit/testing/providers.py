"""A fake provider: a real HTTP server on 127.0.0.1 that takes messages, keeps a log, and fails by script.

No mock: what "refused" and "perhaps accepted" look like on the wire is the difference that an outbox is about.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from supportkit.channels.http import delivery_from_error, delivery_from_http
from supportkit.channels.port import Accepted, Capabilities, Delivery, Outbound
from supportkit.clock import SystemClock

_LARGEST = 1_000_000


@attrs.frozen
class _Fault:
    """What becomes of one call: whether the message is taken, and how the provider answers."""

    takes: bool
    answer: str
    status: int = 201
    retry_after: str | None = None


class FakeProvider:
    """A provider of chat messages: `POST /messages` takes one, `GET /messages/<id>` tells whether it was taken.

    Args:
        dedupes: Takes our id as a key: a repeat gets the first answer and nothing is taken again.
        log: A file to which each message that was taken is appended at once; it outlives the process.

    Attributes:
        taken: What was taken, as the JSON that came.
        calls: How many messages were offered.
    """

    def __init__(self, *, dedupes: bool = False, log: Path | None = None) -> None:
        self.taken: list[dict[str, Any]] = []
        self.calls = 0
        self._dedupes = dedupes
        self._log = log
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._release = threading.Event()
        provider = self

        class Handler(_Handler):
            owner = provider

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    # -- faults by script ------------------------------------------------------------------------------------------

    def fail_next(self, status: int, *, times: int = 1, retry_after: str | None = None) -> None:
        """Take nothing and answer with *status*."""
        self._faults += [_Fault(takes=False, answer="plain", status=status, retry_after=retry_after)] * times

    def hang(self, *, times: int = 1) -> None:
        """Take nothing and do not answer."""
        self._faults += [_Fault(takes=False, answer="hang")] * times

    def accept_then_hang(self, *, times: int = 1) -> None:
        """Take the message and do not answer."""
        self._faults += [_Fault(takes=True, answer="hang")] * times

    def accept_then_drop(self, *, times: int = 1) -> None:
        """Take the message and reset the connection."""
        self._faults += [_Fault(takes=True, answer="reset")] * times

    def accept_then_fail(self, status: int, *, times: int = 1) -> None:
        """Take the message and answer with *status* all the same."""
        self._faults += [_Fault(takes=True, answer="plain", status=status)] * times

    def garbage(self, *, times: int = 1) -> None:
        """Take the message and answer 200 with bytes that mean nothing."""
        self._faults += [_Fault(takes=True, answer="garbage")] * times

    def answer_twice(self, *, times: int = 1) -> None:
        """Take the message and send the answer twice."""
        self._faults += [_Fault(takes=True, answer="twice")] * times

    # -- what the handler asks ---------------------------------------------------------------------------------------

    def _offer(self, message: dict[str, Any]) -> _Fault:
        with self._lock:
            self.calls += 1
            fault = self._faults.pop(0) if self._faults else _Fault(takes=True, answer="plain")
            if fault.takes and not (self._dedupes and self._has(message["id"])):
                self.taken.append(message)
                if self._log is not None:
                    with self._log.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(message) + "\n")
                        file.flush()
                        os.fsync(file.fileno())
            return fault

    def _has(self, message_id: str) -> bool:
        return any(message["id"] == message_id for message in self.taken)

    def _finds(self, message_id: str) -> bool:
        with self._lock:
            return self._has(message_id)


class _Handler(BaseHTTPRequestHandler):
    owner: FakeProvider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= _LARGEST:
            self._answer(413, {})
            return
        message = json.loads(self.rfile.read(length))
        fault = self.owner._offer(message)  # noqa: SLF001 - the other half of the server
        match fault.answer:
            case "hang":
                self.owner._release.wait()  # noqa: SLF001
                self.close_connection = True
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
            case "garbage":
                self._send(200, b"\xff<html>\x00{", None)
            case _:
                for _ in range(2 if fault.answer == "twice" else 1):
                    self._answer(fault.status, {"id": f"ext-{message['id']}"}, fault.retry_after)

    def do_GET(self) -> None:
        message_id = self.path.removeprefix("/messages/")
        if self.owner._finds(message_id):  # noqa: SLF001
            self._answer(200, {"id": f"ext-{message_id}"})
        else:
            self._answer(404, {})

    def _answer(self, status: int, body: dict[str, Any], retry_after: str | None = None) -> None:
        self._send(status, json.dumps(body).encode(), retry_after)

    def _send(self, status: int, body: bytes, retry_after: str | None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def finish(self) -> None:
        if not self.connection._closed:  # noqa: SLF001 - a reset has closed it already
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called there
        """Say nothing."""


@attrs.frozen(kw_only=True)
class FakeChannel:
    """The adapter for a `FakeProvider` at *port*."""

    port: int
    name: str = "app"
    capabilities: Capabilities = attrs.field(factory=lambda: Capabilities(family="chat"))

    def send(self, message: Outbound) -> Delivery:
        """Hand one message over."""
        body = json.dumps({"id": message.id, "to": message.recipient, "text": message.body})
        try:
            status, headers, answer = self._call("POST", "/messages", body, message.timeout)
        except (OSError, http.client.HTTPException) as error:
            return delivery_from_error(error)
        return delivery_from_http(status, dict(headers), answer, read_id=_read_id, now=SystemClock().now())

    def lookup(self, message_id: str) -> Accepted | None:
        """Ask whether it was taken."""
        status, _headers, answer = self._call("GET", f"/messages/{message_id}", None, self.capabilities.timeout)
        if status == http.HTTPStatus.NOT_FOUND:
            return None
        if status != http.HTTPStatus.OK:
            raise OSError(f"the provider answered {status} to a look-up")
        return Accepted(_id_in(answer))

    def _call(
        self, method: str, path: str, body: str | None, timeout: float
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.headers, response.read(_LARGEST)
        finally:
            connection.close()


def _read_id(answer: bytes) -> str:
    """Return the id in the body of an answer; without one it cannot be read."""
    found = _id_in(answer)
    if found is None:
        raise ValueError("there is no id in the answer")
    return found


def _id_in(answer: bytes) -> str | None:
    try:
        found = json.loads(answer)
    except ValueError:
        return None
    external_id = found.get("id") if isinstance(found, dict) else None
    return external_id if isinstance(external_id, str) and external_id else None
