"""How mails are read: the table of bad input of the channel, and the rules behind it, one by one."""

from __future__ import annotations

import base64
import email
import email.policy

import pytest
from tests.unit.email.mails import corpus, mail, raw, seconds

from supportkit.channels.email import Limits, Mailbox, parse_mail
from supportkit.errors import ConfigurationError


def multipart(kind, *parts):
    body = b"".join([b"--b\n" + part + b"\n" for part in parts]) + b"--b--\n"
    return mail(body, content_type=f"multipart/{kind}; boundary=b")


def part(content_type, body, **fields):
    lines = [f"Content-Type: {content_type}", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\n".join([*lines, "", body]).encode()


PLAIN, HTML = part("text/plain", "words"), part("text/html", "<b>words</b>")


@pytest.mark.parametrize("raw", [b"", b"\0" * 50, b"\n\n\n"])
def test_nothing_is_an_empty_mail(raw):
    assert parse_mail(raw).is_empty or parse_mail(raw).text == ""


def test_text_instead_of_bytes_is_a_type_error():
    with pytest.raises(TypeError, match="a mail is bytes, not str"):
        parse_mail("From: x")  # type: ignore[arg-type]


def test_text_without_a_header_is_read_and_its_sender_unknown():
    found = parse_mail(b"just words here\nand more")
    assert (found.text, found.sender, found.sender_ambiguous) == ("just words here\nand more", Mailbox(), True)


def test_mail_with_bare_carriage_returns_is_read():
    found = parse_mail(raw("a\nb").replace(b"\n", b"\r"))
    assert (found.subject, found.text) == ("hi", "a\nb")


def test_the_line_of_a_mailbox_file_is_dropped():
    assert parse_mail(b"\n\nFrom ann Mon Jan  1 00:00:00 2024\n" + raw()).sender.address == "ann@customer.example"


@pytest.mark.parametrize(
    ("content_type", "encoding", "body"),
    [
        ("text/plain; name*", "7bit", b"hello"),
        ('text/plain; charset="utf\0-8"', "7bit", b"hello"),
        ("text/plain; charset=x-nope", "8bit", b"hello"),
        ("text/plain", "base64", b"aGVs\n*!bG8"),
        ("text/plain", "base64", b"aGU=bGxv"),
        ("text/plain", "quoted-printable", b"hel=\nlo"),
        ("text/plain", "x-unknown", b"hello"),
        ("text/plain", "x-uuencode", b"begin 644 a\n%:&5L;&\\\n`\nend\n"),
        ("multipart/mixed", "7bit", b"hello"),
        ("multipart/mixed; boundary=nowhere", "7bit", b"hello"),
        ("nonsense", "7bit", b"hello"),
    ],
)
def test_broken_declarations_leave_the_body_readable(content_type, encoding, body):
    assert mail(body, content_type=content_type, content_transfer_encoding=encoding).text.strip() == "hello"


RUSSIAN = "Здравствуйте, у меня не работает принтер. Помогите, пожалуйста!"
CHINESE = "您好，我的打印机坏了，请帮助我解决这个问题。谢谢"


@pytest.mark.parametrize(
    ("text", "encoded", "declared"),
    [
        (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "cp1251", "x-cp1251"),
        (RUSSIAN, "utf-8", "us-ascii"),
        (RUSSIAN, "utf-8", "unknown-8bit"),
        (RUSSIAN, "iso8859_5", "ISO_8859-5"),
        (CHINESE, "gb18030", "gb2312"),
        ("镕", "gbk", "gb2312"),
        (CHINESE, "gb18030", "x-gbk"),
        ("您好，謝謝", "big5", "big5"),
        (CHINESE, "hz", "hz-gb-2312"),
        (CHINESE, "utf-7", "unicode-1-1-utf-7"),
        ("Grüße", "latin-1", "utf-8"),
        ("Grüße, größte Mühe, schöne Füße", "latin-1", "utf-8"),
        ("“quoted” – €", "cp1252", "iso-8859-1"),
        ("ığş", "cp1254", "iso-8859-9"),
        ("プリンタが壊れました", "cp932", "shift_jis"),
        ("プリンタが壊れました", "iso2022_jp", "iso-2022-jp"),
        ("안녕하세요 똠", "cp949", "ks_c_5601-1987"),
        ("שלום", "iso8859_8", "iso-8859-8-i"),
    ],
)
def test_charsets_are_read_whatever_they_are_called(text, encoded, declared):
    assert mail(text.encode(encoded), content_type=f"text/plain; charset={declared}").text == text


@pytest.mark.parametrize(("text", "encoded"), [(RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (CHINESE, "gb18030")])
def test_charsets_that_nobody_declared_are_guessed(text, encoded):
    pytest.importorskip("charset_normalizer", reason="the guess is made by the extra `charset`")
    found = mail(text.encode(encoded))
    assert found.text == text
    assert "charset_guessed" in found.flags


def test_japanese_with_characters_of_vendors_is_rewritten():
    segment = b'\x1b$B-!$"\x1b(B'  # row 13, which only vendors have, and a plain letter
    assert mail(segment, content_type="text/plain; charset=iso-2022-jp").text == "①あ"


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "idna", "zlib", "rot13", "mbcs"])
def test_codecs_that_are_no_charsets_are_unknown(charset):
    found = mail(b"a\\x41-" * 1_000, content_type=f"text/plain; charset={charset}")
    assert found.text == "a\\x41-" * 1_000
    assert "charset_guessed" in found.flags


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?b?0J/RgNC4?= =?utf-8?b?0LLQtdGC?=", "Привет"),
        ("=?utf-8?b?0J/RgNC40Q==?=\n =?utf-8?q?=80=D0=B2?=", "Прирв"),
        ("=?gb2312?B?xOO6ww==?= there", "你好 there"),
        ("=?koi8-r?Q?=F0=D2=C9=D7=C5=D4?=", "Привет"),
        ("=?utf-8*en?q?a_b?=", "a b"),
        ("=?utf-8?b?YQ?=", "a"),
        ("=?nope?q?a?=", "a"),
        ("a =?utf-8?q?=0D=0ABcc:x?= b", "a  Bcc:x b"),
        ("=?utf-8?q?never closed", "=?utf-8?q?never closed"),
        ("=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
    ],
)
def test_encoded_words_are_decoded(value, text):
    assert " ".join(mail(subject=value).subject.split()) == " ".join(text.split())


