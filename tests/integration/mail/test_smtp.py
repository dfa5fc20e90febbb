"""Sending to a real SMTP server: each row of the outbox table, phase by phase."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from tests.mailbox_server import Post, free_port, post
from tests.unit.email.mails import KEYS, raw

from supportkit import Accepted, Deferred, Desk, ManualClock, Rejected
from supportkit.channels.email import BuiltMail, EmailChannel, SmtpTransport
from supportkit.channels.inbound import Payload
from supportkit.engine.notices import SILENT
from supportkit.errors import ConfigurationError, NotFound

MAIL = BuiltMail(
    sender="help@corp.example",
    recipients=("ann@customer.example", "bo@customer.example"),
    content=b"From: help@corp.example\r\nSubject: hi\r\n\r\n.dots\r\n..\r\n.\r\nthe end\r\n",
    message_id="<1@corp.example>",
)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(scope="module")
def running() -> Iterator[Post]:
    with post() as found:
        yield found


@pytest.fixture
def server(running: Post) -> Post:
    running.taken, running.replies, running.recipients, running.drop = [], {}, {}, ""
    return running


def deliver(server: Post) -> Any:
    return server.transport().deliver(MAIL, timeout=10)


def test_a_mail_arrives_as_it_was_dots_included(server: Post) -> None:
    assert deliver(server) == Accepted("<1@corp.example>")
    assert server.taken == [(MAIL.sender, MAIL.recipients, MAIL.content)]


@pytest.mark.parametrize("phase", ["MAIL", "DATA"])
def test_a_refusal_for_now_is_tried_again_and_one_for_ever_is_not(server: Post, phase: str) -> None:
    server.replies = {phase: "451 try later"}
    found = deliver(server)
    assert isinstance(found, Deferred)
    assert (found.reason, found.retry_after >= MINUTE) == ("unavailable", True)
    server.replies = {phase: "550 never"}
    assert deliver(server).reason == "policy"
    assert isinstance(deliver(server), Rejected)
    assert server.taken == []


def test_a_text_that_is_too_long_is_refused_for_that(server: Post) -> None:
    server.replies = {"DATA": "552 too much"}
    assert deliver(server).reason == "too_long"


def test_what_some_recipients_may_not_get_the_others_get(server: Post) -> None:
    server.recipients = {"bo@customer.example": "550 no such user"}
    assert deliver(server) == Accepted("<1@corp.example>", ("bo@customer.example",))
    assert [one[1] for one in server.taken] == [("ann@customer.example",)]


def test_a_mail_that_no_recipient_may_get_is_rejected_and_deferred_where_one_may_later(server: Post) -> None:
    server.recipients = dict.fromkeys(MAIL.recipients, "550 no such user")
    assert deliver(server).reason == "bad_recipient"
    server.recipients["bo@customer.example"] = "451 greylisted"
    found = deliver(server)
    assert isinstance(found, Deferred)
    assert found.reason == "unavailable"
    assert server.taken == []


@pytest.mark.parametrize("phase", ["EHLO", "MAIL", "RCPT"])
def test_a_connection_that_is_lost_before_the_text_took_nothing(server: Post, phase: str) -> None:
    server.drop = phase
    assert deliver(server).reason == "unavailable"
    assert server.taken == []


def test_a_connection_that_is_lost_after_the_text_leaves_a_doubt(server: Post) -> None:
    server.drop = "DATA"
    assert deliver(server).reason == "uncertain"
    assert len(server.taken) == 1


def test_a_good_bye_that_fails_changes_nothing(server: Post) -> None:
    server.drop = "QUIT"
    assert deliver(server) == Accepted("<1@corp.example>")


def test_without_a_server_the_mail_waits() -> None:
    found = SmtpTransport(host="127.0.0.1", port=free_port(), encryption="plain").deliver(MAIL, timeout=10)
    assert found.reason == "unavailable"


def test_a_server_that_says_nothing_ends_at_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = SmtpTransport(host="127.0.0.1", port=silent.getsockname()[1], encryption="plain")
        assert transport.deliver(MAIL, timeout=0.6).reason == "unavailable"


def test_nothing_goes_out_in_plain_text_unless_that_is_wanted(server: Post) -> None:
    found = SmtpTransport(host="127.0.0.1", port=server.port).deliver(MAIL, timeout=10)
    assert (found.reason, server.taken) == ("auth", [])


def _refuse(_server: Any, _session: Any, _envelope: Any, _mechanism: str, _data: Any) -> AuthResult:
    return AuthResult(success=False, handled=False)


def test_a_wrong_password_pauses_and_bounces_no_answer() -> None:
    with post(authenticator=_refuse, auth_require_tls=False) as server:
        transport = server.transport(username="help", password="a-wrong-password")
        found = transport.deliver(MAIL, timeout=10)
        assert (type(found), found.reason, found.retry_after) == (Deferred, "auth", 15 * MINUTE)
        assert "a-wrong-password" not in f"{found!r}{transport!r}{found.answer}"


@pytest.fixture
def gate() -> Iterator[tuple[Post, dict[str, Any]]]:
    """A server that lets somebody in, or nobody, and notes who asks: a client may try several ways to log in."""
    state: dict[str, Any] = {"opens": False, "asked": set()}

    def ask(_server: Any, session: Any, *_of: Any) -> AuthResult:
        state["asked"].add(session.peer)
        return AuthResult(success=state["opens"], handled=False)

    with post(authenticator=ask, auth_require_tls=False) as server:
        yield server, state


def office_behind(server: Post, clock: ManualClock, customers: int = 3) -> Desk:
    """Return a desk with an answer for each of some customers in its outbox."""
    smtp = server.transport(username="help", password="a-password")
    channel = EmailChannel(addresses="help@corp.example", keys=KEYS, smtp=smtp)
    desk = Desk(channels=[channel], keys=KEYS, clock=clock, notices=SILENT)
    for number in range(1, customers + 1):
        mail = raw("Help", message_id=f"<{number}@customer.example>", from_=f"ann{number}@customer.example")
        desk.receive("email", Payload(body=mail))
    desk.process_inbox()
    for number in range(1, customers + 1):
        desk.reply(number, "Here it is.", actor="agent:kim")
    return desk


def finding(desk: Desk, code: str) -> Any:
    (found,) = [one for one in desk.check() if one.code == code]
    return found


def test_a_refused_log_in_pauses_the_account_and_one_probe_resumes_it(gate: Any) -> None:
    server, state = gate
    clock = ManualClock("2026-03-02T12:00:00+00:00")
    with office_behind(server, clock) as desk:
        assert finding(desk, "accounts").severity == "ok"
        report = desk.deliver_outbox()
        assert (report.deferred, report.sent, report.more, len(state["asked"])) == (1, 0, False, 1)
        assert report.paused == (("email", "help@corp.example"),)
        assert report.next_due == clock.now() + 15 * MINUTE
        assert [code for _id, code in report.problems] == ["auth"]
        (pause,) = desk.outbox.pauses()
        assert (pause.lane, pause.failures) == (("email", "help@corp.example"), 1)
        alarm = finding(desk, "accounts")
        assert (alarm.severity, "email help@corp.example" in alarm.sentence) == ("error", True)

        clock.advance(minutes=14)
        assert (desk.deliver_outbox().deferred, len(state["asked"])) == (0, 1), "nobody is called during the pause"
        clock.advance(minutes=1)
        assert (desk.deliver_outbox().deferred, len(state["asked"])) == (1, 2), "one probe after it"
        assert desk.outbox.pauses()[0].failures == 2
        clock.advance(days=3)
        desk.deliver_outbox()
        assert [one.state for one in desk.outbox()] == ["pending"] * 3, "nothing is parked for a wrong password"

        state["opens"] = True
        clock.advance(minutes=15)
        report = desk.deliver_outbox()
        assert (report.sent, report.paused, desk.outbox.pauses()) == (3, (), ())
        assert finding(desk, "accounts").severity == "ok"
        assert len(server.taken) == 3


def test_who_has_mended_the_password_need_not_wait(gate: Any) -> None:
    server, state = gate
    with office_behind(server, ManualClock("2026-03-02T12:00:00+00:00"), 1) as desk:
        desk.deliver_outbox()
        with pytest.raises(NotFound):
            desk.outbox.resume("email", "other@corp.example")
        desk.outbox.resume("email", "help@corp.example")
        state["opens"] = True
        assert desk.deliver_outbox().sent == 1


def test_a_certificate_that_nobody_vouches_for_is_an_alarm_and_no_bounce(tmp_path: Any) -> None:
    certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            try:
                context.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        transport = SmtpTransport(host="127.0.0.1", port=listening.getsockname()[1], encryption="tls")
        assert transport.deliver(MAIL, timeout=10).reason == "auth"
        thread.join(5)


def certificate(folder: Any) -> None:
    """Write a certificate that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))


