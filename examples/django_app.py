"""A shop on Django: an order and the ticket about it come in one `transaction.atomic`, or neither of them does.

`connection.connection` is the driver's connection below Django's; the desk writes on it and leaves the commit to
Django. Observers of the desk are told by `transaction.on_commit`. The settings lie in this file, so that it runs by
itself; with PostgreSQL only `DATABASES` and the URL of the desk are others.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.db import connection, models, transaction

from supportkit import Desk, Ticket, hookimpl
from supportkit.model.events import Recorded, TicketOpened

if TYPE_CHECKING:
    from django.db.models import Model

SHOP = "bot:shop"


def set_up(file: Path) -> type[Model]:
    """Configure Django on a file and return the model of orders, with its table made."""
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": file,
                "OPTIONS": {
                    # A transaction that begins as a reader may be refused when it wants to write.
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL",
                },
            }
        },
        USE_TZ=True,
    )
    django.setup()

    class Order(models.Model):  # type: ignore[misc]  # Django has no types
        product = models.CharField(max_length=50)
        ticket = models.CharField(max_length=64)

        class Meta:
            app_label = "shop"

        def __str__(self) -> str:
            return f"{self.product}, ticket {self.ticket}"

    with connection.schema_editor() as editor:
        editor.create_model(Order)
    return Order


class Bell:
    """Rings when a ticket was opened, and is committed."""

    @hookimpl
    def supportkit_event_recorded(self, recorded: Recorded, ticket: Ticket) -> None:
        """Print the number of a new ticket."""
        if isinstance(recorded.event, TicketOpened):
            print(f"ding: ticket {ticket.number}, {ticket.subject}")


def order(orders: type[Model], desk: Desk, product: str, *, fail: bool = False) -> str:
    """Store an order and the ticket about its delivery; return the id of the ticket."""
    with transaction.atomic():
        with desk.joined(connection.connection) as inside:
            ticket = inside.open(f"Deliver: {product}", actor=SHOP, tags=["delivery"])
        orders._default_manager.create(product=product, ticket=ticket.id)  # noqa: SLF001 - Django's documented name
        transaction.on_commit(inside.announce)
        if fail:
            raise ConnectionError("the payment was refused")
    return ticket.id


def main() -> None:
    """Order a lamp, and fail to order a chair."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "shop.db"
        orders = set_up(file)
        with Desk(f"sqlite:///{file}", plugins=[Bell()]) as desk:
            ticket = order(orders, desk, "lamp")
            try:
                order(orders, desk, "chair", fail=True)
            except ConnectionError as error:
                print(f"no order: {error}")

            kept = list(orders._default_manager.values_list("product", "ticket"))  # noqa: SLF001 - as above
            print(f"{len(kept)} order, {len(desk.find().items)} ticket")
            print(f"the order names its ticket: {kept == [('lamp', ticket)] and desk.get(ticket).number == 1}")
        connection.close()


if __name__ == "__main__":
    main()
