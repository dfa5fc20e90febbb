"""Mail from an IMAP mailbox (RFC 9051), as raw bytes: by UID, never by what somebody has or has not read.

The cursor is JSON: the mailbox's UIDVALIDITY, the last UID that was handed over, and the last one that was flagged.
What the cursor covers is stored by the desk when it is handed in again: only then is it flagged. A new UIDVALIDITY
means that every UID is new; all mail is handed over again, and the desk knows by Message-ID what it has had.
"""

from __future__ import annotations

import contextlib
import imaplib
import json
import re
import ssl
from collections.abc import Iterator

import attrs

from supportkit.channels.email.smtp import Encryption
from supportkit.channels.inbound import Payload, Polled
from supportkit.errors import ConfigurationError

BATCH = 50
"""Mails of one poll."""
BATCH_BYTES = 50_000_000
"""After so many bytes a poll ends; one mail is always fetched."""
_SIZE = re.compile(rb"UID (\d+)[^)]*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)[^)]*UID (\d+)")
_UID = re.compile(rb"UID (\d+)")
_SAFE = re.compile(r"[^\x00-\x1f\x7f\"\\]{1,200}")


@attrs.frozen
class _Cursor:
    """Where fetching goes on.

    Attributes:
        validity: UIDVALIDITY of the mailbox.
        last: The last UID that was handed over.
        flagged: The last UID that was flagged.
    """

    validity: int = 0
    last: int = 0
    flagged: int = 0

    @classmethod
    def read(cls, text: str | None) -> _Cursor:
        """Read a cursor of ours; anything else means from the beginning, and nothing is lost by that."""
        try:
            found = json.loads(text or "")
            return cls(int(found["validity"]), int(found["last"]), int(found["flagged"]))
        except (ValueError, TypeError, KeyError):
            return cls()

    def spelled(self) -> str:
        return json.dumps(attrs.asdict(self))