def test_header_bytes_that_nothing_declares_are_read_by_the_charset_of_the_body():
    subject = "Принтер не работает".encode("koi8-r")
    assert mail(subject=subject, content_type="text/plain; charset=koi8-r").subject == "Принтер не работает"


def test_a_stray_line_in_the_header_is_repaired():
    found = parse_mail(b"From: ann@customer.example\nSubject: one\ntwo three\nTo: help@corp.example\nDate: x\n\nbody")
    assert (found.subject, found.text, found.to[0].address) == ("onetwo three", "body", "help@corp.example")
    assert "header_repaired" in found.flags


def test_of_two_subjects_the_first_counts():
    assert mail(subject=["first", "second"]).subject == "first"


@pytest.mark.parametrize(
    ("value", "address", "ambiguous"),
    [
        ("Ann <ann@customer.example>", "ann@customer.example", False),
        ("ann@Customer.Example (Ann)", "ann@customer.example", False),
        ('"alice@example.org" <bob@evil.example>', "bob@evil.example", False),
        ("alice@example.org <bob@evil.example>", "bob@evil.example", True),
        ("alice@example.org)bob@evil.example", "bob@evil.example", True),
        ("alice@example.org, bob@evil.example", "alice@example.org", True),
        ("<alice@example.org> <bob@evil.example>", "alice@example.org", True),
        ("alice@example.org@evil.example", None, True),
        ("Ann", "", True),
        ("undisclosed-recipients:;", "", True),
        ('"Smith, Ann" <ann@customer.example>', "ann@customer.example", False),
        ("=?utf-8?b?0JDQvdC90LA=?= <ann@customer.example>", "ann@customer.example", False),
        ("Ann <mailto:ann@customer.example>", "ann@customer.example", False),
    ],
)
def test_a_sender_that_can_be_read_twice_is_ambiguous(value, address, ambiguous):
    found = mail(from_=value)
    assert found.sender_ambiguous is ambiguous
    assert address is None or found.sender.address == address


