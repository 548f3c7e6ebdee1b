"""Which instructions the paper's cycle model counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.programs import PqLayer, pq_program, target
from support.streams import WIDE, convolution_tile, pq_tile, streamed

from pqc.interpreter.steady_state import steady_state
from pqc.interpreter.timing import simulate
from pqc.isa.fields import Instruction
from pqc.isa.instructions import Convolve, Encode, Load, Lookup, Requantize
from pqc.planning.paper_model import layer_cycles
from pqc.report.paper_part import outside_paper

PQA = target()
RNG = np.random.default_rng(0)


def counted(instructions: list[Instruction], nodes: list[str], *quantized: str) -> list[int]:
    outside = outside_paper(instructions, nodes, quantized, WIDE)
    return [index for index in range(len(instructions)) if index not in outside]


def test_codebooks_and_tables_count_and_no_other_transfer() -> None:
    tile = pq_tile((2, 3, 4), (0, 1, 2), writes=True)
    kinds = ["activation", "codebook", "table", "table", "", "", "", ""]
    assert [x.buffer.name.lower() if isinstance(x, Load) else "" for x in tile] == kinds
    # Number 3 are biases and parameters, 7 stores activations.
    assert counted(tile, ["a"] * 8, "a") == [1, 2, 4, 5, 6]
    assert counted(tile, ["a"] * 8) == []
    assert counted(tile, ["a"] * 6 + ["b"] * 2, "a") == [1, 2, 4, 5]


def test_a_table_that_the_execution_before_has_loaded() -> None:
    load_table, *rest = pq_tile((2, 3, 4), (0, 1, 2), writes=False)[2:]
    assert counted([*rest, load_table], ["a"] * 5, "a") == [1, 2, 3, 4]


def test_a_load_that_is_overwritten_before_it_is_read_does_not_count() -> None:
    tile = pq_tile((2, 3, 4), (0, 1, 2), writes=False)
    again = [*tile[:3], tile[2], *tile[3:]]
    assert 2 not in counted(again, ["a"] * 8, "a")
    assert 3 in counted(again, ["a"] * 8, "a")


def test_one_load_of_table_and_bias_together_counts() -> None:
    tile = pq_tile((2, 3, 4), (0, 1, 2), writes=False)
    table, bias = tile[2], tile[3]
    assert isinstance(table, Load)
    assert isinstance(bias, Load)
    both = replace(table, item_bytes=table.item_bytes + bias.item_bytes)
    assert counted([*tile[:2], both, *tile[4:]], ["a"] * 6, "a") == [1, 2, 3, 4, 5]


def test_weights_are_no_tables() -> None:
    tile = convolution_tile(3, (0, 1), writes=False)
    assert isinstance(tile[2], Convolve)
    assert counted(tile, ["a"] * 3, "a") == [1, 2]


def test_a_layer_alone_costs_what_the_paper_says_and_its_stalls() -> None:
    layer = PqLayer.random(RNG, 16, 16, 32)
    big = target(buffers={"activation": 64.0, "codebook": 8.0, "table": 64.0, "accumulator": 64.0})
    program = pq_program([layer], big)
    free = outside_paper(program.instructions, program.nodes, {"layer0"}, big)
    timing = simulate(program.instructions, big, credits=program.credits, free=free)
    paper = layer_cycles(layer.columns, 16, 16, 9, 16, 8, 8, big)
    busy = [x.busy for k, x in enumerate(timing.instructions) if k not in free]
    codebook, table, encode, lookup, requantize = busy
    assert max(encode, lookup) == paper.calc
    assert codebook + table - 1 <= paper.init <= codebook + table
    # One tile after the other: loads, both units column by column, then the vector unit.
    assert timing.cycles == codebook + table + lookup + 1 + requantize
    kinds = [type(program.instructions[k]) for k in range(len(program.instructions)) if k not in free]
    assert kinds == [Load, Load, Encode, Lookup, Requantize]


def test_layers_that_stream_cost_the_larger_of_loads_and_columns() -> None:
    tiles = [x for slot in range(2) for x in pq_tile((16, 16, 9), (slot, slot, slot), writes=True)]
    stream = streamed(tiles)
    free = outside_paper(stream.instructions, ["a"] * len(tiles), {"a"}, WIDE)
    found = steady_state(stream.instructions, WIDE, credits=stream.credits, free=free)
    busy = {unit: cycles // found.timing.executions for unit, cycles in found.timing.busy.items()}
    assert found.cycles == max(busy.values())
