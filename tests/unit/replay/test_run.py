"""Playing a log through a desk: rows are atomic, resumable, counted, and refused by reason."""

from __future__ import annotations

import attrs
import pytest
from tests.unit.replay.logs import FORMAT, START, row, write

from supportkit import Desk, ManualClock, Refusal, TierPolicy, hookimpl
from supportkit.clock import to_utc
from supportkit.errors import IdempotencyConflict, Refused, StorageError
from supportkit.model import commands as cm
from supportkit.model.events import Assigned, PriorityChanged, StateChanged, TicketOpened, TierMoved
from supportkit.replay import ReplayError, fold_log, replay
from supportkit.replay.plan import REPLAYER

NOW = to_utc("2026-03-01T12:00:00+00:00")
STORY = (
    row("A", 0, "New", "1", "wheels", "", "low", "Phone", "Ann"),
    row("B", 1, "Work", "2", "gears"),
    row("A", 2, "Work", "1", "wheels", "kim", "low"),
    row("A", 2, "Work", "1", "wheels", "kim", "low"),
    row("B", 3, "Done", "3", "gears"),
    row("A", 4, "Ask", "3", "gears", "lee", "top"),
    row("B", 5, "Work", "1"),
    row("A", 9, "End", "1"),
    row("B", 60, "Done"),
    row("A", 70, "End"),
)


@pytest.fixture
def desk():
    with Desk("sqlite://", clock=ManualClock(NOW), close_resolved_after=None) as opened:
        yield opened


def events(desk, number):
    return [type(recorded.event) for recorded in desk.history(number)]


def test_a_log_becomes_tickets_with_their_history(desk, tmp_path):
    report = replay(desk, write(tmp_path, *STORY), FORMAT)
    assert (report.rows, report.applied, report.unchanged, report.refused) == (10, 8, 2, 0)
    assert report.tickets == 2
    assert report.states == {"closed": 1, "resolved": 1}
    assert (report.born, report.highest, report.never_left_l1) == ({1: 1, 2: 1}, {3: 2}, 0)
    assert report.level_changes == {(1, 3): 1, (2, 3): 1, (3, 1): 2}
    assert report.moved_tickets == 2
    assert (report.resolutions, report.reopenings, report.reopened_tickets) == (3, 1, 1)
    assert report.reopened_to == {"Work": 1}
    assert events(desk, 1) == [
        *(TicketOpened, Assigned, StateChanged),
        *(TierMoved, Assigned, PriorityChanged, StateChanged),
        *(TierMoved, StateChanged),
    ]
    assert desk.get(1).state == "closed"


def test_the_time_to_first_resolution_is_a_median_a_mean_and_a_percentile(desk, tmp_path):
    minutes = (10, 20, 30, 40, 100)
    rows = [row(f"T{at}", 0, "New") for at in minutes] + [row(f"T{at}", at, "Done") for at in minutes]
    first = replay(
        desk, write(tmp_path, *rows, row("T10", 500, "Work"), row("T10", 600, "Done")), FORMAT
    ).first_resolution
    assert (first.count, first.sum, first.mean, first.median) == (5, 200 * 60, 40 * 60, 30 * 60)
    assert first.p90 == pytest.approx((40 + 0.6 * 60) * 60)


def test_a_log_without_a_resolution_has_no_time_to_one(desk, tmp_path):
    first = replay(desk, write(tmp_path, row("A", 0, "New")), FORMAT).first_resolution
    assert (first.count, first.median, first.mean, first.p90) == (0, None, None, None)


def test_an_event_happened_when_the_row_says_and_was_recorded_now(desk, tmp_path):
    replay(desk, write(tmp_path, *STORY), FORMAT)
    log = desk.history(1)
    assert log[0].occurred_at == START
    assert {recorded.recorded_at for recorded in log} == {NOW}
    assert {recorded.actor for recorded in log} == {REPLAYER}


def test_no_message_note_delivery_or_deadline_is_made(desk, tmp_path):
    replay(desk, write(tmp_path, *STORY), FORMAT)
    assert [*desk.messages(1), *desk.notes(1), *desk.outbox()] == []
    assert desk.tick(NOW.replace(year=2030)).fired == 0


def test_customers_are_met_once(desk, tmp_path):
    replay(desk, write(tmp_path, *(row(case, 0, "New", person="Ann") for case in "ABC")), FORMAT)
    (ann,) = desk.customers.list()
    assert ann.name == "Ann"
    assert {ticket.customer for ticket in desk.find().items} == {ann.id}


def test_the_commands_of_a_row_share_one_commit_and_one_command_id(desk, tmp_path):
    replay(desk, write(tmp_path, row("A", 0, "Done"), row("A", 1, "Ask", "2", "t", "kim", "top")), FORMAT)
    second = desk.history(1)[2:]
    assert len(second) == 5
    assert len({recorded.command for recorded in second}) == 1
    assert [recorded.seq for recorded in desk.history(1)] == list(range(1, 8))
    assert desk.check(deep=True)[-1].severity == "ok"


