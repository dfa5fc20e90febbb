"""The quick start of the README: a ticket is opened, answered, resolved and read again from the file."""

from pathlib import Path
from tempfile import TemporaryDirectory

from supportkit import Desk, Printer

with TemporaryDirectory() as folder:
    url = f"sqlite:///{Path(folder) / 'support.db'}"

    with Desk(url, channels=[Printer(name="chat")]) as desk:
        ann = desk.customers.add("Ann", addresses={"chat": "@ann"})
        ticket = desk.open("Charged twice", "I paid one order twice.", customer=ann.id, channel="chat")
        desk.ask(ticket.id, "Sorry about that! Which order was it?", actor="agent:kim")
        desk.deliver_outbox()  # hands queued answers to their channels; normally a worker does this
        desk.add_message(ticket.id, "Order 1017.")
        desk.resolve(ticket.id, "Refunded order 1017.", actor="agent:kim")

    with Desk(url) as desk:  # a restart: everything is in the file
        for recorded in desk.history(ticket.id):
            print(recorded.seq, recorded.actor.kind, type(recorded.event).__name__)
        print("now:", desk.get(ticket.id).state)
