"""The page of surveys as an ASGI app, driven as a server would drive it."""

from __future__ import annotations

import ast
import asyncio
import pathlib
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.survey_rig import Rig, nonce_of, rig_with

from supportkit import AsyncDesk, StorageUnavailable
from supportkit.integrations import asgi
from supportkit.integrations.asgi import survey_app
from supportkit.surveying.page import MAX_BODY, SurveyResponse, refusal
from supportkit.surveying.service import Surveys


def call(rig: Rig, method: str, path: str, chunks: tuple[bytes, ...] = (b"",), **more: Any) -> SurveyResponse:
    """Send a request through the app and return what a client would get."""
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": at < len(chunks)} for at, chunk in enumerate(chunks, 1)
    ]
    login = more.pop("login", lambda _scope: None)
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "client": ("203.0.113.9", 5), **more}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        async with AsyncDesk(rig.desk) as desk:
            await survey_app(desk, login=login)(scope, receive, send)

    asyncio.run(run())
    start, body = sent
    headers = tuple((name.decode(), value.decode()) for name, value in start["headers"])
    return SurveyResponse(status=start["status"], headers=headers, body=body["body"])


def test_a_form_that_comes_in_pieces_is_an_answer() -> None:
    rig = rig_with()
    ticket, token = rig.asked()
    page = call(rig, "GET", f"/s/{token}")
    assert (page.status, dict(page.headers)["referrer-policy"]) == (200, "no-referrer")
    rig.clock.advance(seconds=20)
    body = urlencode({"nonce": nonce_of(page), "csat": "4"}).encode()
    assert call(rig, "POST", f"/s/{token}", (body[:7], body[7:30], body[30:])).status == 200
    assert [one.codes for one in rig.invitation(ticket).answers] == [{"csat": 4}]


def test_what_is_too_long_is_refused_without_being_read_to_its_end() -> None:
    rig = rig_with()
    _ticket, token = rig.asked()
    answer = call(rig, "POST", f"/s/{token}", (b"a" * MAX_BODY, b"a", b"never read"))
    assert (answer.status, answer.body) == (refusal().status, refusal().body)


def test_a_colleague_who_is_logged_in_gets_the_page_of_refusals() -> None:
    rig = rig_with()
    _ticket, token = rig.asked()
    headers = [(b"cookie", b"agent=kim")]
    answer = call(rig, "GET", f"/s/{token}", headers=headers, login=lambda scope: scope["headers"][0][1].decode())
    assert (answer.status, answer.body) == (refusal().status, refusal().body)


def test_the_query_and_the_address_of_the_client_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with()
    seen: list[Any] = []

    def handle(_self: Surveys, request: Any) -> SurveyResponse:
        seen.append(request)
        return refusal()

    monkeypatch.setattr(Surveys, "handle", handle)
    call(rig, "GET", "/s/x", query_string=b"csat=5")
    call(rig, "GET", "/s/x", client=None)
    assert [(one.path, one.query, one.remote, one.login) for one in seen] == [
        ("/s/x", "csat=5", "203.0.113.9", None), ("/s/x", "", "", None),
    ]  # fmt: skip


def test_a_database_that_is_away_asks_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_with()

    def away(_self: Surveys, _request: Any) -> SurveyResponse:
        raise StorageUnavailable("away")

    monkeypatch.setattr(Surveys, "handle", away)
    answer = call(rig, "GET", "/s/x")
    assert (answer.status, dict(answer.headers)["retry-after"]) == (503, "60")


def test_anything_but_http_is_a_mistake_of_the_server() -> None:
    with pytest.raises(RuntimeError, match="websocket"):
        call(rig_with(), "GET", "/s/x", type="websocket")


def test_the_module_stays_small_and_needs_no_framework() -> None:
    text = pathlib.Path(asgi.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    roots = {
        (node.module or "").partition(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    }
    assert roots == {"__future__", "collections", "typing", "supportkit"}
