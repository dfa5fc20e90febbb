"""The regulation: which team, line and person is responsible for a topic, and who stands in for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Self

import attrs

from supportkit.errors import InvalidEscalation
from supportkit.escalation import reading as read
from supportkit.escalation.findings import Finding
from supportkit.escalation.topics import topics_of
from supportkit.model.people import Tier
from supportkit.model.ticket import Ticket
from supportkit.sla.lint import Severity

_DUTY = ("team", "tier", "person", "deputy")


@attrs.frozen(kw_only=True)
class Duty:
    """Who is responsible for one topic.

    Attributes:
        topic: A tag, or a value of the custom field `topic`.
        team: The team; a ticket with this topic that nobody has goes there.
        tier: The line that can solve it.
        person: The owner.
        deputy: Who stands in for the owner.
    """

    topic: str
    team: str | None = None
    tier: int | None = None
    person: str | None = None
    deputy: str | None = None


@attrs.frozen(kw_only=True)
class Responsible:
    """Who is responsible for a ticket now.

    Attributes:
        duty: The row of the regulation.
        acting: The owner, or the first one in the chain of deputies who is not away; `None` where nobody is left.
    """

    duty: Duty
    acting: str | None


@attrs.frozen(kw_only=True)
class Duties:
    """The table of duties; the first topic of a ticket that stands in it counts.

    Attributes:
        duties: The rows.
        deputies: Who stands in for whom, wherever a row does not say it.

    Raises:
        InvalidEscalation: Two rows are about one topic.
    """

    duties: tuple[Duty, ...] = ()
    deputies: tuple[tuple[str, str], ...] = ()
    _by_topic: Mapping[str, Duty] = attrs.field(init=False, eq=False, repr=False)

    @_by_topic.default
    def _index(self) -> Mapping[str, Duty]:
        found: dict[str, Duty] = {}
        for duty in self.duties:
            if duty.topic in found:
                raise InvalidEscalation(f"two rows of the regulation are about {duty.topic!r}")
            found[duty.topic] = duty
        return found

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return what `to_dict` wrote, or what a file describes.

        Raises:
            InvalidEscalation: Something in it is unknown, missing or malformed.
        """
        known = read.table(data, "a regulation", ("topics", "deputies"))
        topics = known.get("topics", {})
        if not isinstance(topics, Mapping):
            raise InvalidEscalation("topics is a table of topics, each with team, tier, person and deputy")
        deputies = known.get("deputies", {})
        if not isinstance(deputies, Mapping):
            raise InvalidEscalation("deputies is a table: who is away, and who stands in")
        pairs = [(read.name(one, "deputies"), read.name(other, "deputies")) for one, other in deputies.items()]
        rows = tuple(_duty(topic, row) for topic, row in topics.items())
        return cls(duties=rows, deputies=tuple(sorted(pairs)))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, ready for JSON or TOML."""
        rows = {
            duty.topic: {key: value for key in _DUTY if (value := getattr(duty, key)) is not None}
            for duty in self.duties
        }
        return {"topics": rows, "deputies": dict(self.deputies)}

    def duty_of(self, ticket: Ticket) -> Duty | None:
        """Return the row that a ticket falls under."""
        return next((self._by_topic[topic] for topic in topics_of(ticket) if topic in self._by_topic), None)

    def responsible(self, ticket: Ticket, *, away: Collection[str] = ()) -> Responsible | None:
        """Return who is responsible for a ticket while some people are *away*; `None` where no row is about it."""
        duty = self.duty_of(ticket)
        if duty is None:
            return None
        return Responsible(duty=duty, acting=next((one for one in self._chain(duty) if one not in away), None))

    def _chain(self, duty: Duty) -> Iterator[str]:
        """Yield the owner and those who stand in, one after the other; it ends, also where the table is a circle."""
        deputies, seen = dict(self.deputies), set[str]()
        following = duty.person
        while following is not None and following not in seen:
            yield following
            seen.add(following)
            own = duty.deputy if following == duty.person else None
            following = own or deputies.get(following)

    def lint(
        self,
        *,
        people: Collection[str] | None = None,
        tiers: Iterable[Tier] = (),
        topics: Iterable[str] = (),
    ) -> list[Finding]:
        """Return what is wrong with the table.

        Args:
            people: Who works here now; without it nobody is taken for gone.
            tiers: The lines of the desk.
            topics: Topics that tickets have, whether the table names them or not.
        """
        levels = {tier.level for tier in tiers}
        found: list[Finding] = []
        for duty in self.duties:
            found += self._about(duty, people, levels)
        for topic in sorted(set(topics) - set(self._by_topic)):
            found.append(_finding("R01", f"nobody is responsible for {topic!r}: it is in no row", topic))
        return found + list(self._circles())

    def _about(self, duty: Duty, people: Collection[str] | None, levels: Collection[int]) -> Iterator[Finding]:
        deputy = duty.deputy or (None if duty.person is None else dict(self.deputies).get(duty.person))
        if duty.person is None and duty.team is None:
            yield _finding("R01", f"nobody is responsible for {duty.topic!r}: it has no person and no team", duty.topic)
        if duty.person is not None and deputy is None:
            yield _finding("R02", f"nobody stands in for {duty.person!r} on {duty.topic!r}", duty.topic)
        if duty.person is not None and deputy == duty.person:
            yield _finding("R03", f"{duty.person!r} stands in for nobody but himself on {duty.topic!r}", duty.topic)
        for one in dict.fromkeys(one for one in (duty.person, deputy) if one is not None):
            if people is not None and one not in people:
                yield _finding("R04", f"{one!r}, who is responsible for {duty.topic!r}, is not here", duty.topic)
        if duty.tier is not None and levels and duty.tier not in levels:
            yield _finding("R05", f"{duty.topic!r} belongs to line {duty.tier}, which does not exist", duty.topic)

    def _circles(self) -> Iterator[Finding]:
        """Find people who stand in for each other in a circle, each circle once."""
        deputies, told = dict(self.deputies), set[str]()
        for start in sorted(deputies):
            path = [start]
            while (following := deputies.get(path[-1])) is not None and following not in path:
                path.append(following)
            if following == start and start not in told and len(path) > 1:
                told.update(path)
                circle = " > ".join([*path, start])
                yield _finding("R03", f"people stand in for each other in a circle: {circle}", start)
            elif following == start and len(path) == 1:
                yield _finding("R03", f"{start!r} stands in for nobody but himself", start)


def _finding(code: str, sentence: str, where: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, sentence=sentence, where=where)


def _duty(topic: Any, row: Any) -> Duty:
    name = read.name(topic, "a topic")
    data, what = read.table(row, f"topic {name!r}", _DUTY), f"topic {name!r}"
    return Duty(
        topic=name,
        team=read.optional_name(data.get("team"), f"{what}, team"),
        tier=None if data.get("tier") is None else read.level(data["tier"], f"{what}, tier"),
        person=read.optional_name(data.get("person"), f"{what}, person"),
        deputy=read.optional_name(data.get("deputy"), f"{what}, deputy"),
    )
