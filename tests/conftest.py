"""How tests share servers, and which examples they try: those that use PostgreSQL run one after the other.

What a follower may read waits for the oldest transaction of the whole server, also where that one is of another
database. Tests that say what is read at once must not run beside others that keep transactions open.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")  # the same examples in every run; `make stress` looks for new ones

ALONE = ("postgresql", "test_server_", "procrastinate", "test_storage_differential", "test_export_import")


_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex


def _check_here(family: int, address: Any) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6} or address[0] in {"localhost", ""}:
        return
    try:
        is_here = ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        raise PermissionError("a test wants to leave this machine: let it talk to a server on 127.0.0.1")


def _connect_here(self: socket.socket, address: Any) -> None:
    _check_here(self.family, address)
    _connect(self, address)


def _connect_ex_here(self: socket.socket, address: Any) -> int:
    _check_here(self.family, address)
    return _connect_ex(self, address)


def pytest_configure() -> None:
    """Let nothing that tests run leave this machine."""
    socket.socket.connect = _connect_here  # type: ignore[method-assign]
    socket.socket.connect_ex = _connect_ex_here  # type: ignore[method-assign]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that use PostgreSQL into one group of `--dist loadgroup`, and those of each other file into one."""
    for item in items:
        is_alone = any(word in item.nodeid for word in ALONE)
        item.add_marker(pytest.mark.xdist_group("postgresql" if is_alone else item.nodeid.split("::", 1)[0]))


def pytest_collection_finish() -> None:
    """Leave what collecting made out of garbage collection: budgets in processor time are not for looking at tests."""
    gc.collect()
    gc.freeze()
