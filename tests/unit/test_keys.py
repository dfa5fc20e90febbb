"""Keys: the first signs, all verify, the hash key stays, and no secret shows itself."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import pickle

import pytest

from supportkit.errors import ConfigurationError
from supportkit.keys import Keys
from supportkit.secret import Secret

OLD, NEW, HASH = b"o" * 32, b"n" * 32, b"h" * 32
KEYS = Keys(signing={1: OLD}, hashing=HASH)


def test_a_signature_is_eighty_bits_of_the_hmac_of_purpose_and_parts_with_their_lengths():
    data = b"\0\0\0\x04mail" + b"\0\0\0\x01t" + b"\0\0\0\x05" + "é€".encode()
    expected = base64.b32encode(hmac.new(OLD, data, hashlib.sha256).digest()[:10]).decode().lower()
    assert KEYS.sign("mail", "t", "é€") == expected


def test_the_new_key_signs_and_the_old_one_verifies():
    rotated = KEYS.rotated(2, NEW)
    assert rotated.verify(KEYS.sign("p", "x"), "p", "x") == 1
    assert rotated.verify(rotated.sign("p", "x"), "p", "x") == 2
    assert KEYS.verify(rotated.sign("p", "x"), "p", "x") is None


def test_the_case_of_a_signature_does_not_matter_and_junk_is_none():
    mac = KEYS.sign("p", "x")
    assert KEYS.verify(mac.upper(), "p", "x") == 1
    assert [KEYS.verify(junk, "p", "x") for junk in ("", "é" * 16, mac + "a", mac[:-1], "\ud800")] == [None] * 5
    assert KEYS.verify(mac, "q", "x") is None


def test_the_hash_stays_when_keys_are_rotated():
    assert KEYS.digest("p", "x") == KEYS.rotated(2, NEW).digest("p", "x")
    assert KEYS.digest("p", "x") != KEYS.digest("q", "x")


@pytest.mark.parametrize(
    ("signing", "hashing", "sentence"),
    [
        ({}, HASH, "at least one signing key"),
        ({1: b"short"}, HASH, "at least 32 bytes, this one has 5"),
        ({-1: OLD}, HASH, "numbers from 0 on"),
        ({1: OLD}, OLD, "must not be one of the signing keys"),
        ({1: 7}, HASH, "bytes or str, not int"),
    ],
)
def test_keys_that_cannot_be_meant_are_refused(signing, hashing, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        Keys(signing=signing, hashing=hashing)


def test_a_number_is_used_once():
    with pytest.raises(ConfigurationError, match="a signing key 1 already"):
        KEYS.rotated(1, NEW)


def test_secrets_never_show_themselves():
    secret = Secret("s" * 32)
    assert {repr(secret), str(secret), f"{secret}"} == {"***"}
    assert "ooo" not in repr(KEYS)
    assert secret == Secret(b"s" * 32)
    assert hash(secret) == hash(Secret(b"s" * 32))
    for way in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            way(secret)
