"""Channel adapters with one planted fault each; the contract has to find all of them. No tests in here."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
from collections.abc import Iterable
from typing import Any

import attrs
from tests.contract.sound_channel import ABLE, Sound, read_id, text

from supportkit.channels.http import Broken
from supportkit.channels.inbound import Arrived, Authenticity, Inbound, Payload, Receipt, Unparsed, Verified
from supportkit.channels.port import Accepted, Deferred, Delivery, Outbound, Reason, Rejected
from supportkit.channels.transport import HttpAnswer
from supportkit.errors import MalformedPayload, SignatureMismatch

# -- the eight that the contract promises to find ------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class LeaksTypeError(Sound):
    """Expects that a list is a list and an entry a dictionary."""

    def _entry(self, index: int, entry: Any) -> Arrived:
        if "status" in entry:
            return super()._entry(index, entry)
        try:
            return Inbound(
                external_id=entry["id"],
                account="shop",
                sender=text(entry["from"]),
                body=text(entry["text"]),
                sent_at=self.instant(entry["at"]),
                auth=Authenticity.VERIFIED,
            )
        except (ValueError, KeyError):
            return Unparsed(index, "not an entry")


@attrs.frozen(kw_only=True)
class LeaksOverflowError(Sound):
    """Makes an instant of whatever number comes; only one field of one kind of entry shows it."""

    def _entry(self, index: int, entry: Any) -> Arrived:
        if isinstance(entry, dict) and "status" in entry and isinstance(entry.get("at"), int | float):
            dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(seconds=entry["at"])
        return super()._entry(index, entry)


@attrs.frozen(kw_only=True)
class NaiveTimes(Sound):
    """Takes the zone of the machine for UTC."""

    def instant(self, value: Any) -> dt.datetime:
        super().instant(value)
        return dt.datetime.fromtimestamp(value).replace(tzinfo=dt.UTC)  # noqa: DTZ006 - the fault


@attrs.frozen(kw_only=True)
class NaiveSignedAt(Sound):
    """Says when a delivery was signed, without a zone."""

    def verify(self, payload: Payload) -> Verified:
        return attrs.evolve(super().verify(payload), signed_at=dt.datetime(2026, 3, 2, 9))  # noqa: DTZ001 - the fault


_numbers = itertools.count()


@attrs.frozen(kw_only=True)
class NewIdsAtEachParse(Sound):
    """Gives a message an id of its own where the provider's would do."""

    def receive(self, payload: Payload) -> Iterable[Arrived]:
        for one in super().receive(payload):
            yield attrs.evolve(one, external_id=f"m{next(_numbers)}") if isinstance(one, Inbound) else one


@attrs.frozen(kw_only=True)
class RejectsTheThrottled(Sound):
    def judge(self, answer: HttpAnswer) -> Delivery:
        if isinstance(answer.status, int) and 400 <= answer.status < 500 and answer.status != 401:
            return Rejected(Reason.POLICY)
        return super().judge(answer)


@attrs.frozen(kw_only=True)
class RaisesOnTimeOut(Sound):
    def judge(self, answer: HttpAnswer) -> Delivery:
        if answer.status is Broken.AFTER_SENDING:
            raise TimeoutError("no answer")
        return super().judge(answer)


@attrs.frozen(kw_only=True)
class CutsLongBodies(Sound):
    def send(self, message: Outbound) -> Delivery:
        return super().send(attrs.evolve(message, body=message.body[: ABLE.max_body_chars]))


@attrs.frozen(kw_only=True)
class VerifiesWithoutASecret(Sound):
    def verify(self, payload: Payload) -> Verified:
        return super().verify(payload) if self.secrets else Verified()


# -- and more that people make -------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class UnescapesTexts(Sound):
    def _entry(self, index: int, entry: Any) -> Arrived:
        import html

        found = super()._entry(index, entry)
        return attrs.evolve(found, body=html.unescape(found.body)) if isinstance(found, Inbound) else found


@attrs.frozen(kw_only=True)
class StripsTexts(Sound):
    def send(self, message: Outbound) -> Delivery:
        import re

        return super().send(attrs.evolve(message, body=re.sub(r"<[^>]*>", "", message.body)))


@attrs.frozen(kw_only=True)
class LosesTheBatch(Sound):
    def receive(self, payload: Payload) -> Iterable[Arrived]:
        found = list(super().receive(payload))
        if any(isinstance(one, Unparsed) for one in found):
            raise MalformedPayload("one of them is wrong")
        return found


@attrs.frozen(kw_only=True)
class LeaksNumbers(Sound):
    """Hands on what stands in a field, whatever it is."""

    def _entry(self, index: int, entry: Any) -> Arrived:
        found = super()._entry(index, entry)
        return attrs.evolve(found, body=entry["text"]) if isinstance(found, Inbound) else self._raw(index, entry, found)

    def _raw(self, index: int, entry: Any, found: Arrived) -> Arrived:
        if isinstance(entry, dict) and isinstance(entry.get("text"), int) and isinstance(entry.get("id"), str):
            return Inbound(external_id=entry["id"] or "?", account="shop", sender="17", body=entry["text"])
        return found


