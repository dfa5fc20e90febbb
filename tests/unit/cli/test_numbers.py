"""`supportkit kpi`, `supportkit survey score` and `supportkit staffing`: what they print, and what they refuse."""

from __future__ import annotations

import csv
import io
import json

import pytest
from tests.shared_data import shared_file

from supportkit import Desk, ManualClock
from supportkit.cli.sheets import safe, sheet

typer_testing = pytest.importorskip("typer.testing")


@pytest.fixture
def cli():
    from supportkit.cli.commands import app

    def run(*arguments, code=0):
        result = typer_testing.CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.output

    return run


@pytest.fixture
def database(tmp_path):
    """Return a desk with three tickets: one solved, one of spam, one with a name that a spreadsheet would run."""
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    clock = ManualClock("2026-03-02T08:00:00+00:00")
    with Desk(url, clock=clock) as desk:
        ann = desk.customers.add("Ann", timezone="Europe/London").id
        one = desk.open("Invoice", "Wrong.", customer=ann, channel="chat", tags=["=1+1"])
        clock.advance(minutes=30)
        desk.reply(one.id, "Sorry.", actor="agent:kim")
        desk.resolve(one.id, "Corrected.", actor="agent:kim")
        spam = desk.open("Buy", "Now.", customer=ann, channel="email")
        desk.end(spam.id, reason="spam", actor="agent:kim")
        desk.open("Parcel", "Where?", customer=ann, channel="chat", tags=["parcel"])
    return url


AT = ("--at", "2026-03-03T08:00:00+00:00")


# -- kpi ---------------------------------------------------------------------------------------------------------------


def test_the_numbers_of_a_desk_are_printed_with_their_definitions(cli, database):
    shown = cli("kpi", database, *AT)

    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "tickets.created/1 2 2" in lines
    assert "backlog.count/1 1 1" in lines
    assert any(line.startswith("sla.attainment.first_response/1 50.0 % 2") for line in lines), shown


def test_spam_is_left_out_and_counted(cli, database):
    told = json.loads(cli("kpi", database, *AT, "--json"))

    created = next(one for one in told["results"] if one["definition"] == "tickets.created/1")
    assert (created["value"], created["cohort"]["excluded"], created["cohort"]["filter"]) == (
        2, {"spam": 1}, "customers/1",
    )  # fmt: skip
    everything = json.loads(cli("kpi", database, *AT, "--json", "--all"))
    assert next(one["value"] for one in everything["results"] if one["definition"] == "tickets.created/1") == 3


def test_a_period_has_what_happened_in_it(cli, database):
    told = json.loads(cli("kpi", database, *AT, "--json", "--since", "2026-03-02", "--until", "2026-03-02T08:10:00Z"))

    created = next(one for one in told["results"] if one["definition"] == "tickets.created/1")
    assert created["value"] == 1


