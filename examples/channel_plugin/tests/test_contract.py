"""The adapter keeps the channel contract, against a fake Telegram on this machine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from supportkit.channels.inbound import Authenticity, Inbound, Mark, Payload, Signal
from supportkit.channels.port import Outbound, Reason, Rejected
from supportkit.testing import ChannelContract, Rig, Sample
from supportkit.testing.fakes import Fake
from supportkit.testing.fakes import Telegram as Provider
from supportkit_telegram_example import Telegram

PROVIDER = Provider()
ANN = {"id": 1001, "is_bot": False, "first_name": "Ann", "last_name": "Li", "language_code": "en"}
CHAT = {"id": 1001, "first_name": "Ann", "type": "private"}
MESSAGE = {"message_id": 7, "from": ANN, "chat": CHAT, "date": 1_772_442_000, "text": "The printer is on fire"}
SAID = Inbound(
    external_id="1001/7",
    account="bot",
    sender="1001",
    sender_name="Ann Li",
    thread="1001",
    body="The printer is on fire",
    sent_at=dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC),
    auth=Authenticity.VERIFIED,
    locale="en",
)


def sample(name: str, kind: str, told: dict[str, Any], *expect: Any) -> Sample:
    return Sample(name=name, payload=PROVIDER.delivery({kind: told}), expect=expect)


SAMPLES = (
    sample("message", "message", MESSAGE, SAID),
    sample(
        "answer",
        "message",
        {**MESSAGE, "reply_to_message": {"message_id": 3, "chat": CHAT, "date": 1_772_441_000}},
        attrs.evolve(SAID, reply_to=("1001/3",)),
    ),
    sample(
        "bot",
        "message",
        {**MESSAGE, "from": {"id": 5, "is_bot": True, "first_name": "Bot"}},
        attrs.evolve(SAID, sender="5", sender_name="Bot", locale=None, marks={Mark.BOT}),
    ),
    sample(
        "edited",
        "edited_message",
        {**MESSAGE, "text": "It is out again"},
        Signal(
            kind="edited", account="bot", sender="1001", thread="1001", external_id="1001/7", value="It is out again"
        ),
    ),
    sample(
        "moved group",
        "message",
        {**MESSAGE, "chat": {"id": -55, "type": "group"}, "migrate_to_chat_id": -100_555},
        Signal(kind="migrated", account="bot", sender="1001", thread="-55", value="-100555"),
    ),
    sample(
        "blocked",
        "my_chat_member",
        {"chat": CHAT, "from": ANN, "date": 1_772_442_000, "new_chat_member": {"status": "kicked"}},
        Signal(kind="opt_out", account="bot", sender="1001", thread="1001"),
    ),
    sample("something else", "poll_answer", {"poll_id": "1"}),
)


class TestTelegram(ChannelContract):
    """All that the contract asks for."""

    samples = SAMPLES

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        """Give a bot whose Telegram runs on this machine."""
        with Fake(PROVIDER) as fake:

            def build(secrets: tuple[str, ...]) -> Telegram:
                return Telegram(token=PROVIDER.token, secrets=secrets, api=fake.url)

            yield Rig(
                adapter=build((PROVIDER.secret_token,)),
                provider=fake,
                secrets=(PROVIDER.secret_token, "another-secret-token"),
                with_secrets=build,
                signs_body=False,
                hidden=(PROVIDER.token,),
            )


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        (Provider(blocked=frozenset({"1001"})), Reason.BLOCKED),
        (Provider(chats=frozenset({"2"})), Reason.BAD_RECIPIENT),
    ],
)
def test_what_telegram_says_about_a_person_is_told(provider: Provider, reason: Reason) -> None:
    with Fake(provider) as fake:
        adapter = Telegram(token=provider.token, secrets=(), api=fake.url)
        answer = adapter.send(Outbound(id="1", recipient="1001", body="Hello"))
    assert isinstance(answer, Rejected)
    assert answer.reason is reason


def test_an_update_of_a_kind_to_come_says_nothing() -> None:
    adapter = Telegram(token="1:a", secrets="s")
    assert adapter.receive(Payload(body=b'{"update_id": 1, "hologram": {}}')) == []
