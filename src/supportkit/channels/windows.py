"""Reply windows: until when a channel lets us answer freely, and what it allows afterwards."""

from __future__ import annotations

import datetime as dt

import attrs

from supportkit.errors import ConfigurationError

WARN_BEFORE = dt.timedelta(hours=2)
"""How long before the end an open question is warned about."""


@attrs.frozen(kw_only=True)
class ReplyWindow:
    """How long we may answer after the customer's last message.

    Attributes:
        length: From that message on; WhatsApp and Messenger give 24 h.
        opened_by: What opens it: `customer_message` only, so far.
        after: What may be sent when it is closed, in the channel's words: `template`, `human_agent` or nothing.
        human_length: How long a person's answer may still be sent with `human_agent` (Messenger: 7 days).
    """

    length: dt.timedelta
    opened_by: str = "customer_message"
    after: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    human_length: dt.timedelta | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigurationError: A length is not positive, or something else opens the window.
        """
        if self.length <= dt.timedelta(0) or (self.human_length is not None and self.human_length < self.length):
            raise ConfigurationError("a reply window has a positive length, and that for persons is not shorter")
        if self.opened_by != "customer_message":
            raise ConfigurationError(f"a reply window is opened by 'customer_message', not {self.opened_by!r}")


@attrs.frozen
class Open:
    """We may answer.

    Attributes:
        until: When it closes; that instant itself is closed already. `None`: it never does.
    """

    until: dt.datetime | None = None


@attrs.frozen
class Closed:
    """We may not answer freely.

    Attributes:
        since: When it closed; `None` where the customer never wrote.
        allowed: What may still be sent.
    """

    since: dt.datetime | None
    allowed: tuple[str, ...] = ()


def window_at(window: ReplyWindow | None, last_message: dt.datetime | None, now: dt.datetime) -> Open | Closed:
    """Tell whether we may answer *now*.

    Args:
        window: The channel's; `None` where there is none: then it is always open.
        last_message: When the customer's last message on this channel arrived.
        now: When we want to send.
    """
    if window is None:
        return Open()
    if last_message is None:
        return Closed(None, tuple(one for one in window.after if one != "human_agent"))
    until = last_message + window.length
    if now < until:
        return Open(until)
    is_human_over = window.human_length is not None and now >= last_message + window.human_length
    return Closed(until, tuple(one for one in window.after if one != "human_agent" or not is_human_over))


def warns_at(window: ReplyWindow, last_message: dt.datetime) -> dt.datetime:
    """Return when an open question is warned about: two hours before the end, at once where the window is shorter."""
    return max(last_message, last_message + window.length - WARN_BEFORE)
