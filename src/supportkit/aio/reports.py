"""The numbers of an `AsyncDesk`: the verbs of `desk.reports`, awaitable."""

from __future__ import annotations

import attrs

from supportkit.aio.threads import Threads
from supportkit.arguments import When
from supportkit.measures.results import MetricResult
from supportkit.metrics.answers import QuestionScore
from supportkit.metrics.filters import CUSTOMERS, CohortFilter
from supportkit.metrics.kpis import Kpis
from supportkit.metrics.table import FlowTable
from supportkit.reporting import Progress, Reports


@attrs.frozen
class AsyncReports:
    """The verbs of `Reports`, awaitable."""

    _threads: Threads
    _reports: Reports

    async def kpis(
        self,
        since: When | None = None,
        until: When | None = None,
        *,
        zone: str = "UTC",
        at: When | None = None,
        filter: CohortFilter = CUSTOMERS,  # noqa: A002 - as its twin
        calendar: str | None = None,
        topic_field: str | None = None,
        top: int = 20,
        progress: Progress | None = None,
    ) -> Kpis:
        """See `Reports.kpis`."""
        return await self._threads.run(
            self._reports.kpis,
            since,
            until,
            zone=zone,
            at=at,
            filter=filter,
            calendar=calendar,
            topic_field=topic_field,
            top=top,
            progress=progress,
        )

    async def table(
        self,
        *,
        at: When | None = None,
        filter: CohortFilter = CUSTOMERS,  # noqa: A002 - as its twin
        calendar: str | None = None,
        topic_field: str | None = None,
        progress: Progress | None = None,
    ) -> FlowTable:
        """See `Reports.table`."""
        return await self._threads.run(
            self._reports.table, at=at, filter=filter, calendar=calendar, topic_field=topic_field, progress=progress
        )

    async def metric(
        self,
        definition: str,
        since: When | None = None,
        until: When | None = None,
        *,
        zone: str = "UTC",
        at: When | None = None,
    ) -> MetricResult:
        """See `Reports.metric`."""
        return await self._threads.run(self._reports.metric, definition, since, until, zone=zone, at=at)

    async def scores(
        self, since: When | None = None, until: When | None = None, *, zone: str = "UTC", at: When | None = None
    ) -> tuple[QuestionScore, ...]:
        """See `Reports.scores`."""
        return await self._threads.run(self._reports.scores, since, until, zone=zone, at=at)
