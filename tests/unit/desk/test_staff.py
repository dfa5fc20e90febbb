"""`desk.agents` and `desk.teams`: who answers, and what does not fit together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supportkit import Desk
from supportkit.errors import InvalidStaff, NotFound
from supportkit.model.people import Shift


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def codes(desk: Desk) -> list[str]:
    return [finding.code for finding in desk.teams.lint()]


def test_what_was_added_reads_back_in_another_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    shift = Shift(days=(1, 2), begins=dt.time(9, 30), ends=dt.time(17))
    with Desk(url) as desk:
        desk.teams.add("first", "First line", tier=1)
        kim = desk.agents.add(
            "kim", "Kim", teams=["first"], skills=["billing"], languages=["ru", "en"], timezone="Asia/Shanghai",
            shifts=[shift], capacity={"chat": 3},
        )  # fmt: skip
    with Desk(url) as desk:
        assert desk.agents.get("kim") == kim
        assert kim.shifts == (shift,)
        assert [agent.id for agent in desk.teams.members("first")] == ["kim"]
        assert desk.teams.get("first").name == "First line"


def test_agents_are_listed_by_team_and_by_whether_they_are_active(desk: Desk) -> None:
    for team in ("a", "b"):
        desk.teams.add(team)
    desk.agents.add("kim", teams=["a"])
    desk.agents.add("lee", teams=["a", "b"], active=False)
    assert [one.id for one in desk.agents.list(team="a")] == ["kim", "lee"]
    assert [one.id for one in desk.agents.list(team="a", active=True)] == ["kim"]
    assert [one.id for one in desk.agents.list(active=False)] == ["lee"]
    with pytest.raises(NotFound, match="no team 'c'"):
        desk.agents.list(team="c")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"capacity": {"chat": -1}}, "capacity"),
        ({"tier": 9}, "tier"),
        ({"tier": 0}, "tier"),
        ({"deputy": "kim"}, "deputy"),
        ({"languages": ["klingon language"]}, "languages"),
        ({"locale": ""}, "locale"),
        ({"teams": "first"}, "teams"),
        ({"skills": ["x" * 300]}, "skills"),
        ({"active": "yes"}, "active"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_and_changes_nothing(
    desk: Desk, changes: dict[str, Any], field: str
) -> None:
    before = desk.agents.add("kim")
    with pytest.raises(InvalidStaff) as caught:
        desk.agents.change("kim", **changes)
    assert (caught.value.subject, caught.value.field) == ("agent 'kim'", field)
    assert desk.agents.get("kim") == before
    with pytest.raises(InvalidStaff):
        desk.agents.add("lee", **{"deputy": "lee"} if field == "deputy" else changes)
    assert [one.id for one in desk.agents.list()] == ["kim"]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda desk: desk.agents.add("lee", teams=["nobody"]), "no team 'nobody'"),
        (lambda desk: desk.agents.add("lee", deputy="nobody"), "no agent 'nobody'"),
        (lambda desk: desk.teams.add("a", lead="nobody"), "no agent 'nobody'"),
        (lambda desk: desk.agents.change("nobody", tier=2), "no agent 'nobody'"),
        (lambda desk: desk.teams.change("nobody", tier=2), "no team 'nobody'"),
        (lambda desk: desk.teams.members("nobody"), "no team 'nobody'"),
    ],
)
def test_who_is_not_there_is_named(desk: Desk, call: Callable[[Desk], object], text: str) -> None:
    with pytest.raises(NotFound, match=text):
        call(desk)
    assert (list(desk.agents.list()), list(desk.teams.list())) == ([], [])


def test_deputies_that_go_round_in_a_circle_are_refused(desk: Desk) -> None:
    desk.agents.add("kim")
    desk.agents.add("lee", deputy="kim")
    desk.agents.add("mo", deputy="lee")
    with pytest.raises(InvalidStaff, match="kim -> mo -> lee -> kim"):
        desk.agents.change("kim", deputy="mo")
    assert desk.agents.get("kim").deputy is None


def test_a_change_that_changes_nothing_is_not_written(desk: Desk) -> None:
    kim = desk.agents.add("kim", capacity={"chat": 2})
    assert desk.agents.change("kim", capacity={"chat": 2}) == kim
    assert desk.agents.change("kim", capacity={"chat": 3}).version == 2
    with pytest.raises(TypeError, match="agents have no 'version'"):
        desk.agents.change("kim", version=7)
    with pytest.raises(InvalidStaff, match="already"):
        desk.agents.add("kim")


def test_whoever_is_needed_cannot_be_removed(desk: Desk) -> None:
    desk.agents.add("kim")
    desk.teams.add("first", lead="kim")
    desk.agents.add("lee", deputy="kim", teams=["first"])
    with pytest.raises(InvalidStaff, match="leads team 'first'; stands in for 'lee'"):
        desk.agents.remove("kim")
    with pytest.raises(InvalidStaff, match="1 work in it, such as 'lee'"):
        desk.teams.remove("first")
    desk.agents.remove("lee")
    desk.teams.remove("first")
    desk.agents.remove("kim")
    assert (list(desk.agents.list()), list(desk.teams.list())) == ([], [])


@pytest.mark.parametrize(("members", "fits"), [(7, False), (8, True), (15, True), (16, False)])
def test_one_lead_is_for_eight_to_fifteen_agents(desk: Desk, members: int, fits: bool) -> None:
    """Counted over all teams that he leads, without himself and without those who are not active."""
    desk.agents.add("lead")
    for team in ("a", "b"):
        desk.teams.add(team, lead="lead")
    desk.agents.change("lead", teams=["a"])
    for number in range(members):
        desk.agents.add(f"agent-{number}", teams=["a" if number % 2 else "b"])
    desk.agents.add("gone", teams=["a"], active=False)
    assert ("team.span" not in codes(desk)) is fits


def test_the_report_names_what_does_not_fit(desk: Desk) -> None:
    desk.teams.add("empty")
    desk.teams.add("second", tier=2, calendar="moon")
    desk.agents.add("kim", teams=["second"], tier=1, calendar="mars")
    desk.agents.add("lee", active=False)
    desk.agents.add("mo", deputy="lee")
    found = codes(desk)
    assert sorted(found) == sorted(
        ["team.lead", "team.empty", "team.lead", "team.calendar", "team.line", "agent.calendar", "agent.team",
         "agent.deputy"]
    )  # fmt: skip


def test_staff_of_another_tenant_is_not_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'support.db'}"
    with Desk(url, tenant="acme") as acme, Desk(url, tenant="globex") as globex:
        acme.teams.add("first")
        acme.agents.add("kim", teams=["first"])
        assert list(globex.agents.list()) == []
        with pytest.raises(NotFound, match="no agent 'kim'"):
            globex.agents.get("kim")
        with pytest.raises(NotFound, match="no team 'first'"):
            globex.agents.add("lee", teams=["first"])


def test_staff_is_kept_with_the_rest_of_a_transaction_or_not_at_all(desk: Desk) -> None:
    with pytest.raises(InvalidStaff), desk.transaction() as inside:
        inside.teams.add("first")
        inside.agents.add("kim", teams=["first"])
        assert [one.id for one in inside.agents.list()] == ["kim"]
        inside.agents.add("kim")
    assert list(desk.agents.list()) == []
