"""The fake providers: their paths, limits and signatures; faults by script; a log that survives kills."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest

from supportkit.channels import signing
from supportkit.channels.http import Broken
from supportkit.channels.inbound import Answer, Payload
from supportkit.channels.transport import HttpAnswer, http_call
from supportkit.clock import ManualClock
from supportkit.errors import SignatureMismatch
from supportkit.testing.fakes import Fake, Meta, Receiver, Slack, Telegram, Twilio, idempotent, neither, reconcilable

JSON = {"Content-Type": "application/json"}


def call(fake: Fake | str, path: str, said: Any = None, **headers: str) -> HttpAnswer:
    url = fake if isinstance(fake, str) else fake.url
    body = None if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
    return http_call("GET" if said is None else "POST", url + path, headers=JSON | headers, body=body, timeout=5.0)


def telegram(fake: Fake, chat: Any = 1, text: str = "Hello", token: str = Telegram().token) -> HttpAnswer:
    return call(fake, f"/bot{token}/sendMessage", {"chat_id": chat, "text": text})


def slack(fake: Fake, channel: str = "C1", text: str = "Hello", token: str = Slack().token) -> HttpAnswer:
    return call(fake, "/api/chat.postMessage", {"channel": channel, "text": text}, Authorization=f"Bearer {token}")


def twilio(fake: Fake, to: str = "+4915112345678", text: str = "Hello", token: str = Twilio().token) -> HttpAnswer:
    sid = Twilio().sid
    login = base64.b64encode(f"{sid}:{token}".encode()).decode()
    form = urlencode({"To": to, "From": "+4930123456", "Body": text}).encode()
    return call(fake, f"/2010-04-01/Accounts/{sid}/Messages.json", form, Authorization=f"Basic {login}")


def whatsapp(fake: Fake, to: str = "49151", text: str = "Hello", token: str = Meta().token, **more: Any) -> HttpAnswer:
    said = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}, **more}
    return call(fake, "/v23.0/1059/messages", said, Authorization=f"Bearer {token}")


def messenger(fake: Fake, text: str = "Hello") -> HttpAnswer:
    said = {"recipient": {"id": "77"}, "message": {"text": text}}
    return call(fake, "/v23.0/me/messages", said, Authorization=f"Bearer {Meta().token}")


def plain(fake: Fake | str, text: str = "Hello", key: str | None = None, token: str = "plain-token") -> HttpAnswer:
    return call(fake, "/messages", {"to": "1", "text": text, "key": key}, Authorization=f"Bearer {token}")


TAKES: list[tuple[Any, Callable[[Fake], HttpAnswer], tuple[str, str], int, Any]] = [
    (Telegram(), telegram, ("1", "Hello"), 200, lambda said: said["result"]["message_id"] == 1),
    (Slack(), slack, ("C1", "Hello"), 200, lambda said: said["ok"] and said["ts"].endswith(".000001")),
    (Twilio(), twilio, ("+4915112345678", "Hello"), 201, lambda said: said["sid"].startswith("SM")),
    (Meta(), whatsapp, ("49151", "Hello"), 200, lambda said: said["messages"][0]["id"].startswith("wamid.")),
    (Meta(), messenger, ("77", "Hello"), 200, lambda said: said["message_id"]),
    (neither(), plain, ("1", "Hello"), 200, lambda said: said["id"] == "m-1"),
]


@pytest.mark.parametrize(("provider", "send", "wanted", "status", "says"), TAKES)
def test_a_provider_takes_a_message_and_answers_in_its_words(
    provider: Any, send: Callable[[Fake], HttpAnswer], wanted: tuple[str, str], status: int, says: Callable[[Any], bool]
) -> None:
    with Fake(provider) as fake:
        answer = send(fake)
        assert answer.status == status
        assert says(json.loads(answer.body))
        assert [(one.recipient, one.body) for one in fake.arrived()] == [wanted]


def field(name: str, value: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda said: said[name] == value


def code(value: int) -> Callable[[dict[str, Any]], bool]:
    return lambda said: bool(said["error"]["code"] == value)


REFUSES: list[tuple[Any, Callable[[Fake], HttpAnswer], int, Callable[[dict[str, Any]], bool]]] = [
    (Telegram(), lambda fake: telegram(fake, text="😀" * 2049), 400, field("error_code", 400)),
    (Telegram(), lambda fake: telegram(fake, token="1:b"), 401, field("ok", False)),
    (Telegram(), lambda fake: telegram(fake, chat="@ann"), 400, field("description", "Bad Request: chat not found")),
    (Telegram(blocked=frozenset({"1"})), telegram, 403, field("error_code", 403)),
    (Telegram(chats=frozenset({"2"})), telegram, 400, field("error_code", 400)),
    (Slack(), lambda fake: slack(fake, token="no"), 200, field("error", "invalid_auth")),
    (Slack(channels=frozenset({"C2"})), slack, 200, field("error", "channel_not_found")),
    (Slack(), lambda fake: slack(fake, text=""), 200, field("error", "no_text")),
    (Twilio(), lambda fake: twilio(fake, token="no"), 401, field("code", 20003)),
    (Twilio(), lambda fake: twilio(fake, to="0151"), 400, field("code", 21211)),
    (Twilio(), lambda fake: twilio(fake, text="x" * 1601), 400, field("code", 21617)),
    (Twilio(opted_out=frozenset({"+4915112345678"})), twilio, 400, field("code", 21610)),
    (Meta(), lambda fake: whatsapp(fake, token="no"), 401, code(190)),
    (Meta(), lambda fake: whatsapp(fake, text="x" * 4097), 400, code(100)),
    (Meta(), lambda fake: whatsapp(fake, text=["x"]), 400, code(100)),  # type: ignore[arg-type]
    (Meta(), lambda fake: messenger(fake, "x" * 2001), 400, code(100)),
    (Meta(closed=frozenset({"49151"})), whatsapp, 400, code(131047)),
    (neither(), lambda fake: plain(fake, token="no"), 401, field("error", 401)),
    (neither(), lambda fake: plain(fake, "x" * 2001), 400, field("error", 400)),
]


@pytest.mark.parametrize(("provider", "send", "status", "says"), REFUSES)
def test_a_provider_refuses_what_is_beyond_its_limits(
    provider: Any, send: Callable[[Fake], HttpAnswer], status: int, says: Callable[[Any], bool]
) -> None:
    with Fake(provider) as fake:
        answer = send(fake)
        assert (answer.status, says(json.loads(answer.body))) == (status, True)
        assert fake.arrived() == []


def test_slack_cuts_at_forty_thousand_characters() -> None:
    with Fake(Slack()) as fake:
        slack(fake, text="x" * 40_001)
        assert len(fake.arrived()[0].body) == 40_000


def test_whatsapp_takes_a_template_when_the_window_is_closed() -> None:
    with Fake(Meta(closed=frozenset({"49151"}))) as fake:
        assert whatsapp(fake, template={"name": "hello"}).status == 200


def test_an_idempotent_provider_takes_a_key_once() -> None:
    with Fake(idempotent()) as fake:
        assert plain(fake, key="a").body == plain(fake, "Other", key="a").body
        plain(fake, key="b")
        assert [one.key for one in fake.arrived()] == ["a", "b"]


def test_a_reconcilable_provider_tells_what_it_took() -> None:
    with Fake(reconcilable()) as fake:
        plain(fake, key="a/b")
        known = call(fake, "/messages/a%2Fb", Authorization="Bearer plain-token")
        assert (known.status, json.loads(known.body)["id"]) == (200, "m-1")
        assert call(fake, "/messages/c", Authorization="Bearer plain-token").status == 404
        assert len(fake.arrived()) == 1


def test_a_provider_of_the_third_class_can_neither() -> None:
    with Fake(neither()) as fake:
        plain(fake, key="a")
        plain(fake, key="a")
        assert len(fake.arrived()) == 2
        assert call(fake, "/messages/a", Authorization="Bearer plain-token").status == 404


def test_a_receiver_takes_signed_webhooks_once() -> None:
    clock = ManualClock("2026-03-02T09:00:00+00:00")
    secret = "whsec_" + base64.b64encode(b"x" * 32).decode()
    provider = Receiver(secret=secret, clock=clock)
    with Fake(provider) as fake:
        payload = provider.delivery({"type": "ticket.resolved"})
        headers = dict(payload.headers)
        for _ in range(2):
            assert call(fake, "/hook", payload.body, **headers).status == 204
        assert call(fake, "/hook", payload.body + b" ", **headers).status == 401
        clock.advance(seconds=301)
        assert call(fake, "/hook", payload.body, **headers).status == 401
        assert [one.key for one in fake.arrived()] == ["msg_1"]


def verifiers() -> list[tuple[Any, Any]]:
    secret = "whsec_" + base64.b64encode(b"x" * 32).decode()
    clock = ManualClock("2026-03-02T09:00:00+00:00")
    return [
        (Telegram(), signing.SharedToken(Telegram().secret_token)),
        (Slack(), signing.Slack(Slack().signing_secret)),
        (Twilio(), signing.Twilio(Twilio().token)),
        (Meta(), signing.Hub(Meta().app_secret)),
        (neither(), signing.Hub("plain-secret")),
        (Receiver(secret=secret, clock=clock), signing.StandardWebhook(secret)),
    ]


@pytest.mark.parametrize(("provider", "verifier"), verifiers(), ids=lambda one: type(one).__name__)
def test_deliveries_are_signed_as_the_provider_signs(provider: Any, verifier: Any) -> None:
    payload = provider.delivery({"Body": "Grüße, чат 打印机"}, number=3)
    arrived = attrs.evolve(payload, received_at="2026-03-02T09:00:00+00:00")
    verifier.verify(arrived)
    if not isinstance(provider, Telegram):
        with pytest.raises(SignatureMismatch):
            verifier.verify(attrs.evolve(arrived, body=arrived.body + b"&x=1"))


# -- faults ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake(neither()) as fake:
        yield fake


def test_failures_come_as_often_as_planned_and_take_nothing(fake: Fake) -> None:
    fake.fail_next(429, times=2, retry_after=7)
    fake.fail_next(500)
    statuses = [plain(fake) for _ in range(4)]
    assert [one.status for one in statuses] == [429, 429, 500, 200]
    assert [one.headers.get("Retry-After") for one in statuses] == ["7", "7", None, None]
    assert len(fake.arrived()) == 1


def test_garbage_and_a_dropped_connection_take_the_message(fake: Fake) -> None:
    fake.garbage()
    fake.accept_then_drop()
    found = plain(fake)
    assert found.status == 200
    with pytest.raises(ValueError):
        json.loads(found.body)
    assert plain(fake).status is Broken.AFTER_SENDING
    assert len(fake.arrived()) == 2


def test_what_hangs_is_let_go_and_took_nothing(fake: Fake) -> None:
    fake.hang(seconds=60)
    answer = http_call("POST", fake.url + "/messages", headers={}, body=b"{}", timeout=0.2)
    assert answer.status is Broken.AFTER_SENDING
    fake.recover()
    assert plain(fake).status == 200
    assert len(fake.arrived()) == 1


def test_a_slow_answer_comes_after_the_message_was_taken(fake: Fake) -> None:
    fake.slow(60)
    headers = {"Authorization": "Bearer plain-token"}
    body = b'{"to": "1", "text": "Hello"}'
    answer = http_call("POST", fake.url + "/messages", headers=headers, body=body, timeout=0.2)
    assert answer.status is Broken.AFTER_SENDING
    assert len(fake.arrived()) == 1


def test_a_message_is_taken_and_its_answer_is_a_failure_or_comes_twice(fake: Fake) -> None:
    fake.accept_then_fail(500)
    fake.answer_twice()
    assert plain(fake).status == 500
    assert plain(fake).status == 200
    assert len(fake.arrived()) == 2


def test_a_wait_may_be_any_text() -> None:
    with Fake(neither()) as fake:
        fake.fail_next(429, retry_after="soon")
        answer = plain(fake)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "soon")


def test_deliveries_come_twice_out_of_order_and_again_until_they_are_taken(fake: Fake) -> None:
    fake.queue({"n": 1})
    fake.queue({"n": 2})
    fake.deliver_twice()
    fake.reorder()
    seen: list[int] = []

    def receive(payload: Payload) -> Answer:
        (entry,) = json.loads(payload.body)["entries"]
        seen.append(entry["n"])
        return Answer(status=503 if len(seen) == 1 else 200)

    assert fake.deliver(receive) == [503, 200, 200, 200]
    assert fake.deliver(receive) == [200]
    assert fake.deliver(receive) == []
    assert seen == [2, 2, 1, 1, 2]


# -- the log ---------------------------------------------------------------------------------------------------------


def start(log: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "supportkit.testing.fakes", "idempotent", "--log", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_log_survives_the_kill_of_its_provider(tmp_path: Path) -> None:
    log = tmp_path / "taken.log"
    process, url = start(log)
    try:
        ids = [json.loads(plain(url, f"text {number}", f"key-{number}").body)["id"] for number in range(3)]
        assert call(url, "/-/fault", {"kind": "accept_then_drop"}).status == 204
        assert plain(url, "dropped", "key-3").status is Broken.AFTER_SENDING
    finally:
        process.kill()
        process.communicate(timeout=10)
    with log.open("ab") as file:
        file.write(b'{"recipient": "1", "bo')  # killed within a line: it was never acknowledged
    with Fake(idempotent(), log=log) as again:
        assert [one.body for one in again.arrived()] == ["text 0", "text 1", "text 2", "dropped"]
        assert json.loads(plain(again, "text 0", "key-0").body)["id"] == ids[0]
        assert json.loads(plain(again, "new", "key-4").body)["id"] == "m-5"
    assert len(log.read_text(encoding="utf-8").splitlines()) == 5
