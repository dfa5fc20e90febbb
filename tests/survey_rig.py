"""A desk with a survey, a customer and a browser of three lines. No tests in here."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import attrs

from supportkit import Address, Capabilities, Customer, Desk, ManualClock, Outbound, Ticket
from supportkit.channels.port import Accepted, Delivery
from supportkit.model.people import AddressStatus
from supportkit.surveying.page import SurveyRequest, SurveyResponse
from supportkit.surveys import Survey, SurveyInvitation

KIM = "agent:kim"
START = "2026-03-02T12:00:00+00:00"
URL = "https://help.example.com/s/"
MAIL = Capabilities(family="email", inbound=False, subject=True)


@attrs.define
class Mail:
    """A channel of mail that keeps what it is handed, or answers what it is told to."""

    name: str = "email"
    capabilities: Capabilities = MAIL
    sent: list[Outbound] = attrs.field(factory=list)
    answer: Delivery = attrs.field(factory=Accepted)

    def send(self, outbound: Outbound) -> Delivery:
        self.sent.append(outbound)
        return self.answer


def survey(**values: Any) -> Survey:
    """Return a survey called `after`."""
    return Survey(**{"id": "after", "url": URL, **values})


@attrs.define
class Rig:
    """What a test plays with."""

    desk: Desk
    mail: Mail
    clock: ManualClock
    count: int = 0

    def customer(self, name: str = "Ann", **values: Any) -> Customer:
        self.count += 1
        address = Address(
            family="email", value=f"{name.lower()}{self.count}@example.org", status=AddressStatus.VERIFIED
        )
        return self.desk.customers.add(name, **{"addresses": [address], **values})

    def open(self, customer: Customer | None = None, **values: Any) -> Ticket:
        who = customer or self.customer()
        given = {"customer": who.id, "channel": "email", "team": "east", "assignee": "kim", **values}
        return self.desk.open("Printer", "It smokes.", **given)

    def resolved(self, customer: Customer | None = None, **values: Any) -> Ticket:
        ticket = self.open(customer, **values)
        self.desk.reply(ticket.id, "We are on it.", actor=KIM)
        return self.desk.resolve(ticket.id, "A new fuser.", actor=KIM)

    def work(self, **later: float) -> None:
        """Let time go by, and do what is due."""
        if later:
            self.clock.advance(**later)
        self.desk.tick()
        self.desk.deliver_outbox()

    def asked(self, customer: Customer | None = None, **values: Any) -> tuple[Ticket, str]:
        """Return a ticket that was asked about, and the token of the link."""
        ticket = self.resolved(customer, **values)
        self.work(hours=24)
        return ticket, self.token()

    def token(self) -> str:
        """Return the token in the last message that went out, an empty text where there is none."""
        return "".join(tokens(self.mail.sent[-1].body)[-1:])

    def invitation(self, ticket: Ticket, survey: str = "after") -> SurveyInvitation:
        return [one for one in self.desk.surveys.invitations(ticket.id) if one.survey == survey][-1]

    def state(self, ticket: Ticket, survey: str = "after") -> str:
        """Return the state, with the reason where there is one."""
        found = self.invitation(ticket, survey)
        return found.state.value + (f" {found.reason}" if found.reason else "")

    def ask(self, method: str, token: str, query: str = "", form: dict[str, str] | None = None, **more: Any) -> Any:
        body = urlencode(form or {}).encode()
        return self.desk.surveys.handle(
            SurveyRequest(method=method, path=f"/s/{token}", query=query, body=body, **more)
        )

    def answer(self, token: str, wait: float = 20, query: str = "", **form: str) -> SurveyResponse:
        """Open the page, wait as a person does, and send the form."""
        nonce = nonce_of(self.ask("GET", token, query))
        self.clock.advance(seconds=wait)
        return self.ask("POST", token, form={"nonce": nonce, **form})


def tokens(body: str) -> list[str]:
    """Return the tokens in a text."""
    return re.findall(re.escape(URL) + r"(\S{39})", body)


def nonce_of(response: SurveyResponse) -> str:
    """Return the nonce of a form, an empty text where there is none."""
    found = re.search(rb'name="nonce" value="([^"]+)"', response.body)
    return html.unescape(found[1].decode()) if found else ""


def rig_with(*surveys: Survey, able: Capabilities = MAIL, storage: str = "sqlite://", **desk: Any) -> Rig:
    """Return a rig; without a survey it has the plain one."""
    mail, clock = Mail(capabilities=able), ManualClock(desk.pop("now", START))
    given = {"channels": [mail], "clock": clock, "surveys": surveys or (survey(),), **desk}
    return Rig(Desk(storage, **given), mail, clock)
