"""Real promises: a city's flags and due times, a shop's `made_sla`, and what-if against plain arithmetic."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from tests.shared_data import ROOT, shared_file

from supportkit.model.ticket import Priority
from supportkit.replay import CATEGORIES, Agreement, built_in_format, compare_promises, fold_log, histories
from supportkit.sla import Metric, Rules, ServiceLevels, compare

typer_testing = pytest.importorskip("typer.testing")
BOSTON, UCI, BPI = "data/boston311_dev.csv", "data/uci_incident_dev.csv", "data/bpi2013_dev.csv"
POLICIES = ROOT / "examples/policies"
COUNTED_AT = dt.datetime(2016, 1, 12, 22, 22, 40, tzinfo=ZoneInfo("America/New_York"))
RESOLUTION = Metric.RESOLUTION


@pytest.fixture(scope="module")
def cli():
    from supportkit.cli.commands import app

    def run(*arguments):
        result = typer_testing.CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def rows(name):
    with shared_file(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def agreement(same, of):
    return {"same": same, "of": of}


# -- what the city and the shop wrote down -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def city(cli, tmp_path_factory):
    """Return the printed report and the plain one of the city's log, played and judged by its policy."""
    url = f"sqlite:///{tmp_path_factory.mktemp('city')}/desk.db"
    command = ("replay", shared_file(BOSTON), "--format", "boston311", "--policy", POLICIES / "boston311.toml")
    return cli(*command, "--database", url), json.loads(cli(*command, "--json", "--database", url))


def test_every_request_becomes_a_ticket(city):
    _shown, told = city
    assert (told["rows"], told["refused"], told["tickets"]) == (6042, 0, 6042)
    assert told["states"] == {"closed": 5079, "new": 963}
    assert told["already_there"] == 6042  # the second run


def test_the_flag_of_the_city_is_that_of_the_clock(city):
    _shown, told = city
    promises = told["promises"]
    assert dt.datetime.fromisoformat(promises["at"]) == COUNTED_AT
    assert promises["due"] == {"closed": agreement(3978, 3978), "open": agreement(732, 732), "late": 987}
    assert promises["undue"]["closed"] == agreement(1099, 1099)
    assert promises["labelled"]["closed"] == agreement(5077, 5077)
    assert (promises["unlabelled"], promises["skewed"], promises["refusals"]) == (2, 6, {})


def test_the_due_times_of_the_city_are_those_of_the_policy(city):
    _shown, told = city
    assert told["promises"]["dues"] == {
        "CE Collection": agreement(250, 250),
        "Electrical": agreement(68, 68),
        "Empty Litter Basket": agreement(143, 144),
        "General Comments For a Program or Policy": agreement(232, 232),
        "Pick up Dead Animal": agreement(97, 97),
        "Sign Repair": agreement(254, 255),
    }
    assert told["promises"]["all_dues"] == agreement(1044, 1046)
    assert told["promises"]["policy"]["closed"] == agreement(911, 912)


def test_the_section_is_printed_with_the_same_numbers(city):
    shown, _told = city
    assert "Promises of 6,042 cases, as of Tue 12 Jan 2016 22:22 in America/New_York" in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "whether it was in time, by the due time of the log: closed (987 late) 3,978 3,978 100.00 %" in lines
    assert "whether it was in time, by the due time of the log: open 732 732 100.00 %" in lines
    assert "whether it was in time, in all: closed (987 late) 5,077 5,077 100.00 %" in lines
    assert "the due time within 60 s: Sign Repair 254 255 99.61 %" in lines
    assert "the due time within 60 s, together 1,044 1,046 99.81 %" in lines


def test_without_a_policy_only_the_due_times_of_the_log_judge():
    report = compare_promises(shared_file(BOSTON), built_in_format("boston311"))
    assert report.labelled.closed == Agreement(same=5077, of=5077)
    assert (report.policy, report.dues) == (None, {})


