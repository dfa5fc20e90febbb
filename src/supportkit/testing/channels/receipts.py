"""Contract: what becomes of messages of ours, as the provider tells it (test 25)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import pytest

from supportkit.channels.inbound import Receipt, ReceiptStatus
from supportkit.channels.port import Accepted
from supportkit.testing.channels.kit import ChannelKit, able, outbound, read, send
from supportkit.testing.channels.rig import Rig

_ORDER = (ReceiptStatus.QUEUED, ReceiptStatus.SENT, ReceiptStatus.DELIVERED, ReceiptStatus.READ)


class ReceiptTests(ChannelKit):
    """Receipts name the message that they are about, and move forward."""

    def test_receipts_move_forward(self, rig: Rig) -> None:
        """25. In the samples: later is never less, and what is declared is shown."""
        wanted = {ReceiptStatus.DELIVERED} if able(rig).delivery_receipts else set()
        wanted |= {ReceiptStatus.READ} if able(rig).read_receipts else set()
        if not wanted:
            pytest.skip("the channel declares delivery_receipts=False and read_receipts=False")
        told: dict[tuple[str, str | None, str | None], list[tuple[dt.datetime, int]]] = defaultdict(list)
        seen = set()
        for name, sample in self.inbound_samples(rig):
            for receipt in [one for one in read(rig, sample.payload) if isinstance(one, Receipt)]:
                seen.add(receipt.status)
                if receipt.status in _ORDER and receipt.at is not None:
                    about = (receipt.account, receipt.external_id, receipt.message)
                    told[about].append((receipt.at, _ORDER.index(receipt.status)))
                if receipt.status is ReceiptStatus.FAILED:
                    assert receipt.reason, f"{name}: a failure without a reason"
        assert wanted <= seen, f"no sample shows {', '.join(sorted(wanted - seen))}"
        for about, steps in told.items():
            ranks = [rank for _at, rank in sorted(steps)]
            assert ranks == sorted(ranks), f"receipts of {about} move backwards"

    def test_a_receipt_names_the_message_that_was_sent(self, rig: Rig) -> None:
        """25. By the id under which it was accepted, or by our own."""
        if rig.receipt is None or not (able(rig).outbound and able(rig).delivery_receipts):
            pytest.skip("the channel has no receipts, or the rig no `receipt`")
        answer = send(rig, outbound(rig))
        assert isinstance(answer, Accepted)
        assert answer.external_id is not None
        statuses = [*_ORDER[1:3], *_ORDER[3:] * able(rig).read_receipts, ReceiptStatus.FAILED]
        for status in statuses:
            found = [
                one for one in read(rig, rig.receipt(answer.external_id, status.value)) if isinstance(one, Receipt)
            ]
            assert len(found) == 1, status
            assert found[0].status is status
            named = answer.external_id, outbound(rig).id
            assert found[0].external_id == named[0] or found[0].message == named[1], status
