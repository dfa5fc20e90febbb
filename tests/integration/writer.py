"""A process that writes tickets, and acknowledges each verb after it returned. No tests in here.

    python writer.py URL SEED COUNT

Each line on the standard output is an id and the version that was acknowledged.
"""

from __future__ import annotations

import random
import sys

from supportkit import ConcurrentUpdate, Desk, Printer, StorageUnavailable, Ticket

KIM = "agent:kim"


def acknowledge(ticket: Ticket) -> None:
    sys.stdout.write(f"{ticket.id} {ticket.version}\n")
    sys.stdout.flush()


def step(desk: Desk, luck: random.Random, customer: str, tickets: list[str]) -> Ticket:
    """Do one thing to one ticket."""
    if not tickets or luck.random() < 0.3:
        ticket = desk.open("printer", "smoke " * luck.randint(1, 900), customer=customer, tags=["a", "b"])
        tickets.append(ticket.id)
        return ticket
    ref = luck.choice(tickets[-20:])
    match luck.randrange(5):
        case 0:
            return desk.add_message(ref, "Well?", idempotency_key=f"key-{luck.random()}")
        case 1:
            return desk.note(ref, "again", actor=KIM)
        case 2 if not desk.get(ref).is_done:
            return desk.resolve(ref, "New fuser.", actor=KIM)
        case 3:
            return desk.set_fields(ref, {"n": luck.random()}, actor=KIM)
        case _:
            return desk.reply(ref, "Please wait. " * luck.randint(1, 90), actor=KIM)


def main(url: str, seed: int, count: int) -> None:
    luck = random.Random(seed)
    with Desk(url, channels=[Printer(name="app")]) as desk:
        customer = desk.customers.add("Ann", addresses={"chat": "@ann"})
        tickets: list[str] = []
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        done = 0
        while done < count:
            try:
                acknowledge(step(desk, luck, customer.id, tickets))
            except (ConcurrentUpdate, StorageUnavailable):
                continue
            done += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
