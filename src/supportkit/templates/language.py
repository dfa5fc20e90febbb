"""The Liquid of our texts: few tags, few filters, declared values only, and limits on everything.

What is not on a list here does not exist: no includes, no captures, no ranges, no raw blocks, no clock. A text is
checked when it is loaded, and a budget of steps, time and size is held when it is rendered.
"""

from __future__ import annotations

from typing import Any

import attrs
from liquid import Environment, RenderContext
from liquid.builtin import content, illegal, output
from liquid.builtin.filters import array, math, misc, string
from liquid.builtin.tags import assign_tag, case_tag, comment_tag, for_tag, if_tag, unless_tag
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.filter import with_context

from supportkit.clock import thread_seconds
from supportkit.templates.locales import plural_form

MAX_OUTPUT_BYTES = 256 * 1024
MAX_STEPS = 20_000
"""Look-ups, filters, assignments and rounds of loops in one rendering."""
MAX_SECONDS = 0.5
"""Processor time of one rendering."""

_TAGS = (
    *(content.Literal, output.Output, illegal.Illegal, if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag),
    *(for_tag.ForTag, for_tag.BreakTag, for_tag.ContinueTag, assign_tag.AssignTag, comment_tag.CommentTag),
)
_FILTERS: dict[str, Any] = {
    "append": string.append,
    "capitalize": string.capitalize,
    "default": misc.default,
    "downcase": string.downcase,
    "first": array.first,
    "join": array.join,
    "last": array.last,
    "minus": math.minus,
    "plus": math.plus,
    "prepend": string.prepend,
    "size": misc.size,
    "strip": string.strip,
    "truncate": string.truncate,
    "upcase": string.upcase,
    "url_encode": string.url_encode,
}
FILTERS = tuple(sorted({*_FILTERS, "plural"}))


class OutOfBudget(ResourceLimitError):
    """A rendering took more steps or time than a text may take."""


@attrs.define
class _Budget:
    """What is left of one rendering."""

    steps: int = MAX_STEPS
    until: float = 0.0

    def spend(self, steps: int = 1) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise OutOfBudget(f"more than {MAX_STEPS} steps", token=None)
        if thread_seconds() > self.until:
            raise OutOfBudget(f"more than {MAX_SECONDS} s", token=None)


class Context(RenderContext):
    """Liquid's own context, with every look-up, filter, assignment and loop paid for."""

    __slots__ = ("budget", "locale")

    budget: _Budget
    locale: str

    def begin(self, locale: str) -> None:
        """Open the budget of one rendering in a language."""
        self.budget, self.locale = _Budget(until=thread_seconds() + MAX_SECONDS), locale

    def get(self, *args: Any, **kwargs: Any) -> object:
        """Look a value up."""
        self.budget.spend()
        return super().get(*args, **kwargs)

    def assign(self, key: str, val: Any) -> None:
        """Keep a value under a name of the text."""
        self.budget.spend()
        super().assign(key, val)

    def filter(self, name: str, token: Any) -> Any:
        """Return a filter that gives no more than a text may have."""
        self.budget.spend()
        found = super().filter(name, token)

        def limited(*args: Any, **kwargs: Any) -> object:
            result = found(*args, **kwargs)
            if isinstance(result, str) and len(result) > MAX_OUTPUT_BYTES:
                raise OutOfBudget(f"a value longer than {MAX_OUTPUT_BYTES} characters", token=token)
            return result

        return limited

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Pay for the rounds of a loop before it begins."""
        self.budget.spend(length)
        super().raise_for_loop_limit(length)


class Language(Environment):
    """Liquid with what is on our lists."""

    loop_iteration_limit = 10_000
    local_namespace_limit = 2 * MAX_OUTPUT_BYTES
    output_stream_limit = MAX_OUTPUT_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Know the tags and filters of our lists, and none of Liquid's others."""
        del extra
        for tag in _TAGS:
            self.add_tag(tag)
        for name, function in _FILTERS.items():
            self.add_filter(name, function)
        self.add_filter("plural", _plural)


@with_context
def _plural(count: object, *, context: Context, **forms: object) -> object:
    """Return the form that a count takes in the language of the text."""
    if not isinstance(count, int):
        why = "; this one may be absent, so put it inside {% if %}" if count is None else ""
        raise LiquidError(f"plural needs a count{why}", token=None)
    return forms[plural_form(count, context.locale)]
