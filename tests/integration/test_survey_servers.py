"""Surveys on every database: many workers, one invitation; many presses of one button, one answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tests.survey_rig import nonce_of, rig_with, survey, tokens

from supportkit import Desk, ManualClock
from supportkit.model import events as ev
from supportkit.surveying.page import SurveyRequest

WORKERS = 4


def at_once(work: Callable[[Any], object], given: list[Any]) -> None:
    """Do something with each of *given*, all in the same moment."""
    start = threading.Barrier(len(given))
    failed: list[BaseException] = []

    def run(one: Any) -> None:
        start.wait()
        try:
            work(one)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []


def test_many_workers_send_one_invitation_and_count_one_answer(crash_url: str) -> None:
    rig = rig_with(survey(quota=50), storage=crash_url)
    tickets = [rig.resolved() for _ in range(4)]
    same = rig.customer()
    pair = [rig.resolved(same), rig.resolved(same)]
    rig.clock.advance(hours=24)
    desks = [
        Desk(crash_url, channels=[rig.mail], clock=ManualClock(rig.clock.now()), surveys=[survey(quota=50)])
        for _ in range(WORKERS)
    ]

    def work(desk: Desk) -> None:
        for _ in range(3):
            desk.tick()
            desk.deliver_outbox()

    at_once(work, desks)
    for desk in desks:
        desk.tick(rig.clock.now() + survey().quiet)  # what lost a race comes back when its lease is over
        desk.deliver_outbox()
    sent = [token for one in rig.mail.sent for token in tokens(one.body)]
    assert len(sent) == len(set(sent)) == len(tickets) + 1
    assert sorted(rig.state(one) for one in pair) == ["sent", "suppressed quarantined"]

    token = next(token for one in rig.mail.sent for token in tokens(one.body) if one.ticket == tickets[0].id)
    nonce = nonce_of(rig.ask("GET", token))
    rig.clock.advance(seconds=30)
    statuses: list[int] = []

    def press(desk: Desk) -> None:
        desk._runner.clock.advance(seconds=30)  # type: ignore[attr-defined]  # a clock of ours
        form = f"nonce={nonce}&csat=4".encode()
        statuses.append(desk.surveys.handle(SurveyRequest(method="POST", path=f"/s/{token}", body=form)).status)

    at_once(press, desks)
    assert statuses == [200] * WORKERS
    answered = [one for one in rig.desk.history(tickets[0].id) if isinstance(one.event, ev.SurveyAnswered)]
    assert len(answered) == 1
    for desk in (*desks, rig.desk):
        desk.close()
