"""A shop on SQLAlchemy: an order and the ticket about it come in one commit, or neither of them does.

The desk works on the app's own engine, and its tables lie beside the app's. The app has two ways to open a ticket: in
the transaction of its session, or by itself.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, ForeignKey, String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from supportkit import Desk, Ticket

SHOP = "bot:shop"


class Base(DeclarativeBase):
    """The tables of the shop."""


class Product(Base):
    """What can be bought."""

    __tablename__ = "product"
    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    in_stock: Mapped[int]


class Order(Base):
    """What somebody bought; `ticket` is the id of the ticket about it."""

    __tablename__ = "orders"
    number: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str] = mapped_column(ForeignKey("product.name"))
    ticket: Mapped[str]


class SoldOut(Exception):
    """Nothing is left of a product."""


def engine_of(file: Path) -> Engine:
    """Return the engine of the shop; the desk asks for a file in WAL mode."""
    engine = create_engine(f"sqlite:///{file}")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")

    return engine


def order(engine: Engine, desk: Desk, product_name: str) -> Ticket:
    """Sell a product and open a ticket about its delivery, both or neither.

    Raises:
        SoldOut: Nothing is left; the ticket that was opened a moment ago is gone, too.
    """
    with Session(engine) as session, session.begin():
        with desk.joined(session.connection()) as inside:
            ticket = inside.open(f"Deliver: {product_name}", actor=SHOP, tags=["delivery"])
        session.add(Order(product=product_name, ticket=ticket.id))
        product = session.get_one(Product, product_name)
        if product.in_stock == 0:
            raise SoldOut(product_name)
        product.in_stock -= 1
    return ticket


def main() -> None:
    """Sell the last lamp, and then fail to sell another one."""
    with TemporaryDirectory() as folder:
        engine = engine_of(Path(folder) / "shop.db")
        Base.metadata.create_all(engine)
        with Session(engine) as session, session.begin():
            session.add(Product(name="lamp", in_stock=1))

        with Desk(engine) as desk:
            ticket = order(engine, desk, "lamp")
            print(f"sold, ticket {ticket.number}")
            try:
                order(engine, desk, "lamp")
            except SoldOut as error:
                print(f"sold out: {error}")

            desk.note(ticket.id, "Packed.", actor="agent:kim")
            with Session(engine) as session:
                orders = session.scalars(select(Order)).all()
            print(f"{len(orders)} order, {len(desk.find().items)} ticket")
            print(f"the order names its ticket: {[one.ticket for one in orders] == [ticket.id]}")
        engine.dispose()


if __name__ == "__main__":
    main()
