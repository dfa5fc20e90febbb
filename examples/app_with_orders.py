"""An app with orders: several commands as one transaction, repeated safely under idempotency keys.

The app has a database of its own. Every night it looks for late orders and opens a ticket for each. When it dies in
the middle, or runs twice, no order gets half a ticket or two tickets.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from supportkit import Desk, Priority, Ticket

BOT = "bot:late-orders"


@attrs.frozen(kw_only=True)
class Order:
    """What the app knows about an order."""

    number: int
    customer: str
    days_late: int


class PowerCut(Exception):
    """Stands for whatever may go wrong in the app."""


def report_late(desk: Desk, order: Order, *, fail: bool = False) -> Ticket:
    """Open a complete ticket for a late order, or none; the keys make a second call harmless."""
    key = f"late-order-{order.number}"
    with desk.transaction() as inside:
        ticket = inside.open(
            f"Order {order.number} is late",
            customer=order.customer,
            actor=BOT,
            fields={"order": order.number, "days_late": order.days_late},
            idempotency_key=key,
        )
        inside.tag(ticket.id, "late", actor=BOT, idempotency_key=f"{key}-tag")
        if fail:
            raise PowerCut
        if order.days_late > 3:
            inside.set_priority(ticket.id, Priority.HIGH, actor=BOT, idempotency_key=f"{key}-priority")
        inside.assign(ticket.id, team="logistics", actor=BOT, idempotency_key=f"{key}-team")
        inside.note(ticket.id, f"{order.days_late} days late.", actor=BOT, idempotency_key=f"{key}-note")
    return desk.get(ticket.id)


def main() -> None:
    """Run the nightly job three times: it dies, it works, it runs again by mistake."""
    with TemporaryDirectory() as folder, Desk(f"sqlite:///{Path(folder) / 'support.db'}") as desk:
        ann = desk.customers.add("Ann").id
        orders = [Order(number=1017, customer=ann, days_late=5), Order(number=1018, customer=ann, days_late=1)]

        try:
            report_late(desk, orders[0], fail=True)
        except PowerCut:
            print(f"after the failure: {len(desk.find().items)} tickets")

        for night in ("first", "second"):
            for order in orders:
                report_late(desk, order)
            print(f"after the {night} night: {len(desk.find().items)} tickets")

        for ticket in desk.find(teams="logistics").items:
            print(f"#{ticket.number} {ticket.subject}: {ticket.priority.name}, {ticket.version} events")


if __name__ == "__main__":
    main()
