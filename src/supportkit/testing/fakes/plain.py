"""Providers of no brand: one for each class of adapter, and one that receives webhooks.

The class says how a send in doubt can be settled: an idempotent provider takes a key, a reconcilable one can be asked,
the third can neither.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import attrs

from supportkit.channels.inbound import Payload
from supportkit.channels.signing import StandardWebhook
from supportkit.clock import Clock, SystemClock
from supportkit.errors import SignatureMismatch
from supportkit.testing.fakes.wire import Reply, Request, Taken, Wait, reply, retry_header

MAX_BODY_CHARS = 2000
_JSON = ("Content-Type", "application/json")


@attrs.frozen(kw_only=True)
class Plain:
    """`POST /messages` with `to`, `text` and perhaps `key`; `GET /messages/<key>` where it can be asked.

    Attributes:
        dedupes: A key that was taken before is answered as then, and taken once.
        finds: It tells what it took under a key.
        secret: Deliveries carry `X-Hub-Signature-256` with it.
    """

    dedupes: bool = False
    finds: bool = False
    token: str = attrs.field(default="plain-token", repr=False)
    secret: str = attrs.field(default="plain-secret", repr=False)

    def read(self, request: Request, taken: Sequence[Taken]) -> Taken | Reply:
        """Take a message, or tell of one."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self.error(401, None)
        if request.method == "GET" and self.finds and request.path.startswith("/messages/"):
            wanted = unquote(request.path.removeprefix("/messages/"))
            return next((one for one in taken if one.key == wanted), self.error(404, None))
        if request.method != "POST" or request.path != "/messages":
            return self.error(404, None)
        said = request.json()
        to, text, key = said.get("to"), said.get("text"), said.get("key")
        if not isinstance(to, str) or not to or not isinstance(text, str) or len(text) > MAX_BODY_CHARS:
            return self.error(400, None)
        if self.dedupes and key is not None:
            known = next((one for one in taken if one.key == key), None)
            if known is not None:
                return known
        return Taken(recipient=to, body=text, key=key, details=said)

    def accepted(self, taken: Taken) -> Reply:
        """Return the id."""
        return reply(200, {"id": taken.id, "key": taken.key})

    def error(self, status: int, retry_after: Wait) -> Reply:
        """Return a fault."""
        return reply(status, {"error": status}, *retry_header(retry_after))

    def new_id(self, number: int) -> str:
        """Count."""
        return f"m-{number}"

    def delivery(self, *events: Mapping[str, Any], number: int = 1, url: str | None = None) -> Payload:
        """Return a signed batch of *events* as they are."""
        body = json.dumps({"id": f"d-{number}", "entries": [dict(event) for event in events]}).encode()
        signature = "sha256=" + hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        headers = (_JSON, ("X-Hub-Signature-256", signature), ("X-Delivery", f"d-{number}"))
        return Payload(body=body, headers=headers, url=url)


def idempotent(**more: Any) -> Plain:
    """Return a provider that takes a key and sends a repeat once."""
    return Plain(dedupes=True, **more)


def reconcilable(**more: Any) -> Plain:
    """Return a provider that can be asked what it took."""
    return Plain(finds=True, **more)


def neither(**more: Any) -> Plain:
    """Return a provider that leaves a send in doubt in doubt."""
    return Plain(**more)


@attrs.frozen(kw_only=True)
class Receiver:
    """The other end of our own webhooks: any path, signatures of Standard Webhooks.

    Attributes:
        secret: `whsec_` and base64; without one nothing is checked.
        clock: Says when a request arrived.
    """

    secret: str | None = attrs.field(default=None, repr=False)
    clock: Clock = attrs.field(factory=SystemClock)

    def read(self, request: Request, taken: Sequence[Taken]) -> Taken | Reply:
        """Take a webhook that is signed rightly; one that comes again is taken once."""
        if request.method != "POST":
            return self.error(405, None)
        if self.secret is not None:
            payload = Payload(body=request.body, headers=tuple(request.headers.items()), received_at=self.clock.now())
            try:
                StandardWebhook(self.secret).verify(payload)
            except SignatureMismatch as error:
                return reply(401, {"error": error.kind})
        key = request.headers.get("webhook-id")
        known = next((one for one in taken if key is not None and one.key == key), None)
        text = request.body.decode("utf-8", "replace")
        return known or Taken(recipient=request.path, body=text, key=key, details={"headers": dict(request.headers)})

    def accepted(self, taken: Taken) -> Reply:
        """Say nothing more than that it is there."""
        del taken
        return Reply(status=204)

    def error(self, status: int, retry_after: Wait) -> Reply:
        """Return a fault."""
        return reply(status, {"error": status}, *retry_header(retry_after))

    def new_id(self, number: int) -> str:
        """Count."""
        return f"w-{number}"

    def delivery(self, *events: Mapping[str, Any], number: int = 1, url: str | None = None) -> Payload:
        """Return a signed webhook about the first event, as another desk would send it."""
        at = int(self.clock.now().timestamp())
        body = json.dumps(dict(*events[:1])).encode()
        key = base64.b64decode((self.secret or "whsec_").removeprefix("whsec_"))
        mac = hmac.new(key, b"msg_%d.%d." % (number, at) + body, "sha256").digest()
        headers = (
            _JSON,
            ("webhook-id", f"msg_{number}"),
            ("webhook-timestamp", str(at)),
            ("webhook-signature", "v1," + base64.b64encode(mac).decode()),
        )
        return Payload(body=body, headers=headers, url=url)
