"""Questions as values: a scale with both ends labelled, a direction, the codes of a blank, and a text per language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from supportkit.surveys.scales import scale_of

_WHOLE = re.compile(r"(0|-?[1-9][0-9]{0,8})", re.ASCII)
MAX_SHOWN = 40
"""How much of a refused answer an error repeats."""


@attrs.frozen(kw_only=True)
class Wording:
    """A question in one language.

    Attributes:
        text: The question, neutral.
        low: Label of the lowest answer.
        high: Label of the highest answer.
    """

    text: str
    low: str
    high: str

    def __attrs_post_init__(self) -> None:
        for name in ("text", "low", "high"):
            if not str(getattr(self, name)).strip():
                raise ValueError(f"a question needs a text and a label at both ends; {name!r} is empty")


def _pairs(value: Mapping[str, Wording] | Iterable[tuple[str, Wording]]) -> tuple[tuple[str, Wording], ...]:
    return tuple(sorted((value.items() if isinstance(value, Mapping) else value), key=lambda pair: pair[0]))


def _frozen(value: Iterable[Any]) -> frozenset[Any]:
    return frozenset(value)


@attrs.frozen(kw_only=True)
class Question:
    """One question. Codes are stored, never labels.

    Attributes:
        id: Its name in data, for example `nps`.
        lo: The lowest code.
        hi: The highest code.
        higher_is_better: Whether the highest code is the best one; false for effort asked as effort.
        blank_codes: What stands for "no answer" in the data, for example `11` or `Blank`; `None` always does.
        wordings: The question by language (a mapping may be given).
    """

    id: str
    lo: int
    hi: int
    higher_is_better: bool = True
    blank_codes: frozenset[Any] = attrs.field(default=frozenset(), converter=_frozen)
    wordings: tuple[tuple[str, Wording], ...] = attrs.field(default=(), converter=_pairs)

    def __attrs_post_init__(self) -> None:
        scale_of(self.lo, self.hi)
        if clash := [code for code in self.blank_codes if isinstance(code, int) and self.lo <= code <= self.hi]:
            raise ValueError(f"question {self.id!r}: {clash[0]} cannot be an answer and a blank")

    def read(self, value: object) -> int | None:
        """Return the code of an answer, `None` of a blank.

        Whole numbers and their plain texts are read ("4"); an empty text is a blank only where that is declared.

        Raises:
            ValueError: It is neither on the scale nor a declared blank.
        """
        if value is None or (_hashable(value) and not isinstance(value, bool) and value in self.blank_codes):
            return None
        code = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
        if not isinstance(code, bool) and isinstance(code, int):
            if code in self.blank_codes:
                return None
            if self.lo <= code <= self.hi:
                return code
        shown = repr(value if not isinstance(value, str) else value[:MAX_SHOWN])[: MAX_SHOWN + 2]
        raise ValueError(f"question {self.id!r} takes whole numbers from {self.lo} to {self.hi}, not {shown}")

    def wording(self, *locales: str) -> Wording:
        """Return the text in the first of *locales* that it has; `zh-Hans-CN` falls back to `zh-Hans`, then `zh`.

        Raises:
            ValueError: None of them is there; a question is never shown in a language by accident.
        """
        texts = dict(self.wordings)
        for locale in locales:
            parts = re.split(r"[-_]", locale)
            for end in range(len(parts), 0, -1):
                if (found := texts.get("-".join(parts[:end]))) is not None:
                    return found
        has = ", ".join(texts) or "none"
        raise ValueError(f"question {self.id!r} has no text for {', '.join(locales) or 'no locale'}; it has {has}")

    def check_locales(self, required: Iterable[str]) -> None:
        """Raise ValueError if a translation is missing: when a survey is saved, not when it is sent."""
        if missing := sorted(set(required) - {locale for locale, _wording in self.wordings}):
            raise ValueError(f"question {self.id!r} lacks a text in {', '.join(missing)}")


def _hashable(value: object) -> bool:
    return isinstance(value, str | int | float | None)


@attrs.frozen(kw_only=True)
class Answers:
    """What a filled-in form says.

    Attributes:
        codes: The code of each question that was read; `None` for a blank.
        errors: One sentence for each field that was refused; where there is any, nothing may be stored.
    """

    codes: tuple[tuple[str, int | None], ...]
    errors: tuple[tuple[str, str], ...]


def read_answers(questions: Iterable[Question], given: Mapping[str, object]) -> Answers:
    """Read a form, field by field. A question that is not in it is a blank; an unknown field is an error."""
    codes: list[tuple[str, int | None]] = []
    errors: list[tuple[str, str]] = []
    known = set()
    for question in questions:
        known.add(question.id)
        try:
            codes.append((question.id, question.read(given.get(question.id))))
        except ValueError as error:
            errors.append((question.id, str(error)))
    errors += [(name, "there is no such question") for name in sorted(set(given) - known)]
    return Answers(codes=tuple(codes), errors=tuple(errors))
