"""Slack, Twilio, Meta and Telegram, as far as a support desk meets them.

Sources: the providers' public references: Slack `chat.postMessage` and the Events API; Twilio Programmable Messaging;
Meta's Graph API for WhatsApp and Messenger; the Telegram Bot API.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import attrs

from supportkit.channels.inbound import Payload
from supportkit.channels.measure import measure
from supportkit.testing.fakes.wire import Reply, Request, Taken, Wait, reply, retry_header

_JSON = ("Content-Type", "application/json")
_REFUSED = 400
_CUT = 40_000


def _mac(secret: str, message: bytes, digest: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), message, digest).digest()


def _part(said: Mapping[str, Any], name: str, inner: str) -> Any:
    found = said.get(name)
    return found.get(inner) if isinstance(found, dict) else None


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), wanted.encode())


@attrs.frozen(kw_only=True)
class Telegram:
    """The Bot API: `/bot<token>/sendMessage`; deliveries carry the secret token.

    Attributes:
        chats: The chats that it knows; `None`: all.
        blocked: Chats whose people have blocked the bot.
    """

    token: str = attrs.field(default="1000:telegram-bot-token", repr=False)
    secret_token: str = attrs.field(default="telegram-secret-token", repr=False)
    chats: frozenset[str] | None = None
    blocked: frozenset[str] = frozenset()

    def read(self, request: Request, taken: Sequence[Taken]) -> Taken | Reply:
        """Take a `sendMessage`."""
        del taken
        if not _same(request.path, f"/bot{self.token}/sendMessage"):
            is_ours = request.path.startswith(f"/bot{self.token}/")
            return self.error(404 if is_ours else 401, None)
        said = request.json() or request.form()
        chat, text = str(said.get("chat_id", "")), said.get("text")
        if not isinstance(text, str) or not text.strip():
            return self._bad(400, "Bad Request: message text is empty")
        if measure(text, "utf16") > 4096:  # noqa: PLR2004 - the limit of the Bot API
            return self._bad(400, "Bad Request: message is too long")
        if chat in self.blocked:
            return self._bad(403, "Forbidden: bot was blocked by the user")
        if not re.fullmatch(r"-?[0-9]{1,20}", chat) or (self.chats is not None and chat not in self.chats):
            return self._bad(400, "Bad Request: chat not found")
        return Taken(recipient=chat, body=text, details=said)

    def accepted(self, taken: Taken) -> Reply:
        """Return the message as sent."""
        chat = {"id": int(taken.recipient), "type": "private"}
        return reply(200, {"ok": True, "result": {"message_id": int(taken.id), "chat": chat, "text": taken.body}})

    def error(self, status: int, retry_after: Wait) -> Reply:
        """Return a fault with its description; a wait stands in the body."""
        words = {400: "Bad Request: chat not found", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
        more = {} if retry_after is None else {"parameters": {"retry_after": retry_after}}
        return self._bad(status, words.get(status, "Internal Server Error"), **more)

    def _bad(self, status: int, words: str, **more: Any) -> Reply:
        return reply(status, {"ok": False, "error_code": status, "description": words, **more})

    def new_id(self, number: int) -> str:
        """Count."""
        return str(number)

    def delivery(self, *events: Mapping[str, Any], number: int = 1, url: str | None = None) -> Payload:
        """Return one update; *events* are its parts, such as `{"message": {...}}`."""
        update: dict[str, Any] = {"update_id": number}
        for event in events:
            update |= event
        headers = (_JSON, ("X-Telegram-Bot-Api-Secret-Token", self.secret_token))
        return Payload(body=json.dumps(update).encode(), headers=headers, url=url)


@attrs.frozen(kw_only=True)
class Slack:
    """`/api/chat.postMessage` with a bearer token; deliveries are signed with a time.

    Attributes:
        channels: The channels that it knows; `None`: all.
        at: Unix time of the signatures, in seconds.
    """

    token: str = attrs.field(default="xoxb-slack-token", repr=False)
    signing_secret: str = attrs.field(default="slack-signing-secret", repr=False)
    channels: frozenset[str] | None = None
    at: int = 1_772_442_000

    def read(self, request: Request, taken: Sequence[Taken]) -> Taken | Reply:
        """Take a message; texts are cut at 40,000 characters, as Slack does."""
        del taken
        if request.path != "/api/chat.postMessage":
            return reply(404, {"ok": False, "error": "unknown_method"})
        if not _same(request.headers.get("authorization"), f"Bearer {self.token}"):
            return self._no("invalid_auth")
        said = request.json() or request.form()
        text, channel = str(said.get("text", "")), str(said.get("channel", ""))
        if not text:
            return self._no("no_text")
        if not channel or (self.channels is not None and channel not in self.channels):
            return self._no("channel_not_found")
        return Taken(recipient=channel, body=text[:_CUT], key=said.get("client_msg_id"), details=said)

    def accepted(self, taken: Taken) -> Reply:
        """Return the time stamp, which is the message's id."""
        return reply(200, {"ok": True, "channel": taken.recipient, "ts": taken.id})

    def error(self, status: int, retry_after: Wait) -> Reply:
        """Refuse with 200 and a word; throttle with 429."""
        if status in {400, 401, 403}:
            return self._no("channel_not_found" if status == _REFUSED else "invalid_auth")
        return reply(status, {"ok": False, "error": "ratelimited"}, *retry_header(retry_after))

    def _no(self, word: str) -> Reply:
        return reply(200, {"ok": False, "error": word})

    def new_id(self, number: int) -> str:
        """Return a time stamp of Slack."""
        return f"{self.at}.{number:06d}"

    def delivery(self, *events: Mapping[str, Any], number: int = 1, url: str | None = None) -> Payload:
        """Return one `event_callback`, or the one event as it is where it names its own outer `type`."""
        event = dict(events[0]) if events else {}
        told = {"type": "event_callback", "event_id": f"Ev{number:08d}", "team_id": "T1", "event": event}
        body = json.dumps(event if event.get("type") == "url_verification" else told).encode()
        signature = "v0=" + _mac(self.signing_secret, b"v0:%d:" % self.at + body).hex()
        headers = (_JSON, ("X-Slack-Request-Timestamp", str(self.at)), ("X-Slack-Signature", signature))
        return Payload(body=body, headers=headers, url=url)


