"""Hostile deliveries and callers of the shared list, by the id that each has there: the whole way through a desk."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from tests.channel_rig import ABLE, SECRET, Pigeon, delivery, message
from tests.hostile import in_time, inputs, rows

from supportkit import Desk, ManualClock, Notices, Outbound
from supportkit.channels.inbound import Authenticity, Payload
from supportkit.engine.notices import POSSIBLE, SILENT
from supportkit.errors import ConfigurationError, NotFound
from supportkit.intake import Budgets
from supportkit.model import events as ev
from supportkit.model.message import OutboxState
from supportkit.templates import Catalog

KIM = "agent:kim"
NOON = "2026-03-02T12:00:00+00:00"


@attrs.define
class Rig:
    """A desk with one messenger."""

    desk: Desk
    pigeon: Pigeon
    clock: ManualClock

    def take(self, *entries: dict[str, Any], **more: Any) -> Any:
        assert self.desk.receive("pigeon", delivery(*entries, **more)).status == 200
        return self.desk.process_inbox()

    def bodies(self, ticket: int = 1) -> list[str]:
        return [one.body for one in self.desk.messages(ticket)]

    def sent(self) -> list[str]:
        self.desk.deliver_outbox()
        return [one.body for one in self.pigeon.sent]


def rig_with(pigeon: Pigeon | None = None, **more: Any) -> Rig:
    clock, pigeon = ManualClock(NOON), pigeon or Pigeon()
    return Rig(Desk(channels=[pigeon], clock=clock, **{"notices": SILENT, **more}), pigeon, clock)


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = rig_with()
    yield found
    found.desk.close()


# -- deliveries --------------------------------------------------------------------------------------------------------


def test_webhook_06_a_delivery_acts_once_also_long_after_its_window(rig: Rig) -> None:
    assert "7 days" in rows()["webhook-06"]["expected"]
    given = delivery(message("m1", "ann", "Hello"), headers={"X-Delivery": "d1"})
    for days in (0, 0, 1, 6, 1):
        rig.clock.advance(days=days)
        assert rig.desk.receive("pigeon", given).status == 200
        rig.desk.process_inbox()
        rig.desk.purge()
    again = delivery(message("m1", "ann", "Hello"), headers={"X-Delivery": "d2"})
    assert rig.desk.receive("pigeon", again).status == 200
    assert rig.desk.process_inbox().duplicates == 1
    assert rig.bodies() == ["Hello"]


@pytest.mark.parametrize(
    "statuses", [("read", "delivered"), ("failed", "sent"), ("delivered", "failed", "sent", "delivered")], ids=str
)
def test_webhook_13_a_receipt_never_moves_a_message_back(rig: Rig, statuses: tuple[str, ...]) -> None:
    rig.take(message("m1", "ann", "Hello"))
    rig.desk.reply(1, "Hi", actor=KIM)
    rig.desk.deliver_outbox()
    order = ("sent", "delivered", "read")
    seen = []
    for number, status in enumerate(statuses):
        rig.take({"id": "out-1", "status": status}, headers={"X-Delivery": str(number)})
        seen.append(rig.desk.outbox(1)[0].receipt)
    places = [order.index(str(one)) if one in order else 9 for one in seen]
    assert places == sorted(places)
    assert seen[-1] == ("failed" if "failed" in statuses else statuses[0])


def test_webhook_14_one_bad_entry_of_fifty_keeps_the_others(rig: Rig) -> None:
    entries = [message(f"m{number}", f"person{number}", "Hello") for number in range(1, 51)]
    entries[16] = {"id": "m17", "from": "person17"}
    with in_time("webhook-14"):
        report = rig.take(*entries)
    assert (report.opened, report.quarantined) == (49, 1)
    assert len(rig.desk.quarantine.list()) == 1


def test_webhook_15_what_cannot_be_parsed_is_kept_and_answered_with_200(rig: Rig) -> None:
    unknown = Pigeon(capabilities=ABLE)
    unknown.breaks = 100
    held = rig_with(unknown)
    assert held.desk.receive("pigeon", delivery({"update_id": 7, "something_new": {}})).status == 200
    for _ in range(3):
        held.desk.process_inbox()
        held.clock.advance(minutes=2)
    assert [one.reason for one in held.desk.quarantine.list()] == ["adapter: RuntimeError"]
    assert rig.take({"something_new": {}}).quarantined == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_webhook_16_updates_repeated_and_out_of_order_act_once(rig: Rig, order: tuple[int, ...]) -> None:
    for number in (*order, *reversed(order)):
        rig.take(message(f"u{number}", "ann", f"text {number}"), headers={"X-Delivery": f"{number}"})
    assert sorted(rig.bodies()) == ["text 0", "text 1", "text 2"]
    assert len(rig.desk.find().items) == 1


def test_webhook_17_a_delivery_for_an_account_that_is_not_ours_is_nobodys() -> None:
    rig = rig_with(Pigeon(accounts=("shop",)))
    report = rig.take(message("m1", "ann", "Hello", account="another shop"))
    assert (report.opened, report.quarantined) == (0, 1)
    assert rig.desk.quarantine.list()[0].reason == "unknown_account"


def test_webhook_18_a_delivery_that_is_no_object_is_quarantined(rig: Rig) -> None:
    for text in inputs("webhook-18"):
        signature = "sha256=" + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        payload = Payload(body=text.encode(), headers={"X-Hub-Signature-256": signature})
        assert rig.desk.receive("pigeon", payload).status == 200
    assert rig.desk.process_inbox().quarantined == len(inputs("webhook-18"))
    assert {one.reason for one in rig.desk.quarantine.list()} == {"malformed"}


def test_unicode_06_a_line_separator_in_a_chat_arrives_as_it_is(rig: Rig) -> None:
    (text,) = inputs("unicode-06")
    rig.take(message("m1", "ann", json.loads(text)["text"]))
    assert rig.bodies() == ["a\u2028b"]


def test_unicode_03_controls_in_a_name_are_not_shown_in_notices() -> None:
    for name in inputs("unicode-03"):
        values = {"ticket.reference": "K7", "customer.name": name}
        for kind in ("email", "chat"):
            shown = Catalog().render("solved", locale="en", values=values, channel_kind=kind)
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f]", shown.body + (shown.subject or ""))
        assert "Anngnp.exe" in Catalog().render("solved", locale="en", values=values).body


# -- who may see what --------------------------------------------------------------------------------------------------


def two_desks(tmp_path: Any) -> tuple[Desk, Desk]:
    url = f"sqlite:///{tmp_path / 'both.db'}"
    more: dict[str, Any] = {"clock": ManualClock(NOON), "notices": SILENT}
    return (
        Desk(url, tenant="north", channels=[Pigeon()], **more),
        Desk(url, tenant="south", channels=[Pigeon()], **more),
    )


def test_attachment_08_a_file_of_another_tenant_is_missing(tmp_path: Any) -> None:
    north, south = two_desks(tmp_path)
    north.receive("pigeon", delivery(message("m1", "ann", "Hello", files=[("a.txt", "secret")])))
    north.process_inbox()
    (file,) = north.messages(1)[0].attachments
    assert north.file(file.id).content == b"secret"
    said = []
    for wanted in (file.id, "0190-nobody-has-it"):
        with pytest.raises(NotFound) as caught:
            south.file(wanted)
        said.append((type(caught.value), caught.value.code, str(caught.value).replace(wanted, "?")))
    assert said[0] == said[1]


def test_access_04_notes_reach_no_customer(rig: Rig) -> None:
    """There is one way out, and a note does not fit into it."""
    talking = rig_with(notices=Notices(on=POSSIBLE, tells_resolution=True))
    talking.take(message("m1", "ann", "Hello"))
    talking.desk.note(1, "our secret", actor=KIM, mentions=["lee"])
    talking.desk.start(1, actor=KIM)
    talking.desk.reply(1, "Hi", actor=KIM)
    talking.desk.move_tier(1, 2, summary="our secret", actor=KIM)
    talking.desk.resolve(1, "New fuser", actor=KIM)
    assert talking.sent()
    told = [one.body for one in talking.pigeon.sent] + [str(one.subject) for one in talking.pigeon.sent]
    assert not [text for text in told if "secret" in text]
    assert all("secret" not in one.body for one in talking.desk.messages(1))
    assert [one.body for one in talking.desk.notes(1)] == ["our secret"]
    assert "note" not in {field.name for field in attrs.fields(Outbound)}


def test_access_09_two_tenants_in_two_threads_never_mix(tmp_path: Any) -> None:
    desks = two_desks(tmp_path)
    gate, wrong = threading.Barrier(2), []

    def work(desk: Desk) -> None:
        gate.wait(10)
        for number in range(10):
            desk.receive("pigeon", delivery(message(f"m{number}", "ann", f"{desk.tenant} {number}")))
            desk.process_inbox()
            wrong.extend(one.tenant for one in desk.find().items if one.tenant != desk.tenant)
            wrong.extend(one.body for one in desk.messages(1) if not one.body.startswith(desk.tenant))

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert [len(desk.messages(1)) for desk in desks] == [10, 10]


def test_access_10_the_public_reference_is_no_number_and_is_not_guessed(rig: Rig) -> None:
    talking = rig_with(notices=Notices())
    for number in range(20):
        talking.take(message(f"m{number}", f"person{number}", "Hello"))
    tickets = talking.desk.find().items
    references = {one.reference for one in tickets}
    assert len(references) == 20
    assert all(re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", one) for one in references)
    assert len({one[:4] for one in references}) > 15, "they do not count"
    # What customers are shown is the reference, and a number that they write opens no door.
    shown = " ".join(talking.sent())
    assert all(one.reference in shown for one in tickets)
    report = talking.take(message("x", "eve", "Re: [#1] status of ticket 1?", subject="[#1]"))
    assert (report.opened, report.joined) == (1, 0)


def test_mail_bomb_02_an_acknowledgement_repeats_nothing_that_anybody_wrote() -> None:
    rig = rig_with(notices=Notices())
    words = "BUY NOW https://evil.example victim"
    rig.take(message("m1", "ann", words, subject=words, name=words, auth=Authenticity.UNVERIFIED))
    (shown,) = rig.sent()
    outbound = rig.pigeon.sent[0]
    assert rig.desk.get(1).reference in shown
    for word in words.split():
        assert word not in shown
        assert word not in (outbound.subject or "")


# -- how much, and who wants no more -----------------------------------------------------------------------------------


def test_limits_01_a_flood_of_one_sender_waits_in_quarantine_and_nothing_is_lost() -> None:
    rig = rig_with(budgets=Budgets(messages=30))
    flood = [message(f"m{number}", "eve", f"text {number}") for number in range(100)]
    for entry in flood:
        rig.desk.receive("pigeon", delivery(entry))
    rig.desk.receive("pigeon", delivery(message("a", "ann", "I am somebody else")))
    report = rig.desk.process_inbox(limit=200)
    assert (report.joined, report.opened, report.quarantined) == (29, 2, 70)
    assert {one.reason for one in rig.desk.quarantine.list()} == {"budget.messages"}
    assert [one.quarantined for one in rig.desk.channel_states()] == [70], "it can be seen"
    rig.clock.advance(minutes=1)
    assert rig.desk.quarantine.reprocess() == 70
    for _ in range(2):  # thirty more, then thirty more
        rig.clock.advance(minutes=1)
        rig.desk.quarantine.reprocess()
    (eves,) = [one.number for one in rig.desk.find(text="text").items]
    assert sorted(rig.bodies(eves)) == sorted(entry["text"] for entry in flood)


def test_limits_01_a_channel_has_a_limit_of_its_own_where_the_desk_wants_one() -> None:
    rig = rig_with(budgets=Budgets(channel_messages=10))
    report = rig.take(*[message(f"m{number}", f"person{number}", "Hello") for number in range(15)])
    assert (report.opened, report.quarantined) == (10, 1)
    assert rig.desk.quarantine.list()[0].reason == "budget.channel_messages"


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Budgets)])
def test_limits_01_a_budget_that_lets_nobody_in_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Budgets(**{name: 0})


SMS = attrs.evolve(ABLE, addresses="sms", threads=False, length_unit="segments")


@pytest.mark.parametrize("word", ["STOP", "ARR\u00caT", "stop."])
def test_phone_02_who_says_stop_gets_no_message_more_and_the_agent_sees_it(word: str) -> None:
    assert word in inputs("phone-02")
    rig = rig_with(Pigeon(capabilities=SMS), notices=Notices())
    rig.take(message("m1", "+4915112345678", "It smokes"))
    assert len(rig.sent()) == 1
    rig.take(message("m2", "+49 151 12345678", word))
    assert rig.bodies()[-1] == word
    (customer,) = rig.desk.customers.list()
    assert [one.opted_out for one in customer.addresses] == [True]
    rig.desk.reply(1, "Unplug it", actor=KIM)
    rig.clock.advance(minutes=1)
    assert len(rig.sent()) == 1
    last = rig.desk.outbox(1)[-1]
    assert (last.state, last.reason) == (OutboxState.SUPPRESSED, "opted_out")
    rig.take(message("m3", "+4915112345678", "Start"))
    rig.desk.reply(1, "Unplug it now", actor=KIM)
    assert rig.sent()[-1] == "Unplug it now"


def test_phone_02_stop_from_somebody_unknown_is_kept_and_not_answered() -> None:
    rig = rig_with(Pigeon(capabilities=SMS), notices=Notices())
    rig.take(message("m1", "+4915112345678", "STOP"))
    assert rig.sent() == []
    assert [one.event.reason for one in rig.desk.history(1) if isinstance(one.event, ev.NoticeQueued)] == ["opted_out"]
    assert rig.desk.customers.list()[0].addresses[0].opted_out


def test_phone_02_a_word_is_a_word_where_addresses_are_no_phones(rig: Rig) -> None:
    rig.take(message("m1", "ann", "STOP"))
    assert not rig.desk.customers.list()[0].addresses[0].opted_out


def test_phone_numbers_without_a_country_go_to_quarantine() -> None:
    rig = rig_with(Pigeon(capabilities=SMS))
    report = rig.take(message("m1", "015112345678", "Hello"))
    assert (report.opened, report.quarantined) == (0, 1)
    assert rig.desk.quarantine.list()[0].reason == "bad_sender"
