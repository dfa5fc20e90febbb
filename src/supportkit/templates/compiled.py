"""`CompiledText`: one text, checked against what it may use, and ready to render."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext, StrictUndefined
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.output import LimitedStringIO

from supportkit.errors import InvalidTemplate
from supportkit.templates.language import FILTERS, MAX_OUTPUT_BYTES, Context, Language
from supportkit.templates.locales import plural_forms
from supportkit.templates.scanning import last_open, line_at, markups, scan
from supportkit.templates.values import suggest

_LOOP = frozenset({"first", "last", "index", "index0", "rindex", "rindex0", "length"})


class CompiledText:
    """One text, checked and ready to render.

    Args:
        source: The Liquid text.
        where: What to call it in errors.
        names: The values that it may use.
        locale: Whose plural forms it has.
        is_html: Whether values are escaped for HTML.

    Raises:
        InvalidTemplate: It cannot be read, or uses something that it may not.
    """

    __slots__ = ("locale", "source", "template", "where")

    def __init__(self, source: str, where: str, names: frozenset[str], locale: str, *, is_html: bool = False) -> None:
        self.source, self.where, self.locale = source, where, locale
        scan(source, where)
        environment = Language(undefined=StrictUndefined, autoescape=is_html)
        try:
            self.template = environment.from_string(source)
            _check_expressions(self, names)
            _check_names(self, names)
        except InvalidTemplate:
            raise
        except LiquidError as error:
            raise InvalidTemplate(where, _words_of(error), _line_of(environment, source, error)) from None
        except Exception as error:  # nested too deeply, or something that Liquid trips over
            raise InvalidTemplate(where, f"it cannot be read: {type(error).__name__}") from error

    def render(self, values: Mapping[str, object]) -> str:
        """Return the text with its *values*, as `plain_values` gives them.

        Raises:
            LiquidError: It would take too long or become too large, or a filter got what it cannot use.
        """
        context = Context(self.template, globals=values)
        context.begin(self.locale)
        buffer = LimitedStringIO(MAX_OUTPUT_BYTES)
        try:
            self.template.render_with_context(context, buffer)
        except LiquidError:
            raise
        except Exception as error:  # whatever a filter trips over: the caller has another text to show
            raise LiquidError(f"it failed with {type(error).__name__}", token=None) from error
        return buffer.getvalue()

    def error(self, problem: str, index: int | None = None) -> InvalidTemplate:
        """Return an error about this text, with the line of the character at *index*."""
        return InvalidTemplate(self.where, problem, None if index is None else line_at(self.source, index))


def _words_of(error: LiquidError) -> str:
    return str(error.message).replace("liquid ", "")[:200]


def _line_of(environment: Environment, source: str, error: LiquidError) -> int:
    """Return the line of an error; Liquid does not know it where something ends too early."""
    if error.token is not None and error.token.start_index >= 0:
        return line_at(source, min(error.token.start_index, len(source)))
    for start, markup in markups(source, ""):
        try:
            environment.from_string(markup)
        except LiquidError as alone:
            is_block = str(alone.message).startswith("expected tag end")
            if alone.message == error.message and not is_block:
                return line_at(source, start)
    return line_at(source, last_open(source))


def _check_names(text: CompiledText, names: frozenset[str]) -> None:
    """Hold every variable and filter of a text against what exists."""
    found = text.template.analyze(include_partials=False)
    for name, places in found.filters.items():
        if name not in FILTERS:
            raise text.error(f"there is no filter {name[:64]!r}{suggest(name, FILTERS)}", places[0].index)
    outside = {variable.span.index for variables in found.globals.values() for variable in variables}
    roots = {name.split(".", 1)[0] for name in names}
    for name, locals_ in found.locals.items():
        if name in roots:
            raise text.error(f"{name!r} is a value already; assign to another name", locals_[0].span.index)
    for root, variables in found.variables.items():
        for variable in variables:
            parts = variable.segments
            path = ".".join(part if isinstance(part, str) else "?" for part in parts)
            if variable.span.index not in outside and root not in roots:
                is_known = len(parts) == 1 or (root == "forloop" and len(parts) == 2 and parts[1] in _LOOP)  # noqa: PLR2004
            else:
                is_known = path in names
            if not is_known:
                raise text.error(f"there is no value {path[:64]!r}{suggest(path, sorted(names))}", variable.span.index)


def _check_expressions(text: CompiledText, names: frozenset[str]) -> None:
    """Refuse ranges, loop variables that hide values, and plurals that lack a form."""
    roots = {name.split(".", 1)[0] for name in names}
    for expression in _expressions(text.template):
        index = max(expression.token.start_index, 0)
        match expression:
            case RangeLiteral():
                raise text.error("ranges such as (1..9) are not allowed; loop over a list among the values", index)
            case LoopExpression() if str(expression.identifier) in roots:
                raise text.error(f"{str(expression.identifier)!r} is a value already; use another name", index)
            case FilteredExpression():
                for used in expression.filters or ():
                    if used.name == "plural":
                        _check_plural(text, used, index)


def _check_plural(text: CompiledText, used: Any, index: int) -> None:
    given = [getattr(argument, "name", "") for argument in used.args]
    needed = plural_forms(text.locale)
    if sorted(given) != sorted(needed):
        forms = ", ".join(f'{form}: "..."' for form in needed)
        raise text.error(f"in {text.locale} plural needs exactly: {forms}", index)


def _expressions(template: BoundTemplate) -> Iterator[Expression]:
    """Yield every expression of a template, inner ones too."""
    context = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context))
        expressions = list(node.expressions())
        while expressions:
            expression = expressions.pop()
            expressions.extend(expression.children())
            yield expression
