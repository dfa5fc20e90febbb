"""A day in which work is given out by skill, language and shift, and the rest waits in the order of its deadlines."""

from __future__ import annotations

import datetime as dt

from supportkit import Desk, ManualClock
from supportkit.model.people import Shift
from supportkit.routing import Routing

clock = ManualClock("2026-03-02T09:00:00+00:00")  # a Monday
routing = Routing(return_after=dt.timedelta(minutes=30), topic_skills={"refund": ["payments"]})

with Desk("sqlite://", clock=clock, routing=routing) as desk:
    desk.teams.add("shop", "The shop")
    day = [Shift(days=(1, 2, 3, 4, 5), begins=dt.time(9), ends=dt.time(17))]
    desk.agents.add("kim", "Kim", teams=["shop"], skills=["payments"], languages=["en"], shifts=day)
    desk.agents.add("lee", "Lee", teams=["shop"], languages=["en", "ru"], shifts=day, capacity={"chat": 1})

    first = desk.open("Money back", "It never came.", author="customer:ann", team="shop", fields={"topic": "refund"})
    second = desk.open("Где заказ?", "Жду неделю.", author="customer:vera", channel="chat", locale="ru")
    third = desk.open("Ещё вопрос", "Ответьте, пожалуйста.", author="customer:ivan", channel="chat", locale="ru")
    print([ticket.assignee for ticket in (first, second, third)])  # lee holds one chat at a time

    for one in desk.candidates(third).rejected:
        print(f"{one.agent}: {one.why} {one.detail}")

    desk.reply(second, "Уже в пути.", actor="agent:lee")
    clock.advance(minutes=30)
    desk.tick()  # kim has not touched the refund: it goes back
    print([(waiting.ticket.number, waiting.why, f"{waiting.due_at:%d %b %H:%M}") for waiting in desk.queue()])

    desk.resolve(second, "Found on the way.", actor="agent:lee")
    taken = desk.next("lee")
    print(taken.number if taken else None, [waiting.ticket.number for waiting in desk.queue()])
