"""Words for the search: a token table of ours, because the full-text indexes of the databases disagree.

NFKC, casefold, then runs of letters and digits. Chinese, Japanese and Korean text has no spaces: there each pair of
neighbours is a term, and the last character of a run alone, so that a search for one character finds it by prefix.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from supportkit.model.change import Change
from supportkit.text import fold_key

SUBJECT_CHARS = 1_000
"""How much of a subject is searchable; the full text is kept."""
BODY_CHARS = 20_000
"""How much of a message or note is searchable; the full text is kept."""
TERM_CHARS = 64
"""Longer words are searchable by their first characters only."""

_TAG_CHARS = 120
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003134f"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_ASCII_RUN = re.compile("[a-z0-9]+")
_IS_CJK = re.compile(f"[{_CJK}]")


def words(text: str) -> Iterator[str]:
    """Yield the terms of *text*, in order, repeated as they occur."""
    for match in _RUN.finditer(fold_key(text)):
        run = match.group()
        if _IS_CJK.match(run):
            for index in range(len(run) - 1):
                yield run[index : index + 2]
            yield run[-1]
        else:
            yield run[:TERM_CHARS]


def index_terms(texts: Iterable[str], *, prefix: str = "w:") -> set[str]:
    """Return the rows of the token table for some texts."""
    terms: set[str] = set()
    for text in texts:
        # ASCII folds by `lower` and has no pairs of characters: a third of the time of `words`, with the same result.
        found = _ASCII_RUN.findall(text.lower()) if text.isascii() else words(text)
        terms.update([prefix + word[:TERM_CHARS] for word in found])
    return terms


def query_terms(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the terms that must all be there, and those of which something must begin with.

    A single character of Chinese, Japanese or Korean is looked up by prefix; the last character of a longer run needs
    no look-up of its own, its pair says more.
    """
    exact: list[str] = []
    prefixes: list[str] = []
    for match in _RUN.finditer(fold_key(text)):
        run = match.group()
        if not _IS_CJK.match(run):
            exact.append(run[:TERM_CHARS])
        elif len(run) == 1:
            prefixes.append(run)
        else:
            exact.extend(run[index : index + 2] for index in range(len(run) - 1))
    return tuple(dict.fromkeys(exact)), tuple(dict.fromkeys(prefixes))


def tag_term(tag: str) -> str:
    """Return the row of the token table for a tag; a very long one keeps its begin and a hash of the whole."""
    key = fold_key(tag)
    if len(key) > _TAG_CHARS:
        key = f"{key[: _TAG_CHARS - 33]}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    return f"t:{key}"


NOTHING: Mapping[str, Mapping[str, str]] = {}
TermRows = list[tuple[str, str]]
"""Pairs of term and ticket id, sorted."""


def terms_of(
    change: Change, moved: Mapping[str, str], texts: Mapping[str, Mapping[str, str]] = NOTHING
) -> tuple[TermRows, TermRows]:
    """Return the rows that a change adds to the token table and those that it takes out.

    Args:
        change: What is written.
        moved: Bodies of the messages that go to another ticket, by id.
        texts: Of each ticket with a message that is rewritten, what is stored: messages by id, its subject under "".
    """
    new: dict[str, set[str]] = {}
    gone: dict[str, set[str]] = {}
    for part in change.tickets:
        ticket, before = part.ticket, part.before
        had = before.tags if before is not None else ()
        if ticket.tags != had:
            # Two tags of one spelling are one term, which stays as long as one of them does.
            was, now = {tag_term(tag) for tag in had}, {tag_term(tag) for tag in ticket.tags}
            new.setdefault(ticket.id, set()).update(now - was)
            gone.setdefault(ticket.id, set()).update(was - now)
        if before is None or before.subject != ticket.subject:
            new.setdefault(ticket.id, set()).update(index_terms([ticket.subject[:SUBJECT_CHARS]]))
    for message in change.messages:
        new.setdefault(message.ticket, set()).update(index_terms([message.body[:BODY_CHARS]]))
    for note in change.notes:
        new.setdefault(note.ticket, set()).update(index_terms([note.body[:BODY_CHARS]], prefix="n:"))
    for message_id, ticket_id in change.moved:
        body = moved.get(message_id, "")
        new.setdefault(ticket_id, set()).update(index_terms([body[:BODY_CHARS]]))
    for ticket_id, stored in texts.items():
        after = dict(stored) | {one.id: one.body for one in change.rewritten if one.ticket == ticket_id}
        read, reads = _words_of(stored), _words_of(after)
        new.setdefault(ticket_id, set()).update(reads - read)
        gone.setdefault(ticket_id, set()).update(read - reads)
    return _sorted(new), _sorted(gone)


def _words_of(texts: Mapping[str, str]) -> set[str]:
    return index_terms([text[: BODY_CHARS if name else SUBJECT_CHARS] for name, text in texts.items()])


def _sorted(terms: Mapping[str, set[str]]) -> TermRows:
    """Return the terms of each ticket as sorted pairs; of one ticket alone, as nearly always, the texts are sorted."""
    if len(terms) == 1:
        for ticket, found in terms.items():
            return [(term, ticket) for term in sorted(found)]
    return sorted([(term, ticket) for ticket, found in terms.items() for term in found])
