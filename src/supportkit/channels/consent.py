"""Words with which people leave and come back: a text message that says nothing but STOP is no message.

Sources: CTIA Messaging Principles (STOP, END, QUIT, CANCEL, UNSUBSCRIBE; START, UNSTOP), and what networks in France,
Russia and China use. YES and NO are answers to questions, so they are no such words here.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from supportkit.channels.inbound import SignalKind
from supportkit.text import fold_key

LEAVING: Final = frozenset(
    {
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"),
        *("arret", "abmelden", "стоп", "отписаться", "отписка"),
        *("退订", "取消订阅", "td", "停止"),
    }
)
COMING_BACK: Final = frozenset({"start", "unstop", "optin", "subscribe", "старт", "подписаться", "订阅"})
_LONGEST = 40
_MARKS = " \t\r\n.!,;:?\"'()[]*-\u2013\u2014\u3002"


def consent_in(text: str) -> SignalKind | None:
    """Return `OPT_OUT` or `OPT_IN` where *text* is one of these words and nothing else.

    Case, accents, width, and marks around the word do not matter: `ARRÊT`, `stop.`.

    >>> consent_in("Stop!"), consent_in("Please stop the printer")
    (<SignalKind.OPT_OUT: 'opt_out'>, None)
    """
    if len(text) > _LONGEST:
        return None
    plain = "".join([char for char in unicodedata.normalize("NFKD", fold_key(text)) if not unicodedata.combining(char)])
    word = plain.strip(_MARKS).replace("-", "")
    if word in LEAVING:
        return SignalKind.OPT_OUT
    return SignalKind.OPT_IN if word in COMING_BACK else None
