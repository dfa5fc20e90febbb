"""Who writes in a web chat: the app vouches for its users with a signature, everybody else is a visitor.

The app's server hands its page HMAC-SHA256(secret, user id) as hexadecimal digits, the page hands both to the chat. A
user id alone proves nothing: whoever opens the page can change it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from supportkit.channels.inbound import Authenticity
from supportkit.secret import Secret

LONGEST = 200
"""Characters of a user id."""


def sign_identity(secret: Secret | str, user_id: str) -> str:
    """Return what an app's server hands to the page of the user *user_id*, 64 hexadecimal digits."""
    return hmac.new(_bytes(secret), user_id.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def visitor(
    secrets: Iterable[Secret | str], user_id: str | None, signature: str | None, *, session: str
) -> tuple[str, Authenticity]:
    """Return who writes in a chat, and whether that is proved: the user if the app vouches for him, else the session.

    Args:
        secrets: Those that hold now; several while one is replaced.
        user_id: Whom the page says it is.
        signature: What the app's server gave for him.
        session: An id that the chat made for this visitor, random and not the app's.
    """
    if user_id and signature and len(user_id) <= LONGEST and signature.isascii():
        good = False
        for secret in secrets:  # every one is tried, so that the time tells nothing
            good |= hmac.compare_digest(signature.lower(), sign_identity(secret, user_id))
        if good:
            return user_id, Authenticity.VERIFIED
    return session, Authenticity.UNVERIFIED


def _bytes(secret: Secret | str) -> bytes:
    found = secret if isinstance(secret, Secret) else Secret(secret)
    return found.reveal()
