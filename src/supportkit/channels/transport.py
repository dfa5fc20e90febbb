"""One HTTP call for adapters, which tells *surely not taken* from *perhaps taken*.

It follows no redirect, takes no proxy from the environment, verifies certificates, and reads no more than it is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

import attrs

from supportkit.channels.http import Broken

MAX_ANSWER_BYTES = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,200}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""One line. The standard library lets folded ones through, which some servers read as a header of their own."""


@attrs.frozen
class HttpAnswer:
    """What came back.

    Attributes:
        status: The status code, or where the call broke.
        headers: As received; of a name that comes twice the last one.
        body: Capped; a longer one is cut.
    """

    status: int | Broken
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)


class Transport(Protocol):
    """What an adapter calls its provider with; a constructor argument, so that another one can take its place."""

    def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout: float
    ) -> HttpAnswer:
        """Make one request and return what came back; what breaks is a value too."""
        ...


def http_call(method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout: float) -> HttpAnswer:
    """Make one request with the standard library, on a connection of its own.

    Args:
        method: GET, POST and so on.
        url: `https://` or `http://`, with host and path.
        headers: Of the request.
        body: Its bytes, if it has any.
        timeout: Seconds that each step may take; the desk limits the call as a whole.

    Returns:
        The answer; `Broken.BEFORE_SENDING` where no connection came about, `Broken.AFTER_SENDING` where one broke.

    Raises:
        ValueError: The address is none, or a header cannot be sent.
    """
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an address of a provider begins with https:// or http:// and has a host")
    _check_headers(headers)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout)
    try:
        try:
            connection.connect()
        except OSError:  # refused, no such name, no TLS, time-out: nothing was written
            return HttpAnswer(Broken.BEFORE_SENDING)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body=body, headers=dict(headers))
            answer = connection.getresponse()
            found = answer.read(MAX_ANSWER_BYTES)
        except (OSError, HTTPException):
            return HttpAnswer(Broken.AFTER_SENDING)
        return HttpAnswer(answer.status, dict(answer.getheaders()), found)
    finally:
        connection.close()


def _check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what cannot be one header, before there is a connection; its words are not repeated."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError("a header has a name of letters, digits and hyphens")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {name!r} is not one line of Latin-1 characters")
