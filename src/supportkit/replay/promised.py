"""`RecordedPromise`: which columns of a log say what was promised there and whether it was kept."""

from __future__ import annotations

from typing import Any

import attrs

from supportkit.replay import plain
from supportkit.replay.errors import InvalidLogFormat


@attrs.frozen(kw_only=True)
class RecordedPromise:
    """What a log itself says about the promise to close a case; the last row of a case says it.

    Attributes:
        closed: The column that says when the case was closed; by default the column `ended`.
        due: The column that says by when it was promised.
        label: The column that says in one word whether the promise was kept.
        on_time: Words of the label that mean "kept", or "not late yet" in an open case.
        late: Words of the label that mean "broken".
        kind: The column by which due times are counted, for example the type of the request.
        as_of: When the log was written, as the log writes times: what an open case's label speaks of.
    """

    closed: str
    due: str | None = None
    label: str | None = None
    on_time: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    kind: str | None = None
    as_of: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        return tuple(name for name in (self.closed, self.due, self.label, self.kind) if name is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `read_promise` reads back into an equal value."""
        data = {name: value for name, value in attrs.asdict(self).items() if value not in (None, ())}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


def read_promise(value: object, ended: str | None) -> RecordedPromise:
    """Read the table `promise` of a format whose column *ended* says when a case was over.

    Raises:
        InvalidLogFormat: A key is unknown, or the table says neither a due time nor a label with its words.
    """
    data: dict[str, Any] = dict(plain.table("promise", value, attrs.fields_dict(RecordedPromise), needs=()))
    on_time, late = (plain.texts(f"promise.{name}", data.pop(name, ())) for name in ("on_time", "late"))
    names = {name: plain.text(f"promise.{name}", column) for name, column in data.items()}
    closed = names.get("closed", ended)
    if closed is None:
        raise InvalidLogFormat("promise.closed is missing: name the column that says when a case was closed")
    if not names.keys() & {"due", "label"}:
        raise InvalidLogFormat("promise must name a column `due`, a column `label`, or both")
    if ("label" in names) is not bool(on_time and late) or bool(on_time) is not bool(late):
        raise InvalidLogFormat("promise: a label needs the words `on_time` and `late`, and these words need a label")
    if both := sorted(set(on_time) & set(late)):
        raise InvalidLogFormat(f"promise: {plain.shown(both[0])} cannot mean both `on_time` and `late`")
    return RecordedPromise(
        closed=closed,
        due=names.get("due"),
        label=names.get("label"),
        on_time=on_time,
        late=late,
        kind=names.get("kind"),
        as_of=names.get("as_of"),
    )
