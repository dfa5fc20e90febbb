"""One-time codes: whoever reads what is sent to an address can prove that it is his."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Callable
from typing import TypeVar, cast

import attrs

from supportkit.engine.decide import refuse
from supportkit.errors import CapabilityMissing, NotFound, Refused
from supportkit.ids import random_bytes
from supportkit.keys import Keys
from supportkit.lookup import person
from supportkit.model.addressing import normalised
from supportkit.model.change import Change
from supportkit.model.people import Address, AddressStatus, Customer, PendingProof
from supportkit.races import again
from supportkit.runner import Runner
from supportkit.storage.arriving import ReceivingUnit
from supportkit.text import clean

VALID_FOR = dt.timedelta(minutes=15)
MAX_TRIES = 5
MAX_CODES = 5
"""Codes for one address within an hour."""
DIGITS = 8
_PURPOSE = "one-time code"
_RIGHT = "right"
Result = TypeVar("Result")


def start(runner: Runner, keys: Keys, customer: str, address: Address) -> str:
    """Make a code and keep its hash; `Customers.start_verification` says how."""
    # 64 random bits, so that no code is likelier than another by more than 10**8 / 2**64.
    code = f"{int.from_bytes(random_bytes(8), 'big') % 10**DIGITS:0{DIGITS}d}"
    family, value = _place(address)

    def work(unit: ReceivingUnit) -> str:
        found = _found(unit, customer)
        if all(_of(one) != (family, value) for one in found.addresses):
            raise refuse("verification.address", "the customer has no such address: add it first")
        now = runner.clock.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        if not unit.spend("codes", keys.digest("address", family, value), hour, MAX_CODES):
            raise refuse("verification.codes", f"{MAX_CODES} codes were made for this address: wait for the next hour")
        proof = PendingProof(
            family=family, value=value, code=_hashed(keys, found, family, value, code), until=now + VALID_FOR
        )
        others = [one for one in found.proofs if (one.family, one.value) != (family, value) and now < one.until]
        _save(unit, found, proofs=(*others, proof))
        return code

    return _in_one(runner, work)


def confirm(runner: Runner, keys: Keys, customer: str, address: Address, code: str) -> Customer:
    """Try a code; a wrong one is counted, and that stays. `Customers.confirm` says how."""
    family, value = _place(address)
    given = code.strip() if isinstance(code, str) else ""

    def work(unit: ReceivingUnit) -> tuple[str, Customer]:
        found = _found(unit, customer)
        proof = next((one for one in found.proofs if (one.family, one.value) == (family, value)), None)
        hashed = _hashed(keys, found, family, value, given)
        is_right = hmac.compare_digest(hashed, "" if proof is None else proof.code)
        if proof is None or runner.clock.now() >= proof.until:
            return "expired", found
        if proof.tries >= MAX_TRIES:
            return "tries", found
        rest = tuple([one for one in found.proofs if one is not proof])
        if not is_right:
            _save(unit, found, proofs=(*rest, attrs.evolve(proof, tries=proof.tries + 1)))
            return "wrong", found
        owners = unit.owners(family, value)
        if any(owner != found.id for owner, status in owners if status is AddressStatus.VERIFIED):
            return "taken", found
        addresses = tuple(
            [
                attrs.evolve(one, status=AddressStatus.VERIFIED) if _of(one) == (family, value) else one
                for one in found.addresses
            ]
        )
        return _RIGHT, _save(unit, found, addresses=addresses, proofs=rest)

    verdict, after = _in_one(runner, work)
    if verdict != _RIGHT:
        raise _refusals()[verdict]
    return after


def _refusals() -> dict[str, Refused]:
    return {
        "expired": refuse("verification.expired", "there is no code for this address, or it is too old: start again"),
        "tries": refuse("verification.tries", f"this code was tried {MAX_TRIES} times: start again"),
        "wrong": refuse("verification.wrong", "this is not the code that was sent"),
        "taken": refuse("verification.taken", "another customer has proved this address: let an agent merge the two"),
    }


def _in_one(runner: Runner, work: Callable[[ReceivingUnit], Result]) -> Result:
    """Do it in one transaction, again after a lost race."""
    if not runner.storage.capabilities.receives:
        raise CapabilityMissing("the storage", "receives", "use one that keeps addresses")
    runner.outside("proving an address")

    def once() -> Result:
        with runner.storage.begin(runner.tenant) as unit:
            return work(cast("ReceivingUnit", unit))

    return again(once)


def _found(unit: ReceivingUnit, customer: str) -> Customer:
    found = person(unit, customer)
    if found is None:
        raise NotFound("customer", customer)
    return found


def _save(unit: ReceivingUnit, customer: Customer, **changes: object) -> Customer:
    after = attrs.evolve(customer, **changes, version=customer.version + 1)  # type: ignore[arg-type]  # names of fields
    unit.save(Change(customers=(after,)))
    return after


def _place(address: Address) -> tuple[str, str]:
    try:
        return address.family, normalised(address.family, clean(address.value, "address"))
    except ValueError as error:
        raise refuse("verification.address", str(error)) from None


def _of(address: Address) -> tuple[str, str] | None:
    try:
        return address.family, normalised(address.family, address.value)
    except ValueError:
        return None


def _hashed(keys: Keys, customer: Customer, family: str, value: str, code: str) -> str:
    return keys.digest(_PURPOSE, customer.tenant, customer.id, family, value, code)
