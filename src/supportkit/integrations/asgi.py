"""The page of surveys as a plain ASGI app: mount it where the links lead, in Starlette, FastAPI, Django or alone.

It reads at most what a form can have, and hands everything else to `desk.surveys.handle`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from supportkit.aio import AsyncDesk
from supportkit.errors import StorageUnavailable
from supportkit.surveying.page import MAX_BODY, SurveyRequest

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def survey_app(
    desk: AsyncDesk, *, login: Callable[[Scope], str | None] = lambda _scope: None
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the app.

    Args:
        desk: Whose surveys; it must be open while the app runs.
        login: Tells who is logged in to the desk, by the scope of a request: colleagues cannot answer.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"surveys are pages: they answer http, not {scope['type']}")
        body, more = b"", True
        while more and len(body) <= MAX_BODY:  # what is longer is refused without being read to its end
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        client = scope.get("client")
        request = SurveyRequest(
            method=scope["method"],
            path=scope["path"],
            query=scope.get("query_string", b"").decode("latin-1"),
            body=body,
            remote=client[0] if client else "",
            login=login(scope),
        )
        try:
            answer = await desk.surveys.handle(request)
            status, headers, content = answer.status, answer.headers, answer.body
        except StorageUnavailable:
            status, headers, content = 503, (("Retry-After", "60"), ("Cache-Control", "no-store")), b""
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": content})

    return app
