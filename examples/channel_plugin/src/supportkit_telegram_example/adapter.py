"""The adapter: updates of the Telegram Bot API in, `sendMessage` out.

Source: the reference of the Bot API, sections "Update", "setWebhook" and "sendMessage".
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import attrs

from supportkit.channels.http import delivery_from_http
from supportkit.channels.inbound import (
    Arrived,
    Authenticity,
    Inbound,
    Mark,
    Payload,
    Signal,
    SignalKind,
    Unparsed,
    Verified,
)
from supportkit.channels.measure import measure
from supportkit.channels.port import Capabilities, Deferred, Delivery, Outbound, Reason, Rejected
from supportkit.channels.signing import SharedToken
from supportkit.channels.transport import HttpAnswer, Transport, http_call
from supportkit.errors import MalformedPayload
from supportkit.secret import Secret, as_secrets

API = "https://api.telegram.org"
MAX_BODY = 4096
MAX_WAIT = 86_400
LATEST = 253_402_300_799
"""The last second of the year 9999."""

ABLE = Capabilities(
    family="messenger",
    addresses="telegram",  # its user 17 is not user 17 of another messenger
    starts=False,  # a bot cannot write to somebody who has not written to it
    signed=True,
    edits=True,
    max_body_chars=MAX_BODY,
    length_unit="utf16",
    timeout=15.0,
)


@attrs.frozen(kw_only=True)
class Telegram:
    """One bot.

    Attributes:
        token: Of the bot, for sending.
        secrets: The secret token of the webhook; several while it is changed.
        api: Where the Bot API is.
        call: Makes the requests.
        account: The name of the bot in a desk, where there are several.
    """

    token: Secret = attrs.field(converter=Secret)
    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)
    api: str = API
    call: Transport = attrs.field(default=http_call, repr=False)
    name: str = "telegram"
    account: str = "bot"
    capabilities: Capabilities = ABLE

    # -- in ----------------------------------------------------------------------------------------------------------

    def verify(self, payload: Payload) -> Verified:
        """Compare the secret token in its header; it says nothing about the body."""
        return SharedToken(self.secrets).verify(payload)

    def receive(self, payload: Payload) -> list[Arrived]:
        """Return what one update says; updates of other kinds say nothing."""
        try:
            update = json.loads(payload.body)
        except (ValueError, RecursionError):
            raise MalformedPayload("an update of Telegram is JSON") from None
        if not isinstance(update, dict) or type(update.get("update_id")) is not int:
            raise MalformedPayload("an update of Telegram is an object with an update_id")
        for kind in ("message", "edited_message", "my_chat_member"):
            if kind in update:
                try:
                    return self._told(kind, update[kind])
                except (ValueError, TypeError, KeyError):
                    return [Unparsed(0, f"a {kind} that cannot be read")]
        return []

    def _told(self, kind: str, told: dict[str, Any]) -> list[Arrived]:
        chat, sender = _number(_object(told)["chat"]["id"]), _object(told.get("from") or {})
        if kind == "my_chat_member":  # the person blocked the bot, or let it in again
            status = _text(told["new_chat_member"]["status"])
            known = {"kicked": SignalKind.OPT_OUT, "member": SignalKind.OPT_IN}
            found = known.get(status)
            return [] if found is None else [Signal(kind=found, account=self.account, sender=chat, thread=chat)]
        number = _number(told["message_id"])
        if kind == "edited_message":
            text = _text(told.get("text", ""))
            return [self._signal(SignalKind.EDITED, chat, sender, external_id=f"{chat}/{number}", value=text)]
        if "migrate_to_chat_id" in told:
            new = _number(told["migrate_to_chat_id"])
            return [self._signal(SignalKind.MIGRATED, chat, sender, value=new)]
        answered = _object(told.get("reply_to_message") or {})
        names = [sender.get("first_name"), sender.get("last_name")]
        return [
            Inbound(
                external_id=f"{chat}/{number}",  # message ids count within a chat
                account=self.account,
                sender=_number(sender["id"]),
                sender_name=" ".join([_text(name) for name in names if name is not None]) or None,
                thread=chat,
                reply_to=(f"{chat}/{_number(answered['message_id'])}",) if answered else (),
                body=_text(told.get("text", told.get("caption", ""))),
                sent_at=_instant(told["date"]),
                auth=Authenticity.VERIFIED,
                marks={Mark.BOT} if sender.get("is_bot") is True else (),
                locale=_locale(sender.get("language_code")),
            )
        ]

    def _signal(self, kind: SignalKind, chat: str, sender: dict[str, Any], **more: Any) -> Signal:
        who = _number(sender["id"]) if sender else ""
        return Signal(kind=kind, account=self.account, sender=who, thread=chat, **more)

    # -- out ---------------------------------------------------------------------------------------------------------

    def send(self, message: Outbound) -> Delivery:
        """Send one text to the chat of the conversation, else to the person."""
        if measure(message.body, "utf16") > MAX_BODY:
            return Rejected(Reason.TOO_LONG)
        said = {"chat_id": message.thread or message.recipient, "text": message.body}
        url = f"{self.api}/bot{self.token.reveal().decode('utf-8', 'replace')}/sendMessage"
        headers = {"Content-Type": "application/json"}
        answer = self.call("POST", url, headers=headers, body=json.dumps(said).encode(), timeout=message.timeout)
        return self._judged(answer)

    def _judged(self, answer: HttpAnswer) -> Delivery:
        found = delivery_from_http(answer.status, answer.headers, answer.body, read_id=_message_id)
        if isinstance(found, Deferred) and found.reason is Reason.THROTTLED:
            return attrs.evolve(found, retry_after=_retry_after(answer.body) or found.retry_after)
        words = found.answer.lower() if isinstance(found, Deferred | Rejected) else ""
        if answer.status == 403:  # the token is right, the person does not want us
            return Rejected(Reason.BLOCKED, answer=found.answer if isinstance(found, Deferred) else "")
        if isinstance(found, Rejected) and "chat not found" in words:
            return Rejected(Reason.BAD_RECIPIENT, answer=found.answer)
        return found


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: Any) -> str:
    """Return an id as text; `True` is no number, and none has more than 64 bits."""
    if type(value) is not int or abs(value) >= 1 << 63:
        raise TypeError("not an id")
    return str(value)


def _instant(value: Any) -> dt.datetime:
    if type(value) is not int or not 0 <= value <= LATEST:
        raise ValueError("not a time")
    return dt.datetime.fromtimestamp(value, dt.UTC)


def _locale(value: Any) -> str | None:
    return value if isinstance(value, str) and value in {"en", "ru", "zh"} else None


def _message_id(body: bytes) -> str:
    """Return the id of what was sent in the form of what arrives, so that an answer to it is recognised."""
    sent = json.loads(body)["result"]
    return f"{_number(sent['chat']['id'])}/{_number(sent['message_id'])}"


def _retry_after(body: bytes) -> dt.timedelta | None:
    try:
        seconds = json.loads(body)["parameters"]["retry_after"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return dt.timedelta(seconds=min(max(seconds, 0), MAX_WAIT)) if type(seconds) is int else None