def test_a_calendar_without_the_first_of_january_misses_some_due_times():
    plain = ServiceLevels.from_toml((POLICIES / "boston311.toml").read_text(encoding="utf-8")).to_dict()
    plain["calendars"]["city_hall"]["holidays"].remove("2016-01-01")
    report = compare_promises(shared_file(BOSTON), built_in_format("boston311"), ServiceLevels.from_dict(plain))
    assert report.all_dues == Agreement(same=1028, of=1046)


def test_made_sla_of_priority_3_is_the_verdict(cli, tmp_path):
    url = f"sqlite:///{tmp_path}/desk.db"
    command = ("replay", shared_file(UCI), "--format", "uci", "--policy", POLICIES / "uci.toml", "--database", url)
    shown = " ".join(cli(*command).split())
    assert "by uci.toml: closed (434 late) 1,190 1,197 99.42 %" in shown
    promises = json.loads(cli(*command, "--json"))["promises"]
    assert promises["policy"]["closed"] == agreement(1190, 1197)
    assert (promises["due"], promises["cases"], promises["refusals"]) == (None, 1269, {})


# -- what if, against arithmetic ---------------------------------------------------------------------------------------


def levels(*policies, **calendars):
    return ServiceLevels.from_dict({"policies": list(policies), "calendars": calendars})


def resolution(target, name="p", **more):
    return {
        "id": name,
        "fallback": "condition" not in more,
        "targets": [{"metric": "RESOLUTION", "target": target}],
        "metrics": {"RESOLUTION": {"pauses": [], "reopen": "once"}},
        **more,
    }


