"""Contract: what an adapter does with messages on their way out (tests 16 to 28, without receipts)."""

# ruff: noqa: S101 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import attrs
import pytest

from supportkit.channels.measure import measure
from supportkit.channels.port import Accepted, Deferred, Reason, Rejected
from supportkit.testing.channels.kit import (
    SLACK,
    TEXTS,
    ChannelKit,
    able,
    bodies,
    declared,
    in_thread,
    outbound,
    read,
    send,
    sending,
)
from supportkit.testing.channels.rig import Rig

UNLIMITED = 20_000
"""Characters of a long text for a channel that declares no limit."""
THREADS = 4


class SendingTests(ChannelKit):
    """Accepted, not now, or never: the answer is a value, and it is true."""

    def test_a_sent_text_arrives_as_it_is(self, rig: Rig) -> None:
        """16. Whatever its script, and to whom it was addressed."""
        provider = sending(rig)
        for number, (script, text) in enumerate(TEXTS.items()):
            assert isinstance(send(rig, outbound(rig, text, f"text-{number}")), Accepted), script
            (*_before, last) = provider.arrived()
            assert (last.recipient, last.body) == (rig.recipient, text), script

    def test_an_accepted_message_has_the_id_of_its_provider(self, rig: Rig) -> None:
        """16. Where it gives one: receipts come under it."""
        provider = sending(rig)
        answer = send(rig, outbound(rig))
        assert isinstance(answer, Accepted)
        assert len(provider.arrived()) == 1
        if answer.external_id is None:
            assert not able(rig).delivery_receipts, "receipts are declared, but nothing tells whose they are"
            pytest.skip("the provider gives no id")
        assert isinstance(answer.external_id, str)
        assert 1 <= len(answer.external_id) <= 255  # noqa: PLR2004 - the width of the column

    @pytest.mark.parametrize("char", ["a", "ы", "😀", "^"])
    def test_the_longest_body_promised_arrives_and_one_more_is_not_cut(self, rig: Rig, char: str) -> None:
        """17. One more is refused as too long, or arrives in parts; nothing is cut off."""
        provider, limit = sending(rig), able(rig).max_body_chars
        longest = char * (UNLIMITED if limit is None else _most(char, limit, able(rig).length_unit))
        assert isinstance(send(rig, outbound(rig, longest, "longest")), Accepted), f"{len(longest)} characters"
        assert "".join(bodies(provider.arrived())) == longest, "the longest body promised did not arrive whole"
        if limit is None:
            return
        before = len(provider.arrived())
        answer = send(rig, outbound(rig, longest + char, "longer"))
        came = "".join(bodies(provider.arrived()[before:]))
        if isinstance(answer, Rejected):
            assert answer.reason is Reason.TOO_LONG
            assert not came, "it was refused, and something of it was sent"
        else:
            assert isinstance(answer, Accepted)
            assert came == longest + char, f"{len(came)} of {len(longest) + 1} characters arrived"

    def test_a_throttled_message_is_deferred_for_as_long_as_the_provider_says(self, rig: Rig) -> None:
        """18. It was not taken, and goes through afterwards."""
        provider = sending(rig)
        provider.fail_next(429, retry_after=7)
        answer = send(rig, outbound(rig))
        assert isinstance(answer, Deferred), f"429 is no {type(answer).__name__}: later it works"
        assert (answer.reason, answer.retry_after) == (Reason.THROTTLED, dt.timedelta(seconds=7))
        provider.fail_next(429)
        assert isinstance(send(rig, outbound(rig)), Deferred), "429 without a time"
        assert isinstance(send(rig, outbound(rig)), Accepted)
        assert len(provider.arrived()) == 1

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_a_server_error_is_uncertain(self, rig: Rig, status: int) -> None:
        """19. It may have been taken before it broke."""
        sending(rig).fail_next(status)
        answer = send(rig, outbound(rig))
        assert isinstance(answer, Deferred), f"{status} is no {type(answer).__name__}"
        assert answer.reason is Reason.UNCERTAIN

    def test_a_provider_that_is_away_for_maintenance_defers(self, rig: Rig) -> None:
        """19. 503, with its time."""
        sending(rig).fail_next(503, retry_after=11)
        answer = send(rig, outbound(rig))
        assert isinstance(answer, Deferred), f"503 is no {type(answer).__name__}"
        assert answer.reason in {Reason.UNAVAILABLE, Reason.THROTTLED}
        assert answer.retry_after in {dt.timedelta(seconds=11), None}

    def test_silence_after_acceptance_is_uncertain(self, rig: Rig) -> None:
        """20. The provider has it, and nobody told us."""
        provider = sending(rig)
        provider.accept_then_drop()
        answer = send(rig, outbound(rig))
        assert len(provider.arrived()) == 1
        assert isinstance(answer, Deferred), f"a lost answer is no {type(answer).__name__}"
        assert answer.reason is Reason.UNCERTAIN

    def test_a_refusal_is_rejected_with_a_known_reason(self, rig: Rig) -> None:
        """21. And the answer that is kept of it is short."""
        provider = sending(rig)
        provider.fail_next(400)
        answer = send(rig, outbound(rig))
        assert isinstance(answer, Rejected), f"a refusal is no {type(answer).__name__}"
        assert answer.reason in set(Reason)
        assert len(answer.answer) <= 1000  # noqa: PLR2004 - capped
        assert not provider.arrived()

    def test_a_token_that_does_not_count_any_more_pauses(self, rig: Rig) -> None:
        """21. It is our fault, not the message's: it goes out once the token is right."""
        sending(rig).fail_next(401)
        answer = send(rig, outbound(rig))
        assert isinstance(answer, Deferred), f"401 is no {type(answer).__name__}"
        assert answer.reason is Reason.AUTH

    def test_garbage_in_a_success_is_uncertain(self, rig: Rig) -> None:
        """22. Something in between answered, perhaps."""
        provider = sending(rig)
        answer = send(rig, outbound(rig))
        if isinstance(answer, Accepted) and answer.external_id is None:
            pytest.skip("the adapter reads nothing but the status: the provider gives no id")
        provider.garbage()
        answer = send(rig, outbound(rig, id_="garbage"))
        assert isinstance(answer, Deferred), f"an unreadable answer is no {type(answer).__name__}"
        assert answer.reason is Reason.UNCERTAIN

    def test_a_repeated_send_arrives_once(self, rig: Rig) -> None:
        """23. Also where the first answer was lost; another message is another one."""
        declared(rig, "dedupes_sends")
        provider = sending(rig)
        provider.accept_then_drop()
        answers = [send(rig, outbound(rig)) for _ in range(3)]
        assert [type(answer) for answer in answers] == [Deferred, Accepted, Accepted]
        assert answers[1] == answers[2]
        assert len(provider.arrived()) == 1
        assert isinstance(send(rig, outbound(rig, id_="another")), Accepted)
        assert len(provider.arrived()) == 2  # noqa: PLR2004 - one more

    def test_lookup_finds_what_was_taken_and_nothing_else(self, rig: Rig) -> None:
        """24. Taken in silence, taken and told, refused, never heard of."""
        declared(rig, "finds_sends")
        provider = sending(rig)
        accepted = send(rig, outbound(rig, id_="told"))
        provider.accept_then_drop()
        send(rig, outbound(rig, id_="silent"))
        provider.fail_next(400)
        send(rig, outbound(rig, id_="refused"))
        assert rig.adapter.lookup("told") == accepted
        assert isinstance(rig.adapter.lookup("silent"), Accepted)
        for unknown in ("refused", "never", "tol", "told ", "тolд/../told?x=1#y"):
            assert rig.adapter.lookup(unknown) is None, unknown

    def test_a_lookup_that_gets_no_answer_raises(self, rig: Rig) -> None:
        """24. `None` would say that it was not taken, and it would be sent again."""
        declared(rig, "finds_sends")
        provider = sending(rig)
        send(rig, outbound(rig, id_="told"))
        for status in (500, 429, 401):
            provider.fail_next(status)
            try:
                found = rig.adapter.lookup("told")
            except Exception:  # noqa: BLE001, S112 - of any kind: the desk asks again later
                continue
            pytest.fail(f"{status}: lookup() returned {found!r}, as if it knew")

    def test_attachments_up_to_the_size_promised(self, rig: Rig) -> None:
        """26. Together with their text."""
        most = able(rig).max_attachment_bytes
        if not most:
            pytest.skip("the channel declares max_attachment_bytes=0")
        provider = sending(rig)
        if rig.attach is None:
            pytest.fail("a channel with attachments needs `Rig.attach`: it makes one of so many bytes")
        for size in (1, most):
            answer = send(rig, outbound(rig, id_=f"size-{size}", attachments=(rig.attach(size),)))
            assert isinstance(answer, Accepted), f"{size} bytes: {answer}"
        answer = send(rig, outbound(rig, id_="more", attachments=(rig.attach(most + 1),)))
        assert isinstance(answer, Rejected), "one byte more than promised"
        assert len(provider.arrived()) == 2  # noqa: PLR2004 - the two that were promised

    def test_a_hang_ends_at_the_time_out(self, rig: Rig) -> None:
        """27. That of the message; what is not known then is uncertain."""
        sending(rig).hang(seconds=20)
        message = outbound(rig, timeout=0.3)
        answer = in_thread(0.3 + SLACK, lambda: send(rig, message))
        assert isinstance(answer, Deferred), f"silence is no {type(answer).__name__}"
        assert answer.reason is Reason.UNCERTAIN

    def test_four_threads_mix_nothing_up(self, rig: Rig) -> None:
        """28. Each text arrives once, each delivery reads as ever, and the adapter is what it was."""
        before = _state(rig.adapter)
        sent: dict[str, Any] = {}
        wrong: list[str] = []

        def work(thread: int) -> None:
            for number in range(5):
                text = f"text {number} of thread {thread}"
                if able(rig).outbound and rig.provider is not None:
                    sent[text] = rig.adapter.send(outbound(rig, text, f"id-{thread}-{number}"))
                deliveries = [one for one in self.samples if one.answer is None] if able(rig).inbound else []
                wrong.extend(one.name for one in deliveries if read(rig, one.payload) != list(one.expect))

        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a thread hangs"
        assert not wrong
        if able(rig).outbound and rig.provider is not None:
            assert len(sent) == THREADS * 5, "a thread died"
            assert all(isinstance(answer, Accepted) for answer in sent.values())
            assert sorted(bodies(rig.provider.arrived())) == sorted(sent)
            ids = [answer.external_id for answer in sent.values() if answer.external_id is not None]
            assert len(set(ids)) == len(ids), "two messages have one id"
        assert _state(rig.adapter) == before, "the adapter changed while it worked"


def _most(char: str, limit: int, unit: str) -> int:
    """Return how many times *char* fits into the limit."""
    low, high = 0, limit * 160
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(char * middle, unit) <= limit else (low, middle - 1)
    return low


def _state(adapter: Any) -> dict[str, str]:
    """Return what an adapter holds, spelled out, functions and locks aside."""
    if attrs.has(type(adapter)):
        held = {field.name: getattr(adapter, field.name) for field in attrs.fields(type(adapter))}
    else:
        held = dict(vars(adapter))
    return {name: repr(value) for name, value in held.items() if not callable(value)}
