"""Reading the JSON of a delivery: bounds before parsing, and one error for everything that is wrong with it.

What the standard library does with hostile JSON differs: nesting raises `RecursionError`, a number of 5,000 digits
`ValueError`, `NaN` is let in. Here each of them is `MalformedPayload`. Of a key that comes twice the last one counts;
signatures are over the raw bytes, so it cannot be changed on the way.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from supportkit.channels.inbound import Payload
from supportkit.errors import MalformedPayload

MAX_DEPTH = 64
"""How deep objects and lists may lie in each other."""
MAX_DIGITS = 100
"""Characters of one number."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A text, closed or not, so that no sign is looked at twice; or a bracket."""


def read_json(payload: Payload) -> Any:
    """Return what the body of a delivery says.

    Raises:
        MalformedPayload: It is no JSON in UTF-8, nested deeper than 64, has a number of more than 100 characters, or
            one that JSON does not have.
    """
    try:
        text = payload.body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedPayload("the body is not UTF-8") from None
    if _depth(text) > MAX_DEPTH:
        raise MalformedPayload(f"the body is nested deeper than {MAX_DEPTH}")
    try:
        return json.loads(text, parse_int=_integer, parse_float=_fraction, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise MalformedPayload("the body is not JSON") from None


def read_object(payload: Payload) -> dict[str, Any]:
    """Return the JSON object that the body of a delivery is.

    Raises:
        MalformedPayload: It is none; `null`, a list, a number and a text are valid JSON, and no delivery.
    """
    found = read_json(payload)
    if not isinstance(found, dict):
        raise MalformedPayload("the body is not a JSON object")
    return found


def _depth(text: str) -> int:
    """Return how deep the brackets outside of texts lie in each other; 0 where there are too few to matter."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for match in _TOKEN.finditer(text):
        sign = match.group()[0]
        if sign in "[{":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > MAX_DEPTH:
                    break
        elif sign in "]}":
            depth -= 1
    return deepest


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(digits)


def _fraction(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return float(digits)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")