@attrs.frozen(kw_only=True)
class Twilio:
    """`/2010-04-01/Accounts/<sid>/Messages.json` with basic authentication; deliveries are signed forms."""

    sid: str = "AC00000000000000000000000000000001"
    token: str = attrs.field(default="twilio-auth-token", repr=False)
    opted_out: frozenset[str] = frozenset()

    def read(  # noqa: PLR0911 - one return a code of the provider
        self, request: Request, taken: Sequence[Taken]
    ) -> Taken | Reply:
        """Take a message of at most 1,600 characters to a telephone number."""
        del taken
        if request.path != f"/2010-04-01/Accounts/{self.sid}/Messages.json":
            return self._no(404, 20404, "not found")
        wanted = base64.b64encode(f"{self.sid}:{self.token}".encode()).decode()
        if not _same(request.headers.get("authorization"), f"Basic {wanted}"):
            return self._no(401, 20003, "Authenticate")
        said = request.form()
        to, text = said.get("To", ""), said.get("Body", "")
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
            return self._no(400, 21211, "Invalid 'To' Phone Number")
        if to in self.opted_out:
            return self._no(400, 21610, "Attempt to send to unsubscribed recipient")
        if not text:
            return self._no(400, 21602, "Message body is required")
        if len(text) > 1600:  # noqa: PLR2004 - the limit of the provider
            return self._no(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        return Taken(recipient=to, body=text, account=said.get("From", ""), details=said)

    def accepted(self, taken: Taken) -> Reply:
        """Return the resource, which is queued."""
        return reply(201, {"sid": taken.id, "status": "queued", "to": taken.recipient, "body": taken.body})

    def error(self, status: int, retry_after: Wait) -> Reply:
        """Return a fault with its code."""
        codes = {400: 21211, 401: 20003, 404: 20404, 429: 20429}
        return self._no(status, codes.get(status, 20500), "a fault by script", *retry_header(retry_after))

    def _no(self, status: int, code: int, words: str, *headers: tuple[str, str]) -> Reply:
        return reply(status, {"code": code, "message": words, "status": status}, *headers)

    def new_id(self, number: int) -> str:
        """Return a SID."""
        return f"SM{number:032x}"

    def delivery(self, *events: Mapping[str, Any], number: int = 1, url: str | None = None) -> Payload:
        """Return one form; its fields are those of the first event, with a `MessageSid` where that has none."""
        event = dict(events[0]) if events else {}
        fields = {"MessageSid": f"SM9{number:031x}"} | {name: str(value) for name, value in event.items()}
        address = url or "https://desk.example/twilio"
        signed = address + "".join(name + value for name, value in sorted(fields.items()))
        signature = base64.b64encode(_mac(self.token, signed.encode(), "sha1")).decode()
        headers = (("Content-Type", "application/x-www-form-urlencoded"), ("X-Twilio-Signature", signature))
        return Payload(body=urlencode(fields).encode(), headers=headers, url=address)


@attrs.frozen(kw_only=True)
class Meta:
    """WhatsApp (`/<version>/<number>/messages`) and Messenger (`/<version>/me/messages`); deliveries are signed.

    Attributes:
        closed: Recipients whose reply window is over.
    """

    token: str = attrs.field(default="meta-access-token", repr=False)
    app_secret: str = attrs.field(default="meta-app-secret", repr=False)
    number_id: str = "1059"
    closed: frozenset[str] = frozenset()

    def read(self, request: Request, taken: Sequence[Taken]) -> Taken | Reply:
        """Take a text of WhatsApp (4,096 characters) or Messenger (2,000)."""
        del taken
        found = re.fullmatch(r"/v[0-9]+\.[0-9]+/(me|[0-9]+)/messages", request.path)
        if found is None or found[1] not in {"me", self.number_id}:
            return self._no(404, 100, "Unsupported post request")
        if not _same(request.headers.get("authorization"), f"Bearer {self.token}"):
            return self._no(401, 190, "Invalid OAuth access token")
        said = request.json()
        is_messenger = found[1] == "me"
        recipient = _part(said, "recipient", "id") if is_messenger else said.get("to")
        text = _part(said, "message", "text") if is_messenger else _part(said, "text", "body")
        if not isinstance(recipient, str) or not isinstance("" if text is None and "template" in said else text, str):
            return self._no(400, 100, "Invalid parameter")
        if recipient in self.closed and "template" not in said:
            return self._no(400, 131047, "Re-engagement message")
        if len(text or "") > (2000 if is_messenger else 4096):
            return self._no(400, 100, "Message is too long")
        return Taken(recipient=recipient, body=text or "", account=found[1], details=said)

    def accepted(self, taken: Taken) -> Reply:
        """Return the id in the form of the product."""
        if taken.account == "me":
            return reply(200, {"recipient_id": taken.recipient, "message_id": taken.id})
        contacts = [{"input": taken.recipient, "wa_id": taken.recipient}]
        return reply(200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": taken.id}]})

    def error(self, status: int, retry_after: Wait) -> Reply:
        """Return a fault of the Graph API."""
        codes = {400: 131026, 401: 190, 429: 130429}
        return self._no(status, codes.get(status, 131000), "a fault by script", *retry_header(retry_after))

    def _no(self, status: int, code: int, words: str, *headers: tuple[str, str]) -> Reply:
        return reply(status, {"error": {"message": words, "code": code, "type": "OAuthException"}}, *headers)

    def new_id(self, number: int) -> str:
        """Return a `wamid`."""
        return f"wamid.{number:024d}"

    def delivery(self, *events: Mapping[str, Any], number: int = 1, url: str | None = None) -> Payload:
        """Return one batch; each event is the `value` of a change."""
        changes = [{"field": "messages", "value": dict(event)} for event in events]
        told = {"object": "whatsapp_business_account", "entry": [{"id": str(number), "changes": changes}]}
        body = json.dumps(told).encode()  # Meta escapes what is not ASCII, and signs the escapes
        signature = "sha256=" + hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return Payload(body=body, headers=(_JSON, ("X-Hub-Signature-256", signature)), url=url)
