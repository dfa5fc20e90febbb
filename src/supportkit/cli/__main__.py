"""`python -m supportkit.cli` is the `supportkit` command."""

from supportkit.cli import main

main()
