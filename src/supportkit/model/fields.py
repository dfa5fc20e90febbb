"""`Fields`: a small immutable mapping for custom fields, equal and hashable by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

FieldValue = str | int | float | bool | None


class Fields(Mapping[str, FieldValue]):
    """Custom fields of a ticket: names to plain values, sorted by name, never changed in place.

    >>> fields = Fields({"plan": "gold", "seats": 3})
    >>> fields.changed({"seats": 4, "plan": None})
    Fields({'seats': 4})
    """

    __slots__ = ("_items",)
    _items: dict[str, FieldValue]

    def __init__(self, items: Mapping[str, FieldValue] | None = None) -> None:
        self._items = {name: items[name] for name in sorted(items)} if items else {}

    def __getitem__(self, name: str) -> FieldValue:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Fields):
            return self._items == other._items
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"Fields({self._items!r})"

    def changed(self, changes: Mapping[str, FieldValue]) -> Fields:
        """Return fields with *changes* applied; a value of `None` removes the field."""
        merged = {**self._items, **changes}
        return Fields({name: value for name, value in merged.items() if value is not None})


NO_FIELDS = Fields()
