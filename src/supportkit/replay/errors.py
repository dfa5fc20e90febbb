"""What can be wrong with a log or with the description of one. Rows that the rules refuse are no errors: they count."""

from __future__ import annotations

from supportkit.errors import ConfigurationError


class ReplayError(ConfigurationError):
    """A log cannot be read any further; what was committed before stays, and a corrected file goes on from there.

    Attributes:
        file: Name of the file, without its folder.
        line: The line, counted from 1; 0 where it is about the whole file.
    """

    code = "replay.log"

    def __init__(self, file: str, line: int, problem: str) -> None:
        self.file = file
        self.line = line
        place = f"{file}, line {line}" if line else file
        super().__init__(f"{place}: {problem}")


class InvalidLogFormat(ConfigurationError, ValueError):
    """A description of a log names unknown keys, states or zones, or lacks what it needs."""

    code = "replay.format"
