"""Surveys as plain data, as a configuration file has them: a table for each, under its id."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from supportkit.errors import ConfigurationError
from supportkit.surveys.questions import Question, Wording
from supportkit.surveys.settings import Exclusion, Survey
from supportkit.surveys.texts import ACSI, STANDARD

NEVER: Final = "never"
_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LENGTH = re.compile(r"([0-9]{1,6})([dhms])", re.ASCII)
_SHIPPED: Final = {question.id: (question,) for question in STANDARD} | {"acsi": ACSI}
_ALWAYS: Final = frozenset({"url", "questions", "locales", "default_locale", "anonymous"})
"""What is written in any case, since other defaults and checks hang on it."""
Read = Callable[[Any], Any]


def surveys_from_dict(data: Mapping[str, Any]) -> tuple[Survey, ...]:
    """Read surveys, each a table under its id; a shipped question is named, an own one is a table.

    Raises:
        ConfigurationError: A key is unknown, or a value cannot be meant; the error names both.
        ValueError: A question lacks a text in one of the languages.
    """
    return tuple([_survey(name, one) for name, one in data.items()])


def surveys_to_dict(surveys: Iterable[Survey]) -> dict[str, Any]:
    """Return surveys as `surveys_from_dict` reads them, without what is as it is by default."""
    return {survey.id: _plain(survey) for survey in surveys}


def _survey(name: str, data: Any) -> Survey:
    given = _table(data, name, _READS)
    missing = sorted({"url"} - set(given))
    if missing:
        raise ConfigurationError(f"{name}: {missing[0]} is missing")
    return Survey(id=name, **given)


def _table(data: Any, where: str, reads: Mapping[str, Read]) -> dict[str, Any]:
    """Return the values of a table as *reads* make them."""
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{where}: it is a table")
    given = {}
    for key, value in data.items():
        if key not in reads:
            near = difflib.get_close_matches(str(key)[:64], reads, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(reads)}"
            raise ConfigurationError(f"{where}: there is no key {str(key)[:64]!r}; {hint}")
        try:
            given[str(key)] = reads[key](value)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"{where}.{key}: {error}") from None
    return given


def _typed(*kinds: type, called: str) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise TypeError(f"it is {called}")
        return value

    return read


_text, _whole = _typed(str, called="a text"), _typed(int, called="a whole number")
_whether, _share = _typed(bool, called="true or false"), _typed(int, float, str, called="a share from 0 to 1")


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise TypeError("it is a list of texts")
    return tuple(value)


def _length(value: Any) -> dt.timedelta:
    match = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("it is a length of time, such as '30m', '24h' or '14d'")
    return dt.timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _length_or_never(value: Any) -> dt.timedelta | None:
    return None if value == NEVER else _length(value)


def _each(read: Read) -> Read:
    return lambda value: {key: read(one) for key, one in _typed(Mapping, called="a table")(value).items()}


def _exclusions(value: Any) -> tuple[Exclusion, ...]:
    tables = _typed(Mapping, called="a table of rules")(value)
    return tuple([Exclusion(id=name, **_table(one, name, _EXCLUSION)) for name, one in tables.items()])


def _questions(value: Any) -> tuple[Question, ...]:
    found: list[Question] = []
    for one in _typed(list, tuple, called="a list of questions")(value):
        if not isinstance(one, str):
            found.append(Question(**_table(one, "questions", _QUESTION)))
        elif one in _SHIPPED:
            found += _SHIPPED[one]
        else:
            raise ConfigurationError(f"there is no question {one!r:.60}; shipped are: {', '.join(_SHIPPED)}")
    return tuple(found)


_EXCLUSION: Final[Mapping[str, Read]] = dict.fromkeys(("tags", "channels", "teams", "segments"), _texts)
_WORDING: Final[Mapping[str, Read]] = dict.fromkeys(("text", "low", "high"), _text)
_QUESTION: Final[Mapping[str, Read]] = {
    "id": _text,
    "lo": _whole,
    "hi": _whole,
    "higher_is_better": _whether,
    "wordings": _each(lambda one: Wording(**_table(one, "wordings", _WORDING))),
}
_READS: Final[Mapping[str, Read]] = {
    **dict.fromkeys(("url", "default_locale", "salt", "follow_up_team", "topic_field"), _text),
    **dict.fromkeys(("version", "max_per_30_days", "quota"), _whole),
    **dict.fromkeys(("anonymous", "comment", "ask_automatic", "rating_links"), _whether),
    **dict.fromkeys(("delay", "quiet", "expiry", "edit_for", "quarantine"), _length),
    **dict.fromkeys(("remind_after", "follow_up"), _length_or_never),
    **dict.fromkeys(("locales", "staff"), _texts),
    "rate": _share,
    "questions": _questions,
    "exclude": _exclusions,
    "unhappy": _each(_whole),
    "leads": _each(_text),
}


def _plain(survey: Survey) -> dict[str, Any]:
    by_default = Survey(
        id=survey.id,
        url=survey.url,
        anonymous=survey.anonymous,
        locales=survey.locales,
        default_locale=survey.default_locale,
        questions=survey.questions,
    )
    found: dict[str, Any] = {}
    for name in _READS:
        value = getattr(survey, name)
        if name in _ALWAYS or value != getattr(by_default, name):
            found[name] = _written(value)
    return found


def _written(value: Any) -> Any:  # noqa: PLR0911 - one short case a kind
    match value:
        case None:
            return NEVER
        case dt.timedelta():
            seconds = int(value.total_seconds())
            unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0)
            return f"{seconds // _UNITS[unit]}{unit}"
        case frozenset():
            return sorted(value)
        case tuple() if value and isinstance(value[0], Exclusion):
            return {
                one.id: {key: sorted(getattr(one, key)) for key in _EXCLUSION if getattr(one, key)} for one in value
            }
        case tuple() if value and isinstance(value[0], Question):
            return [_question(one) for one in value]
        case tuple():
            return list(value)
        case Mapping():
            return dict(value)
        case _:
            return value


def _question(question: Question) -> str | dict[str, Any]:
    if _SHIPPED.get(question.id) == (question,):
        return question.id
    wordings = {locale: {key: getattr(one, key) for key in _WORDING} for locale, one in question.wordings}
    plain = {"id": question.id, "lo": question.lo, "hi": question.hi, "wordings": wordings}
    return plain if question.higher_is_better else plain | {"higher_is_better": False}
