"""The channel contract is tested too: it turns red for each planted fault, and says what it skips."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import pytest
from tests.contract import faulty_channels as faulty
from tests.contract.sound_channel import SAMPLES, Sound, sound_rig

from supportkit.testing import ChannelContract, Rig, Sample
from supportkit.testing.fakes import Fake, Plain, idempotent, neither, reconcilable


class Kit(ChannelContract):
    """The contract, run by hand."""

    __test__ = False
    samples: Sequence[Sample] = SAMPLES
    examples = 20


FAULTS: list[tuple[type[Sound], str, dict[str, Any], str]] = [
    (
        faulty.LeaksTypeError,
        "test_every_value_of_every_sample_replaced_by_every_wrong_one",
        {},
        r"receive\(\) raised TypeError",
    ),
    (
        faulty.LeaksOverflowError,
        "test_every_value_of_every_sample_replaced_by_every_wrong_one",
        {},
        r"a batch, entries/2/at = 10\*\*30: receive\(\) raised OverflowError",
    ),
    (faulty.NaiveTimes, "test_times_are_aware_and_ids_short_wherever_it_runs", {}, "in Pacific/Kiritimati"),
    (faulty.NaiveSignedAt, "test_the_signature_of_each_sample_is_accepted", {}, "signed_at is naive"),
    (faulty.NewIdsAtEachParse, "test_reading_twice_gives_equal_values", {}, "one message"),
    (
        faulty.RejectsTheThrottled,
        "test_a_throttled_message_is_deferred_for_as_long_as_the_provider_says",
        {},
        "429 is no Rejected",
    ),
    (faulty.RaisesOnTimeOut, "test_silence_after_acceptance_is_uncertain", {}, r"send\(\) raised TimeoutError"),
    (faulty.RaisesOnTimeOut, "test_a_hang_ends_at_the_time_out", {}, r"send\(\) raised TimeoutError"),
    (
        faulty.CutsLongBodies,
        "test_the_longest_body_promised_arrives_and_one_more_is_not_cut",
        {"char": "a"},
        "2000 of 2001 characters arrived",
    ),
    (faulty.VerifiesWithoutASecret, "test_without_a_secret_nothing_is_let_in", {}, "no secret: let in"),
    (faulty.UnescapesTexts, "test_texts_of_all_scripts_arrive_as_they_are", {}, "markup: "),
    (faulty.StripsTexts, "test_a_sent_text_arrives_as_it_is", {}, "markup"),
    (faulty.LosesTheBatch, "test_one_bad_entry_of_a_batch_keeps_the_others", {}, "the whole batch was refused"),
    (faulty.LeaksNumbers, "test_every_value_of_every_sample_replaced_by_every_wrong_one", {}, "Inbound.body is a bool"),
    (faulty.AcceptsGarbage, "test_garbage_in_a_success_is_uncertain", {}, "an unreadable answer is no Accepted"),
    (faulty.SaysUnavailableWhenTaken, "test_silence_after_acceptance_is_uncertain", {}, "UNAVAILABLE"),
    (
        faulty.ForgetsRetryAfter,
        "test_a_throttled_message_is_deferred_for_as_long_as_the_provider_says",
        {},
        r"None != datetime.timedelta\(seconds=7\)",
    ),
    (faulty.GivesUpAtServerErrors, "test_a_server_error_is_uncertain", {"status": 502}, "502 is no Rejected"),
    (faulty.RefusesNothing, "test_a_refusal_is_rejected_with_a_known_reason", {}, "a refusal is no Deferred"),
    (faulty.WaitsForEver, "test_a_hang_ends_at_the_time_out", {}, "did not end within"),
    (faulty.SendsWithNewKeys, "test_a_repeated_send_arrives_once", {}, "m-2"),
    (faulty.FindsWhatItDoesNotKnow, "test_lookup_finds_what_was_taken_and_nothing_else", {}, "refused"),
    (faulty.TakesSilenceForNo, "test_a_lookup_that_gets_no_answer_raises", {}, r"500: lookup\(\) returned None"),
    (faulty.OnlyTheFirstSecret, "test_every_secret_of_a_rotation_is_tried", {}, "not signed as it should be: mismatch"),
    (faulty.LetsTheUnsignedIn, "test_a_delivery_without_any_signature_is_refused", {}, "without headers: let in"),
    (faulty.LetsTheUnsignedIn, "test_a_wrong_header_gives_the_right_kind", {"how": "missing"}, "no header is needed"),
    (faulty.VerifiesTheParsedBody, "test_a_changed_body_is_refused", {}, "one byte more: let in"),
    (
        faulty.ComparesText,
        "test_a_wrong_header_gives_the_right_kind",
        {"how": "garbage"},
        r"verify\(\) raised TypeError",
    ),
    (faulty.TellsTheSecret, "test_it_is_frozen_and_shows_no_secret", {}, "the adapter shows"),
    (faulty.LogsTheWords, "test_errors_and_logs_hold_nothing_secret", {}, "words are shown"),
    (faulty.KeepsTheLastMessage, "test_it_is_frozen_and_shows_no_secret", {}, "DID NOT RAISE"),
    (faulty.KeepsTheLastMessage, "test_four_threads_mix_nothing_up", {}, "the adapter changed while it worked"),
    (faulty.TurnsReceiptsRound, "test_a_receipt_names_the_message_that_was_sent", {}, "m-0"),
    (faulty.ReadsText, "test_text_in_place_of_bytes_is_a_type_error", {}, "in place of a Payload was read"),
    (faulty.AnswersEverything, "test_a_challenge_is_answered_and_nothing_else_is", {}, "is no challenge"),
]
PROVIDERS: dict[str, Callable[[], Plain]] = {
    "test_a_repeated_send_arrives_once": idempotent,
    "test_lookup_finds_what_was_taken_and_nothing_else": reconcilable,
    "test_a_lookup_that_gets_no_answer_raises": reconcilable,
}


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> Iterator[Fake]:
    with Fake(PROVIDERS.get(request.node.callspec.params.get("name", ""), neither)()) as fake:
        yield fake


def run(name: str, rig: Rig, more: dict[str, Any], request: pytest.FixtureRequest, kit: type[Kit] = Kit) -> None:
    """Run a test of the kit as pytest would."""
    test = getattr(kit, name)
    wanted = set(inspect.signature(test).parameters) - {"self", "rig"}
    fixtures = {one: request.getfixturevalue(one) for one in wanted & {"monkeypatch", "caplog"}}
    test(kit(), rig, **fixtures, **{one: value for one, value in more.items() if one in wanted})


@pytest.mark.parametrize(
    ("fault", "name", "more", "said"), [pytest.param(*one, id=f"{one[0].__name__}-{one[1]}") for one in FAULTS]
)
def test_a_planted_fault_turns_the_kit_red(
    fake: Fake, fault: type[Sound], name: str, more: dict[str, Any], said: str, request: pytest.FixtureRequest
) -> None:
    rig = sound_rig(fake, fault)
    with pytest.raises((Exception, pytest.fail.Exception), match=said) as raised:
        run(name, rig, more, request)
    assert not isinstance(raised.value, pytest.skip.Exception), f"{name} was skipped: {raised.value}"


@pytest.mark.parametrize(
    ("name", "more"), [(name, more) for _fault, name, more, _said in {one[1]: one for one in FAULTS}.values()]
)
def test_the_same_tests_are_green_without_a_fault(
    fake: Fake, name: str, more: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    run(name, sound_rig(fake), more, request)


def with_able(rig: Rig, **changes: Any) -> Rig:
    able = attrs.evolve(rig.adapter.capabilities, **changes)
    return attrs.evolve(rig, adapter=attrs.evolve(rig.adapter, capabilities=able))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"addresses": None}, "declares `addresses`, a kind of its own"),
        ({"addresses": "messenger"}, "a family is no kind of its own"),
        ({"addresses": "Tele gram"}, "a kind of address is written like"),
    ],
)
def test_a_channel_without_its_own_kind_of_addresses_is_found(
    changes: dict[str, Any], said: str, request: pytest.FixtureRequest
) -> None:
    with Fake(neither()) as fake, pytest.raises((AssertionError, pytest.fail.Exception), match=said):
        run(
            "test_its_people_cannot_be_taken_for_those_of_another_channel",
            with_able(sound_rig(fake), **changes),
            {},
            request,
        )


def test_ids_that_cannot_be_mistaken_are_the_authors_word(request: pytest.FixtureRequest) -> None:
    class Uuids(Kit):
        unmistakable_ids = "they are UUIDs"

    with Fake(neither()) as fake, pytest.raises(pytest.skip.Exception, match="they are UUIDs"):
        name = "test_its_people_cannot_be_taken_for_those_of_another_channel"
        run(name, with_able(sound_rig(fake), addresses=None), {}, request, Uuids)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"signed": False}, "say insecure=True"),
        ({"polls": True}, r"polls is declared, poll\(\) is missing"),
        ({"api": 2}, "version 2 of the port"),
        ({"markup": frozenset({"plain", "blink"})}, "unknown markup"),
        ({"markup": frozenset({"html"})}, "every channel takes plain text"),
    ],
)
def test_capabilities_that_cannot_be_are_found(
    changes: dict[str, Any], said: str, request: pytest.FixtureRequest
) -> None:
    with Fake(neither()) as fake, pytest.raises(AssertionError, match=said):
        run("test_name_and_capabilities_are_well_formed", with_able(sound_rig(fake), **changes), {}, request)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("test_a_changed_body_is_refused", {"signed": False}, "declares signed=False"),
        ("test_each_sample_gives_exactly_its_values", {"inbound": False}, "declares inbound=False"),
        ("test_a_hang_ends_at_the_time_out", {"outbound": False}, "declares outbound=False"),
        ("test_a_repeated_send_arrives_once", {"dedupes_sends": False}, "declares dedupes_sends=False"),
        ("test_receipts_move_forward", {"delivery_receipts": False}, "declares delivery_receipts=False"),
    ],
)
def test_what_a_channel_declares_absent_is_skipped_with_the_reason(
    fake: Fake, name: str, changes: dict[str, Any], said: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(pytest.skip.Exception, match=said):
        run(name, with_able(sound_rig(fake), **changes), {}, request)


@pytest.mark.parametrize(
    ("name", "missing", "said"),
    [
        ("test_a_sent_text_arrives_as_it_is", {"provider": None}, "needs `Rig.provider`"),
        ("test_every_secret_of_a_rotation_is_tried", {"with_secrets": None}, "needs `Rig.with_secrets`"),
    ],
)
def test_a_rig_that_lacks_something_says_what(
    fake: Fake, name: str, missing: dict[str, Any], said: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(pytest.fail.Exception, match=said):
        run(name, attrs.evolve(sound_rig(fake), **missing), {}, request)


def test_a_contract_without_samples_says_so(request: pytest.FixtureRequest) -> None:
    class Empty(Kit):
        samples = ()

    with Fake(neither()) as fake, pytest.raises(pytest.fail.Exception, match="needs `samples`"):
        run("test_each_sample_gives_exactly_its_values", sound_rig(fake), {}, request, Empty)


def test_the_kit_has_every_test_of_the_specification() -> None:
    numbers = {
        int((inspect.getdoc(test) or "0").split(".")[0])
        for name, test in inspect.getmembers(ChannelContract, inspect.isfunction)
        if name.startswith("test_")
    }
    assert numbers == set(range(1, 33)), "28 of the specification, and four for channels that poll"


def test_no_test_of_the_kit_hides_another_one() -> None:
    owners: dict[str, list[str]] = {}
    for cls in ChannelContract.__mro__:
        for name in vars(cls):
            if name.startswith("test_"):
                owners.setdefault(name, []).append(cls.__name__)
    assert {name: classes for name, classes in owners.items() if len(classes) > 1} == {}


def test_only_what_inherits_the_contract_is_collected() -> None:
    class Mine(ChannelContract):
        pass

    assert not ChannelContract.__test__
    assert Mine.__test__
