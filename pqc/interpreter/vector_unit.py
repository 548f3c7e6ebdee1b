"""What each instruction of the vector unit does to bytes; see :mod:`pqc.interpreter.units`."""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np

from pqc.errors import ProgramError
from pqc.interpreter.constants import unpacked
from pqc.interpreter.operands import Operands, elements, joined_rows, packed, tile_view
from pqc.interpreter.surroundings import Action, Surroundings, accumulator_type, window_of
from pqc.isa.fields import Instruction
from pqc.isa.instructions import Add, Fill, Map, Multiply, Pool, Requantize, Rescale
from pqc.isa.parameters import PARAMETER_BYTES, check_shifts, unpack_parameters
from pqc.isa.tiles import left_tile, residual_tile, result_tile, right_tile, source_tile
from pqc.numerics.arrays import IntArray
from pqc.numerics.kernels import Requantize as RequantizeKernel
from pqc.numerics.mapping import map_elements
from pqc.numerics.pooling import PoolMode, average_pool, max_pool
from pqc.numerics.requantize import Clip, multiply


def prepare_vector(instruction: Instruction, here: Surroundings) -> Action:
    """What executes one instruction of the vector unit; see :func:`pqc.interpreter.units.prepare`.

    Raises:
        ProgramError: an operand ends behind its memory.
        TypeError: an instruction type that has no meaning here.
    """
    match instruction:
        case Requantize():
            return _requantize(instruction, here)
        case Add():
            return _add(instruction, here)
        case Rescale():
            return _rescale(instruction, here)
        case Map():
            return _map(instruction, here)
        case Multiply():
            return _multiply(instruction, here.memory)
        case Pool():
            return _pool(instruction, here.memory)
        case Fill():
            return _fill(instruction, here.memory)
        case _:
            raise TypeError(f"{instruction.mnemonic}: no meaning is defined")


def _clip(i: Requantize | Add | Rescale | Multiply | Pool) -> Clip:
    return Clip(i.destination_storage.element, i.low, i.high)


def _requantize(i: Requantize, here: Surroundings) -> Action:
    kind, clip = "<i4" if i.wide else accumulator_type(here.accumulator_bits), _clip(i)
    records = packed(here.memory, "parameters", 8, i.outputs * PARAMETER_BYTES)
    accumulators = elements(here.memory, "accumulator", kind, i.outputs, i.rows * i.columns)
    result, residual = tile_view(here.memory, result_tile(i)), None
    if i.has_residual:
        result, residual = joined_rows(result, tile_view(here.memory, residual_tile(i)))
    else:
        (result,) = joined_rows(result)

    @cache
    def requantizer() -> RequantizeKernel:
        parameters = unpack_parameters(records)
        if here.shifts_alone:
            check_shifts(parameters)
        key = (here.kernels.name, "requantize", clip, records.tobytes())
        return here.constants.once(key, lambda: here.kernels.requantizer(parameters, clip))

    def act() -> None:
        requantizer()(result, accumulators, residual)

    return act


def _add(i: Add, here: Surroundings) -> Action:
    tiles = (result_tile(i), left_tile(i), right_tile(i))
    result, left, right = joined_rows(*(tile_view(here.memory, tile) for tile in tiles))
    multipliers, clip = (i.left_multiplier, i.right_multiplier), _clip(i)

    def act() -> None:
        here.kernels.add(result, left, right, multipliers, i.shift, clip)

    return act


def _rescale(i: Rescale, here: Surroundings) -> Action:
    result, source, clip = tile_view(here.memory, result_tile(i)), tile_view(here.memory, source_tile(i)), _clip(i)

    def act() -> None:
        here.kernels.rescale(result, source, i.multiplier, i.shift, clip)

    return act


def _map(i: Map, here: Surroundings) -> Action:
    result, source = tile_view(here.memory, result_tile(i)), tile_view(here.memory, source_tile(i))
    element, shape = i.destination_storage.element, (i.planes if i.table_per_plane else 1, i.entries)
    entries = packed(here.memory, "table", i.entry_bits, prod(shape))

    @cache
    def table() -> IntArray:
        key = ("map", i.entry_bits, shape, element, entries.tobytes())
        return here.constants.once(key, lambda: unpacked(entries, i.entry_bits, shape, element.signed))

    def act() -> None:
        try:
            result[...] = map_elements(source, table(), i.first, element)
        except IndexError as error:
            raise ProgramError(f"reads {error}") from error

    return act


def _multiply(i: Multiply, memory: Operands) -> Action:
    result, left, right = (tile_view(memory, tile) for tile in (result_tile(i), left_tile(i), right_tile(i)))
    clip = _clip(i)

    def act() -> None:
        result[...] = multiply(left, right, i.multiplier, i.shift, clip)

    return act


def _pool(i: Pool, memory: Operands) -> Action:
    output, window, clip = (i.output_rows, i.output_columns), window_of(i), _clip(i)
    source, result = tile_view(memory, source_tile(i)), tile_view(memory, result_tile(i))

    def act() -> None:
        if i.mode is PoolMode.MAX:
            result[...] = clip.apply(max_pool(source, window, output).astype(np.int32))
        else:
            result[...] = average_pool(source, window, i.mode, i.multiplier, i.shift, clip, output)

    return act


def _fill(i: Fill, memory: Operands) -> Action:
    result = tile_view(memory, result_tile(i))

    def act() -> None:
        result[...] = i.fill_value

    return act
