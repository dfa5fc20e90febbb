"""The keys of a desk: what the app gives, else keys that are made once and kept beside the tickets."""

from __future__ import annotations

import base64
from collections.abc import Callable

from supportkit.clock import Clock
from supportkit.errors import ConcurrentUpdate, StorageCorrupt
from supportkit.ids import random_bytes
from supportkit.keys import Keys
from supportkit.model.change import Settings
from supportkit.storage.codec import dumps, loads
from supportkit.storage.port import Storage

SUBJECT = "keys"
_LENGTH = 32


def kept_keys(storage: Storage, tenant: str, clock: Clock) -> Callable[[], Keys]:
    """Return a function that gives the keys of a tenant; they are read, or made, when it is first called."""
    found: list[Keys] = []

    def keys() -> Keys:
        if not found:
            found.append(_read(storage, tenant) or _made(storage, tenant, clock))
        return found[0]

    return keys


def _read(storage: Storage, tenant: str) -> Keys | None:
    with storage.begin(tenant, write=False) as unit:
        rows = unit.settings(SUBJECT)
    if not rows:
        return None
    try:
        data = loads(rows[-1].data)
        signing = {int(number): base64.b64decode(value) for number, value in data["signing"]}
        return Keys(signing=signing, hashing=base64.b64decode(data["hashing"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageCorrupt(f"the keys of tenant {tenant!r} cannot be read: {type(error).__name__}") from None


def _made(storage: Storage, tenant: str, clock: Clock) -> Keys:
    spelled = [base64.b64encode(random_bytes(_LENGTH)).decode("ascii") for _ in range(2)]
    data = dumps({"signing": [[1, spelled[0]]], "hashing": spelled[1]})
    try:
        with storage.begin(tenant) as unit:
            unit.add_settings(Settings(tenant=tenant, subject=SUBJECT, number=1, since=clock.now(), data=data))
    except ConcurrentUpdate:
        pass  # another process made some at the same moment: those hold
    made = _read(storage, tenant)
    if made is None:
        raise StorageCorrupt(f"the keys of tenant {tenant!r} were written and are not there")
    return made
