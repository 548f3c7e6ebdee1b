"""Shares of the critical path, and explanations."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from support.programs import PqLayer, pq_program, target

from pqc.interpreter.work import works
from pqc.isa.fields import Unit
from pqc.report.layer_timing import ABOVE, HIDDEN, by_unit, explain, node_work, total_shares

LOOKUP, ENCODE, VECTOR, LOAD = Unit.LOOKUP, Unit.ENCODE, Unit.VECTOR, Unit.LOAD
SHARES = {
    (LOOKUP, ""): Fraction(100),
    (LOOKUP, "code fifo empty"): Fraction(20),
    (ENCODE, "token from vector"): Fraction(3),
    (VECTOR, "token from lookup"): Fraction(16),
}


def test_waits_and_what_the_estimate_does_not_know() -> None:
    assert explain(SHARES, Fraction(110), {ENCODE, LOOKUP}) == {
        ("vector", "token from lookup"): 16,
        ("encode+lookup", ABOVE): 13,
    }
    assert explain(SHARES, Fraction(123), {ENCODE, LOOKUP}) == {("vector", "token from lookup"): 16}


def test_an_estimate_that_is_off_the_path() -> None:
    found = explain(SHARES, Fraction(500), {LOAD})
    assert found == {
        ("load", HIDDEN): -500,
        ("lookup", ""): 100,
        ("lookup", "code fifo empty"): 20,
        ("vector", "token from lookup"): 16,
        ("encode", "token from vector"): 3,
    }
    assert list(found) == sorted(found, key=lambda key: -abs(found[key]))
    assert sum(found.values()) == sum(SHARES.values()) - 500


def test_sums() -> None:
    assert by_unit(SHARES) == {ENCODE: 3, LOOKUP: 120, VECTOR: 16}
    both = total_shares({"a": SHARES, "b": {(LOOKUP, ""): Fraction(1, 2), (LOAD, ""): Fraction(7)}})
    assert both[LOOKUP, ""] == Fraction(201, 2)
    assert both[LOAD, ""] == 7


def test_work_of_a_node() -> None:
    rng = np.random.default_rng(0)
    program = pq_program([PqLayer.random(rng, 3, 5, 4), PqLayer.random(rng, 5, 2, 4)])
    found = node_work(works(program.instructions, target()), program.nodes)
    assert list(found) == ["layer0", "layer1"]
    assert sum(node.instructions for node in found.values()) == len(program.instructions)
    # One column a cycle on both units; of units that are busy for as long the last one counts.
    assert found["layer0"].busy[ENCODE] == found["layer0"].busy[LOOKUP] == 16
    assert found["layer0"].bound is LOOKUP
    # Input, output, codebook, table, bias and parameters.
    assert found["layer0"].dram_bytes == (3 + 5) * 16 + 3 * 16 * 9 + 3 * 16 * 5 + 12 * 5
