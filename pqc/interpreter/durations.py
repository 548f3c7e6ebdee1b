"""How many cycles each instruction takes on its unit, if nothing holds it up."""

from __future__ import annotations

from dataclasses import dataclass

from pqc.errors import ModelError
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import (
    Add,
    Convolve,
    Encode,
    Fill,
    Load,
    Lookup,
    Map,
    Multiply,
    Pool,
    Requantize,
    Rescale,
    Store,
)
from pqc.planning.target import Target


@dataclass(frozen=True)
class ColumnWork:
    """A unit's work on a tile: so many output positions, so many cycles each."""

    columns: int
    cycles: int

    @property
    def total(self) -> int:
        """Cycles for all columns."""
        return self.columns * self.cycles


def ceil_div(value: int, by: int) -> int:
    """``value / by``, rounded up."""
    return -(-value // by)


def transfer_bytes(instruction: Load | Store) -> int:
    """Bytes that a transfer moves over the external memory's channel."""
    return instruction.planes * instruction.rows * instruction.items * instruction.item_bytes


def transfer_cycles(instruction: Load | Store, target: Target) -> int:
    """Cycles on the external memory's channel, its latency not included.

    A load into the table buffer is also held up by the buffer's write ports, one for each pair of output and subspace
    lanes of the lookup unit (paper, section on the cycle model); codebooks have one for each lane of the encode unit.
    """
    bits = 8 * transfer_bytes(instruction)
    cycles = max(1, ceil_div(bits, target.bits_per_cycle))
    if not isinstance(instruction, Load):
        return cycles
    encode = target.encode
    ports = {
        Memory.TABLE: target.lookup.output_lanes * target.lookup.subspace_lanes,
        Memory.CODEBOOK: encode.subspace_lanes * encode.prototype_lanes * encode.length_lanes,
    }.get(instruction.buffer)
    if ports is None:
        return cycles
    return max(cycles, ceil_div(bits // max(instruction.entry_bits, 1), ports))


def encode_groups(instruction: Encode, target: Target) -> int:
    """Entries of the code FIFO that one column takes: one for each group of subspaces."""
    return ceil_div(instruction.subspaces, target.encode.subspace_lanes)


def encode_work(instruction: Encode, target: Target) -> ColumnWork:
    """The encode unit's work."""
    unit = target.encode
    steps = ceil_div(instruction.length, unit.length_lanes) * ceil_div(instruction.prototypes, unit.prototype_lanes)
    columns = instruction.output_rows * instruction.output_columns
    return ColumnWork(columns, encode_groups(instruction, target) * steps)


def lookup_work(instruction: Lookup, target: Target) -> ColumnWork:
    """The lookup unit's work, wherever its codes come from."""
    unit = target.lookup
    groups = ceil_div(instruction.subspaces, unit.subspace_lanes)
    columns = instruction.output_rows * instruction.output_columns
    return ColumnWork(columns, groups * ceil_div(instruction.outputs, unit.output_lanes))


def convolve_cycles(instruction: Convolve, target: Target) -> int:
    """Cycles of the conventional unit, which takes ``input_lanes`` inputs and feeds ``output_lanes`` sums a cycle.

    Each cycle belongs to one column and one kernel tap. Channel groups narrower than the lanes share a cycle, as many
    as find both their inputs and their sums a lane: on 8 by 8 lanes, eight groups of a depthwise convolution.

    Raises:
        ModelError: the target has no conventional unit.
    """
    unit = target.conventional
    if not unit.present:
        raise ModelError(f'target "{target.name}" has no conventional unit, the program has a convolve instruction')
    inputs, outputs = instruction.channels // instruction.groups, instruction.outputs // instruction.groups
    together = max(1, min(unit.input_lanes // inputs, unit.output_lanes // outputs))
    passes = ceil_div(instruction.groups, together)
    steps = ceil_div(inputs, unit.input_lanes) * ceil_div(outputs, unit.output_lanes)
    taps = instruction.kernel_height * instruction.kernel_width
    return instruction.output_rows * instruction.output_columns * taps * passes * steps


def vector_cycles(instruction: Instruction, target: Target) -> int:
    """Cycles of the vector unit: one element a lane; a pooling window costs one for each of its taps.

    Raises:
        TypeError: not an instruction of the vector unit.
    """
    match instruction:
        case Requantize():
            elements = instruction.outputs * instruction.rows * instruction.columns
        case Add() | Rescale() | Map() | Multiply() | Fill():
            elements = instruction.planes * instruction.rows * instruction.columns
        case Pool():
            taps = instruction.kernel_height * instruction.kernel_width
            elements = instruction.channels * instruction.output_rows * instruction.output_columns * taps
        case _:
            raise TypeError(f"{instruction.mnemonic}: the vector unit does not execute it")
    return ceil_div(elements, target.vector.lanes)