def test_numbers_in_csv_stay_numbers_and_words_are_never_formulas(cli, database):
    rows = list(csv.DictReader(io.StringIO(cli("kpi", database, *AT, "--csv"))))

    created = next(row for row in rows if (row["part"], row["definition"]) == ("all", "tickets.created/1"))
    assert created["value"] == "2"
    assert {row["name"] for row in rows if row["part"] == "topic"} == {"'=1+1", "parcel"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesterday"), "is no time"),
        (("--zone", "Mars/Base"), "there is no zone"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "ends before it begins"),
        (("--json", "--csv"), "not both"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli, database, arguments, sentence):
    assert sentence in " ".join(cli("kpi", database, *arguments, code=2).split())


def test_a_calendar_that_is_not_there_is_refused(cli, database):
    assert "calendar" in cli("kpi", database, "--calendar", "moon", code=1)


# -- csv ---------------------------------------------------------------------------------------------------------------


def hostile():
    rows = json.loads(shared_file("golden/bad_inputs.json").read_text(encoding="utf-8"))["inputs"]
    return {row["id"]: row["values"] for row in rows if row["area"] == "csv"}


@pytest.mark.parametrize("name", ["csv-01", "csv-03", "csv-04", "csv-05", "csv-06", "csv-07", "csv-09"])
def test_a_bad_input_of_csv_is_no_formula(name):
    for value in hostile()[name]:
        cell = next(csv.reader(io.StringIO(sheet(["a"], [[value]]).split("\r\n", 1)[1], newline="")))[0]
        assert cell == f"'{value}"


def test_no_bad_input_of_csv_is_forgotten():
    assert set(hostile()) == {"csv-01", "csv-03", "csv-04", "csv-05", "csv-06", "csv-07", "csv-09"}


def test_numbers_of_our_own_are_no_formulas():
    assert [safe(value) for value in (-2, -2.5, 0, None, "-2", "plain", "a=1")] == [
        -2,
        -2.5,
        0,
        None,
        "'-2",
        "plain",
        "a=1",
    ]


# -- survey score ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def airport():
    return shared_file("data/sfo2017_nps_csat_dev.csv")


def test_the_airports_nps_comes_out(cli, airport):
    told = json.loads(cli("survey", "score", airport, "--instrument", "nps", "--column", "NETPRO", "--blank", "11",
                          "--blank", "", "--weight", "WEIGHT", "--json"))  # fmt: skip

    found, weighted = told["results"]
    assert round(found["value"], 3) == 39.840
    assert (found["n"], found["numerator"], found["cohort"]["excluded"]) == (2746, 1094, {"blank": 85})
    assert (round(found["interval"]["low"], 3), round(found["interval"]["high"], 3)) == (37.182, 42.410)
    assert round(weighted["value"], 3) == 40.398
    assert (told["promoters"], told["passives"], told["detractors"]) == (1436, 968, 342)


def test_the_airports_satisfaction_comes_out(cli, airport):
    shown = cli("survey", "score", airport, "--instrument", "csat", "--column", "Q7ALL", "--blank", "Blank")

    assert "82.1 %" in shown
    assert "80.6 % .. 83.5 %" in shown
    assert "2,688" in shown
    assert "143 blank" in shown


def test_a_blank_that_is_not_declared_is_an_error(cli, airport):
    said = cli("survey", "score", airport, "--instrument", "nps", "--column", "NETPRO", code=1)
    assert "takes whole numbers from 0 to 10" in said


@pytest.mark.parametrize(
    ("instrument", "arguments", "definition", "value"),
    [
        ("csi", ("--column", "s1", "--column", "s2", "--importance", "i1", "--importance", "i2"),
         "csi.raw.aggregate/1", 6),
        ("ces", ("--column", "e"), "ces.net/1", 0),
        ("acsi", ("--column", "s1", "--column", "s2", "--column", "s3"), "acsi.unweighted.items/1", 500 / 9),
    ],
)  # fmt: skip
def test_every_instrument_has_its_numbers(cli, tmp_path, instrument, arguments, definition, value):
    file = tmp_path / "answers.csv"
    file.write_text("s1,s2,s3,i1,i2,e\n2,10,6,10,2,7\n10,2,6,2,10,1\n", encoding="utf-8")

    told = json.loads(cli("survey", "score", file, "--instrument", instrument, *arguments, "--json"))

    assert next(one["value"] for one in told["results"] if one["definition"] == definition) == pytest.approx(value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--instrument", "acsi", "--column", "a"), "3 columns"),
        (("--instrument", "csi", "--column", "a"), "importance for each column"),
    ],
)
def test_an_instrument_takes_its_own_columns(cli, tmp_path, arguments, sentence):
    file = tmp_path / "answers.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    assert sentence in " ".join(cli("survey", "score", file, *arguments, code=2).split())


def test_a_column_that_is_not_there_is_named(cli, airport):
    assert "there is no column 'NPS'" in cli(
        "survey", "score", airport, "--instrument", "nps", "--column", "NPS", code=1
    )


# -- staffing ----------------------------------------------------------------------------------------------------------


def test_agents_of_a_queue_are_those_of_erlang_c(cli):
    told = json.loads(cli("staffing", "--calls", 100, "--aht", 3, "--within", 20, "--shrinkage", 0.3, "--json"))

    queue = told["queue"]
    assert (queue["model"], queue["load"], queue["agents"]) == ("Erlang C", pytest.approx(5.0), 8)
    assert queue["service_level"] >= 0.8
    assert queue["scheduled"] == pytest.approx(8 / 0.7)
    assert told["leads"]["least"] == 1


def test_impatient_callers_take_fewer_agents(cli):
    patient = json.loads(cli("staffing", "--calls", 600, "--aht", 5, "--json"))["queue"]["agents"]
    impatient = json.loads(cli("staffing", "--calls", 600, "--aht", 5, "--patience", 3, "--json"))["queue"]

    assert impatient["model"] == "Erlang A"
    assert impatient["agents"] < patient


def test_one_seat_around_the_clock_takes_six_people(cli):
    told = json.loads(cli("staffing", "--seat-hours", 168, "--shrinkage", 0.3, "--json"))
    assert told["cover"]["fte"] == pytest.approx(6.0)


def test_a_backlog_is_no_queue(cli):
    shown = cli("staffing", "--backlog", 300, "--inflow", 40, "--days", 5, "--hours", 6, "--aht", 12)
    assert "deferred" in shown
    assert "Erlang" not in shown


def test_staffing_of_nothing_is_refused(cli):
    assert "give --calls" in " ".join(cli("staffing", code=2).split())


def test_a_number_out_of_range_is_one_sentence(cli):
    assert "supportkit:" in cli("staffing", "--calls", 10, "--aht", -1, code=1)
