"""The bars of the channel on real mail; the numbers are printed when one is missed."""

from __future__ import annotations

import collections
import random

import pytest
from tests.unit.email.mails import corpus, seconds

from supportkit.channels.email import classify_mail, html_to_text, parse_mail, read_delivery_report, reply_view
from supportkit.channels.email.charset import decode


def words(text):
    return " ".join(text.split())


def read(path):
    return parse_mail(path.read_bytes())


def whole(raw):
    """Do everything that is done with a mail that comes in."""
    found = parse_mail(raw)
    classify_mail(found)
    read_delivery_report(found)
    html_to_text(found.html or "")
    reply_view(found.text)
    return found


def test_every_file_is_read_in_a_second():
    files = corpus("", "**/*")
    slowest = max((seconds(lambda path=path: whole(path.read_bytes())), path.name) for path in files)

    assert len(files) >= 600
    assert slowest[0] < 1, slowest


def damaged(raw, chance):
    match chance.randrange(5):
        case 0:
            for _ in range(chance.randrange(1, 30)):
                at = chance.randrange(len(raw) or 1)
                raw = raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
        case 1:
            raw = raw[: chance.randrange(len(raw) or 1)]
        case 2:
            begin = chance.randrange(len(raw) or 1)
            piece = raw[begin : begin + chance.randrange(2_000)]
            raw = raw[:begin] + piece * chance.randrange(2, 20) + raw[begin:]
        case 3:
            at = chance.randrange(len(raw) or 1)
            raw = raw[:at] + b"\0" * chance.randrange(1, 50) + raw[at:]
        case _:
            lines = raw.split(b"\n")
            chance.shuffle(lines)
            raw = b"\n".join(lines)
    return raw


def mutate(seed, count):
    chance = random.Random(seed)
    files = [path.read_bytes() for path in corpus("", "**/*")]
    slowest = 0.0
    for number in range(count):
        raw = damaged(chance.choice(files), chance)
        if chance.randrange(3) == 0:
            raw = damaged(raw, chance)
        try:
            taken = seconds(lambda raw=raw: whole(raw))
        except Exception as error:
            raise AssertionError(f"mutation {number} of seed {seed} raised {error!r}") from error
        assert taken < 2, f"mutation {number} of seed {seed} took {taken:.1f} s"
        slowest = max(slowest, taken)
    return slowest


def test_damaged_mails_raise_nothing():
    mutate(seed=20, count=400)


@pytest.mark.stress
@pytest.mark.timeout(1800)
def test_five_thousand_damaged_mails_raise_nothing():
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}: the slowest took {mutate(seed, 5_000):.2f} s")  # noqa: T201


def test_bounces_are_known_and_their_mail_recipient_and_status_found():
    found = collections.Counter()
    for path in corpus("bounces_sisimai", "*.eml"):
        mail = read(path)
        verdict = classify_mail(mail)
        found["withheld"] += not verdict.may_acknowledge
        if path.name.startswith(("arf", "rfc3834")):
            continue
        report = read_delivery_report(mail)
        first = report.recipients[0] if report and report.recipients else None
        found["bounce"] += verdict.kind == "bounce"
        found["id"] += report is not None and report.message_id is not None
        if any(file.media_type == "message/delivery-status" for file in mail.attachments):
            found["recipient"] += first is not None and bool(first.address)
            found["status"] += first is not None and bool(first.status)

    bars = {"withheld": 306, "bounce": 294, "id": 250, "recipient": 166, "status": 160}
    assert {name: found[name] for name in bars if found[name] < bars[name]} == {}, dict(found)


def test_no_bounce_of_another_set_is_acknowledged_and_a_person_among_them_is_one():
    verdicts = {path.stem: classify_mail(read(path)) for path in corpus("bounces_flufl", "*.txt")}
    person = verdicts.pop("groupwise_03")
    withheld = sum(not verdict.may_acknowledge for verdict in verdicts.values())

    assert withheld >= 114, f"{withheld} of {len(verdicts)}"
    assert person.kind == "person"


def test_people_are_not_taken_for_machines():
    files = corpus("replies_talon/standard_replies", "*.eml") + corpus("helpdesk_django", "*.eml")
    flagged = {path.name: classify_mail(read(path)).reasons for path in files}

    assert len(files) == 18
    assert {name: reasons for name, reasons in flagged.items() if reasons} == {}


def test_replies_are_trimmed_as_readers_would():
    equal, lost, files = 0, [], corpus("replies_discourse/emails", "*.txt")
    for path in files:
        wanted = (path.parent.parent / "trimmed" / path.name).read_text(encoding="utf-8")
        view = reply_view(path.read_text(encoding="utf-8")).text
        equal += words(view) == words(wanted)
        if set(wanted.split()) - set(view.split()):
            lost.append(path.name)

    assert equal >= 30, f"{equal} of {len(files)} equal"
    assert len(lost) <= 1, lost


