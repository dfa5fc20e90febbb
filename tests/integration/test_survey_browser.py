"""The page of a survey in a real browser: open, choose, comment, change, too late; by mouse and by keyboard."""

from __future__ import annotations

import contextlib
import pathlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
from tests.integration.browser import Browser, browsing
from tests.survey_rig import Rig, rig_with, survey, tokens

from supportkit.surveying.page import SurveyRequest
from supportkit.surveys.texts import CSAT, NPS


@attrs.define
class Site:
    """A desk, its page on this machine, and a browser."""

    rig: Rig
    browser: Browser
    root: str

    def asked(self, **customer: Any) -> tuple[Any, str]:
        """Return a ticket that was asked about, and the address of the page."""
        ticket, token = self.rig.asked(self.rig.customer(**customer))
        return ticket, self.root + token

    def wait(self, seconds: float = 30) -> None:
        """Let the desk's clock go on, as if somebody read the page."""
        self.rig.clock.advance(seconds=seconds)

    def text(self) -> str:
        """Return what stands on the page."""
        return str(self.browser.see("document.body.innerText"))

    def codes(self, ticket: Any) -> list[dict[str, int | None]]:
        return [one.codes for one in self.rig.invitation(ticket).answers]


@contextlib.contextmanager
def serving(rig: Rig) -> Iterator[str]:
    """Serve the page of a desk; yield where it is."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("Content-Length") or 0)
            answer = rig.desk.surveys.handle(
                SurveyRequest(
                    method=self.command,
                    path=path,
                    query=query,
                    body=self.rfile.read(length),
                    remote=self.client_address[0],
                )
            )
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_HEAD = answer  # noqa: N815 - names of the protocol

        def log_message(self, *args: Any) -> None:
            """Keep silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/s/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextlib.contextmanager
def site(folder: pathlib.Path, *surveys: Any, script: bool = True) -> Iterator[Site]:
    rig = rig_with(*surveys, storage=f"sqlite:///{folder / 'desk.db'}")
    with serving(rig) as root, browsing(folder / "profile", script=script) as browser:
        yield Site(rig, browser, root)
    rig.desk.close()


def test_a_person_opens_chooses_comments_changes_and_comes_too_late(tmp_path: pathlib.Path) -> None:
    with site(tmp_path) as place:
        ticket, url = place.asked()
        browser = place.browser
        browser.open(url)
        assert place.text().startswith("Your opinion")
        assert place.rig.state(ticket) == "viewed"
        assert not browser.see("document.querySelector(':checked')")
        place.wait()
        browser.click("input[value='4']")
        browser.write("textarea", "Schnell & gut, 谢谢")
        browser.click("button", leads_away=True)
        assert "Thank you, we have received your answer." in place.text()
        found = place.rig.invitation(ticket).answer
        assert found is not None
        assert (found.codes, found.comment, found.flags) == ({"csat": 4}, "Schnell & gut, 谢谢", ())

        browser.click("a", leads_away=True)
        assert browser.see("document.querySelector(':checked').value") == "4"
        assert browser.see("document.querySelector('textarea').value") == "Schnell & gut, 谢谢"
        place.wait(120)
        browser.click("input[value='2']")
        browser.click("button", leads_away=True)
        assert place.codes(ticket) == [{"csat": 4}, {"csat": 2}]

        place.rig.clock.advance(days=14)
        browser.open(url)
        for words in ("This page is not available", "Эта страница недоступна", "此页面无法打开"):
            assert words in place.text()
        assert not browser.see("document.querySelector('form')")
        assert place.codes(ticket) == [{"csat": 4}, {"csat": 2}]


def test_the_page_works_without_script_and_by_keyboard_alone(tmp_path: pathlib.Path) -> None:
    with site(tmp_path, script=False) as place:
        ticket, url = place.asked()
        place.browser.open(url)
        place.wait()
        place.browser.press("Tab")
        for _ in range(3):  # a group of radio buttons is one stop; arrows choose in it
            place.browser.press("ArrowRight")
        place.browser.press("Tab")
        place.browser.type("by keyboard")
        place.browser.press("Tab")
        place.browser.press("Enter", leads_away=True)
        found = place.rig.invitation(ticket).answer
        assert found is not None
        assert (found.codes, found.comment) == ({"csat": 4}, "by keyboard")


def test_a_press_that_is_too_fast_shows_the_page_again_with_the_choice(tmp_path: pathlib.Path) -> None:
    with site(tmp_path) as place:
        ticket, url = place.asked()
        place.browser.open(url)
        place.browser.click("input[value='5']")
        place.browser.click("button", leads_away=True)
        assert "press the button once more" in place.text()
        assert place.codes(ticket) == []
        place.wait()
        place.browser.click("button", leads_away=True)
        assert place.codes(ticket) == [{"csat": 5}]


def test_going_back_and_sending_the_form_again_records_one_answer(tmp_path: pathlib.Path) -> None:
    with site(tmp_path) as place:
        ticket, url = place.asked()
        place.browser.open(url)
        place.wait()
        place.browser.click("input[value='5']")
        place.browser.click("button", leads_away=True)
        place.browser.reload()
        assert place.codes(ticket) == [{"csat": 5}]


@pytest.mark.parametrize(
    ("locale", "words", "low"),
    [
        ("en", "How satisfied or dissatisfied are you", "1: Very dissatisfied"),
        ("ru", "Насколько вы довольны или недовольны", "1: Совсем не доволен"),
        ("zh-Hans", "您对本次问题的处理结果满意还是不满意", "1: 非常不满意"),
    ],
)
def test_assistive_technology_is_told_groups_choices_and_both_ends(
    tmp_path: pathlib.Path, locale: str, words: str, low: str
) -> None:
    with site(tmp_path, survey(questions=(CSAT, NPS))) as place:
        _ticket, url = place.asked(locale=locale)
        place.browser.open(url)
        names = place.browser.names()
        groups = [name for role, name in names if role == "group"]
        radios = [name for role, name in names if role == "radio"]
        assert words in groups[0]
        assert len(groups) == 2
        assert len(radios) == 5 + 11
        assert radios[0] == low
        assert all(radios)
        assert all(name for role, name in names if role in {"textbox", "button"})
        assert {"textbox", "button"} <= {role for role, _name in names}
        assert not [name for role, name in names if role == "link"]  # the trap is for machines
        assert place.browser.see("document.documentElement.lang") == locale[:2]
        assert place.browser.see("getComputedStyle(document.querySelector('.away')).position") == "absolute"


def test_the_page_loads_nothing_from_anywhere_and_tells_nobody_its_address(tmp_path: pathlib.Path) -> None:
    with site(tmp_path) as place:
        _ticket, url = place.asked()
        place.browser.open(url)
        asked = [one for one in place.browser.requested() if not one.endswith("/favicon.ico")]
        assert set(asked) == {url}
        assert place.browser.see("document.cookie") == ""
        assert place.browser.see("document.querySelectorAll('script,img,link').length") == 0


def test_the_link_in_the_mail_is_the_one_that_the_page_takes(tmp_path: pathlib.Path) -> None:
    with site(tmp_path) as place:
        ticket, url = place.asked()
        (token,) = tokens(place.rig.mail.sent[-1].body)
        assert url.endswith(token)
        place.browser.open(url[:-1] + ("A" if url[-1] != "A" else "B"))
        assert not place.browser.see("document.querySelector('form')")
        assert place.rig.state(ticket) == "sent"
