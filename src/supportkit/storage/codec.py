"""Values to plain JSON and back. Made once a class from its attrs fields and annotations.

Defaults are left out, so a field that a later release adds reads as its default from old rows. A change that this
cannot express gets a new schema number and a function in `UPCASTERS`; `tests/golden/events` holds every released form.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
import json.encoder
import re
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from operator import attrgetter
from typing import Any

import attrs

from supportkit.clock import from_us, to_us
from supportkit.errors import StorageCorrupt
from supportkit.model import events as ev
from supportkit.model.fields import Fields
from supportkit.model.people import Actor

Plain = dict[str, Any]
Convert = Callable[[Any], Any]


def _encoder() -> Callable[[Any], str]:
    """Return a function that writes JSON; where the interpreter allows it, by one encoder in C that is kept.

    `JSONEncoder.encode` builds that encoder again in each call, which takes longer than writing a small event.
    """
    plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    encode = make(None, plain.default, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(encode(value, 0))


dumps = _encoder()

UPCASTERS: Mapping[tuple[str, int], Callable[[Plain], Plain]] = {}
"""From (event name, schema number) to a function that gives the data of the next schema number."""


_decoder: Any = json.JSONDecoder()
_scan = _decoder.scan_once


def loads(text: str) -> Any:
    """Read JSON that the library wrote itself, without spaces around it; `json.loads` looks for some, twice.

    Raises:
        ValueError: It is no such JSON.
    """
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("this is no JSON") from None
    if end != len(text):
        raise ValueError("there is something after the JSON")
    return value


# -- one converter a type --------------------------------------------------------------------------------------------


def _identity(value: Any) -> Any:
    return value


def _length(value: dt.timedelta) -> int:
    return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_OWN: Mapping[Any, tuple[Convert, Convert]] = {
    dt.datetime: (to_us, from_us),
    dt.timedelta: (_length, lambda us: dt.timedelta(microseconds=us)),
    dt.time: (dt.time.isoformat, dt.time.fromisoformat),
    Actor: (str, Actor.parse),
    Fields: (dict, Fields),
    bytes: (lambda content: base64.b64encode(content).decode("ascii"), _from_base64),
}


def _converters(kind: Any) -> tuple[Convert | None, Convert | None]:
    """Return how a value of type *kind* is written and read; `None` where it is plain already."""
    kind = _without_none(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return None, kind
    if kind in _OWN:
        return _OWN[kind]
    if attrs.has(kind):
        codec = codec_of(kind)
        return codec.encode, codec.decode
    if typing.get_origin(kind) is tuple:
        write, read = _converters(typing.get_args(kind)[0])
        return (
            (lambda values: [write(value) for value in values]) if write else list,
            (lambda values: tuple([read(value) for value in values])) if read else tuple,
        )
    return None, None


def _without_none(kind: Any) -> Any:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        kinds = [part for part in typing.get_args(kind) if part is not type(None)]
        return kinds[0] if len(kinds) == 1 else object
    return kind


@attrs.frozen
class ClassCodec:
    """How the instances of one attrs class are written and read."""

    cls: type[Any]
    fields: tuple[tuple[str, Any, Convert | None, Convert | None], ...]
    _get: Callable[[Any], tuple[Any, ...]] = attrs.field(init=False, eq=False, repr=False)

    @_get.default
    def _getter(self) -> Callable[[Any], tuple[Any, ...]]:
        """Return what reads all fields at once, in half the time of a loop; of one it would give the bare value."""
        names = [field[0] for field in self.fields]
        if len(names) > 1:
            return attrgetter(*names)
        return lambda value: tuple([getattr(value, name) for name in names])

    def encode(self, value: Any) -> Plain:
        """Return *value* as plain data without its defaults."""
        plain: Plain = {}
        for (name, default, write, _read), item in zip(self.fields, self._get(value), strict=True):
            if item is default or (default is not attrs.NOTHING and item == default):
                continue
            plain[name] = write(item) if write is not None and item is not None else item
        return plain

    def decode(self, plain: Plain) -> Any:
        """Return the value that *plain* describes; unknown keys are refused, because they would be lost."""
        values: Plain = {}
        for name, _default, _write, read in self.fields:
            if name in plain:
                item = plain[name]
                values[name] = read(item) if read is not None and item is not None else item
        if len(values) != len(plain):
            unknown = ", ".join(sorted(set(plain) - set(values)))
            raise StorageCorrupt(f"{self.cls.__name__} in the database has unknown fields: {unknown}")
        return self.cls(**values)

    def only(self, names: typing.Collection[str]) -> ClassCodec:
        """Return a codec for some of the fields."""
        return ClassCodec(self.cls, tuple(field for field in self.fields if field[0] in names))


@functools.cache
def codec_of(cls: type[Any]) -> ClassCodec:
    """Return the codec of an attrs class; made at first use, the same for ever after."""
    hints = typing.get_type_hints(cls)
    fields = []
    for field in attrs.fields(cls):
        default = field.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types Factory as a function
            default = attrs.NOTHING
        fields.append((field.name, default, *_converters(hints[field.name])))
    return ClassCodec(cls, tuple(fields))


# -- events ----------------------------------------------------------------------------------------------------------


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


EVENT_CLASSES: Mapping[str, type[Any]] = {_snake(cls.__name__): cls for cls in typing.get_args(ev.Event)}
EVENT_NAMES: Mapping[type[Any], str] = {cls: name for name, cls in EVENT_CLASSES.items()}
SCHEMA = 1


@functools.cache
def _split(cls: Any) -> tuple[ClassCodec, ClassCodec | None, tuple[str, ...]]:
    """Return the codecs of the public and the private fields of an event class, and the names of the private ones."""
    whole = codec_of(cls)
    names = tuple(field.name for field in attrs.fields(cls) if field.metadata.get("private"))
    if not names:
        return whole, None, ()
    public = [field.name for field in attrs.fields(cls) if field.name not in names]
    return whole.only(public), whole.only(names), names


def encode_event(event: ev.Event) -> tuple[str, int, Plain, Plain]:
    """Return name, schema number, public data and private data of an event."""
    cls: Any = type(event)
    public, private, _names = _split(cls)
    return EVENT_NAMES[cls], SCHEMA, public.encode(event), private.encode(event) if private else {}


def decode_event(name: str, schema: int, data: Plain, private: Plain | None) -> ev.Event:
    """Return the event that was stored; private fields that were erased read as empty.

    Raises:
        StorageCorrupt: The event is of a kind or schema that this release does not know.
    """
    cls: Any = EVENT_CLASSES.get(name)
    if cls is None or schema > SCHEMA:
        raise StorageCorrupt(f"event {name!r} of schema {schema} is unknown to this release of supportkit")
    while (name, schema) in UPCASTERS:
        data = UPCASTERS[name, schema](data)
        schema += 1
    _public, _private, names = _split(cls)
    if names:
        data = {**_EMPTY.get(cls, {}), **data, **(private or {})}
    event: ev.Event = codec_of(cls).decode(data)
    return event


_EMPTY: Mapping[type[Any], Plain] = {
    ev.TicketOpened: {"subject": ""},
    ev.SubjectChanged: {"subject": ""},
    ev.FieldsChanged: {"changes": {}},
}
"""What required private fields read as after they were erased."""