GITHUB = {
    "email_2_1": ("=", "Outlook with a reply"),
    "email_2_2": ("=", "Outlook with a reply directly above line"),
    "email_2_3": ("=", "Outlook with a reply directly above line"),
    "email_iPhone": ("=", "Here is another email"),
    "email_BlackBerry": ("=", "Here is another email"),
    "email_multi_word_sent_from_my_mobile_device": ("=", "Here is another email"),
    "email_1_1": ("ends", "Java HTTP API."),
    "email_bullets": ("ends", "- and another"),
    "email_sent_from_my_not_signature": ("ends", "Sent from my desk, is much easier then my mobile phone."),
    "email_1_3": ("Oh thanks.", "Russell Brown wrote"),
    "email_1_4": ("Awesome", "Loader"),
    "email_1_6": ("I get", "Was this"),
    "email_1_7": (":+1:", "Steps 0-2"),
    "email_one_is_not_on": ("One outstanding question", "On Oct 1, 2012"),
    "greedy_on": ("On your remote host", "On 9 Jan 2014"),
    "correct_sig": ("a correct -- signature", "rick"),
}


def is_right(view, first, second):
    if first == "=":
        return words(view) == second
    return words(view).endswith(second) if first == "ends" else first in view and second not in view


def test_replies_of_other_parsers_are_right():
    texts = {path.stem: path.read_text(encoding="utf-8") for path in corpus("replies_github", "*.txt")}
    views = {name: reply_view(texts[name]).text for name in GITHUB}
    [zapier] = corpus("replies_zapier", "email_gmail.txt")
    wrong = [name for name, rule in GITHUB.items() if not is_right(views[name], *rule)]
    if words(reply_view(zapier.read_text(encoding="utf-8")).text) != (
        "This is a test for inbox replying to a github message."
    ):
        wrong.append("zapier")

    assert len(wrong) <= 1, wrong


def test_one_reply_is_found_whatever_program_wrote_it():
    wrong = []
    files = corpus("replies_talon/standard_replies", "*.eml")
    for path in files:
        beside = path.with_name(f"{path.stem}_reply_text")
        wanted = beside.read_text(encoding="utf-8") if beside.exists() else "Hello"
        if words(reply_view(read(path).text, keep_signature=True).text) != words(wanted):
            wrong.append(path.name)

    assert len(files) == 12
    assert wrong == []


def test_one_reply_is_found_in_the_html_of_any_program():
    files = corpus("replies_talon/html_replies", "*.html")
    texts = {path.name: html_to_text(decode(path.read_bytes(), None, html=True)[0]) for path in files}
    wrong = [name for name, text in texts.items() if words(reply_view(text).text) != "Hi. I am fine. Thanks, Alex"]

    assert len(files) == 9
    assert wrong == []


def test_a_quote_of_767_kb_and_a_pathological_one_take_no_time():
    [long] = corpus("replies_github", "email_long_quote.txt")
    [pathological] = corpus("replies_github", "pathological.txt")
    text = pathological.read_text(encoding="utf-8")

    assert seconds(lambda: reply_view(long.read_text(encoding="utf-8"))) < 1
    assert seconds(lambda: reply_view(text)) < 1
    assert reply_view(text).text == "\n".join(text.splitlines()[:2])


def test_the_awkward_mails_of_a_help_desk_are_right():
    mails = {path.stem: read(path) for path in corpus("helpdesk_django", "*.eml")}

    assert mails["all-special-chars"].subject == "Testovácí email"
    assert mails["quoted_printable"].subject == "Český test"
    assert mails["utf-nondecodable"].subject == "Fwd: Cyklozaměstnavatel - změna vyhodnocení"
    assert "prosazuje lepší" in words(html_to_text(mails["utf-nondecodable"].html or ""))
    assert [file.name for file in mails["blank-body-with-attachment"].attachments] == ["baf"]
    assert "signature.asc" in [file.name for file in mails["pgp"].attachments]


def letters(text):
    return collections.Counter(letter for letter in text if letter.isalnum())


def test_the_text_of_html_has_every_letter_that_a_browser_engine_sees():
    lexbor = pytest.importorskip("selectolax.lexbor", reason="selectolax is the referee of this test")
    htmls = {path.name: decode(path.read_bytes(), None, html=True)[0] for path in corpus("", "**/*.html")}
    htmls |= {path.name: found for path in corpus("", "**/*") if (found := read(path).html)}
    kept = total = added = 0
    for html in htmls.values():
        tree = lexbor.LexborHTMLParser(html)
        for node in tree.css("script, style, title, template, noscript"):
            node.decompose()
        wanted, got = letters(tree.root.text(separator="") if tree.root else ""), letters(html_to_text(html))
        kept += (wanted & got).total()
        total += wanted.total()
        added += (got - wanted).total()

    assert len(htmls) >= 45
    assert kept / total >= 0.999, f"{kept} of {total} letters"
    assert added <= total / 1_000, f"{added} letters that are not there"
