"""Signatures of webhook deliveries: one small frozen verifier a scheme.

Every verifier takes the secrets of a rotation, newest first, looks at raw bytes only, compares in constant time, and
checks in one order: required headers, syntax, signature, window. Its only error is `SignatureMismatch`, whose text is
the same whatever the delivery was.

Sources: the providers' documentation of signed requests; Standard Webhooks 1.0 (standardwebhooks.com).
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import attrs

from supportkit.channels.inbound import Payload, Verified
from supportkit.errors import SignatureMismatch
from supportkit.secret import Secret, as_secrets

WINDOW = dt.timedelta(seconds=300)
"""How far the time of a signature may lie from its arrival, on both sides; exactly this much is inside."""
_SECONDS = re.compile(r"[0-9]{1,12}")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_HEX = re.compile(r"[0-9a-fA-F]+")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MAX_HEADER = 8192
"""Characters of a header that are looked at; signatures are far shorter."""


def _header(payload: Payload, name: str) -> str:
    """Return a header that must be there once; the same value twice is once."""
    values = set(payload.header_values(name))
    if not values or values == {""}:
        raise SignatureMismatch("missing")
    if len(values) > 1 or any(len(value) > MAX_HEADER for value in values):
        raise SignatureMismatch("malformed")
    return values.pop()


def _configured(secrets: tuple[Secret, ...]) -> tuple[Secret, ...]:
    if not secrets:
        raise SignatureMismatch("misconfigured")
    return secrets


def _unix(text: str) -> dt.datetime:
    if not _SECONDS.fullmatch(text):
        raise SignatureMismatch("malformed")
    try:
        return _EPOCH + dt.timedelta(seconds=int(text))
    except OverflowError:
        raise SignatureMismatch("malformed") from None


def _rfc3339(text: str) -> dt.datetime:
    if not _RFC3339.fullmatch(text):
        raise SignatureMismatch("malformed")
    try:
        return dt.datetime.fromisoformat(text.upper().replace(" ", "T")).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise SignatureMismatch("malformed") from None


def _fresh(payload: Payload, signed_at: dt.datetime) -> None:
    if payload.received_at is None:
        raise SignatureMismatch("misconfigured")
    if abs(payload.received_at - signed_at) > WINDOW:
        raise SignatureMismatch("stale")


def _mac(secret: Secret | bytes, message: bytes, digest: str = "sha256") -> bytes:
    key = secret.reveal() if isinstance(secret, Secret) else secret
    return hmac.new(key, message, digest).digest()


def _any(secrets: Iterable[Secret], given: Iterable[bytes], expected: Callable[[Secret], Iterable[bytes]]) -> None:
    """Raise unless one of the *given* signatures is one of those expected; all are compared, in constant time."""
    entries = list(given)
    is_right = False
    for secret in secrets:
        for wanted in expected(secret):
            for entry in entries:
                is_right |= hmac.compare_digest(entry, wanted)
    if not is_right:
        raise SignatureMismatch("mismatch")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _unhex(text: str, length: int = 64) -> bytes:
    if len(text) != length or not _HEX.fullmatch(text):
        raise SignatureMismatch("malformed")
    return bytes.fromhex(text)


def _unbase64(text: str, length: int | None = None) -> bytes:
    try:
        found = base64.b64decode(_bytes(text), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureMismatch("malformed") from None
    if length is not None and len(found) != length:
        raise SignatureMismatch("malformed")
    return found


@attrs.frozen
class Slack:
    """`v0=` and the hexadecimal HMAC-SHA256 of `v0:timestamp:body`; 300 s."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        stamp, signature = _header(payload, "X-Slack-Request-Timestamp"), _header(payload, "X-Slack-Signature")
        secrets, signed_at = _configured(self.secrets), _unix(stamp)
        version, _, digest = signature.partition("=")
        if version != "v0":
            raise SignatureMismatch("malformed")
        message = b"v0:" + stamp.encode("ascii") + b":" + payload.body
        _any(secrets, [_unhex(digest)], lambda secret: [_mac(secret, message)])
        _fresh(payload, signed_at)
        return Verified(signed_at=signed_at)


