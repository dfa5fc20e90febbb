"""What an answer over HTTP means, for all adapters alike."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from supportkit.channels.http import MAX_ANSWER, Broken, delivery_from_error, delivery_from_http
from supportkit.channels.port import Accepted, Deferred, Reason, Rejected

SECOND = dt.timedelta(seconds=1)
NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


def read_id(body: bytes) -> str:
    return str(json.loads(body)["id"])


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_two_hundred_is_accepted(status: int) -> None:
    assert delivery_from_http(status) == Accepted()
    assert delivery_from_http(status, {}, b'{"id": 7}', read_id=read_id) == Accepted("7")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[" * 100_000, b"\xff"])
def test_two_hundred_that_cannot_be_read_is_in_doubt(body: bytes) -> None:
    found = delivery_from_http(200, {}, body, read_id=read_id)
    assert isinstance(found, Deferred)
    assert found.reason is Reason.UNCERTAIN


@pytest.mark.parametrize("status", [408, 500, 502, 504, 599])
def test_an_error_after_the_request_was_read_is_in_doubt(status: int) -> None:
    assert delivery_from_http(status) == Deferred(Reason.UNCERTAIN)


def test_where_a_call_broke_tells_whether_it_is_in_doubt() -> None:
    assert delivery_from_http(Broken.BEFORE_SENDING) == Deferred(Reason.UNAVAILABLE)
    assert delivery_from_http(Broken.AFTER_SENDING) == Deferred(Reason.UNCERTAIN)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("30", 30 * SECOND),
        ("Mon, 05 Jan 2026 09:01:00 GMT", 60 * SECOND),
        ("Mon, 05 Jan 2026 08:00:00 GMT", 0 * SECOND),
        ("99999999", 86_400 * SECOND),
        ("٣٠", None),
        ("-1", None),
        ("soon", None),
        ("", None),
    ],
)
def test_throttling_says_how_long(value: str, wait: dt.timedelta | None) -> None:
    found = delivery_from_http(429, {"retry-AFTER": value}, now=NOW)
    assert found == Deferred(Reason.THROTTLED, retry_after=wait)
    assert delivery_from_http(503, {"Retry-After": value}, now=NOW) == Deferred(Reason.UNAVAILABLE, retry_after=wait)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, "policy"),
        (400, "policy"),
        (403, "blocked"),
        (404, "not_found"),
        (410, "not_found"),
        (413, "too_long"),
        (418, "policy"),
    ],
)
def test_redirects_and_refusals_are_rejected(status: int, reason: str) -> None:
    assert delivery_from_http(status) == Rejected(reason)


def test_a_refused_login_is_the_accounts_trouble_not_the_messages() -> None:
    assert delivery_from_http(401) == Deferred(Reason.AUTH)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ConnectionRefusedError(), "unavailable"), (ConnectionResetError(), "uncertain"), (TimeoutError(), "uncertain")],
)
def test_only_a_refused_connection_surely_carried_nothing(error: Exception, reason: str) -> None:
    assert delivery_from_error(error) == Deferred(reason)


def test_of_a_refusal_only_the_beginning_is_kept() -> None:
    found = delivery_from_http(400, {}, "й".encode() * 10_000)
    assert isinstance(found, Rejected)
    assert found.answer == "й" * MAX_ANSWER
    assert "й" not in repr(found)
