"""Finds out which version of the time-zone data `zoneinfo` reads, so that a result can say what it rests on."""

from __future__ import annotations

import functools
import importlib
import re
import zoneinfo
from pathlib import Path

UNKNOWN = "unknown"


def zone_data_version(timezone: str) -> str:
    """Return the version of the data that *timezone* is read from, such as `2025b`.

    `zoneinfo` looks for each zone on its path first and in the `tzdata` package after it; so does this. A system that
    does not say which version it has gives `"unknown"`.
    """
    return _version(timezone, zoneinfo.TZPATH)


@functools.lru_cache(maxsize=256)
def _version(timezone: str, path: tuple[str, ...]) -> str:
    for folder in map(Path, path):
        if (folder / timezone).is_file():
            return _system_version(folder)
    try:
        return str(importlib.import_module("tzdata").IANA_VERSION)
    except (ImportError, AttributeError):
        return UNKNOWN


def _system_version(folder: Path) -> str:
    """Return what the two files say that distributions put beside the zones."""
    for name, pattern in (("tzdata.zi", r"# version (\S+)"), ("+VERSION", r"(\S+)")):
        try:
            with (folder / name).open(encoding="ascii", errors="replace") as file:
                found = re.match(pattern, file.readline())
        except OSError:
            continue
        if found:
            return found[1]
    return UNKNOWN
