"""The answers of a desk's surveys as plain values, from its log; anonymous ones lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from supportkit.metrics.answers import Answer
from supportkit.model.events import Recorded
from supportkit.model.surveys import SurveyAnswered, SurveyFlagCleared
from supportkit.storage.port import MAX_BATCH, UnitOfWork

Key = tuple[str, str, int, int]
"""A survey, a ticket, the number of a resolution and a version of the answer."""


def answers_of(unit: UnitOfWork) -> list[Answer]:
    """Return every version of every answer. A flag that a person has cleared is none any more."""
    found: dict[Key, tuple[Recorded, SurveyAnswered]] = {}
    cleared: set[tuple[Key, str]] = set()
    for one in _events(unit):
        event = one.event
        if isinstance(event, SurveyAnswered):
            found[event.survey, one.ticket, event.resolution, event.version] = (one, event)
        elif isinstance(event, SurveyFlagCleared):
            cleared.add(((event.survey, one.ticket, event.resolution, event.version), event.flag))
    return [
        answer
        for key, (one, event) in found.items()
        for answer in _plain(one, event, is_flagged=any((key, flag) not in cleared for flag in event.flags))
    ]


def _events(unit: UnitOfWork) -> Iterator[Recorded]:
    cursor: str | None = None
    while events := unit.events_after(cursor, MAX_BATCH):
        yield from events
        cursor = events[-1].cursor


def _plain(one: Recorded, event: SurveyAnswered, *, is_flagged: bool) -> Iterator[Answer]:
    for score in event.scores:
        given = {name: getattr(score, name) for name in ("code", "lo", "hi", "higher_is_better")}
        yield Answer(
            invitation=f"{event.survey}/{one.ticket}/{event.resolution}",
            question=f"{event.survey}: {score.question}",
            at=one.occurred_at,
            version=event.version,
            flagged=is_flagged,
            locale=event.locale,
            **given,
        )
