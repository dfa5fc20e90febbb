"""Reading the documentation: its pages, their blocks, headings and links. No tests in here."""

from __future__ import annotations

import configparser
import contextlib
import io
import os
import pathlib
import re
import sys
import tomllib

import attrs

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_NO_RUN = re.compile(r"<!-- no-run: (?P<reason>[^\n]+?) -->\n\Z")
_OUTPUT = re.compile(r"<!-- output -->\n\Z")
_TITLE = re.compile(r'title="([^"]+)"')
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!\!)\[[^\]\n]+\]\(([^)\s]+)\)")


@attrs.frozen(kw_only=True)
class Block:
    """A fenced block of a page.

    Attributes:
        line: Where its fence stands, from 1.
        language: The first word behind the fence.
        title: A file name, where the block is the content of that file.
        no_run: The reason of a `<!-- no-run: ... -->` directly above.
        is_output: Whether `<!-- output -->` stands directly above: it is what the block before it prints.
    """

    page: pathlib.Path
    line: int
    language: str
    title: str | None
    text: str
    no_run: str | None
    is_output: bool


def pages():
    """Return README and every page below docs/."""
    return [README, *sorted(DOCS.rglob("*.md"))]


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page):
    """Return the fenced blocks of a page, in order."""
    source = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(source):
        before, info = source[: match.start()], match["info"].strip()
        no_run, title, indent = _NO_RUN.search(before), _TITLE.search(info), match["indent"]
        found.append(
            Block(
                page=page,
                line=before.count("\n") + 1,
                language=info.split(" ", 1)[0],
                title=title[1] if title else None,
                text="".join(line.removeprefix(indent) for line in match["body"].splitlines(keepends=True)),
                no_run=no_run["reason"] if no_run else None,
                is_output=bool(_OUTPUT.search(before)),
            )
        )
    return found


def prose(page):
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def headings(page):
    return _HEADING.findall(prose(page))


def links(page):
    """Return the targets of the links of a page that stay inside the project."""
    return [target for target in _LINK.findall(prose(page)) if "://" not in target and not target.startswith("mailto:")]


def runnable(page):
    """Return the blocks that `run` carries out, compares or writes to a file."""
    return [block for block in blocks(page) if block.no_run is None and (block.language == "python" or block.is_output)]


def run(page, folder):
    """Run the Python blocks of a page in order, in one namespace, inside *folder*.

    A block with a title is written to the file of that name, where the blocks behind it can import it; a
    `pyproject.toml` is installed. What a block prints is compared with a block marked as its output.
    """
    names = {"__name__": "page"}
    printed, compared = "", 0
    with _living_in(folder):
        try:
            for block in blocks(page):
                if block.is_output:
                    assert printed.rstrip() == block.text.rstrip(), f"{name_of(page)}:{block.line} shows other output"
                    compared += 1
                elif block.title is not None and block.no_run is None:
                    (folder / block.title).write_text(block.text, encoding="utf-8")
                    sys.modules.pop(pathlib.Path(block.title).stem, None)
                    if block.title == "pyproject.toml":
                        _install(tomllib.loads(block.text)["project"], folder)
                elif block.language == "python" and block.no_run is None:
                    code = "\n" * block.line + block.text
                    with contextlib.redirect_stdout(io.StringIO()) as out:
                        exec(compile(code, name_of(page), "exec"), names)
                    printed = out.getvalue()
        finally:
            _close_desks(names)
    return compared


def _install(project, folder):
    """Do what `pip install` does with a project that has modules and entry points only."""
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    points = configparser.ConfigParser()
    points.read_dict(project["entry-points"])
    with (info / "entry_points.txt").open("w", encoding="utf-8") as file:
        points.write(file)


@contextlib.contextmanager
def _living_in(folder):
    before, known, bytecode = pathlib.Path.cwd(), set(sys.modules), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # a page writes one module several times within a second
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = bytecode
        for name in set(sys.modules) - known:
            origin = getattr(sys.modules[name], "__file__", None) or ""
            if origin.startswith(str(folder)):
                del sys.modules[name]


def _close_desks(names):
    from supportkit import Desk

    for value in names.values():
        if isinstance(value, Desk):
            value.close()
