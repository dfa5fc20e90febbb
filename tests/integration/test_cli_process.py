"""The real command in a process of its own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

from tests.shared_data import shared_file

ROOT = pathlib.Path(__file__).parents[2]


def run(folder, *arguments, code=None, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPPORTKIT", "COLUMNS"))}
    start = ["-m", "supportkit.cli"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, "-W", "error", *start, *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env={**clean, "PYTHONUTF8": "1", **environment},
    )


def test_the_demo_runs(tmp_path):
    done = run(tmp_path, "demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert "李雷" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_demo_runs_where_the_terminal_knows_no_other_alphabets(tmp_path):
    done = run(tmp_path, "demo", PYTHONUTF8="0", PYTHONIOENCODING="ascii", PYTHONCOERCECLOCALE="0", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_extra_one_sentence_names_it(tmp_path):
    for missing in ("typer", "rich"):
        code = f"import sys; sys.modules[{missing!r}] = None; from supportkit.cli import main; main()"
        done = run(tmp_path, "demo", code=code)
        assert done.returncode == 2
        assert done.stderr == "supportkit: the command line needs its extra: pip install 'supportkit[cli]'\n"
        assert done.stdout == ""


def test_an_error_is_a_sentence_and_no_traceback(tmp_path):
    done = run(tmp_path, "show", "1")
    assert done.returncode == 1
    assert done.stderr == "supportkit: there is no database 'support.db': name one with --database URL\n"


def test_the_default_database_lies_in_the_folder_where_one_is(tmp_path):
    example = ROOT / "examples"
    log, mapping = example / "replay_log.csv", example / "replay_mapping.toml"
    done = run(tmp_path, "replay", str(log), "--format", "csv", "--map", str(mapping))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "support.db").is_file()
    assert "R-2" in run(tmp_path, "tickets").stdout
    assert run(tmp_path, "check", "--deep").returncode == 0


def test_bpi2013_is_played_by_the_command(tmp_path):
    log = shared_file("data/bpi2013_dev.csv")
    done = run(tmp_path, "replay", str(log), "--format", "bpi2013", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["rows"], report["tickets"], report["refused"]) == (6125, 717, 0)
    assert report["never_left_l1"] == 445
    assert report["level_changes"]["L1>L2"] == 249
    assert report["first_resolution"]["median"] == 15_570
    shown = run(tmp_path, "replay", str(log), "--format", "bpi2013").stdout
    assert "6,125 rows, 717 tickets of bpi2013" in shown
    assert "154.283 h" in shown


def test_a_reader_that_goes_away_makes_no_traceback(tmp_path):
    example = ROOT / "examples"
    run(tmp_path, "replay", str(example / "replay_log.csv"), "--format", "csv", "--map",
        str(example / "replay_mapping.toml"))  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "supportkit.cli", "tickets"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        complaint = child.stderr.read()
    assert "Traceback" not in complaint
