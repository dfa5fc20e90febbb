"""What the linters of this room say."""

from __future__ import annotations

import attrs

from supportkit.sla.lint import Severity


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is wrong (an error is refused) or unwise.

    Attributes:
        code: `X01` and so on for rules and lines, `R01` and so on for the regulation.
        sentence: What is wrong, for people.
        where: The rule, line, vendor or topic.
    """

    code: str
    severity: Severity
    sentence: str
    where: str
