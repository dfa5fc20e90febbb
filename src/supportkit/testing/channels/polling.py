"""Contract: fetching from a source that nobody pushes from (tests 29 to 32)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from supportkit.channels.inbound import Inbound, Polled
from supportkit.testing.channels.kit import ChannelKit, declared, read
from supportkit.testing.channels.rig import Rig

MOST_POLLS = 100
MAX_CURSOR = 10_000
"""Characters of a cursor; it is stored after each poll."""


class PollingTests(ChannelKit):
    """What is fetched comes in order, is told apart, and is lost neither when we stumble nor when the source does."""

    def test_polling_goes_on_where_its_cursor_says(self, rig: Rig) -> None:
        """29. From the beginning without one; then only what is new, in the order in which it came."""
        wait = _waiting(rig)
        first = wait(5)
        found, cursor = _drained(rig, None)
        assert found[-5:] == list(first), "what waited did not come in order, or not at all"
        assert len(set(found)) == len(found), "a delivery came twice"
        assert _drained(rig, cursor)[0] == [], "nothing is new, and something came"
        later = wait(2)
        found, _cursor = _drained(rig, cursor)
        assert found == list(later), "after the cursor came something else than what is new"

    def test_what_was_fetched_and_not_stored_is_fetched_again(self, rig: Rig) -> None:
        """30. Only a cursor that is handed in says that what is before it is safe; the same cursor gives the same."""
        wait = _waiting(rig)
        wait(3)
        _found, cursor = _drained(rig, None)
        wait(3)
        first = _poll(rig, cursor)
        again = _poll(rig, cursor)
        assert first.payloads, "nothing came"
        keys = [key for key, _payload in first.payloads]
        assert [key for key, _payload in again.payloads][: len(keys)] == keys, (
            "what was fetched before it was stored is lost, or has another key now"
        )
        bodies = {key: payload.body for key, payload in again.payloads}
        assert all(bodies[key] == payload.body for key, payload in first.payloads), "one key, another delivery"

    def test_a_cursor_that_the_source_does_not_know_hides_nothing(self, rig: Rig) -> None:
        """30. It was emptied and filled again, or restored: begin anew or raise, but never find nothing."""
        waiting = _waiting(rig)(2)
        for cursor in ("no cursor of this source", "0", ""):
            polled = _poll_or_raise(rig, cursor)
            if polled is None:
                continue  # a poll that raises is told to people, and loses nothing
            found = set(_ids(rig, polled))
            assert set(waiting) <= found or polled.more, f"with the cursor {cursor!r} what waits is passed over"

    def test_what_the_source_counts_and_does_not_hand_over_is_told(self, rig: Rig) -> None:
        """31. As a gap: somebody has to look."""
        wait = _waiting(rig)
        if rig.hide is None:
            pytest.skip("the rig has no `hide`: the source cannot count what it does not hand over")
        wait(1)
        _found, cursor = _drained(rig, None)
        rig.hide(2)
        wait(1)
        gaps, found = 0, 0
        for _ in range(MOST_POLLS):
            polled = _poll(rig, cursor)
            gaps, found, cursor = gaps + polled.gap, found + len(polled.payloads), polled.cursor or cursor
            if not polled.payloads and not polled.more:
                break
        assert (found, gaps) == (1, 2), f"{found} came and a gap of {gaps} was told"

    def test_a_source_that_breaks_off_loses_nothing(self, rig: Rig) -> None:
        """32. In the middle of a poll: what did not come then comes with the next one."""
        wait = _waiting(rig)
        if rig.break_off is None:
            pytest.skip("the rig has no `break_off`: the source does not break in the middle")
        waiting = list(wait(4))
        rig.break_off()
        polled = _poll_or_raise(rig, None) or Polled()
        found, cursor = _ids(rig, polled), polled.cursor
        rest, _cursor = _drained(rig, cursor)
        assert [one for one in (*found, *rest) if one in waiting] == waiting


def _waiting(rig: Rig) -> Callable[[int], Sequence[str]]:
    declared(rig, "polls")
    if rig.wait is None:
        pytest.fail("a channel that polls needs `Rig.wait`, which lets deliveries wait at its source")
    return rig.wait


def _poll(rig: Rig, cursor: str | None) -> Polled:
    polled = rig.adapter.poll(cursor)
    assert isinstance(polled, Polled), f"poll() gave a {type(polled).__name__}"
    keys = [key for key, _payload in polled.payloads]
    assert all(isinstance(key, str) and key for key in keys), "a delivery has no key of its own"
    assert len(set(keys)) == len(keys), "two deliveries have one key: the second one would be taken for a repeat"
    assert polled.cursor is None or len(polled.cursor) <= MAX_CURSOR
    assert polled.gap >= 0
    return polled


def _poll_or_raise(rig: Rig, cursor: str | None) -> Polled | None:
    """Return what a poll brings, `None` where it raises: then the desk asks again later."""
    try:
        return _poll(rig, cursor)
    except AssertionError:
        raise
    except Exception:  # noqa: BLE001 - whatever a source that is away makes of it
        return None


def _drained(rig: Rig, cursor: str | None) -> tuple[list[str], str | None]:
    """Poll until nothing comes; return the ids of the messages, and where to go on."""
    found: list[str] = []
    for _ in range(MOST_POLLS):
        polled = _poll(rig, cursor)
        found += _ids(rig, polled)
        if not polled.payloads and not polled.more:
            return found, polled.cursor or cursor
        assert polled.cursor is not None, "something came, and nothing says where to go on"
        cursor = polled.cursor
    pytest.fail(f"after {MOST_POLLS} polls there is still more of the same")


def _ids(rig: Rig, polled: Polled) -> list[str]:
    values = [one for _key, payload in polled.payloads for one in read(rig, payload)]
    return [one.external_id for one in values if isinstance(one, Inbound)]
