"""What our own mail server found out about a sender, by the topmost Authentication-Results field (RFC 8601)."""

from __future__ import annotations

import re
from enum import StrEnum

import attrs

from supportkit.channels.email.parse import ParsedMail

_READ = 8_000
_METHOD = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]{0,30})(?:/[0-9]{1,3})?\s{0,5}=\s{0,5}([A-Za-z]{1,20})")
_PROPERTY = re.compile(r"([A-Za-z]{1,20}\.[A-Za-z0-9_-]{1,30})\s{0,5}=\s{0,5}(?:\"([^\"]{0,300})\"|([^\s;\"]{1,300}))")


class Identity(StrEnum):
    """What is known about the address in From."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Authentication:
    """What one server says.

    Attributes:
        identity: What follows for the address in From.
        results: Pairs of method and result, such as `("dkim", "pass")`.
    """

    identity: Identity
    results: tuple[tuple[str, str], ...] = ()


def read_authentication(mail: ParsedMail, authserv_id: str | None) -> Authentication:
    """Return what the server called *authserv_id* says about the sender of *mail*.

    `dmarc=pass`, or a dkim or spf pass for the sender's domain or one above it, verifies; without one, any `fail` of
    these three is a failure. A field of another server says nothing, nor does one below the topmost. `None`: nobody is
    trusted.
    """
    fields = mail.headers.all("authentication-results")
    if authserv_id is None or not fields:
        return Authentication(identity=Identity.UNVERIFIED)
    pieces = _pieces(fields[0][:_READ])
    served_by = pieces[0].split()[:1]
    if not served_by or served_by[0].strip('"').lower() != authserv_id.lower():
        return Authentication(identity=Identity.UNVERIFIED)
    found = [result for result in map(_result, pieces[1:]) if result]
    verdicts = {_verdict(method, result, properties, mail.sender.domain) for method, result, properties in found}
    if Identity.FAILED in verdicts and (Identity.VERIFIED not in verdicts or ("dmarc", "fail") in _named(found)):
        identity = Identity.FAILED
    elif Identity.VERIFIED in verdicts and not mail.sender_ambiguous:
        identity = Identity.VERIFIED
    else:
        identity = Identity.UNVERIFIED
    return Authentication(identity=identity, results=_named(found))


_Result = tuple[str, str, dict[str, str]]


def _named(results: list[_Result]) -> tuple[tuple[str, str], ...]:
    return tuple([(method, result) for method, result, _properties in results])


def _result(piece: str) -> _Result | None:
    """Return method, result and properties of one piece, lower case."""
    match = _METHOD.match(piece)
    if match is None:
        return None
    properties = {name.lower(): quoted or plain for name, quoted, plain in _PROPERTY.findall(piece, match.end())}
    return match[1].lower(), match[2].lower(), properties


def _verdict(method: str, result: str, properties: dict[str, str], domain: str) -> Identity:
    """Return what one result says about *domain*, the one in From."""
    if method not in {"dmarc", "dkim", "spf"}:
        return Identity.UNVERIFIED
    if result in {"fail", "hardfail"}:
        return Identity.FAILED
    if result != "pass" or not domain:
        return Identity.UNVERIFIED
    if method == "dmarc":
        proven = properties.get("header.from", domain).lower().rstrip(".") == domain
    else:
        proven = _is_aligned(_domain(method, properties), domain)
    return Identity.VERIFIED if proven else Identity.UNVERIFIED


def _domain(method: str, properties: dict[str, str]) -> str:
    """Return the domain that a method vouches for."""
    if method == "dkim":
        found = properties.get("header.d") or properties.get("header.i", "")
    else:
        found = properties.get("smtp.mailfrom") or properties.get("smtp.helo", "")
    return found.rpartition("@")[2].lower().rstrip(".")


def _is_aligned(signer: str, domain: str) -> bool:
    """Tell whether *signer* is *domain* or above it; one label alone vouches for nobody."""
    return "." in signer and (signer == domain or domain.endswith(f".{signer}"))


def _pieces(value: str) -> list[str]:
    """Return *value* without comments, split at semicolons outside quotes."""
    pieces: list[list[str]] = [[]]
    depth, quoted, at = 0, False, 0
    while at < len(value):
        character = value[at]
        if character == "\\":
            at += 1
        elif depth:
            depth += (character == "(") - (character == ")")
        elif character == '"':
            quoted = not quoted
            pieces[-1].append(character)
        elif quoted:
            pieces[-1].append(character)
        elif character == "(":
            depth = 1
            pieces[-1].append(" ")
        elif character == ";":
            pieces.append([])
        else:
            pieces[-1].append(character)
        at += 1
    return ["".join(piece) for piece in pieces]