WEEK = {"timezone": "UTC", "hours": {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
LONG = levels(resolution("24h"))
WEEKDAYS = levels(resolution("20h", calendar="week"), week=WEEK)


def on_weekdays(start, end):
    """Return the time from *start* to *end* that is not on a Saturday or Sunday, in UTC; day by day."""
    total, day = dt.timedelta(0), start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end:
        following = day + dt.timedelta(days=1)
        if day.weekday() < 5:
            total += min(end, following) - max(start, day)
        day = following
    return total


def incidents():
    """Return, for each ticket of BPI 2013, when it began, how urgent it was and where, and when it was first done."""
    found = {}
    for row in rows(BPI):
        at = dt.datetime.fromisoformat(row["Change Date+Time"]).astimezone(dt.UTC)
        one = found.setdefault(row["SR Number"], {"began": at, "done": None})
        if at == one["began"]:  # what is said at the very first instant is what the ticket was
            one |= {"priority": row["SR Latest Impact"], "tier": int(row["ST Level"][1])}
        if row["Status"] == "Completed" and one["done"] is None:
            one["done"] = at
    return found


NAMES = {"Low": Priority.LOW, "Medium": Priority.NORMAL, "High": Priority.HIGH, "Major": Priority.URGENT}


def test_what_if_on_incidents_counts_what_arithmetic_counts():
    told = histories(shared_file(BPI), built_in_format("bpi2013"))
    long, weekdays = (Rules(one, categories=CATEGORIES) for one in (LONG, WEEKDAYS))
    found = compare(told.facts, long, [weekdays], told.at, limit=1000)

    met, by, flips = Counter(), Counter(), Counter()
    used = {}
    for ticket, one in incidents().items():
        used[ticket] = one["done"] - one["began"], on_weekdays(one["began"], one["done"])
        verdicts = used[ticket][0] <= dt.timedelta(hours=24), used[ticket][1] <= dt.timedelta(hours=20)
        flips[verdicts] += 1
        for side, is_met in enumerate(verdicts):
            met[side] += is_met
            by[side, "priority", NAMES[one["priority"]], is_met] += 1
            by[side, "tier", one["tier"], is_met] += 1

    (trial,) = found.trials
    for side, attainments in enumerate((found.base, trial.attainments)):
        assert attainments.totals()[RESOLUTION].met == met[side]
        assert attainments.totals()[RESOLUTION].judged == 717
        for dimension in ("priority", "tier"):
            for (_metric, value), counts in attainments.by(dimension).items():
                assert (counts.met, counts.breached) == (
                    by[side, dimension, value, True],
                    by[side, dimension, value, False],
                )
    assert (trial.newly_breached, trial.newly_met) == (flips[True, False], flips[False, True])
    assert min(trial.newly_breached, trial.newly_met) > 0  # else the sample would test little
    assert trial.changed == len(trial.changes) == trial.newly_breached + trial.newly_met
    assert all(change.used == used[change.ticket] for change in trial.changes)


def test_what_if_on_requests_chooses_policies_by_their_types_and_channels():
    told = histories(shared_file(BOSTON), built_in_format("boston311"))
    always = levels(resolution("10d"))
    by_type = levels(resolution("2d", "quick", condition={"type": ["Electrical", "Sign Repair"]}), resolution("10d"))
    by_channel = levels(resolution("2d", "quick", condition={"channel": "self_service"}), resolution("10d"))
    base, *tried = (Rules(one, categories=CATEGORIES) for one in (always, by_type, by_channel))
    found = compare(told.facts, base, tried, told.at)

    zone, hits = ZoneInfo("America/New_York"), Counter()
    for row in rows(BOSTON):
        opened, closed = (
            dt.datetime.strptime(row[name], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=zone) if row[name] else COUNTED_AT
            for name in ("OPEN_DT", "CLOSED_DT")
        )
        days = (closed.astimezone(dt.UTC) - opened.astimezone(dt.UTC)) / dt.timedelta(days=1)
        for name, is_quick in (
            ("type", row["TYPE"] in {"Electrical", "Sign Repair"}),
            ("channel", row["Source"] == "Self Service"),
        ):
            hits[name] += is_quick and 2 < days <= 10 and bool(row["CLOSED_DT"])

    assert [trial.newly_breached for trial in found.trials] == [hits["type"], hits["channel"]]
    assert all(hits.values())
    assert [trial.newly_met for trial in found.trials] == [0, 0]


@pytest.mark.parametrize(("name", "format_"), [(BPI, "bpi2013"), (UCI, "uci"), (BOSTON, "boston311")])
def test_the_same_policies_twice_make_no_difference(name, format_):
    told = histories(shared_file(name), built_in_format(format_))
    text = (POLICIES / "two_lines.toml").read_text(encoding="utf-8")
    one, other = (Rules(ServiceLevels.from_toml(text), categories=CATEGORIES) for _ in range(2))
    found = compare(told.facts, one, [other], told.at)
    assert (found.tickets, found.trials[0].verdicts, found.trials[0].changes) == (len(told.facts), {}, ())
    assert found.trials[0].attainments == found.base
    assert told.report == fold_log(shared_file(name), built_in_format(format_))


def test_the_command_prints_the_comparison(cli, tmp_path):
    files = []
    for name, one in (("long", LONG), ("weekdays", WEEKDAYS)):
        file = tmp_path / f"{name}.toml"
        calendars = (
            '[calendars.week]\ntimezone = "UTC"\n[calendars.week.hours]\n'
            + "".join(f"{day} = [['00:00', '24:00']]\n" for day in ("mon", "tue", "wed", "thu", "fri"))
            if one.calendars
            else ""
        )
        policy = one.policies[0].to_dict()
        text = (
            f'{calendars}[[policies]]\nid = "p"\nfallback = true\ncalendar = "{policy["calendar"]}"\n'
            f'targets = [{{ metric = "RESOLUTION", target = "{policy["targets"][0]["target"]}" }}]\n'
            'metrics = { RESOLUTION = { pauses = [], reopen = "once" } }\n'
        )
        file.write_text(text, encoding="utf-8")
        assert ServiceLevels.from_toml(text) == one
        files += ["--policy", file]
    command = ("whatif", shared_file(BPI), "--format", "bpi2013", *files)
    told = json.loads(cli(*command, "--json", "--limit-changes", "1000"))
    (tried,) = told["tried"]
    assert told["base"]["attainment"][0]["met"] == sum(
        one["done"] - one["began"] <= dt.timedelta(hours=24) for one in incidents().values()
    )
    assert len(tried["changes"]) == tried["met_to_breached"] + tried["breached_to_met"]
    shown = cli(*command)
    assert "6,125 rows, 717 tickets of bpi2013" in shown
    assert "long.toml -> weekdays.toml" in shown
