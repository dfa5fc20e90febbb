"""`supportkit mail import`."""

from __future__ import annotations

import pytest
from tests.shared_data import shared_file
from tests.unit.email.mails import raw

from supportkit import Desk

ADDRESS = ("--address", "help@corp.example")


def test_a_folder_of_mails_becomes_tickets_and_each_is_told(cli, tmp_path):
    folder, url = tmp_path / "mails", f"sqlite:///{tmp_path}/there.db"
    (folder / "old").mkdir(parents=True)
    (folder / "1.eml").write_bytes(raw("One", message_id="<1@c.example>"))
    (folder / "old" / "2.eml").write_bytes(raw("Two", in_reply_to="<1@c.example>"))
    (folder / "3.eml").write_bytes(raw("I am away", auto_submitted="auto-replied"))
    result = cli("mail", "import", str(folder), *ADDRESS, "--database", url)
    assert (result.exit_code, result.stderr) == (0, "")
    told = dict(line.split(": ", 1) for line in result.stdout.strip().splitlines())
    assert told["1.eml"] == "opened"
    assert told["3.eml"] == "quarantined: auto_reply"
    assert told["old/2.eml"] == "joined"
    with Desk(url) as desk:
        assert [one.body.strip() for one in desk.messages(1)] == ["One", "Two"]


def test_the_same_mails_again_change_nothing(cli, tmp_path):
    file, url = tmp_path / "one.eml", f"sqlite:///{tmp_path}/there.db"
    file.write_bytes(raw("One", message_id="<1@c.example>"))
    for fate in ("opened", "known already"):
        result = cli("mail", "import", str(file), *ADDRESS, "--database", url)
        assert f"one.eml: {fate}" in result.stdout


def test_an_mbox_is_read_mail_by_mail(cli, tmp_path):
    file, url = tmp_path / "box", f"sqlite:///{tmp_path}/there.db"
    mails = [raw(f"Text {number}", message_id=f"<{number}@c.example>") for number in range(3)]
    file.write_bytes(b"".join(b"From ann Mon Mar  2 12:00:00 2026\n" + one + b"\n\n" for one in mails))
    result = cli("mail", "import", str(file), *ADDRESS, "--database", url)
    assert result.stdout.splitlines() == [*[f"box:{n}: opened" for n in (1, 2, 3)], "3 mails: 3 opened"]


def test_a_file_that_is_not_there_ends_with_one_and_a_sentence(cli, tmp_path):
    result = cli("mail", "import", str(tmp_path / "no"), *ADDRESS, "--database", f"sqlite:///{tmp_path}/there.db")
    assert (result.exit_code, "cannot be read" in result.stderr) == (1, True)


@pytest.mark.parametrize("folder", ["helpdesk_django", "replies_github", "bounces_flufl"])
def test_real_mail_ends_as_tickets_or_in_quarantine_and_none_fails(cli, tmp_path, folder):
    url = f"sqlite:///{tmp_path}/there.db"
    result = cli("mail", "import", str(shared_file(f"data/mail/{folder}")), *ADDRESS, "--database", url)
    assert (result.exit_code, result.stderr) == (0, "")
    fates = [line.rsplit(": ", 1)[-1] for line in result.stdout.splitlines()[:-1]]
    assert len(fates) >= 6
    assert "failed" not in result.stdout
    with Desk(url) as desk:
        opened = sum(fate.startswith("opened") for fate in fates)
        assert len(desk.find(limit=200).items) == opened
        assert desk.check(deep=True)