def test_playing_it_again_changes_nothing_and_reports_the_same(desk, tmp_path):
    path = write(tmp_path, *STORY)
    first = replay(desk, path, FORMAT)
    before = [desk.history(number) for number in (1, 2)]
    second = replay(desk, path, FORMAT)
    assert first.already_there == 0
    assert second.already_there == second.rows
    assert second.counts() == first.counts()
    assert [desk.history(number) for number in (1, 2)] == before
    assert len(desk.find().items) == 2


@pytest.mark.parametrize("stop", range(1, len(STORY)))
@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_log_that_grew_goes_on_where_it_was(desk, tmp_path, stop, batch):
    replay(desk, write(tmp_path, *STORY[:stop], name="half.csv"), FORMAT, batch=batch)
    grown = replay(desk, write(tmp_path, *STORY), FORMAT, batch=batch)
    assert grown.already_there == stop
    assert grown.counts() == fold_log(tmp_path / "log.csv", FORMAT).counts()


def test_a_pure_fold_reports_the_same(desk, tmp_path):
    path = write(tmp_path, *STORY, row("A", 80, "Gone"), row("-", 81, "New"))
    assert fold_log(path, FORMAT).counts() == replay(desk, path, FORMAT).counts()


def test_a_row_with_an_unknown_value_is_refused_and_the_others_go_on(desk, tmp_path):
    path = write(tmp_path, row("A", 0, "Gone"), row("A", 1, "New"), row("A", 2, "Odd"), row("A", 3, "Done"))
    report = replay(desk, path, FORMAT)
    assert (report.applied, report.unchanged, report.refusals) == (2, 0, {"replay.unknown_value": 2})
    assert [(bad.line, bad.case) for bad in report.refused_rows] == [(2, "A"), (4, "A")]
    assert "'Odd'" in report.refused_rows[1].sentence
    assert replay(desk, path, FORMAT).counts() == report.counts()


def test_what_the_rules_refuse_is_counted_by_its_reason(tmp_path):
    with Desk(
        "sqlite://", close_resolved_after=None, tier_policy=TierPolicy(skip=False, down=False, birth=2)
    ) as strict:
        path = write(
            tmp_path,
            row("A", 0, "Work", "3"),
            row("A", 1, "Work", "1"),
            row("A", 2, "Done", "3"),
            row("A", 3, "Work", "2"),
            row("A", 4, "Done", "1"),
        )
        report = replay(strict, path, FORMAT)
        assert report.refusals == {"tier.birth": 1, "tier.down": 1, "tier.skip": 1}
        assert report.states == {"open": 1}
        assert replay(strict, path, FORMAT).counts() == report.counts()


def test_a_refused_row_does_nothing_not_even_its_first_command(tmp_path):
    with Desk("sqlite://", close_resolved_after=None, tier_policy=TierPolicy(down=False)) as strict:
        path = write(tmp_path, row("A", 0, "Done", "2"), row("A", 1, "Work", "1", "t", "kim", "top"))
        report = replay(strict, path, FORMAT)
        assert report.refusals == {"tier.down": 1}
        ticket = strict.get(1)
        assert (ticket.state, ticket.reopenings, ticket.version) == ("resolved", 0, 2)


def test_a_refused_row_is_not_judged_again_by_what_came_after_it(tmp_path):
    path = write(tmp_path, row("A", 0, "Work", "1"), row("A", 1, "Work", "3"), row("A", 2, "Work", "2"))
    with Desk("sqlite://", close_resolved_after=None, tier_policy=TierPolicy(skip=False)) as strict:
        first = replay(strict, path, FORMAT)
        assert first.refusals == {"tier.skip": 1}
        assert strict.get(1).tier == 2
        assert replay(strict, path, FORMAT).counts() == first.counts()
        assert strict.get(1).tier == 2


class Picky:
    """A plug-in that objects to one team."""

    @hookimpl
    def supportkit_refuse(self, ticket, command):
        if isinstance(command, cm.Assign) and command.team == "gears":
            return Refusal("picky.team.with_a_code_longer_than_a_receipt", "not to them")
        return None


def test_the_veto_of_a_plug_in_is_counted_the_same_after_a_resume(tmp_path):
    path = write(tmp_path, row("A", 0, "Work", "1", "wheels"), row("A", 1, "Work", "1", "gears"))
    with Desk("sqlite://", close_resolved_after=None, plugins=[Picky()]) as strict:
        report = replay(strict, path, FORMAT)
        assert sum(report.refusals.values()) == 1
        assert replay(strict, path, FORMAT).counts() == report.counts()


def test_another_log_under_the_same_keys_is_refused_row_by_row(desk, tmp_path):
    replay(desk, write(tmp_path, *STORY), FORMAT)
    before = desk.get(1)
    report = replay(desk, write(tmp_path, row("A", 0, "Done", "2"), row("C", 0, "New"), name="other.csv"), FORMAT)
    assert report.refusals == {IdempotencyConflict.code: 1}
    assert report.applied == 1
    assert desk.get(1) == before


def test_logs_of_two_formats_do_not_meet(desk, tmp_path):
    path = write(tmp_path, row("A", 0, "New"))
    replay(desk, path, FORMAT)
    replay(desk, path, attrs.evolve(FORMAT, name="other"))
    assert len(desk.find().items) == 2


