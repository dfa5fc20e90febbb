"""What part of the tickets went well: resolution, first contact, reopening, support lines, promises, coverage."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from supportkit.clock import from_us
from supportkit.measures.proportions import proportion
from supportkit.measures.results import MetricResult, codes_for
from supportkit.metrics.coverage import Contact, Coverage, customer_coverage
from supportkit.metrics.rates import Ended, FirstContact, first_contact_resolution, reopen_rate, resolution_rate
from supportkit.metrics.selection import Repeats, Selection
from supportkit.metrics.table import DONE, NONE, REASONS, REPLIED

ONLY_FIRST = 1 << 1
"""The bits of a ticket that was in line 1 and nowhere else."""


def rates(selection: Selection, repeats: Repeats) -> Iterator[MetricResult]:
    """Yield every rate of tickets but those of promises."""
    yield from outcomes(selection, repeats)
    yield from _touches(selection)
    yield from _counts(selection)
    yield from _tiers(selection)


def outcomes(selection: Selection, repeats: Repeats) -> Iterator[MetricResult]:
    """Yield resolution, first contact resolution and reopening."""
    reasons = selection.table.column("reason")
    ended = (
        Ended(created_at=born, resolutions=resolutions, reason=REASONS[reasons[row]])
        for row, resolutions in selection.resolutions()
        if (born := selection.instant("created", row)) is not None
    )
    yield resolution_rate(ended, cohort=selection.cohort("created"))
    cohort = selection.cohort("first_resolved")
    contacts = (_first_contact(selection, repeats, row) for row in selection.rows)
    yield first_contact_resolution(contacts, cohort=cohort)
    firsts = (one for row in selection.rows if (one := selection.first_resolution(row)) is not None)
    yield reopen_rate(firsts, cohort=cohort)


def _first_contact(selection: Selection, repeats: Repeats, row: int) -> FirstContact:
    table = selection.table
    resolved = table.column("resolved")[row]
    replies: list[dt.datetime] = []
    if table.column("flags")[row] & REPLIED:
        replies.append(from_us(table.column("created")[row] + selection.durations("reply", "calendar")[row]))
    if (second := selection.instant("second_reply", row)) is not None:
        replies.append(second)  # one reply or not: a third one changes nothing
    return FirstContact(
        replies_at=tuple(replies),
        resolved_at=selection.instant("resolved", row),
        reopened_at=selection.instant("reopened", row),
        escalated_at=selection.instant("escalated", row),
        repeated_at=None if resolved == NONE else repeats.after(row, resolved),
    )


def _touches(selection: Selection) -> Iterator[MetricResult]:
    replies, flags = selection.table.column("replies"), selection.table.column("flags")
    done = [row for row in selection.by("resolved") if flags[row] & DONE]
    cohort = selection.cohort("resolved")
    yield proportion(sum(replies[row] == 1 for row in done), len(done), definition="one_touch/1", cohort=cohort)
    few = sum(replies[row] <= 1 for row in done)
    yield proportion(few, len(done), definition="one_touch.lt2/1", cohort=cohort)


def _counts(selection: Selection) -> Iterator[MetricResult]:
    rows, cohort = selection.by("created"), selection.cohort("created")
    for name, column in (("replies", "replies"), ("reopens", "reopens"), ("level_changes", "moves")):
        values = selection.table.column(column)
        total, n = sum(values[row] for row in rows), len(rows)
        warnings = codes_for(n, None, cohort)
        yield MetricResult(value=total if n else None, numerator=total, n=n, definition=f"{name}.sum/1", cohort=cohort,
                           warnings=warnings)  # fmt: skip
        yield MetricResult(value=total / n if n else None, numerator=total, denominator=n, n=n,
                           definition=f"{name}.mean/1", cohort=cohort, warnings=warnings)  # fmt: skip


def escalated_share(selection: Selection) -> MetricResult:
    """Return `escalation.any`: tickets that ever moved to a higher line / tickets."""
    left, rows = selection.table.column("left_up"), selection.by("created")
    k = sum(left[row] != 0 for row in rows)
    return proportion(k, len(rows), definition="escalation.any/1", cohort=selection.cohort("created"))


def _tiers(selection: Selection) -> Iterator[MetricResult]:
    """Count lines from the bits that the table keeps: which were entered, which were left upwards, which was last."""
    table, cohort, rows = selection.table, selection.cohort("created"), selection.by("created")
    entered, left, last, flags, born = (
        table.column(name) for name in ("entered", "left_up", "last_tier", "flags", "born_tier")
    )
    for tier in range(32):
        came = [row for row in rows if entered[row] >> tier & 1]
        if not came:
            continue
        went = sum(left[row] >> tier & 1 for row in came)
        solved = sum(last[row] == tier and bool(flags[row] & DONE) for row in came)
        yield proportion(went, len(came), definition=f"escalation.tier_{tier}/1", cohort=cohort)
        yield proportion(solved, len(came), definition=f"resolved_share.tier_{tier}/1", cohort=cohort)
    yield escalated_share(selection)
    stayed = sum(entered[row] == ONLY_FIRST for row in rows)
    yield proportion(stayed, len(rows), definition="containment.l1/1", cohort=cohort)
    born_first = sum(born[row] == 1 for row in rows)
    yield proportion(stayed, born_first, definition="containment.l1.born_l1/1", cohort=cohort)


# -- promises ----------------------------------------------------------------------------------------------------------


def promises(selection: Selection) -> Iterator[MetricResult]:
    """Yield `sla.attainment.<clock>` of every clock that has promised something to a ticket of the selection.

    The verdicts are those of the clocks as of the instant of the table. What is open and past due is breached there;
    what is open and not yet due is counted as `running`.
    """
    cohort = selection.period.cohort("deadline", selection.now, selection.table.filter)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    gone = Counter(dict(selection.left_out_of_clocks(cohort)))
    inside = selection.within()
    for _row, clock, due, verdict in selection.clocks():
        if inside(due):
            counts[clock][verdict] += 1
    for clock, found in sorted(counts.items()):
        running = {"running": found["running"]} if found["running"] else {}
        where = cohort.leaving_out({**gone, **running})
        judged = found["met"] + found["breached"]
        yield proportion(found["met"], judged, definition=f"sla.attainment.{clock}/1", cohort=where)


# -- coverage ----------------------------------------------------------------------------------------------------------


def coverage(selection: Selection, is_open: Callable[[dt.datetime], bool]) -> Coverage:
    """Compare the contacts with the hours of the desk."""
    zones, where = selection.table.names("zone"), selection.table.column("zone")
    contacts = (
        Contact(at=at, zone=None if (zone := zones[where[row]]) is None else str(zone))
        for row in selection.by("arrival")
        if (at := selection.instant("contact", row)) is not None
    )
    return customer_coverage(contacts, is_open, cohort=selection.cohort("arrival"))
