"""`supportkit export` and `supportkit import`."""

from __future__ import annotations

from supportkit import Desk


def test_a_desk_goes_from_one_database_into_another(cli, url, tmp_path):
    file, there = tmp_path / "desk.jsonl", f"sqlite:///{tmp_path}/there.db"
    result = cli("export", str(file), "--database", url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "3 ticket" in result.stdout
    result = cli("import", str(file), "--database", there)
    assert (result.exit_code, result.stderr) == (0, "")
    with Desk(url) as one, Desk(there) as two:
        assert one.find().items == two.find().items


def test_a_file_that_is_there_is_not_written_over(cli, url, tmp_path):
    file = tmp_path / "desk.jsonl"
    file.write_text("precious", encoding="utf-8")
    assert cli("export", str(file), "--database", url).exit_code == 2
    assert file.read_text(encoding="utf-8") == "precious"
    assert cli("export", str(file), "--force", "--database", url).exit_code == 0
    assert file.read_text(encoding="utf-8").startswith('{"supportkit":"export"')


def test_what_is_no_export_ends_with_one_and_a_sentence(cli, url, tmp_path):
    file = tmp_path / "desk.jsonl"
    file.write_text("hello\n", encoding="utf-8")
    result = cli("import", str(file), "--database", f"sqlite:///{tmp_path}/there.db")
    assert result.exit_code == 1
    assert "line 1" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_desk_that_has_tickets_is_left_alone(cli, url, tmp_path):
    file = tmp_path / "desk.jsonl"
    cli("export", str(file), "--database", url)
    result = cli("import", str(file), "--database", url)
    assert result.exit_code == 1
    assert "has rows already" in result.stderr


def test_another_tenant_is_exported_apart(cli, url, tmp_path):
    result = cli("export", str(tmp_path / "desk.jsonl"), "--tenant", "nobody", "--database", url)
    assert (result.exit_code, "an empty desk" in result.stdout) == (0, True)
