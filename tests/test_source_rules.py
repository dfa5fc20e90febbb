"""Rules of `reliability.md` section 10 that are held by reading the source, because no run of it shows a breach."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import supportkit

SOURCE = Path(supportkit.__file__).parent
"""Of the package that is imported, which is how planted faults are found (`bench/sabotage.py`)."""
PATHS = sorted(SOURCE.rglob("*.py"))
SECRET_WORDS = ("signature", "digest", "mac", "hmac", "token", "secret", "entry", "hashed", "password", "code")
"""Names that hold something whose comparison must take the same time whatever it is; as whole words of a name."""
SECRET_MODULES = {"signing.py", "keys.py", "secret.py", "proving.py", "continuing.py", "server.py", "messengers.py"}
COMPILES = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}

MADE_OF_OUR_OWN = {
    "businesstime/zonedata.py": "two patterns, handed to one function",
    "channels/email/marks.py": "our phrases in several languages, escaped",
    "channels/email/text.py": "names of HTML elements, a constant set",
    "metrics/definitions.py": "names of metrics that the library defines",
    "replay/times.py": "the numbers of a date format of a configuration file, everything else escaped",
}
"""Files whose patterns are put together, each with what of."""
FORMATS = {
    "cli/times.py": "a moment of pendulum",
    "sla/lint_calendars.py": "a constant of the module",
    "storage/recording.py": "a constant of the module",
    "report/words.py": "phrases that are shipped; what people wrote is a value",
    "surveys/phrases.py": "phrases that are shipped; what people wrote is a value",
}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _words(node: ast.expr) -> set[str]:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return set(name.lower().strip("_").split("_"))


def naked_comparisons(path: Path) -> Iterator[str]:
    """Yield `==` and `in` between values of which one is named like a secret; constants beside it tell nothing."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) or ast.unparse(side).startswith("len(") for side in sides):
                continue
            if any(_words(side) & set(SECRET_WORDS) for side in sides):
                yield f"{path.name}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", [one for one in PATHS if one.name in SECRET_MODULES], ids=lambda path: path.name)
def test_secrets_are_compared_in_constant_time(path: Path) -> None:
    assert list(naked_comparisons(path)) == []


def test_the_rule_about_comparisons_sees_one(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("a = entry == wanted\nb = given != self.token\nc = len(mac) == 32\nd = version == 'v0'\n")
    assert [line.split(":")[1] for line in naked_comparisons(path)] == ["1", "2"]


def _is_settled(node: ast.expr, constants: set[str]) -> bool:
    """Tell whether a pattern is settled when its module is written: text, or made of names in capitals."""
    match node:
        case ast.Constant():
            return True
        case ast.Name():
            return node.id in constants
        case ast.JoinedStr():
            parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
            return all(_is_settled(part, constants) for part in parts)
        case ast.BinOp():
            return _is_settled(node.left, constants) and _is_settled(node.right, constants)
        case ast.Call():
            settled = [argument for argument in ast.walk(node) if isinstance(argument, ast.Name)]
            return all(name.id in constants | set(dir(__builtins__)) | {"re"} for name in settled)
        case _:
            return False


def patterns_of_strangers(path: Path) -> Iterator[str]:
    """Yield calls of `re` and `regex` whose pattern is not settled in the module itself."""
    module = tree(path)
    constants = {
        target.id
        for node in module.body
        for target in (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if isinstance(target, ast.Name) and target.id.isupper()
    }
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func.value) in {"re", "regex"}
            and node.func.attr in COMPILES
            and not _is_settled(node.args[0], constants)
        ):
            yield path.relative_to(SOURCE).as_posix() if path.is_relative_to(SOURCE) else f"line {node.lineno}"


def test_no_pattern_is_made_of_what_somebody_wrote() -> None:
    """Rules of agents are literals and globs; a pattern of theirs could take for ever (`redos-05`)."""
    found = {
        one for path in PATHS if "testing" not in path.relative_to(SOURCE).parts for one in patterns_of_strangers(path)
    }
    assert found == set(MADE_OF_OUR_OWN)


def test_the_rule_about_patterns_sees_one(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        "import re\nA = 'x'\nre.compile(A + 'y')\nre.search(rule.pattern, text)\nre.sub(f'{word}', '', t)\n"
    )
    assert list(patterns_of_strangers(path)) == ["line 4", "line 5"]


def test_no_stored_text_is_a_format() -> None:
    """`"...".format(...)` of a constant is fine; the method of anything else could be a customer's words."""
    calls = {
        path.relative_to(SOURCE).as_posix()
        for path in PATHS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "format_map"}
        and not isinstance(node.func.value, ast.Constant)
    }
    assert calls == set(FORMATS)
