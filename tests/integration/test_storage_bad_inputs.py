"""Hostile inputs that concern storage and limits, one test a row; the values are read from the shared file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.hostile import rows

from supportkit import Desk, ManualClock, Ticket
from supportkit.errors import (
    ConfigurationError,
    IdempotencyConflict,
    InvalidCursor,
    LimitExceeded,
    StorageError,
    SupportkitError,
    TicketNotFound,
)
from supportkit.storage.terms import SUBJECT_CHARS
from supportkit.testing.storage.kit import snapshot

KIM = "agent:kim"


def inputs(name: str) -> list[Any]:
    """Return the values of a row, literal ones or those that its expression makes."""
    row = rows()[name]
    if "make" not in row:
        return list(row["values"])
    made = eval(row["make"], {})
    return made if isinstance(made, list) and name != "limits-02" else [made]


@pytest.fixture(params=["memory", "file"])
def desk(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Desk]:
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, clock=ManualClock("2026-01-05T09:00:00+00:00")) as desk:
        yield desk


@pytest.fixture
def ticket(desk: Desk) -> Ticket:
    return desk.open("subject", "It smokes.", actor=KIM, team="east")


def unchanged(desk: Desk, name: str, attempt: Callable[[], Any], *errors: type[Exception]) -> Exception:
    """Return the typed error of an attempt that must end in time and change nothing."""
    before, begin = snapshot(desk.storage, desk.tenant), time.thread_time()
    with pytest.raises(errors) as caught:
        attempt()
    assert time.thread_time() - begin < rows()[name].get("seconds", 1)
    assert snapshot(desk.storage, desk.tenant) == before
    return caught.value


def test_storage_01_a_search_is_words_and_never_sql(desk: Desk, ticket: Ticket) -> None:
    for text in inputs("storage-01"):
        assert desk.find(text=text).items == ()
        literal = desk.open(text, actor=KIM)
        assert [found.id for found in desk.find(text=text).items] == [literal.id]
        assert [found.id for found in desk.find(teams=text).items] == []


def test_storage_03_sort_fields_come_from_an_allow_list(desk: Desk, ticket: Ticket) -> None:
    for field in inputs("storage-03"):
        error = unchanged(desk, "storage-03", lambda field=field: desk.find(sort=field), ValueError)  # type: ignore[misc]
        assert "possible: created_at, updated_at, number, priority" in str(error)
        with pytest.raises(TypeError):
            desk.find(**{field: "x"})


def test_storage_04_names_of_custom_fields_are_data(desk: Desk, ticket: Ticket) -> None:
    for name in inputs("storage-04"):
        desk.set_fields(ticket.id, {name: name}, actor=KIM)
        assert desk.get(ticket.id).fields[name] == name
        assert desk.find(text="smokes").items == (desk.get(ticket.id),)


def test_storage_06_limits_and_cursors_are_checked(desk: Desk, ticket: Ticket) -> None:
    assert "cursor='AAAA'" in rows()["storage-06"]["input"]
    questions: list[Callable[[Any], Any]] = [
        lambda limit: desk.find(limit=limit),
        lambda limit: desk.outbox(limit=limit),
        lambda limit: desk.customers.list(limit=limit),
        lambda limit: list(desk.follow("reports", batch=limit)),
        lambda limit: desk.tick("2030-01-01T00:00:00+00:00", limit=limit),
    ]
    desk.resolve(ticket.id, "New fuser.", actor=KIM)
    for question in questions:
        for limit in (-1, 0, 10**12, 2**63):
            unchanged(desk, "storage-06", lambda ask=question, limit=limit: ask(limit), ValueError)  # type: ignore[misc]
    for cursor in ("AAAA", "", "' OR 1=1 --", "p" * 10_000):
        unchanged(desk, "storage-06", lambda cursor=cursor: desk.find(cursor=cursor), InvalidCursor)  # type: ignore[misc]
    with pytest.raises(TypeError):
        desk.find(offset=10**18)


def test_storage_07_an_integer_beyond_64_bits_is_not_found(desk: Desk, ticket: Ticket) -> None:
    questions: list[Callable[[Any], Any]] = [
        desk.get,
        desk.history,
        desk.messages,
        lambda number: desk.start(number, actor=KIM),
        lambda number: desk.merge(ticket.id, number, actor=KIM),
        desk.outbox,
    ]
    (made,) = inputs("storage-07")
    for number in (made, -made, made**4, made - 1):
        for question in questions:
            unchanged(desk, "storage-07", lambda ask=question, number=number: ask(number), TicketNotFound)  # type: ignore[misc]
    assert desk.find(tiers=(made,)).items == ()


def test_limits_02_caps_have_clear_errors(desk: Desk, ticket: Ticket) -> None:
    (tags,) = inputs("limits-02")
    attempts: dict[str, Callable[[], Any]] = {
        "at most 200 allowed, got 10000": lambda: desk.open("x", actor=KIM, tags=tags),
        "got 10000": lambda: desk.tag(ticket.id, *tags, actor=KIM),
        "at most 65536 bytes": lambda: desk.set_fields(ticket.id, {"f": "x" * 2**20}, actor=KIM),
        "at most 200 allowed, got 500": lambda: desk.set_fields(
            ticket.id, {f"f{number}": 1 for number in range(500)}, actor=KIM
        ),
        "values of one criterion": lambda: desk.find(tags=tags),
        "length of a search": lambda: desk.find(text="x" * 2**20),
        "words of a search": lambda: desk.find(text=" ".join(tags[:100])),
    }
    for words, attempt in attempts.items():
        assert words in str(unchanged(desk, "limits-02", attempt, LimitExceeded))


def test_limits_03_a_key_with_other_parameters_is_a_conflict(desk: Desk, ticket: Ticket) -> None:
    assert "idempotency key reused" in rows()["limits-03"]["input"]
    desk.note(ticket.id, "secret words", actor=KIM, idempotency_key="k")
    others: list[Callable[[], Any]] = [
        lambda: desk.note(ticket.id, "other words", actor=KIM, idempotency_key="k"),
        lambda: desk.note(ticket.id, "secret words", actor="agent:lee", idempotency_key="k"),
        lambda: desk.start(ticket.id, actor=KIM, idempotency_key="k"),
        lambda: desk.open("subject", actor=KIM, idempotency_key="k"),
    ]
    for attempt in others:
        error = unchanged(desk, "limits-03", attempt, IdempotencyConflict)
        assert "secret words" not in str(error)


def test_limits_04_a_key_is_printable_and_short(desk: Desk, ticket: Ticket) -> None:
    for key in [*inputs("limits-04"), "", "\u00e9", "a\0", 7]:
        unchanged(
            desk,
            "limits-04",
            lambda key=key: desk.start(ticket.id, actor=KIM, idempotency_key=key),  # type: ignore[misc]
            ValueError,
        )
    assert desk.start(ticket.id, actor=KIM, idempotency_key="k" * 255).state == "open"


def test_unicode_01_a_long_subject_is_kept_and_its_index_capped(desk: Desk) -> None:
    for subject in inputs("unicode-01"):
        begin = time.thread_time()
        long = desk.open(f"begin {subject} end", actor=KIM)
        late = desk.open(f"{'y ' * SUBJECT_CHARS} behind", actor=KIM)
        assert time.thread_time() - begin < rows()["unicode-01"]["seconds"]
        assert desk.get(long.id).subject == f"begin {subject} end"
        assert long.id in [found.id for found in desk.find(text="begin").items]
        assert late.id not in [found.id for found in desk.find(text="behind").items]


def test_unicode_01_texts_that_are_slow_to_normalise_end_in_time(desk: Desk, ticket: Ticket) -> None:
    marks = "\u0301\u0316\u0334" * 200_000
    for text in (marks, "a" + marks, "\ufdfa" * 200_000, "\uac00" * 200_000, "x" * 2**20):
        begin = time.thread_time()
        desk.note(ticket.id, text, actor=KIM)
        assert time.thread_time() - begin < rows()["unicode-01"]["seconds"]
        assert desk.notes(ticket.id)[-1].body == text


def test_privacy_07_a_password_in_a_url_is_in_no_error(desk: Desk) -> None:
    assert "password" in rows()["privacy-07"]["input"]
    for url in ("postgresql://ann:hunter2@db/x", "postgresql://ann:hunter2@db:port/x", "sqlite://ann:hunter2@db/x"):
        with pytest.raises(ConfigurationError) as caught:
            Desk(url)
        assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def test_errors_of_a_bad_call_leave_a_transaction_usable(desk: Desk, ticket: Ticket) -> None:
    with desk.transaction() as inside:
        with pytest.raises(SupportkitError):
            inside.start(2**63, actor=KIM)
        inside.start(ticket.id, actor=KIM)
    assert desk.get(ticket.id).state == "open"


def test_a_write_that_failed_inside_a_transaction_is_not_kept(desk: Desk, ticket: Ticket) -> None:
    """The app swallows the error of the storage; half of a command must not be committed with the rest."""
    taken = desk.messages(ticket.id)[0].id
    with pytest.raises(StorageError), desk.transaction() as inside:
        inside.start(ticket.id, actor=KIM)
        unit = inside._runner.shared
        assert unit is not None
        with pytest.raises(StorageError):
            from supportkit.model.change import Change
            from supportkit.testing import make_message

            unit.unit.save(Change(messages=(make_message(ticket, taken),)))
    assert desk.get(ticket.id) == ticket
