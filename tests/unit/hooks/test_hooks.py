"""Plug-ins: found when asked for, checked at the start, isolated from each other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from supportkit.channels.port import Capabilities
from supportkit.channels.printer import Printer
from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.errors import ConfigurationError, PluginError, Refused
from supportkit.hooks import Classification, Hooks, hookimpl
from supportkit.lifecycle import Refusal
from supportkit.model.people import Customer
from supportkit.model.ticket import Priority, Ticket
from supportkit.storage.sql import SqlStorage
from supportkit.templates import Catalog, Layer

KIM = "agent:kim"


def desk(*plugins: object, **more: Any) -> Desk:
    return Desk("sqlite://", plugins=plugins, clock=ManualClock("2026-01-05T09:00:00+00:00"), **more)


# -- one test a hook -------------------------------------------------------------------------------------------------


def test_supportkit_register_channels() -> None:
    class Brings:
        @hookimpl
        def supportkit_register_channels(self, register: Callable[[Any], None]) -> None:
            register(Printer(name="pager"))

    with desk(Brings()) as one:
        assert set(one.channels) == {"pager"}
        assert one.open("x", "y", author=KIM, channel="pager").messages == 1
        assert [row.channel for row in one.outbox()] == ["pager"]


def test_supportkit_register_storages() -> None:
    class Brings:
        @hookimpl
        def supportkit_register_storages(self, register: Callable[[str, Any], None]) -> None:
            register("ram", lambda _url: SqlStorage("sqlite://"))

    with Desk("ram://anything", plugins=[Brings()]) as one:
        assert one.open("x", author=KIM).number == 1


def test_supportkit_register_catalogs() -> None:
    class Ukrainian:
        @hookimpl
        def supportkit_register_catalogs(self, register: Callable[[str, Any], None]) -> None:
            register("uk", {"notices": {"solved": {"subject": "Вирішено", "body": "Вирішено"}}})

    class English:
        @hookimpl
        def supportkit_register_catalogs(self, register: Callable[[str, Any], None]) -> None:
            register("en", {"notices": {"solved": {"body": "Done by the plug-in"}}})

    hooks = Hooks([Ukrainian(), English()], clock=ManualClock("2026-01-05T09:00:00+00:00"))
    layers: list[Layer] = []
    hooks.register_catalogs(
        lambda plugin, locale, texts: layers.append(Layer(locale=locale, texts=texts, source=f"plug-in {plugin}"))
    )
    assert [layer.source for layer in layers] == ["plug-in Ukrainian", "plug-in English"]
    catalog = Catalog(layers)
    values = {"ticket.reference": "K7"}
    assert catalog.render("solved", locale="uk", values=values).body == "Вирішено"
    assert catalog.render("solved", locale="en", values=values).body == "Done by the plug-in"


def test_a_plugin_whose_texts_cannot_be_registered_is_named() -> None:
    class Broken:
        @hookimpl
        def supportkit_register_catalogs(self, register: Callable[[str, Any], None]) -> None:
            register("en", 1 / 0)

    hooks = Hooks([Broken()], clock=ManualClock("2026-01-05T09:00:00+00:00"))
    with pytest.raises(PluginError, match=r"plug-in 'Broken'.*ZeroDivisionError"):
        hooks.register_catalogs(lambda plugin, locale, texts: None)


def test_supportkit_refuse() -> None:
    class FourEyes:
        @hookimpl
        def supportkit_refuse(self, ticket: Ticket | None, command: object) -> Refusal | None:
            if ticket is not None and type(command).__name__ == "Resolve" and ticket.priority is Priority.URGENT:
                return Refusal("four_eyes", "an urgent ticket is resolved by two people")
            return None

    with desk(FourEyes()) as one:
        urgent = one.open("x", author=KIM, priority="urgent")
        with pytest.raises(Refused, match="two people") as caught:
            one.resolve(urgent.id, "done", actor=KIM)
        assert caught.value.refusal.code == "four_eyes"
        assert one.get(urgent.id) == urgent
        assert one.resolve(one.open("y", author=KIM).id, "done", actor=KIM).state == "resolved"


def test_supportkit_classify() -> None:
    seen: list[Customer | None] = []

    class Keywords:
        @hookimpl
        def supportkit_classify(self, command: Any, customer: Customer | None) -> Classification | None:
            seen.append(customer)
            if "outage" in command.subject.casefold():
                return Classification(priority=Priority.URGENT, team="network", tags=("outage",))
            return None

    with desk(Keywords()) as one:
        ann = one.customers.add("Ann")
        hit = one.open("Outage in Berlin", customer=ann.id, tags=["mail"])
        assert (hit.priority, hit.team, hit.tags) == (Priority.URGENT, "network", ("mail", "outage"))
        assert one.open("Hello", author=KIM).priority is Priority.NORMAL
    assert seen == [ann, None]


def test_supportkit_event_recorded() -> None:
    told: list[tuple[int, str, str]] = []

    class Watches:
        @hookimpl
        def supportkit_event_recorded(self, recorded: Any, ticket: Ticket) -> None:
            told.append((recorded.seq, type(recorded.event).__name__, ticket.state))

    with desk(Watches()) as one:
        one.reply(one.open("x", "y", author="customer:ann").id, "z", actor=KIM)
    assert told == [
        (1, "TicketOpened", "new"),
        (2, "MessageReceived", "new"),
        (3, "StateChanged", "open"),
        (4, "ReplyAdded", "open"),
        (5, "ClockStopped", "open"),
    ]


# -- loading ---------------------------------------------------------------------------------------------------------


def test_a_misspelt_hook_is_refused_with_a_suggestion() -> None:
    class Typo:
        @hookimpl
        def supportkit_refuze(self, ticket: object) -> None:
            """Never called."""

    with pytest.raises(PluginError, match="did you mean 'supportkit_refuse'") as caught:
        desk(Typo())
    assert caught.value.plugin == "Typo"


def test_an_argument_that_the_hook_does_not_have_is_refused() -> None:
    class Wrong:
        @hookimpl
        def supportkit_refuse(self, ticket: object, reason: object) -> None:
            """Never called."""

    with pytest.raises(PluginError, match="reason"):
        desk(Wrong())


def test_a_hook_without_its_mark_is_refused_because_nobody_would_call_it() -> None:
    class Unmarked:
        def supportkit_refuse(self, ticket: object, command: object) -> None:
            """Never called."""

    with pytest.raises(PluginError, match="lacks the mark @hookimpl"):
        desk(Unmarked())


def test_two_plugins_with_one_name_are_refused() -> None:
    class Same:
        pass

    with pytest.raises(PluginError, match="taken by another"):
        desk(Same(), Same())


def test_plugin_07_the_others_load_when_one_fails_and_the_check_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Point:
        def __init__(self, name: str, load: Callable[[], object]) -> None:
            self.name, self.load = name, load

    class Good:
        @hookimpl
        def supportkit_refuse(self) -> None:
            return None

    def broken() -> object:
        raise ImportError("no module named secret_thing")

    points = [Point("broken", broken), Point("good", Good)]
    monkeypatch.setattr("supportkit.hooks.manager.metadata.entry_points", lambda group: points if group else [])
    with caplog.at_level(logging.WARNING), desk(discover=True) as one:
        assert "good" in one.hooks.names
        assert [failure.plugin for failure in one.hooks.failures] == ["broken"]
        finding = next(finding for finding in one.check() if finding.code == "plugins")
    assert finding.severity == "error"
    assert "broken" in finding.sentence


def test_nothing_is_discovered_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(group: str) -> list[object]:
        raise AssertionError(group)

    monkeypatch.setattr("supportkit.hooks.manager.metadata.entry_points", never)
    desk().close()


def test_plugin_07_an_adapter_for_another_port_is_refused_by_name() -> None:
    class Future:
        @hookimpl
        def supportkit_register_channels(self, register: Callable[[Any], None]) -> None:
            register(Printer(name="later", capabilities=Capabilities(api=99)))

    with pytest.raises(PluginError, match="version 99 of the port") as caught:
        desk(Future())
    assert caught.value.plugin == "Future"


def test_two_channels_with_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two channels are called 'app'"):
        desk(channels=[Printer(), Printer()])


def test_two_desks_have_their_own_plugins() -> None:
    class Never:
        @hookimpl
        def supportkit_refuse(self) -> Refusal:
            return Refusal("no", "never")

    with desk(Never()) as strict, desk() as free:
        assert free.open("x", author=KIM).number == 1
        with pytest.raises(Refused):
            strict.open("x", author=KIM)


# -- isolation -------------------------------------------------------------------------------------------------------


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    @hookimpl(tryfirst=True)
    def supportkit_event_recorded(self, recorded: object) -> None:
        raise self.error


@pytest.mark.parametrize("error", [ValueError("secret words"), MemoryError(), RecursionError()])
def test_plugin_01_an_observer_that_raises_stops_nobody(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []

    class Watches:
        @hookimpl
        def supportkit_event_recorded(self, recorded: Any) -> None:
            told.append(recorded.seq)

    with caplog.at_level(logging.DEBUG), desk(Raises(error), Watches()) as one:
        assert one.open("x", author=KIM).number == 1
        (failure,) = one.hooks.failures
    assert (failure.plugin, failure.hook, failure.error) == (
        "Raises",
        "supportkit_event_recorded",
        type(error).__name__,
    )
    assert told == [1]
    assert "secret words" not in caplog.text


def test_plugin_01_a_base_exception_goes_through_after_the_commit() -> None:
    with desk(Raises(KeyboardInterrupt())) as one:
        with pytest.raises(KeyboardInterrupt):
            one.open("x", author=KIM)
        assert one.get(1).number == 1


def test_a_guard_that_raises_counts_as_a_refusal() -> None:
    class Broken:
        @hookimpl
        def supportkit_refuse(self) -> Refusal:
            raise RuntimeError

    with desk(Broken()) as one:
        with pytest.raises(Refused) as caught:
            one.open("x", author=KIM)
        assert caught.value.refusal.code == "plugin.failed"
        assert one.find().items == ()


def test_a_guard_that_answers_with_the_wrong_type_counts_as_a_refusal_and_is_named() -> None:
    class Wrong:
        @hookimpl
        def supportkit_refuse(self) -> bool:
            return True

    with desk(Wrong()) as one:
        with pytest.raises(Refused):
            one.open("x", author=KIM)
        assert "returned bool, not a Refusal" in one.hooks.failures[-1].error


def test_a_guard_never_stops_a_message_that_comes_in() -> None:
    class Never:
        shut = False

        @hookimpl
        def supportkit_refuse(self) -> Refusal | None:
            return Refusal("no", "never") if self.shut else None

    never = Never()
    with desk(never) as one:
        opened = one.open("x", author="customer:ann")
        never.shut = True
        assert one.add_message(opened.id, "hello?", author="customer:ann").messages == 1


def test_a_classifier_that_raises_is_passed_over() -> None:
    class Broken:
        @hookimpl(tryfirst=True)
        def supportkit_classify(self) -> Classification:
            raise RuntimeError

    class Works:
        @hookimpl
        def supportkit_classify(self) -> Classification:
            return Classification(priority=Priority.HIGH)

    with desk(Broken(), Works()) as one:
        assert one.open("x", author=KIM).priority is Priority.HIGH
        assert one.hooks.failure_count == 1


def test_plugin_05_a_plugin_cannot_change_what_it_is_given() -> None:
    class Meddles:
        @hookimpl
        def supportkit_event_recorded(self, recorded: Any, ticket: Ticket) -> None:
            ticket.state = "closed"  # type: ignore[misc]

    with desk(Meddles()) as one:
        assert one.open("x", author=KIM).state == "new"
        assert one.get(1).state == "new"
        assert one.hooks.failures[-1].error == "FrozenInstanceError"


# -- verbs from inside hooks -----------------------------------------------------------------------------------------


def test_plugin_06_a_verb_inside_a_decision_is_refused() -> None:
    class Meddles:
        desk: Desk | None = None

        @hookimpl
        def supportkit_refuse(self, ticket: Ticket | None) -> None:
            if self.desk is not None:
                self.desk.tag(ticket.id if ticket else 1, "seen", actor="system")

    meddles = Meddles()
    with desk(meddles) as one:
        opened = one.open("x", author=KIM)
        meddles.desk = one
        with pytest.raises(Refused):
            one.start(opened.id, actor=KIM)
        assert "from inside a decision hook" in one.hooks.failures[-1].error
        assert one.get(opened.id) == opened


@pytest.mark.parametrize("where", ["sqlite://", "file"])
def test_plugin_06_a_verb_inside_an_observer_runs_after_the_commit(where: str, tmp_path: Any) -> None:
    class Tags:
        desk: Desk

        @hookimpl
        def supportkit_event_recorded(self, recorded: Any, ticket: Ticket) -> None:
            if recorded.seq == 1:
                self.desk.tag(ticket.id, "new", actor="system")

    tags = Tags()
    url = where if where != "file" else f"sqlite:///{tmp_path}/desk.db"
    with Desk(url, plugins=[tags]) as one:
        tags.desk = one
        one.open("x", author=KIM)
        assert one.get(1).tags == ("new",)


def test_an_observer_that_goes_round_in_circles_is_stopped() -> None:
    class Endless:
        desk: Desk
        calls = 0

        @hookimpl
        def supportkit_event_recorded(self, recorded: Any, ticket: Ticket) -> None:
            self.calls += 1
            self.desk.note(ticket.id, "again", actor="system")

    endless = Endless()
    with desk(endless) as one:
        endless.desk = one
        one.open("x", author=KIM)
        assert one.hooks.failure_count == 1
        assert "circle" in one.hooks.failures[-1].error
        assert endless.calls < 50


def test_observers_of_two_threads_do_not_mix() -> None:
    lock, seen = threading.Lock(), []

    class Watches:
        @hookimpl
        def supportkit_event_recorded(self, recorded: Any, ticket: Ticket) -> None:
            with lock:
                seen.append((recorded.ticket == ticket.id, recorded.actor.id == ticket.channel))

    with desk(Watches()) as one:
        threads = [
            threading.Thread(
                target=lambda name=name: [one.open("x", author=f"agent:{name}", channel=name) for _ in range(25)]
            )
            for name in ("a", "b", "c", "d")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [(True, True)] * 100


def test_hooks_of_a_plugin_are_listed() -> None:
    hooks = Hooks([Raises(ValueError())], clock=ManualClock())
    assert hooks.names == ("Raises",)
    assert hooks.hooks_of("Raises") == ("supportkit_event_recorded",)
    assert hooks.hooks_of("nobody") == ()


@pytest.mark.parametrize(
    "answer",
    [
        Classification(priority="high"),  # type: ignore[arg-type]
        Classification(team="a\ud800"),
        Classification(team="x" * 201),
        Classification(tags=("x" * 101,)),
        Classification(tags=(" ",)),
    ],
)
def test_a_classification_that_no_ticket_can_take_is_passed_over(answer: Classification) -> None:
    class Odd:
        @hookimpl
        def supportkit_classify(self) -> Classification:
            return answer

    with desk(Odd()) as one:
        made = one.open("x", author=KIM)
        assert (made.priority, made.team, made.tags) == (Priority.NORMAL, None, ())
        assert one.hooks.failure_count == 1
