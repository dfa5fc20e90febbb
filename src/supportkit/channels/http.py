"""What an answer over HTTP means for a delivery: one table for all adapters.

The line that matters runs between *surely not taken* and *perhaps taken*: only the first may be repeated freely.
Sources: RFC 9110 sections 10.2.3 (Retry-After) and 15; RFC 6585 section 4 (429).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum

from supportkit.channels.port import Accepted, Deferred, Delivery, Reason, Rejected

MAX_ANSWER = 500
"""Characters of a provider's answer that are kept."""
MAX_WAIT = dt.timedelta(days=1)
_SECONDS = re.compile(r"[0-9]{1,9}")
_REJECTED = {
    400: Reason.POLICY,
    403: Reason.BLOCKED,
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    413: Reason.TOO_LONG,
    415: Reason.UNSUPPORTED,
    422: Reason.POLICY,
}


class Broken(StrEnum):
    """Where a call broke off without an answer."""

    BEFORE_SENDING = "before_sending"
    """No connection, no name, no TLS: nothing was written."""
    AFTER_SENDING = "after_sending"
    """A reset or a time-out after the request was written."""


def delivery_from_http(  # noqa: PLR0911 - one return a row of the table
    status: int | Broken,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    read_id: Callable[[bytes], str | None] | None = None,
    now: dt.datetime | None = None,
) -> Delivery:
    """Return what an HTTP answer means.

    2xx is accepted; 429 and 503 are deferred for as long as Retry-After says; 408, 500, 502, 504, a reset or time-out
    after the request was written, and a 2xx that cannot be read are `Deferred("uncertain")`; what broke before is
    `unavailable`; 401 is `auth`, because the account is at fault and not the message; 3xx and other 4xx are rejected.

    Args:
        status: The status code, or where the call broke.
        headers: The headers of the answer.
        body: The body of the answer; of refusals its beginning is kept.
        read_id: Returns the provider's id of the message out of the body of a 2xx; whatever it raises means that the
            body cannot be read.
        now: The instant that a Retry-After with a date is compared with.
    """
    if isinstance(status, Broken):
        is_unsent = status is Broken.BEFORE_SENDING
        return Deferred(Reason.UNAVAILABLE if is_unsent else Reason.UNCERTAIN)
    answer = body[: MAX_ANSWER * 4].decode("utf-8", "replace")[:MAX_ANSWER]
    if 200 <= status < 300:  # noqa: PLR2004 - a class of RFC 9110
        if read_id is None:
            return Accepted()
        try:
            return Accepted(read_id(body))
        except Exception:  # noqa: BLE001 - whatever an unreadable body does to a parser
            return Deferred(Reason.UNCERTAIN, answer=answer)
    if status in {429, 503}:
        reason = Reason.THROTTLED if status == 429 else Reason.UNAVAILABLE  # noqa: PLR2004 - RFC 6585
        return Deferred(reason, retry_after=_retry_after(headers or {}, now), answer=answer)
    if status == 401:  # noqa: PLR2004 - the account is at fault, not the message
        return Deferred(Reason.AUTH, answer=answer)
    if status == 408 or status >= 500 or status < 200:  # noqa: PLR2004 - classes of RFC 9110
        return Deferred(Reason.UNCERTAIN, answer=answer)
    return Rejected(_REJECTED.get(status, Reason.POLICY), answer=answer)


def delivery_from_error(error: Exception) -> Delivery:
    """Return what it means that there was no answer: only a connection that was refused surely carried nothing."""
    is_refused = isinstance(error, ConnectionRefusedError)
    return delivery_from_http(Broken.BEFORE_SENDING if is_refused else Broken.AFTER_SENDING)


def _retry_after(headers: Mapping[str, str], now: dt.datetime | None) -> dt.timedelta | None:
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "").strip()
    if _SECONDS.fullmatch(value):
        return min(dt.timedelta(seconds=int(value)), MAX_WAIT)
    if now is None or not value:
        return None
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
    return min(max(at - now, dt.timedelta(0)), MAX_WAIT)
