"""An app with a desk for each tenant, as tests and the workers under test both see it. No tests in here.

Everything is told by environment variables, because an engine starts processes of its own: `SHOP_FOLDER`, `SHOP_DESK`
(the URL of the desks, with `{tenant}` in it where each has a database), `SHOP_BROKER` (where the engine keeps jobs).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import pathlib
import secrets
import signal
import sys
import threading
import time

from supportkit import Accepted, Capabilities, Desk, ManualClock
from supportkit.worker import TurnLimits

PERIOD = 2
LIMITS = TurnLimits(lease=dt.timedelta(seconds=2))
CRON_SECONDS_LAST = f"* * * * * */{PERIOD}"
CRON_SECONDS_FIRST = f"*/{PERIOD} * * * * *"
KIM = "agent:kim"


def folder():
    return pathlib.Path(os.environ["SHOP_FOLDER"])


def tenants():
    """Name those that have joined, also while the engine runs."""
    return sorted(path.name for path in (folder() / "tenants").iterdir())


class Line:
    """A provider that keeps a log of what it was sent, and where it is told to kills the worker in the middle of it."""

    name = "line"
    capabilities = Capabilities(family="chat", inbound=False)

    def __init__(self, tenant):
        self.tenant, self.run = tenant, secrets.token_hex(4)

    def send(self, message):
        with contextlib.suppress(FileNotFoundError):
            (folder() / "deadly" / self.tenant).unlink()  # one worker succeeds in this
            self.note("begun", message)
            os.killpg(os.getpgid(0), signal.SIGKILL)
        self.note("taken", message)
        return Accepted("line-" + message.body)

    def note(self, what, message):
        told = {"what": what, "body": message.body, "again": message.possible_duplicate, "run": self.run}
        with (folder() / "calls" / self.tenant).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**told, "at": time.time()}) + "\n")


def make_desk(tenant, **arguments):
    url = os.environ["SHOP_DESK"].format(tenant=tenant)
    return Desk(url, tenant=tenant, channels=[Line(tenant)], **arguments)


def join(tenant, *, resolved=0, answers=0, deadly=False, listed=True):
    """Make a tenant whose deadlines were due weeks ago and whose answers have waited for two hours."""
    clock = ManualClock(dt.datetime.now(dt.UTC) - dt.timedelta(days=30))
    with make_desk(tenant, clock=clock) as desk:
        for number in range(resolved):
            desk.open(f"Printer {number}", "It smokes.", author="customer:bo")
            desk.resolve(number + 1, "Unplugged.", actor=KIM)
        clock.set(dt.datetime.now(dt.UTC) - dt.timedelta(hours=2))
        ann = desk.customers.add("Ann", addresses={"chat": "@ann"}).id
        ticket = desk.open("No sound", "The headset is silent.", customer=ann, channel="line")
        for number in range(answers):
            desk.reply(ticket, f"Answer {number}", actor=KIM)
    if deadly:
        (folder() / "deadly" / tenant).touch()
    if listed:
        (folder() / "tenants" / tenant).touch()


def calls(tenant):
    """Return what the provider was sent, in order."""
    path = folder() / "calls" / tenant
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def state(tenant):
    """Return all that two tenants with the same history have in common: tickets, logs and deliveries."""
    with make_desk(tenant) as desk:
        tickets = [
            (ticket.state, [(type(one.event).__name__, one.actor.kind.value) for one in desk.history(ticket.number)])
            for ticket in sorted(desk.find(limit=100).items, key=lambda ticket: ticket.number)
        ]
        rows = [(row.state.value, row.attempts, row.external_id, row.possible_duplicate) for row in desk.outbox()]
    return tickets, rows


def is_idle(tenant):
    """Tell whether all is sent, and no deadline is due or in somebody's hands."""
    with make_desk(tenant) as desk, desk.storage.begin(tenant, write=False) as unit:
        waiting = unit.timer_backlog(desk.now())
        nothing_soon = waiting.next_due is None or waiting.next_due > desk.now() + dt.timedelta(minutes=5)
        return waiting.due == 0 and nothing_soon and {row.state.value for row in unit.outbox(limit=100)} == {"sent"}


def ready():
    """Say that this worker is up, and end with the tests that started it, however they end."""
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    (folder() / "ready" / str(os.getpgid(0))).touch()


def _end_with_the_tests():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)
