"""A configuration file: what it says reaches the desk, and everything that is wrong with it is told at once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from supportkit import AsyncDesk, Desk
from supportkit.cli.commands import app
from supportkit.config import SECTIONS, Table, load_config, whole
from supportkit.errors import ConfigurationError, InvalidConfiguration
from supportkit.templates import Notice

EXAMPLE = Path(__file__).parents[3] / "examples" / "config" / "desk.toml"
LIFECYCLE = EXAMPLE.parents[1] / "lifecycles" / "repair_shop.toml"
Write = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "desk.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(InvalidConfiguration) as caught:
        load_config(path)
    assert caught.value.file == path.name
    return caught.value.problems


# -- what reaches the desk -------------------------------------------------------------------------------------------


def test_the_example_file_says_what_it_says_in_code() -> None:
    config = load_config(EXAMPLE)
    given = config.arguments
    assert config.storage == "sqlite:///support.db"
    assert (given["tenant"], given["join_across_channels"], given["keep_keys"]) == (
        "two-wheels",
        True,
        dt.timedelta(days=10),
    )
    assert given["after_close"].window == dt.timedelta(days=30)
    assert [given[name] for name in ("close_resolved_after", "resolve_pending_after")] == [
        dt.timedelta(days=5),
        dt.timedelta(days=14),
    ]
    assert [(tier.level, tier.name, tier.external) for tier in given["tiers"]] == [
        (1, "help desk", False),
        (2, "workshop", False),
        (3, "maker of the bike", True),
    ]
    assert (given["tier_policy"].skip, given["tier_policy"].down, given["tier_policy"].birth) == (False, True, 2)
    assert (given["limits"].tags, given["budgets"].new_tickets) == (20, 10)
    assert given["retention"].closed == dt.timedelta(days=1095)
    assert given["notices"].desk_name == "Two Wheels"
    assert [layer.locale for layer in given["notices"].layers] == ["en"]
    assert [policy.id for policy in given["levels"].policies] == ["shop"]


def test_a_desk_is_opened_from_a_file_and_arguments_come_before_it() -> None:
    with Desk.from_config(EXAMPLE, "sqlite://", tenant="other") as desk:
        assert (desk.tenant, [policy.id for policy in desk.levels.policies]) == ("other", ["shop"])
        assert desk.storage.capabilities.durable is False


def test_an_async_desk_is_opened_from_a_file_too() -> None:
    async def tenant() -> str:
        async with AsyncDesk.from_config(EXAMPLE, "sqlite://") as desk:
            return desk.tenant

    assert asyncio.run(tenant()) == "two-wheels"


def test_an_empty_file_is_a_desk_as_it_comes(written: Write) -> None:
    config = load_config(written(""))
    assert (config.storage, config.arguments) == (None, {})


def test_a_lifecycle_and_levels_may_stand_in_the_file_itself(written: Write) -> None:
    inline = "[lifecycle]\n" + LIFECYCLE.read_text(encoding="utf-8").replace("[[", "[[lifecycle.")
    levels = '[[levels.policies]]\nid = "all"\nfallback = true\ntargets = [{metric = "RESOLUTION", target = "8h"}]\n'
    with Desk.from_config(written(inline + levels), "sqlite://") as desk:
        assert desk.lifecycle.initial == "dropped_off"
        assert [policy.id for policy in desk.levels.policies] == ["all"]


@pytest.mark.parametrize(
    ("said", "window"),
    [('"reopen"', None), ('"follow_up"', dt.timedelta(0)), ('"2d"', dt.timedelta(days=2))],
)
def test_what_a_late_message_does_is_said_in_three_ways(written: Write, said: str, window: dt.timedelta | None) -> None:
    config = load_config(written(f'[closing]\nafter_close = {said}\nclose_resolved_after = "never"\n'))
    assert config.arguments["after_close"].window == window
    assert config.arguments["close_resolved_after"] is None


def test_an_app_reads_a_table_of_its_own_by_one_line(written: Write) -> None:
    def mine(table: Table) -> Mapping[str, Any]:
        table.only(["seats"])
        return {"seats": table.take("seats", whole, 1)}

    path = written("[mine]\nseats = 7\n")
    assert load_config(path, sections={**SECTIONS, "mine": mine}).arguments == {"seats": 7}
    assert problems(path)[0].startswith("mine: there is no such key; did you mean 'lines'?")


# -- what is wrong ---------------------------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_told_at_once_with_its_key(written: Write) -> None:
    text = """
    [desk]
    tenent = "x"
    keep_keys = 8
    [closing]
    after_close = "soon"
    [lines.one]
    name = "help desk"
    [lines.2]
    nam = "workshop"
    [limits]
    tags = -1
    [retention]
    deliveries = "1d"
    [notices]
    on = "solved"
    [levles]
    """
    assert sorted(one.split(":")[0] for one in problems(written(text))) == sorted(
        ["levles", "desk.tenent", "desk.keep_keys", "closing.after_close", "lines.one", "lines.2.nam", "limits.tags",
         "retention", "notices.on"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[desk]\ntenent = "x"', "desk.tenent: there is no such key; did you mean 'tenant'?"),
        ("desk = 7", "desk: it is a table: write [desk]"),
        ("[desk]\njoin_across_channels = 1", "desk.join_across_channels: it is true or false"),
        ("[limits]\ntags = true", "limits.tags: it is a whole number from 0 on"),
        ('[notices]\non = ["solvd"]', "notices: "),
        ('[notices]\ntexts = "nowhere"', "notices.texts: "),
        ('[levels]\nfile = "nowhere.toml"', "levels.file: nowhere.toml: it cannot be read"),
        ('[levels]\nfile = "desk.toml"\npolicies = []', "levels.file: either a file is named"),
        ("[levels]\ncalender = {}", "levels: 'calender' is not a key of service levels; did you mean 'calendars'?"),
        ('[lifecycle]\nname = "x"', "lifecycle: "),
        ("[desk", "it is no TOML"),
        ("x = " + "[" * 5_000, "it is "),
        ("x = 1" + "0" * 5_000, "it is no TOML"),
        ("#" * 1_000_001, "a configuration file has at most"),
    ],
    ids=range(14),
)  # fmt: skip
def test_a_problem_names_its_key_and_what_was_probably_meant(written: Write, text: str, problem: str) -> None:
    [found] = problems(written(text))
    assert found.startswith(problem), found


def test_a_file_that_is_not_there_or_no_text_is_a_problem_of_its_own(tmp_path: Path, written: Write) -> None:
    assert problems(tmp_path / "nowhere.toml") == ("it cannot be read: No such file or directory",)
    path = written("")
    path.write_bytes(b"\xff\xfe")
    assert problems(path) == ("it is no UTF-8",)


def test_the_database_and_its_password_are_in_no_repr_and_no_error(written: Write) -> None:
    path = written('[desk]\nstorage = "mariadb+pymysql://kim:hunter2@127.0.0.1/x"\n')
    assert "hunter2" not in repr(load_config(path))
    path.write_text(path.read_text(encoding="utf-8") + "tenent = 1\n", encoding="utf-8")
    assert "hunter2" not in " ".join(problems(path))


# -- the command -----------------------------------------------------------------------------------------------------


def test_check_says_nothing_of_a_good_file_and_ends_with_zero() -> None:
    result = CliRunner().invoke(app, ["config", "check", str(EXAMPLE)])
    assert (result.exit_code, result.output) == (0, "desk.toml: 15 arguments, nothing to say.\n")


def test_check_lists_everything_that_is_wrong_and_ends_with_one(written: Write) -> None:
    path = written("[desk]\ntenent = 1\n[limits]\ntags = -1\n")
    result = CliRunner().invoke(app, ["config", "check", str(path)])
    assert result.exit_code == 1
    assert [line.split(": ")[2] for line in result.output.splitlines()] == ["desk.tenent", "limits.tags"]


@pytest.mark.parametrize(
    "text",
    [
        '[desk]\nkeep_keys = "1d"',
        '[retention]\nclosed = "10d"\n[closing]\nafter_close = "30d"',
        '[notices]\ndefault_locale = "tlh"\non = ["delayed"]\nfamilies = ["email"]\nmoved_by = "0s"',
    ],
)
def test_check_finds_what_only_a_desk_finds(written: Write, text: str) -> None:
    path = written(text)
    result = CliRunner().invoke(app, ["config", "check", str(path)])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    with pytest.raises(ConfigurationError):
        Desk.from_config(path, "sqlite://")


def test_notices_of_a_file_are_those_of_the_desk(written: Write) -> None:
    config = load_config(written('[notices]\non = ["solved"]\n'))
    assert config.arguments["notices"].on == {Notice.SOLVED}


def test_lines_rules_duties_and_vendors_stand_in_one_file(written: Write) -> None:
    path = written("""
    [lines.1]
    name = "help desk"
    [lines.2]
    name = "maker"
    external = true
    teams = ["a"]
    checklist = ["summary"]
    [vendors.acme]
    channel = "owl"
    address = "acme-support"
    tier = 2
    [regulation.topics]
    brakes = { team = "mechanics" }
    [[escalations.rules]]
    id = "stuck"
    when = { time_in_tier = true }
    levels = [{ at = "6h", actions = [{ tag = "stuck" }] }]
    """)
    given = load_config(path).arguments
    assert given["tiers"][1].checklist == ("summary",)
    assert [one.name for one in given["vendors"]] == ["acme"]
    assert [one.topic for one in given["regulation"].duties] == ["brakes"]
    assert [one.id for one in given["escalations"].rules] == ["stuck"]


def test_what_is_wrong_with_a_vendor_or_a_rule_is_told_with_its_table(written: Write) -> None:
    found = problems(written('[vendors.acme]\nchanel = "owl"\n[regulation]\ntopic = {}\n[escalations]\nrules = 3\n'))
    assert [one.split(":")[0] for one in found] == ["escalations", "regulation", "vendors"]
