"""`AsyncDesk`: the verbs of `Desk`, awaitable; nothing else in the library knows asyncio.

Every call is made by `Desk` itself in a worker thread, so there is one set of rules and no second way to the database.
"""

from __future__ import annotations

from supportkit.aio.desk import AsyncDesk, DeskArguments
from supportkit.aio.lines import AsyncEscalations, AsyncRegulation
from supportkit.aio.people import AsyncAgents, AsyncPortal, AsyncPresence, AsyncPrivacy, AsyncTeams
from supportkit.aio.reports import AsyncReports
from supportkit.aio.services import (
    AsyncCustomers,
    AsyncOutbox,
    AsyncParticipants,
    AsyncPromises,
    AsyncQuarantine,
    AsyncSurveys,
    AsyncVendors,
)

__all__ = [
    "AsyncAgents",
    "AsyncCustomers",
    "AsyncDesk",
    "AsyncEscalations",
    "AsyncOutbox",
    "AsyncParticipants",
    "AsyncPortal",
    "AsyncPresence",
    "AsyncPrivacy",
    "AsyncPromises",
    "AsyncQuarantine",
    "AsyncRegulation",
    "AsyncReports",
    "AsyncSurveys",
    "AsyncTeams",
    "AsyncVendors",
    "DeskArguments",
]