@attrs.frozen(kw_only=True)
class AcceptsGarbage(Sound):
    def judge(self, answer: HttpAnswer) -> Delivery:
        if answer.status == 200:
            try:
                return Accepted(read_id(answer.body))
            except ValueError:
                return Accepted()
        return super().judge(answer)


@attrs.frozen(kw_only=True)
class SaysUnavailableWhenTaken(Sound):
    def judge(self, answer: HttpAnswer) -> Delivery:
        return Deferred("unavailable") if isinstance(answer.status, Broken) else super().judge(answer)


@attrs.frozen(kw_only=True)
class ForgetsRetryAfter(Sound):
    def judge(self, answer: HttpAnswer) -> Delivery:
        return super().judge(attrs.evolve(answer, headers={}))


@attrs.frozen(kw_only=True)
class GivesUpAtServerErrors(Sound):
    def judge(self, answer: HttpAnswer) -> Delivery:
        return Rejected(Reason.POLICY) if answer.status in {500, 502, 504} else super().judge(answer)


@attrs.frozen(kw_only=True)
class RefusesNothing(Sound):
    def judge(self, answer: HttpAnswer) -> Delivery:
        return Deferred("uncertain") if answer.status == 400 else super().judge(answer)


@attrs.frozen(kw_only=True)
class WaitsForEver(Sound):
    def _call(self, method: str, path: str, body: bytes | None, timeout: float) -> HttpAnswer:
        return super()._call(method, path, body, 60.0)


@attrs.frozen(kw_only=True)
class SendsWithNewKeys(Sound):
    def send(self, message: Outbound) -> Delivery:
        return super().send(attrs.evolve(message, id=f"{message.id}-{next(_numbers)}"))


@attrs.frozen(kw_only=True)
class FindsWhatItDoesNotKnow(Sound):
    def lookup(self, message_id: str) -> Accepted | None:
        return super().lookup(message_id) or Accepted(message_id)


@attrs.frozen(kw_only=True)
class TakesSilenceForNo(Sound):
    def lookup(self, message_id: str) -> Accepted | None:
        try:
            return super().lookup(message_id)
        except ConnectionError:
            return None


@attrs.frozen(kw_only=True)
class OnlyTheFirstSecret(Sound):
    def verify(self, payload: Payload) -> Verified:
        return Sound.verify(attrs.evolve(self, secrets=self.secrets[:1]), payload)


@attrs.frozen(kw_only=True)
class LetsTheUnsignedIn(Sound):
    def verify(self, payload: Payload) -> Verified:
        return super().verify(payload) if payload.header_values("X-Hub-Signature-256") else Verified()


@attrs.frozen(kw_only=True)
class VerifiesTheParsedBody(Sound):
    """Signs what it has read and written again: white space and escapes are changed unseen."""

    def verify(self, payload: Payload) -> Verified:
        try:
            again = json.dumps(json.loads(payload.body)).encode()
        except ValueError:
            raise SignatureMismatch("malformed") from None
        return super().verify(attrs.evolve(payload, body=again))


@attrs.frozen(kw_only=True)
class ComparesText(Sound):
    """`compare_digest` raises on a text that is not ASCII."""

    def verify(self, payload: Payload) -> Verified:
        import hmac

        for value in payload.header_values("X-Hub-Signature-256"):
            hmac.compare_digest(value, "sha256=")
        return super().verify(payload)


@attrs.frozen(kw_only=True)
class TellsTheSecret(Sound):
    token: Any = attrs.field(converter=str)

    def _call(self, method: str, path: str, body: bytes | None, timeout: float) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return self.call(method, self.api + path, headers=headers, body=body, timeout=timeout)


@attrs.frozen(kw_only=True)
class LogsTheWords(Sound):
    def send(self, message: Outbound) -> Delivery:
        logging.getLogger("plain").debug("sending %s", message.body)
        return super().send(message)


@attrs.define(kw_only=True)
class KeepsTheLastMessage(Sound):
    """Is not frozen and answers with what another thread left."""

    last: str = ""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def send(self, message: Outbound) -> Delivery:
        self.last = message.body  # type: ignore[misc]
        return super().send(message)


@attrs.frozen(kw_only=True)
class TurnsReceiptsRound(Sound):
    def _entry(self, index: int, entry: Any) -> Arrived:
        found = super()._entry(index, entry)
        return attrs.evolve(found, external_id="m-0") if isinstance(found, Receipt) else found


@attrs.frozen(kw_only=True)
class ReadsText(Sound):
    def receive(self, payload: Any) -> Iterable[Arrived]:
        return super().receive(payload if isinstance(payload, Payload) else Payload(body=str(payload).encode()))


@attrs.frozen(kw_only=True)
class AnswersEverything(Sound):
    def answer(self, payload: Payload) -> Any:
        from supportkit.channels.inbound import Answer

        return super().answer(payload) or Answer()