def test_without_an_address_in_from_another_field_is_shown_and_has_no_privileges():
    found = mail(from_="Ann", reply_to="ann@customer.example")
    assert (found.sender, found.sender_ambiguous) == (Mailbox("Ann", "ann@customer.example"), True)
    assert "sender_fallback" in found.flags


def test_ids_are_split_at_blanks_and_commas_and_odd_ones_kept():
    found = mail(message_id="  < a@b > ", references="<1@x>,<2@x>\n <[3@y]> 4@z <1@x>", in_reply_to="<2@x>")
    assert found.message_id == "<a@b>"
    assert found.references == ("<1@x>", "<2@x>", "<[3@y]>", "<4@z>")
    assert found.in_reply_to == ("<2@x>",)


def test_a_mail_without_an_id_has_a_key_from_its_bytes():
    assert mail().key == mail().key
    assert mail().key.startswith("sha256:")
    assert mail().key != mail("other").key


# -- parts -----------------------------------------------------------------------------------------------------------


def test_the_branches_of_an_alternative_are_one_text():
    found = multipart("alternative", PLAIN, HTML)
    assert (found.text, found.html, found.attachments) == ("words", "<b>words</b>", ())


def test_text_and_an_html_footer_are_both_shown():
    found = multipart("mixed", PLAIN, part("text/html", "<p>footer</p>"))
    assert found.text == "words\n\nfooter"
    assert found.html is not None
    assert "words" in found.html


def test_html_alone_becomes_the_text():
    found = mail("<p>one<p>two", content_type="text/html")
    assert found.text == "one\n\ntwo"


def test_an_attached_mail_is_a_file_and_its_words_are_never_the_body():
    inner = "From: x@y\nSubject: =?utf-8?q?In=2Fner?=\nTo: support+t.1042.aaaaaaaaaaaaaaaa@corp.example\n\nsecret"
    found = multipart("mixed", PLAIN, part("message/rfc822", inner))
    assert found.text == "words"
    assert [file.name for file in found.attachments] == ["ner.eml"]


def test_a_picture_that_the_html_shows_is_inline():
    image = part(
        "image/png", base64.b64encode(b"PNG").decode(), Content_ID="<logo@x>", Content_Transfer_Encoding="base64"
    )
    found = multipart("related", HTML, image)
    assert [(file.name, file.content, file.inline, file.content_id) for file in found.attachments] == [
        ("image.png", b"PNG", True, "logo@x")
    ]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment; filename=C:\\Windows\\a.exe", "a.exe"),
        ('attachment; filename="a%2F..%2Fb%00.txt"', "b.txt"),
        ("attachment; filename*=utf-8''a%2F..%2Fb%00.txt", "b.txt"),
        ("attachment; filename*0*=utf-8''%D0%BE%D1%82; filename*1*=%D1%87%D1%91%D1%82; filename*2=.pdf", "отчёт.pdf"),
        ('attachment; filename="=?utf-8?b?0L7RgtGH0ZHRgi5wZGY=?="', "отчёт.pdf"),
        ("attachment; filename=Rechnung\u2215evil.pdf", "evil.pdf"),
        ("attachment", "file"),
    ],
)
def test_names_of_files_are_safe(disposition, name):
    [file] = mail("x", content_type="application/pdf", content_disposition=disposition).attachments
    assert file.name == name


def test_a_signed_mail_shows_its_text_and_keeps_the_signature():
    found = multipart("signed", PLAIN, part("application/pgp-signature; name=signature.asc", "x"))
    assert (found.text, [file.name for file in found.attachments]) == ("words", ["signature.asc"])
    assert "unsigned_crypto" in found.flags


# -- caps ------------------------------------------------------------------------------------------------------------


def nested(kind, depth):
    out = b"From: ann@customer.example\nSubject: deep\n"
    for level in range(depth):
        out += b"Content-Type: %s; boundary=b%d\n\n--b%d\n" % (kind, level, level)
    return out + b"\nend"


