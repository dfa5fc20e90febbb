"""People who are one: merging customers, taking them apart again, and proving addresses by one-time codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channel_rig import Pigeon, delivery, message

from supportkit import Desk, ManualClock
from supportkit.errors import NotFound, Refused, StorageError
from supportkit.ids import SequentialIds
from supportkit.model import events as ev
from supportkit.model.people import Address, AddressStatus, Customer

KIM = "agent:kim"
NOON = "2026-03-02T12:00:00+00:00"
VERIFIED = AddressStatus.VERIFIED


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(clock=ManualClock(NOON), channels=[Pigeon()], ids=SequentialIds()) as found:
        yield found


def mail(value: str, *, proved: bool = False, out: bool = False) -> Address:
    return Address(family="email", value=value, status=VERIFIED if proved else AddressStatus.CLAIMED, opted_out=out)


def without_version(customer: Customer) -> tuple[object, ...]:
    return (customer.id, customer.name, customer.addresses, customer.merged_into, customer.merged, customer.tags)


def owner(desk: Desk, ticket: int) -> str | None:
    return desk.get(ticket).customer


def test_one_person_has_all_addresses_and_tickets(desk: Desk) -> None:
    old = desk.customers.add("Ann", addresses=[mail("a@x.org")])
    new = desk.customers.add("Annie", addresses={"pigeon": "ann"})
    desk.open("One", "text", customer=old)
    desk.open("Two", "text", customer=new)
    survivor = desk.customers.merge(new, old, actor=KIM)
    assert (survivor.id, [one.value for one in survivor.addresses]) == (old.id, ["a@x.org", "ann"])
    assert (owner(desk, 1), owner(desk, 2)) == (old.id, old.id)
    assert [one.event for one in desk.history(2) if isinstance(one.event, ev.CustomerChanged)] == [
        ev.CustomerChanged(customer=old.id)
    ]
    assert desk.customers.get(new.id).merged_into == old.id
    desk.receive("pigeon", delivery(message("m1", "ann", "Hello")))
    desk.process_inbox()
    assert owner(desk, 3) == old.id, "who writes from an address that went over is the survivor"


def test_who_has_proved_an_address_survives(desk: Desk) -> None:
    old = desk.customers.add("Ann", addresses=[mail("a@x.org")])
    new = desk.customers.add("Annie", addresses=[mail("b@x.org", proved=True)])
    assert desk.customers.merge(old, new, actor=KIM).id == new.id


def test_the_strictest_consent_and_the_better_proof_win(desk: Desk) -> None:
    a = desk.customers.add("Ann", addresses=[mail("a@x.org", proved=True)])
    b = desk.customers.add("Ann", addresses=[mail("A@X.org".replace("A@", "a@"), out=True)])
    (address,) = desk.customers.merge(a, b, actor=KIM).addresses
    assert (address.status, address.opted_out) == (VERIFIED, True)


def test_merging_again_changes_nothing(desk: Desk) -> None:
    a, b = desk.customers.add("A"), desk.customers.add("B")
    first = desk.customers.merge(a, b, actor=KIM)
    assert desk.customers.merge(b, a, actor=KIM) == first


def test_what_is_opened_or_sent_for_a_merged_customer_is_the_survivors(desk: Desk) -> None:
    a, b = desk.customers.add("A", addresses={"pigeon": "ann"}), desk.customers.add("B", addresses={"pigeon": "bo"})
    desk.open("One", "text", customer=b, channel="pigeon")
    desk.reply(1, "Yes?", actor=KIM)
    desk.customers.merge(a, b, actor=KIM)
    assert desk.deliver_outbox().sent == 1
    assert desk.open("Two", customer=b).customer == a.id
    three = desk.open("Three", actor=KIM)
    assert desk.set_customer(three, b, actor=KIM).customer == a.id


@pytest.mark.parametrize("others", [0, 1])
def test_unmerging_restores_exactly(desk: Desk, others: int) -> None:
    a = desk.customers.add("A", addresses=[mail("a@x.org", proved=True), mail("s@x.org")])
    b = desk.customers.add("B", addresses=[mail("s@x.org", proved=True, out=True), mail("b@x.org")])
    desk.open("One", "text", customer=a)
    desk.open("Two", "text", customer=b)
    before = [without_version(desk.customers.get(one.id)) for one in (a, b)]
    desk.customers.merge(a, b, actor=KIM)
    if others:
        c = desk.customers.add("C", addresses=[mail("c@x.org"), mail("b@x.org")])
        desk.customers.merge(a, c, actor=KIM)
        with pytest.raises(Refused, match="merged later"):
            desk.customers.unmerge(b, actor=KIM)
        desk.customers.unmerge(c, actor=KIM)
    desk.customers.unmerge(b, actor=KIM)
    assert [without_version(desk.customers.get(one.id)) for one in (a, b)] == before
    assert (owner(desk, 1), owner(desk, 2)) == (a.id, b.id)


def test_what_was_learnt_since_holds_for_both_and_new_things_stay(desk: Desk) -> None:
    a = desk.customers.add("A", addresses=[mail("s@x.org")])
    b = desk.customers.add("B", addresses=[mail("s@x.org"), mail("b@x.org")])
    survivor = desk.customers.merge(a, b, actor=KIM)
    desk.customers.update(a.id, addresses=[*(mail(one.value, out=True) for one in survivor.addresses), mail("n@x.org")])
    desk.open("Later", customer=a)
    desk.customers.unmerge(b, actor=KIM)
    after = [desk.customers.get(one.id).addresses for one in (a, b)]
    assert [[(one.value, one.opted_out) for one in some] for some in after] == [
        [("s@x.org", True), ("n@x.org", False)],
        [("s@x.org", True), ("b@x.org", True)],
    ]
    assert owner(desk, 1) == a.id


@settings(max_examples=15, deadline=None, derandomize=True)
@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6))
def test_merging_in_any_order_and_taking_apart_backwards_gives_everybody_back(pairs: list[tuple[int, int]]) -> None:
    with Desk(clock=ManualClock(NOON), ids=SequentialIds()) as desk:
        people = [
            desk.customers.add(str(n), addresses=[mail(f"{n}@x.org", proved=n % 2 == 0), mail(f"{n // 2}@y.org")])
            for n in range(5)
        ]
        for number, one in enumerate(people):
            desk.open(str(number), customer=one)
        before = [without_version(desk.customers.get(one.id)) for one in people]
        gone: list[str] = []
        for a, b in pairs:
            if a != b:
                desk.customers.merge(people[a], people[b], actor=KIM)
            gone += [p.id for p in people if desk.customers.get(p.id).merged_into and p.id not in gone]
        for gone_one in reversed(gone):
            desk.customers.unmerge(gone_one, actor=KIM)
        assert [without_version(desk.customers.get(one.id)) for one in people] == before
        assert [owner(desk, n + 1) for n in range(5)] == [one.id for one in people]


def test_the_system_joins_only_who_hold_one_proved_address(desk: Desk) -> None:
    a = desk.customers.add("A", addresses=[mail("s@x.org", proved=True)])
    b = desk.customers.add("B", addresses=[mail("s@x.org", proved=True)])
    c = desk.customers.add("C", addresses=[mail("s@x.org")])
    for actor in ("system", "customer:ann", "bot:b"):
        with pytest.raises(Refused):
            desk.customers.merge(a, c, actor=actor)
    assert desk.customers.get(c.id).merged_into is None
    assert desk.customers.merge(a, b, actor="system").id == a.id


def test_access_03_the_customer_of_another_tenant_does_not_exist(tmp_path: object) -> None:
    with Desk(f"sqlite:///{tmp_path}/one.db") as ours, Desk(f"sqlite:///{tmp_path}/one.db", tenant="other") as theirs:
        a, b = ours.customers.add("A"), theirs.customers.add("B")
        errors = []
        for foreign in (b.id, "missing"):
            with pytest.raises(NotFound) as caught:
                ours.customers.merge(a, foreign, actor=KIM)
            errors.append(str(caught.value).replace(foreign, "?"))
            with pytest.raises(NotFound):
                ours.customers.start_verification(foreign, mail("a@x.org"))
        assert errors[0] == errors[1]
        assert theirs.customers.get(b.id).merged_into is None


def test_refusals_leave_everything_as_it_was(desk: Desk) -> None:
    a = desk.customers.add("A")
    with pytest.raises(Refused, match="himself"):
        desk.customers.merge(a, a, actor=KIM)
    with pytest.raises(Refused, match="not merged"):
        desk.customers.unmerge(a, actor=KIM)
    with desk.transaction() as inside, pytest.raises(StorageError):
        inside.customers.merge(a, a, actor=KIM)
    with pytest.raises(TypeError, match="merged_into"):
        desk.customers.update(a.id, merged_into="x")
    assert desk.customers.get(a.id) == a


# -- one-time codes ----------------------------------------------------------------------------------------------------


def test_the_code_that_was_sent_there_proves_an_address_once(desk: Desk) -> None:
    a = desk.customers.add("A", addresses=[mail("a@x.org")])
    code = desk.customers.start_verification(a, mail("a@X.org"))
    assert (len(code), code.isdigit()) == (8, True)
    assert code not in repr(desk.customers.get(a.id))
    assert desk.customers.confirm(a, mail("a@x.org"), f" {code}").addresses[0].status is VERIFIED
    with pytest.raises(Refused) as caught:
        desk.customers.confirm(a, mail("a@x.org"), code)
    assert caught.value.refusal.code == "verification.expired"


def test_five_wrong_tries_spoil_a_code_and_five_codes_an_hour_are_enough(desk: Desk) -> None:
    a = desk.customers.add("A", addresses=[mail("a@x.org")])
    code = desk.customers.start_verification(a, mail("a@x.org"))
    wrong = "00000000" if code != "00000000" else "11111111"
    said = []
    for given_code in [wrong] * 5 + [code]:
        with pytest.raises(Refused) as caught:
            desk.customers.confirm(a, mail("a@x.org"), given_code)
        said.append(caught.value.refusal.code)
    assert said == ["verification.wrong"] * 5 + ["verification.tries"]
    for _ in range(4):
        desk.customers.start_verification(a, mail("a@x.org"))
    with pytest.raises(Refused, match="next hour"):
        desk.customers.start_verification(a, mail("a@x.org"))


def test_access_07_a_code_is_worth_nothing_after_fifteen_minutes() -> None:
    clock = ManualClock(NOON)
    with Desk(clock=clock) as desk:
        a = desk.customers.add("A", addresses=[mail("a@x.org")])
        code = desk.customers.start_verification(a, mail("a@x.org"))
        clock.advance(minutes=15)
        with pytest.raises(Refused, match="too old"):
            desk.customers.confirm(a, mail("a@x.org"), code)


def test_a_code_proves_no_other_address_of_no_other_customer(desk: Desk) -> None:
    a = desk.customers.add("A", addresses=[mail("a@x.org"), mail("b@x.org")])
    b = desk.customers.add("B", addresses=[mail("a@x.org")])
    code = desk.customers.start_verification(a, mail("a@x.org"))
    for customer, address in ((a, mail("b@x.org")), (b, mail("a@x.org"))):
        with pytest.raises(Refused):
            desk.customers.confirm(customer, address, code)
    with pytest.raises(Refused, match="no such address"):
        desk.customers.start_verification(a, mail("c@x.org"))
    other = desk.customers.start_verification(b, mail("a@x.org"))
    desk.customers.confirm(a, mail("a@x.org"), code)
    with pytest.raises(Refused) as caught:
        desk.customers.confirm(b, mail("a@x.org"), other)
    assert caught.value.refusal.code == "verification.taken"


# -- rows of the list of bad inputs ------------------------------------------------------------------------------------


def test_email_identity_10_letters_of_another_script_are_another_customer(desk: Desk) -> None:
    from supportkit.model.addressing import is_mixed_script, normalised

    one, two = "user@\u0435\u0445\u0430mple.com", "user@example.com"
    assert normalised("email", one) != normalised("email", two)
    assert (is_mixed_script(one), is_mixed_script(two)) == (True, False)
    a, b = (desk.customers.add("U", addresses=[mail(value, proved=True)]) for value in (one, two))
    with pytest.raises(Refused):
        desk.customers.merge(a, b, actor="system")
