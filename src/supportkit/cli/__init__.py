"""The `supportkit` command; needs the extra `supportkit[cli]`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; without its extra, say so in one sentence and end with 2."""
    try:
        import rich  # noqa: F401 - looked for here, used in the other modules
        import typer  # noqa: F401
    except ImportError:
        sys.stderr.write("supportkit: the command line needs its extra: pip install 'supportkit[cli]'\n")
        raise SystemExit(2) from None
    from supportkit.cli.app import run

    run()
