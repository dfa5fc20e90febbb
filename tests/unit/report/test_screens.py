"""Reports in a real browser: not blank, not wider than the screen, and with the letters of three alphabets."""

from __future__ import annotations

import re

import pytest
from tests.browser import picture, run

from supportkit.report import render

pytest.importorskip("jinja2")
WIDE, PHONE = 1200, 390


@pytest.fixture(scope="module")
def pages(report, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for locale in ("en", "ru", "zh"):
        (folder / f"{locale}.html").write_text(render(report, locale=locale), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("locale", "width"), [("en", WIDE), ("ru", PHONE), ("zh", PHONE)])
def test_a_page_is_drawn_and_not_blank(pages, locale, width):
    seen = picture(pages / f"{locale}.html", width, 1600, scale=0.5)

    assert (seen.width, seen.height) == (width // 2, 800)
    assert len(seen.colours()) > 50
    for top in range(0, 800, 200):  # no empty screen on the way
        assert len(seen.colours(top, top + 200)) > 5


@pytest.mark.parametrize("width", [WIDE, PHONE, 320])
@pytest.mark.parametrize("locale", ["en", "ru", "zh"])
def test_a_page_is_not_wider_than_the_screen(pages, tmp_path, locale, width):
    """A frame of the width asks the page inside it; the page itself allows no script."""
    text = (pages / f"{locale}.html").read_text(encoding="utf-8")
    framed = re.sub(r"<meta http-equiv[^>]*>", "", text, count=1)
    (tmp_path / "inner.html").write_text(framed, encoding="utf-8")
    probe = tmp_path / "probe.html"
    probe.write_text(
        f'<body><iframe src="inner.html" style="width:{width}px;height:900px;border:0" onload="'
        "const page = this.contentDocument.documentElement;"
        "document.title = page.scrollWidth + ' ' + page.clientWidth + ' ' + page.scrollHeight;"
        "document.body.append('measured ' + document.title)\"></iframe></body>",
        encoding="utf-8",
    )

    told = re.search(r"measured (\d+) (\d+) (\d+)", run(probe, "--dump-dom", "--allow-file-access-from-files"))

    assert told is not None
    wanted, there, high = map(int, told.groups())
    assert there == width
    assert wanted <= there
    assert high > 2000


def test_chinese_letters_are_drawn_and_are_not_boxes(tmp_path):
    """Two letters that differ leave different ink; the boxes of a missing font are all alike."""
    marks = []
    for letter in "客服":
        page = tmp_path / f"{ord(letter)}.html"
        style = 'font: 120px "Noto Sans CJK SC", sans-serif'
        page.write_text(f'<meta charset="utf-8"><style>body {{ margin: 0; {style} }}</style>{letter}', encoding="utf-8")
        marks.append(picture(page, 300, 300))

    assert all(one.ink(0, 300, 0, 300) > 1000 for one in marks)
    assert marks[0].rows != marks[1].rows
