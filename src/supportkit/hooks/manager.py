"""`Hooks`: the plug-ins of one desk, with one typed method a hook.

pluggy finds and checks plug-ins; the calls are loops of our own, one `try` a plug-in, because pluggy stops at the
first exception.
"""

from __future__ import annotations

import collections
import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import pluggy

from supportkit.clock import Clock
from supportkit.errors import ConfigurationError, PluginError
from supportkit.hooks import specs
from supportkit.lifecycle import Refusal
from supportkit.model.events import HookDue
from supportkit.model.ticket import Priority
from supportkit.text import MAX_NAME, clean

if TYPE_CHECKING:
    from supportkit.channels.port import ChannelAdapter
    from supportkit.model.commands import Command, Open, PairCommand
    from supportkit.model.events import Recorded
    from supportkit.model.people import Customer
    from supportkit.model.ticket import Ticket
    from supportkit.routing.choosing import Choice

_log = logging.getLogger("supportkit.hooks")
_KEPT = 1000
_DEPTH = 16


@attrs.frozen(kw_only=True)
class PluginFailure:
    """A plug-in raised or answered with the wrong type; the others went on. `error` has no words of customers."""

    plugin: str
    hook: str
    error: str
    at: dt.datetime


Answer = TypeVar("Answer")
_Call = tuple[str, Callable[..., Any], tuple[str, ...]]


