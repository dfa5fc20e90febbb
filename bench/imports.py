"""P9: `import supportkit` in a fresh interpreter, against `import attrs, pluggy`.

The names of the package are resolved when they are first used, so the second row says what an app pays that takes the
desk itself; SQLAlchemy is most of it. It has no bar. `tests/unit/test_import.py` holds which packages are imported.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable

from bench.harness import Row, at_most, insist, seconds, take_turns, told

BAR_MS = 60.0
BASE = "import attrs, pluggy"


def run() -> list[Row]:
    """Measure the bare import and that of the desk."""
    return [insist(_bare), _desk()]


def _bare() -> Row:
    measured = take_turns(_interpreter("import supportkit"), _interpreter(BASE), rounds=11)
    more = [(ours - base) * 1000 for ours, base in zip(measured.ours, measured.base, strict=True)]
    return at_most(
        BAR_MS,
        more,
        spread=measured.spread,
        digits=1,
        id="P9",
        work="import supportkit, in a fresh interpreter",
        reference=BASE,
        unit="ms more",
        base_ms=round(statistics.median(measured.base) * 1000, 1),
    )


def _desk() -> Row:
    measured = take_turns(_interpreter("from supportkit import Desk"), _interpreter(BASE), rounds=5)
    more = [(ours - base) * 1000 for ours, base in zip(measured.ours, measured.base, strict=True)]
    return told(
        more,
        digits=1,
        id="P9-desk",
        work="from supportkit import Desk",
        reference=BASE,
        unit="ms more",
        base_ms=round(statistics.median(measured.base) * 1000, 1),
    )


def _interpreter(code: str) -> Callable[[], float]:
    return lambda: seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))
