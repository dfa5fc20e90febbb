"""The reply view: what is new in an answer, without the mail it quotes and the signature.

A view, nothing more: the text stays whole, and the spans say where each stretch of it lies, so that a reader can open
the rest. In doubt a stretch is shown. Lines are judged one by one; the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

import attrs

from supportkit.channels.email import marks

MAX_LINES = 2_000
"""Lines that are judged; what lies behind them is not shown."""
SIGNATURE_LINES = 12
_SHORT = 100
_FORWARD_OWN_LINES = 3
_BLOCK_LINES = 16
_BLOCK_FIELDS = 3
_BLOCK_GAP = 2
_FOOTER_RULE = re.compile(r"_{20,}|-- ?|\u2014")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


class SpanKind(StrEnum):
    """What a stretch of a text is."""

    NEW = "new"
    QUOTE = "quote"
    SIGNATURE = "signature"
    BEYOND = "beyond"


@attrs.frozen
class Span:
    """A stretch of a text, from *start* to *end* in characters; only new ones are shown."""

    start: int
    end: int
    kind: SpanKind


@attrs.frozen
class ReplyView:
    """What is new in a text.

    Attributes:
        text: The new stretches, line ends and blanks made plain.
        spans: They cover the whole text, in order, without gaps.
    """

    text: str = attrs.field(repr=False)
    spans: tuple[Span, ...]

    @property
    def is_whole(self) -> bool:
        """Nothing is hidden."""
        return all(span.kind is SpanKind.NEW for span in self.spans)


def reply_view(text: str, *, keep_signature: bool = False) -> ReplyView:
    """Return what is new in *text*; the whole of it where the view would be empty.

    Parameters:
        keep_signature: Show signatures too.
    """
    bounds = _bounds(text)
    lines = [marks.judged(text[begin:end].rstrip("\r\n")) for begin, end in bounds]
    view = _View(lines, keep_signature=keep_signature)
    view.judge()
    kinds = view.kinds
    if not any(kind is SpanKind.NEW and line.strip() for kind, line in zip(kinds, lines, strict=True)):
        kinds = [SpanKind.NEW] * len(lines)
    shown = []
    for (begin, end), kind in zip(bounds, kinds, strict=True):
        if kind is SpanKind.NEW:
            line = text[begin:end].rstrip("\r\n")
            shown.append(line if len(line) > marks.LONG_LINE else marks.judged(line))
    return ReplyView("\n".join(shown).strip("\n").rstrip(), _spans(bounds, kinds, len(text)))


def _bounds(text: str) -> list[tuple[int, int]]:
    bounds: list[tuple[int, int]] = []
    at = 0
    while at < len(text) and len(bounds) < MAX_LINES:
        match = _LINE.match(text, at)
        end = match.end() if match else len(text)
        bounds.append((at, end))
        at = end
    return bounds


def _spans(bounds: Sequence[tuple[int, int]], kinds: Sequence[SpanKind], size: int) -> tuple[Span, ...]:
    spans: list[Span] = []
    for (begin, end), kind in zip(bounds, kinds, strict=True):
        if spans and spans[-1].kind is kind:
            spans[-1] = Span(spans[-1].start, end, kind)
        else:
            spans.append(Span(begin, end, kind))
    judged = bounds[-1][1] if bounds else 0
    if judged < size:
        spans.append(Span(judged, size, SpanKind.BEYOND))
    return tuple(spans)


@attrs.define
class _View:
    """The lines of one text, and what each of them is."""

    lines: list[str]
    keep_signature: bool
    kinds: list[SpanKind] = attrs.field(init=False)
    quoted: list[bool] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.kinds = [SpanKind.NEW] * len(self.lines)
        self.quoted = [marks.is_quoted(line) for line in self.lines]

    def judge(self) -> None:
        """Decide what every line is."""
        if self._is_forward():
            return
        end = self._cut_at_original()
        end = self._quotes(end)
        self._trailing_quote(end)
        self._trim(SpanKind.QUOTE)
        if not self.keep_signature:
            self._signature()
            self._trim(SpanKind.SIGNATURE)

    # -- looking -----------------------------------------------------------------------------------------------------

    def _own(self, begin: int, end: int) -> bool:
        """Tell whether the writer's own words are among the lines from *begin* to *end*."""
        return any(
            self.kinds[at] is SpanKind.NEW
            and not self.quoted[at]
            and self.lines[at].strip()
            and not marks.is_rule(self.lines[at])
            for at in range(begin, end)
        )

    def _hide(self, begin: int, end: int, kind: SpanKind = SpanKind.QUOTE) -> None:
        self.kinds[begin:end] = [kind] * (end - begin)

    def _next_line(self, at: int, end: int) -> int:
        """Return the first line from *at* on that is not blank."""
        while at < end and not self.lines[at].strip():
            at += 1
        return at

    # -- forwards and original messages ------------------------------------------------------------------------------

    def _is_forward(self) -> bool:
        own = 0
        for line in self.lines:
            if line.strip():
                if marks.is_forward(line):
                    return True
                own += 1
            if own > _FORWARD_OWN_LINES:
                return False
        return False

    def _cut_at_original(self) -> int:
        """Hide everything from the first rule "Original message" or header block on that has own words above it."""
        for at, line in enumerate(self.lines):
            if not line or self.quoted[at]:
                continue
            if marks.is_original(line) or marks.is_forward(line) or self._is_block(at):
                if self._own(0, at):
                    self._hide(at, len(self.lines))
                    return at
                return len(self.lines)
        return len(self.lines)

    def _is_block(self, at: int) -> bool:
        """Tell whether header fields of a quoted mail begin at line *at*: From, others, and some evidence."""
        if marks.field_of(self.lines[at]) is None:
            return False
        fields: set[str] = set()
        values: list[str] = []
        gap = 0
        for line in self.lines[at : at + _BLOCK_LINES]:
            found = marks.field_of(line)
            if found is None:
                gap += 1
                if gap > _BLOCK_GAP:
                    break
                values.append(line)
                continue
            gap = 0
            fields.add(found[0])
            values.append(found[1])
        above = self.lines[at - 1] if at else ""
        wanted = _BLOCK_FIELDS - (not above.strip() or marks.is_rule(above))
        if "from" not in fields or len(fields) < wanted:
            return False
        joined = "\n".join(values)
        # A journey has From, To and Date too: without a subject a day alone proves nothing.
        return marks.has_address_or_time(joined) or ("subject" in fields and marks.has_date(joined))

    # -- quotes ------------------------------------------------------------------------------------------------------

    def _quotes(self, end: int) -> int:
        """Hide intros of quotes, and the quotes that no own words follow; return where the shown text ends."""
        tail = self._tail(end)
        at = looked = 0
        above = False
        while at < tail:
            intro = self._intro(at, end)
            if intro is None:
                at += 1
                continue
            if not looked:
                self._take_initials(intro, end)
            above = above or self._own(looked, at)
            looked = intro
            begin = self._next_line(intro, end)
            quote = self._quote_end(begin, end)
            after = self._own(quote, tail)
            if above and (quote == begin or not after):
                self._hide(at, end)
                return at
            # Answers inside the quote keep it; an answer below it does not need it.
            self._hide(at, intro if above else quote)
            at = max(quote, intro)
        return end

    def _tail(self, end: int) -> int:
        """Return where a signature begins below which no quote lies, else *end*."""
        begin = max(0, end - SIGNATURE_LINES - 1)
        for at in range(end - 1, begin - 1, -1):
            if self.quoted[at]:
                break
            if self.lines[at].strip() == "--" or _FOOTER_RULE.fullmatch(self.lines[at].strip()):
                return at
        return end

    def _intro(self, at: int, end: int) -> int | None:  # noqa: PLR0911 - one return for each reason to stop
        """Return where the intro ends that begins at line *at*, `None` if none begins there."""
        if self.quoted[at] or not self.lines[at].strip() or not marks.may_begin_intro(self.lines[at]):
            return None
        joined = ""
        for stop in range(at, min(at + marks.INTRO_LINES, end)):
            line = self.lines[stop].strip()
            if stop > at and (self.quoted[stop] and not line.endswith(":")):
                return None
            # A paragraph ends the intro, but for programs that put the address into one of its own.
            if not line and not marks.begins_dated(joined):
                return None
            if stop > at and marks.begins_dated(line):
                # What begins here is an intro by itself; the line above it is the writer's.
                return None
            joined = f"{joined} {line}".strip()
            if len(joined) > marks.INTRO_CHARS:
                return None
            following = self._next_line(stop + 1, end)
            quote = following < end and (self.quoted[following] or marks.is_barred(self.lines[following]))
            if line and marks.is_intro(joined, quote_follows=quote):
                return stop + 1
            if joined.endswith((":", "\uff1a")):
                return None
        return None

    def _take_initials(self, begin: int, end: int) -> None:
        for at in range(begin, end):
            self.quoted[at] = self.quoted[at] or marks.has_initials(self.lines[at])

    def _quote_end(self, begin: int, end: int) -> int:
        """Return where the quote ends that begins at line *begin*; *begin* itself if none does."""
        barred = begin < end and marks.is_barred(self.lines[begin])
        at = last = begin
        while at < end:
            if self.quoted[at] or (barred and marks.is_barred(self.lines[at])):
                last = at + 1
            elif self.lines[at].strip():
                break
            at += 1
        if barred:
            self.quoted[begin:last] = [True] * (last - begin)
        return last

    def _trailing_quote(self, end: int) -> None:
        """Hide quoted lines with nothing but a signature below them."""
        at = self._last_shown(self._tail(end))
        begin = at
        while begin >= 0 and (self.quoted[begin] or not self.lines[begin].strip()):
            begin -= 1
        if 0 <= begin < at and self.quoted[at] and self._own(0, begin + 1):
            self._hide(begin + 1, at + 1)

    def _last_shown(self, end: int) -> int:
        """Return the last line before *end* that is shown and has something on it, -1 if there is none."""
        at = end - 1
        while at >= 0 and (
            self.kinds[at] is not SpanKind.NEW or not self.lines[at].strip() or marks.is_rule(self.lines[at])
        ):
            at -= 1
        return at

    # -- signatures --------------------------------------------------------------------------------------------------

    def _trim(self, kind: SpanKind) -> None:
        """Hide what is only drawn at the end of what is shown."""
        last = self._last_shown(len(self.lines))
        if last < 0:
            return
        for at in range(last + 1, len(self.lines)):
            if self.kinds[at] is SpanKind.NEW and not _is_delimiter(self.lines[at]):
                self.kinds[at] = kind

    def _signature(self) -> None:
        shown = [at for at, kind in enumerate(self.kinds) if kind is SpanKind.NEW]
        begin = self._delimiter(shown)
        if begin is not None:
            self._hide_shown(begin)
        while True:
            last = self._last_shown(len(self.lines))
            if last <= 0 or self.quoted[last]:
                return
            alone = not self.lines[last - 1].strip()
            if marks.is_mobile_signature(self.lines[last]) or (alone and marks.is_signed_name(self.lines[last])):
                if not self._own(0, last):
                    return
                self._hide_shown(last)
                continue
            return

    def _delimiter(self, shown: Sequence[int]) -> int | None:
        """Return the line at which a signature or the footer of a mailing list begins, if a short one ends the text."""
        for count, at in enumerate(reversed(shown)):
            line = self.lines[at].strip()
            if count > SIGNATURE_LINES + _BLOCK_GAP or self.quoted[at] or len(line) > _SHORT:
                return None
            if line == "--" or (len(line) >= 20 and _FOOTER_RULE.fullmatch(line)):  # noqa: PLR2004
                return at if self._own(0, at) else None
        return None

    def _hide_shown(self, begin: int) -> None:
        for at in range(begin, len(self.lines)):
            if self.kinds[at] is SpanKind.NEW:
                self.kinds[at] = SpanKind.SIGNATURE


def _is_delimiter(line: str) -> bool:
    return line.strip() == "--"
