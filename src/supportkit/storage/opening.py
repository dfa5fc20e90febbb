"""From what an app hands to `Desk` to a storage and a table of channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sqlalchemy import Engine

from supportkit.channels.port import API, Capabilities, ChannelAdapter
from supportkit.errors import ConfigurationError
from supportkit.hooks.manager import Hooks
from supportkit.hooks.specs import StorageFactory
from supportkit.storage.database import DRIVERS
from supportkit.storage.port import Storage
from supportkit.storage.sql import SqlStorage
from supportkit.text import MAX_NAME

Source = str | Engine | Storage
"""Where a desk keeps its tickets: the URL of a database, an engine of the app, or a storage."""

_OURS = {name for driver in DRIVERS for name in (driver, driver.split("+")[0])}


def open_storage(given: Source, hooks: Hooks, *, synchronous: str) -> Storage:
    """Return the storage of a URL or of the app's engine, with its schema in place, or *given* itself.

    A file is migrated by that. The schema of a server is changed only when somebody asks for it, because other
    programs of another release may be at work on it.

    Raises:
        ConfigurationError: Nobody knows the scheme of the URL.
        SchemaOutOfDate: The database of a server has no tables of this release.
    """
    if isinstance(given, Engine):
        return _ready(SqlStorage(given, synchronous=synchronous))
    if not isinstance(given, str):
        return given
    schemes: dict[str, StorageFactory] = {}

    def register(scheme: str, factory: StorageFactory) -> None:
        if scheme in _OURS or scheme in schemes:
            raise ConfigurationError(f"the storage scheme {scheme!r} is taken")
        schemes[scheme] = factory

    hooks.register_storages(register)
    scheme = given.split(":", 1)[0]
    return _ready(schemes[scheme](given) if scheme in schemes else SqlStorage(given, synchronous=synchronous))


def _ready(storage: Storage) -> Storage:
    """Bring the schema into place, or make sure that it is."""
    try:
        if isinstance(storage, SqlStorage) and not storage.migrates_itself:
            storage.require_schema()
        else:
            storage.migrate()
    except BaseException:
        storage.close()
        raise
    return storage


def known_channels(hooks: Hooks, channels: Iterable[ChannelAdapter]) -> Mapping[str, ChannelAdapter]:
    """Return adapters by name: those of plug-ins and those of the app.

    Raises:
        ConfigurationError: Two have one name, or one was written for another version of the port.
    """
    known: dict[str, ChannelAdapter] = {}

    def register(adapter: ChannelAdapter) -> None:
        name, able = getattr(adapter, "name", None), getattr(adapter, "capabilities", None)
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not isinstance(able, Capabilities):
            raise ConfigurationError(
                f"{adapter!r:.80} is no channel: it needs a `name` of 1 to {MAX_NAME} characters and `capabilities`"
            )
        version = able.api
        if version != API:
            raise ConfigurationError(f"channel {name!r} was written for version {version} of the port, this is {API}")
        if name in known:
            raise ConfigurationError(f"two channels are called {name!r}")
        known[name] = adapter

    hooks.register_channels(register)
    for adapter in channels:
        register(adapter)
    return MappingProxyType(known)
