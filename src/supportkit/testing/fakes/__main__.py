"""A fake in a process of its own: it prints its address, takes messages, and is scripted by `POST /-/fault`."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Sequence

from supportkit.testing.fakes.messengers import Meta, Slack, Telegram, Twilio
from supportkit.testing.fakes.plain import Receiver, idempotent, neither, reconcilable
from supportkit.testing.fakes.server import Fake
from supportkit.testing.fakes.wire import Provider

PROVIDERS: dict[str, Callable[[], Provider]] = {
    "slack": Slack,
    "twilio": Twilio,
    "meta": Meta,
    "telegram": Telegram,
    "receiver": Receiver,
    "idempotent": idempotent,
    "reconcilable": reconcilable,
    "neither": neither,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m supportkit.testing.fakes", description=__doc__)
    parser.add_argument("provider", choices=sorted(PROVIDERS))
    parser.add_argument("--log", required=True, help="file for what was taken; one that exists is gone on with")
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args(arguments)
    with Fake(PROVIDERS[asked.provider](), log=asked.log, port=asked.port) as fake:
        sys.stdout.write(fake.url + "\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
