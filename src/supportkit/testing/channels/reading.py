"""Contract: what an adapter makes of deliveries (tests 3 to 9, and the receiving half of 16)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportkit.channels.inbound import MAX_EXTERNAL_ID, Inbound, Payload, Unparsed
from supportkit.channels.inbound import Arrived as Value
from supportkit.testing.channels.kit import TEXTS, ChannelKit, able, declared, read, read_or_refused, unsound
from supportkit.testing.channels.mutations import (
    as_json,
    at_path,
    broken_bytes,
    broken_values,
    left_out,
    paths,
    replaced,
    with_body,
    with_text,
)
from supportkit.testing.channels.rig import Rig, Sample

ZONES = ("Pacific/Kiritimati", "America/St_Johns", "UTC")


class ReadingTests(ChannelKit):
    """Bytes in, values out; `MalformedPayload` or nothing."""

    def test_each_sample_gives_exactly_its_values(self, rig: Rig) -> None:
        """3. No more, no less, and in order."""
        for name, sample in self.inbound_samples(rig):
            assert read(rig, sample.payload) == list(sample.expect), name

    def test_a_challenge_is_answered_and_nothing_else_is(self, rig: Rig) -> None:
        """3. A handshake gets its answer; a delivery is none."""
        declared(rig, "handshake")
        asked = [one for one in self.samples if one.answer is not None]
        assert asked, "a channel with a handshake needs a sample with the `answer` wanted"
        for sample in asked:
            assert rig.adapter.answer(sample.payload) == sample.answer, sample.name
        for name, sample in self.inbound_samples(rig):
            assert rig.adapter.answer(sample.payload) is None, f"{name} is no challenge"

    def test_reading_twice_gives_equal_values(self, rig: Rig) -> None:
        """4. A delivery is read again after a crash: an id that is new each time would be another message."""
        for name, sample in self.inbound_samples(rig):
            assert read(rig, sample.payload) == read(rig, sample.payload), name

    def test_times_are_aware_and_ids_short_wherever_it_runs(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """5. The zone of the machine changes nothing."""
        if not hasattr(time, "tzset"):
            pytest.skip("this system cannot change its time zone")
        for name, sample in self.inbound_samples(rig):
            try:
                for zone in ZONES:
                    monkeypatch.setenv("TZ", zone)
                    time.tzset()
                    values = read(rig, sample.payload)
                    assert values == list(sample.expect), f"{name} in {zone}"
                    for value in values:
                        assert not unsound(value), f"{name}: {unsound(value)}"
                        external_id = getattr(value, "external_id", None)
                        assert external_id is None or 1 <= len(external_id) <= MAX_EXTERNAL_ID
            finally:
                monkeypatch.undo()
                time.tzset()

    def test_text_in_place_of_bytes_is_a_type_error(self, rig: Rig) -> None:
        """6. Who has decoded a body cannot verify it any more."""
        for name, sample in self.inbound_samples(rig):
            text = sample.payload.body.decode("utf-8", "replace")
            for wrong in (text, as_json(sample.payload)):
                with pytest.raises(TypeError):
                    attrs.evolve(sample.payload, body=wrong)
            for wrong in (text, sample.payload.body, {"body": sample.payload.body}):
                try:
                    values = list(rig.adapter.receive(wrong))
                except (TypeError, AttributeError):
                    continue
                pytest.fail(f"{name}: a {type(wrong).__name__} in place of a Payload was read as {values!r}")

    def test_broken_bytes_give_values_or_malformed_payload(self, rig: Rig) -> None:
        """7. Empty, cut off, with flipped bits, nested too deep, random: nothing else ever comes out."""
        samples = self.inbound_samples(rig)
        for name, sample in samples:
            for what, payload in broken_bytes(sample.payload):
                read_or_refused(rig, payload, f"{name}, {what}")

        @self.generated()
        @given(st.binary(max_size=300), st.integers(0, len(samples) - 1))
        def random_bytes(body: bytes, index: int) -> None:
            read_or_refused(rig, with_body(samples[index][1].payload, body), f"{body!r}")

        random_bytes()

    def test_every_value_of_every_sample_replaced_by_every_wrong_one(self, rig: Rig) -> None:
        """8. And every key left out. Sampled, one field of a hundred is missed."""
        tried = 0
        for name, sample in self.inbound_samples(rig):
            for what, payload in broken_values(sample.payload):
                read_or_refused(rig, payload, f"{name}, {what}")
                tried += 1
        if not tried:
            pytest.skip("no sample is JSON or a form")

    def test_one_bad_entry_of_a_batch_keeps_the_others(self, rig: Rig) -> None:
        """9. A list of entries gives the others, whatever stands in the place of one."""
        batches = 0
        for name, sample in self.inbound_samples(rig):
            for place, payload, others in _batches(rig, sample):
                batches += 1
                kept = read_or_refused(rig, payload, f"{name}, {place}")
                assert kept is not None, f"{name}, {place}: the whole batch was refused"
                assert [one for one in kept if not isinstance(one, Unparsed)] == others, f"{name}, {place}"
        if not batches:
            pytest.skip("no sample is a batch: a list of which one entry can be left out and the others stay")

    def test_texts_of_all_scripts_arrive_as_they_are(self, rig: Rig) -> None:
        """16. What the customer typed is what the agent reads, signs of markup included."""
        written = 0
        for name, sample in self.inbound_samples(rig):
            for value in [one for one in sample.expect if isinstance(one, Inbound) and one.body]:
                for script, text in TEXTS.items():
                    payload = with_text(sample.payload, rig.spelled(value.body), rig.spelled(text))
                    if payload is None:
                        continue
                    written += 1
                    found = [one.body for one in read(rig, payload) if isinstance(one, Inbound)]
                    assert text in found, f"{name}, {script}: {text!r} arrived as {found!r}"
                    if rig.sign is not None and able(rig).signed:
                        rig.adapter.verify(rig.sign(payload))
        if not written:
            pytest.skip("no sample holds the text of its message as one value")


def _batches(rig: Rig, sample: Sample) -> Iterator[tuple[str, Payload, list[Value]]]:
    """Yield deliveries with one broken entry, what was done, and the values that have to be left."""
    whole = as_json(sample.payload)
    if whole is None or len(sample.expect) < 2:  # noqa: PLR2004 - one entry is no batch
        return
    for path in list(paths(whole)):
        entries = at_path(whole, path)
        if not isinstance(entries, list) or len(entries) < 2:  # noqa: PLR2004 - the same
            continue
        for index in range(len(entries)):
            others = read_or_refused(rig, left_out(sample.payload, (*path, index)), f"without entry {index}")
            if others is None or len(others) >= len(sample.expect) or not others:
                continue  # the list holds no entries, such as the sizes of a picture
            wrong: tuple[Any, ...] = (None, 7, "?", [], {}, {"unknown": {"kind": [1]}})
            for one in wrong:
                place = f"{'/'.join(map(str, path)) or 'the whole'}/{index} = {one!r}"
                kept: list[Value] = [value for value in others if not isinstance(value, Unparsed)]
                yield place, replaced(sample.payload, (*path, index), one), kept
