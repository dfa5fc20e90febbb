"""What a desk tells customers by itself: in their language and time zone, and what it keeps silent about."""

from __future__ import annotations

from supportkit import Address, Capabilities, Desk, ManualClock, Notices, Printer
from supportkit.model.people import AddressStatus

mail = Printer(name="email", capabilities=Capabilities(family="email", inbound=False))
clock = ManualClock("2026-03-02T12:00:00+00:00")

with Desk(
    "sqlite://", channels=[mail], notices=Notices(to_addresses=True, desk_name="Two Wheels"), clock=clock
) as desk:
    people = [("Ann", "en", "Europe/London"), ("Анна", "ru", "Europe/Moscow"), ("安娜", "zh", "Asia/Shanghai")]
    for number, (name, locale, zone) in enumerate(people, 1):
        address = Address(family="email", value=f"customer{number}@example.org", status=AddressStatus.VERIFIED)
        customer = desk.customers.add(name, addresses=[address], locale=locale, timezone=zone)
        desk.open("Bicycle", "When is it ready?", customer=customer.id, channel="email")

    desk.set_priority(1, "urgent", actor="agent:kim")  # the same time is promised: nobody is told
    desk.resolve(1, "new chain", actor="agent:kim")
    desk.open("Re: Bicycle", "I am on holiday.", customer=desk.get(2).customer, channel="email", kind="auto")

    desk.deliver_outbox()
    print([(row.rule, row.reason) for row in desk.outbox(states=["suppressed"])])
