"""Tokens of survey links: the vector of the specification, and what is refused."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supportkit.surveys import make_token, read_token
from supportkit.surveys.tokens import LENGTH

KEY = bytes(range(32))
EXPIRY = dt.datetime.fromtimestamp(1798761600, dt.UTC)
BEFORE = EXPIRY - dt.timedelta(seconds=1)
HANDLE = "0123456789abcdef"
TOKEN = "EWs27IABI0VniavN70VG4KqomcifnvnA-glRapg"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_the_vector_of_the_specification_holds() -> None:
    assert make_token(KEY, number=1, handle=HANDLE, expires_at=EXPIRY) == TOKEN
    claim = read_token(TOKEN, {1: KEY}, BEFORE)
    assert claim is not None
    assert (claim.handle, claim.expires_at, claim.key) == (HANDLE, EXPIRY, 1)
    assert len(TOKEN) == LENGTH


@pytest.mark.parametrize("place", range(LENGTH))
def test_any_changed_character_is_refused(place: int) -> None:
    for character in ALPHABET:
        if character != TOKEN[place]:
            assert read_token(TOKEN[:place] + character + TOKEN[place + 1 :], {1: KEY}, BEFORE) is None


@pytest.mark.parametrize(
    "token",
    ["", TOKEN[:-1], TOKEN + "A", TOKEN + "=", " " + TOKEN[1:], TOKEN[:-1] + "\n", TOKEN + "\n", "é" * 39, "A" * 39],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert read_token(token, {1: KEY}, BEFORE) is None


def test_the_expiry_is_an_instant_and_at_it_the_token_is_over() -> None:
    assert read_token(TOKEN, {1: KEY}, EXPIRY - dt.timedelta(microseconds=1)) is not None
    assert read_token(TOKEN, {1: KEY}, EXPIRY) is None


def test_a_retired_key_and_a_key_under_another_number_verify_nothing() -> None:
    assert read_token(TOKEN, {2: KEY}, BEFORE) is None
    assert read_token(TOKEN, {1: bytes(32)}, BEFORE) is None
    assert read_token(TOKEN, {}, BEFORE) is None


def test_a_signature_for_another_purpose_is_refused() -> None:
    signed = base64.urlsafe_b64decode(TOKEN + "=")[:13]
    other = hmac.new(KEY, b"supportkit.reply.v1\0" + signed, hashlib.sha256).digest()[:16]
    forged = base64.urlsafe_b64encode(signed + other).rstrip(b"=").decode()
    assert len(forged) == LENGTH
    assert read_token(forged, {1: KEY}, BEFORE) is None


def test_another_version_is_refused_even_where_it_is_signed() -> None:
    signed = bytes([0x21]) + base64.urlsafe_b64decode(TOKEN + "=")[1:13]
    mac = hmac.new(KEY, b"supportkit.survey.v1\0" + signed, hashlib.sha256).digest()[:16]
    assert read_token(base64.urlsafe_b64encode(signed + mac).rstrip(b"=").decode(), {1: KEY}, BEFORE) is None


def test_a_second_key_of_a_number_that_was_used_before_is_told_apart_by_the_signature() -> None:
    new = make_token(b"n" * 32, number=1, handle=HANDLE, expires_at=EXPIRY)
    found = read_token(new, {17: b"n" * 32, 1: KEY}, BEFORE)
    assert found is not None
    assert found.key == 17


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": 16}, {"number": -1}, {"handle": "00"}, {"handle": "zz" * 8},
        {"expires_at": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)}, {"expires_at": dt.datetime(1960, 1, 1, tzinfo=dt.UTC)},
    ],
)  # fmt: skip
def test_what_does_not_fit_makes_no_token(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        make_token(KEY, **{"number": 1, "handle": HANDLE, "expires_at": EXPIRY, **wrong})


@settings(max_examples=60)
@given(st.integers(0, 15), st.binary(min_size=8, max_size=8), st.integers(1, 2**32 - 1), st.binary(min_size=32))
def test_every_token_reads_as_what_it_was_made_of(number: int, handle: bytes, seconds: int, key: bytes) -> None:
    expires_at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    token = make_token(key, number=number, handle=handle.hex(), expires_at=expires_at)
    claim = read_token(token, {number: key}, expires_at - dt.timedelta(seconds=1))
    assert claim is not None
    assert (claim.handle, claim.expires_at, claim.key) == (handle.hex(), expires_at, number)
