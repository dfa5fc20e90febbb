"""What a single line of a mail is: blank, quoted, a rule, a header field, an intro of a quote, a mobile signature.

Every function looks at a bounded piece of text and has no two unbounded repeats side by side, so that a hostile line
costs no more than an honest one.
"""

from __future__ import annotations

import re

from supportkit.channels.email import phrases

LONG_LINE = 1_000
JUDGED = 300
INTRO_LINES = 6
INTRO_CHARS = 420

# Zero-width and direction marks, and the letter that a tracker of opened mails leaves as an invisible mark.
_INVISIBLE = dict.fromkeys(
    map(
        ord,
        "\u200b\u200c\u200d\u200e\u200f\u2060\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e\ufeff\u00ad\u1427",
    )
)
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u2002\u2003\u2009\u3000\t"), " ")
_TABLE = {**_INVISIBLE, **_SPACES}

_QUOTED = re.compile(r" {0,3}>")
_INITIALS = re.compile(r" {0,3}[A-Z][A-Za-z]{0,14}>(?=\s|\Z|>)")
_BARRED = re.compile(r" {0,3}\|(?=\s|\Z)")
_RULE = re.compile(r"[-_=*~#+\u2013\u2014\u2500\u2501. ]{2,}")
_BETWEEN_RULES = re.compile(
    r"[*> ]{0,6}[-_=\u2010-\u2015]{2,60} {0,5}([^-_=\u2010-\u2015].{0,80}?) {0,5}[-_=\u2010-\u2015]{2,60}[* ]{0,4}"
)
_FIELD = re.compile(r"[*> ]{0,6}([^\W\d_][^:\uff1a*<>@]{0,24}?)[* ]{0,3}[:\uff1a][* ]{0,3}(.*)")
_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}"
    r"|[0-9]{1,2}[-./] ?[0-9]{1,2}[-./] ?(?:[0-9]{4}|[0-9]{2}))(?![0-9])"
    r"|[0-9]{4} ?[\u5e74\ub144] ?[0-9]{1,2} ?[\u6708\uc6d4] ?[0-9]{1,2}"
)
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_DAY = re.compile(r"(?<![0-9:])(?:0?[1-9]|[12][0-9]|3[01])(?![0-9:])")
_TIME = re.compile(r"(?<![0-9])[0-9]{1,2}[:.h][0-9]{2}(?![0-9])")
_ADDRESS = re.compile(r"[^\s<>\"'(\[,;:]{1,64}@[^\s<>\"')\],;:]{1,200}")
_BRACKETED = re.compile(r"[<(\[](?:mailto:)?[^\s<>()\[\]@]{1,64}@[^\s<>()\[\]@]{1,200}[>)\]]|<\s?mailto:")
_STARTS_WITH_DATE = re.compile(r"(?:[^\W\d_]{2,12}\.?,? {1,2})?[0-9]{1,4}[-./ \u5e74\ub144]")
_MACHINE_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{1,2}:[0-9]{2} GMT[+-][0-9]{1,2}:?[0-9]{2} \S")
_VERB = re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(word) for word in phrases.words(phrases.VERBS))})(?!\w)")
_JOINED_VERB = re.compile("|".join(re.escape(word) for word in phrases.words(phrases.VERBS_WITHOUT_SPACES)))
_OPENER = re.compile(
    rf"(?:{'|'.join(re.escape(word) for word in phrases.words(phrases.OPENERS) if word[0] < chr(0x2E80))})(?!\w)"
    r"|[\u5728\u4e8e\u65bc]"
)
_NAME_SIGNED = re.compile(r"-{1,2} ?[^\W\d_a-z][^\W\d_]{0,30}(?: [^\W\d_a-z][^\W\d_.]{0,30}\.?){0,2}")
_SENTENCE = re.compile(r"[,;!?\u3002\uff0c]|\.\s|\.\Z")
_FIELD_OF = {word: field for field, several in phrases.FIELDS.items() for word in several}
_ORIGINAL = frozenset(phrases.ORIGINAL)
_FORWARDED = frozenset(phrases.FORWARDED)
_MAX_MOBILE = 80


def judged(line: str) -> str:
    """Return *line* as the rules look at it: without invisible marks, blanks plain, a long one by its beginning."""
    if len(line) > LONG_LINE:
        line = line[:JUDGED]
    return (line if line.isascii() and "\t" not in line else line.translate(_TABLE)).rstrip()


def is_quoted(line: str) -> bool:
    """Tell whether *line* bears the mark of a quote."""
    return _QUOTED.match(line) is not None


