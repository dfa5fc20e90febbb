"""Tenants (property 37): ids of another tenant are as good as none, and nobody's rows change by what others do."""

from __future__ import annotations

import datetime as dt
import inspect
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest
from tests import servers
from tests.channel_rig import delivery, message
from tests.stories import KIM, play, story_desk
from tests.tenant_watch import watching

from supportkit import Desk, SupportkitError
from supportkit.forgetting import Erased
from supportkit.model.change import OutboxState
from supportkit.model.people import Address
from supportkit.model.ticket import Link, LinkKind
from supportkit.storage import schema
from supportkit.storage.sql import SqlStorage

MINE, THEIRS = "mine", "theirs"
MISSING = "00000000-0000-7000-8000-00000000dead"
MISSING_NUMBER = 4711
ADDRESS = Address(family="chat", value="@ann")


@pytest.fixture(params=["memory", "sqlite", servers.POSTGRESQL, servers.MARIADB])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStorage]:
    with watching() as wrong:
        local = {"memory": "sqlite://", "sqlite": f"sqlite:///{tmp_path / 'support.db'}"}
        if request.param in local:
            made = SqlStorage(local[request.param])
            made.migrate()
            yield made
            made.close()
        else:
            with servers.database(request.param) as url:
                made = servers.opened(url)
                yield made
                made.close()
    assert wrong == []