@attrs.frozen
class Hub:
    """`sha256=` and the hexadecimal HMAC-SHA256 of the body, without a time: Meta, GitHub and others."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)
    header: str = "X-Hub-Signature-256"
    delivery_header: str | None = None

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        name, _, digest = _header(payload, self.header).partition("=")
        secrets = _configured(self.secrets)
        if name != "sha256":
            raise SignatureMismatch("malformed")
        _any(secrets, [_unhex(digest)], lambda secret: [_mac(secret, payload.body)])
        ids = payload.header_values(self.delivery_header) if self.delivery_header else ()
        return Verified(delivery_id=ids[0] if ids else None)


@attrs.frozen
class BodyDigest:
    """The hexadecimal HMAC-SHA256 of the body alone, in a header of any name."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)
    header: str = "X-Signature"

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        digest = _header(payload, self.header)
        _any(_configured(self.secrets), [_unhex(digest)], lambda secret: [_mac(secret, payload.body)])
        return Verified()


@attrs.frozen
class SharedToken:
    """A header that equals the token: Telegram's `secret_token`. It proves nothing about the body."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)
    header: str = "X-Telegram-Bot-Api-Secret-Token"

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        given = _header(payload, self.header)
        _any(_configured(self.secrets), [_bytes(given)], lambda secret: [secret.reveal()])
        return Verified()


@attrs.frozen
class Zendesk:
    """The base64 HMAC-SHA256 of timestamp and body; the secret as it stands, though it looks like base64; 300 s."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        signature = _header(payload, "X-Zendesk-Webhook-Signature")
        stamp = _header(payload, "X-Zendesk-Webhook-Signature-Timestamp")
        secrets, signed_at, given = _configured(self.secrets), _rfc3339(stamp), _unbase64(signature, 32)
        _any(secrets, [given], lambda secret: [_mac(secret, stamp.encode("ascii") + payload.body)])
        _fresh(payload, signed_at)
        return Verified(signed_at=signed_at)


