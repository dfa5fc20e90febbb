"""`supportkit mail import`: mail from files becomes tickets, with a word on what became of each."""

from __future__ import annotations

import mailbox
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from supportkit.channels.email import EmailChannel
from supportkit.channels.inbound import Payload
from supportkit.cli.app import DEFAULT_DATABASE, Database
from supportkit.cli.logs import bar
from supportkit.cli.terminal import console, line
from supportkit.clock import SystemClock
from supportkit.desk import Desk
from supportkit.errors import ConfigurationError
from supportkit.intake import Budgets
from supportkit.keyring import kept_keys
from supportkit.receiving import InboxReport

mail = typer.Typer(no_args_is_help=True, help="Bring mail into a desk.")
_MANY = 1_000_000
_MAX_BYTES = 100_000_000
_SHOWN = ("opened", "joined", "followed_up", "receipts", "ignored", "duplicates")


@mail.command("import")
def import_mail(
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR|MBOX", help="A mail, a folder of mails, or an mbox.")],
    *,
    address: Annotated[str, typer.Option("--address", metavar="ADDRESS", help="Of the mailbox that they came to.")],
    name: Annotated[str, typer.Option("--channel", metavar="NAME", help="The channel that they came by.")] = "email",
    authserv_id: Annotated[
        str | None,
        typer.Option("--authserv-id", metavar="NAME", help="Whose Authentication-Results are believed."),
    ] = None,
    tenant: Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose desk it is.")] = "default",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """Bring mail from files into a desk, as if it had just arrived; the same mail again changes nothing.

    Nothing is sent. Clocks start now, whatever date a mail bears.
    """
    found = list(_mails(path))
    with Desk(database, tenant=tenant) as there:
        keys = kept_keys(there.storage, tenant, SystemClock())()
    channel = EmailChannel(addresses=address, keys=keys, tenant=tenant, authserv_id=authserv_id, name=name)
    fates: list[tuple[str, str]] = []
    budgets = Budgets(new_tickets=_MANY, reopenings=_MANY)
    with Desk(database, tenant=tenant, channels=[channel], keys=keys, budgets=budgets) as desk, bar("import") as move:
        while desk.process_inbox().more:
            pass  # what waits there is not ours to report
        for done, (label, raw) in enumerate(found, 1):
            fates.append((label, _fate(desk, name, raw)))
            move(done, len(found), f"{done:,} mails")
    _tell(fates)


def _mails(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what stands where the user points, with a label each.

    Raises:
        ConfigurationError: There is nothing, or it cannot be read.
    """
    try:
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in files:
            label = str(file.relative_to(path)) if path.is_dir() else file.name
            if file.stat().st_size <= _MAX_BYTES and not _is_mbox(file):
                yield label, file.read_bytes()
                continue
            box = mailbox.mbox(file, create=False)
            try:
                for number, key in enumerate(box.iterkeys(), 1):
                    yield f"{label}:{number}", box.get_bytes(key)
            finally:
                box.close()
    except (OSError, mailbox.Error) as error:
        raise ConfigurationError(f"{path.name}: the mail cannot be read: {type(error).__name__}") from None


def _is_mbox(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(5) == b"From "


def _fate(desk: Desk, channel: str, raw: bytes) -> str:
    """Let one mail arrive, and return what became of it."""
    status = desk.receive(channel, Payload(body=raw)).status
    if status != 200:  # noqa: PLR2004 - accepted
        return f"refused ({status})"
    report = desk.process_inbox(limit=1)
    return _outcome(report)


def _outcome(report: InboxReport) -> str:
    if report.quarantined or report.failed:
        reason = report.problems[-1][1] if report.problems else "unknown"
        return f"{'quarantined' if report.quarantined else 'failed'}: {reason}"
    if report.claimed:
        return "opened, claims to follow another ticket"
    return next((name.replace("_", " ") for name in _SHOWN if getattr(report, name)), "known already")


def _tell(fates: list[tuple[str, str]]) -> None:
    out = console()
    for label, fate in fates:
        out.print(line(f"{label}: {fate}"), soft_wrap=True)
    counts = Counter(fate.partition(":")[0] for _label, fate in fates)
    total = ", ".join(f"{count:,} {fate}" for fate, count in counts.most_common())
    out.print(line(f"{len(fates):,} mails: {total or 'nothing to import'}"), soft_wrap=True)
