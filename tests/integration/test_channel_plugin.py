"""The example of a channel plug-in as a third party has it: built, installed, and its own tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "channel_plugin"


def call(*arguments: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with supportkit and the plug-in, both installed from wheels built here."""
    pytest.importorskip("hatchling", reason="building the example needs hatchling, from the group `test`")
    place = tmp_path_factory.mktemp("plugin")
    sources = place / "sources"
    for name in ("pyproject.toml", "README.md", "LICENSE", "src"):  # built elsewhere: nothing is left in the checkout
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (sources / "supportkit").mkdir(parents=True, exist_ok=True)
        copy(source, sources / "supportkit" / name)
    shutil.copytree(EXAMPLE, sources / "plugin")
    for source in (sources / "supportkit", sources / "plugin"):
        call(
            *("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"),
            *("--wheel-dir", place / "wheels", source),
            cwd=place,
        )
    wheels = sorted((place / "wheels").glob("*.whl"))
    assert [wheel.name.split("-")[0] for wheel in wheels] == ["supportkit", "supportkit_telegram_example"]
    for wheel in wheels:  # a wheel of pure Python is installed by unpacking it
        with ZipFile(wheel) as archive:
            archive.extractall(place / "site")
    return place


def test_the_tests_of_the_plugin_pass_where_it_is_installed(installed: Path) -> None:
    tests = installed / "sources" / "plugin"
    said = call("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tests, PYTHONPATH=str(installed / "site"))
    assert " passed" in said
    assert "test_story" not in said  # nothing of the story was skipped


def test_what_is_tested_is_what_was_built(installed: Path) -> None:
    said = call(
        "-c",
        "import supportkit.testing.fakes as a, supportkit_telegram_example as b; print(a.__file__, b.__file__)",
        cwd=installed,
        PYTHONPATH=str(installed / "site"),
    )
    assert all(Path(path).is_relative_to(installed / "site") for path in said.split())


def test_an_installed_plugin_is_found_by_a_desk(installed: Path) -> None:
    script = (
        "from supportkit import Desk\n"
        "with Desk(discover=True) as desk:\n"
        "    print(desk.hooks.names, list(desk.channels))\n"
    )
    said = call("-c", script, cwd=installed, PYTHONPATH=str(installed / "site"), SUPPORTKIT_TELEGRAM_TOKEN="1:a")
    assert said.strip() == "('telegram-example',) ['telegram']"


def test_the_adapter_of_the_example_stays_short() -> None:
    adapter = EXAMPLE / "src" / "supportkit_telegram_example" / "adapter.py"
    assert len(adapter.read_text(encoding="utf-8").splitlines()) <= 200
