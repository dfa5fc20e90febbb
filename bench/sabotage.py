"""Break the code on purpose, one fault at a time, and see that the tests named for it turn red.

`python -m bench.sabotage` plants each fault in a copy of the source, runs its tests against the copy, and says whether
they noticed. A fault that nobody notices is a promise that nobody holds. The copy lives in a temporary folder; the
source itself is never touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 300


@attrs.frozen(kw_only=True)
class Fault:
    """One fault.

    Attributes:
        number: Its number in the list of faults that the tests must find.
        name: What is broken.
        file: Where, below `src/supportkit`.
        old: Text that stands there exactly once.
        new: What it is replaced by.
        tests: What must turn red, as arguments of pytest.
    """

    number: int
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


KIT = "tests/contract/test_sqlite_file.py"
FAULTS = (
    Fault(
        number=1,
        name="commit before the outbox insert",
        file="storage/saving.py",
        old="        if change.outbox:\n",
        new="""        if change.outbox:
            session._cursor.execute("COMMIT")
            session._cursor.execute("BEGIN IMMEDIATE")
""",
        tests=("tests/unit/storage/test_cost_of_a_verb.py",),
    ),
    Fault(
        number=2,
        name="acknowledge before the commit",
        file="storage/connections.py",
        old='            database.run(self._driver, "COMMIT")\n',
        new='            __import__("threading").Timer(0.2, database.run, [self._driver, "COMMIT"]).start()\n',
        tests=(KIT + "::TestSqliteInAFile::test_what_was_committed_is_there_when_the_database_is_opened_again",),
    ),
    Fault(
        number=3,
        name="drop the version check",
        file="storage/statements.py",
        old='t.ticket.c.id == bindparam("id"), t.ticket.c.version == bindparam("expected")',
        new='t.ticket.c.id == bindparam("id"), bindparam("expected") == bindparam("expected")',
        tests=(KIT, "-k", "stale_version or loser_of_a_race or increment"),
    ),
    Fault(
        number=4,
        name="drop the unique key of what was told",
        file="storage/schema.py",
        old="""    PrimaryKeyConstraint("tenant", "ticket", "id"),
    clustered=True,