def test_half_a_log_in_is_refused_when_the_transport_is_made() -> None:
    with pytest.raises(ConfigurationError):
        SmtpTransport(host="mail.example", username="help")


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({}, "sent"),
        ({"replies": {"MAIL": "451 later"}}, "pending"),
        ({"replies": {"DATA": "550 never"}}, "failed"),
        ({"recipients": {"ann@customer.example": "550 unknown"}}, "failed"),
        ({"drop": "RCPT"}, "pending"),
        ({"drop": "DATA"}, "unknown"),
        ({"drop": "QUIT"}, "sent"),
    ],
)
def test_the_outbox_says_what_the_server_did_and_nothing_goes_out_twice(
    server: Post, fault: dict[str, Any], state: str
) -> None:
    clock = ManualClock("2026-03-02T12:00:00+00:00")
    channel = EmailChannel(addresses="help@corp.example", keys=KEYS, smtp=server.transport())
    with Desk(channels=[channel], keys=KEYS, clock=clock, notices=SILENT) as desk:
        desk.receive("email", Payload(body=raw("Help", message_id="<1@customer.example>")))
        desk.process_inbox()
        desk.reply(1, "Here it is.", actor="agent:kim")
        for name, value in fault.items():
            setattr(server, name, value)
        desk.deliver_outbox()
        assert [one.state for one in desk.outbox(1)] == [state]
        server.replies, server.recipients, server.drop = {}, {}, ""
        clock.advance(hours=1)
        desk.deliver_outbox()
        assert len(server.taken) == (0 if state == "failed" else 1)
        assert [one.state for one in desk.outbox(1)] == ["sent" if state == "pending" else state]
