"""`StorageContract`: what every storage has to do, as tests that a third party inherits."""

from __future__ import annotations

from supportkit.testing.storage.arrivals import ArrivalTests
from supportkit.testing.storage.changes import ChangeTests
from supportkit.testing.storage.conversations import ConversationTests
from supportkit.testing.storage.deliveries import DeliveryTests
from supportkit.testing.storage.erasing import ErasingTests
from supportkit.testing.storage.followers import FollowerTests
from supportkit.testing.storage.joining import JoiningTests
from supportkit.testing.storage.keeping import KeepingTests
from supportkit.testing.storage.lasting import LastingTests
from supportkit.testing.storage.promises import PromiseTests
from supportkit.testing.storage.queueing import QueueTests
from supportkit.testing.storage.races import RaceTests
from supportkit.testing.storage.records import RecordTests
from supportkit.testing.storage.searching import SearchTests
from supportkit.testing.storage.settlements import DecisionTests, TurnTests
from supportkit.testing.storage.tenants import TenantTests
from supportkit.testing.storage.timers import TimerTests
from supportkit.testing.storage.values import ValueTests
from supportkit.testing.storage.wholes import WholeTests

__all__ = ["StorageContract"]


class StorageContract(
    ValueTests,
    ChangeTests,
    RaceTests,
    FollowerTests,
    TimerTests,
    DeliveryTests,
    TurnTests,
    DecisionTests,
    PromiseTests,
    SearchTests,
    TenantTests,
    KeepingTests,
    WholeTests,
    ArrivalTests,
    ConversationTests,
    RecordTests,
    ErasingTests,
    QueueTests,
    LastingTests,
    JoiningTests,
):
    """Inherit this and give it a fixture `storage`.

    A durable storage also needs a fixture `reopen`, and one that joins transactions of the app a fixture `connect`.
    What the capabilities of the storage declare absent is skipped with the reason. A single test can be overridden
    by its name, with the reason why it does not apply.

    Attributes:
        writes: How many changes the counting test stores.
        writers: How many threads write at once.
        workers: How many threads claim at once.
        examples: How many generated logs and queries are tried.
    """

    __test__ = False  # only classes that inherit it are collected

    def __init_subclass__(cls) -> None:
        """Let pytest collect the subclass."""
        super().__init_subclass__()
        if "__test__" not in vars(cls):
            cls.__test__ = True
