"""The contract kit is tested too: it turns red for each planted fault, and stays green without one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract import faulty

from supportkit.storage.sql import SqlStorage
from supportkit.testing import StorageContract
from supportkit.testing.storage.arrivals import RECEIVED_READS
from supportkit.testing.storage.tenants import READS


class Kit(StorageContract):
    """The contract, run by hand."""

    __test__ = False


FAULTS: list[tuple[Callable[[SqlStorage], Any], str]] = [
    (faulty.LosesOneWriteInAThousand, "test_thousands_of_writes_are_all_there"),
    (faulty.ReturnsAStaleRow, "test_a_ticket_comes_back_with_every_attribute"),
    (faulty.ReturnsAStaleRow, "test_folding_any_prefix_of_a_log_gives_the_stored_row"),
    (faulty.ChecksNoVersion, "test_a_stale_version_loses_even_where_its_seq_is_free"),
    (faulty.SwallowsTheIdempotencyConflict, "test_a_key_cannot_stand_for_two_results"),
    (faulty.TellsTwice, "test_nothing_is_told_twice"),
    (faulty.ForgetsTheNote, "test_the_note_about_clocks_is_kept_with_the_row"),
    (faulty.DoesNotRollBack, "test_nothing_of_a_change_is_stored_when_the_block_raises"),
    (faulty.DoesNotRollBack, "test_the_loser_of_a_race_leaves_nothing"),
    (faulty.DoesNotRollBack, "test_a_key_cannot_stand_for_two_results"),
    (faulty.ClaimsTogether, "test_a_deadline_is_claimed_by_one_worker"),
    (faulty.ClaimsTogether, "test_a_delivery_is_claimed_by_one_worker"),
    (faulty.HasNoFence, "test_a_deadline_whose_lease_is_lost_goes_to_the_next_worker_under_a_new_fence"),
    (faulty.HasNoFence, "test_a_deadline_settled_under_an_old_fence_stays_as_it_is"),
    (faulty.HasNoFence, "test_a_result_under_an_old_fence_changes_nothing"),
    (faulty.HasNoFence, "test_a_decision_about_an_earlier_doubt_is_refused"),
    (faulty.KnowsNoTurns, "test_a_long_queue_of_one_account_starves_no_other"),
    (faulty.KnowsNoTurns, "test_turns_go_round_all_accounts_and_channels"),
    (faulty.ClaimsByAnyChannel, "test_a_worker_claims_by_its_channels_only"),
    (faulty.ClaimsByAnyChannel, "test_the_backlog_counts_the_channels_of_the_worker_only"),
    (faulty.ForgetsTheWithdrawal, "test_withdrawing_cancels_what_waits_and_marks_what_is_held"),
    (faulty.SkipsEvents, "test_no_event_is_skipped_while_others_write"),
    (faulty.ForgetsTheOutbox, "test_one_cause_and_rule_give_one_delivery"),
    (faulty.PagesByOffset, "test_pages_stay_right_while_tickets_come_in"),
    (faulty.PagesByOffset, "test_a_cursor_of_something_else_is_refused"),
    (faulty.DeletesWhatHasChanged, "test_a_ticket_that_changed_meanwhile_is_not_deleted"),
    (faulty.ForgetsTheWords, "test_words_of_a_deleted_ticket_are_not_found_when_its_id_comes_back"),
    (faulty.DropsTooMuch, "test_old_keys_go_and_younger_ones_stay"),
    (faulty.ForgetsTheAttempts, "test_a_dump_has_every_kind_in_order"),
    (faulty.HearsAgain, "test_a_message_is_heard_once"),
    (faulty.HearsAgain, "test_of_many_that_hear_a_message_at_once_one_does"),
    (faulty.GivesTheConversationAway, "test_a_conversation_leads_to_its_newest_leg"),
    (faulty.GivesTheConversationAway, "test_of_two_openers_of_one_conversation_one_wins"),
    (faulty.GrantsOneTooMany, "test_a_budget_is_never_overspent"),
    (faulty.HasNoFence, "test_a_raw_delivery_whose_lease_is_lost_is_claimed_again_under_a_new_fence"),
    (faulty.DropsTooMuch, "test_only_settled_raw_deliveries_go"),
    (faulty.DropsTheMicroseconds, "test_instants_keep_their_microseconds"),
]


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[SqlStorage]:
    storage = SqlStorage(f"sqlite:///{tmp_path / 'support.db'}")
    storage.migrate()
    yield storage
    storage.close()


def run(name: str, storage: Any, **more: Any) -> None:
    """Run a test of the kit as pytest would, with every parameter that it has."""
    test = getattr(Kit, name)
    wanted = set(inspect.signature(test).parameters) - {"self", "storage"}
    usual = {"sort": "created_at", "descending": False, "reopen": None, "replaces": "leg-0"}
    test(Kit(), storage, **{key: more.get(key, usual.get(key)) for key in wanted})


def is_red(name: str, storage: Any, **more: Any) -> bool:
    """Tell whether a test of the kit fails; a skip would be no finding."""
    try:
        run(name, storage, **more)
    except pytest.skip.Exception:
        raise
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - red is red
        return True
    return False


@pytest.mark.parametrize(
    ("fault", "name"), [pytest.param(*pair, id=f"{pair[0].__name__}-{pair[1]}") for pair in FAULTS]
)
def test_a_planted_fault_turns_the_kit_red(sound: SqlStorage, fault: Callable[[SqlStorage], Any], name: str) -> None:
    assert is_red(name, fault(sound)), f"{name} does not notice it"


@pytest.mark.parametrize("name", sorted({name for _fault, name in FAULTS}))
def test_the_same_tests_are_green_without_a_fault(sound: SqlStorage, name: str) -> None:
    run(name, faulty.Faulty(sound))


LEAKS = {name: name.split()[0] for name in READS}


@pytest.mark.parametrize("case", READS)
def test_a_method_that_leaks_a_foreign_tenant_turns_the_kit_red(sound: SqlStorage, case: str) -> None:
    storage = faulty.leaking(LEAKS[case])(sound)
    assert is_red("test_reading_never_gives_a_row_of_another_tenant", storage, method=case)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("claim_timers", "test_claims_take_only_what_belongs_to_the_tenant"),
        ("claim_outbox", "test_claims_take_only_what_belongs_to_the_tenant"),
        ("settle_timer", "test_a_claim_of_another_tenant_cannot_be_settled"),
        ("settle_outbox", "test_a_claim_of_another_tenant_cannot_be_settled"),
        ("decide_outbox", "test_a_delivery_of_another_tenant_cannot_be_decided"),
        ("withdraw_outbox", "test_deliveries_of_another_tenant_cannot_be_withdrawn"),
        ("save", "test_rows_of_another_tenant_cannot_be_written"),
        ("set_follower", "test_whatever_one_tenant_does_the_rows_of_the_other_stay"),
        ("reserve_number", "test_each_tenant_counts_its_own_numbers"),
        ("add_settings", "test_settings_of_another_tenant_cannot_be_added"),
        ("wake", "test_only_tickets_of_the_tenant_are_woken"),
        ("has_expired", "test_a_ticket_of_another_tenant_is_not_deleted"),
        ("drop_expired", "test_a_ticket_of_another_tenant_is_not_deleted"),
        ("closed_before", "test_a_ticket_of_another_tenant_is_not_deleted"),
        ("delete_ticket", "test_a_ticket_of_another_tenant_is_not_deleted"),
        ("is_empty", "test_a_tenant_is_restored_beside_others"),
        ("restore", "test_a_tenant_is_restored_beside_others"),
    ],
)
def test_a_method_that_writes_for_a_foreign_tenant_turns_the_kit_red(sound: SqlStorage, method: str, name: str) -> None:
    assert is_red(name, faulty.leaking(method)(sound))


RECEIVED_WRITES = {
    "claim_arrival", "settle_arrival", "change_arrival", "mark_failed", "note_receipt", "take_waiting",
    "set_poll_cursor", "spend",
}  # fmt: skip
OWN_ROWS = {"add_arrival", "add_waiting"}


@pytest.mark.parametrize("method", sorted(RECEIVED_READS))
def test_a_method_that_shows_what_arrived_for_another_tenant_turns_the_kit_red(sound: SqlStorage, method: str) -> None:
    assert is_red("test_what_arrived_for_another_tenant_is_not_seen", faulty.leaking(method)(sound))


@pytest.mark.parametrize("method", sorted(RECEIVED_WRITES | OWN_ROWS))
def test_a_method_that_changes_what_arrived_for_another_tenant_turns_the_kit_red(
    sound: SqlStorage, method: str
) -> None:
    changed = method in RECEIVED_WRITES
    name = "for_another_tenant_is_not_changed" if changed else "cannot_be_written_for_another_tenant"
    assert is_red(f"test_what_arrived_{name}", faulty.leaking(method)(sound))


def test_every_method_of_the_way_in_is_among_the_leaks() -> None:
    from supportkit.storage.arriving import ReceivingUnit

    methods = {name for name in vars(ReceivingUnit) if not name.startswith("_")}
    assert methods == (RECEIVED_READS.keys() - {"has_expired"}) | RECEIVED_WRITES | OWN_ROWS


def test_every_method_of_the_port_is_among_the_leaks() -> None:
    from supportkit.storage.port import UnitOfWork

    methods = {name for name in vars(UnitOfWork) if not name.startswith("_")} - {"tenant"}
    written = {
        "claim_timers",
        "claim_outbox",
        "settle_timer",
        "settle_outbox",
        "decide_outbox",
        "withdraw_outbox",
        "save",
        "set_follower",
        "reserve_number",
        "add_settings",
        "wake",
        "hold",
        "has_expired",
        "drop_expired",
        "closed_before",
        "delete_ticket",
        "is_empty",
        "restore",
    }
    assert methods == set(LEAKS.values()) | written


def test_no_test_of_the_kit_hides_another_one() -> None:
    owners: dict[str, list[str]] = {}
    for cls in StorageContract.__mro__:
        for name in vars(cls):
            if name.startswith("test_"):
                owners.setdefault(name, []).append(cls.__name__)
    assert {name: classes for name, classes in owners.items() if len(classes) > 1} == {}


def test_what_a_storage_declares_absent_is_skipped_with_the_reason() -> None:
    storage = SqlStorage("sqlite://")
    storage.migrate()
    with pytest.raises(pytest.skip.Exception, match="declares that it is not durable"):
        run("test_what_was_committed_is_there_when_the_database_is_opened_again", storage)
    storage.close()


def test_a_durable_storage_without_a_way_to_reopen_it_is_skipped_with_the_reason(sound: SqlStorage) -> None:
    with pytest.raises(pytest.skip.Exception, match="no fixture `reopen`"):
        run("test_what_was_committed_is_there_when_the_database_is_opened_again", sound)


def test_only_what_inherits_the_contract_is_collected() -> None:
    class Mine(StorageContract):
        pass

    assert not StorageContract.__test__
    assert Mine.__test__
