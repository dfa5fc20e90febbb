"""`AsyncDesk` has what `Desk` has: every public name, with the same signature, and every argument is handed on."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from supportkit.agents import Agents
from supportkit.aio import (
    AsyncAgents,
    AsyncAutomations,
    AsyncCustomers,
    AsyncDesk,
    AsyncDrafts,
    AsyncEscalations,
    AsyncIncidents,
    AsyncMacros,
    AsyncOutbox,
    AsyncParticipants,
    AsyncPortal,
    AsyncPresence,
    AsyncPrivacy,
    AsyncPromises,
    AsyncQuarantine,
    AsyncRegulation,
    AsyncReports,
    AsyncSurveys,
    AsyncTeams,
    AsyncVendors,
    AsyncViewing,
    DeskArguments,
)
from supportkit.automations import Automations
from supportkit.commitments import Promises, Vendors
from supportkit.customers import Customers
from supportkit.desk import Desk
from supportkit.drafts import Drafts
from supportkit.escalations import Escalations, Regulation
from supportkit.incidents import Incidents
from supportkit.macros import Macros
from supportkit.outbox import Outbox
from supportkit.participants import Participants
from supportkit.portal import Portal
from supportkit.presence import Presence
from supportkit.privacy import Privacy
from supportkit.quarantine import Quarantine
from supportkit.reporting import Reports
from supportkit.surveying.service import Surveys
from supportkit.teams import Teams
from supportkit.viewing import Viewing

TWINS: dict[type, type] = {
    Desk: AsyncDesk,
    Customers: AsyncCustomers,
    Participants: AsyncParticipants,
    Promises: AsyncPromises,
    Vendors: AsyncVendors,
    Outbox: AsyncOutbox,
    Quarantine: AsyncQuarantine,
    Surveys: AsyncSurveys,
    Reports: AsyncReports,
    Presence: AsyncPresence,
    Viewing: AsyncViewing,
    Drafts: AsyncDrafts,
    Macros: AsyncMacros,
    Incidents: AsyncIncidents,
    Automations: AsyncAutomations,
    Agents: AsyncAgents,
    Teams: AsyncTeams,
    Privacy: AsyncPrivacy,
    Portal: AsyncPortal,
    Escalations: AsyncEscalations,
    Regulation: AsyncRegulation,
}
PLAIN = {"now"}
"""What is not awaited, because it looks at the clock only."""
APART = {"joined", "announce"}
"""What only a plain desk has: a connection of the app belongs to the thread in which the app uses it."""
MORE = {"desk", "run_forever"}
"""What an `AsyncDesk` has besides."""


def public(cls: type) -> dict[str, Any]:
    names = {name for name in vars(cls) if not name.startswith("_") or name == "__call__"} - APART
    return {name: value for name, value in vars(cls).items() if name in names}


def methods(cls: type) -> list[str]:
    return [name for name, value in public(cls).items() if inspect.isfunction(value)]


PAIRS = [pytest.param(cls, name, id=f"{cls.__name__}.{name}") for cls in TWINS for name in methods(cls)]
VERBS = [pair for pair in PAIRS if pair.id not in {"Desk.now", "Desk.close", "Desk.transaction"}]


def awaited(annotation: Any) -> Any:
    """Return what the twin of something with this annotation is annotated with."""
    if get_origin(annotation) is Iterator:
        (item,) = get_args(annotation)
        return AsyncGenerator[TWINS.get(item, item), None]
    return TWINS.get(annotation, annotation)


@pytest.mark.parametrize("cls", TWINS, ids=lambda cls: cls.__name__)
def test_the_twin_has_the_same_names_and_no_others(cls: type) -> None:
    more = MORE if cls is Desk else set()
    assert public(TWINS[cls]).keys() == public(cls).keys() | more


@pytest.mark.parametrize(("cls", "name"), PAIRS)
def test_a_method_has_the_signature_of_its_twin(cls: type, name: str) -> None:
    ours = inspect.signature(getattr(cls, name), eval_str=True)
    theirs = inspect.signature(getattr(TWINS[cls], name), eval_str=True)
    assert list(theirs.parameters.values()) == list(ours.parameters.values())
    assert theirs.return_annotation == awaited(ours.return_annotation)


@pytest.mark.parametrize(("cls", "name"), PAIRS)
def test_a_method_is_awaited_or_iterated_where_its_twin_is_called(cls: type, name: str) -> None:
    twin = getattr(TWINS[cls], name)
    iterated = get_origin(inspect.signature(getattr(cls, name), eval_str=True).return_annotation) is Iterator
    assert inspect.iscoroutinefunction(twin) is not (iterated or name in PLAIN)


@pytest.mark.parametrize(("cls", "name"), VERBS)
def test_a_verb_says_where_it_is_described(cls: type, name: str) -> None:
    assert getattr(TWINS[cls], name).__doc__ == f"See `{cls.__name__}.{name}`."


@pytest.mark.parametrize("name", [name for name, value in public(Desk).items() if isinstance(value, property)])
def test_a_property_has_the_type_of_its_twin(name: str) -> None:
    hints = [get_type_hints(getattr(cls, name).fget) for cls in (Desk, AsyncDesk)]
    assert hints[1]["return"] == awaited(hints[0]["return"])


def test_the_constructor_takes_what_the_one_of_the_desk_takes() -> None:
    hints = get_type_hints(Desk.__init__)
    keywords = [
        name for name, one in inspect.signature(Desk.__init__).parameters.items() if one.kind is one.KEYWORD_ONLY
    ]
    assert get_type_hints(DeskArguments) == {name: hints[name] for name in keywords}
    ours, theirs = (inspect.signature(cls.__init__).parameters["storage"] for cls in (Desk, AsyncDesk))
    assert theirs.default == ours.default
    assert get_type_hints(AsyncDesk.__init__)["storage"] == hints["storage"] | Desk


# -- what is handed on -----------------------------------------------------------------------------------------------


def given(method: Callable[..., Any]) -> tuple[list[object], dict[str, object]]:
    """Return one argument for each parameter, no two alike."""
    positional: list[object] = []
    named: dict[str, object] = {}
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        match parameter.kind:
            case inspect.Parameter.KEYWORD_ONLY:
                named[parameter.name] = object()
            case inspect.Parameter.VAR_KEYWORD:
                named |= {"one_more": object(), "and_another": object()}
            case inspect.Parameter.VAR_POSITIONAL:
                positional += [object(), object()]
            case _:
                positional.append(object())
    return positional, named


@contextmanager
def watching(cls: type, name: str, answer: object) -> Iterator[list[tuple[Any, ...]]]:
    """Let a method note its thread and its arguments and answer with *answer*."""
    calls: list[tuple[Any, ...]] = []
    original = getattr(cls, name)
    signature = inspect.signature(original)

    def noted(*args: Any, **kwargs: Any) -> object:
        calls.append((threading.get_ident(), signature.bind(*args, **kwargs).arguments))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cls, name, noted)
        yield calls


def owner(desk: Any, cls: type) -> Any:
    return desk if cls is Desk else getattr(desk, cls.__name__.lower())


@pytest.mark.parametrize(("cls", "name"), [pair for pair in VERBS if pair.id != "Desk.follow"])
def test_a_verb_hands_every_argument_to_its_twin_in_another_thread(cls: type, name: str) -> None:
    positional, named = given(getattr(cls, name))
    answer = object()

    async def call() -> object:
        async with AsyncDesk() as desk:
            return await getattr(owner(desk, cls), name)(*positional, **named)

    with watching(cls, name, answer) as calls:
        assert asyncio.run(call()) is answer
    [(thread, arguments)] = calls
    expected = inspect.signature(getattr(cls, name)).bind(None, *positional, **named).arguments
    assert list(arguments.items())[1:] == list(expected.items())[1:]
    assert thread != threading.get_ident()


@pytest.mark.parametrize(("cls", "name"), [pair for pair in VERBS if pair.id != "Desk.follow"])
def test_an_error_of_a_verb_comes_through_as_it_is(cls: type, name: str) -> None:
    positional, named = given(getattr(cls, name))
    error = LookupError("of this verb")

    def fails(*args: object, **kwargs: object) -> None:
        raise error

    async def call() -> None:
        async with AsyncDesk() as desk:
            await getattr(owner(desk, cls), name)(*positional, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cls, name, fails)
        with pytest.raises(LookupError) as caught:
            asyncio.run(call())
    assert caught.value is error


def test_following_hands_every_argument_to_its_twin() -> None:
    async def call() -> list[object]:
        async with AsyncDesk() as desk:
            return [event async for event in desk.follow("billing", batch=7)]

    with watching(Desk, "follow", (event for event in ["one", "two"])) as calls:
        assert asyncio.run(call()) == ["one", "two"]
    [(_thread, arguments)] = calls
    assert (arguments["name"], arguments["batch"]) == ("billing", 7)