def test_cases_with_names_that_fit_into_no_key_are_kept_apart(desk, tmp_path):
    names = ("Заявка-1", "Заявка-2", "工单", "x" * 200, "x" * 199 + "y")
    rows = [row(name, 0, "New") for name in names] + [row(name, 1, "Work") for name in names]
    report = replay(desk, write(tmp_path, *rows), FORMAT)
    assert (report.tickets, report.applied) == (5, 10)
    assert [ticket.subject for ticket in desk.find().items] == list(names)


def test_a_broken_line_stops_the_replay_and_a_corrected_file_goes_on(desk, tmp_path):
    broken = write(tmp_path, *STORY[:6], "A,cut", *STORY[6:])
    with pytest.raises(ReplayError, match="line 8: 2 cells where the header has 10"):
        replay(desk, broken, FORMAT, batch=2)
    assert desk.check(deep=True)[-1].severity == "ok"
    report = replay(desk, write(tmp_path, *STORY), FORMAT, batch=2)
    assert report.already_there == 6
    assert report.counts() == fold_log(tmp_path / "log.csv", FORMAT).counts()


def test_progress_is_told_after_every_transaction(desk, tmp_path):
    told = []
    replay(desk, write(tmp_path, *STORY), FORMAT, batch=4, progress=told.append)
    assert [how_far.rows for how_far in told] == [4, 8, 10]
    assert told[-1].bytes_read == told[-1].size


def test_a_batch_has_at_least_one_row(desk, tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        replay(desk, write(tmp_path), FORMAT, batch=0)


def test_a_desk_with_other_tickets_keeps_them_out_of_the_report(desk, tmp_path):
    desk.open("mine", customer=None, actor="agent:kim")
    report = replay(desk, write(tmp_path, *STORY), FORMAT)
    assert report.tickets == 2
    assert len(desk.find().items) == 3


def test_the_tenant_of_the_desk_is_the_tenant_of_the_tickets(tmp_path):
    url = f"sqlite:///{tmp_path}/two.db"
    path = write(tmp_path, *STORY)
    for tenant in ("one", "two"):
        with Desk(url, tenant=tenant, close_resolved_after=None) as desk:
            assert replay(desk, path, FORMAT).already_there == 0
            assert len(desk.find().items) == 2


# -- several commands as one ------------------------------------------------------------------------------------------


def fire(trigger, **more):
    return (START, cm.Fire(actor=REPLAYER, trigger=trigger, **more))


def test_several_commands_write_one_row_under_one_key(desk):
    ticket = desk.open("it", actor="agent:kim")
    with desk._runner.sharing() as runner:
        after = runner.run_many(ticket, [fire("start"), fire("hold"), fire("resume")], key="k", fingerprint="f")
        assert runner.shared.unit.receipt("k").outcome == "applied"
    assert desk.get(1) == after
    assert (after.state, after.version) == ("open", 4)
    assert desk.check(deep=True)[-1].severity == "ok"


def test_several_commands_update_the_row_of_their_ticket_once(desk):
    ticket = desk.open("it", actor="agent:kim")
    statements = []
    with desk.storage.engine.connect() as connection:  # a database in memory has one connection for everything
        driver = connection.connection.driver_connection
    driver.set_trace_callback(statements.append)
    with desk._runner.sharing() as runner:
        runner.run_many(ticket, [fire("start"), fire("hold"), fire("resume")], key="k", fingerprint="f")
    driver.set_trace_callback(None)
    assert len([text for text in statements if text.startswith("UPDATE supportkit_ticket ")]) == 1


def test_several_commands_with_one_that_is_refused_are_none(desk):
    ticket = desk.open("it", actor="agent:kim")
    with desk._runner.sharing() as runner:
        with pytest.raises(Refused):
            runner.run_many(ticket, [fire("start"), fire("close")], key="k", fingerprint="f")
        assert runner.shared.unit.receipt("k") is None
    assert desk.get(1) == ticket


def test_no_commands_at_all_still_record_the_key(desk):
    ticket = desk.open("it", actor="agent:kim")
    with desk._runner.sharing() as runner:
        assert runner.run_many(ticket, [], key="k", fingerprint="f") == ticket
        assert runner.shared.unit.receipt("k").outcome == "unchanged"
    assert desk.get(1) == ticket


def test_several_commands_as_one_need_a_transaction(desk):
    with pytest.raises(StorageError, match="need a transaction"):
        desk._runner.run_many(None, [], key="k", fingerprint="f")


def test_the_deadlines_of_several_commands_are_those_of_the_last_state(tmp_path):
    with Desk("sqlite://", clock=ManualClock(START)) as desk:
        ticket = desk.open("it", actor="agent:kim")
        steps = [fire("resolve", reason="solved"), fire("reopen")]
        with desk._runner.sharing() as runner:
            runner.run_many(ticket, steps, key="k", fingerprint="f")
        assert desk.tick(START.replace(year=2027)).fired == 0
        assert desk.get(1).state == "open"
