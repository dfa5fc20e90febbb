"""Fetching from a real IMAP server: nothing is lost, nothing has its effect twice, one bad mail stops no other."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.mailbox_server import Mailbox, mailbox
from tests.servers import MARIADB, POSTGRESQL, database
from tests.unit.email.mails import KEYS, raw

from supportkit import Desk, ManualClock
from supportkit.channels.email import EmailChannel, ImapMailbox
from supportkit.engine.notices import SILENT
from supportkit.errors import ConfigurationError

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as found:
        yield found


def mail(number: int, text: str | None = None, **fields: object) -> bytes:
    given = {"from_": f"c{number}@customer.example", "message_id": f"<{number}@customer.example>", **fields}
    return raw(text or f"text {number}", **given)


def desk_on(source: ImapMailbox, database: str = "sqlite://", *, clock: ManualClock | None = None) -> Desk:
    clock = clock or ManualClock("2026-03-02T12:00:00+00:00")
    channel = EmailChannel(addresses="help@corp.example", keys=KEYS, imap=source)
    return Desk(database, channels=[channel], keys=KEYS, clock=clock, notices=SILENT)


def texts(desk: Desk) -> list[str]:
    tickets = desk.find(limit=200).items
    return sorted(one.body.strip() for ticket in tickets for one in desk.messages(ticket))


def drain(desk: Desk) -> list[Any]:
    reports = [desk.process_inbox()]
    while reports[-1].more:
        reports.append(desk.process_inbox())
    return reports


def test_new_mail_is_fetched_once_and_flagged_only_when_it_is_stored(box: Mailbox) -> None:
    with desk_on(box.imap()) as desk:
        for number in range(3):
            box.deliver(mail(number))
        assert (desk.process_inbox().opened, box.seen()) == (3, 0)
        assert (desk.process_inbox().polled, box.seen()) == (0, 3)
        box.deliver(mail(3))
        assert desk.process_inbox().polled == 1
        assert texts(desk) == [f"text {number}" for number in range(4)]


def test_mail_that_somebody_has_read_before_is_fetched_all_the_same(box: Mailbox) -> None:
    import imaplib

    box.deliver(mail(1))
    with imaplib.IMAP4("127.0.0.1", box.port) as server:
        server.login("support", "secret")
        server.select("INBOX")
        server.store("1", "+FLAGS", r"(\Seen)")
    with desk_on(box.imap()) as desk:
        assert desk.process_inbox().opened == 1


def test_the_bytes_are_those_that_were_delivered(box: Mailbox) -> None:
    sent = raw("täglich\n.\n..dots\n\nFrom here".encode("latin-1"), subject=b"\xe4")
    box.deliver(sent)
    (fetched,) = box.imap().poll(None).payloads
    assert fetched[1].body.replace(b"\r\n", b"\n") == sent


def test_more_than_one_batch_is_fetched_without_waiting(box: Mailbox) -> None:
    for number in range(120):
        box.deliver(mail(number))
    with desk_on(box.imap()) as desk:
        reports = drain(desk)
        assert (sum(one.opened for one in reports), reports[0].polled) == (120, 50)


def test_a_poison_mail_between_good_ones_stops_none_of_them(box: Mailbox) -> None:
    box.deliver(mail(1))
    box.deliver(b"\n\n")
    box.deliver(b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\n\n550 no such user\n")
    box.deliver(mail(2))
    with desk_on(box.imap()) as desk:
        report = desk.process_inbox()
        assert (report.opened, report.quarantined) == (2, 2)
        assert sorted(one.reason for one in desk.quarantine.list()) == ["bounce", "malformed"]
        assert desk.process_inbox().polled == 0


def test_a_new_uidvalidity_fetches_everything_again_and_doubles_nothing(box: Mailbox) -> None:
    for number in range(3):
        box.deliver(mail(number))
    box.deliver(raw("no id", message_id=None))
    with desk_on(box.imap()) as desk:
        assert desk.process_inbox().opened == 4
        box.start_anew()
        box.deliver(mail(9))
        report = desk.process_inbox()
        assert (report.polled, report.duplicates, report.opened) == (5, 4, 1)


def both_poll(box: Mailbox, url: str) -> None:
    """Let two workers fetch and read the same mailbox at once; every mail has its effect once."""
    for number in range(30):
        box.deliver(mail(number))
    desk_on(box.imap(), url).close()
    failed: list[BaseException] = []

    def poll() -> None:
        try:
            with desk_on(box.imap(), url) as desk:
                for _ in range(3):
                    drain(desk)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=poll) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    with desk_on(box.imap(), url) as desk:
        drain(desk)
        assert texts(desk) == sorted(f"text {number}" for number in range(30))
        assert desk.quarantine.list() == []


def test_two_pollers_take_every_mail_once(box: Mailbox, tmp_path: Path) -> None:
    both_poll(box, f"sqlite:///{tmp_path}/desk.db")


@pytest.mark.parametrize("kind", [POSTGRESQL, MARIADB])
def test_two_pollers_take_every_mail_once_on_a_server(box: Mailbox, kind: str) -> None:
    with database(kind) as url:
        both_poll(box, url)


def test_a_refused_log_in_is_a_problem_that_stops_nothing(box: Mailbox) -> None:
    with desk_on(box.imap(password="another-word")) as desk:
        report = desk.process_inbox()
        assert (report.failed, report.problems) == (1, (("email", "poll: PermissionError"),))
    with pytest.raises(PermissionError) as refused:
        box.imap(password="another-word").poll(None)
    assert "another-word" not in f"{refused.value}{box.imap(password='another-word')!r}"


def test_without_a_server_the_next_turn_tries_again(box: Mailbox) -> None:
    with desk_on(box.imap()) as desk:
        box.process.send_signal(signal.SIGSTOP)
        try:
            source = box.imap(timeout=0.3)
            with pytest.raises(OSError, match="timed out"):
                source.poll(None)
        finally:
            box.process.send_signal(signal.SIGCONT)
        box.deliver(mail(1))
        assert desk.process_inbox().opened == 1


def test_a_mailbox_that_is_not_there_is_told_by_name(box: Mailbox) -> None:
    with pytest.raises(FileNotFoundError, match="Nowhere"):
        box.imap(mailbox="Nowhere").poll(None)
    with pytest.raises(ConfigurationError):
        box.imap(mailbox='x"\r\nA LOGOUT')


def test_a_mail_over_the_cap_is_fetched_up_to_it(box: Mailbox) -> None:
    box.deliver(mail(1, "x" * 50_000))
    (fetched,) = box.imap(max_bytes=10_000).poll(None).payloads
    assert len(fetched[1].body) == 10_000


def test_a_mail_that_is_gone_meanwhile_is_no_gap(box: Mailbox) -> None:
    for number in range(3):
        box.deliver(mail(number))
    source = box.imap()
    first = source.poll(None)
    assert (len(first.payloads), first.gap) == (3, 0)
    for found in (box.root / "mail" / "support").glob("*/*.test*"):
        found.unlink()
    assert source.poll(first.cursor).payloads == ()


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", '{"validity": "x"}', '{"validity": 1, "last": 5}'])
def test_a_cursor_that_nobody_understands_begins_anew_and_loses_nothing(box: Mailbox, cursor: str) -> None:
    box.deliver(mail(1))
    assert len(box.imap().poll(cursor).payloads) == 1


# -- a server that misbehaves ------------------------------------------------------------------------------------------


def scripted(lines: dict[str, list[bytes]]) -> tuple[int, threading.Thread]:
    """Run a server for one connection that answers each command by its first words; an empty answer hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with listening, connection, connection.makefile("rwb") as stream:
            stream.write(b"* OK ready\r\n")
            stream.flush()
            for line in stream:
                tag, _, command = line.strip().decode().partition(" ")
                answers = next((found for start, found in lines.items() if command.upper().startswith(start)), [])
                if answers == [b""]:
                    return
                for answer in answers:
                    stream.write(answer)
                stream.write(f"{tag} OK done\r\n".encode())
                stream.flush()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return listening.getsockname()[1], thread


