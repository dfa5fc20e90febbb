"""A lifecycle as a value: states in categories and the triggers between them. Data only; nothing here can carry code.

The values are not checked when they are built, because a state alone cannot know whether its trigger exists:
`Lifecycle.compile` judges the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from supportkit.errors import InvalidLifecycle
from supportkit.lifecycle import plain
from supportkit.model.ticket import StateCategory

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_STATES = 200
MAX_TRANSITIONS = 2_000
MAX_TOML_CHARS = 1_000_000
# A lifecycle has no dotted keys, and the standard parser takes quadratic time for the parts of one key.
MAX_TOML_DOTS = 64

ANY = "*"
SAME = "="


@attrs.frozen(kw_only=True)
class State:
    """A state and what it means.

    Attributes:
        name: The shop's own word, `[a-z][a-z0-9_]{0,63}`.
        category: What rules, clocks and metrics see.
    """

    name: str
    category: StateCategory


@attrs.frozen(kw_only=True)
class Transition:
    """A trigger and where it leads.

    Attributes:
        trigger: Name of what happens, `[a-z][a-z0-9_]{0,63}`.
        sources: The states it may happen in; `("*",)` stands for all of them.
        dest: The state it leads to; `"="` stays in the source state.
    """

    trigger: str
    sources: tuple[str, ...]
    dest: str


@attrs.frozen(kw_only=True)
class LifecycleSpec:
    """All states and transitions of one lifecycle, as written down by a person.

    Attributes:
        name: Name of the lifecycle, `[a-z][a-z0-9_]{0,63}`.
        initial: The state that a new ticket is in; its category is NEW.
        states: At most 200.
        transitions: At most 2,000. One trigger may stand in several, with other sources.
    """

    name: str
    initial: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data (strings, lists, dicts) that `from_dict` reads back into an equal value."""
        return {
            "name": self.name,
            "initial": self.initial,
            "states": [{"name": state.name, "category": state.category.value} for state in self.states],
            "transitions": [
                {"trigger": edge.trigger, "sources": list(edge.sources), "dest": edge.dest} for edge in self.transitions
            ],
        }

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> LifecycleSpec:
        """Read the plain data that `to_dict` writes.

        Raises:
            InvalidLifecycle: A key is missing, unknown or would carry code, a value has the wrong type, or there is too
                much of it. Names are judged later, by `Lifecycle.compile`.
        """
        top = plain.table("the lifecycle", mapping, ("name", "initial", "states", "transitions"))
        states = plain.rows("states", top["states"], MAX_STATES)
        edges = plain.rows("transitions", top["transitions"], MAX_TRANSITIONS)
        return cls(
            name=plain.text("name", top["name"]),
            initial=plain.text("initial", top["initial"]),
            states=tuple(_state(f"states[{at}]", row) for at, row in enumerate(states)),
            transitions=tuple(_transition(f"transitions[{at}]", row) for at, row in enumerate(edges)),
        )

    @classmethod
    def from_toml(cls, text: str) -> LifecycleSpec:
        """Read a lifecycle from TOML: `name`, `initial`, `[[states]]` and `[[transitions]]`.

        Raises:
            InvalidLifecycle: It is not TOML, too large, or not a lifecycle (see `from_dict`).
        """
        import tomllib

        if len(plain.text("the TOML text", text)) > MAX_TOML_CHARS:
            raise InvalidLifecycle(f"the TOML text: at most {MAX_TOML_CHARS} characters are allowed, got {len(text)}")
        for number, line in enumerate(text.splitlines(), start=1):
            if line.count(".") > MAX_TOML_DOTS and not line.lstrip().startswith("#"):
                raise InvalidLifecycle(f"line {number} of the TOML text has a dotted key; a lifecycle has none")
        try:
            data = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: also an integer of thousands of digits
            what = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
            raise InvalidLifecycle(f"the lifecycle is not TOML: {what}") from None
        return cls.from_dict(data)


def _state(where: str, row: object) -> State:
    data = plain.table(where, row, ("name", "category"))
    word = plain.text(f"{where}.category", data["category"])
    categories = tuple(category.value for category in StateCategory)
    if word not in categories:
        raise InvalidLifecycle(f"{where}.category {plain.shown(word)} is unknown; {plain.instead(word, categories)}")
    return State(name=plain.text(f"{where}.name", data["name"]), category=StateCategory(word))


def _transition(where: str, row: object) -> Transition:
    data = plain.table(where, row, ("trigger", "sources", "dest"))
    sources = plain.rows(f"{where}.sources", data["sources"], MAX_STATES)
    return Transition(
        trigger=plain.text(f"{where}.trigger", data["trigger"]),
        sources=tuple(plain.text(f"{where}.sources[{at}]", source) for at, source in enumerate(sources)),
        dest=plain.text(f"{where}.dest", data["dest"]),
    )
