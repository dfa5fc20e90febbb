"""`supportkit demo`: one day of a support desk in three languages, always the same."""

# ruff: noqa: RUF001 - letters of other alphabets are what this is about

from __future__ import annotations

import datetime as dt
from typing import Final

import attrs
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from supportkit.channels.port import Capabilities
from supportkit.channels.printer import Printer
from supportkit.cli.explaining import print_clock
from supportkit.cli.showing import print_timeline
from supportkit.cli.telling import told
from supportkit.cli.terminal import console, line
from supportkit.cli.times import length
from supportkit.clock import ManualClock
from supportkit.desk import Desk
from supportkit.engine.notices import Notices
from supportkit.ids import SequentialIds
from supportkit.model.clocks import Metric
from supportkit.model.events import ClockBreached, ClockWarned, ColleaguesNotified
from supportkit.model.people import TIERS as DEFAULT_TIERS
from supportkit.model.people import Address, AddressStatus, Customer
from supportkit.model.ticket import Ticket

MORNING: Final = "2026-01-05T08:59:00+00:00"
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri")
LEVELS: Final = {
    "calendars": {
        "office": {
            "timezone": "UTC",
            "hours": {day: [["09:00", "18:00"]] for day in ["mon", "tue", "wed", "thu", "fri"]},
        }
    },
    "policies": [
        {
            "id": "promised",
            "fallback": True,
            "calendar": "office",
            "metrics": {"NEXT_RESPONSE": {"warnings": ["80%"]}, "RESOLUTION": {"warnings": ["80%"]}},
            "targets": [
                {"metric": "FIRST_RESPONSE", "target": "8h"},
                {"metric": "FIRST_RESPONSE", "target": "30m", "channel_class": "chat"},
                {"metric": "NEXT_RESPONSE", "target": "8h"},
                {"metric": "NEXT_RESPONSE", "target": "30m", "channel_class": "chat"},
                {"metric": "RESOLUTION", "target": "16h"},
                {"metric": "RESOLUTION", "target": "2h", "priority": "high"},
            ],
        }
    ],
}
TIERS: Final = (DEFAULT_TIERS[0], attrs.evolve(DEFAULT_TIERS[1], lead="nora"), *DEFAULT_TIERS[2:])
RULES: Final = {
    "rules": [
        {
            "id": "late-answer",
            "when": {"clock": "NEXT_RESPONSE", "channel": "chat"},
            "levels": [
                {"at": "breach", "actions": [{"notify": ["assignee", "lead"]}]},
            ],
        }
    ]
}
CARRIER: Final = {"name": "carrier", "channel": "email", "address": "desk@carrier.example", "target": "4h"}
KIM, LEE, MEI = "agent:kim", "agent:lee", "agent:mei"


def demo() -> None:
    """Live through a support day: English, Russian and Chinese, on a database in memory."""
    clock = ManualClock(MORNING)
    channels = [
        Printer(name="email", capabilities=Capabilities(family="email", inbound=False)),
        Printer(name="chat", capabilities=Capabilities(family="chat", inbound=False)),
    ]
    notices = Notices(on=["acknowledgement"], families=["chat"], to_addresses=True)
    with Desk(
        "sqlite://",
        channels=channels,
        clock=clock,
        ids=SequentialIds(),
        levels=LEVELS,
        notices=notices,
        tiers=TIERS,
        escalations=RULES,
        vendors=[CARRIER],
    ) as desk:
        day = _Day(desk, clock, console())
        day.live()
        day.look_back()


