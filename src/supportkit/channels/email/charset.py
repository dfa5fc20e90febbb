"""Bytes and a declared charset become text; whatever is declared, nothing is ever raised.

What is declared is believed first, then doubted in a fixed order: a few bad characters, UTF-8, a guess by
`charset-normalizer` where it is installed (extra `supportkit[charset]`), Windows-1252.
"""

from __future__ import annotations

import codecs
import re

from supportkit.text import clean

_ALIASES = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi-x3.4-1968": "utf-8",
    "unknown-8bit": "utf-8",
    "x-unknown": "utf-8",
    "unknown": "utf-8",
    "default": "utf-8",
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "utf-7": "utf-7",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "windows-936": "gb18030",
    "euc-cn": "gb18030",
    "gb18030": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "cp950",
    "x-big5": "cp950",
    "big5-hkscs": "big5hkscs",
    "ks-c-5601-1987": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "iso-2022-kr": "iso2022_kr",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-6-i": "iso8859_6",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc_jp",
    "x-euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32",
}
# Families of one codec each. Anything else is unknown: among the codecs of Python are some that are not charsets
# (unicode_escape), and one that takes quadratic time (punycode).
_FAMILY = re.compile(
    r"(?:iso-?8859-(?P<iso>[0-9]{1,2}))|(?:windows-|cp-?|ibm-?)(?P<page>[0-9]{3,4})|koi8-(?P<koi>[rtu])"
    r"|iso-2022-jp-(?P<jp>1|2|3|2004|ext)"
)
_HIGH = bytes(range(0x80))
_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
_SEGMENT = re.compile(rb"\x1b(\$[B@]|\([BJI])")
_META = re.compile(rb"<meta[^>]{0,400}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_GUESS_FROM = 6
_GUESS_BYTES = 8_192
_CANDIDATES = ["cp1251", "koi8_r", "gb18030", "cp932", "euc_jp", "cp949", "big5", "cp1250", "cp1253", "cp1254",
               "cp1255", "cp1256", "cp874", "cp1252"]  # fmt: skip
_LEAST_COHERENCE = 0.1


def codec_of(charset: str | None) -> str | None:
    """Return the codec for a declared *charset*, `None` if it is unknown."""
    if charset is None or len(charset) > 40 or not charset.isascii():  # noqa: PLR2004
        return None
    name = charset.strip().strip("\"'").lower().replace("_", "-")
    if name in _ALIASES:
        return _ALIASES[name]
    match = _FAMILY.fullmatch(name)
    if match is None:
        return None
    kind, number = match.lastgroup, match[match.lastgroup or 0]
    found = {"iso": "iso8859_", "page": "cp", "koi": "koi8_", "jp": "iso2022_jp_"}[kind or ""] + number
    try:
        return codecs.lookup(found).name
    except LookupError:
        return None


def meta_charset(html: bytes) -> str | None:
    """Return the charset that a `<meta>` in the first 4 kB of *html* names."""
    match = _META.search(html[:4096])
    return match[1].decode("ascii") if match else None


def decode(data: bytes, charset: str | None, *, html: bool = False, sniff: bool = False) -> tuple[str, bool]:
    """Return *data* as text, without NULs and lone surrogates, and whether its charset had to be guessed.

    Parameters:
        charset: What was declared; `None` where nothing was.
        html: Without a declared charset, look for a `<meta>`.
        sniff: Ask `charset-normalizer` where all else fails; that takes milliseconds, so nobody asks for each field.
    """
    if charset is None and html:
        charset = meta_charset(data)
    codec = codec_of(charset)
    if charset is None:
        codec = "iso2022_jp" if any(escape in data for escape in _ESCAPES) else "utf-8"
    if codec in {None, "utf-8"} and data.isascii():
        return data.replace(b"\0", b"").decode("ascii"), codec is None
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    text = None if codec is None else _strictly(data, codec)
    if text is not None:
        return clean(text), False
    return clean(_doubted(data, codec, sniff=sniff)), True


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        if codec.startswith("iso2022_jp"):
            return _vendor_japanese(data)
        return None


def _doubted(data: bytes, codec: str | None, *, sniff: bool) -> str:
    if codec not in {None, "utf-8"}:
        text = data.decode(codec or "", "replace")
        if text.count("\ufffd") <= max(2, len(text) // 50):
            return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    high = len(data.translate(None, _HIGH))
    text = data.decode("utf-8", "replace")
    if codec == "utf-8" and text.count("\ufffd") * 8 < high:
        return text
    found = sniffed(data) if sniff else None
    return data.decode(found or "cp1252", "replace")


def sniffed(data: bytes) -> str | None:
    """Return what `charset-normalizer` takes *data* for, if it is here and there is enough to look at."""
    sample = data[:_GUESS_BYTES]
    if len(sample.translate(None, _HIGH)) < _GUESS_FROM:
        return None
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return None
    best = from_bytes(sample, cp_isolation=_CANDIDATES, explain=False).best()
    return None if best is None else best.encoding


def _vendor_japanese(data: bytes) -> str | None:
    """Decode ISO-2022-JP in which two-byte segments have characters of vendors: those are rewritten to cp932."""
    pieces = _SEGMENT.split(data)
    out = [pieces[0].decode("ascii", "replace")]
    for mode, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if mode in {b"$B", b"$@"}:
            out.append(_two_bytes(piece))
        elif mode == b"(I":
            out.append(bytes([byte | 0x80 for byte in piece]).decode("cp932", "replace"))
        else:
            out.append(piece.decode("ascii", "replace"))
    text = "".join(out)
    return None if text.count("\ufffd") > max(2, len(text) // 50) else text


def _two_bytes(piece: bytes) -> str:
    """Return the text of a two-byte segment of JIS X 0208, by the arithmetic between JIS and Shift JIS."""
    shifted = bytearray()
    for row, cell in zip(piece[::2], piece[1::2], strict=False):
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):  # noqa: PLR2004
            shifted += bytes((row, cell)) if row < 0x80 and cell < 0x80 else b"?"  # noqa: PLR2004
            continue
        lead = ((row - 0x21) >> 1) + 0x81
        shifted.append(lead + 0x40 if lead > 0x9F else lead)  # noqa: PLR2004
        shifted.append(cell + (0x1F if cell < 0x60 else 0x20) if row & 1 else cell + 0x7E)  # noqa: PLR2004
    return shifted.decode("cp932", "replace")
