"""Own texts from a folder of TOML files."""

from __future__ import annotations

import pytest

from supportkit.errors import InvalidTemplate, UnknownLocale
from supportkit.templates import read_folder


def test_a_folder_of_texts(tmp_path):
    (tmp_path / "catalog.toml").write_text('default_locale = "ru"\n[values]\n"shop.phone" = "line"\n', encoding="utf-8")
    (tmp_path / "ru.toml").write_text('[notices.solved]\nbody = "Готово. {{ shop.phone }}"\n', encoding="utf-8-sig")
    (tmp_path / "notes.txt").write_text("not a text")
    catalog = read_folder(tmp_path)
    values = {"ticket.reference": "K7", "shop.phone": "112"}
    assert catalog.render("solved", locale="fr", values=values).body == "Готово. 112"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("en.toml", b"x", "en.toml: the file is not TOML"),
        ("en.toml", b"\xff", "en.toml: the file is not UTF-8"),
        ("en.toml", b"#" * 1_000_001, "en.toml: a file of texts has at most 1000000 bytes"),
        (
            "en.toml",
            b'[notices.solved]\nbody = """a\n{{ x }}"""',
            "en.toml: solved.body (en), line 2: there is no value 'x'",
        ),
        ("catalog.toml", b"defaultlocale = 1", "did you mean 'default_locale'"),
        ("catalog.toml", b"values = 1", "a table of names"),
        ("ru.toml", b"[" * 100_000, "ru.toml: the file is not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidTemplate) as caught:
        read_folder(tmp_path)
    assert words in str(caught.value)


def test_a_file_is_named_after_a_language(tmp_path):
    (tmp_path / "klingonese.toml").write_text("")
    with pytest.raises(UnknownLocale, match="klingonese"):
        read_folder(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_texts_is_an_error(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidTemplate, match=name):
        read_folder(tmp_path / name)


def test_too_many_files_are_refused(tmp_path):
    for number in range(101):
        (tmp_path / f"f{number}.toml").write_text("")
    with pytest.raises(InvalidTemplate, match="at most 100 files"):
        read_folder(tmp_path)