SELECTED = [b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n"]
TWO = [b"* SEARCH 1 2\r\n"]


def source_on(port: int) -> ImapMailbox:
    return ImapMailbox(host="127.0.0.1", port=port, username="u", password="p", encryption="plain", timeout=3)


def test_what_was_fetched_before_the_connection_was_lost_is_kept() -> None:
    one = b"From: a@b.example\r\n\r\nx"
    fetched = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n" % (len(one), one)
    port, _thread = scripted(
        {
            "CAPABILITY": [b"* CAPABILITY IMAP4rev1\r\n"],
            "SELECT": SELECTED,
            "UID SEARCH": TWO,
            "UID FETCH 1,2": [b"* 1 FETCH (UID 1 RFC822.SIZE 5)\r\n* 2 FETCH (RFC822.SIZE 5 UID 2)\r\n"],
            "UID FETCH 1": [fetched],
            "UID FETCH 2": [b""],
        }
    )
    polled = source_on(port).poll(None)
    assert ([payload.body for _key, payload in polled.payloads], polled.more) == ([one], True)
    assert json.loads(str(polled.cursor)) == {"validity": 7, "last": 1, "flagged": 0}


def test_a_mail_that_the_server_counts_and_does_not_hand_over_is_a_gap_that_a_person_sees() -> None:
    port, _thread = scripted(
        {
            "CAPABILITY": [b"* CAPABILITY IMAP4rev1\r\n"],
            "SELECT": SELECTED,
            "UID SEARCH": TWO,
        }
    )
    with desk_on(source_on(port)) as desk:
        report = desk.process_inbox()
        assert ("email", "poll: gap of 2") in report.problems
        assert report.quarantined == 2


def test_a_server_that_says_bye_is_asked_again_next_time() -> None:
    port, _thread = scripted(
        {"CAPABILITY": [b"* CAPABILITY IMAP4rev1\r\n"], "SELECT": [b"* BYE shutting down\r\n"], "LOGIN": []}
    )
    with pytest.raises(OSError, match=r"mailbox|closed|reset|EOF"):
        source_on(port).poll(None)


# -- killed at random --------------------------------------------------------------------------------------------------


def kill_at_random(box: Mailbox, folder: Path, kills: int, seed: int) -> None:
    database = f"sqlite:///{folder}/desk.db"
    desk_on(box.imap(), database).close()
    chance, sent = random.Random(seed), 0
    command = [sys.executable, str(HERE / "fetcher.py"), database, str(box.port)]
    for _ in range(kills):
        for _ in range(3):
            box.deliver(mail(sent))
            sent += 1
        fetcher = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert fetcher.stdout is not None
        assert fetcher.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.12))
        fetcher.kill()
        fetcher.wait()
        fetcher.stdout.close()
    clock = ManualClock("2126-03-02T12:00:00+00:00")  # every lease of those who were killed is over
    with desk_on(box.imap(), database, clock=clock) as desk:
        for _ in range(5):
            drain(desk)
            clock.advance(minutes=5)
        assert texts(desk) == sorted(f"text {number}" for number in range(sent))
        assert desk.quarantine.list() == []
        assert desk.check(deep=True)


def test_killing_the_fetcher_at_random_loses_and_doubles_nothing(box: Mailbox, tmp_path: Path) -> None:
    kill_at_random(box, tmp_path, 4, 1)


@pytest.mark.stress
def test_killing_the_fetcher_at_random_for_long_loses_and_doubles_nothing(box: Mailbox, tmp_path: Path) -> None:
    kill_at_random(box, tmp_path, 100, 2)
