"""Run the benchmarks: `python -m bench` all of them, `python -m bench P1 P4` some; one table, and `results.json`."""

from __future__ import annotations

import importlib
import json
import pkgutil
import platform
import re
import sqlite3
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import bench

RESULTS = Path(__file__).with_name("results.json")
_NUMBER = re.compile(r"P\d+")


def modules() -> list[ModuleType]:
    """Return the modules of this package that have something to run, by the numbers of their rows."""
    names = [found.name for found in pkgutil.iter_modules(bench.__path__) if found.name != "__main__"]
    loaded = [importlib.import_module(f"bench.{name}") for name in sorted(names)]
    runnable = [module for module in loaded if callable(getattr(module, "run", None))]
    return sorted(runnable, key=lambda module: (min(map(_order, numbers(module)), default=999), module.__name__))


def numbers(module: ModuleType) -> tuple[str, ...]:
    """Return the rows that a module measures: those that the first line of its docstring names."""
    return tuple(_NUMBER.findall((module.__doc__ or "").partition("\n")[0]))


def _order(number: str) -> int:
    return int(number[1:])


def wanted(module: ModuleType, asked: Sequence[str]) -> bool:
    """Tell whether one of the rows that were asked for may come from *module*."""
    known = numbers(module)
    return not asked or not known or any(number in known for number in asked)


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the rows as a table of plain text."""
    head = ("id", "work", "against", "median", "min", "max", "bar", "")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    left = {0, 1, 2, 7}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    unit = row.get("unit", "x")
    verdict = "ok" if row["ok"] else "MISSED"
    if row.get("void"):
        verdict = f"void (base varied), {verdict}"
    if not row["bar"]:
        verdict = ""
    figures = [f"{row[name]:,.4g} {unit}" if name in row else "" for name in ("ratio", "low", "high")]
    return (str(row["id"]), str(row["work"]), str(row.get("reference", "")), *figures, str(row["bar"]), verdict)


def main(asked: Sequence[str]) -> int:
    """Run what was asked for; return 1 if a bar was missed."""
    unknown = [number for number in asked if not _NUMBER.fullmatch(number)]
    if unknown:
        print(f"rows are called P1, P2 ..., not {unknown[0]!r}", file=sys.stderr)
        return 2
    rows: list[Mapping[str, Any]] = []
    chosen = [module for module in modules() if wanted(module, asked)]
    for count, module in enumerate(chosen, start=1):
        name = module.__name__.partition(".")[2]
        print(f"[{count}/{len(chosen)}] {name} ...", end=" ", file=sys.stderr, flush=True)
        begun = time.monotonic()
        found = [row for row in module.run() if not asked or str(row["id"]).partition("-")[0] in asked]
        print(f"{len(found)} rows in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        rows += found
    print(table(rows))
    RESULTS.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row["ok"] for row in rows) else 1


def machine() -> dict[str, str]:
    """Return what the figures were measured on."""
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.system(),
        "machine": platform.machine(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
