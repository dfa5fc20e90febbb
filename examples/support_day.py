"""A day at a support desk: three customers, three languages, two support lines and a clock that is turned by hand."""

# ruff: noqa: RUF001 - three languages, so some letters look like others

from __future__ import annotations

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

from supportkit import Desk, ManualClock, Printer, Priority, Ticket
from supportkit.ids import SequentialIds

PEOPLE = (
    ("Ann", "en", "Europe/London"),
    ("Олег", "ru", "Europe/Moscow"),
    ("王芳", "zh-Hans", "Asia/Shanghai"),
)


def people(desk: Desk) -> dict[str, str]:
    """Add the customers of the day and return their ids by language."""
    return {
        locale: desk.customers.add(name, locale=locale, timezone=zone, addresses={"chat": f"@{name}"}).id
        for name, locale, zone in PEOPLE
    }


def morning(desk: Desk, ids: dict[str, str]) -> tuple[Ticket, Ticket, Ticket]:
    """Open three tickets and send the first answers."""
    invoice = desk.open("Wrong invoice", "The invoice shows 300, I ordered for 30.", customer=ids["en"], channel="chat")
    entry = desk.open("Не могу войти", "Пароль не подходит с утра.", customer=ids["ru"], channel="chat")
    parcel = desk.open("包裹没有收到", "订单已经三天没有更新了。", customer=ids["zh-Hans"], channel="chat")

    desk.set_priority(entry.id, Priority.HIGH, actor="agent:kim")
    desk.ask(invoice.id, "Hello Ann, sorry! What is the number of the invoice?", actor="agent:kim")
    desk.reply(entry.id, "Здравствуйте, Олег! Уже проверяем.", actor="agent:ivan")
    desk.reply(parcel.id, "您好，王芳！我们正在向快递公司查询。", actor="agent:mei")
    desk.deliver_outbox()
    return invoice, entry, parcel


def afternoon(desk: Desk, tickets: tuple[Ticket, Ticket, Ticket], clock: ManualClock) -> None:
    """Hand one ticket to the specialists, wait for a courier, resolve what can be resolved."""
    invoice, entry, parcel = tickets
    desk.add_message(invoice.id, "It is number 2026-118.")
    desk.resolve(invoice.id, "A corrected invoice was sent.", actor="agent:kim")

    desk.note(entry.id, "Reset does not help, the account looks locked.", actor="agent:ivan", mentions=["olga"])
    desk.move_tier(entry.id, 2, "Account locked. Tried: password reset.", actor="agent:ivan", team="accounts")
    desk.assign(entry.id, assignee="olga", actor="agent:olga")
    desk.reply(entry.id, "Доступ восстановлен, извините за ожидание.", actor="agent:olga")
    desk.resolve(entry.id, "Блокировка снята.", actor="agent:olga")

    desk.hold(parcel.id, "The courier searches.", actor="agent:mei", until=dt.timedelta(hours=2))
    clock.advance(hours=2)
    desk.tick()  # the two hours are over: the parcel is the desk's turn again
    desk.reply(parcel.id, "包裹明天送到。给您带来不便，非常抱歉。", actor="agent:mei")
    desk.resolve(parcel.id, "明天送达。", actor="agent:mei")
    desk.deliver_outbox()


def evening(desk: Desk) -> None:
    """Print what the day was."""
    print("\nnumber  tier  state     events  subject")
    for ticket in desk.find(sort="number").items:
        print(f"{ticket.number:>6}  {ticket.tier:>4}  {ticket.state:<8}  {ticket.version:>6}  {ticket.subject}")


def main() -> None:
    """Play the day on a database in a temporary folder."""
    clock = ManualClock("2026-03-02T08:00:00+00:00")
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'support.db'}"
        with Desk(url, channels=[Printer(name="chat")], clock=clock, ids=SequentialIds()) as desk:
            tickets = morning(desk, people(desk))
            clock.advance(hours=4)
            afternoon(desk, tickets, clock)
            evening(desk)
            clock.advance(days=7)
            print(f"\na week later {desk.tick().fired} tickets close by themselves: {desk.counts()}")


if __name__ == "__main__":
    main()