""",
        new="    clustered=False,\n",
        tests=(KIT, "-k", "told_twice"),
    ),
    Fault(
        number=5,
        name="lease without fence",
        file="storage/queue_statements.py",
        old='o.c.id == bindparam("row"), o.c.fence == bindparam("fence"))',
        new='o.c.id == bindparam("row"), bindparam("fence") >= 0)',
        tests=(KIT, "-k", "fence"),
    ),
    Fault(
        number=6,
        name="turn the strict comparison at the due",
        file="sla/measure.py",
        old="if used > target and rare.breached is None:",
        new="if used >= target and rare.breached is None:",
        tests=("tests/golden/test_sla_clocks.py", "tests/unit/desk/test_clocks.py"),
    ),
    Fault(
        number=7,
        name="subtract local times",
        file="businesstime/calendar.py",
        old="since = t - epoch - zone.utcoffset(t)",
        new="since = t - epoch - zone.utcoffset(epoch)",
        tests=("tests/golden/test_business_time.py", "tests/property/test_business_time_laws.py"),
    ),
    Fault(
        number=8,
        name="synchronous=NORMAL",
        file="storage/sqlite.py",
        old="(synchronous.upper(), SYNCHRONOUS[synchronous])",
        new='("NORMAL", 1)',
        tests=("tests/unit/storage",),
    ),
    Fault(
        number=9,
        name="== instead of compare_digest",
        file="channels/signing.py",
        old="is_right |= hmac.compare_digest(entry, wanted)",
        new="is_right |= entry == wanted",
        tests=("tests/test_source_rules.py", "-k", "signing"),
    ),
    Fault(
        number=10,
        name="a window on one side only",
        file="channels/signing.py",
        old="if abs(payload.received_at - signed_at) > WINDOW:",
        new="if payload.received_at - signed_at > WINDOW:",
        tests=("tests/unit/channels/test_bad_inputs.py", "-k", "webhook_04"),
    ),
    Fault(
        number=11,
        name="drop deliveries with a retry header",
        file="receiving.py",
        old="    arrival = _arrival(runner, name, payload, verified, None if verified",
        new="""    if payload.header_values("X-Slack-Retry-Num"):
        return _NO_CONTENT
    arrival = _arrival(runner, name, payload, verified, None if verified""",
        tests=("tests/unit/desk/test_receiving.py", "-k", "retry_header"),
    ),
    Fault(
        number=12,
        name="strip tags once",
        file="channels/email/sanitize.py",
        old="    return nh3.clean(\n",
        new="    return re.sub(r'</?(?:script|style|base)[^>]*>', '', html) or nh3.clean(\n",
        tests=("tests/unit/email/test_sanitize.py",),
    ),
    Fault(
        number=13,
        name="look at a file name before it is normalised",
        file="channels/email/attachments.py",
        old="""    name = _NUL_ESCAPE.sub("", name)
    name = "".join(
        [letter for letter in name[:8_000] if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    )
    name = _SEPARATORS.split(unicodedata.normalize("NFC", name).rstrip("/\\\\ "))[-1]
    # A look-alike of the dot counts as one, so that it cannot hide the first one of a name.
    name = _DOTS.sub(".", name.replace("\\uff0e", ".").replace("\\u2024", "."))
    name = _UNWANTED.sub("_", " ".join(name.split())).strip(". ")
""",
        new="""    name = _NUL_ESCAPE.sub("", name).strip(". ")
    name = "".join(
        [letter for letter in name[:8_000] if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    )
    name = _SEPARATORS.split(unicodedata.normalize("NFC", name).rstrip("/\\\\ "))[-1]
    name = _DOTS.sub(".", name.replace("\\uff0e", ".").replace("\\u2024", "."))
    name = _UNWANTED.sub("_", " ".join(name.split()))
""",
        tests=("tests/unit/email/test_bad_inputs.py", "-k", "attachment_02"),
    ),
    Fault(
        number=14,
        name="str.format on texts",
        file="templates/compiled.py",
        old="        return buffer.getvalue()\n",
        new="        return buffer.getvalue().format(**values)\n",
        tests=("tests/unit/templates/test_language.py",),
    ),
    Fault(
        number=15,
        name="one try around the loop of plug-ins",
        file="hooks/manager.py",
        old="""            try:
                if names == ("recorded", "ticket"):
                    function(recorded, ticket)
                else:
                    given = {"recorded": recorded, "ticket": ticket}
                    function(*[given[name] for name in names])
            except Exception as error:  # noqa: BLE001 - isolation is the point
                self._note(plugin, "supportkit_event_recorded", error)
""",
        new="""            if names == ("recorded", "ticket"):
                function(recorded, ticket)
            else:
                given = {"recorded": recorded, "ticket": ticket}
                function(*[given[name] for name in names])
""",
        tests=("tests/unit/hooks",),
    ),
    Fault(
        number=16,
        name="lose one write in a thousand",
        file="storage/saving.py",
        old="""    def _save(self, change: Change) -> None:
        session = self._session
""",
        new="""    def _save(self, change: Change) -> None:
        globals()["_count"] = globals().get("_count", 0) + 1
        if globals()["_count"] % 1000 == 0:
            return
        session = self._session
""",
        tests=(KIT, "-k", "thousands_of_writes"),
    ),
    Fault(
        number=17,
        name="return a stale row",
        file="storage/unit.py",
        old="""        row = self.one(self._get, {"id": ticket_id})
        return None if row is None else rows.read_ticket(self.tenant, row)
""",
        new="""        row = self.one(self._get, {"id": ticket_id})
        cache = globals().setdefault("_cache", {})
        key = (self.tenant, ticket_id, id(self._st))
        return None if row is None else cache.setdefault(key, rows.read_ticket(self.tenant, row))
""",
        tests=(KIT, "-k", "comes_back_with_every_attribute or stored_row"),
    ),
    Fault(
        number=18,
        name="forget the tenant in one method",
        file="storage/statements.py",
        old='"message": select(t.message).where(t.message.c.tenant == _TENANT, t.message.c.id == bindparam("id"))',
        new='"message": select(t.message).where(t.message.c.id == bindparam("id"))',
        tests=("tests/unit/storage/test_tenant_in_every_statement.py",),
    ),
)


def plant(fault: Fault, folder: Path) -> Path:
    """Copy the source into *folder* with one fault in it; return what stands for `src`.

    Raises:
        ValueError: The text to be replaced is not there exactly once: the list has to follow the code.
    """
    source = folder / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    path = source / "supportkit" / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        raise ValueError(f"fault {fault.number}: its text stands {text.count(fault.old)} times in {fault.file}")
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    return source


def is_noticed(fault: Fault) -> bool:
    """Tell whether the tests of a fault turn red."""
    with tempfile.TemporaryDirectory(prefix="supportkit-sabotage-") as folder:
        source = plant(fault, Path(folder))
        arguments = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *fault.tests]
        done = subprocess.run(
            arguments,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        return done.returncode == 1  # 1 is "tests failed"; anything else is no finding


def main(numbers: Sequence[str]) -> int:
    """Plant the faults of these *numbers*, all by default; return 1 if one was not noticed."""
    wanted = [fault for fault in FAULTS if not numbers or str(fault.number) in numbers]
    missed = 0
    for fault in wanted:
        red = is_noticed(fault)
        missed += not red
        print(f"{fault.number:>3}  {'noticed' if red else 'MISSED '}  {fault.name}", flush=True)
    print(f"{len(wanted) - missed} of {len(wanted)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
