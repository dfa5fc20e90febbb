"""Which groups of anonymous answers may be shown: none that is small, and none from which a small one can be told."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

SMALLEST_GROUP: Final = 5
"""A group of fewer answers could tell who gave them."""

Group = TypeVar("Group", bound=Hashable)


def hidden_groups(counts: Mapping[Group, int], *, least: int = SMALLEST_GROUP) -> frozenset[Group]:
    """Return the groups to hide: those with fewer than *least* answers, and others that would give them away.

    Whoever knows the total can subtract what is shown. So what is hidden must be two groups with answers or more, and
    *least* answers or more together; the smallest of the others are hidden until that is so. Groups without answers
    tell nothing and stay.
    """
    if least < 1:
        raise ValueError(f"least must be at least 1, not {least}")
    answered = sorted(
        (group for group, count in counts.items() if count > 0), key=lambda group: (counts[group], str(group))
    )
    small = [group for group in answered if counts[group] < least]
    if not small:
        return frozenset()
    hidden = list(small)
    for group in answered[len(small) :]:
        if len(hidden) > 1 and sum(counts[one] for one in hidden) >= least:
            break
        hidden.append(group)
    return frozenset(hidden)
