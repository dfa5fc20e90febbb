"""What every engine is given: one function that does what is due for a tenant, and a plug-in that says "look again".

The truth is in the tables. A job carries the name of a tenant and nothing else, so it may come twice, late, or never:
the next one finds the same work.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable

import attrs

from supportkit.desk import Desk
from supportkit.errors import ConfigurationError
from supportkit.hooks import hookimpl
from supportkit.model.events import Recorded
from supportkit.model.people import SYSTEM
from supportkit.model.ticket import Ticket
from supportkit.worker import TurnLimits, run_due

RUN = "supportkit.run_due"
"""The name under which an engine knows the job of one tenant."""
SWEEP = "supportkit.sweep"
"""The name of the periodic job that asks for a run for each tenant."""
LONGEST = dt.timedelta(minutes=1)
SILENCE = dt.timedelta(seconds=30)

DeskFactory = Callable[[str], Desk]
"""Makes the desk of a tenant. It is called for each run, in the process of the engine, and the desk is closed after."""
Tenants = Callable[[], Iterable[str]]
"""Names the tenants that have work looked for. It is called in each period, so that new ones join by themselves."""
Outcomes = dict[str, dict[str, int]]
"""How often what happened, by kind of work, and under `errors` how often what failed; plain, for any engine."""


def only_default() -> tuple[str, ...]:
    """Name the tenant of a desk that is given none."""
    return ("default",)


def work(make_desk: DeskFactory, tenant: str, limits: TurnLimits = TurnLimits()) -> Outcomes:  # noqa: B008 - frozen
    """Do what is due for *tenant*, in turns, and return what happened.

    It ends when nothing is due, when a turn gets nowhere, or after a minute: then the next run goes on, and an engine
    that is told to stop need not wait for hours of arrears. Safe from any number of processes at once.

    Raises:
        ConfigurationError: *make_desk* gave the desk of another tenant, or cannot make one.
        StorageUnavailable: The database cannot be opened.
    """
    total: dict[str, Counter[str]] = {}
    with make_desk(tenant) as desk:
        if desk.tenant != tenant:
            raise ConfigurationError(f"the desk for the tenant {tenant!r} is that of {desk.tenant!r}")
        end = desk.now() + LONGEST
        goes_on = True
        while goes_on:
            report = run_due(desk, limits=limits, stop=lambda: desk.now() >= end)
            for kind, counts in report.outcomes.items():
                total.setdefault(kind, Counter()).update(counts)
            for _kind, code, _sentence in report.errors:
                total.setdefault("errors", Counter())[code] += 1
            goes_on = report.more and bool(report.outcomes) and desk.now() < end
    return {kind: dict(counts) for kind, counts in total.items()}


@attrs.define(eq=False)
class Nudge:
    """A plug-in that asks for a run after each command: `Desk(url, plugins=[nudge])`.

    It only saves the wait for the next period. What a worker did itself asks for nothing: the same turn goes on to
    what came of it. An engine that cannot be reached is counted in `desk.hooks.failures`, and the verb has succeeded;
    for the next 30 seconds nobody is asked, because a client of a broker that is away may take seconds to give up.

    Attributes:
        tell: Asks for a run for the tenant that it is given; for calls by hand.
    """

    tell: Callable[[str], object]
    _silent_until: dt.datetime | None = attrs.field(default=None, init=False)

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded, ticket: Ticket) -> None:
        """Ask once a command and ticket: at the last of its events."""
        if recorded.seq != ticket.version or recorded.actor == SYSTEM:
            return
        if self._silent_until is not None and recorded.recorded_at < self._silent_until:
            return
        try:
            self.tell(ticket.tenant)
        except Exception:
            self._silent_until = recorded.recorded_at + SILENCE
            raise
        self._silent_until = None