@pytest.mark.parametrize(
    "raw",
    [
        nested(b"multipart/mixed", 2_000),
        nested(b"message/rfc822", 2_000),
        b"From: ann@customer.example\nSubject: deep\nContent-Type: multipart/mixed; boundary=b\n\n"
        + b"--b\n\n" * 20_000,
        raw("x" * 40_000_000, subject="deep"),
        raw("\n" * 24_000_000, subject="deep", content_type="multipart/mixed; boundary=b"),
        raw(subject="deep", x=b" ".join([b"=?utf-8?q?a?="] * 16_000)),
        raw(subject="deep", to=", ".join(f"u{n}@e.org" for n in range(8_000))),
        raw(subject="deep", from_="<" * 60_000),
        raw(subject="deep", content_type="text/plain; " + '"' * 60_000),
        raw(subject="deep", content_type="text/plain; " + " " * 60_000 + "x"),
        raw(subject="deep", references="a" * 60_000 + " " + "<" * 60_000),
        raw(subject="deep", x=[b"\xff\xfe\xe0" * 10] * 5_000),
        raw(
            b"--b\n\n" + b"\n--b\n\n".join([b"\xff\xfe\xe0 \xd0" * 2_000] * 400),
            subject="deep",
            content_type="multipart/mixed; boundary=b",
        ),
        raw(subject="deep", message_id="<" * 30_000 + ">" * 30_000),
    ],
    ids=[
        "multiparts",
        "mails",
        "parts",
        "40 MB",
        "24 MB of line ends",
        "words",
        "recipients",
        "brackets",
        "quotes",
        "blanks",
        "references",
        "bytes in headers",
        "bytes in parts",
        "id",
    ],
)
def test_bombs_cost_little_and_leave_a_mail(raw):
    found = []
    assert seconds(lambda: found.append(parse_mail(raw))) < 2
    assert found[0].subject == "deep"


def test_parts_below_the_deepest_level_are_one_file_and_flagged():
    found = parse_mail(nested(b"multipart/mixed", 50))
    assert "truncated" in found.flags
    assert "structure_bomb" not in found.flags


def test_of_too_many_parts_the_first_are_read():
    body = b"--b\nContent-Type: application/x\n\nx\n" * 600
    found = mail(body, content_type="multipart/mixed; boundary=b")
    few = parse_mail(raw(body, content_type="multipart/mixed; boundary=b"), limits=Limits(parts=10))
    assert len(found.attachments) == 100
    assert len(few.attachments) == 9
    assert "truncated" in few.flags


def test_a_structure_bomb_is_kept_as_a_file_and_flagged():
    found = parse_mail(nested(b"multipart/mixed", 200))
    assert "structure_bomb" in found.flags
    assert [file.name for file in found.attachments] == ["message.eml"]


def test_a_mail_over_the_cap_is_read_from_its_beginning():
    found = parse_mail(raw("word " * 400_000), limits=Limits(mail_bytes=1_000_000))
    assert {"too_big", "truncated"} <= found.flags
    assert found.text.startswith("word word")


def test_limits_must_be_positive():
    with pytest.raises(ConfigurationError, match="depth"):
        Limits(depth=0)


# -- the standard library as a referee -------------------------------------------------------------------------------


def leaves_of_the_library(raw):
    """Return what `email` finds, without going into attached mails."""
    out = []

    def walk(part):
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            for child in part.get_payload():
                walk(child)
        elif part.get_content_maintype() != "message":
            out.append(part.get_payload(decode=True))

    walk(email.message_from_bytes(raw, policy=email.policy.compat32))
    return out


def test_the_parts_of_real_mails_are_those_that_the_library_finds():
    from supportkit.channels.email import block
    from supportkit.channels.email.limits import DEFAULT_LIMITS
    from supportkit.channels.email.structure import Builder

    wrong, count = [], 0
    for path in corpus("", "**/*.eml"):
        data = path.read_bytes()
        fields, begin = block.split(block.whole(data), DEFAULT_LIMITS, set())
        tree = Builder(DEFAULT_LIMITS, set()).build(fields, block.whole(data)[begin:])
        ours = [leaf.data for leaf in tree.leaves() if not leaf.media_type.startswith("message/")]
        count += len(ours)
        theirs = leaves_of_the_library(block.whole(data))
        if [b"".join(one.split()) for one in ours] != [b"".join((one or b"").split()) for one in theirs]:
            wrong.append(path.name)

    assert count > 400
    assert wrong == []
