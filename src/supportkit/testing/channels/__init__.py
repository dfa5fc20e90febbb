"""`ChannelContract`: what every channel has to do, as tests that a third party inherits."""

from __future__ import annotations

from supportkit.testing.channels.declaring import DeclaringTests
from supportkit.testing.channels.polling import PollingTests
from supportkit.testing.channels.reading import ReadingTests
from supportkit.testing.channels.receipts import ReceiptTests
from supportkit.testing.channels.rig import Provided, Rig, Sample
from supportkit.testing.channels.sending import SendingTests
from supportkit.testing.channels.signatures import SignatureTests

__all__ = ["ChannelContract", "Provided", "Rig", "Sample"]


class ChannelContract(DeclaringTests, ReadingTests, SignatureTests, SendingTests, ReceiptTests, PollingTests):
    """Inherit this, give it a fixture `rig`, and `samples` of what the provider delivers.

    What the capabilities of the channel declare absent is skipped with the reason. A single test can be overridden by
    its name, with the reason why it does not apply. The generated cases are the same in every run.

    Attributes:
        samples: Real deliveries of the provider and what they say; at least one for each kind of delivery.
        examples: How many random bodies are tried.
        unmistakable_ids: Why ids of this provider's people cannot be taken for those of another one.
    """

    __test__ = False  # only classes that inherit it are collected

    def __init_subclass__(cls) -> None:
        """Let pytest collect the subclass."""
        super().__init_subclass__()
        if "__test__" not in vars(cls):
            cls.__test__ = True
