"""Messages that are changed or taken back where they were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tests.channel_rig import Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.engine.notices import SILENT
from supportkit.engine.rules import Limits
from supportkit.model import events as ev
from supportkit.model.people import SYSTEM

NOON = "2026-03-02T12:00:00+00:00"


@attrs.define
class Rig:
    desk: Desk

    def take(self, *entries: dict[str, Any]) -> Any:
        assert self.desk.receive("pigeon", delivery(*entries)).status == 200
        return self.desk.process_inbox()

    def bodies(self, ticket: int = 1) -> list[str]:
        return [one.body for one in self.desk.messages(ticket)]

    def found(self, text: str) -> list[int]:
        return [one.number for one in self.desk.find(text=text).items]

    def told(self, ticket: int = 1) -> list[ev.Event]:
        return [one.event for one in self.desk.history(ticket)]


@pytest.fixture(params=["memory", "file"])
def rig(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Rig]:
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'desk.db'}"
    with Desk(url, channels=[Pigeon()], clock=ManualClock(NOON), notices=SILENT) as desk:
        yield Rig(desk)


def edited(id_: str, text: str, **more: Any) -> dict[str, Any]:
    return {"signal": "edited", "id": id_, "from": "ann", "value": text, **more}


def deleted(id_: str, **more: Any) -> dict[str, Any]:
    return {"signal": "deleted", "id": id_, "from": "ann", **more}


def test_an_edited_message_reads_as_it_does_now_and_the_log_keeps_what_it_said(rig: Rig) -> None:
    rig.take(message("m1", "ann", "The priner smokes", subject="Help"))
    assert rig.take(edited("m1", "The printer smokes")).signals == 1
    assert rig.bodies() == ["The printer smokes"]
    last = rig.desk.history(1)[-1]
    assert last.event == ev.MessageEdited(message=rig.desk.messages(1)[0].id, before="The priner smokes")
    assert last.actor == rig.desk.messages(1)[0].author
    assert "priner" not in repr(last)
    assert rig.desk.check(deep=True)[-2].severity == "ok"


def test_words_that_were_changed_are_found_as_they_are_now(rig: Rig) -> None:
    rig.take(message("m1", "ann", "one two", subject="kept"), message("m2", "ann", "two three"))
    rig.take(edited("m1", "four kept"))
    assert [rig.found(word) for word in ("one", "two", "three", "four", "kept")] == [[], [1], [1], [1], [1]]
    rig.take(deleted("m2"))
    assert [rig.found(word) for word in ("two", "three", "four")] == [[], [], [1]]


def test_a_message_that_was_taken_back_is_hidden_and_can_be_erased(rig: Rig) -> None:
    rig.take(message("m1", "ann", "my secret", subject="Help", files=[("a.txt", "x"), ("b.txt", "y")]))
    rig.take(deleted("m1"))
    (one,) = rig.desk.messages(1)
    assert (one.body, one.attachments) == ("", ())
    assert rig.found("secret") == []
    event = rig.told()[-1]
    assert event == ev.MessageDeleted(message=one.id, files=2, before="my secret")
    assert "private" in attrs.fields(ev.MessageDeleted).before.metadata, "erased with the person's other words"
    assert "secret" not in repr(event)


def test_what_was_taken_back_is_not_brought_back_by_an_edit_that_comes_late(rig: Rig) -> None:
    rig.take(message("m1", "ann", "my secret", subject="Help"))
    rig.take(deleted("m1"), edited("m1", "my secret, edited"))
    assert rig.bodies() == [""]
    assert isinstance(rig.told()[-1], ev.MessageDeleted)


def test_a_file_without_words_gets_words(rig: Rig) -> None:
    rig.take(message("m1", "ann", "", subject="Help", files=[("a.txt", "x")]))
    rig.take(edited("m1", "look at this"))
    assert rig.bodies() == ["look at this"]
    assert len(rig.desk.messages(1)[0].attachments) == 1


def test_the_same_again_changes_nothing(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", subject="Help"))
    rig.take(edited("m1", "Hello!"), edited("m1", "Hello!"))
    rig.take(deleted("m1"), deleted("m1"))
    names = [type(one).__name__ for one in rig.told()]
    assert (names.count("MessageEdited"), names.count("MessageDeleted")) == (1, 1)


def test_what_happens_to_a_message_that_nobody_heard_is_counted(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", subject="Help"))
    report = rig.take(edited("m9", "Hello!"), deleted("m9"), {"signal": "deleted", "from": "ann"})
    assert (report.signals, report.unmatched, report.quarantined) == (3, 3, 0)
    assert rig.bodies() == ["Hello"]


def test_only_the_channel_and_the_account_of_a_message_change_it(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", subject="Help", account="other shop"))
    assert rig.take(deleted("m1")).unmatched == 1
    assert rig.bodies() == ["Hello"]


def test_who_did_it_is_the_system_where_the_channel_does_not_say(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", subject="Help"))
    rig.take({"signal": "deleted", "id": "m1"})
    assert rig.desk.history(1)[-1].actor == SYSTEM


def test_a_message_that_went_to_another_ticket_is_changed_there(rig: Rig) -> None:
    rig.take(message("m1", "ann", "first", subject="Help"), message("m2", "ann", "second"))
    rig.desk.split(1, [rig.desk.messages(1)[1].id], "Other", actor="agent:kim")
    rig.take(edited("m2", "second, changed"))
    assert (rig.bodies(1), rig.bodies(2)) == (["first"], ["second, changed"])
    assert isinstance(rig.told(2)[-1], ev.MessageEdited)


def test_a_text_that_is_too_long_goes_to_quarantine() -> None:
    with Desk(channels=[Pigeon()], notices=SILENT, limits=Limits(text_bytes=100)) as desk:
        rig = Rig(desk)
        rig.take(message("m1", "ann", "Hello"))
        assert rig.take(edited("m1", "é" * 51)).quarantined == 1
        assert rig.bodies() == ["Hello"]


def test_an_edit_is_no_answer_and_takes_nothing_up_again(rig: Rig) -> None:
    rig.take(message("m1", "ann", "Hello", subject="Help"))
    rig.desk.reply(1, "Done", actor="agent:kim")
    rig.desk.resolve(1, "Mended", actor="agent:kim")
    rig.take(edited("m1", "Hello!"), deleted("m1"))
    assert rig.desk.get(1).category.is_done


def test_what_a_message_said_before_goes_with_the_erasure_of_its_author(tmp_path: Any) -> None:
    file = tmp_path / "desk.db"
    more: dict[str, Any] = {"channels": [Pigeon()], "clock": ManualClock(NOON), "notices": SILENT}
    with Desk(f"sqlite:///{file}", **more) as desk:
        rig = Rig(desk)
        rig.take(message("m1", "ann", "canary-one", subject="Help"), message("m2", "ann", "canary-two"))
        rig.take(edited("m1", "canary-three"), deleted("m2"))
        assert b"canary" in file.read_bytes() + (tmp_path / "desk.db-wal").read_bytes()
        (ann,) = desk.customers.list()
        desk.privacy.erase(ann.id, actor="agent:kim")
        assert [one.before for one in rig.told() if isinstance(one, ev.MessageEdited | ev.MessageDeleted)] == ["", ""]
    assert b"canary" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    with Desk(f"sqlite:///{file}", **more) as desk:
        rig = Rig(desk)
        rig.take(edited("m1", "canary-four"), edited("m2", "canary-five"))
        assert rig.bodies() == ["", ""], "nothing brings them back"