def rows_of(storage: SqlStorage, tenant: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a tenant, as it lies in the tables."""
    with storage.engine.connect() as connection:
        return {
            name: sorted(
                (tuple(row) for row in connection.execute(table.select().where(table.c.tenant == tenant))), key=repr
            )
            for name, table in schema.metadata.tables.items()
        }


# -- property 37 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_one_tenant_does_every_row_of_the_other_is_the_same(storage: SqlStorage, seed: int) -> None:
    """Both have the same ids, numbers, references, keys and followers, so that a forgotten tenant would hit."""
    theirs = story_desk(storage, seed, tenant=THEIRS)
    play(theirs, seed, 40)
    before = rows_of(storage, THEIRS)
    assert sum(map(len, before.values())) > 100
    strangers = [ticket.id for ticket in theirs.find(limit=500).items]
    mine = story_desk(storage, seed, tenant=MINE)
    assert play(mine, seed, 40) > 20
    assert {row[1] for row in before["supportkit_ticket"]} & {
        row[1] for row in rows_of(storage, MINE)["supportkit_ticket"]
    }
    other = story_desk(storage, seed + 100, tenant="third")
    play(other, seed + 100, 60, strangers)
    file = io.BytesIO()
    mine.export(file)
    story_desk(storage, seed, tenant="fourth").import_(io.BytesIO(file.getvalue()))
    mine.check(deep=True)
    assert rows_of(storage, THEIRS) == before


# -- every verb and every id -----------------------------------------------------------------------------------------

IDS = {
    "ticket", "into", "other", "customer", "links", "messages", "promise", "after", "source", "levels", "query",
    "delivery", "file", "a", "b", "agent", "team", "teams", "deputy", "lead", "token", "reference", "ledger",
    "incident", "message", "who",
}  # fmt: skip
"""Names of parameters that may hold an id of something that is stored, or lead to one."""
NOT_IDS = {
    ("Desk.set_levels", "levels"): "a configuration",
    ("Desk.what_if", "levels"): "a configuration",
    ("Desk.import_", "source"): "a file",
    ("Desk.open", "source"): "a word of the app",
    ("Desk.open", "team"): "a word of the app",
    ("Desk.assign", "team"): "a word of the app",
    ("Desk.move_tier", "team"): "a word of the app",
    ("Customers.consent", "source"): "a word of the app",
    **{
        (method, "agent"): "a word of the app"
        for method in (
            "Desk.next",
            "Desk.queue",
            "Presence.set",
            "Presence.get",
            "Presence.clear",
            "Drafts.save",
            "Drafts.get",
            "Drafts.newer",
            "Drafts.send",
            "Drafts.discard",
            "Viewing.look",
            "Viewing.typing",
            "Viewing.leave",
        )
    },
    **{(method, "team"): "a word of the app" for method in ("Desk.next", "Desk.queue", "Desk.escalate")},
    ("Desk.escalate", "message"): "a text",
    ("Agents.add", "agent"): "a new id",
    ("Teams.add", "team"): "a new id",
    ("Customers.list", "after"): "it is compared with, and never looked up",
    ("Quarantine.list", "after"): "it is compared with, and never looked up",
}
Call = Callable[[Desk, Any, "World"], Any]


@attrs.frozen
class World:
    """What the calling tenant has, and the ids of one that it has not."""

    ticket: str
    message: str
    customer: str
    promise: str
    merged: str
    sent: str
    arrived: str
    file: str
    token: str
    reference: str
    agent: str
    team: str


def _ticket_verbs() -> dict[tuple[str, str], Call]:
    on: dict[str, Callable[[Desk, Any], Any]] = {
        "add_message": lambda d, x: d.add_message(x, "hello"),
        "reply": lambda d, x: d.reply(x, "hello", actor=KIM),
        "ask": lambda d, x: d.ask(x, "hello", actor=KIM),
        "note": lambda d, x: d.note(x, "hello", actor=KIM),
        "start": lambda d, x: d.start(x, actor=KIM),
        "hold": lambda d, x: d.hold(x, actor=KIM),
        "resume": lambda d, x: d.resume(x, actor=KIM),
        "resolve": lambda d, x: d.resolve(x, "done", actor=KIM),
        "reopen": lambda d, x: d.reopen(x, actor=KIM),
        "end": lambda d, x: d.end(x, actor=KIM, reason="solved"),
        "fire": lambda d, x: d.fire(x, "start", actor=KIM),
        "assign": lambda d, x: d.assign(x, assignee="lee", actor=KIM),
        "move_tier": lambda d, x: d.move_tier(x, 2, actor=KIM),
        "escalate": lambda d, x: d.escalate(x, actor=KIM),
        "deescalate": lambda d, x: d.deescalate(x, actor=KIM),
        "set_priority": lambda d, x: d.set_priority(x, "high", actor=KIM),
        "set_subject": lambda d, x: d.set_subject(x, "other", actor=KIM),
        "set_customer": lambda d, x: d.set_customer(x, None, actor=KIM),
        "set_fields": lambda d, x: d.set_fields(x, {"a": 1}, actor=KIM),
        "tag": lambda d, x: d.tag(x, "a", actor=KIM),
        "followers": lambda d, x: d.followers(x, "lee", actor=KIM),
        "promise": lambda d, x: d.promise(x, "soon", "2026-03-01T09:00:00+00:00", actor=KIM),
        "set_due": lambda d, x: d.set_due(x, "RESOLUTION", "2026-03-01T09:00:00+00:00", actor=KIM),
        "apply_policy": lambda d, x: d.apply_policy(x, actor=KIM),
        "clocks": lambda d, x: d.clocks(x),
        "explain": lambda d, x: d.explain(x),
        "unmerge": lambda d, x: d.unmerge(x, actor=KIM),
        "get": lambda d, x: d.get(x),
        "history": lambda d, x: d.history(x),
        "messages": lambda d, x: d.messages(x),
        "notes": lambda d, x: d.notes(x),
        "answer_in_public": lambda d, x: d.answer_in_public(x, actor=KIM),
        "move_to_private": lambda d, x: d.move_to_private(x, actor=KIM),
        "continuation_link": lambda d, x: d.continuation_link(x),
        "legs": lambda d, x: d.legs(x),
        "suggestions": lambda d, x: d.suggestions(x),
        "switch_channel": lambda d, x: d.switch_channel(x, "pigeon", actor=KIM),
        "candidates": lambda d, x: d.candidates(x),
        "revoke_tokens": lambda d, x: d.revoke_tokens(x, actor=KIM),
    }
    return {(f"Desk.{name}", "ticket"): lambda d, x, _w, call=call: call(d, x) for name, call in on.items()}


CALLS: dict[tuple[str, str], Call] = {
    **_ticket_verbs(),
    ("Desk.open", "customer"): lambda d, x, _w: d.open("new", customer=x, author=KIM),
    ("Desk.open", "links"): lambda d, x, _w: d.open("new", author=KIM, links=[Link(LinkKind.RELATED, x)]),
    ("Desk.set_customer", "customer"): lambda d, x, w: d.set_customer(w.ticket, x, actor=KIM),
    ("Desk.merge", "ticket"): lambda d, x, w: d.merge(x, w.ticket, actor=KIM),
    ("Desk.merge", "into"): lambda d, x, w: d.merge(w.ticket, x, actor=KIM),
    ("Desk.link", "ticket"): lambda d, x, w: d.link(x, "related", w.ticket, actor=KIM),
    ("Desk.link", "other"): lambda d, x, w: d.link(w.ticket, "related", x, actor=KIM),
    ("Desk.unlink", "ticket"): lambda d, x, w: d.unlink(x, "related", w.ticket, actor=KIM),
    ("Desk.unlink", "other"): lambda d, x, w: d.unlink(w.ticket, "related", x, actor=KIM),
    ("Desk.split", "ticket"): lambda d, x, w: d.split(x, [w.message], "part", actor=KIM),
    ("Desk.split", "messages"): lambda d, x, w: d.split(w.ticket, [x], "part", actor=KIM),
    ("Desk.find", "query"): lambda d, x, _w: d.find(customers=x).items,
    ("Customers.get", "customer"): lambda d, x, _w: d.customers.get(x),
    ("Customers.update", "customer"): lambda d, x, _w: d.customers.update(x, name="other"),
    ("Customers.card", "customer"): lambda d, x, _w: d.customers.card(x),
    ("Customers.consent", "customer"): lambda d, x, _w: d.customers.consent(x, "surveys", allowed=True),
    ("Privacy.erase", "customer"): lambda d, x, _w: d.privacy.erase(x, actor=KIM),
    ("Privacy.export", "customer"): lambda d, x, _w: d.privacy.export(x),
    ("Privacy.reapply", "ledger"): lambda d, x, _w: tuple(
        d.privacy.reapply([Erased(customer=x, people=(x,), at=d.now())])
    ),
    ("Portal.issue", "customer"): lambda d, x, _w: d.portal.issue(x),
    ("Portal.open", "token"): lambda d, x, _w: d.portal.open(x),
    ("Portal.tickets", "token"): lambda d, x, _w: d.portal.tickets(x),
    ("Portal.ticket", "token"): lambda d, x, w: d.portal.ticket(x, w.reference),
    ("Portal.ticket", "reference"): lambda d, x, w: d.portal.ticket(w.token, x),
    ("Portal.revoke", "customer"): lambda d, x, _w: (None,) * d.portal.revoke(x),
    ("Agents.add", "teams"): lambda d, x, _w: d.agents.add("new", teams=[x]),
    ("Agents.add", "deputy"): lambda d, x, _w: d.agents.add("new", deputy=x),
    ("Agents.get", "agent"): lambda d, x, _w: d.agents.get(x),
    ("Agents.change", "agent"): lambda d, x, _w: d.agents.change(x, tier=2),
    ("Agents.remove", "agent"): lambda d, x, _w: d.agents.remove(x),
    ("Agents.list", "team"): lambda d, x, _w: d.agents.list(team=x),
    ("Teams.add", "lead"): lambda d, x, _w: d.teams.add("new", lead=x),
    ("Teams.get", "team"): lambda d, x, _w: d.teams.get(x),
    ("Teams.change", "team"): lambda d, x, _w: d.teams.change(x, tier=2),
    ("Teams.remove", "team"): lambda d, x, _w: d.teams.remove(x),
    ("Teams.members", "team"): lambda d, x, _w: d.teams.members(x),
    ("Customers.merge", "a"): lambda d, x, w: d.customers.merge(x, w.customer, actor=KIM),
    ("Customers.merge", "b"): lambda d, x, w: d.customers.merge(w.customer, x, actor=KIM),
    ("Customers.unmerge", "customer"): lambda d, x, _w: d.customers.unmerge(x, actor=KIM),
    ("Customers.start_verification", "customer"): lambda d, x, _w: d.customers.start_verification(x, ADDRESS),
    ("Customers.confirm", "customer"): lambda d, x, _w: d.customers.confirm(x, ADDRESS, "12345678"),
    ("Promises.make", "ticket"): lambda d, x, _w: d.promises.make(x, "soon", "2026-03-01T09:00:00+00:00", actor=KIM),
    ("Promises.move", "ticket"): lambda d, x, w: d.promises.move(x, w.promise, "2026-03-01T09:00:00+00:00", actor=KIM),
    ("Promises.move", "promise"): lambda d, x, w: d.promises.move(w.ticket, x, "2026-03-01T09:00:00+00:00", actor=KIM),
    ("Promises.keep", "ticket"): lambda d, x, w: d.promises.keep(x, w.promise, actor=KIM),
    ("Promises.keep", "promise"): lambda d, x, w: d.promises.keep(w.ticket, x, actor=KIM),
    ("Promises.cancel", "ticket"): lambda d, x, w: d.promises.cancel(x, w.promise, actor=KIM),
    ("Promises.cancel", "promise"): lambda d, x, w: d.promises.cancel(w.ticket, x, actor=KIM),
    ("Vendors.hand_over", "ticket"): lambda d, x, _w: d.vendors.hand_over(x, "maker", actor=KIM),
    ("Vendors.write", "ticket"): lambda d, x, _w: d.vendors.write(x, "maker", "hello", actor=KIM),
    ("Escalations.explain", "ticket"): lambda d, x, _w: d.escalations.explain(x),
    ("Escalations.handovers", "ticket"): lambda d, x, _w: d.escalations.handovers(x),
    ("Escalations.signal", "ticket"): lambda d, x, _w: d.escalations.signal(x, "sad", actor=KIM),
    ("Escalations.acknowledge", "ticket"): lambda d, x, _w: d.escalations.acknowledge(x, "sad", actor=KIM),
    ("Regulation.responsible", "ticket"): lambda d, x, _w: d.regulation.responsible(x),
    ("Vendors.pause", "ticket"): lambda d, x, _w: d.vendors.pause(x, "maker", actor=KIM),
    ("Vendors.resume", "ticket"): lambda d, x, _w: d.vendors.resume(x, "maker", actor=KIM),
    ("Vendors.take_back", "ticket"): lambda d, x, _w: d.vendors.take_back(x, "maker", actor=KIM),
    ("Desk.original", "message"): lambda d, x, _w: d.original(x),
    ("Participants.list", "ticket"): lambda d, x, _w: d.participants.list(x),
    ("Participants.add", "ticket"): lambda d, x, w: d.participants.add(x, w.customer, actor=KIM),
    ("Participants.add", "who"): lambda d, x, w: d.participants.add(w.ticket, x, actor=KIM),
    ("Participants.remove", "ticket"): lambda d, x, w: d.participants.remove(x, w.customer, actor=KIM),
    ("Participants.remove", "who"): lambda d, x, w: d.participants.remove(w.ticket, x, actor=KIM),
    ("Surveys.invitations", "ticket"): lambda d, x, _w: d.surveys.invitations(x),
    ("Surveys.clear_flag", "ticket"): lambda d, x, _w: d.surveys.clear_flag(x, "csat", "too_fast", actor=KIM),
    ("Automations.log", "ticket"): lambda d, x, _w: d.automations.log(x),
    ("Automations.preview", "ticket"): lambda d, x, _w: d.automations.preview(x, "rule"),
    ("Drafts.save", "ticket"): lambda d, x, _w: d.drafts.save(x, "kim", "hello"),
    ("Drafts.get", "ticket"): lambda d, x, _w: d.drafts.get(x, "kim"),
    ("Drafts.list", "ticket"): lambda d, x, _w: d.drafts.list(x),
    ("Drafts.newer", "ticket"): lambda d, x, _w: d.drafts.newer(x, "kim"),
    ("Drafts.send", "ticket"): lambda d, x, _w: d.drafts.send(x, "kim"),
    ("Drafts.discard", "ticket"): lambda d, x, _w: d.drafts.discard(x, "kim"),
    ("Viewing.look", "ticket"): lambda d, x, _w: d.viewing.look(x, "kim"),
    ("Viewing.typing", "ticket"): lambda d, x, _w: d.viewing.typing(x, "kim"),
    ("Viewing.leave", "ticket"): lambda d, x, _w: d.viewing.leave(x, "kim"),
    ("Viewing.list", "ticket"): lambda d, x, _w: d.viewing.list(x),
    ("Macros.apply", "ticket"): lambda d, x, _w: d.macros.apply(x, "macro", actor=KIM),
    ("Macros.preview", "ticket"): lambda d, x, _w: d.macros.preview(x, "macro", actor=KIM),
    ("Incidents.add", "incident"): lambda d, x, w: d.incidents.add(x, w.ticket, actor=KIM),
    ("Incidents.add", "ticket"): lambda d, x, w: d.incidents.add(w.ticket, x, actor=KIM),
    ("Incidents.tickets", "incident"): lambda d, x, _w: d.incidents.tickets(x),
    ("Incidents.answer", "incident"): lambda d, x, _w: d.incidents.answer(x, "hello", actor=KIM),
    ("Incidents.resolve", "incident"): lambda d, x, _w: d.incidents.resolve(x, "done", actor=KIM),
    ("Outbox.__call__", "ticket"): lambda d, x, _w: d.outbox(x),
    ("Outbox.get", "delivery"): lambda d, x, _w: d.outbox.get(x),
    ("Outbox.retry", "delivery"): lambda d, x, _w: d.outbox.retry(x, by=KIM),
    ("Outbox.settle", "delivery"): lambda d, x, _w: d.outbox.settle(x, "sent", by=KIM),
    ("Desk.file", "file"): lambda d, x, _w: d.file(x),
    ("Quarantine.show", "delivery"): lambda d, x, _w: d.quarantine.show(x),
    ("Quarantine.export", "delivery"): lambda d, x, _w: d.quarantine.export(x),
    ("Quarantine.fix", "delivery"): lambda d, x, _w: d.quarantine.fix(x, b"{}"),
    ("Quarantine.reprocess", "delivery"): lambda d, x, _w: d.quarantine.reprocess(x),
}
WITHOUT_IDS = {
    "Desk.close", "Desk.now", "Desk.set_levels", "Desk.what_if", "Desk.counts", "Desk.follow", "Desk.tick",
    "Desk.deliver_outbox", "Desk.purge", "Desk.export", "Desk.import_", "Desk.transaction", "Desk.check",
    "Customers.add", "Customers.list", "Desk.joined", "Desk.announce", "Desk.receive", "Desk.process_inbox",
    "Quarantine.list", "Quarantine.purge", "Desk.channel_states", "Privacy.resume", "Privacy.ledger",
    "Teams.list", "Teams.lint", "Escalations.lint", "Regulation.lint", "Desk.next", "Desk.queue",
    "Macros.get", "Macros.list", "Macros.remove", "Macros.save", "Outbox.pauses", "Outbox.resume",
    "Presence.clear", "Presence.get", "Presence.list", "Presence.set", "Reports.kpis", "Reports.metric",
    "Reports.scores", "Reports.table", "Surveys.add", "Surveys.anonymous", "Surveys.get", "Surveys.handle",
    "Surveys.list",
}  # fmt: skip
"""Public methods that take no id; one that is new has to be put here, or into the table above."""


def services() -> Iterator[type]:
    """Yield `Desk` and the classes of its properties that carry out verbs."""
    yield Desk
    for value in vars(Desk).values():
        if isinstance(value, property) and value.fget is not None:
            kind = get_type_hints(value.fget).get("return")
            if attrs.has(kind) and "_runner" in {field.name for field in attrs.fields(kind)}:
                yield kind


def methods() -> Iterator[tuple[str, list[str]]]:
    """Yield each public method with its parameters."""
    for cls in services():
        for name, value in vars(cls).items():
            if (not name.startswith("_") or name == "__call__") and inspect.isfunction(value):
                yield f"{cls.__name__}.{name}", list(inspect.signature(value).parameters)[1:]


def test_every_public_method_says_which_of_its_arguments_are_ids() -> None:
    known = {method for method, _argument in CALLS} | WITHOUT_IDS
    assert {method for method, _parameters in methods()} == known
    ids = {(method, name) for method, parameters in methods() for name in parameters if name in IDS}
    assert ids - NOT_IDS.keys() == CALLS.keys()
    assert len(CALLS) > 50


@pytest.fixture(scope="module")
def two_tenants() -> tuple[Desk, World, World]:
    """Give a desk with the ids that it has, and those that only the other tenant has."""
    storage = SqlStorage("sqlite://")
    storage.migrate()
    worlds = {}
    for seed, tenant in ((1, MINE), (2, THEIRS)):
        desk = story_desk(storage, seed, tenant=tenant)
        ann = desk.customers.add("Ann")
        for _ in range(seed * 3):
            ticket = desk.open("printer", "It smokes.", customer=ann.id, channel="chat")
        desk.vendors.hand_over(ticket, "maker", actor=KIM)
        desk.reply(ticket, "Please wait.", actor=KIM)
        promised = desk.promises.make(ticket, "soon", "2026-02-01T09:00:00+00:00", actor=KIM)
        merged = desk.open("the same", customer=ann.id)
        desk.merge(merged, ticket, actor=KIM)
        message = desk.messages(ticket)[0].id
        sent, arrived, file = came_in(desk, ticket.id)
        desk.teams.add(f"team of {tenant}")
        desk.agents.add(f"agent of {tenant}")
        worlds[tenant] = World(
            ticket=ticket.id,
            message=message,
            customer=ann.id,
            promise=promised.promises[0],
            merged=merged.id,
            sent=sent,
            arrived=arrived,
            file=file,
            token=desk.portal.issue(ann),
            reference=ticket.reference,
            agent=f"agent of {tenant}",
            team=f"team of {tenant}",
        )
    mine = story_desk(storage, 3, tenant=MINE)
    mine.continuation_link(worlds[MINE].ticket)  # keys are made once, by whoever needs them first
    return mine, worlds[MINE], worlds[THEIRS]


def came_in(desk: Desk, ticket: str) -> tuple[str, str, str]:
    """Return the ids of a delivery of a ticket that nobody is sure of, one in quarantine, and a file."""
    sent = desk.outbox(ticket)[0]
    with desk.storage.begin(desk.tenant) as unit:
        claimed = unit.claim_outbox(desk.now(), lease=dt.timedelta(minutes=1), worker="w")
        assert claimed is not None
        unit.settle_outbox(claimed[0], state=OutboxState.UNKNOWN, now=desk.now())
        sent = claimed[0]
    desk.receive("pigeon", delivery(message("m1", "bob", "Hello", files=[("a.txt", "hello")])))
    desk.receive("pigeon", delivery({"id": "m2", "from": "bob"}))
    desk.process_inbox()
    (with_file,) = desk.find(channels="pigeon").items
    return sent.id, desk.quarantine.list()[0].id, desk.messages(with_file)[0].attachments[0].id


def foreign_ids(argument: str, theirs: World) -> list[tuple[Any, Any]]:
    """Return pairs of an id that the other tenant has and one that nobody has."""
    known = {
        "customer": [theirs.customer],
        "who": [theirs.customer],
        "message": [theirs.message],
        "a": [theirs.customer],
        "b": [theirs.customer],
        "query": [theirs.customer],
        "messages": [theirs.message],
        "promise": [theirs.promise],
        "delivery": [theirs.sent, theirs.arrived],
        "file": [theirs.file],
        "links": [theirs.ticket],
        "ledger": [theirs.customer],
        "token": [theirs.token],
        "reference": [theirs.reference],
        "agent": [theirs.agent],
        "deputy": [theirs.agent],
        "lead": [theirs.agent],
        "team": [theirs.team],
        "teams": [theirs.team],
    }.get(argument)
    if known is None:
        return [(theirs.ticket, MISSING), (theirs.merged, MISSING), (6, MISSING_NUMBER)]
    return [(one, MISSING) for one in known]


def outcome(call: Call, desk: Desk, given: Any, world: World) -> tuple[str, str, str]:
    """Return class, code and text of what a call raises, or its result, without the id."""
    try:
        result = call(desk, given, world)
    except SupportkitError as error:
        return type(error).__name__, error.code, str(error).replace(repr(given), "ID").replace(str(given), "ID")
    return "", "", repr(result)


@pytest.mark.parametrize(("method", "argument"), CALLS)
def test_an_id_of_another_tenant_is_answered_like_one_that_nobody_has(
    two_tenants: tuple[Desk, World, World], method: str, argument: str
) -> None:
    desk, mine, theirs = two_tenants
    before = rows_of(desk.storage, THEIRS), rows_of(desk.storage, MINE)  # type: ignore[arg-type]
    for foreign, missing in foreign_ids(argument, theirs):
        answers = [outcome(CALLS[method, argument], desk, given, mine) for given in (foreign, missing)]
        assert answers[0] == answers[1]
        assert answers[0][0] or answers[0][2] == "()", "it was found, or made"
    after = rows_of(desk.storage, THEIRS), rows_of(desk.storage, MINE)  # type: ignore[arg-type]
    assert after[0] == before[0]
    changed = {name for name in after[1] if after[1][name] != before[1][name]}
    assert changed <= {"supportkit_counter"}


def test_names_and_keys_of_another_tenant_stand_for_nothing(two_tenants: tuple[Desk, World, World]) -> None:
    desk, _mine, _theirs = two_tenants
    theirs = story_desk(desk.storage, 9, tenant=THEIRS)
    theirs.open("printer", author=KIM, idempotency_key="shared")
    last = list(theirs.follow("reports"))
    fourth = story_desk(desk.storage, 10, tenant="fourth")
    assert fourth.open("scanner", author=KIM, idempotency_key="shared").subject == "scanner"
    assert [recorded.tenant for recorded in fourth.follow("reports")] == ["fourth"]
    assert last
