"""`Secret`: bytes that never show themselves."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from supportkit.errors import ConfigurationError


class Secret:
    """A secret: `repr`, `str` and formats give `***`, and it cannot be pickled.

    Args:
        value: Text is encoded as UTF-8; of another `Secret` its bytes are taken.
        min_bytes: How many it must have at least.

    Raises:
        ConfigurationError: It is too short, or neither bytes nor text.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Secret | bytes | str, *, min_bytes: int = 1) -> None:
        if isinstance(value, Secret):
            value = value.reveal()
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
        if not isinstance(value, bytes):
            raise ConfigurationError(f"a secret is bytes or str, not {type(value).__name__}")
        if len(value) < min_bytes:
            raise ConfigurationError(f"a secret has at least {min_bytes} bytes, this one has {len(value)}")
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes, for a computation and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be written anywhere.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a secret cannot be pickled")


def as_secrets(given: Secret | bytes | str | Iterable[Secret | bytes | str]) -> tuple[Secret, ...]:
    """Return one secret or several of a rotation as a tuple; empty ones are none.

    Raises:
        ConfigurationError: One is neither bytes nor text.
    """
    several = [given] if isinstance(given, Secret | bytes | str) else list(given)
    return tuple([one if isinstance(one, Secret) else Secret(one) for one in several if one not in ("", b"")])
