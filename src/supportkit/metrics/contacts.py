"""Counts of a telephone or chat queue: abandonment and service level, whose variants have ids of their own."""

from __future__ import annotations

from supportkit.measures.checks import count, part_of
from supportkit.measures.proportions import proportion
from supportkit.measures.results import Cohort, MetricResult

ARRIVED = Cohort(basis="arrival")


def abandonment_rate(
    offered: int, abandoned: int, *, short: int = 0, exclude_short: bool = True, cohort: Cohort = ARRIVED
) -> MetricResult:
    """Return `abandonment`: (abandoned - short) / (offered - short), or `.with_short`: abandoned / offered.

    Args:
        offered: Contacts that came.
        abandoned: Of those, given up while waiting.
        short: Of those, given up at once; say in the report what "at once" is.
        exclude_short: Whether short ones leave both sides.
        cohort: The contacts.

    Raises:
        ValueError: Counts that are none, or not part of each other.
    """
    gave_up, came = part_of(abandoned, offered, "abandonment")
    quick, _ = part_of(short, gave_up, "short abandonment")
    if exclude_short:
        where = cohort.leaving_out({"short": quick}) if quick else cohort
        return proportion(gave_up - quick, came - quick, definition="abandonment/1", cohort=where)
    return proportion(gave_up, came, definition="abandonment.with_short/1", cohort=cohort)


def service_level(
    answered_in_threshold: int,
    answered: int,
    abandoned: int,
    *,
    short: int = 0,
    flowouts: int = 0,
    count_abandoned: bool = True,
    count_short: bool = True,
    count_flowouts: bool = False,
    cohort: Cohort = ARRIVED,
) -> MetricResult:
    """Return the share answered in time. What the denominator counts is in the id: four legal answers, four ids.

    `service_level.answered`, `.answered_plus_abandoned` (the default), `.answered_plus_long_abandoned` (without short
    ones) and `.with_flowouts`.

    Args:
        answered_in_threshold: Answered in time.
        answered: All that were answered.
        abandoned: All that gave up.
        short: Of those, at once.
        flowouts: Contacts that flowed out to another queue.
        count_abandoned: Whether those that gave up are in the denominator.
        count_short: Whether those that gave up at once are.
        count_flowouts: Whether those that flowed out are.
        cohort: The contacts.

    Raises:
        ValueError: Counts that are none, or not part of each other.
    """
    in_time, whole = part_of(answered_in_threshold, answered, "a service level")
    quick, gave_up = part_of(short, abandoned, "short abandonment")
    name = "answered"
    if count_abandoned:
        whole += gave_up if count_short else gave_up - quick
        name = "answered_plus_abandoned" if count_short else "answered_plus_long_abandoned"
    out = count(flowouts, "flowouts")
    if count_flowouts:
        whole += out
        name = "with_flowouts" if name == "answered_plus_abandoned" else f"{name}.with_flowouts"
    return proportion(in_time, whole, definition=f"service_level.{name}/1", cohort=cohort)
