"""Which tickets are no customers' tickets: one filter with an id, which every result names."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from supportkit.model.ticket import ClosingReason, Ticket

_ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*/[1-9][0-9]*")


def _reasons(value: Iterable[ClosingReason | str]) -> frozenset[ClosingReason]:
    return frozenset(ClosingReason(one) for one in value)


def _names(value: Iterable[str]) -> frozenset[str]:
    return frozenset(value)


@attrs.frozen(kw_only=True)
class CohortFilter:
    """What is left out of the numbers, each under a reason that is counted.

    Attributes:
        id: Names the filter with its version in every result; change it when you change the filter.
        reasons: Tickets that were closed for these reasons are left out, under the reason.
        sources: Tickets of these sources are left out, as pairs of source and reason.
        other_sources: Whether every other source that is set means internal work, which is left out as `internal`.
        internal: Ids of customers who are colleagues; their tickets are left out as `internal`.
    """

    id: str = "customers/1"
    reasons: frozenset[ClosingReason] = attrs.field(
        default=frozenset({ClosingReason.SPAM, ClosingReason.MERGED, ClosingReason.DUPLICATE}), converter=_reasons
    )
    sources: tuple[tuple[str, str], ...] = (("test", "test"), ("mystery", "mystery_shopper"))
    other_sources: bool = True
    internal: frozenset[str] = attrs.field(default=frozenset(), converter=_names)

    def __attrs_post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"the id of a filter is like 'customers/1', not {self.id!r}")

    def left_out(self, ticket: Ticket) -> str | None:
        """Return why a ticket is left out, `None` if it counts."""
        if ticket.merged_into is not None and ClosingReason.MERGED in self.reasons:
            return ClosingReason.MERGED.value
        if ticket.reason in self.reasons and ticket.reason is not None:
            return ticket.reason.value
        if ticket.source is not None:
            named = dict(self.sources).get(ticket.source)
            if named is not None or self.other_sources:
                return named or "internal"
        return "internal" if ticket.customer is not None and ticket.customer in self.internal else None


CUSTOMERS = CohortFilter()
"""The default: without spam, merged tickets, duplicates, tests, mystery shoppers and internal work."""

EVERYTHING = CohortFilter(id="none/1", reasons=frozenset(), sources=(), other_sources=False)
"""Leaves nothing out."""