@attrs.frozen(kw_only=True)
class ImapMailbox:
    """A mailbox to fetch from. It only reads and flags: nothing is moved or deleted.

    Attributes:
        host: Of the server.
        password: It stands in no log, error or `repr`.
        mailbox: Its name on the server.
        encryption: `tls` from the beginning, `starttls`, or `plain`, which nobody gets without asking for it.
        port: 993 or 143 by default, as the encryption wants.
        flag: What mail that is stored here is marked with; `None` marks nothing.
        timeout: Seconds that the server may be silent.
        max_bytes: Of one mail; of a larger one only so much is fetched.
        context: Of TLS; by default certificates are checked against those of the machine.

    Raises:
        ConfigurationError: The name of the mailbox cannot be sent to a server.
    """

    host: str
    username: str
    password: str = attrs.field(repr=False)
    mailbox: str = "INBOX"
    encryption: Encryption = attrs.field(default=Encryption.TLS, converter=Encryption)
    port: int = 0
    flag: str | None = r"\Seen"
    timeout: float = 10.0
    max_bytes: int = 50_000_000
    context: ssl.SSLContext | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not _SAFE.fullmatch(self.mailbox):
            raise ConfigurationError(f"{self.mailbox!r:.80} is no name of a mailbox")

    def poll(self, cursor: str | None) -> Polled:
        """Return the mail that came after *cursor*, and flag what it covers.

        A connection that is lost in the middle gives what was fetched until then.

        Raises:
            PermissionError: The server does not let us in.
            OSError: It cannot be reached, or said something that nobody understands.
        """
        try:
            with self._connected() as server:
                return _Visit(self, server).fetch(_Cursor.read(cursor))
        except imaplib.IMAP4.error as error:
            raise ConnectionError(f"the mailbox cannot be read: {type(error).__name__}") from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[imaplib.IMAP4]:
        context = self.context
        if context is None and self.encryption is not Encryption.PLAIN:
            context = ssl.create_default_context()
        server: imaplib.IMAP4
        if self.encryption is Encryption.TLS:
            server = imaplib.IMAP4_SSL(self.host, self.port or 993, ssl_context=context, timeout=self.timeout)
        else:
            server = imaplib.IMAP4(self.host, self.port or 143, timeout=self.timeout)
        try:
            if self.encryption is Encryption.STARTTLS:
                server.starttls(ssl_context=context)
            self._log_in(server)
            yield server
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                server.logout()
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                server.shutdown()  # a log-out that failed leaves the connection open

    def _log_in(self, server: imaplib.IMAP4) -> None:
        try:
            server.login(self.username, self.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            raise PermissionError(f"{self.host} does not let {self.username!r:.80} in") from None


@attrs.define
class _Visit:
    """One connection to a mailbox."""

    box: ImapMailbox
    server: imaplib.IMAP4

    def fetch(self, cursor: _Cursor) -> Polled:
        kind, found = self.server.select(f'"{self.box.mailbox}"')
        if kind != "OK":
            raise FileNotFoundError(f"there is no mailbox {self.box.mailbox!r:.80}")
        del found
        validity = self._validity()
        if cursor.validity != validity:
            cursor = _Cursor(validity)
        cursor = self._flag(cursor)
        waiting = [uid for uid in self._search(f"{cursor.last + 1}:*") if uid > cursor.last]
        payloads: list[tuple[str, Payload]] = []
        gap = size = 0
        last = cursor.last
        sizes = self._sizes(waiting[:BATCH])
        for uid in waiting[:BATCH]:
            size += min(sizes.get(uid, 0), self.box.max_bytes)
            if payloads and size > BATCH_BYTES:
                break
            try:
                raw = self._raw(uid, sizes.get(uid, 0))
            except (OSError, imaplib.IMAP4.abort):
                if not payloads:
                    raise
                break  # what is here is kept; the rest comes next time
            if raw is None and uid in self._search(str(uid)):
                gap += 1  # it is there and we do not get it: a person has to look at it
                raw = b""
            last = uid
            if raw is not None:
                payloads.append((f"{self.box.mailbox}:{validity}:{uid}"[-100:], Payload(body=raw)))
        ahead = attrs.evolve(cursor, last=last)
        return Polled(payloads=payloads, cursor=ahead.spelled(), more=last < max(waiting, default=0), gap=gap)

    def _validity(self) -> int:
        _kind, found = self.server.response("UIDVALIDITY")
        try:
            return int((found or [b""])[0])
        except (TypeError, ValueError):
            raise ConnectionError("the server does not say which UIDs are valid") from None

    def _flag(self, cursor: _Cursor) -> _Cursor:
        """Flag what is stored here since the last time."""
        if self.box.flag is None or cursor.flagged >= cursor.last:
            return cursor
        self.server.uid("STORE", f"{cursor.flagged + 1}:{cursor.last}", "+FLAGS.SILENT", f"({self.box.flag})")
        return attrs.evolve(cursor, flagged=cursor.last)

    def _search(self, uids: str) -> list[int]:
        _kind, found = self.server.uid("SEARCH", "UID", uids)
        return sorted({int(word) for line in found if line for word in line.split()})

    def _sizes(self, uids: list[int]) -> dict[int, int]:
        if not uids:
            return {}
        _kind, found = self.server.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)")
        sizes = {}
        for line in found:
            text = line[0] if isinstance(line, tuple) else line
            if text and (match := _SIZE.search(text)):
                uid, size = (match[1], match[2]) if match[1] else (match[4], match[3])
                sizes[int(uid)] = int(size)
        return sizes

    def _raw(self, uid: int, size: int) -> bytes | None:
        """Return the bytes of a mail, at most so many as may be; `None` if the server gives none."""
        part = f"BODY.PEEK[]<0.{self.box.max_bytes}>" if size > self.box.max_bytes else "BODY.PEEK[]"
        _kind, found = self.server.uid("FETCH", str(uid), f"(UID {part})")
        for line in found:
            if isinstance(line, tuple) and (match := _UID.search(line[0])) and int(match[1]) == uid:
                return bytes(line[1])
        return None
