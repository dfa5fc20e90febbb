"""One mail to one server by SMTP (RFC 5321), phase by phase, so that it is always known what the server has taken.

Only between the end of the text and the answer to it can anything be in doubt; everything before is surely not taken.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import re
import smtplib
import ssl
from collections.abc import Callable
from enum import StrEnum

import attrs

from supportkit.channels.email.outgoing import BuiltMail
from supportkit.channels.port import Accepted, Deferred, Delivery, Reason, Rejected
from supportkit.errors import ConfigurationError

_log = logging.getLogger("supportkit.email")
RETRY = dt.timedelta(minutes=5)
"""When a mail that was not taken is tried again."""
PAUSE = dt.timedelta(minutes=15)
"""When a server is asked again that did not let us in: a person has to mend that first."""
MAX_ANSWER = 300
_GO_AHEAD = 354
_TEMPORARY, _PERMANENT = 4, 5
_TOO_LARGE = 552
_PHASES = 3
_DOT = re.compile(rb"^\.", re.MULTILINE)


class Encryption(StrEnum):
    """How a connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    PLAIN = "plain"


class _NotTaken(Exception):
    """The server answered with a refusal, or the way to it is closed: the mail was surely not taken."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        super().__init__()


@attrs.frozen(kw_only=True)
class SmtpTransport:
    """Hands mail to a server.

    Attributes:
        host: Of the server.
        username: Log in as this; without it nobody logs in.
        password: It stands in no log, error or `repr`.
        encryption: `starttls`, `tls` from the beginning, or `plain`, which nobody gets without asking for it.
        port: 587, 465 or 25 by default, as the encryption wants.
        timeout: Seconds that the server may be silent, at most.
        context: Of TLS; by default certificates are checked against those of the machine.
        hostname: What we call ourselves.

    Raises:
        ConfigurationError: A user name without a password, or a password that would go over the wire in plain text.
    """

    host: str
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    encryption: Encryption = attrs.field(default=Encryption.STARTTLS, converter=Encryption)
    port: int = attrs.field(default=0)
    timeout: float = 30.0
    context: ssl.SSLContext | None = attrs.field(default=None, repr=False)
    hostname: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if (self.username is None) is not (self.password is None):
            raise ConfigurationError("a mail server wants a user name and a password, or neither")

    def deliver(self, mail: BuiltMail, *, timeout: float) -> Delivery:
        """Hand over one mail and say what became of it; nothing is raised.

        Args:
            mail: The mail and its envelope.
            timeout: Seconds that all of it may take.
        """
        try:
            server = self._connect(min(self.timeout, timeout / _PHASES))
        except _NotTaken as refusal:
            return refusal.delivery
        try:
            return _hand_over(server, mail)
        except _NotTaken as refusal:
            return refusal.delivery
        finally:
            _leave(server)

    def _connect(self, timeout: float) -> smtplib.SMTP:
        default = {Encryption.STARTTLS: 587, Encryption.TLS: 465, Encryption.PLAIN: 25}[self.encryption]
        port = self.port or default
        context = self.context
        if context is None and self.encryption is not Encryption.PLAIN:
            context = ssl.create_default_context()
        server: smtplib.SMTP | None = None
        try:
            if self.encryption is Encryption.TLS:
                server = smtplib.SMTP_SSL(self.host, port, self.hostname, timeout=timeout, context=context)
            else:
                server = smtplib.SMTP(self.host, port, self.hostname, timeout=timeout)
            server.ehlo_or_helo_if_needed()
            if self.encryption is Encryption.STARTTLS:
                server.starttls(context=context)
                server.ehlo_or_helo_if_needed()
            if self.username is not None and self.password is not None:
                server.login(self.username, self.password)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if server is not None:
                server.close()
            raise _NotTaken(_unreachable(error)) from None
        return server


def _unreachable(error: Exception) -> Delivery:
    """Return what it means that we were not let in: never a reason to give a mail up."""
    _log.warning("the mail server cannot be used: %s", type(error).__name__)
    is_login = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code // 100 == _PERMANENT
    if is_login or isinstance(error, ssl.SSLCertVerificationError | smtplib.SMTPNotSupportedError):
        return Deferred(Reason.AUTH, PAUSE, type(error).__name__)
    return Deferred(Reason.UNAVAILABLE, RETRY, type(error).__name__)


def _hand_over(server: smtplib.SMTP, mail: BuiltMail) -> Delivery:
    code, answer = _ask(lambda: server.mail(mail.sender))
    _insist(code, answer, Reason.POLICY)
    refused: list[tuple[str, int, bytes]] = []
    for recipient in mail.recipients:
        code, answer = _ask(lambda one=recipient: server.rcpt(one))  # type: ignore[misc]  # bound at once
        if code // 100 != 2:  # noqa: PLR2004 - a class of RFC 5321
            refused.append((recipient, code, answer))
    if len(refused) == len(mail.recipients):
        # One that is refused for now is worth another try, whatever the others said.
        _recipient, code, answer = next((one for one in refused if one[1] // 100 == _TEMPORARY), refused[0])
        _insist(code, answer, Reason.BAD_RECIPIENT)
    code, answer = _ask(lambda: server.docmd("DATA"))
    if code != _GO_AHEAD:
        _insist(code, answer, Reason.POLICY)
        raise _NotTaken(Deferred(Reason.UNAVAILABLE, RETRY, _spelled(answer)))
    return _send_text(server, mail, tuple(one[0] for one in refused))


def _send_text(server: smtplib.SMTP, mail: BuiltMail, refused: tuple[str, ...]) -> Delivery:
    """Send the text; from its end on, silence means that nobody knows."""
    content = _DOT.sub(b"..", mail.content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    try:
        server.send(content + b".\r\n")
        code, answer = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        _log.warning("the mail server went away after the text: %s", type(error).__name__)
        return Deferred(Reason.UNCERTAIN, answer=type(error).__name__)
    if code // 100 == 2:  # noqa: PLR2004
        return Accepted(mail.message_id, refused)
    _insist(code, answer, Reason.TOO_LONG if code == _TOO_LARGE else Reason.POLICY)
    return Deferred(Reason.UNCERTAIN, answer=_spelled(answer))  # an answer that the protocol does not have


def _ask(command: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    try:
        return command()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise _NotTaken(Deferred(Reason.UNAVAILABLE, RETRY, type(error).__name__)) from None


def _insist(code: int, answer: bytes, reason: Reason) -> None:
    """Go on only after a success."""
    if code // 100 == _PERMANENT:
        raise _NotTaken(Rejected(reason, _spelled(answer)))
    if code // 100 == _TEMPORARY or code < 0:
        raise _NotTaken(Deferred(Reason.UNAVAILABLE, RETRY, _spelled(answer)))


def _spelled(answer: bytes) -> str:
    return answer.decode("utf-8", "replace")[:MAX_ANSWER]


def _leave(server: smtplib.SMTP) -> None:
    """Say good-bye; whatever comes of that changes nothing."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.docmd("QUIT")
    server.close()
