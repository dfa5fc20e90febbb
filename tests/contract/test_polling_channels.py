"""The part of the channel contract for channels that poll: green for a sound one, red for each planted fault."""

from __future__ import annotations

import attrs
import pytest
from tests.contract import polling_channels as box
from tests.contract.polling_channels import SAMPLES, polling_rig

from supportkit import Desk, ManualClock
from supportkit.engine.notices import SILENT
from supportkit.testing import ChannelContract, Rig


class TestFetches(ChannelContract):
    samples = SAMPLES
    examples = 20

    @pytest.fixture
    def rig(self) -> Rig:
        return polling_rig()


class Kit(ChannelContract):
    """The contract, run by hand."""

    __test__ = False
    samples = SAMPLES


GOES_ON = "test_polling_goes_on_where_its_cursor_says"
AGAIN = "test_what_was_fetched_and_not_stored_is_fetched_again"
FAULTS: list[tuple[type[box.Fetches], str, str]] = [
    (box.ForgetsAtOnce, AGAIN, "is lost, or has another key"),
    (box.NewKeys, AGAIN, "is lost, or has another key"),
    (box.SkipsTheRest, GOES_ON, "did not come in order, or not at all"),
    (box.NewestFirst, GOES_ON, "did not come in order, or not at all"),
    (box.OneKey, GOES_ON, "two deliveries have one key"),
    (box.NeverGoesOn, GOES_ON, "nothing says where to go on"),
    (box.HidesTheGap, "test_what_the_source_counts_and_does_not_hand_over_is_told", "a gap of 0 was told"),
    (box.PassesOver, "test_a_cursor_that_the_source_does_not_know_hides_nothing", "is passed over"),
    (box.LosesWhatBroke, "test_a_source_that_breaks_off_loses_nothing", "in-2"),
]


@pytest.mark.parametrize(("fault", "name", "said"), FAULTS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_planted_fault_turns_the_kit_red(fault: type[box.Fetches], name: str, said: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception), match=said):
        getattr(Kit(), name)(polling_rig(fault))


@pytest.mark.parametrize(("missing", "name"), [("hide", FAULTS[6][1]), ("break_off", FAULTS[8][1])])
def test_what_a_source_cannot_do_is_skipped_with_the_reason(missing: str, name: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=missing):
        getattr(Kit(), name)(polling_rig(**{missing: None}))


def test_a_channel_that_polls_needs_a_source_and_others_are_skipped() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"needs `Rig\.wait`"):
        getattr(Kit(), GOES_ON)(polling_rig(wait=None))
    able = attrs.evolve(box.ABLE, polls=False, insecure=True)
    rig = polling_rig()
    with pytest.raises(pytest.skip.Exception, match="polls=False"):
        getattr(Kit(), GOES_ON)(attrs.evolve(rig, adapter=attrs.evolve(rig.adapter, capabilities=able)))


def test_a_desk_takes_everything_from_a_source_once_however_often_it_breaks_off() -> None:
    rig, clock = polling_rig(), ManualClock("2026-03-02T12:00:00+00:00")
    assert rig.wait is not None
    assert rig.break_off is not None
    with Desk(channels=[rig.adapter], clock=clock, notices=SILENT) as desk:
        rig.wait(7)
        for number in range(8):
            if number % 2 == 0:
                rig.break_off()
            desk.process_inbox()
            clock.advance(seconds=1)
        assert [one.body for one in desk.messages(1)] == [f"text {number}" for number in range(1, 8)]
        assert desk.channel_states()[0].cursor == "7"


def test_a_desk_tells_of_a_gap() -> None:
    rig = polling_rig()
    assert rig.wait is not None
    assert rig.hide is not None
    with Desk(channels=[rig.adapter], notices=SILENT) as desk:
        rig.wait(1)
        desk.process_inbox()
        rig.hide(2)
        rig.wait(1)
        assert ("box", "poll: gap of 2") in desk.process_inbox().problems
