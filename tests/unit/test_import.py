"""What `import supportkit` may cost: told by the modules that it loads, because a timed test would be a coin toss."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "alembic",
    "asyncio",
    "attrs",
    "babel",
    "celery",
    "dbos",
    "hypothesis",
    "jinja2",
    "liquid",
    "pendulum",
    "pluggy",
    "procrastinate",
    "pytest",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "transitions",
    "typer",
}
ONLY_ON_REQUEST = {
    *("alembic", "asyncio", "babel", "celery", "dbos", "hypothesis", "jinja2", "liquid"),
    *("procrastinate", "pytest", "rich", "typer"),
}


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules of a fresh interpreter after *code*."""
    report = f"{code}; import json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", report], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_no_other_package() -> None:
    before = loaded_by("pass")
    assert (loaded_by("import supportkit") - before) & HEAVY == set()


def test_importing_the_package_loads_no_module_of_its_own() -> None:
    code = "import supportkit, sys; print([name for name in sys.modules if name.startswith('supportkit.')])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_taking_the_desk_loads_nothing_that_only_some_apps_need() -> None:
    before = loaded_by("pass")
    loaded = loaded_by("from supportkit import Desk") - before
    assert "sqlalchemy" in loaded  # else this test would look at the wrong thing
    assert loaded & ONLY_ON_REQUEST <= {"asyncio"} & loaded_by("import sqlalchemy")


def test_the_values_alone_need_neither_database_nor_plugins() -> None:
    assert loaded_by("from supportkit import Ticket, Priority") & {"sqlalchemy", "pluggy", "transitions"} == set()


def test_naming_the_texts_loads_neither_liquid_nor_locale_data() -> None:
    assert loaded_by("from supportkit.templates import Catalog, Notice") & {"babel", "liquid", "pendulum"} == set()
    assert {"babel", "liquid"} <= loaded_by(
        "from supportkit.templates import Catalog; "
        "Catalog().render('solved', locale='en', values={'ticket.reference': 'x'})"
    )


@pytest.mark.parametrize("name", ["Desk", "Ticket", "hookimpl", "Lifecycle"])
def test_a_name_is_kept_after_its_first_use(name: str) -> None:
    import supportkit

    assert getattr(supportkit, name) is getattr(supportkit, name)
    assert name in vars(supportkit)
