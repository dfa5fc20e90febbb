"""The suite talks to nobody but servers on this machine."""

from __future__ import annotations

import socket

import pytest

from supportkit.channels.http import Broken
from supportkit.channels.transport import http_call


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")])
def test_no_test_leaves_this_machine(family: int, address: str) -> None:
    with socket.socket(family) as one:
        for way in (one.connect, one.connect_ex):
            with pytest.raises(PermissionError, match="leave this machine"):
                way((address, 443))


def test_a_call_to_elsewhere_is_surely_not_taken() -> None:
    answer = http_call("POST", "http://192.0.2.1/", headers={}, body=b"x", timeout=5)
    assert answer.status is Broken.BEFORE_SENDING


def test_servers_on_this_machine_are_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as one:
        one.connect(server.getsockname())
