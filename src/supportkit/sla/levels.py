"""Service levels: the ordered policies, the calendars they name, and the classes of channels, as one value or file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Self

import attrs

from supportkit.businesstime import BusinessCalendar
from supportkit.errors import InvalidPolicy
from supportkit.sla import reading as read
from supportkit.sla.policy import ALWAYS_OPEN, DEFAULT_POLICY, Policy
from supportkit.text import suggest

CHANNEL_CLASSES = ("email", "chat", "messenger", "social", "other")

DEFAULT_CHANNELS: tuple[tuple[str, str], ...] = tuple(
    sorted(
        {
            "email": "email",
            "mail": "email",
            "chat": "chat",
            "webchat": "chat",
            "livechat": "chat",
            "messenger": "messenger",
            "telegram": "messenger",
            "whatsapp": "messenger",
            "slack": "messenger",
            "viber": "messenger",
            "signal": "messenger",
            "sms": "messenger",
            "wechat": "messenger",
            "social": "social",
            "facebook": "social",
            "instagram": "social",
            "twitter": "social",
            "x": "social",
            "vk": "social",
            "mastodon": "social",
            "reddit": "social",
        }.items()
    )
)
"""The classes of well-known channel names; a name that is not here is `other`."""


def _policies(value: Any) -> tuple[Policy, ...]:
    policies = [item if isinstance(item, Policy) else Policy.from_dict(item) for item in read.items(value, "policies")]
    seen = set()
    for policy in policies:
        if (policy.id, policy.revision) in seen:
            raise InvalidPolicy(f"policy {policy.id!r} is given twice")
        seen.add((policy.id, policy.revision))
    return tuple(policies)


def _calendars(value: Any) -> tuple[tuple[str, BusinessCalendar], ...]:
    found = {
        read.name(name, "calendars"): item if isinstance(item, BusinessCalendar) else BusinessCalendar.from_dict(item)
        for name, item in read.pairs(value, "calendars")
    }
    return tuple(sorted(found.items()))


def _channels(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(
            (read.name(name, "channels"), read.word(item, "channels", CHANNEL_CLASSES))
            for name, item in read.pairs(value, "channels")
        )
    )


@attrs.frozen(kw_only=True)
class ServiceLevels:
    """Everything that a desk promises.

    Attributes:
        policies: In the order in which they are asked; the first whose condition holds is applied.
        calendars: The calendars by name; `always_open` is there without being named.
        channels: Which class a channel name belongs to.

    Raises:
        InvalidPolicy: A part is malformed, a policy is given twice, or one names a calendar that is not there.
    """

    policies: tuple[Policy, ...] = attrs.field(default=(DEFAULT_POLICY,), converter=_policies)
    calendars: tuple[tuple[str, BusinessCalendar], ...] = attrs.field(default=(), converter=_calendars)
    channels: tuple[tuple[str, str], ...] = attrs.field(default=DEFAULT_CHANNELS, converter=_channels)

    def __attrs_post_init__(self) -> None:
        names = {ALWAYS_OPEN, *(name for name, _ in self.calendars)}
        for policy in self.policies:
            for calendar in calendars_of(policy):
                if calendar not in names:
                    hint = suggest(calendar, sorted(names))
                    raise InvalidPolicy(f"policy {policy.id!r}: there is no calendar {calendar!r}{hint}")

    def channel_class(self, channel: str) -> str:
        """Return the class of a channel name."""
        return dict(self.channels).get(channel, "other")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain dicts, lists and texts, ready for JSON or TOML."""
        return {
            "policies": [policy.to_dict() for policy in self.policies],
            "calendars": {name: calendar.to_dict() for name, calendar in self.calendars},
            "channels": dict(self.channels),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `to_dict` wrote, or what a configuration file describes.

        Raises:
            InvalidPolicy: As for the constructor, and for a key that is not known.
            InvalidCalendar: A calendar is malformed.
        """
        return read.build(cls, data, "service levels")

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Return the service levels that a TOML *text* describes.

        Raises:
            InvalidPolicy: It is not TOML, or as for `from_dict`.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidPolicy(f"not a TOML file: {error}") from error
        return cls.from_dict(data)


def calendars_of(policy: Policy) -> Iterable[str]:
    """Return the names of all calendars that a policy names."""
    yield policy.calendar
    yield from (calendar for _, calendar in policy.tiers)
    yield from (calendar for _, calendar in policy.vendors)
    yield from (options.calendar for _, options in policy.metrics if options.calendar is not None)
    yield from (row.calendar for row in policy.rows if row.calendar is not None)