@attrs.frozen
class Stripe:
    """`t=` and one `v1=` or more: the hexadecimal HMAC-SHA256 of `timestamp.body`; 300 s; `v0` is no signature."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        header = _header(payload, "Stripe-Signature")
        secrets = _configured(self.secrets)
        entries = [entry.strip().partition("=") for entry in header.split(",")]
        stamps = {value for name, _, value in entries if name == "t"}
        given = [value for name, _, value in entries if name == "v1"]
        if len(stamps) != 1 or not given:
            raise SignatureMismatch("malformed")
        stamp = stamps.pop()
        signed_at = _unix(stamp)
        message = stamp.encode("ascii") + b"." + payload.body
        _any(secrets, map(_bytes, given), lambda secret: [_mac(secret, message).hex().encode("ascii")])
        _fresh(payload, signed_at)
        return Verified(signed_at=signed_at)


@attrs.frozen
class StandardWebhook:
    """Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, or `v1a,` and ed25519; 300 s.

    Attributes:
        secrets: `whsec_` and base64; public keys of ed25519 are `whpk_` and base64 and need the extra `signatures`.
    """

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        id_, stamp, signature = (_header(payload, f"webhook-{part}") for part in ("id", "timestamp", "signature"))
        signed_at = _unix(stamp)
        if "." in id_:
            raise SignatureMismatch("malformed")
        message = _bytes(id_) + b"." + stamp.encode("ascii") + b"." + payload.body
        entries = [entry.partition(",") for entry in signature.split(" ")]
        shared = [_bytes(value) for version, _, value in entries if version == "v1"]
        public = [value for version, _, value in entries if version == "v1a"]
        keys = list(self._keys())
        is_right = False
        for kind, key in keys:
            if kind == "whpk_":
                is_right |= any(_ed25519(key, value, message) for value in public)
            else:
                wanted = base64.b64encode(_mac(key, message))
                for value in shared:
                    is_right |= hmac.compare_digest(value, wanted)
        if not is_right:
            raise SignatureMismatch("mismatch")
        _fresh(payload, signed_at)
        return Verified(delivery_id=id_, signed_at=signed_at)

    def _keys(self) -> Iterator[tuple[str, bytes]]:
        for secret in _configured(self.secrets):
            text = secret.reveal().decode("ascii", "replace")
            prefix = "whpk_" if text.startswith("whpk_") else "whsec_"
            try:
                yield prefix, base64.b64decode(text.removeprefix(prefix), validate=True)
            except (binascii.Error, ValueError):
                raise SignatureMismatch("misconfigured") from None


def _ed25519(key: bytes, signature: str, message: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise SignatureMismatch("misconfigured") from None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@attrs.frozen
class SendGrid:
    """ECDSA P-256 with SHA-256 over timestamp and body, base64 of DER; 300 s. Needs the extra `signatures`.

    Attributes:
        public_key: Base64 of the key as the provider shows it.
    """

    public_key: str

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        signature = _header(payload, "X-Twilio-Email-Event-Webhook-Signature")
        stamp = _header(payload, "X-Twilio-Email-Event-Webhook-Timestamp")
        signed_at, given = _unix(stamp), _unbase64(signature)
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives import hashes, serialization
            from cryptography.hazmat.primitives.asymmetric import ec
        except ImportError:
            raise SignatureMismatch("misconfigured") from None
        try:
            key = serialization.load_der_public_key(base64.b64decode(self.public_key, validate=True))
        except (binascii.Error, ValueError):
            raise SignatureMismatch("misconfigured") from None
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SignatureMismatch("misconfigured")
        try:
            key.verify(given, stamp.encode("ascii") + payload.body, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise SignatureMismatch("mismatch") from None
        _fresh(payload, signed_at)
        return Verified(signed_at=signed_at)


@attrs.frozen
class Mailgun:
    """The hexadecimal HMAC-SHA256 of timestamp and token, which stand in the body under `signature`; 300 s."""

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        fields = _mailgun_fields(payload)
        stamp, token, signature = (fields.get(name) for name in ("timestamp", "token", "signature"))
        if stamp is None or token is None or signature is None:
            raise SignatureMismatch("missing")
        if not all(isinstance(one, str) for one in (stamp, token, signature)):
            raise SignatureMismatch("malformed")
        secrets, signed_at = _configured(self.secrets), _unix(stamp)
        message = _bytes(stamp + token)
        _any(secrets, [_unhex(signature)], lambda secret: [_mac(secret, message)])
        _fresh(payload, signed_at)
        return Verified(delivery_id=token, signed_at=signed_at)


def _mailgun_fields(payload: Payload) -> dict[str, Any]:
    try:
        read = json.loads(payload.body)
    except (ValueError, RecursionError):
        read = dict(_form(payload))
    if isinstance(read, dict) and isinstance(read.get("signature"), dict):
        read = read["signature"]
    return read if isinstance(read, dict) else {}


def _form(payload: Payload) -> list[tuple[str, str]]:
    try:
        return parse_qsl(payload.body.decode("utf-8"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise SignatureMismatch("malformed") from None


@attrs.frozen
class Twilio:
    """The base64 HMAC-SHA1 of the public address and the sorted fields; of JSON the address and a digest in it.

    No time is signed: only the key of the delivery protects against repeats.
    """

    secrets: tuple[Secret, ...] = attrs.field(converter=as_secrets)

    def verify(self, payload: Payload) -> Verified:
        """Check a delivery."""
        given = _header(payload, "X-Twilio-Signature")
        secrets = _configured(self.secrets)
        if payload.url is None:
            raise SignatureMismatch("misconfigured")
        digest = dict(parse_qsl(urlsplit(payload.url).query, max_num_fields=1000)).get("bodySHA256")
        if digest is None:
            pairs = sorted(set(_form(payload))) if payload.body else []
            tail = "".join([name + value for name, value in pairs])
        else:
            tail = ""
        messages = [_bytes(url + tail) for url in _with_and_without_port(payload.url)]
        _any(secrets, [_unbase64(given, 20)], lambda secret: [_mac(secret, one, "sha1") for one in messages])
        if digest is not None and not hmac.compare_digest(hashlib.sha256(payload.body).digest(), _unhex(digest)):
            raise SignatureMismatch("mismatch")
        return Verified()


def _with_and_without_port(url: str) -> list[str]:
    """Return an address as it stands, and with its default port added or taken away."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise SignatureMismatch("misconfigured") from None
    default = {"https": 443, "http": 80}.get(parts.scheme)
    if port is None and default is not None:
        return [url, urlunsplit(parts._replace(netloc=f"{parts.netloc}:{default}"))]
    if port is not None:
        return [url, urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))]
    return [url]


def hub_challenge(payload: Payload, token: Secret) -> str | None:
    """Return the challenge of Meta's handshake if the token of the request is ours; `None` if it is no such request.

    Raises:
        SignatureMismatch: The token is another one.
    """
    if payload.method != "GET" or payload.query_value("hub.mode") != "subscribe":
        return None
    given, challenge = payload.query_value("hub.verify_token"), payload.query_value("hub.challenge")
    if given is None or challenge is None:
        raise SignatureMismatch("missing")
    if not hmac.compare_digest(_bytes(given), token.reveal()):
        raise SignatureMismatch("mismatch")
    return challenge
