"""A headless Chromium, driven over two pipes (`--remote-debugging-pipe`) by the standard library. No tests in here."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0
_KEYS = {"Tab": (9, ""), "ArrowRight": (39, ""), "Enter": (13, "\r")}


def executable() -> str:
    """Return where Chromium is; without one the test is skipped, and fails in CI (`CI=true`)."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = "there is no Chromium on this machine (Debian: apt-get install chromium fonts-noto-cjk)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Browser:
    """One tab: opens pages, looks at them, and presses what a person would press."""

    def __init__(self, process: subprocess.Popen[bytes], into: int, out_of: int) -> None:
        self._process, self._into, self._out_of = process, into, out_of
        self._number, self._rest = 0, b""
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer)

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            left = end - time.monotonic()
            ready, _, _ = select.select([self._out_of], [], [], max(left, 0))
            assert ready, "the browser does not answer"
            chunk = os.read(self._out_of, 1 << 16)
            assert chunk, "the browser has gone"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _loaded(self) -> None:
        while not any(one.get("method") == "Page.loadEventFired" for one in self._events):
            self._events.append(self._read())

    def open(self, url: str) -> None:
        """Open a page and wait until it is there."""
        self._events.clear()
        self.call("Page.navigate", url=url)
        self._loaded()

    def requested(self) -> list[str]:
        """Return the addresses that the page on the screen has asked for."""
        asked = [
            one["params"]["request"]["url"] for one in self._events if one.get("method", "").endswith("WillBeSent")
        ]
        return [url for url in asked if not url.startswith("data:")]

    def see(self, expression: str) -> Any:
        """Return what an expression gives on the page; the page itself has no script."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, selector: str, *, leads_away: bool = False) -> None:
        """Click with the mouse in the middle of what a selector finds."""
        find = f"document.querySelector({json.dumps(selector)})"
        box = self.see(
            f"(() => {{ const e = {find}; e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self._events.clear()
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
        if leads_away:
            self._loaded()

    def write(self, selector: str, text: str) -> None:
        """Write into a field."""
        self.click(selector)
        self.type(text)

    def press(self, key: str, *, leads_away: bool = False) -> None:
        """Press a key: `Tab`, `ArrowRight` or `Enter`."""
        self._events.clear()
        code, text = _KEYS[key]
        for kind in ("keyDown", "keyUp"):
            named = {"key": key, "code": key, "windowsVirtualKeyCode": code}
            self.call("Input.dispatchKeyEvent", type=kind, **named, **({"text": text} if text else {}))
        if leads_away:
            self._loaded()

    def type(self, text: str) -> None:
        """Write where the focus is."""
        self.call("Input.insertText", text=text)

    def reload(self) -> None:
        """Load the page again; a form that led to it is sent once more."""
        self._events.clear()
        self.call("Page.reload")
        self._loaded()

    def names(self) -> list[tuple[str, str]]:
        """Return role and name of what assistive technology is told."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        kept = [one for one in nodes if not one.get("ignored")]
        return [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in kept]


@contextlib.contextmanager
def browsing(folder: pathlib.Path, *, script: bool = True) -> Iterator[Browser]:
    """Run a browser with its profile in *folder*; it reaches this machine and nothing else."""
    to_browser, into = os.pipe()
    out_of, from_browser = os.pipe()

    def place() -> None:
        # What Chromium reads is file 3, what it writes is file 4; first out of each other's way.
        one, two = os.dup(to_browser), os.dup(from_browser)
        os.dup2(one, 3)
        os.dup2(two, 4)

    arguments = [
        executable(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-extensions", f"--user-data-dir={folder}",
        "--remote-debugging-pipe",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        *([] if script else ["--blink-settings=scriptEnabled=false"]), "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(3, 4),
        preexec_fn=place,  # noqa: PLW1509 - no other thread of the tests holds a lock here
    )
    os.close(to_browser)
    os.close(from_browser)
    browser = None
    try:
        browser = Browser(process, into, out_of)
        yield browser
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(into)
        os.close(out_of)
