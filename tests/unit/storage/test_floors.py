"""Floors: a look at what is due passes over what was settled, and finds what was written."""

from __future__ import annotations

from supportkit.storage.floors import ANYTHING, LONGEST_US, LOOKS, SLACK_US, Floors

NOW = 1_000 * SLACK_US


def test_the_first_look_begins_at_the_beginning() -> None:
    assert Floors().look("acme", "timer", NOW) == ANYTHING


def test_the_next_looks_begin_an_hour_before_the_oldest_that_waits() -> None:
    floors = Floors()
    floors.found("acme", "timer", NOW, NOW - 5)
    assert floors.look("acme", "timer", NOW + 1) == NOW - 5 - SLACK_US
    floors.found("acme", "timer", NOW, None)
    assert floors.look("acme", "timer", NOW) == NOW - SLACK_US
    floors.found("acme", "timer", NOW, NOW + 7)
    assert floors.look("acme", "timer", NOW) == NOW - SLACK_US


def test_every_sixtieth_look_begins_at_the_beginning() -> None:
    floors = Floors()
    floors.found("acme", "timer", NOW, None)
    looks = [floors.look("acme", "timer", NOW) for _ in range(LOOKS + 1)]
    assert looks == [NOW - SLACK_US] * LOOKS + [ANYTHING]


def test_claims_do_not_count_as_looks() -> None:
    floors = Floors()
    floors.found("acme", "timer", NOW, None)
    assert {floors.since("acme", "timer", NOW) for _ in range(3 * LOOKS)} == {NOW - SLACK_US}


def test_a_floor_holds_for_a_minute_and_not_for_earlier_instants() -> None:
    floors = Floors()
    floors.found("acme", "timer", NOW, None)
    assert floors.since("acme", "timer", NOW + LONGEST_US - 1) == NOW - SLACK_US
    assert floors.since("acme", "timer", NOW + LONGEST_US) == ANYTHING
    assert floors.since("acme", "timer", NOW - 1) == ANYTHING


def test_what_is_written_below_the_floor_takes_it_away() -> None:
    floors = Floors()
    floors.found("acme", "timer", NOW, None)
    floors.written("acme", "timer", NOW - SLACK_US)
    assert floors.since("acme", "timer", NOW) == NOW - SLACK_US
    floors.written("acme", "timer", NOW - SLACK_US - 1)
    assert floors.since("acme", "timer", NOW) == ANYTHING


def test_tenants_and_kinds_have_floors_of_their_own() -> None:
    floors = Floors()
    floors.found("acme", "timer", NOW, None)
    assert floors.since("globex", "timer", NOW) == ANYTHING
    assert floors.since("acme", "outbox", NOW) == ANYTHING