def has_initials(line: str) -> bool:
    """Tell whether *line* begins with initials and `>`; a prompt looks alike, so it counts below an intro only."""
    return _INITIALS.match(line) is not None


def is_barred(line: str) -> bool:
    """Tell whether *line* begins with a bar, as some programs mark quotes; it counts after an intro only."""
    return _BARRED.match(line) is not None


def is_rule(line: str) -> bool:
    """Tell whether *line* is only drawn."""
    return _RULE.fullmatch(line.strip()) is not None


def is_original(line: str) -> bool:
    """Tell whether *line* is the rule above a quoted mail, such as `-----Original Message-----`."""
    match = _BETWEEN_RULES.fullmatch(line)
    return match is not None and _plain(match[1]) in _ORIGINAL


def is_forward(line: str) -> bool:
    """Tell whether *line* stands above a mail that is passed on."""
    match = _BETWEEN_RULES.fullmatch(line)
    if match:
        return _plain(match[1]) in _FORWARDED or _plain(match[1]).startswith("forwarded by ")
    return line.rstrip().endswith((":", "\uff1a")) and _plain(line) in _FORWARDED


def _plain(text: str) -> str:
    return text.strip(" *>:\uff1a").lower().replace("\u2019", "'")


def field_of(line: str) -> tuple[str, str] | None:
    """Return which header field *line* looks like, and its value, if it does."""
    match = _FIELD.match(line)
    if match is None:
        return None
    field = _FIELD_OF.get(match[1].strip().lower().replace("\u2019", "'"))
    return (field, match[2]) if field else None


def has_address_or_time(text: str) -> bool:
    """Tell whether *text* has an address or a time in it: nothing is cut without evidence."""
    return "@" in text or _TIME.search(text) is not None


def has_date(text: str) -> bool:
    """Tell whether *text* names a day."""
    if _DATE.search(text):
        return True
    return _YEAR.search(text) is not None and _DAY.search(_YEAR.sub(" ", text)) is not None


def may_begin_intro(line: str) -> bool:
    """Tell whether an intro of a quote may begin with *line*; a quick look that lets through too much."""
    lowered = line.lstrip(" *").lower()
    if _OPENER.match(lowered) or _STARTS_WITH_DATE.match(lowered):
        return True
    return "@" in lowered or (_TIME.search(lowered) is not None and has_date(lowered))


def begins_dated(line: str) -> bool:
    """Tell whether *line* begins with an opening word or a date, and names a day."""
    lowered = line.lstrip(" *").lower()
    return (_OPENER.match(lowered) or _STARTS_WITH_DATE.match(lowered)) is not None and has_date(lowered)


def is_intro(text: str, *, quote_follows: bool) -> bool:
    """Tell whether the joined lines *text* introduce a quote.

    It needs a date and a verb behind an opening word or a date, or a name, an address and a verb; a colon at the end;
    and an address, a time or a quote right after it, because people write "On 3 May I wrote:" too. Programs that use no
    verb write date, name and address.
    """
    text = text.strip(" *_")
    if _MACHINE_DATE.match(text) and len(text) <= JUDGED // 2:
        return True
    lowered = text.lower()
    colon = text.endswith((":", "\uff1a"))
    address = _ADDRESS.search(text) is not None or "mailto:" in lowered
    starts_with_date = _STARTS_WITH_DATE.match(lowered) is not None
    if not colon:
        return quote_follows and starts_with_date and address and has_date(lowered)
    verb = _VERB.search(lowered) is not None or _JOINED_VERB.search(lowered) is not None
    dated = has_date(lowered)
    timed = _TIME.search(lowered) is not None
    opened = _OPENER.match(lowered) is not None or starts_with_date
    if verb and dated and opened:
        return quote_follows or address or timed
    if verb and address:
        return quote_follows or _BRACKETED.search(text) is not None
    return dated and address and (timed or quote_follows) and _BRACKETED.search(text) is not None


def is_mobile_signature(line: str) -> bool:
    """Tell whether *line* is what a mobile program adds, and no sentence that begins like it."""
    text = line.strip(" *_<>[]()")
    if not text or len(text) > _MAX_MOBILE or _SENTENCE.search(text):
        return False
    return text.lower().startswith(phrases.SENT_FROM)


def is_signed_name(line: str) -> bool:
    """Tell whether *line* is a dash and a name."""
    return _NAME_SIGNED.fullmatch(line.strip()) is not None
