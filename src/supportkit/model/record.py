"""What a desk keeps besides its tickets: agents, teams, drafts, invitations ... one value for all of them.

A subject gives its records a kind, and writes and reads what lies in them itself. So a new subject needs no table.
"""

from __future__ import annotations

import datetime as dt

import attrs


@attrs.frozen(kw_only=True)
class Record:
    """One thing of one kind, at one version.

    Attributes:
        kind: What it is: a short name that the subject chose, such as `agent`.
        id: Tells it apart from the others of its kind; up to 128 characters.
        owner: The id of the ticket or customer that it belongs to: it is deleted, exported and erased with it.
        name: A second word to find it by, which several may share; never a person's own words.
        due_at: When somebody must look at it; `None`: nobody need.
        data: What the subject keeps, as JSON text.
        version: 1 for a new one, then one more for each change.
    """

    tenant: str
    kind: str
    id: str
    owner: str = ""
    name: str = ""
    due_at: dt.datetime | None = None
    data: str = attrs.field(default="{}", repr=False)
    version: int = 1


@attrs.frozen(kw_only=True)
class RecordChange:
    """A record to write, or to delete.

    What is stored must be at the version before: `version - 1` of what is written, `version` of what is deleted.

    Attributes:
        record: As it is to be; where it is deleted, as it was.
        is_removed: It is deleted.
    """

    record: Record
    is_removed: bool = False
