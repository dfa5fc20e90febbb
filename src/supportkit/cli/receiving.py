"""`supportkit channels` and `supportkit quarantine`: what arrives by channels, and what a person has to look at."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from supportkit.channels.port import Capabilities
from supportkit.cli.app import DEFAULT_DATABASE, Database, existing
from supportkit.cli.terminal import console, line, print_json, words
from supportkit.cli.working import made
from supportkit.desk import Desk
from supportkit.errors import ConfigurationError
from supportkit.quarantine import Quarantined

quarantine = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at, mend and read again what nobody could read."
)
Factory = Annotated[
    str | None,
    typer.Option("--desk", metavar="MODULE:FACTORY", help="Call this for the desk: it knows your channels."),
]
Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose desk it is.")]
Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="The id of a delivery, as `list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def _desk(factory: str | None, database: str, tenant: str) -> Desk:
    return existing(database, discover=True, tenant=tenant) if factory is None else made(factory)


def channels(
    *,
    desk: Factory = None,
    json: Json = False,
    tenant: Tenant = "default",
    database: Database = DEFAULT_DATABASE,
) -> None:
    """List the channels of a desk: what they can do, what waits to be read, and where polling goes on."""
    with _desk(desk, database, tenant) as opened:
        able = {name: adapter.capabilities for name, adapter in opened.channels.items()}
        states = opened.channel_states()
    rows = [
        {
            "channel": one.channel,
            "can": _told(able[one.channel]) if one.channel in able else ["not in this desk"],
            "waiting": one.waiting,
            "quarantined": one.quarantined,
            "cursor": one.cursor,
        }
        for one in states
    ]
    if json:
        print_json(rows)
        return
    if not rows:
        console().print("No channels.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Channel", "It", "Waiting", "Quarantined", "Cursor"):
        table.add_column(name, justify="right" if name in {"Waiting", "Quarantined"} else "left")
    for one in states:
        can = ", ".join(_told(able[one.channel])) if one.channel in able else "is not in this desk"
        table.add_row(line(one.channel), line(can), str(one.waiting), str(one.quarantined), line(one.cursor or "-"))
    console().print(table)


def _told(able: Capabilities) -> list[str]:
    """Return what a channel can do, in words."""
    names = ("inbound", "outbound", "signed", "polls", "public", "insecure", "delivery_receipts", "dedupes_sends")
    return [able.family, *[name for name in names if getattr(able, name)]]


@quarantine.command("list")
def list_(
    *, limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 100, desk: Factory = None,
    json: Json = False, tenant: Tenant = "default", database: Database = DEFAULT_DATABASE,
) -> None:  # fmt: skip
    """List what lies in quarantine, the oldest first, without its words."""
    with _desk(desk, database, tenant) as opened:
        found = opened.quarantine.list(limit=limit)
    if json:
        print_json([_plain(one) for one in found])
    elif not found:
        console().print("Nothing lies in quarantine.")
    else:
        table = Table("Delivery", "Channel", "Since", "Why", "Bytes", box=box.SIMPLE_HEAD, pad_edge=False)
        for one in found:
            since = one.received_at.isoformat(sep=" ", timespec="minutes")
            table.add_row(line(one.id), line(one.channel), since, line(one.reason), f"{one.size:,}")
        console().print(table)


def _plain(one: Quarantined) -> dict[str, object]:
    return {
        "id": one.id,
        "channel": one.channel,
        "account": one.account,
        "received_at": one.received_at.isoformat(),
        "reason": one.reason,
        "tries": one.tries,
        "size": one.size,
    }


@quarantine.command("show")
def show(
    delivery: Delivery, *, desk: Factory = None, tenant: Tenant = "default", database: Database = DEFAULT_DATABASE
) -> None:
    """Show one delivery with its raw text; what a terminal would obey is left out."""
    with _desk(desk, database, tenant) as opened:
        found, raw = opened.quarantine.show(delivery)
    out = console()
    out.print(line(f"{found.channel}, {found.received_at.isoformat()}, {found.size:,} bytes: {found.reason}"))
    out.print(words(raw.head))
    out.print(words(raw.body.decode("utf-8", "backslashreplace")), soft_wrap=True)


@quarantine.command("export")
def export(
    delivery: Delivery, file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; - for stdout.")],
    *, desk: Factory = None, tenant: Tenant = "default", database: Database = DEFAULT_DATABASE,
) -> None:  # fmt: skip
    """Write the raw bytes of a delivery to a new file, exactly as they arrived."""
    with _desk(desk, database, tenant) as opened:
        raw = opened.quarantine.export(delivery)
    if str(file) == "-":
        sys.stdout.buffer.write(raw)
        return
    try:
        with file.open("xb") as target:
            target.write(raw)
    except OSError as error:
        raise ConfigurationError(f"{file.name}: the file cannot be written: {error.strerror}") from None


@quarantine.command("fix")
def fix(
    delivery: Delivery, file: Annotated[Path, typer.Argument(metavar="FILE", help="The bytes to read instead.")],
    *, desk: Factory = None, tenant: Tenant = "default", database: Database = DEFAULT_DATABASE,
) -> None:  # fmt: skip
    """Put the bytes of a file in the place of those that could not be read."""
    try:
        body = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file.name}: the file cannot be read: {error.strerror}") from None
    with _desk(desk, database, tenant) as opened:
        mended = opened.quarantine.fix(delivery, body)
    console().print(line(f"{mended.id} has {mended.size:,} other bytes now: let it be read with `reprocess`"))


@quarantine.command("reprocess")
def reprocess(
    delivery: Annotated[str | None, typer.Argument(metavar="[DELIVERY]", help="Which one; all by default.")] = None,
    *, desk: Factory = None, tenant: Tenant = "default", database: Database = DEFAULT_DATABASE,
) -> None:  # fmt: skip
    """Read a delivery again, or all; what had its effect never has it twice. Needs a desk with its channels."""
    with _desk(desk, database, tenant) as opened:
        count = opened.quarantine.reprocess(delivery)
    console().print(f"{count:,} given back to be read.")


@quarantine.command("purge")
def purge(
    *, days: Annotated[int, typer.Option(min=0, max=3650, help="How long they have been settled.")] = 30,
    desk: Factory = None, tenant: Tenant = "default", database: Database = DEFAULT_DATABASE,
) -> None:  # fmt: skip
    """Delete deliveries that were read, or put into quarantine, so many days ago."""
    count = 0
    with _desk(desk, database, tenant) as opened:
        before = opened.now() - dt.timedelta(days=days)
        while gone := opened.quarantine.purge(before):
            count += gone
    console().print(f"Deleted: {count:,} deliveries." if count else "Nothing is too old.")
