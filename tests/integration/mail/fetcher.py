"""A process that fetches mail until it is killed: `fetcher.py DATABASE PORT`. No tests in here."""

from __future__ import annotations

import sys

from supportkit import Desk
from supportkit.channels.email import EmailChannel, ImapMailbox
from supportkit.engine.notices import SILENT
from supportkit.keys import Keys

KEYS = Keys(signing={1: b"1" * 32}, hashing=b"h" * 32)


def main(database: str, port: str) -> None:
    """Fetch and read, again and again."""
    source = ImapMailbox(host="127.0.0.1", port=int(port), username="support", password="secret", encryption="plain")
    channel = EmailChannel(addresses="help@corp.example", keys=KEYS, imap=source)
    with Desk(database, channels=[channel], keys=KEYS, notices=SILENT) as desk:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            desk.process_inbox(limit=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
