"""Reports of four real data sets as HTML files: `python examples/real_reports.py DATA OUT`.

The incidents of Volvo IT, the service requests of Boston, two help desks, and the passengers of San Francisco's
airport. The data is read where it lies and is no part of the project.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from supportkit.measures import percent
from supportkit.metrics import Kpis, Period, measure
from supportkit.replay import built_in_format, flow_table
from supportkit.report import Report, Score, render
from supportkit.surveys import Question, csat, csat_distribution, csat_mean, nps, weighted_nps

LOGS = (
    ("bpi2013", "bpi2013_dev.csv", "Incidents of Volvo IT", None, "Europe/Stockholm"),
    ("boston311", "boston311_dev.csv", "Service requests of Boston, 2015", "type", "America/New_York"),
    ("uci", "uci_incident_dev.csv", "Incidents of an IT company", None, "UTC"),
    ("helpdesk", "helpdesk_dev.csv", "A help desk in Italy", None, "Europe/Rome"),
)
AIRPORT = "sfo2017_nps_csat_dev.csv"
NETPRO = Question(id="NETPRO", lo=0, hi=10, blank_codes={11, ""})
Q7ALL = Question(id="Q7ALL", lo=1, hi=5, blank_codes={"Blank"})


def log_report(data: Path, name: str, file: str, title: str, topic: str | None, zone: str) -> tuple[Report, Kpis]:
    """Measure a log of events."""
    table = flow_table(data / file, built_in_format(name), topic_field=topic)
    kpis = measure(table, Period(zone=zone))
    return Report(kpis=kpis, title=title, note="Public data, played as it was written down."), kpis


def airport_report(file: Path) -> Report:
    """Score a survey of 2,831 passengers; blanks are declared and counted."""
    with file.open(encoding="utf-8", newline="") as rows:
        people = list(csv.DictReader(rows))
    scores = [NETPRO.read(row["NETPRO"]) for row in people]
    ratings = [Q7ALL.read(row["Q7ALL"]) for row in people]
    weights = [float(row["WEIGHT"]) for row in people]
    spread = tuple((str(code), n) for code, n in enumerate(csat_distribution(ratings), 1))
    return Report(
        title="Passengers of San Francisco's airport, 2017",
        note="Public data; the codes that mean no answer are left out and counted.",
        scores=(
            Score(name="Q7ALL", results=(csat(ratings), csat_mean(ratings, resamples=200)), distribution=spread),
            Score(name="NETPRO", results=(nps(scores), weighted_nps(scores, weights))),
        ),
    )


def told(kpis: Kpis) -> str:
    """Return one line about a log."""
    parts = [f"{kpis.tickets:,} tickets"]
    for name in ("containment.l1", "reopen.7d", "sla.attainment.resolution", "sla.attainment.recorded"):
        found = kpis.get(name)
        if found is not None and isinstance(found.value, float):
            parts.append(f"{name} {found.numerator:,} of {found.denominator:,} ({percent(found.value)})")
    median = kpis.get("first_resolution.calendar.median")
    if median is not None and median.value is not None:
        parts.append(f"first resolution, median {median.value}")
    return ", ".join(parts)


def main() -> None:
    """Write a report for each data set that is there."""
    parser = argparse.ArgumentParser(description="Write reports of real data.")
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("out", type=Path, nargs="?", default=Path("build/reports"))
    parser.add_argument("--locale", default="en")
    asked = parser.parse_args()
    if not (asked.data / AIRPORT).exists():
        print(f"there is no data in {asked.data}: name the folder that has {AIRPORT}")
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, file, title, topic, zone in LOGS:
        report, kpis = log_report(asked.data, name, file, title, topic, zone)
        (asked.out / f"{name}.html").write_text(render(report, locale=asked.locale), encoding="utf-8")
        print(f"{name}.html: {told(kpis)}")
    report = airport_report(asked.data / AIRPORT)
    (asked.out / "sfo2017.html").write_text(render(report, locale=asked.locale), encoding="utf-8")
    for score in report.scores:
        for one in score.results:
            print(f"sfo2017.html: {one.definition} {one.value:.5g}, n = {one.n:,}")


if __name__ == "__main__":
    main()
