"""Untrusted HTML becomes HTML that may be shown, by an allow-list; the only importer of `nh3` (extra `html`)."""

from __future__ import annotations

import re

MAX_CHARS = 500_000
"""Of HTML that is cleaned; larger mails are shown as text."""
MAX_NESTING = 256
"""How deep elements may lie in each other: deeper trees take the cleaner many seconds."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})")
_IMPLIED = frozenset(["p", "li", "td", "th", "tr", "dd", "dt", "option"])
_VOID = frozenset(
    ["area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "base"]
)
_SCHEMES = {"http", "https", "mailto", "cid"}
_REMOTE = {"src", "srcset", "background", "poster", "data"}


def sanitize_html(html: str) -> str | None:
    """Return *html* without anything that runs, loads from elsewhere or leaves its place.

    Links may be http, https and mailto, and get `rel="noopener noreferrer nofollow"`; images may be `cid:` only.

    Returns:
        The clean HTML, or `None` if it cannot be had: show the text of the mail then. So it is without the extra, over
        500,000 characters, and with elements nested deeper than 256.
    """
    if len(html) > MAX_CHARS or _nesting(html) > MAX_NESTING:
        return None
    try:
        import nh3
    except ImportError:
        return None
    return nh3.clean(
        html,
        tags=set(nh3.ALLOWED_TAGS) - {"map", "area"},
        clean_content_tags={"script", "style", "title", "template", "noscript"},
        attributes={
            "*": {"title", "lang", "dir"},
            "a": {"href"},
            "img": {"src", "alt", "width", "height"},
            "td": {"colspan", "rowspan", "align"},
            "th": {"colspan", "rowspan", "align"},
            "ol": {"start"},
        },
        attribute_filter=_local_only,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _local_only(tag: str, attribute: str, value: str) -> str | None:
    """Keep what loads something only where it is part of the mail; a link may lead anywhere that its scheme allows."""
    del tag
    if attribute in _REMOTE:
        return value if value.strip().lower().startswith("cid:") else None
    if attribute == "href" and value.strip().lower().startswith("cid:"):
        return None
    return value


def _nesting(html: str) -> int:
    """Return how deep elements lie in each other at most; those that HTML closes by itself are not counted."""
    depth = deepest = 0
    for match in _TAG.finditer(html):
        name = match[2].lower()
        if name in _IMPLIED or name in _VOID:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest
