"""The reply view: what the writer said is shown, what a program quoted is not; in doubt nothing is cut."""

from __future__ import annotations

import pytest
from tests.unit.email.mails import seconds

from supportkit.channels.email import SpanKind, html_to_text, reply_view

INTROS = {
    "Gmail, English": "On Mon, May 5, 2025 at 10:12 AM Ann Lee <ann@customer.example> wrote:",
    "Gmail, wrapped": "On Mon, May 5, 2025 at 10:12 AM Ann Lee <\nann@customer.example> wrote:",
    "Apple": "On 5 May 2025, at 10:12, Ann Lee <ann@customer.example> wrote:",
    "Gmail, German": "Am Mo., 5. Mai 2025 um 10:12 Uhr schrieb Ann Lee <ann@customer.example>:",
    "Thunderbird, German": "Am 05.05.25 um 10:12 schrieb Ann Lee:",
    "Gmail, French": "Le lun. 5 mai 2025 à 10:12, Ann Lee <ann@customer.example> a écrit :",
    "Gmail, Spanish": "El lun, 5 may 2025 a las 10:12, Ann Lee (<ann@customer.example>) escribió:",
    "Gmail, Italian": "Il giorno lun 5 mag 2025 alle ore 10:12 Ann Lee <ann@customer.example> ha scritto:",
    "Gmail, Portuguese": "Em seg., 5 de mai. de 2025 às 10:12, Ann Lee <ann@customer.example> escreveu:",
    "Gmail, Dutch": "Op ma 5 mei 2025 om 10:12 schreef Ann Lee <ann@customer.example>:",
    "Gmail, Danish": "Den man. 5. maj 2025 kl. 10.12 skrev Ann Lee <ann@customer.example>:",
    "Gmail, Swedish": "Den mån 5 maj 2025 kl 10:12 skrev Ann Lee <ann@customer.example>:",
    "Gmail, Norwegian": "man. 5. mai 2025 kl. 10:12 skrev Ann Lee <ann@customer.example>:",
    "Gmail, Finnish": "ma 5. toukok. 2025 klo 10.12 Ann Lee (ann@customer.example) kirjoitti:",
    "Gmail, Polish": "pon., 5 maj 2025 o 10:12 Ann Lee <ann@customer.example> napisał(a):",
    "Thunderbird, Polish": "W dniu 5.05.2025 o 10:12, Ann Lee pisze:",
    "Gmail, Czech": "po 5. 5. 2025 v 10:12 odesílatel Ann Lee <ann@customer.example> napsal:",
    "Gmail, Russian": "пн, 5 мая 2025 г. в 10:12, Ann Lee <ann@customer.example>:",
    "Apple, Russian": "5 мая 2025 г., в 10:12, Ann Lee <ann@customer.example> написал(а):",
    "Yandex": '05.05.2025, 10:12, "Ann Lee" <ann@customer.example>:',
    "Mail.ru": "Понедельник, 5 мая 2025, 10:12 +03:00 от Ann Lee <ann@customer.example>:",
    "Gmail, Ukrainian": "пн, 5 трав. 2025 р. о 10:12 Ann Lee <ann@customer.example> пише:",
    "Gmail, Turkish": "Ann Lee <ann@customer.example>, 5 May 2025 Pzt, 10:12 tarihinde şunu yazdı:",
    "Gmail, Hungarian": "Ann Lee <ann@customer.example> ezt írta (időpont: 2025. máj. 5., H, 10:12):",
    "Gmail, Chinese": "Ann Lee <ann@customer.example> 于2025年5月5日周一 10:12写道：",
    "Apple, Chinese": "在 2025年5月5日，上午10:12，Ann Lee <ann@customer.example> 写道：",
    "Gmail, Japanese": "2025年5月5日(月) 10:12 Ann Lee <ann@customer.example>:",
    "Gmail, Korean": "2025년 5월 5일 (월) 오전 10:12, Ann Lee <ann@customer.example>님이 작성:",
}


@pytest.mark.parametrize("name", INTROS)
@pytest.mark.parametrize("quote", ["> It is broken.\n> Ann", "It is broken.\nAnn"], ids=["marked", "bare"])
def test_what_an_intro_introduces_is_hidden(name, quote):
    view = reply_view(f"My answer.\n\n{INTROS[name]}\n\n{quote}\n")
    assert view.text == "My answer."


