"""The house of DESIGN.md section 2, held by reading every import of the source: nobody imports upwards."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "supportkit"

FLOORS = {
    "ground": {"errors", "clock", "ids", "text", "keys", "secret", "businesstime", "measures"},
    "model": {"model"},
    "rules": {
        "lifecycle",
        "sla",
        "escalation",
        "macro",
        "routing",
        "surveys",
        "templates",
        "knowledge",
        "metrics",
        "staffing",
    },
    "engine": {"engine"},
    "ports": {"channels", "storage", "hooks"},
    "shell": {
        "desk",
        "intake",
        "admitting",
        "heeding",
        "windowing",
        "wording",
        "proposing",
        "keyring",
        "quarantine",
        "receipts",
        "receiving",
        "races",
        "posting",
        "records",
        "switching",
        "uniting",
        "proving",
        "continuing",
        "legs",
        "publicly",
        "runner",
        "drafting",
        "lookup",
        "idempotency",
        "pairing",
        "arguments",
        "customers",
        "delivery",
        "timers",
        "checks",
        "clocking",
        "commitments",
        "escalating",
        "lines",
        "escalations",
        "duties",
        "promising",
        "withdrawing",
        "notifying",
        "dispatching",
        "presence",
        "viewing",
        "drafts",
        "overtaking",
        "macros",
        "incidents",
        "automations",
        "queueing",
        "parting",
        "outbox",
        "surveying",
        "pauses",
        "addressees",
        "originals",
        "enclosing",
        "revoking",
        "participants",
        "retention",
        "reporting",
        "answers",
        "archive",
        "worker",
        "aio",
        "config",
        "privacy",
        "forgetting",
        "portrait",
        "raw",
        "teams",
        "agents",
        "cards",
        "staff",
        "portal",
    },
    "outside": {"replay", "integrations", "report", "cli", "testing", "__init__"},
}
ORDER = list(FLOORS)
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
RULES_MAY = {
    ("metrics", "sla"),
    ("metrics", "surveys"),
    ("routing", "sla"),
    ("escalation", "sla"),
    ("escalation", "macro"),
    ("macro", "sla"),
}
"""On the floor of rules a room imports another one only if the pair stands here."""

PINNED = {
    "transitions": {"lifecycle"},
    "pluggy": {"hooks"},
    "sqlalchemy": {"storage"},
    "alembic": {"storage"},
    "psycopg": {"storage"},
    "pymysql": {"storage"},
    "celery": {"integrations"},
    "procrastinate": {"integrations"},
    "dbos": {"integrations"},
    "pendulum": {"desk", "arguments", "config", "templates", "cli", "replay"},
    "liquid": {"templates"},
    "babel": {"templates", "report"},
    "asyncio": {"aio"},
    "jinja2": {"report"},
    "nh3": {"channels"},
    "charset_normalizer": {"channels"},
    "pytest": {"testing"},
    "hypothesis": {"testing"},
    "numpy": set(),  # these three recompute statistics in tests, and nothing of ours imports them
    "scipy": set(),
    "statsmodels": set(),
    "typer": {"cli"},
    "rich": {"cli"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).parts[0].removesuffix(".py"), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "supportkit")


def rooms_imported(path: Path) -> Iterator[str]:
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "supportkit" and len(parts) > 1:
            yield parts[1]


def test_every_module_stands_on_a_floor() -> None:
    assert {room for room, _path in modules()} <= set(FLOOR_OF)


@pytest.mark.parametrize(("room", "path"), [pytest.param(*pair, id=str(pair[1].name)) for pair in modules()])
def test_no_module_imports_upwards(room: str, path: Path) -> None:
    here = ORDER.index(FLOOR_OF[room])
    for other in rooms_imported(path):
        if other == room or other not in FLOOR_OF:
            continue
        there = ORDER.index(FLOOR_OF[other])
        assert there <= here, f"{path.name} ({FLOOR_OF[room]}) imports {other} ({FLOOR_OF[other]})"
        if FLOOR_OF[room] == FLOOR_OF[other] == "rules":
            assert (room, other) in RULES_MAY, f"{room} imports {other}, both are rules"


def test_third_party_packages_stay_in_their_places() -> None:
    found = {
        (package, room)
        for room, path in modules()
        for package in (name.split(".")[0] for name in imports(path))
        if package in PINNED and room not in PINNED[package]
    }
    assert found == set()


def test_only_the_clock_reads_the_time_of_the_machine() -> None:
    readers = {
        path.name
        for room, path in modules()
        if room not in {"clock", "cli"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
        and isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node.value) in {"dt.datetime", "datetime", "datetime.datetime", "time", "dt.date", "date"}
    }
    assert readers == set()


def test_only_ids_reads_the_randomness_of_the_machine() -> None:
    readers = {
        path.name
        for room, path in modules()
        if room not in {"ids", "testing"}
        and {"random", "secrets", "uuid"} & {name.split(".")[0] for name in imports(path)}
    }
    assert readers == set()


@pytest.mark.parametrize(("room", "path"), [pytest.param(*pair, id=str(pair[1].name)) for pair in modules()])
def test_nothing_dangerous_is_called(room: str, path: Path) -> None:
    del room
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert not calls & {"eval", "exec", "pickle.loads", "pickle.load", "yaml.load", "os.system", "compile"}
