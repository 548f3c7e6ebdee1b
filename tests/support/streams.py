"""Random programs that may be executed again and again: tiles in few slots of each buffer, and all tokens they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from support.instructions import smallest
from support.programs import PqLayer, load, mask, program_of, store, target
from support.tiles import dense, row

from pqc.interpreter.tokens import Credit
from pqc.isa.dependencies import stream_waits
from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.instructions import Convolve, Encode, Fill, Lookup, Storage
from pqc.isa.program import Program
from pqc.planning.target import Target

RNG = np.random.default_rng(0)
SLOT = {Memory.ACTIVATION: 1 << 13, Memory.CODEBOOK: 1 << 13, Memory.TABLE: 1 << 16, Memory.ACCUMULATOR: 1 << 14}
"""Bytes of a slot: more than any tile takes."""
FRAME = 1 << 14
"""The DRAM of one execution lies so far from that of the next; constants lie below."""

WIDE = target(
    encode={"subspace_lanes": 8, "prototype_lanes": 4, "length_lanes": 4},
    lookup={"output_lanes": 16, "subspace_lanes": 8},
    buffers={"activation": 24.0, "codebook": 24.0, "table": 192.0, "accumulator": 32.0},
)
"""The test target with few lanes, and buffers that hold some slots."""


@dataclass(frozen=True)
class Stream:
    """A program and the tokens that are there before its first execution."""

    instructions: tuple[Instruction, ...]
    credits: tuple[Credit, ...]
    nodes: tuple[str, ...] = ()

    def program(self, batch: int = 1, **facts: list[dict[str, Any]]) -> Program:
        """The same as a program for the target above, which says nothing of its constants, inputs and outputs."""
        made = program_of(self.instructions, of=WIDE, nodes=self.nodes, batch=batch, credits=self.credits)
        return replace(made, dram_bytes=2 * FRAME, provenance=facts)


def streamed(instructions: Sequence[Instruction], accumulator_bits: int = 16) -> Stream:
    """The instructions with every token that they need, from one execution to the next, too."""
    wait, signal = [0] * len(instructions), [0] * len(instructions)
    credits: Counter[tuple[Unit, Unit]] = Counter()
    for index, waits in enumerate(stream_waits(instructions, accumulator_bits)):
        for one in waits:
            sender = instructions[one.source]
            wait[index] |= mask(sender.unit)
            signal[one.source] |= mask(instructions[index].unit)
            credits[sender.unit, instructions[index].unit] += one.distance
    made = (replace(x, wait=wait[k], signal=signal[k]) for k, x in enumerate(instructions))
    return Stream(tuple(made), tuple((*pair, count) for pair, count in sorted(credits.items()) if count))


def _at(memory: Memory, slot: int) -> int:
    return slot * SLOT[memory]


def pq_tile(shape: tuple[int, int, int], slots: tuple[int, int, int], writes: bool) -> list[Instruction]:
    """Load, encode, look up, requantize; ``shape`` is channels, outputs, size, ``slots`` say where it all lies."""
    layer = PqLayer.random(RNG, *shape, prototypes=8)
    source, table, result = slots
    codebooks, tables = _at(Memory.CODEBOOK, table), _at(Memory.TABLE, table)
    bias = tables + layer.table.size
    parameters = bias + 4 * layer.outputs
    moved = layer.outputs * layer.columns
    made: list[Instruction] = [
        load(FRAME, Memory.ACTIVATION, _at(Memory.ACTIVATION, source), layer.channels * layer.columns),
        load(0, Memory.CODEBOOK, codebooks, layer.codebook.size),
        load(0, Memory.TABLE, tables, layer.table.size),
        load(0, Memory.TABLE, bias, 12 * layer.outputs, entry_bits=32),
        layer.encode(_at(Memory.ACTIVATION, source), codebooks),
        layer.lookup(tables, bias, _at(Memory.ACCUMULATOR, result % 2)),
        layer.requantize(_at(Memory.ACCUMULATOR, result % 2), parameters, _at(Memory.ACTIVATION, result)),
    ]
    return [*made, store(2 * FRAME - moved, _at(Memory.ACTIVATION, result), moved)] if writes else made


def mapped_tile(shape: tuple[int, int, int], slots: tuple[int, int, int], writes: bool) -> list[Instruction]:
    """The same through a map of codes in the activation buffer, behind the input."""
    made = pq_tile(shape, slots, writes)
    channels, _, size = shape
    codes = _at(Memory.ACTIVATION, slots[0]) + SLOT[Memory.ACTIVATION] // 2
    for index, instruction in enumerate(made):
        if isinstance(instruction, Encode):
            made[index] = replace(
                instruction, to_buffer=1, destination=codes, code_plane_stride=size * size, code_row_stride=size
            )
        if isinstance(instruction, Lookup):
            made[index] = replace(
                instruction, from_buffer=1, codes=codes, groups=channels, height=size, width=size,
                plane_stride=size * size, row_stride=size, kernel_height=1, kernel_width=1, stride_height=1,
                stride_width=1, dilation_height=1, dilation_width=1,
            )  # fmt: skip
    return made


def convolution_tile(size: int, slots: tuple[int, int], writes: bool) -> list[Instruction]:
    """Fill, convolve in place of a layer that stays conventional."""
    source, table = (_at(Memory.ACTIVATION, slots[0]), _at(Memory.TABLE, slots[1]))
    accumulator = _at(Memory.ACCUMULATOR, slots[1] % 2)
    made = [
        load(0, Memory.TABLE, table, 8 * 9 + 32),
        dense(smallest(Fill, destination=source, **row(size * size), destination_storage=Storage.U8)),
        dense(smallest(
            Convolve, source=source, channels=1, height=size, width=size, kernel_height=3, kernel_width=3, pad_top=1,
            pad_left=1, output_rows=size, output_columns=size, groups=1, outputs=8, weights=table, weight_bits=8,
            bias=table + 72, accumulator=accumulator, first=1, stride_height=1, stride_width=1, dilation_height=1,
            dilation_width=1,
        )),
    ]  # fmt: skip
    return [*made, store(2 * FRAME - 64, source, 1)] if writes else made


def streams(*, writes: bool = True) -> SearchStrategy[Stream]:
    """Programs of a few tiles; without ``writes`` there are no stores, so that nothing competes for the channel."""
    slot, size = st.integers(0, 2), st.integers(1, 9)
    written = st.booleans() if writes else st.just(False)
    shapes = st.tuples(st.integers(1, 24), st.integers(1, 40), size)
    slots = st.tuples(slot, slot, slot)
    quantized = st.builds(pq_tile, shapes, slots, written) | st.builds(mapped_tile, shapes, slots, written)
    conventional = st.builds(convolution_tile, size, st.tuples(slot, slot), written)
    tiles = st.lists(quantized | conventional, min_size=1, max_size=4)
    return tiles.map(_of_tiles)


def _of_tiles(tiles: Sequence[Sequence[Instruction]]) -> Stream:
    """A node for each tile."""
    nodes = tuple(f"tile{number}" for number, tile in enumerate(tiles) for _ in tile)
    return replace(streamed([instruction for tile in tiles for instruction in tile]), nodes=nodes)


def slower(on: Target, section: str, key: str) -> Target:
    """``on`` with half of some lanes, at least one."""
    part = getattr(on, section)
    return replace(on, **{section: replace(part, **{key: max(1, getattr(part, key) // 2)})})
