"""Long texts and channels with a limit: one row of the outbox a part, and the text of a part when it is sent.

Parts are not stored: the same text, limit and marker always give the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from supportkit.channels.port import ChannelAdapter
from supportkit.channels.splitting import MARKER, split
from supportkit.engine.effects import Effects
from supportkit.errors import LimitExceeded
from supportkit.model.change import Outgoing

MARKERS = {"zh": "（{part}/{parts}）", "ja": "（{part}/{parts}）"}  # noqa: RUF001 - brackets as wide as the letters
"""What ends each part but the last, where a language does not write it as ` (1/3)`."""


def parts_of(body: str, adapter: ChannelAdapter, locale: str | None) -> tuple[str, ...]:
    """Return a text as a channel takes it: whole, or in parts.

    Raises:
        LimitExceeded: It needs more parts than the channel allows; the error names its limit.
    """
    able = adapter.capabilities
    if able.max_body_chars is None:
        return (body,)
    marker = MARKERS.get((locale or "").split("-", 1)[0], MARKER)
    try:
        return split(body, able.max_body_chars, unit=able.length_unit, max_parts=able.max_parts, marker=marker)
    except LimitExceeded as error:
        raise LimitExceeded(
            f"parts of one text on channel {adapter.name}",
            able.max_parts,
            error.got,
            f"parts of {able.max_body_chars} {able.length_unit}; shorten it, or send it by e-mail or as a file",
        ) from None


def divide(rows: Effects, limited: Mapping[str, ChannelAdapter], locales: Mapping[str, str | None]) -> None:
    """Queue each part of what agents wrote for a channel that has a limit.

    Args:
        rows: What is about to be written.
        limited: The channels with a limit.
        locales: The language of each ticket, by its id.

    Raises:
        LimitExceeded: A text needs more parts than its channel allows; nothing is queued.
    """
    bodies = {message.id: message.body for message in rows.messages}
    divided: list[Outgoing] = []
    for row in rows.outbox:
        adapter = limited.get(row.channel)
        divided.append(row)
        if adapter is None or row.part != 1 or row.message not in bodies:
            continue
        count = len(parts_of(bodies[row.message], adapter, locales.get(row.ticket)))
        divided += [attrs.evolve(row, id=f"{row.message}.{part}", part=part) for part in range(2, count + 1)]
    rows.outbox = divided


def texts_of(body: str, adapter: ChannelAdapter, locale: str | None) -> tuple[str, ...]:
    """Return the parts of a text that was queued; whole where its channel would refuse it by now."""
    try:
        return parts_of(body, adapter, locale)
    except LimitExceeded:
        return (body,)
