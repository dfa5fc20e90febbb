"""Hostile cells of the shared list: other people's words are never formulas in a sheet."""

from __future__ import annotations

import csv
import io

from tests.hostile import in_time, inputs, rows

from supportkit.cli.sheets import sheet


def test_csv_cells_of_other_people_are_never_formulas() -> None:
    listed = [row for row in rows() if row.startswith("csv-")]
    assert len(listed) == 7
    for row in listed:
        for words in inputs(row):
            with in_time(row):
                made = sheet(["subject", "count"], [[words, -3]])
            _head, (cell, number) = csv.reader(io.StringIO(made, newline=""))
            assert cell == f"'{words}", row
            assert number == "-3", "our own numbers stay numbers"
