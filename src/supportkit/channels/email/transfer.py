"""Transfer encodings undone: base64 despite junk, quoted-printable, uuencode. Nothing is ever raised."""

from __future__ import annotations

import binascii

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_JUNK = bytes(sorted(set(range(256)) - set(_ALPHABET)))
_PADDING = (b"", b"", b"==", b"=")
_UU_LINE = 45


def decoded(data: bytes, encoding: str) -> bytes:
    """Return *data* without its transfer *encoding* (lower case); an unknown one leaves it as it is."""
    match encoding:
        case "base64":
            return base64_bytes(data)
        case "quoted-printable":
            return quoted_bytes(data)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return uu_bytes(data)
        case _:
            return data


def base64_bytes(data: bytes) -> bytes:
    """Return what base64 *data* says: junk is skipped, padded chunks are joined, padding may be missing."""
    kept = data.translate(None, _JUNK)
    return b"".join([_chunk(chunk) for chunk in kept.split(b"=") if chunk])


def _chunk(chunk: bytes) -> bytes:
    over = len(chunk) % 4
    if over == 1:
        chunk = chunk[:-1]
    return binascii.a2b_base64(chunk + _PADDING[over])


def quoted_bytes(data: bytes) -> bytes:
    """Return what quoted-printable *data* says; a broken escape stays as it is."""
    return binascii.a2b_qp(data)


def uu_bytes(data: bytes) -> bytes:
    """Return what uuencoded *data* says; lines that are none are skipped."""
    out = []
    for line in data.splitlines():
        if line.startswith(b"begin ") or not line:
            continue
        if line.rstrip() == b"end":
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders count wrong: take as many characters as the length in the first one asks for.
            wanted = ((line[0] - 32) & 63) * 4 + 5
            try:
                out.append(binascii.a2b_uu(line[: wanted // 3]))
            except binascii.Error:
                continue
    return b"".join(out)
