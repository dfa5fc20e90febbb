"""The channel contract is green for sound adapters of the three classes: idempotent, reconcilable, neither."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.sound_channel import SAMPLES, sound_rig

from supportkit.testing import ChannelContract, Rig
from supportkit.testing.fakes import Fake, idempotent, neither, reconcilable


class TestIdempotent(ChannelContract):
    samples = SAMPLES

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Fake(idempotent()) as fake:
            yield sound_rig(fake)


class TestReconcilable(ChannelContract):
    samples = SAMPLES

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Fake(reconcilable()) as fake:
            yield sound_rig(fake)


class TestNeither(ChannelContract):
    samples = SAMPLES

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Fake(neither()) as fake:
            yield sound_rig(fake)
