"""Events and rows as released programs wrote them: they read for ever as the same values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from supportkit.errors import StorageCorrupt
from supportkit.model import events as ev
from supportkit.model.fields import NO_FIELDS
from supportkit.storage.codec import EVENT_CLASSES, SCHEMA, decode_event, encode_event
from supportkit.storage.rows import read_ticket, ticket_row
from supportkit.storage.statements import TICKET_COLUMNS

GOLDEN = Path(__file__).parents[2] / "golden"
FILES = sorted((GOLDEN / "events").glob("*.json"))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def fields(value: Any) -> dict[str, str]:
    return {field.name: repr(getattr(value, field.name)) for field in attrs.fields(type(value))}


def test_every_event_class_has_a_file_for_its_schema() -> None:
    assert {(name, SCHEMA) for name in EVENT_CLASSES} <= {(read(path)["name"], read(path)["schema"]) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_event_reads_as_it_always_did(path: Path) -> None:
    golden = read(path)
    event = decode_event(golden["name"], golden["schema"], golden["public"], golden["private"])
    assert type(event) is EVENT_CLASSES[golden["name"]]
    assert fields(event) == golden["fields"]
    assert repr(event) == golden["repr"]


@pytest.mark.parametrize("path", [path for path in FILES if read(path)["schema"] == SCHEMA], ids=lambda path: path.stem)
def test_an_event_is_written_as_it_always_was(path: Path) -> None:
    golden = read(path)
    event = decode_event(golden["name"], golden["schema"], golden["public"], golden["private"])
    name, schema, public, private = encode_event(event)
    assert (name, schema) == (golden["name"], golden["schema"])
    assert json.dumps([public, private]) == json.dumps([golden["public"], golden["private"]])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_event_has_every_attribute_set(path: Path) -> None:
    golden = read(path)
    event = decode_event(golden["name"], golden["schema"], golden["public"], golden["private"])
    defaults = [
        field.name
        for field in attrs.fields(type(event))
        if field.default is not attrs.NOTHING and getattr(event, field.name) == field.default
    ]
    assert defaults == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_erased_private_data_reads_as_empty(path: Path) -> None:
    golden = read(path)
    event = decode_event(golden["name"], golden["schema"], golden["public"], None)
    assert {name: getattr(event, name) for name in golden["private"]} == {
        name: NO_FIELDS if name in {"fields", "changes", "points"} else "" for name in golden["private"]
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_private_words_are_neither_in_the_public_data_nor_in_the_repr(path: Path) -> None:
    golden = read(path)
    assert set(golden["private"]).isdisjoint(golden["public"])
    for value in golden["private"].values():
        assert repr(value) not in golden["repr"]


def test_every_private_attribute_is_written_apart() -> None:
    marked = {
        (name, field.name)
        for name, cls in EVENT_CLASSES.items()
        for field in attrs.fields(cls)
        if field.metadata.get("private")
    }
    assert marked == {(read(path)["name"], field) for path in FILES for field in read(path)["private"]}


def test_a_stored_ticket_reads_and_is_written_as_it_always_was() -> None:
    golden = read(GOLDEN / "ticket-1.json")
    row = golden["row"]
    ticket = read_ticket(row["tenant"], [row[name] for name in TICKET_COLUMNS])
    assert fields(ticket) == golden["fields"]
    assert ticket_row(ticket) == row


def test_an_attribute_that_a_later_release_adds_reads_as_its_default() -> None:
    golden = read(GOLDEN / "events" / "ticket_opened-1.json")
    old = {name: value for name, value in golden["public"].items() if name not in {"source", "links", "tier"}}
    event = decode_event("ticket_opened", 1, old, golden["private"])
    assert isinstance(event, ev.TicketOpened)
    assert (event.source, event.links, event.tier) == (None, (), 1)


@pytest.mark.parametrize(
    ("name", "schema", "data"),
    [
        ("ticket_exploded", 1, {}),
        ("assigned", SCHEMA + 1, {"team": None, "assignee": None}),
        ("assigned", 1, {"team": None, "assignee": None, "mood": "good"}),
    ],
)
def test_what_this_release_does_not_know_is_an_error_and_not_dropped(name: str, schema: int, data: Any) -> None:
    with pytest.raises(StorageCorrupt):
        decode_event(name, schema, data, None)
