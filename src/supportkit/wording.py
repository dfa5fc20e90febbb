"""The texts of a desk: its own above those of plug-ins above the shipped ones, and which channels they go out by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from supportkit.channels.port import ChannelAdapter
from supportkit.engine.notices import Notices
from supportkit.hooks.manager import Hooks
from supportkit.templates.catalog import Catalog, Layer
from supportkit.templates.notices import Notice

Texts = Callable[[], Catalog]
"""Gives the texts of a desk; they are read when the first one is needed."""


def texts_of(notices: Notices, channels: Mapping[str, ChannelAdapter], hooks: Hooks) -> Texts:
    """Return what gives the texts of a desk: own ones above those of plug-ins above the shipped ones.

    Raises:
        InvalidTemplate: An own text, or one of a plug-in, is wrong.
        UnknownLocale: There is no such language.
    """
    layers: list[Layer] = []
    if speaking(notices, channels) or any(adapter.capabilities.public for adapter in channels.values()):
        hooks.register_catalogs(
            lambda plugin, locale, texts: layers.append(Layer(locale=locale, texts=texts, source=f"plug-in {plugin}"))
        )
        layers += notices.layers
    made: list[Catalog] = []

    def catalog() -> Catalog:
        if not made:
            made.append(Catalog(layers, default_locale=notices.default_locale))
        return made[0]

    if layers:  # what is wrong with them is told now; the shipped ones are right
        catalog()
    return catalog


def speaking(notices: Notices, channels: Mapping[str, ChannelAdapter]) -> dict[str, ChannelAdapter]:
    """Return the channels that notices go out by."""
    return {
        name: adapter
        for name, adapter in channels.items()
        if adapter.capabilities.outbound
        and not adapter.capabilities.public
        and notices.speaks_by(name, adapter.capabilities.family)
    }


def public_answer(notices: Notices, texts: Texts, locale: str | None, family: str) -> str:
    """Return the words of a first answer that everybody reads, in the language of a ticket."""
    catalog = texts()
    values = {"desk.name": notices.desk_name} if notices.desk_name else {}
    return catalog.render(
        Notice.PUBLIC_ANSWER, locale=locale or catalog.default_locale, values=values, channel_kind=family
    ).body
