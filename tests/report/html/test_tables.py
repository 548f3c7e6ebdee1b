"""Tables as the page shows them."""

from __future__ import annotations

from pqc.report.html.document import Document
from pqc.report.html.tables import PageTable, cycles_table, numerics_table, regions_table
from pqc.report.text import layer_table


def test_columns_of_numbers() -> None:
    table = PageTable("", ("a", "b", "c", "d"), (("1,024", "-", "x", "3.5 bits"), ("-7", "2%", "1", "1e-05")))
    assert table.numeric == {0, 1, 3}
    assert PageTable("", ("a",), ()).numeric == frozenset()


def test_a_table_of_the_text_report(document: Document) -> None:
    table = PageTable.of(layer_table(document.report))
    assert {table.header[column] for column in table.numeric} >= {"cycles", "estimate", "bytes moved"}
    assert 0 not in table.numeric


def test_units_of_a_layer(document: Document) -> None:
    for layer in document.report["layers"]:
        rows = {row[0]: row for row in cycles_table(layer).rows}
        assert set(rows) == set(layer["unit_cycles"]) | set(layer["stalls"])
        for unit, causes in layer["stalls"].items():
            assert all(cause in rows[unit][3] for cause in causes)


def test_numerics_and_regions(document: Document) -> None:
    own = document.report["numerics"][0]
    assert ("accumulator margin bits", f"{own['accumulator_margin_bits']:.4g}") in numerics_table(own).rows
    region = document.report["memory"]["regions"][0]
    assert regions_table([region]).rows[0][0] == region["memory"]
