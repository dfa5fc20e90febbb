"""HTML to text by a scanner on `str.find` that remembers what it has searched: no tree, no recursion, linear time.

Quotes of mail programs (`<blockquote type="cite">` and their like) get `> ` before their lines, so that a mail
without a plain part can be taken apart like one that has it.
"""

from __future__ import annotations

import html as entities
import re

import attrs

from supportkit.text import clean

_MARKUP = re.compile(r"<[A-Za-z/!?]")
_SIMPLE_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]{0,20})(?:[ \n][^<>\"']{0,200}|/)?>")
_TAG_NAME = re.compile(r"/?([A-Za-z][^\s/>]{0,40})")
_QUOTE_OR_END = re.compile(r"[\"'>]")
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9A-Fa-f]{8,});?")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_LINES = re.compile(r"\r\n|\r|\n")
_DROPPED = frozenset({"script", "style", "title", "template", "noscript"})
_PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "dl", "table", "pre"])
_BLOCKS = _PARAGRAPHS | frozenset(
    [
        "html",
        "head",
        "body",
        "div",
        "tr",
        "li",
        "hr",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "nav",
        "aside",
        "address",
        "form",
        "fieldset",
        "center",
        "dd",
        "dt",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "option",
    ]
)
_BREAKS = {word: 2 if word in _PARAGRAPHS else 1 for word in _BLOCKS}
_SPECIAL = _DROPPED | frozenset(["br", "td", "th", "hr", "li", "pre", "blockquote"])
_BLOCK_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS - {'html', 'head'}))})(?![A-Za-z0-9])", re.IGNORECASE)
_QUOTED = re.compile(r"\stype\s*=\s*[\"']?cite|\scite\s*=|gmail_quote|yahoo_quoted|protonmail_quote", re.IGNORECASE)
_ATTRIBUTE_REACH = 20_000
_MAX_QUOTES = 10
_RULE = "-" * 10


