"""A desk finds the installed plug-in, somebody writes, an agent answers, Telegram has the answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from supportkit import Desk, ManualClock
from supportkit.testing.fakes import Fake, Telegram
from supportkit_telegram_example import from_environment

ANN = {"id": 1001, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 1001, "type": "private"}


def message(number: int, text: str) -> dict[str, object]:
    return {"message": {"message_id": number, "from": ANN, "chat": CHAT, "date": 1_772_442_000, "text": text}}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    provider = Telegram()
    with Fake(provider) as fake:
        monkeypatch.setenv("SUPPORTKIT_TELEGRAM_TOKEN", provider.token)
        monkeypatch.setenv("SUPPORTKIT_TELEGRAM_SECRET", provider.secret_token)
        monkeypatch.setenv("SUPPORTKIT_TELEGRAM_API", fake.url)
        yield fake


def test_a_desk_receives_and_answers(fake: Fake) -> None:
    clock = ManualClock("2026-03-02T09:00:00+00:00")
    with Desk(discover=True, clock=clock) as desk:
        assert "telegram" in desk.channels
        for number, text in enumerate(("The printer is on fire", "Please hurry"), 1):
            fake.queue(message(number, text))
            fake.deliver_twice()
            assert fake.deliver(lambda payload: desk.receive("telegram", payload)) == [200, 200]
            clock.advance(seconds=1)
        report = desk.process_inbox()
        assert (report.opened, report.joined, report.quarantined) == (1, 1, 0)
        said = [one.body for one in desk.messages(1) if one.kind == "reply"]  # besides the acknowledgement
        assert said == ["The printer is on fire", "Please hurry"]

        desk.reply(1, "We are on it.", actor="agent:kim")
        fake.fail_next(429, retry_after=7)
        assert desk.deliver_outbox().deferred == 1
        clock.advance(seconds=7)
        assert desk.deliver_outbox().sent == 2  # the acknowledgement and the answer
        assert [(one.recipient, one.body) for one in fake.arrived()][-1:] == [("1001", "We are on it.")]


@pytest.mark.usefixtures("fake")
def test_a_delivery_with_another_secret_is_refused() -> None:
    with Desk(discover=True) as desk, Fake(Telegram(secret_token="guessed")) as stranger:
        stranger.queue(message(1, "Hello"))
        assert stranger.deliver(lambda payload: desk.receive("telegram", payload)) == [401]
        assert desk.process_inbox().opened == 0


def test_without_a_token_there_is_no_channel() -> None:
    assert from_environment({}) is None
    with Desk(discover=True) as desk:
        assert "telegram" not in desk.channels
