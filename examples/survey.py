"""A survey from the resolution to the score: asked a day later, answered on the page, an unhappy one looked after."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from supportkit import Address, Capabilities, Desk, ManualClock, Outbound
from supportkit.channels.port import Accepted
from supportkit.model.people import AddressStatus
from supportkit.surveying.page import SurveyRequest
from supportkit.surveys import Survey, csat

URL = "https://help.example.com/survey/"


class Letters:
    """A channel that keeps what it would send."""

    name = "email"
    capabilities = Capabilities(family="email", inbound=False)

    def __init__(self) -> None:
        self.sent: list[Outbound] = []

    def send(self, message: Outbound) -> Accepted:
        """Keep a message."""
        self.sent.append(message)
        return Accepted()


def answer(desk: Desk, clock: ManualClock, body: str, code: int) -> int:
    """Do what a customer does with the link in a message; return the status of the page."""
    match = re.search(re.escape(URL) + r"(\S+)", body)
    path = "/survey/" + (match[1] if match else "")
    page = desk.surveys.handle(SurveyRequest(method="GET", path=path)).body.decode()
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)
    clock.advance(seconds=40)
    form = urlencode({"nonce": nonce[1] if nonce else "", "csat": str(code)})
    return desk.surveys.handle(SurveyRequest(method="POST", path=path, body=form.encode())).status


letters, clock = Letters(), ManualClock("2026-03-02T12:00:00+00:00")
with Desk(
    "sqlite://", channels=[letters], clock=clock, surveys=[Survey(id="after", url=URL, leads={"workshop": "mia"})]
) as desk:
    tickets = []
    for number, locale in enumerate(("en", "ru", "zh"), 1):
        address = Address(family="email", value=f"customer{number}@example.org", status=AddressStatus.VERIFIED)
        customer = desk.customers.add(addresses=[address], locale=locale)
        ticket = desk.open("Bicycle", "It squeaks.", customer=customer.id, channel="email", team="workshop")
        tickets.append(desk.resolve(ticket, "Oiled.", actor="agent:kim"))

    clock.advance(hours=24)
    desk.tick()
    desk.deliver_outbox()
    invitations = [one.body for one in letters.sent if URL in one.body]
    print([answer(desk, clock, body, code) for body, code in zip(invitations, (5, 4, 1), strict=True)])

    found = [desk.surveys.invitations(ticket)[-1] for ticket in tickets]
    codes = [one.answer.codes["csat"] for one in found if one.answer is not None and not one.answer.is_flagged]
    score = csat(codes)
    print(score.definition, f"{score.numerator} of {score.denominator}", score.warnings)
    print([desk.get(one.follow_up).assignee for one in found if one.follow_up is not None])
