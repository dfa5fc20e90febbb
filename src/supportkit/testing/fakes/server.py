"""`Fake`: a provider as a real HTTP server on 127.0.0.1, with faults by script and a log that survives kills."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import attrs

from supportkit.channels.inbound import Answer, Payload
from supportkit.testing.fakes.wire import Fault, FaultKind, Provider, Reply, Request, Script, Taken, Wait

MAX_BODY = 10_000_000
GARBAGE = b"<html>502 from somewhere in between\xff\xfe"


class Fake:
    """Serves one provider in a thread until it is closed.

    What it takes is on disk before it answers: one line of JSON a message. A fake that is started with the log of an
    earlier one knows what that one took.

    Args:
        provider: What it speaks: `Slack(...)`, `Telegram(...)` and so on.
        log: The file; without one nothing outlives the fake.
        port: 0 takes a free one.
    """

    def __init__(self, provider: Provider, *, log: str | Path | None = None, port: int = 0) -> None:
        self.provider = provider
        self._log = None if log is None else Path(log)
        self._script, self._lock, self._released = Script(), threading.RLock(), threading.Event()
        self._taken = self._read_log()
        self._pending: list[Payload] = []
        self._delivered = 0
        self.requests = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="supportkit-fake", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go what hangs and stop serving."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        """The address of the provider, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # -- what arrived ------------------------------------------------------------------------------------------------

    def arrived(self) -> list[Taken]:
        """Return every message that was taken, in order."""
        with self._lock:
            return list(self._taken)

    def _read_log(self) -> list[Taken]:
        if self._log is None or not self._log.exists():
            return []
        whole = self._log.read_bytes().split(b"\n")[:-1]  # a line without an end was never acknowledged
        self._log.write_bytes(b"".join(line + b"\n" for line in whole))
        return [Taken(**json.loads(line)) for line in whole]

    def _take(self, message: Taken) -> Taken:
        taken = attrs.evolve(message, id=self.provider.new_id(len(self._taken) + 1))
        if self._log is not None:
            with self._log.open("ab") as file:
                file.write(json.dumps(attrs.asdict(taken)).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        self._taken.append(taken)
        return taken

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    def fail_next(self, status: int, *, times: int = 1, retry_after: Wait = None) -> None:
        """Let the next requests fail with *status*; nothing is taken. 400 stands for whatever it calls a refusal."""
        self._script.add(Fault(kind=FaultKind.STATUS, status=status, retry_after=retry_after), times)

    def hang(self, *, seconds: float = 30.0, times: int = 1) -> None:
        """Take nothing and say nothing for *seconds*, then drop the connection."""
        self._script.add(Fault(kind=FaultKind.HANG, seconds=seconds), times)

    def accept_then_drop(self, *, times: int = 1) -> None:
        """Take the message and drop the connection without an answer."""
        self._script.add(Fault(kind=FaultKind.ACCEPT_THEN_DROP), times)

    def accept_then_fail(self, status: int, *, times: int = 1) -> None:
        """Take the message and answer with *status* all the same."""
        self._script.add(Fault(kind=FaultKind.ACCEPT_THEN_STATUS, status=status), times)

    def answer_twice(self, *, times: int = 1) -> None:
        """Take the message and send the answer twice on one connection."""
        self._script.add(Fault(kind=FaultKind.TWICE), times)

    def garbage(self, *, times: int = 1) -> None:
        """Take the message and answer 200 with something that nobody can read."""
        self._script.add(Fault(kind=FaultKind.GARBAGE), times)

    def slow(self, seconds: float, *, times: int = 1) -> None:
        """Take the message and answer *seconds* later."""
        self._script.add(Fault(kind=FaultKind.SLOW, seconds=seconds), times)

    def recover(self) -> None:
        """Forget what was planned and let go what hangs."""
        self._script.clear()
        self._released.set()
        self._released = threading.Event()

    # -- what it delivers --------------------------------------------------------------------------------------------

    def queue(self, *events: Mapping[str, Any], url: str | None = None) -> Payload:
        """Plan one signed delivery that tells of *events*, and return it."""
        with self._lock:
            self._delivered += 1
            number = self._delivered
        payload = self.provider.delivery(*events, number=number, url=url)
        with self._lock:
            self._pending.append(payload)
        return payload

    def deliver_twice(self) -> None:
        """Let every planned delivery come twice."""
        with self._lock:
            self._pending = [payload for payload in self._pending for _ in range(2)]

    def reorder(self) -> None:
        """Let the planned deliveries come the last one first."""
        with self._lock:
            self._pending.reverse()

    def deliver(self, receive: Callable[[Payload], Answer]) -> list[int]:
        """Hand the planned deliveries to an app and return what it answered; all but 2xx are planned again."""
        with self._lock:
            pending, self._pending = self._pending, []
        statuses = [receive(payload).status for payload in pending]
        with self._lock:
            refused = [one for one, status in zip(pending, statuses, strict=True) if not 200 <= status < 300]  # noqa: PLR2004 - a class of RFC 9110
            self._pending = refused + self._pending
        return statuses

    # -- one request -------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply | None:  # noqa: PLR0911 - one return a fault
        """Return what is answered; `None` drops the connection."""
        with self._lock:
            self.requests += 1
        if request.method == "POST" and request.path.startswith("/-/"):
            return self._be_told(request)
        fault = self._script.next()
        released = self._released
        if fault is not None and fault.kind is FaultKind.STATUS:
            return self.provider.error(fault.status, fault.retry_after)
        if fault is not None and fault.kind is FaultKind.HANG:
            released.wait(fault.seconds)
            return None
        answer = self._answered(request)
        if fault is None:
            return answer
        if fault.kind is FaultKind.SLOW:
            released.wait(fault.seconds)
            return answer
        if fault.kind is FaultKind.ACCEPT_THEN_STATUS:
            return self.provider.error(fault.status, fault.retry_after)
        if fault.kind is FaultKind.TWICE:
            return attrs.evolve(answer, times=2)
        return Reply(body=GARBAGE) if fault.kind is FaultKind.GARBAGE else None

    def _answered(self, request: Request) -> Reply:
        with self._lock:  # of two requests with one key, the second one finds what the first one left
            found = self.provider.read(request, tuple(self._taken))
            if isinstance(found, Reply):
                return found
            return self.provider.accepted(found if found.id else self._take(found))

    def _be_told(self, request: Request) -> Reply:
        """Let a fake in another process be scripted: `POST /-/fault` with the attributes of a `Fault`, and `times`."""
        told = request.json()
        times = int(told.pop("times", 1))
        self._script.add(Fault(**told), times)
        return Reply(status=204)


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BODY:
                self.close_connection = True
                self.send_error(413)
                return
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            found = fake.handle(request)
            if found is None:
                self.close_connection = True
                return
            try:
                for _ in range(found.times):
                    self.send_response(found.status)
                    for name, value in (*found.headers, ("Content-Length", str(len(found.body)))):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(found.body)
            except OSError:
                self.close_connection = True  # whoever asked has gone

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_what: Any) -> None:
            """Say nothing."""

    return Handler
