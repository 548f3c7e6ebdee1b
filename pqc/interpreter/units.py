"""What each instruction does to bytes, through :mod:`pqc.numerics` alone.

The machine and the reference interpreter of the ``pqa`` dialect both execute their instructions here. An instruction
is prepared for some memories, which finds its operands there, and can then be executed again and again. Constants are
unpacked when an instruction is first executed and kept: a program only ever loads its own constants, in the same order
each time, so that an instruction finds the same ones in every execution.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod

import numpy as np

from pqc.errors import ProgramError
from pqc.interpreter.constants import unpacked
from pqc.interpreter.operands import Bytes, Operands, elements, packed, runs, tile_view
from pqc.interpreter.surroundings import Action, Fifo, Surroundings, accumulator_type, window_of
from pqc.interpreter.vector_unit import prepare_vector
from pqc.isa.access import accesses
from pqc.isa.code_map import code_window, groups_read, reads_padding, subspaces_read
from pqc.isa.fields import Instruction
from pqc.isa.instructions import Convolve, Encode, Load, Lookup, Store
from pqc.isa.tiles import code_map, code_tile, source_tile
from pqc.numerics.arrays import IntArray
from pqc.numerics.code_window import windowed_codes
from pqc.numerics.element import Element
from pqc.numerics.encode import starts_of
from pqc.numerics.kernels import Accumulate as AccumulateKernel
from pqc.numerics.kernels import Convolve as ConvolveKernel
from pqc.numerics.kernels import Encode as EncodeKernel

__all__ = ["Action", "Bytes", "Fifo", "Operands", "Surroundings", "execute", "prepare"]

CONVENTIONAL_BITS = 32
"""Accumulator bits of the conventional unit."""


def execute(instruction: Instruction, memory: Operands, fifo: Fifo, accumulator_bits: int) -> None:
    """Execute one instruction for all frames, as numpy defines it.

    Raises:
        ProgramError: an operand ends behind its memory, or what it holds stops the machine.
        TypeError: an instruction type that has no meaning here.
    """
    prepare(instruction, Surroundings(memory, fifo, accumulator_bits))()


def prepare(instruction: Instruction, here: Surroundings) -> Action:
    """What executes one instruction for all frames, as often as it is called.

    It raises ProgramError if a lookup finds no codes, or codes of no prototype, if a map finds an element without an
    entry, or if a requantization needs a multiplier that the target does not have.

    Raises:
        ProgramError: an operand ends behind its memory.
        TypeError: an instruction type that has no meaning here.
    """
    match instruction:
        case Load() | Store():
            return _transfer(instruction, here.memory)
        case Encode():
            return _encode(instruction, here)
        case Lookup():
            return _lookup(instruction, here)
        case Convolve():
            return _convolve(instruction, here)
        case _:
            return prepare_vector(instruction, here)


def _transfer(i: Load | Store, memory: Operands) -> Action:
    from_access, to_access = accesses(i, CONVENTIONAL_BITS)
    source, destination = runs(memory, from_access), runs(memory, to_access)

    def act() -> None:
        destination[...] = source

    return act


def _encode(i: Encode, here: Surroundings) -> Action:
    element = Element(i.prototype_bits, bool(i.prototype_signed))
    shape = (1 if i.shared_codebook else i.subspaces, i.prototypes, i.length)
    window, output, grid = window_of(i), (i.output_rows, i.output_columns), (i.shift, element)
    codebook = packed(here.memory, "codebook", i.prototype_bits, prod(shape))
    source = tile_view(here.memory, source_tile(i))
    kept = packed(here.memory, "kept", 1, i.spanned) if i.spanned else None
    destination = tile_view(here.memory, code_tile(i)) if i.to_buffer else None

    @cache
    def encoder() -> EncodeKernel:
        how = (window, output, _starts(i, kept), grid, i.metric)
        key = (here.kernels.name, "encode", how, shape, codebook.tobytes())
        entries = (codebook, i.prototype_bits, shape, element.signed)
        return here.constants.once(key, lambda: here.kernels.encoder(unpacked(*entries), *how))

    def act() -> None:
        codes = encoder()(source)
        if destination is None:
            here.fifo.append(codes)
        else:
            destination[...] = codes.reshape(destination.shape)

    return act


def _starts(i: Encode, kept: Bytes | None) -> tuple[int, ...]:
    """The first window element of every subspace that is encoded."""
    if kept is None:
        return starts_of(i.first_element, i.length, i.subspaces)
    numbers = np.flatnonzero(unpacked(kept, 1, (i.spanned,), signed=False)).tolist()
    if len(numbers) != i.subspaces:
        raise ProgramError(f"keeps {len(numbers)} of {i.spanned} subspaces, it encodes {i.subspaces}")
    return tuple(i.first_element + i.length * number for number in numbers)


def _bias(i: Lookup | Convolve, memory: Operands) -> IntArray | None:
    """What an accumulation starts from, [outputs], if it does not go on from what the accumulators hold."""
    return elements(memory, "bias", "<i4", i.outputs)[0] if i.first else None


def _lookup(i: Lookup, here: Surroundings) -> Action:
    bits, shape = here.accumulator_bits, (i.subspaces, i.prototypes, i.outputs)
    table = packed(here.memory, "table", i.table_bits, prod(shape))
    columns = i.output_rows * i.output_columns
    accumulators = elements(here.memory, "accumulator", accumulator_type(bits), i.outputs, columns)
    bias = _bias(i, here.memory)
    codes = _mapped_codes(i, here.memory) if i.from_buffer else lambda: _sent_codes(here.fifo)

    @cache
    def accumulator() -> AccumulateKernel:
        key = (here.kernels.name, "lookup", bits, i.table_bits, shape, table.tobytes())
        entries = (table, i.table_bits, shape, True)
        return here.constants.once(key, lambda: here.kernels.accumulator(unpacked(*entries), bits))

    def act() -> None:
        accumulator()(accumulators, codes(), bias)

    return act


def _sent_codes(fifo: Fifo) -> IntArray:
    if not fifo:
        raise ProgramError("the code FIFO is empty")
    return fifo.popleft()


def _mapped_codes(i: Lookup, memory: Operands) -> Callable[[], IntArray]:
    """What the windows see of a map of codes, [frames, subspaces, columns].

    Nothing but this check keeps other bytes of the activation buffer from being taken for codes.
    """
    kind, groups = i.code_storage.element.storage, groups_read(i)
    padding: IntArray = np.zeros(len(groups), kind)
    if reads_padding(i):
        padding = elements(memory, "padding", kind, groups.stop)[0, groups.start :]
    output, window, subspaces = (i.output_rows, i.output_columns), code_window(i), subspaces_read(i)
    codes = tile_view(memory, code_map(i))

    def taken() -> IntArray:
        seen = windowed_codes(codes, window, padding, output, subspaces)
        if (largest := int(seen.max())) >= i.prototypes:
            raise ProgramError(f"reads code {largest}, its table has {i.prototypes} prototypes")
        return seen

    return taken


def _convolve(i: Convolve, here: Surroundings) -> Action:
    shape = (i.outputs, i.channels // i.groups, i.kernel_height, i.kernel_width)
    window, output = window_of(i), (i.output_rows, i.output_columns)
    weights = packed(here.memory, "weights", i.weight_bits, prod(shape))
    accumulators = elements(here.memory, "accumulator", "<i4", i.outputs, output[0] * output[1])
    source, bias = tile_view(here.memory, source_tile(i)), _bias(i, here.memory)

    @cache
    def convolver() -> ConvolveKernel:
        how = (window, i.groups, output)
        key = (here.kernels.name, "convolve", how, i.weight_bits, shape, weights.tobytes())
        entries = (weights, i.weight_bits, shape, True)
        return here.constants.once(key, lambda: here.kernels.convolver(unpacked(*entries), *how))

    def act() -> None:
        convolver()(accumulators, source, bias)

    return act
