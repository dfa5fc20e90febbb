"""One HTTP call: what was surely not taken is told from what perhaps was."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from supportkit.channels.http import Broken
from supportkit.channels.transport import HttpAnswer, http_call
from supportkit.testing.fakes import Fake, Plain


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake(Plain()) as fake:
        yield fake


def post(url: str, body: bytes = b'{"to": "1", "text": "Hello"}', timeout: float = 5.0) -> HttpAnswer:
    return http_call("POST", url, headers={"Authorization": "Bearer plain-token"}, body=body, timeout=timeout)


def test_an_answer_comes_back_with_status_headers_and_body(fake: Fake) -> None:
    answer = post(fake.url + "/messages")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.body == b'{"id": "m-1", "key": null}'


def test_a_refused_connection_is_before_sending(fake: Fake) -> None:
    url = fake.url
    fake.close()
    assert post(url).status is Broken.BEFORE_SENDING


def test_a_name_that_does_not_exist_is_before_sending() -> None:
    assert post("http://no-such-host.invalid/").status is Broken.BEFORE_SENDING


def test_tls_where_nobody_speaks_it_is_before_sending(fake: Fake) -> None:
    assert post(fake.url.replace("http:", "https:"), timeout=1.0).status is Broken.BEFORE_SENDING
    assert fake.arrived() == []


def test_a_dropped_connection_is_after_sending(fake: Fake) -> None:
    fake.accept_then_drop()
    assert post(fake.url + "/messages").status is Broken.AFTER_SENDING
    assert len(fake.arrived()) == 1


def test_silence_is_after_sending(fake: Fake) -> None:
    fake.hang(seconds=10)
    assert post(fake.url + "/messages", timeout=0.2).status is Broken.AFTER_SENDING


def test_what_is_not_http_is_after_sending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        assert post(f"http://127.0.0.1:{server.getsockname()[1]}/").status is Broken.AFTER_SENDING
        thread.join(5)


def test_a_redirect_is_an_answer_and_is_not_followed(fake: Fake) -> None:
    fake.fail_next(302)
    assert post(fake.url + "/messages").status == 302
    assert fake.requests == 1


def test_a_proxy_of_the_environment_is_not_used(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert post(fake.url + "/messages").status == 200


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x.example/", "127.0.0.1/messages", "http:///x", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="begins with https"):
        post(url)


def test_a_header_cannot_bring_another_one(fake: Fake) -> None:
    with pytest.raises(ValueError, match="not one line"):
        http_call("POST", fake.url, headers={"X": "a\r\nY: b"}, body=b"", timeout=5)
    assert fake.requests == 0