class _Finder:
    """Searches one text, and never over the same stretch twice for the same thing."""

    __slots__ = ("_seen", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._seen: dict[object, tuple[int, int, int]] = {}

    def find(self, what: str, at: int) -> int:
        """Return where the string *what* begins from *at* on, -1 if nowhere."""
        known = self._seen.get(what)
        if known and known[0] <= at and (known[1] < 0 or known[1] >= at):
            return known[1]
        begin = self.text.find(what, at)
        self._seen[what] = (at, begin, begin)
        return begin

    def search(self, what: re.Pattern[str], at: int) -> tuple[int, int]:
        """Return where the pattern *what* begins and ends from *at* on, -1 if nowhere."""
        known = self._seen.get(what)
        if known and known[0] <= at and (known[1] < 0 or known[1] >= at):
            return known[1], known[2]
        match = what.search(self.text, at)
        begin, end = match.span() if match else (-1, -1)
        self._seen[what] = (at, begin, end)
        return begin, end


@attrs.define
class _Writer:
    """Puts text together: blanks collapse, breaks wait until something follows them."""

    out: list[str] = attrs.Factory(list)
    breaks: int = 0
    blank: bool = False
    quotes: int = 0
    begun: bool = False
    fresh: bool = True

    def break_lines(self, count: int) -> None:
        self.blank = False
        self.breaks = max(self.breaks, count)

    def new_line(self) -> None:
        self.blank = False
        self.breaks += 1

    def write(self, text: str) -> None:
        if self.breaks or not self.begun:
            self._start_line()
        elif self.blank and not self.fresh:
            self.out.append(" ")
        self.blank = False
        self.fresh = False
        self.out.append(text)

    def _start_line(self) -> None:
        prefix = "> " * self.quotes
        if self.begun:
            self.out.append(f"\n{prefix.rstrip()}" * (min(self.breaks, 3) - 1) + "\n")
        self.out.append(prefix)
        self.breaks, self.begun, self.blank, self.fresh = 0, True, False, True

    def flow(self, text: str) -> None:
        """Write *text* in which blanks mean nothing but the gap between words."""
        words = _BLANKS.sub(" ", text).replace("\xa0", " ") if text else ""
        inner = words.strip(" ")
        if not inner:
            self.blank = self.blank or bool(words)
            return
        self.blank = self.blank or words[0] == " "
        self.write(inner)
        self.blank = words[-1] == " "

    def keep(self, text: str) -> None:
        """Write *text* with its own lines and blanks."""
        for number, line in enumerate(_LINES.split(text)):
            if number:
                self.new_line()
            if line.strip():
                self.write(line.replace("\xa0", " "))


def html_to_text(html: str) -> str:
    """Return the words of *html*, with line ends where blocks end; scripts and styles are left out."""
    return _Scanner(html).scan()


@attrs.define
class _Scanner:
    """One walk over one text; *citing* tells which of the open block quotes are quotes of a mail."""

    html: str
    writer: _Writer = attrs.Factory(_Writer)
    pre: int = 0
    citing: list[bool] = attrs.Factory(list)
    finder: _Finder = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.finder = _Finder(self.html)

    def scan(self) -> str:
        html, at, size = self.html, 0, len(self.html)
        while at < size:
            match = _MARKUP.search(html, at)
            if match is None:
                self._text(html[at:])
                break
            found = match.start()
            if found > at:
                self._text(html[at:found])
            simple = _SIMPLE_TAG.match(html, found)
            if simple is None:
                at = self._markup(found)
            else:
                at = self._tag(simple[2].lower(), found, simple.end(), closing=bool(simple[1]))
        return clean("".join(self.writer.out)).strip("\n")

    def _text(self, text: str) -> None:
        if "&" in text:
            text = entities.unescape(_HUGE_REFERENCE.sub("\ufffd", text))
        if self.pre:
            self.writer.keep(text)
        else:
            self.writer.flow(text)

    def _markup(self, at: int) -> int:
        """Handle what begins with the `<` at *at* and is no plain tag; return where the text goes on."""
        following = self.html[at + 1]
        if following in "!?":
            return self._declaration(at)
        name = _TAG_NAME.match(self.html, at + 1)
        if name is None:
            end = self.finder.find(">", at)
            return end + 1 if end >= 0 else at + 2
        end = self._tag_end(name.end())
        if end < 0:
            self._text("<")
            return at + 1
        return self._tag(name[1].lower().partition("<")[0], at, end + 1, closing=following == "/")

    def _tag(self, word: str, at: int, end: int, *, closing: bool) -> int:
        """Handle the tag *word* between *at* and *end*; return where the text goes on."""
        breaks = _BREAKS.get(word)
        if breaks:
            writer = self.writer
            writer.blank = False
            writer.breaks = max(writer.breaks, breaks)
        if word not in _SPECIAL:
            return end
        if closing:
            self._closed(word)
            return end
        self._opened(word, at, end)
        return self._after_dropped(word, end) if word in _DROPPED else end

    def _declaration(self, at: int) -> int:
        if self.html.startswith("<!--", at):
            end = self.finder.find("-->", at + 2)
            return end + 3 if end >= 0 else at + 4
        end = self.finder.find(">", at)
        return end + 1 if end >= 0 else at + 2

    def _tag_end(self, at: int) -> int:
        """Return where the tag ends whose name ended at *at*; a `>` in a quoted attribute is none, within reach."""
        reach = at + _ATTRIBUTE_REACH
        if self.finder.find(">", at) < 0:
            return -1
        while True:
            match = _QUOTE_OR_END.search(self.html, at)
            if match is None:
                return -1
            at = match.end()
            if match[0] == ">":
                return match.start()
            before = self.html[max(0, match.start() - 20) : match.start()].rstrip()
            if before.endswith("="):
                close = self.html.find(match[0], at, reach)
                if close >= 0:
                    at = close + 1
            elif at > reach:
                return self.finder.find(">", at)

    def _after_dropped(self, word: str, at: int) -> int:
        """Return where an element that is left out ends: at its closing tag, else at the next block."""
        begin, end = self.finder.search(_CLOSERS[word], at)
        if begin >= 0:
            close = self.finder.find(">", end)
            return close + 1 if close >= 0 else len(self.html)
        begin, _end = self.finder.search(_BLOCK_TAG, at)
        return begin if begin >= 0 else at

    def _opened(self, word: str, at: int, end: int) -> None:
        writer = self.writer
        match word:
            case "br":
                writer.new_line()
            case "td" | "th":
                writer.blank = True
            case "hr":
                writer.write(_RULE)
                writer.break_lines(1)
            case "li":
                writer.write("- ")
                writer.fresh = True
            case "pre":
                self.pre += 1
            case "blockquote":
                self.citing.append(_QUOTED.search(self.html, at, min(end, at + 2_000)) is not None)
                writer.quotes = sum(self.citing[-_MAX_QUOTES:])
            case _:
                pass

    def _closed(self, word: str) -> None:
        if word == "pre":
            self.pre = max(0, self.pre - 1)
        elif word == "blockquote" and self.citing:
            self.citing.pop()
            self.writer.quotes = sum(self.citing[-_MAX_QUOTES:])


_CLOSERS = {word: re.compile(rf"</{word}(?![A-Za-z0-9])", re.IGNORECASE) for word in sorted(_DROPPED)}
