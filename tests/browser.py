"""A real browser without a window, for pages: what it draws, and whether it overflows. No tests in here."""

from __future__ import annotations

import os
import pathlib
import shutil
import struct
import subprocess
import zlib

import attrs
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser() -> str:
    """Return the path of a Chromium; skip the test where there is none, in CI (`CI=true`) fail it."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is not None:
        return found
    reason = f"there is no Chromium on this machine: none of {', '.join(NAMES)}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run(page: pathlib.Path, *options: str) -> str:
    """Open a page and return what the browser prints."""
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
               f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri()]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.decode("utf-8")


@attrs.frozen
class Picture:
    """A picture as rows of red, green and blue."""

    width: int
    height: int
    rows: tuple[bytes, ...]

    def colours(self, top: int = 0, bottom: int | None = None) -> set[bytes]:
        """Return the different colours of some rows."""
        return {row[at : at + 3] for row in self.rows[top:bottom] for at in range(0, len(row), 3)}

    def ink(self, top: int, bottom: int, left: int, right: int) -> int:
        """Return how many pixels of a part are dark."""
        return sum(sum(row[at : at + 3]) < 300 for row in self.rows[top:bottom] for at in range(3 * left, 3 * right, 3))


def picture(page: pathlib.Path, width: int, height: int, *, scale: float = 1) -> Picture:
    """Return what a browser of a size draws of a page; with a *scale* below 1 a smaller picture of the same."""
    target = page.with_suffix(f".{width}.png")
    run(page, f"--screenshot={target}", f"--window-size={width},{height}", f"--force-device-scale-factor={scale:g}")
    return read_png(target.read_bytes())


def read_png(data: bytes) -> Picture:
    """Read a PNG of 8 bits a channel, as the browser writes them."""
    at, parts, size, channels = 8, [], (0, 0), 3
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
            assert body[8] == 8
            channels = {2: 3, 6: 4}[body[9]]
        elif kind == b"IDAT":
            parts.append(body)
        at += 12 + length
    return Picture(size[0], size[1], tuple(_rows(zlib.decompress(b"".join(parts)), size[0] * channels, channels)))


def _rows(raw: bytes, stride: int, channels: int):
    before = bytearray(stride)
    for start in range(0, len(raw), stride + 1):
        method, row = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for at in range(stride if method else 0):
            left = row[at - channels] if at >= channels else 0
            above, corner = before[at], before[at - channels] if at >= channels else 0
            guess = (0, left, above, (left + above) // 2, _nearest(left, above, corner))[method]
            row[at] = (row[at] + guess) & 255
        before = row
        yield bytes(row) if channels == 3 else bytes(part for at in range(0, stride, 4) for part in row[at : at + 3])


def _nearest(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))
