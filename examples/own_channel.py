"""A channel of your own: an adapter that puts every answer into a folder as one file.

It shows the three answers an adapter can give. The provider here is a folder: while it is missing the channel is
down (`Deferred`), a recipient that is no file name will never work (`Rejected`), everything else is `Accepted`.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from supportkit import Accepted, Capabilities, Deferred, Desk, ManualClock, Outbound, Rejected

_SAFE = re.compile(r"[a-z0-9-]{1,40}")
# A file is named by our id, so a repeat writes the same file again: the folder deduplicates.
_ABLE = Capabilities(family="other", inbound=False, dedupes_sends=True, timeout=5.0)


@attrs.frozen(kw_only=True)
class Maildrop:
    """Writes messages to files.

    Attributes:
        folder: Where they go.
        name: What the channel is called in a desk.
        capabilities: What it can do.
    """

    folder: Path
    name: str = "maildrop"
    capabilities: Capabilities = _ABLE

    def send(self, message: Outbound) -> Accepted | Deferred | Rejected:
        """Write one message; never raise to say that it did not work."""
        if not _SAFE.fullmatch(message.recipient):
            return Rejected("bad_recipient")
        if not self.folder.is_dir():
            return Deferred("unavailable")
        path = self.folder / f"{message.recipient}_{message.id}.txt"
        path.write_text(f"{message.subject}\n\n{message.body}\n", encoding="utf-8")
        return Accepted(path.name)


def main() -> None:
    """Answer two customers while the folder is missing, then when it is there."""
    clock = ManualClock("2026-03-02T09:00:00+00:00")
    with TemporaryDirectory() as place:
        folder = Path(place) / "out"
        with Desk("sqlite://", channels=[Maildrop(folder=folder)], clock=clock) as desk:
            for name, address in (("Ann", "ann-17"), ("Bo", "../bo")):
                customer = desk.customers.add(name, addresses={"other": address})
                ticket = desk.open("Opening hours", "When are you open?", customer=customer.id, channel="maildrop")
                desk.reply(ticket.id, f"Hello {name}, from 9 to 18.", actor="agent:kim")

            report = desk.deliver_outbox()
            print(f"folder missing: {report.deferred} deferred, {report.failed} failed")

            folder.mkdir()
            clock.advance(minutes=1)
            report = desk.deliver_outbox()
            print(f"folder there:   {report.sent} sent")
            for path in sorted(folder.iterdir()):
                print(path.read_text(encoding="utf-8").splitlines())

            for delivery in desk.outbox():
                print(delivery.state, delivery.reason)
            print("log of Bo's ticket:", *(type(recorded.event).__name__ for recorded in desk.history(2)))


if __name__ == "__main__":
    main()
