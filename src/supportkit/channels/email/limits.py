"""Every cap on a mail, in one frozen value: time and memory are bounded by these, not by a timer."""

from __future__ import annotations

import attrs

from supportkit.errors import ConfigurationError


@attrs.frozen(kw_only=True)
class Limits:
    """What is read of one mail. Beyond a cap the mail is still read, cut, and flagged.

    Attributes:
        mail_bytes: Of the whole mail; of a larger one only the header and its first text are read.
        header_bytes: Of all header fields of one part together.
        value_bytes: Of one header value.
        structures: Parts of type multipart or message; with more the mail is not taken apart.
        parts: Parts that are read.
        depth: How deep parts may lie in each other.
        attachments: Files that are kept.
        recipients: Addresses of one header field that are kept.
        references: Message-IDs of one header field that are kept, the last ones.
        text_chars: Characters of the text.
        html_chars: Characters of the HTML.
    """

    mail_bytes: int = 25_000_000
    header_bytes: int = 256_000
    value_bytes: int = 64_000
    structures: int = 100
    parts: int = 500
    depth: int = 20
    attachments: int = 100
    recipients: int = 100
    references: int = 1_000
    text_chars: int = 1_000_000
    html_chars: int = 2_000_000

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigurationError: A limit is not positive.
        """
        for field in attrs.fields(Limits):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"the limit {field.name} of mails must be a positive number, not {value!r}")


DEFAULT_LIMITS = Limits()
"""The caps that hold when nothing else is said."""