@attrs.define
class _Day:
    """The story: everything that is printed happens on the desk at that moment."""

    desk: Desk
    clock: ManualClock
    out: Console
    invoice: Ticket = attrs.field(init=False)
    login: Ticket = attrs.field(init=False)
    parcel: Ticket = attrs.field(init=False)

    def live(self) -> None:
        """Go through the day."""
        add = self.desk.customers.add
        ann = add("Ann", addresses={"email": "ann@example.org"}, locale="en", timezone="Europe/London")
        ivan = add("Иван", addresses=[_chat("@ivan")], locale="ru", timezone="Europe/Moscow")
        lilei = add("李雷", addresses=[_chat("@lilei")], locale="zh-Hans", timezone="Asia/Shanghai")
        self.out.print(Text("A support day, Monday 5 January 2026, times in UTC", style="bold"))
        self._morning(ann, ivan)
        self._second_line(ivan)
        self._twice(lilei)
        self._evening()

    def _morning(self, ann: Customer, ivan: Customer) -> None:
        desk = self.desk
        self._at("09:00", "Ann writes an e-mail: the invoice is wrong")
        body = "Hello, invoice 1042 shows 120 instead of 100."
        self.invoice = desk.open("Wrong invoice", body, customer=ann.id, channel="email", tags=["billing"])
        self._at("09:04", "Kim answers, which starts the ticket")
        desk.reply(self.invoice.id, "Good morning Ann, I am looking at it right now.", actor=KIM)
        self._send()
        self._at("09:10", "Иван opens a chat: he cannot log in; the desk says by when he gets an answer")
        body = "Здравствуйте! Не могу войти в личный кабинет."
        self.login = desk.open("Не могу войти", body, customer=ivan.id, channel="chat", priority="high")
        self._at("09:12", "Kim asks a question and the ticket waits for him")
        desk.ask(self.login.id, "Иван, добрый день! Какой код ошибки вы видите?", actor=KIM)
        self._send()
        self._at("09:20", "Иван answers, the ticket is open again")
        desk.add_message(self.login.id, "Код E-17.", author=f"customer:{ivan.id}")

    def _second_line(self, ivan: Customer) -> None:
        desk, login = self.desk, self.login.id
        self._at("09:25", "Kim leaves a note for the colleagues and hands over to tier 2")
        desk.note(login, "E-17: the account is locked after the update.", actor=KIM, mentions=["lee"])
        desk.move_tier(login, 2, "locked account, unlock and tell him", actor=KIM, team="accounts")
        desk.assign(login, assignee="lee", actor=KIM)
        self._at("10:00", "Lee unlocks the account, tells Иван and resolves")
        desk.reply(login, "Учётная запись разблокирована, попробуйте снова.", actor=LEE)
        desk.resolve(login, "account unlocked", actor=LEE)
        self._send()
        self._at("10:15", "It did not last: Иван writes again, which reopens the ticket")
        desk.add_message(login, "Снова та же ошибка.", author=f"customer:{ivan.id}")
        self._at("10:40", "Lee finds the cause and resolves for good")
        desk.reply(login, "Причина найдена и устранена. Спасибо за терпение!", actor=LEE)
        desk.resolve(login, "lock rule corrected", actor=LEE)
        self._send()

    def _twice(self, lilei: Customer) -> None:
        desk = self.desk
        self._at("11:00", "李雷 asks where the parcel is, and a minute later once more")
        self.parcel = desk.open("包裹在哪里", "你好，我的包裹还没到。", customer=lilei.id, channel="chat")
        self.clock.advance(minutes=1)
        again = desk.open("包裹", "请问包裹到哪里了？", customer=lilei.id, channel="chat")
        self._at("11:05", "Mei merges the two and asks the carrier, another organisation: line 4")
        desk.merge(again.id, into=self.parcel.id, actor=MEI)
        desk.escalate(self.parcel.id, to=4, handover={"summary": "Where is parcel 77?"}, actor=MEI)
        self._send()
        self._at("11:20", "The carrier answers; the ticket comes back, and Mei answers once")
        desk.add_message(self.parcel.id, "Today, 15:00.", author="external:carrier", kind="external", channel="email")
        desk.deescalate(self.parcel.id, "it arrives today", actor=MEI)
        desk.reply(self.parcel.id, "李雷您好，包裹今天下午送达。", actor=MEI)
        self._send()
        desk.resolve(self.parcel.id, "delivery confirmed by the carrier", actor=MEI)

    def _evening(self) -> None:
        desk = self.desk
        self._at("11:30", "Kim corrects the invoice and resolves")
        desk.reply(self.invoice.id, "Ann, the corrected invoice is on its way. Sorry!", actor=KIM)
        desk.resolve(self.invoice.id, "invoice corrected", actor=KIM)
        self._send()
        self.clock.advance(dt.timedelta(days=7, hours=1))
        desk.tick()
        closed = sum(ticket.state == "closed" and not ticket.merged_into for ticket in desk.find().items)
        self._say("+7 d", f"for a week nobody has written again: the clock closes {closed} resolved tickets")

    def look_back(self) -> None:
        """Print the timeline of one ticket and a table of all."""
        self.out.print(Text("\nWhat happened to the ticket of Иван", style="bold"))
        print_timeline(self.out, self.desk, self.login, "UTC")
        table = Table("No.", "Customer", "Subject", "State", "Tier", "Messages", "Reopened", "Resolved after")
        table.box, table.pad_edge = box.SIMPLE_HEAD, False
        for ticket in self.desk.find().items:
            customer = self.desk.customers.get(ticket.customer or "")
            state = "merged" if ticket.merged_into else ticket.state
            lasted = length((ticket.resolved_at - ticket.created_at).total_seconds()) if ticket.resolved_at else "-"
            facts = (f"L{ticket.tier}", str(ticket.messages), str(ticket.reopenings), lasted)
            table.add_row(str(ticket.number), line(customer.name), line(ticket.subject), state, *facts)
        self.out.print(table)
        self.out.print(Text("Why the work on it was in time: two hours were promised", style="bold"))
        resolution = next(one for one in self.desk.explain(self.login) if one.clock.metric is Metric.RESOLUTION)
        print_clock(self.out, resolution, self.desk.now(), "UTC")

    def _at(self, time: str, sentence: str) -> None:
        """Go on to a time of the day; what falls due on the way is told at its own instant, by a turn of the worker."""
        hour, minute = map(int, time.split(":"))
        until = self.clock.now().replace(hour=hour, minute=minute, second=0, microsecond=0)
        due = self.desk.tick().next_due
        while due is not None and due < until:
            self.clock.set(due)
            due = self.desk.tick().next_due
            self._ring()
        self.clock.set(until)
        self._say(time, sentence)

    def _ring(self) -> None:
        """Tell what the clocks have found."""
        for recorded in self.desk.follow("demo"):
            if isinstance(recorded.event, ClockWarned | ClockBreached | ColleaguesNotified):
                number = self.desk.get(recorded.ticket).number
                text = Text(f"{told(recorded.event)}, ticket {number}", style="bold yellow")
                self.out.print(Text(f"{recorded.occurred_at:%H:%M}  ", style="cyan") + text)

    def _say(self, when: str, sentence: str) -> None:
        self.out.print(Text(f"{when:<5}  ", style="cyan") + Text(sentence))

    def _send(self) -> None:
        self.desk.deliver_outbox()


def _chat(value: str) -> Address:
    return Address(family="chat", value=value, status=AddressStatus.VERIFIED)