@pytest.mark.parametrize("name", INTROS)
def test_an_answer_below_a_quote_is_the_answer(name):
    assert reply_view(f"{INTROS[name]}\n> It is broken.\n>\n> Ann\n\nMy answer.\n").text == "My answer."


@pytest.mark.parametrize("name", INTROS)
def test_answers_between_quoted_lines_keep_what_they_answer(name):
    view = reply_view(f"Hello,\n\n{INTROS[name]}\n> First?\n\nYes.\n\n> Second?\n\nNo.\n").text
    assert [line for line in view.splitlines() if line] == ["Hello,", "> First?", "Yes.", "> Second?", "No."]


BLOCKS = {
    "English": "From: Ann Lee <ann@customer.example>\nSent: Monday, May 5, 2025 10:12 AM\nTo: Help\nSubject: Printer",
    "bold": "*From:* Ann Lee <ann@customer.example>\n*Sent:* May 5, 2025 10:12 AM\n*To:* Help\n*Subject:* Printer",
    "German": "Von: Ann Lee <ann@customer.example>\nGesendet: Montag, 5. Mai 2025 10:12\nAn: Help\nBetreff: Drucker",
    "French": "De : Ann Lee <ann@customer.example>\nEnvoyé : lundi 5 mai 2025 10:12\nÀ : Help\nObjet : Imprimante",
    "Spanish": "De: Ann Lee <ann@customer.example>\nEnviado el: lunes, 5 de mayo de 2025 10:12\nPara: Help\nAsunto: x",
    "Italian": "Da: Ann Lee <ann@customer.example>\nInviato: lunedì 5 maggio 2025 10:12\nA: Help\nOggetto: x",
    "Polish": "Od: Ann Lee <ann@customer.example>\nWysłano: 5 maja 2025 10:12\nDo: Help\nTemat: x",
    "Russian": "От: Ann Lee <ann@customer.example>\nОтправлено: 5 мая 2025 г. 10:12\nКому: Help\nТема: Принтер",
    "Chinese": "发件人: Ann Lee <ann@customer.example>\n发送时间: 2025年5月5日 10:12\n收件人: Help\n主题: 打印机",
    "Japanese": "差出人: Ann Lee <ann@customer.example>\n送信日時: 2025年5月5日 10:12\n宛先: Help\n件名: x",
    "Korean": "보낸 사람: Ann Lee <ann@customer.example>\n보낸 날짜: 2025년 5월 5일 10:12\n받는 사람: Help\n제목: x",
    "Turkish": "Kimden: Ann Lee <ann@customer.example>\nTarih: 5 Mayıs 2025 10:12\nKime: Help\nKonu: x",
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("rule", ["", "________________________________\n", "-----Original Message-----\n"])
def test_what_lies_below_header_fields_is_hidden(name, rule):
    assert reply_view(f"My answer.\n\n{rule}{BLOCKS[name]}\n\nIt is broken.\n").text == "My answer."


@pytest.mark.parametrize(
    "text",
    [
        "From: Berlin\nTo: Munich\nCan I book this train?",
        "I want a ticket.\n\nFrom: Berlin\nTo: Munich\nDate: 5 May 2025",
        "On Tuesday I am offline. Call me: now.",
        "On 3 May 2025 I wrote:\nnothing works, and you never answered.",
        "On my desk is a printer.\n\nIt wrote:\nERROR",
        "Sent from my desk, it is much easier.",
        "This is not a ---------- delimiter.\nMore.",
        "Router> show version\nRouter> exit",
        "The bounce says From: postmaster@corp.example, what now?",
        "Steps:\n- one\n- two\n\nDate: today",
    ],
)
def test_prose_that_looks_like_a_quote_is_kept(text):
    assert reply_view(text).text == text


@pytest.mark.parametrize(
    "marker",
    [
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "-------- Weitergeleitete Nachricht --------",
        "-------- Пересылаемое сообщение --------",
        "---------- 转发的邮件 ----------",
    ],
)
def test_a_forward_is_content(marker):
    text = f"See below.\n\n{marker}\nFrom: Ann <ann@customer.example>\nDate: 5 May 2025\nSubject: x\n\nIt is broken."
    assert reply_view(text).is_whole


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAnn Lee\nCustomer Inc.",
        "--\nAnn",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Отправлено с iPhone",
        "Envoyé de mon iPhone",
        "发自我的 iPhone",
        "iPhoneから送信",
        "Get Outlook for iOS",
        "Wysłano z iPhone'a",
    ],
)
def test_signatures_are_hidden_unless_they_are_asked_for(signature):
    text = f"My answer.\n\n{signature}"
    assert reply_view(text).text == "My answer."
    assert reply_view(text, keep_signature=True).text == text.replace("-- \n", "--\n")


