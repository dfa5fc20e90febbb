"""Every script in examples/ runs by itself, quickly, without a network, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.docs.pages import ROOT

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
# Anything that would open a connection to another machine ends the script.
NO_NETWORK = """
import socket
def refuse(*_args, **_kwargs):
    raise OSError("examples do not use the network")
socket.socket.connect = socket.create_connection = refuse
"""


def play(script, folder):
    scratch, start = folder / "scratch", folder / "start"
    scratch.mkdir()
    start.mkdir()
    (folder / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(scratch),
        "TEMP": str(scratch),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=start,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done, [*scratch.iterdir(), *start.iterdir()]


def test_there_are_examples():
    named = {
        "app_with_orders",
        "django_app",
        "fastapi_app",
        "observer_plugin",
        "own_channel",
        "own_texts",
        "quickstart",
        "real_reports",
        "sqlalchemy_app",
        "support_day",
        "survey",
        "worker_loop",
    }
    assert named <= {path.stem for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_runs_and_cleans_up(script, tmp_path):
    done, left = play(script, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    assert left == []
