"""A real IMAP server (Dovecot) and a real SMTP server for tests, on loopback, gone afterwards. No tests in here."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiosmtpd.controller import Controller

from supportkit.channels.email import ImapMailbox, SmtpTransport

_CONFIG = """
base_dir = {root}/run
state_dir = {root}/run
log_path = {root}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{root}/mail/%n
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {root}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%n
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
}}
"""
USER, PASSWORD = "support", "secret"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@attrs.define
class Mailbox:
    """A mailbox on a Dovecot of its own."""

    root: Path
    port: int
    process: Any
    count: int = 0

    def imap(self, **more: Any) -> ImapMailbox:
        given = {"host": "127.0.0.1", "port": self.port, "username": USER, "password": PASSWORD, **more}
        return ImapMailbox(encryption="plain", **given)

    def deliver(self, raw: bytes) -> None:
        """Put a mail into the maildir, as a local delivery agent does: written aside, then renamed."""
        box = self.root / "mail" / USER
        self.count += 1
        name = f"{self.count:06}.test"
        for folder in ("tmp", "new", "cur"):
            (box / folder).mkdir(parents=True, exist_ok=True)
        (box / "tmp" / name).write_bytes(raw)
        (box / "tmp" / name).rename(box / "new" / name)
        self._own(box)

    def seen(self) -> int:
        """Return how many mails are flagged as seen."""
        import imaplib

        with imaplib.IMAP4("127.0.0.1", self.port) as server:
            server.login(USER, PASSWORD)
            server.select("INBOX", readonly=True)
            return len(server.search(None, "SEEN")[1][0].split())

    def start_anew(self) -> None:
        """Give the mailbox a new UIDVALIDITY, as restoring it from a backup does."""
        for found in (self.root / "mail" / USER).glob("dovecot*"):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
        time.sleep(1.1)  # UIDVALIDITY is a time in seconds

    def _own(self, path: Path) -> None:
        if os.getuid() == 0:
            owner = pwd.getpwnam("nobody")
            for one in [path.parent, path, *path.rglob("*")]:
                with contextlib.suppress(FileNotFoundError):  # the server's own passing files
                    os.chown(one, owner.pw_uid, owner.pw_gid)


def _missing() -> None:
    reason = "there is no dovecot here: apt-get install dovecot-imapd"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Run a Dovecot with one empty mailbox; skip where there is none, fail in CI."""
    binary = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if binary is None:
        _missing()
    root = Path(tempfile.mkdtemp(prefix="sk"))
    who = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    group, port = grp.getgrgid(who.pw_gid).gr_name, free_port()
    spelled = _CONFIG.format(root=root, user=who.pw_name, group=group, uid=who.pw_uid, gid=who.pw_gid, port=port)
    (root / "dovecot.conf").write_text(spelled)
    (root / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    (root / "mail").mkdir()
    rights: dict[str, Any] = {}
    if os.getuid() == 0:
        for one in [root, *root.rglob("*")]:
            os.chown(one, who.pw_uid, who.pw_gid)
        rights = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": ()}
    process = subprocess.Popen([str(binary), "-F", "-c", str(root / "dovecot.conf")], **rights)
    try:
        _await(port, process, root)
        yield Mailbox(root, port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        shutil.rmtree(root, ignore_errors=True)


def _await(port: int, process: Any, root: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, (root / "dovecot.log").read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("dovecot does not answer")


@attrs.define
class Post:
    """What an SMTP server took, and how it is to fail: by address at RCPT, by phase otherwise."""

    port: int = 0
    taken: list[Any] = attrs.field(factory=list)
    replies: dict[str, str] = attrs.field(factory=dict)
    recipients: dict[str, str] = attrs.field(factory=dict)
    drop: str = ""
    forward: Any = None

    async def handle_EHLO(self, server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]) -> Any:  # noqa: N802
        if self.drop == "EHLO":
            server.transport.abort()
        session.host_name = hostname
        return [self.replies["EHLO"]] if "EHLO" in self.replies else responses

    async def handle_MAIL(  # noqa: N802
        self, server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.drop == "MAIL":
            server.transport.abort()
        if "MAIL" in self.replies:
            return self.replies["MAIL"]
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.drop == "RCPT":
            server.transport.abort()
        if address in self.recipients:
            return self.recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if "DATA" not in self.replies:
            self.taken.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
            if self.forward is not None:
                self.forward(envelope.content)
        if self.drop == "DATA":
            server.transport.abort()
        return self.replies.get("DATA", "250 OK")

    async def handle_QUIT(self, server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        if self.drop == "QUIT":
            server.transport.abort()
        return "221 Bye"

    def transport(self, **more: Any) -> SmtpTransport:
        return SmtpTransport(host="127.0.0.1", port=self.port, encryption="plain", **more)


@contextmanager
def post(**options: Any) -> Iterator[Post]:
    """Run an SMTP server that keeps what it takes."""
    found = Post(port=free_port())
    controller = Controller(found, hostname="127.0.0.1", port=found.port, **options)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()