def test_a_long_text_below_two_dashes_is_no_signature():
    text = "One.\n\n--\n" + "\n".join(f"line {number}" for number in range(20))
    assert reply_view(text).text == text


def test_a_view_that_would_be_empty_is_the_body():
    assert reply_view("> only\n> a quote").text == "> only\n> a quote"
    assert reply_view("-- \nAnn").text == "--\nAnn"
    assert reply_view("").text == ""


def test_below_an_intro_with_nothing_above_it_is_the_answer():
    assert reply_view(f"{INTROS['Apple']}\n\nIt works now.").text == "It works now."


def test_spans_say_what_each_stretch_is():
    text = "Mine.\n\nOn 5 May 2025, at 10:12, Ann <a@b.example> wrote:\n> yours\n"
    spans = reply_view(text).spans
    assert [(span.kind, text[span.start : span.end][:6]) for span in spans] == [
        (SpanKind.NEW, "Mine.\n"),
        (SpanKind.QUOTE, "\nOn 5 "),
    ]


def test_lines_beyond_the_cap_are_told():
    view = reply_view("line\n" * 5_000)
    assert view.spans[-1].kind is SpanKind.BEYOND
    assert view.text.count("line") == 2_000


@pytest.mark.parametrize(
    "text",
    [
        "> " * 300_000,
        ">" * 700_000,
        "On " * 200_000,
        "a@b " * 100_000,
        "On 5 May 2025 at 10:12\n" * 40_000,
        "-" * 700_000,
        "\n" * 700_000,
        ("<" * 999 + "\n") * 700,
        "From: a@b\n" * 60_000,
        "1.1.2025 10:12 <a@b>\n" * 30_000,
        "* " * 300_000,
        "w" * 700_000 + ":",
        ":" * 700_000,
        (" " * 998 + "x\n") * 700,
        "mine\n" + "On 5 May 2025, at 10:12, A <a@b.example> wrote:\n> q\nmine\n" * 700,
        "On 5 May 2025, at 10:12, A <a@b.example> wrote:\n> q\n" * 1_000 + "mine",
        "C> x\n" * 2_000,
    ],
    ids=range(17),
)
def test_hostile_texts_take_no_time(text):
    assert seconds(lambda: reply_view(text)) < 1


@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        "<font>",
        "<!--",
        "<a ",
        "</",
        "<?",
        "<style>",
        "<title>",
        "<script",
        "<script>",
        "&amp;",
        " ",
        "<",
        "<1",
        '<a href="',
        "<a x='>",
        "<pre>x\n",
        "<blockquote cite=x>",
        "<td>",
        "&#" + "9" * 50 + ";",
        "<!",
        "<a =\"<b ='",
        "<li>",
        "\u00a0",
    ],
)
@pytest.mark.parametrize("end", ["<p>end", ">"], ids=["block", "none"])
def test_hostile_html_takes_no_time(unit, end):
    html = (unit * (1_000_000 // len(unit))) + end
    found = []
    assert seconds(lambda: found.append(html_to_text(html))) < 1.5
    assert len(found[0]) <= len(html) * 11


def test_text_at_any_depth_is_found():
    assert html_to_text("<div>" * 100_000 + "deep") == "deep"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two<br>three</div>", "one\ntwo\nthree"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("a<script>x</script>b<style>y</style>c", "abc"),
        ("<style>never closed<p>text", "text"),
        ("<title>gone<div>text", "text"),
        ("<!-- never closed <p>text", "never closed\n\ntext"),
        ("<!-- gone --><!--> -->text", "-->text"),
        ("1 < 2 and 2 > 1 <3", "1 < 2 and 2 > 1 <3"),
        ('<a title="a > b">link</a>', "link"),
        ("caf&eacute; &amp; &#x41;&nbsp;&#99999999999;", "café & A \ufffd"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<blockquote type="cite">quoted<br>twice</blockquote>mine', "> quoted\n> twice\n\nmine"),
        ("<blockquote>indented</blockquote>", "indented"),
        ("  lots \n\n of   blanks  ", "lots of blanks"),
        ("a\0b", "ab"),
    ],
)
def test_html_becomes_text(html, text):
    assert html_to_text(html) == text
