"""The page of a survey as HTML: pure functions from values to text.

It works without script and has none, loads nothing from anywhere, and its colours say nothing. Every control has a
label, every question is a group with a legend that names both ends, and nothing is chosen beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from html import escape
from typing import Final

import attrs

from supportkit.surveys.phrases import PHRASES, phrase
from supportkit.surveys.questions import Question
from supportkit.surveys.settings import Survey

MAX_COMMENT: Final = 4_000
"""Characters of a comment."""
HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex, nofollow"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
)
"""What every answer carries, refusals too."""
TRAP: Final = "more"
"""The query of the link that no person sees."""
_STYLE: Final = (
    "body{font:1.1rem/1.5 sans-serif;max-width:42rem;margin:0 auto;padding:1rem;color:#222;background:#fff}"
    "fieldset{border:1px solid #767676;margin:1.5rem 0;padding:1rem}legend{font-weight:bold;padding:0 .3rem}"
    ".choices{display:flex;flex-wrap:wrap;gap:.5rem}.choices label{display:block;min-width:2.75rem;padding:.5rem;"
    "border:1px solid #767676;text-align:center}textarea{box-sizing:border-box;width:100%;min-height:6rem;font:inherit}"
    "button{font:inherit;padding:.75rem 1.5rem}.error,.note{border-left:.25rem solid #222;padding-left:.75rem}"
    ".away{position:absolute;left:-100rem;width:1px;height:1px;overflow:hidden}"
)


@attrs.frozen(kw_only=True)
class Form:
    """What the page shows.

    Attributes:
        nonce: What comes back with the form, once.
        codes: What is chosen: the answer that is there, what was sent just now, or what a link filled in.
        errors: What is wrong, by question; `comment` for the comment.
        note: The name of a phrase to show above the form.
        until: Until when the answer may be changed, where there is one.
    """

    survey: Survey
    locale: str
    nonce: str
    codes: Mapping[str, int | None] = attrs.field(factory=dict)
    comment: str = ""
    errors: Mapping[str, str] = attrs.field(factory=dict)
    note: str | None = None
    until: dt.datetime | None = None


def form_page(form: Form) -> str:
    """Return the page with the questions."""
    say = form.locale
    parts = [f"<h1>{_text(say, 'title')}</h1>", f"<p>{_text(say, 'intro')}</p>"]
    if form.survey.anonymous:
        parts.append(f"<p>{_text(say, 'anonymous')}</p>")
    if form.note is not None:
        parts.append(f'<p class="note" role="status">{_text(say, form.note)}</p>')
    parts.append('<form method="post" action="?" accept-charset="utf-8">')
    parts.append(f'<input type="hidden" name="nonce" value="{escape(form.nonce)}">')
    parts += [_question(form, question, index) for index, question in enumerate(form.survey.questions)]
    if form.survey.comment:
        parts.append(_comment(form))
    button = "change" if form.until is not None else "send"
    parts.append(f'<p><button type="submit">{_text(say, button)}</button></p></form>')
    if form.until is not None:
        parts.append(f"<p>{_until(say, form.until)}</p>")
    parts.append(
        f'<div class="away" aria-hidden="true"><a href="?{TRAP}=1" rel="nofollow" tabindex="-1">'
        f"{_text(say, 'trap')}</a></div>"
    )
    return _page(say, _text(say, "title"), parts)


def thanks_page(locale: str, until: dt.datetime | None) -> str:
    """Return the page after an answer; with *until* it can still be changed."""
    parts = [f'<h1 role="status">{_text(locale, "thanks")}</h1>']
    if until is not None:
        parts.append(f'<p>{_until(locale, until)}</p><p><a href="?">{_text(locale, "change")}</a></p>')
    return _page(locale, _text(locale, "thanks"), parts)


def refusal_page() -> str:
    """Return the one page for everything that is refused; it knows nobody's language, so it speaks them all."""
    parts = [f'<p lang="{locale}">{_text(locale, "gone")}</p>' for locale in PHRASES]
    return _page("en", _text("en", "title"), ["<h1>404</h1>", *parts])


def _question(form: Form, question: Question, index: int) -> str:
    wording = question.wording(form.locale, form.survey.default_locale)
    scale = phrase(form.locale, "scale", lo=question.lo, low=wording.low, hi=question.hi, high=wording.high)
    describes = f"s{index}" + (f" e{index}" if question.id in form.errors else "")
    parts = [
        f'<fieldset aria-describedby="{describes}"><legend>{escape(wording.text)}</legend>',
        f'<p id="s{index}">{escape(scale)}</p>',
    ]
    if question.id in form.errors:
        parts.append(f'<p class="error" id="e{index}" role="alert">{escape(form.errors[question.id])}</p>')
    parts.append('<div class="choices">')
    for code in range(question.lo, question.hi + 1):
        label = {question.lo: wording.low, question.hi: wording.high}.get(code)
        name = f"{code}: {label}" if label else str(code)
        chosen = " checked" if form.codes.get(question.id) == code else ""
        parts.append(
            f'<label><input type="radio" name="{escape(question.id)}" value="{code}"'
            f' aria-label="{escape(name)}"{chosen}> {code}</label>'
        )
    parts.append("</div></fieldset>")
    return "".join(parts)


def _comment(form: Form) -> str:
    error = form.errors.get("comment")
    told = f'<p class="error" id="ec" role="alert">{escape(error)}</p>' if error else ""
    return (
        f'<p><label for="comment">{_text(form.locale, "comment")}</label></p>{told}'
        f'<textarea id="comment" name="comment" maxlength="{MAX_COMMENT}">{escape(form.comment)}</textarea>'
    )


def _until(locale: str, until: dt.datetime) -> str:
    return escape(phrase(locale, "until", until=f"{until:%Y-%m-%d %H:%M}"))


def _text(locale: str, name: str) -> str:
    return escape(phrase(locale, name))


def _page(locale: str, title: str, parts: list[str]) -> str:
    return (
        f'<!DOCTYPE html><html lang="{escape(locale)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex,nofollow"><meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )
