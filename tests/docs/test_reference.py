"""The reference names everything that is public, and the pages hang together."""

from __future__ import annotations

import importlib
import inspect
import pathlib
import pkgutil
import re
import typing

import pytest
from tests.docs import pages

import supportkit
from supportkit import errors
from supportkit.hooks import specs
from supportkit.model import commands, events
from supportkit.storage import schema

REFERENCE = pages.DOCS / "reference"
TEXTS = {page.stem: page.read_text(encoding="utf-8") for page in REFERENCE.glob("*.md")}
WHOLE = "\n".join(TEXTS.values())
HOOKS = {name: function for name, function in vars(specs).items() if name.startswith("supportkit_")}


def _import_everything():
    for module in pkgutil.walk_packages(supportkit.__path__, "supportkit."):
        if not module.name.endswith(("__main__", ".env")):  # those two do something when they are imported
            importlib.import_module(module.name)


def _with_descendants(cls):
    yield cls
    for child in cls.__subclasses__():
        yield from _with_descendants(child)


_import_everything()
ERRORS = [cls for cls in _with_descendants(errors.SupportkitError) if cls.__module__.startswith("supportkit.")]
COMMANDS = [*typing.get_args(commands.Command), *typing.get_args(commands.PairCommand)]
EVENTS = typing.get_args(events.Event)
COMMAND_LINE = REFERENCE / "command-line.md"


def entries(text):
    """Return the last parts of what mkdocstrings is told to document."""
    return {path.rsplit(".", 1)[-1] for path in re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)}


def rows(text):
    """Return the rows of tables whose first cell is one name in code type."""
    return {match[1]: match[0] for match in re.finditer(r"^\| `([\w.]+)` \|.*$", text, re.MULTILINE)}


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", supportkit.__all__)
def test_every_public_name_is_in_the_reference(name):
    assert name in entries(WHOLE) | rows(TEXTS["errors"]).keys() | {"SupportkitError"}


def test_what_the_reference_is_told_to_document_exists():
    for path in re.findall(r"^::: ([\w.]+)$", WHOLE, re.MULTILINE):
        if path == "supportkit.errors":
            continue
        module, name = path.rsplit(".", 1)
        assert hasattr(importlib.import_module(module), name), path


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.__name__)
def test_every_event_is_in_the_reference(cls):
    text = TEXTS["events-and-commands"]
    assert cls.__name__ in entries(text)
    assert f"`{cls.__name__}`" in text  # some verb leads to it


@pytest.mark.parametrize("cls", COMMANDS, ids=lambda cls: cls.__name__)
def test_every_command_is_in_the_reference(cls):
    text = TEXTS["events-and-commands"]
    assert cls.__name__ in entries(text)
    assert re.search(rf"^\| (`\w+`|-) \| `{cls.__name__}` \|", text, re.MULTILINE)


def test_every_verb_of_the_table_is_one():
    verbs = re.findall(r"^\| `(\w+)` \| `\w+` \|", TEXTS["events-and-commands"], re.MULTILINE)
    assert verbs
    assert [verb for verb in verbs if not callable(getattr(supportkit.Desk, verb, None))] == []


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_every_error_is_in_the_reference_with_its_code(cls):
    if cls is errors.SupportkitError:
        assert f"`{cls.__name__}` itself has the code `{cls.code}`" in TEXTS["errors"]
        return
    row = rows(TEXTS["errors"])[cls.__name__]
    assert row.startswith(f"| `{cls.__name__}` | `{cls.code}` | {'yes' if cls.retryable else 'no'} | ")


def test_the_table_of_errors_names_nothing_else():
    documented = {name for name in rows(TEXTS["errors"]) if "." not in name}
    assert documented == {cls.__name__ for cls in ERRORS} - {"SupportkitError"}


def test_error_codes_are_different():
    codes = [cls.code for cls in ERRORS]
    assert len(set(codes)) == len(codes)


def test_every_refusal_code_of_the_source_is_in_the_reference():
    source = pathlib.Path(supportkit.__file__).parent
    raised = {
        code
        for path in source.rglob("*.py")
        # Replays have codes of their own, on the page about replay formats; the contract tests make some up.
        if path.relative_to(source).parts[0] not in {"replay", "testing", "cli"}
        for code in re.findall(r"(?:refuse|Refusal)\(\s*\"([a-z_]+\.[a-z_]+)\"", path.read_text(encoding="utf-8"))
    }
    assert {"resolution.missing", "plugin.failed"} <= raised
    documented = {code for code in rows(TEXTS["errors"]) if "." in code}
    assert documented == raised


# -- hooks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_a_heading_with_its_signature(hook):
    signature = inspect.signature(HOOKS[hook])
    page = REFERENCE / "hooks.md"
    assert f"{hook}({', '.join(signature.parameters)})" in pages.headings(page)
    shown = [block.text.strip() for block in pages.blocks(page) if block.language == "text"]
    annotated = ", ".join(f"{name}: {parameter.annotation}" for name, parameter in signature.parameters.items())
    assert f"{hook}({annotated}) -> {signature.return_annotation}" in shown


def test_the_hooks_page_has_no_other_hooks():
    named = {heading.split("(")[0] for heading in pages.headings(REFERENCE / "hooks.md") if "(" in heading}
    assert named == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_test_named_after_it(hook):
    sources = [path.read_text(encoding="utf-8") for path in (pages.ROOT / "tests").rglob("test_*.py")]
    assert any(re.search(rf"def test_\w*{hook}\w*\(", source) for source in sources)


# -- command line ----------------------------------------------------------------------------------------------------


def test_every_command_of_the_command_line_is_in_the_reference():
    typer_main = pytest.importorskip("typer.main")
    cli = pytest.importorskip("supportkit.cli.commands")
    group = typer_main.get_command(cli.app)
    assert group.commands
    titles = pages.headings(COMMAND_LINE)
    assert [name for name in group.commands if not any(re.search(rf"\b{name}\b", title) for title in titles)] == []


# -- tables ----------------------------------------------------------------------------------------------------------


def test_every_table_of_the_schema_is_in_the_reference():
    text = TEXTS["storage"]
    named = set(re.findall(r"`(supportkit_\w+)`", text))
    assert named == {*schema.metadata.tables, schema.VERSION_TABLE}
    assert f"Schema version {schema.SCHEMA_VERSION}." in text


# -- pages -----------------------------------------------------------------------------------------------------------


def navigation():
    """Return the sections and the pages of mkdocs.yml; read by hand, since a YAML reader is no dependency of tests."""
    text = (pages.ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n", 1)[1]
    return re.findall(r"^  - ([^:\n]+):", text, re.MULTILINE), re.findall(r": (\S+\.md)$", text, re.MULTILINE)


def test_the_navigation_has_every_page_once():
    _sections, listed = navigation()
    assert sorted(listed) == sorted(page.relative_to(pages.DOCS).as_posix() for page in pages.DOCS.rglob("*.md"))


def test_the_sections_stand_in_the_order_of_diataxis():
    sections, _pages = navigation()
    assert sections == ["Home", "Tutorial", "How-to guides", "Reference", "Explanation", "Plug-ins"]


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name_of)
def test_links_lead_somewhere(page):
    for target in pages.links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{pages.name_of(page)} links to {target}"
        if anchor and file.suffix == ".md":
            slugs = {re.sub(r"[^\w]+", "-", heading.lower()).strip("-") for heading in pages.headings(file)}
            assert anchor in slugs, f"{pages.name_of(page)} links to {target}"


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name_of)
def test_a_page_has_one_title(page):
    assert len(re.findall(r"^# ", pages.prose(page), re.MULTILINE)) == 1


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name_of)
def test_examples_that_a_page_names_exist(page):
    named = re.findall(r"`(examples/[\w./-]+)`", page.read_text(encoding="utf-8"))
    assert [name for name in named if not (pages.ROOT / name).exists()] == []


def test_the_changelog_has_unreleased_changes():
    text = (pages.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = text.split("## [Unreleased]\n", 1)[1].split("\n## ", 1)[0]
    assert "### Added" in unreleased
    assert unreleased.count("\n- ") > 10
