"""Contract: `find` gives exactly the tickets that meet all criteria, in order, page by page."""

# ruff: noqa: S101, PLR2004 - these are tests, although they lie in the package

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportkit.errors import InvalidCursor
from supportkit.model import events as ev
from supportkit.model.change import Change, TicketChange
from supportkit.model.ticket import Priority, StateCategory, Ticket
from supportkit.storage.port import SORTS, Storage, TicketQuery
from supportkit.testing.builders import TENANT, later, make_message, make_note, opened, then
from supportkit.testing.storage.kit import StorageKit, all_tickets, save
from supportkit.text import fold_key

STATES = (
    ("new", StateCategory.NEW),
    ("open", StateCategory.OPEN),
    ("pending", StateCategory.WAITING_CUSTOMER),
    ("closed", StateCategory.CLOSED),
)
TEAMS = (None, "east", "west")
AGENTS = (None, "kim", "lee")
CUSTOMERS = (None, "customer-1", "customer-2")
CHANNELS = ("app", "email")
TAGS = ("VIP", "printer", "打印机", "Straße")
SPELLINGS = ("vip", "\uff36\uff29\uff30", "PRINTER", "打印机", "STRASSE", "nobody")


def corpus() -> list[TicketChange]:
    """Return changes of 48 tickets that differ in everything that can be asked for."""
    changes: list[TicketChange] = []
    for number in range(1, 49):
        state, category = STATES[number % 4]
        change = opened(
            number,
            at=later((number * 37) % 48),
            state=state,
            category=category,
            team=TEAMS[number % 3],
            assignee=AGENTS[(number // 3) % 3],
            customer=CUSTOMERS[(number // 2) % 3],
            channel=CHANNELS[number % 2],
            tier=1 + number % 3,
            tags=[tag for place, tag in enumerate(TAGS) if number >> place & 1],
        )
        changes.append(change)
        priority = Priority(1 + number % 4)
        if priority is not change.ticket.priority:
            event = ev.PriorityChanged(source=change.ticket.priority, priority=priority)
            changes.append(then(change.ticket, event, at=later(100 + (number * 29) % 48)))
    return changes


def meets(ticket: Ticket, query: TicketQuery) -> bool:
    """Tell by brute force whether a ticket meets every criterion but the text."""
    tags = {fold_key(tag) for tag in ticket.tags}
    return (
        (not query.states or ticket.state in query.states)
        and (not query.categories or ticket.category in query.categories)
        and (not query.teams or ticket.team in query.teams)
        and (not query.assignees or ticket.assignee in query.assignees)
        and (not query.customers or ticket.customer in query.customers)
        and (not query.channels or ticket.channel in query.channels)
        and (not query.priorities or ticket.priority in query.priorities)
        and (not query.tiers or ticket.tier in query.tiers)
        and all(fold_key(tag) in tags for tag in query.tags)
        and (not query.unassigned or ticket.assignee is None)
        and (query.created_from is None or ticket.created_at >= query.created_from)
        and (query.created_until is None or ticket.created_at < query.created_until)
        and (query.updated_from is None or ticket.updated_at >= query.updated_from)
        and (query.updated_until is None or ticket.updated_at < query.updated_until)
    )


def in_order(tickets: list[Ticket], query: TicketQuery) -> list[Ticket]:
    """Return tickets as the query wants them sorted."""
    return sorted(tickets, key=lambda ticket: (getattr(ticket, query.sort), ticket.number), reverse=query.descending)


def _some(values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


def queries() -> st.SearchStrategy[TicketQuery]:
    """Queries about the corpus, most of them with few criteria."""
    bound: st.SearchStrategy[dt.datetime | None] = st.none() | st.integers(0, 150).map(later)
    rare = {
        "states": _some(["new", "open", "pending", "nowhere"]),
        "categories": _some(list(StateCategory)),
        "teams": _some(["east", "west", "nobody"]),
        "assignees": _some(["kim", "lee", "nobody"]),
        "customers": _some(["customer-1", "customer-2", "nobody"]),
        "channels": _some(["app", "email", "fax"]),
        "tags": _some(SPELLINGS),
        "priorities": _some(list(Priority)),
        "tiers": _some([1, 2, 3, 4, 2**63, -(2**70)]),
        "unassigned": st.booleans(),
        "created_from": bound,
        "created_until": bound,
        "updated_from": bound,
        "updated_until": bound,
    }
    return st.builds(
        lambda criteria, sort, descending, limit: TicketQuery(
            **criteria, sort=sort, descending=descending, limit=limit
        ),
        st.fixed_dictionaries({}, optional=rare),
        st.sampled_from(SORTS),
        st.booleans(),
        st.sampled_from([1, 5, 20, 500]),
    )


class SearchTests(StorageKit):
    """Finding tickets."""

    def test_a_query_finds_what_brute_force_finds(self, storage: Storage) -> None:
        """Every criterion, every order, pages of every size."""
        save(storage, *corpus())
        with storage.begin(TENANT, write=False) as unit:
            everything = all_tickets(unit)
        assert len(everything) == 48

        @self.generated()
        @given(queries())
        def check(query: TicketQuery) -> None:
            wanted = in_order([ticket for ticket in everything if meets(ticket, query)], query)
            with storage.begin(TENANT, write=False) as unit:
                assert all_tickets(unit, query) == wanted

        check()

    def test_each_criterion_alone_divides_the_tickets(self, storage: Storage) -> None:
        """So that none of them is ignored."""
        save(storage, *corpus())
        single: list[dict[str, Any]] = [
            {"states": "open"},
            {"categories": (StateCategory.CLOSED,)},
            {"teams": "east"},
            {"assignees": ("kim", "lee")},
            {"customers": "customer-1"},
            {"channels": "email"},
            {"tags": ("vip", "printer")},
            {"priorities": (Priority.HIGH, Priority.LOW)},
            {"tiers": (3,)},
            {"unassigned": True},
            {"created_from": later(20)},
            {"created_until": later(20)},
            {"updated_from": later(120)},
            {"updated_until": later(120)},
        ]
        with storage.begin(TENANT, write=False) as unit:
            everything = all_tickets(unit)
            for criterion in single:
                query = TicketQuery(**criterion)
                found = all_tickets(unit, query)
                assert found == [ticket for ticket in everything if meets(ticket, query)], criterion
                assert 0 < len(found) < len(everything), criterion

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("sort", SORTS)
    def test_pages_stay_right_while_tickets_come_in(self, storage: Storage, sort: str, descending: bool) -> None:  # noqa: FBT001
        """Every ticket that was there is given once, in order, whatever is inserted between two pages."""
        save(storage, *corpus())
        query = TicketQuery(sort=sort, descending=descending, limit=7)
        with storage.begin(TENANT, write=False) as unit:
            there = all_tickets(unit, attrs.evolve(query, limit=500))
        found: list[Ticket] = []
        number = 1000
        while True:
            with storage.begin(TENANT, write=False) as unit:
                page = unit.find(query)
            found += page.items
            if page.next is None:
                break
            query = attrs.evolve(query, cursor=page.next)
            for at in (-5, 24, 5000):
                number += 1
                save(storage, opened(number, at=later(at + number / 1000), priority=Priority(1 + number % 4)))
        before = {ticket.id for ticket in there}
        assert [ticket for ticket in found if ticket.id in before] == there
        assert len({ticket.id for ticket in found}) == len(found)
        assert found == in_order(found, query)

    def test_a_page_says_whether_there_is_another(self, storage: Storage) -> None:
        """Also where the tickets fill it exactly."""
        save(storage, *[opened(number) for number in range(1, 7)])
        with storage.begin(TENANT, write=False) as unit:
            assert unit.find(TicketQuery(limit=6)).next is None
            page = unit.find(TicketQuery(limit=3))
            assert page.next is not None
            rest = unit.find(TicketQuery(limit=3, cursor=page.next))
            assert ([ticket.number for ticket in rest.items], rest.next) == ([4, 5, 6], None)

    def test_a_cursor_of_something_else_is_refused(self, storage: Storage) -> None:
        """Of another query, of another order, of a follower, damaged, invented."""
        save(storage, *corpus())
        query = TicketQuery(limit=5)
        with storage.begin(TENANT, write=False) as unit:
            cursor = unit.find(query).next
            event = unit.events_after(None, 1)[0].cursor
        assert cursor is not None
        others = [attrs.evolve(query, sort="priority"), attrs.evolve(query, descending=True), TicketQuery(teams="east")]
        wrong: list[Any] = ["AAAA", "", "\0", "x" * 10_000, "\ud800", cursor[:-2], "A" + cursor[1:], event, 7]
        bad = [attrs.evolve(other, cursor=cursor) for other in others]
        bad += [attrs.evolve(query, cursor=text) for text in wrong]
        for one in bad:
            with pytest.raises(InvalidCursor), storage.begin(TENANT, write=False) as unit:
                unit.find(one)

    def test_tags_are_compared_by_their_folded_form(self, storage: Storage) -> None:
        """Case, width and compatibility forms are one tag; a tag is there as long as one spelling of it is."""
        first = opened(1, tags=["VIP", "vip", "Straße"])
        save(storage, first, opened(2, tags=["vipers"]))

        def tagged(*tags: str) -> list[int]:
            with storage.begin(TENANT, write=False) as unit:
                return [ticket.number for ticket in unit.find(TicketQuery(tags=tags)).items]

        assert [tagged("vip"), tagged("\uff36\uff29\uff30"), tagged("STRASSE"), tagged("VIP", "strasse")] == [[1]] * 4
        assert tagged("vip", "nobody") == []
        second = then(first.ticket, ev.TagsChanged(removed=("VIP",)))
        save(storage, second)
        assert tagged("Vip") == [1]
        save(storage, then(second.ticket, ev.TagsChanged(removed=("vip",))))
        assert [tagged("Vip"), tagged("strasse")] == [[], [1]]

    def test_words_are_found_in_subjects_messages_and_notes(self, storage: Storage) -> None:
        """In three languages, with one- and two-character words of Chinese."""
        texts = [
            ("Printer is broken", "The FUSER smells", "the vendor knows"),
            ("Принтер не печатает", "Ёлка мешает", "позвонить"),
            ("打印机坏了", "请帮忙\uff0c谢谢", "三楼"),
            ("Straße gesperrt", "e\u0301tage", ""),
            ("\ufb01le \uff15", "日本語テスト 한국어", ""),
            ("100%_match", "o'brien \\ path/to", "印"),
        ]
        for number, (subject, body, note) in enumerate(texts, start=1):
            change = opened(number, subject=subject)
            message = make_message(change.ticket, f"message-{number}", body=body)
            inside = make_note(change.ticket, f"note-{number}", body=note)
            save(storage, Change(tickets=(change,), messages=(message,), notes=(inside,)))
        wanted = {
            "printer": [1], "PRINTER broken": [1], "broken fuser": [1], "vendor": [1], "print": [],
            "принтер": [2], "ПЕЧАТАЕТ принтер": [2], "ёлка": [2], "позвонить": [2], "printer принтер": [],
            "打印机": [3], "打印": [3], "印机": [3], "坏": [3], "了": [3], "谢谢": [3], "三楼": [3],
            "打机": [], "印": [3, 6],
            "strasse": [4], "STRASSE gesperrt": [4], "\u00e9tage": [4], "file": [5], "5": [5],
            "日本": [5], "テスト": [5], "한국": [5],
            "100": [6], "%": [], "_": [], "'": [], "o'brien": [6], "path": [6], "is printer": [1], "ticket": [],
        }  # fmt: skip
        for text, numbers in wanted.items():
            with storage.begin(TENANT, write=False) as unit:
                found = [ticket.number for ticket in unit.find(TicketQuery(text=text)).items]
            assert found == numbers, text

    def test_words_that_came_later_are_found(self, storage: Storage) -> None:
        """A new subject, a later message, a message that moved in."""
        one, two = opened(1), opened(2)
        save(storage, one, two)
        save(storage, then(one.ticket, ev.SubjectChanged(subject="toner")))
        save(storage, Change(messages=(make_message(two.ticket, body="paper jam"),)))
        save(storage, Change(moved=(("message-1", one.ticket.id),)))
        with storage.begin(TENANT, write=False) as unit:
            assert [ticket.number for ticket in unit.find(TicketQuery(text="toner")).items] == [1]
            assert 1 in [ticket.number for ticket in unit.find(TicketQuery(text="jam")).items]

    def test_odd_searches_find_nothing_and_harm_nothing(self, storage: Storage) -> None:
        """Quotes, wildcards, operators, NUL, lone surrogates, formulas: they are words or nothing."""
        save(storage, opened(1, subject="words"))
        for text in (
            "' OR 1=1 --",
            '"',
            "*",
            "a* NEAR b",
            "\0",
            "\ud800",
            "=1+1",
            "); DROP TABLE ticket; --",
            "\u200b",
        ):
            with storage.begin(TENANT, write=False) as unit:
                assert unit.find(TicketQuery(text=text)).items == (), text
        with storage.begin(TENANT, write=False) as unit:
            assert len(unit.find(TicketQuery()).items) == 1

    def test_a_search_of_very_many_words_is_refused(self, storage: Storage) -> None:
        """With an error that says so, not with one of the database."""
        for text in ("x " * 400, "字" * 900 + "典" * 90, "".join(chr(0x4E00 + n) for n in range(900))):
            with storage.begin(TENANT, write=False) as unit:
                try:
                    unit.find(TicketQuery(text=text))
                except ValueError as error:
                    assert "at most" in str(error)  # noqa: PT017 - finding nothing is as right as refusing