class Hooks:
    """The plug-ins of one desk.

    Args:
        plugins: Modules or objects with functions marked `hookimpl`.
        discover: Also load what is installed under the entry point group `supportkit.plugins`.
        clock: Tells when a failure happened.

    Raises:
        PluginError: A plug-in has a hook that does not exist or arguments that the hook does not have.
    """

    def __init__(self, plugins: Iterable[object] = (), *, discover: bool = False, clock: Clock) -> None:
        self._clock = clock
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        self._here = threading.local()
        self.failures: collections.deque[PluginFailure] = collections.deque(maxlen=_KEPT)
        self.failure_count = 0
        for plugin in plugins:
            self._register(plugin, None)
        if discover:
            self._discover()
        self._refuse = self._calls("supportkit_refuse")
        self._classify = self._calls("supportkit_classify")
        self._route = self._calls("supportkit_route")
        self._recorded = self._calls("supportkit_event_recorded")
        self._escalated = self._calls("supportkit_escalated")
        self.observes = bool(self._recorded or self._escalated)
        self.guards = bool(self._refuse)
        self.classifies = bool(self._classify)
        self.routes = bool(self._route)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the plug-ins, in the order of registration."""
        return tuple(name for name, _plugin in self._manager.list_name_plugin())

    def hooks_of(self, name: str) -> tuple[str, ...]:
        """Return the hooks that a plug-in implements."""
        plugin = self._manager.get_plugin(name)
        callers = self._manager.get_hookcallers(plugin) if plugin is not None else None
        return tuple(sorted(caller.name for caller in callers or ()))

    # -- loading -----------------------------------------------------------------------------------------------------

    def _register(self, plugin: object, name: str | None) -> None:
        if isinstance(plugin, str):
            raise PluginError(plugin, "give the module or object itself, not its name")
        called = name or getattr(plugin, "__name__", None) or type(plugin).__name__
        try:
            registered = self._manager.register(plugin, name=called)
        except pluggy.PluginValidationError as error:
            self._manager.unregister(name=called)
            raise PluginError(called, _first_line(error)) from error
        except ValueError as error:
            raise PluginError(called, "its name is taken by another plug-in of this desk") from error
        if registered is None:
            raise PluginError(called, "it is blocked")
        self._refuse_misspelt(plugin, called)

    def _refuse_misspelt(self, plugin: object, called: str) -> None:
        """Find hooks that do not exist; pluggy would only tell at the first call."""
        known = {name for name in vars(specs) if name.startswith("supportkit_")}
        for caller in self._manager.get_hookcallers(plugin) or ():
            if caller.name not in known:
                self._manager.unregister(plugin)
                import difflib

                near = difflib.get_close_matches(caller.name, known, n=1)
                meant = f", did you mean {near[0]!r}?" if near else f"; there are: {', '.join(sorted(known))}"
                raise PluginError(called, f"there is no hook {caller.name!r}{meant}")
        marked = {name for name in dir(plugin) if name.startswith("supportkit_")}
        unmarked = sorted(name for name in marked & known if not hasattr(getattr(plugin, name), "supportkit_impl"))
        if unmarked:
            self._manager.unregister(plugin)
            raise PluginError(called, f"{unmarked[0]!r} lacks the mark @hookimpl, so nobody would call it")

    def _discover(self) -> None:
        for point in sorted(metadata.entry_points(group=specs.ENTRY_POINTS), key=lambda point: point.name):
            try:
                self._register(point.load(), point.name)
            except Exception as error:  # noqa: BLE001 - a broken plug-in must not keep the others from loading
                self._note(point.name, "load", error)

    def _calls(self, hook: str) -> tuple[_Call, ...]:
        """Return the implementations of a hook in calling order."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return tuple((impl.plugin_name, impl.function, impl.argnames) for impl in reversed(caller.get_hookimpls()))

    # -- registration ------------------------------------------------------------------------------------------------

    def register_channels(self, register: Callable[[ChannelAdapter], None]) -> None:
        """Let every plug-in register its channels; what one of them does wrong is raised with its name."""
        self._each("supportkit_register_channels", register)

    def register_storages(self, register: Callable[[str, specs.StorageFactory], None]) -> None:
        """Let every plug-in register its storages."""
        self._each("supportkit_register_storages", register)

    def register_catalogs(self, register: Callable[[str, str, Mapping[str, Any]], None]) -> None:
        """Let every plug-in register its texts: *register* is told the plug-in, the locale and the texts."""
        for name in self.names:
            self._each(
                "supportkit_register_catalogs",
                lambda locale, texts, name=name: register(name, locale, texts),
                only=name,
            )

    def _each(self, hook: str, register: Callable[..., None], only: str | None = None) -> None:
        for plugin, function, names in self._calls(hook):
            if only is not None and plugin != only:
                continue
            try:
                function(*[register for name in names if name == "register"])
            except ConfigurationError as error:
                raise PluginError(plugin, str(error)) from error
            except Exception as error:
                raise PluginError(plugin, f"{hook} raised {type(error).__name__}: {error}") from error

    # -- decisions ---------------------------------------------------------------------------------------------------

    @property
    def is_deciding(self) -> bool:
        """Whether this thread is inside a decision hook."""
        return self.deciding != ""

    @property
    def deciding(self) -> str:
        """The plug-in whose decision hook this thread is in; empty outside."""
        return str(getattr(self._here, "deciding", ""))

    def _ask(self, hook: str, call: _Call, given: dict[str, Any], wanted: type[Answer]) -> Answer | None:
        """Call one plug-in's decision.

        Raises:
            PluginError: It answered with something else than the hook promises.
        """
        plugin, function, names = call
        self._here.deciding = plugin
        try:
            answer = function(*[given[name] for name in names])
        finally:
            self._here.deciding = ""
        if answer is None or isinstance(answer, wanted):
            return answer
        raise PluginError(plugin, f"{hook} returned {type(answer).__name__}, not a {wanted.__name__}")

    def refuse(self, ticket: Ticket | None, command: Command | PairCommand) -> Refusal | None:
        """Return the first objection; a plug-in that fails objects with `plugin.failed`."""
        given = {"ticket": ticket, "command": command}
        for call in self._refuse:
            try:
                answer = self._ask("supportkit_refuse", call, given, Refusal)
            except Exception as error:  # noqa: BLE001 - isolation is the point
                self._note(call[0], "supportkit_refuse", error)
                return Refusal("plugin.failed", f"the plug-in {call[0]!r} failed to decide, so the answer is no")
            if answer is not None:
                return answer
        return None

    def classify(self, command: Open, customer: Customer | None) -> specs.Classification | None:
        """Return the first answer; plug-ins that fail are passed over and counted."""
        given = {"command": command, "customer": customer}
        for call in self._classify:
            try:
                answer = self._ask("supportkit_classify", call, given, specs.Classification)
                _usable(call[0], answer)
            except Exception as error:  # noqa: BLE001 - isolation is the point
                self._note(call[0], "supportkit_classify", error)
                continue
            if answer is not None:
                return answer
        return None

    def route(self, command: Open, choice: Choice) -> specs.Route | None:
        """Return the first answer; plug-ins that fail are passed over and counted."""
        given = {"command": command, "choice": choice}
        for call in self._route:
            try:
                answer = self._ask("supportkit_route", call, given, specs.Route)
                if answer is not None and answer.assignee is not None:
                    _check_word(call[0], "a route", "assignee", answer.assignee, MAX_NAME)
            except Exception as error:  # noqa: BLE001 - isolation is the point
                self._note(call[0], "supportkit_route", error)
                continue
            if answer is not None:
                return answer
        return None

    # -- observation -------------------------------------------------------------------------------------------------

    def event_recorded(self, recorded: Recorded, ticket: Ticket) -> None:
        """Tell every observer; one that raises is counted, the others are told all the same.

        An observer may call verbs of the desk, which are observed in turn; a circle of that ends at a fixed depth.
        """
        depth = getattr(self._here, "depth", 0)
        if depth >= _DEPTH:
            raise PluginError("?", f"observers answer each other's events in a circle, {depth} deep")
        self._here.depth = depth + 1
        try:
            self._tell(recorded, ticket)
        finally:
            self._here.depth = depth

    def _tell(self, recorded: Recorded, ticket: Ticket) -> None:
        for plugin, function, names in self._recorded:
            try:
                if names == ("recorded", "ticket"):
                    function(recorded, ticket)
                else:
                    given = {"recorded": recorded, "ticket": ticket}
                    function(*[given[name] for name in names])
            except Exception as error:  # noqa: BLE001 - isolation is the point
                self._note(plugin, "supportkit_event_recorded", error)
        if self._escalated and isinstance(recorded.event, HookDue):
            self._call_escalated(recorded.event.hook, recorded, ticket)

    def _call_escalated(self, hook: str, recorded: Recorded, ticket: Ticket) -> None:
        given = {"hook": hook, "recorded": recorded, "ticket": ticket}
        for plugin, function, names in self._escalated:
            try:
                function(*[given[name] for name in names])
            except Exception as error:  # noqa: BLE001 - isolation is the point
                self._note(plugin, "supportkit_escalated", error)

    def _note(self, plugin: str, hook: str, error: Exception) -> None:
        said = str(error) if isinstance(error, ConfigurationError) else type(error).__name__
        self.failure_count += 1
        self.failures.append(PluginFailure(plugin=plugin, hook=hook, error=said, at=self._clock.now()))
        _log.warning("plug-in %s failed in %s: %s", plugin, hook, said)


def _usable(plugin: str, answer: specs.Classification | None) -> None:
    """Hold a classification against what a ticket can take.

    Raises:
        PluginError: A priority of another type, or a team or tag that is empty, too long or not clean.
    """
    if answer is None:
        return
    if answer.priority is not None and not isinstance(answer.priority, Priority):
        raise PluginError(plugin, f"a classification has a Priority, not a {type(answer.priority).__name__}")
    longest = {"team": MAX_NAME, "tag": 100}
    named = [("team", answer.team)] if answer.team is not None else []
    for what, word in [*named, *(("tag", tag) for tag in answer.tags)]:
        _check_word(plugin, "a classification", what, word, longest[what])


def _check_word(plugin: str, thing: str, what: str, word: object, longest: int) -> None:
    """Refuse a word that a ticket cannot take.

    Raises:
        PluginError: It is no text, empty, too long or not clean.
    """
    if not isinstance(word, str) or clean(word) != word or not 0 < len(word.strip()) <= len(word) <= longest:
        raise PluginError(plugin, f"{thing} has a {what} that is empty, too long or no clean text")


def _first_line(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())
