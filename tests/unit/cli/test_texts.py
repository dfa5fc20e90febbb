"""`supportkit templates`."""

from __future__ import annotations

import pytest

from supportkit.templates import Notice


def test_the_list_names_every_notice_with_its_values(cli):
    result = cli("templates", "list")
    assert result.exit_code == 0
    rows = {words[0]: " ".join(words[1:]) for words in map(str.split, result.output.splitlines()) if words}
    assert set(rows) >= {notice.value for notice in Notice}
    assert rows["acknowledgement_unverified"] == "ticket.reference*, desk.name"
    assert "languages: en, ru, zh" in result.output


@pytest.mark.parametrize("locale", ["en", "ru", "zh"])
@pytest.mark.parametrize("notice", Notice)
def test_every_notice_can_be_shown(cli, notice, locale):
    result = cli("templates", "show", notice, "--locale", locale, "--zone", "Asia/Shanghai")
    assert result.exit_code == 0
    assert result.output.strip()
    assert "{{" not in result.output


def test_a_sample_is_shown_as_asked(cli):
    full = cli("templates", "show", "solved", "--locale", "ru").output
    assert "Здравствуйте, Анна!" in full
    assert "в течение 3 дней" in full
    bare = cli("templates", "show", "solved", "--bare", "--channel", "chat").output
    assert bare.startswith("Your request K7Q2-9F3D has been solved.\n")
    assert cli("templates", "show", "solvd").exit_code == 2


def test_lint_says_everything_and_ends_with_1(cli, tmp_path):
    (tmp_path / "ru.toml").write_text('[notices.solved]\nbody = "{{ x }}"\nshort = "{% y %}"\n', encoding="utf-8")
    (tmp_path / "uk.toml").write_text('[notices.closed]\nbody = "ok"\n', encoding="utf-8")
    (tmp_path / "en.toml").write_text('[notices.clsd]\nbody = "ok"\n', encoding="utf-8")
    result = cli("templates", "lint", str(tmp_path))
    assert result.exit_code == 1
    for words in ("no value 'x'", "no tag 'y'", "needs the part 'subject'", "'clsd' is not a key here"):
        assert words in result.output
    assert len(result.output.splitlines()) == 4


def test_lint_of_sound_texts_says_nothing(cli, tmp_path):
    (tmp_path / "ru.toml").write_text('[notices.solved]\nbody = "Готово: {{ ticket.reference }}"\n', encoding="utf-8")
    result = cli("templates", "lint", str(tmp_path))
    assert (result.exit_code, result.output.strip()) == (0, "Nothing to say.")
    shown = cli("templates", "show", "solved", "--locale", "ru", "--folder", str(tmp_path)).output
    assert "Готово: K7Q2-9F3D" in shown


def test_an_own_folder_that_is_wrong_is_one_sentence(cli, tmp_path):
    result = cli("templates", "list", "--folder", str(tmp_path / "nowhere"))
    assert result.exit_code == 1
    assert "there is no folder of this name" in result.stderr
    assert cli("templates", "lint", str(tmp_path / "nowhere")).exit_code == 1
