"""Whether an instruction makes sense by itself, whatever the target."""

from __future__ import annotations

from collections.abc import Iterator

from pqc.isa.access import Access
from pqc.isa.fields import Instruction, Memory
from pqc.isa.fifo import takes_from_fifo
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
    Storage,
)
from pqc.isa.tiles import tiles
from pqc.numerics.requantize import MAXIMUM_SHIFT

_AT_LEAST_ONE = frozenset(
    {
        "item_bytes", "items", "rows", "planes", "channels",
        "height", "width", "kernel_height", "kernel_width", "stride_height",
        "stride_width", "dilation_height", "dilation_width", "output_rows", "output_columns",
        "subspaces", "prototypes", "length", "prototype_bits", "outputs",
        "columns", "table_bits", "groups", "weight_bits",
        "entries",
    }
)  # fmt: skip
"""Fields that count something of which there must be one."""

_CODE_MAP = frozenset(
    {
        "groups", "height", "width", "kernel_height", "kernel_width",
        "stride_height", "stride_width", "dilation_height", "dilation_width",
    }
)  # fmt: skip
"""Those that a lookup has only if it reads a map of codes."""

_AT_MOST_SIXTEEN = frozenset({"prototype_bits", "weight_bits"})

_LONGEST_SUM = 1 << 21
"""Products that one accumulator may add up: up to here the numerics are exact."""


def complaints(instruction: Instruction) -> Iterator[str]:
    """Everything that is wrong with ``instruction`` by itself, each in one phrase that names the field."""
    needed = _AT_LEAST_ONE - _CODE_MAP if takes_from_fifo(instruction) else _AT_LEAST_ONE
    for name, value in instruction.values().items():
        if name in needed and value < 1:
            yield f"{name} = {value}, allowed is at least 1"
        if name in _AT_MOST_SIXTEEN and value > 16:
            yield f"{name} = {value}, allowed is at most 16"
    yield from _strides(instruction)
    match instruction:
        case Load():
            yield from _load(instruction)
        case Encode():
            yield from _encode(instruction)
        case Lookup():
            yield from _lookup(instruction)
        case Convolve():
            yield from _convolve(instruction)
        case _:
            yield from _vector(instruction)


def _vector(instruction: Instruction) -> Iterator[str]:
    """Of the vector unit."""
    if isinstance(instruction, Requantize | Add | Rescale | Multiply | Pool):
        yield from _clip(instruction)
    if isinstance(instruction, Add | Rescale | Multiply | Pool):
        yield from _shift(instruction)
    match instruction:
        case Map():
            yield from _map(instruction)
        case Pool():
            yield from _pool(instruction)
        case Fill():
            yield from _fill(instruction)
        case _:
            return


def mean_is_exact(taps: int, multiplier: int, shift: int) -> bool:
    """Whether the mean over ``taps`` 16-bit values stays inside 64 bits all the way."""
    return max(taps << shift, taps * abs(multiplier) << 16) < 1 << 61


def clash(instruction: Instruction, read: Access, written: Access) -> bool:
    """Whether a result may overwrite what ``instruction`` has yet to read.

    Element by element an instruction may overwrite its operand; shifted against it or in another order, it may not.
    """
    same = (read.address, read.run, read.counts, read.strides)
    if same == (written.address, written.run, written.counts, written.strides):
        return read.memory is written.memory and isinstance(instruction, Encode | Pool)
    return read.overlaps(written)


def _load(i: Load) -> Iterator[str]:
    if i.buffer is Memory.DRAM:
        yield "buffer = dram, allowed are the on-chip memories"
    if i.buffer in (Memory.CODEBOOK, Memory.TABLE) and i.entry_bits < 1:
        yield f"entry_bits = {i.entry_bits}, allowed is at least 1 for a {i.buffer.name.lower()}"


def _encode(i: Encode) -> Iterator[str]:
    elements = i.channels * i.kernel_height * i.kernel_width
    if i.first_element >= elements:
        yield f"first_element = {i.first_element}, the window has {elements}"
    if 0 < i.spanned < i.subspaces:
        yield f"spanned = {i.spanned}, allowed are 0 and from {i.subspaces} on for {i.subspaces} subspaces"
    if i.to_buffer:
        yield from _code_storage(i)


def _lookup(i: Lookup) -> Iterator[str]:
    if not i.from_buffer:
        return
    yield from _code_storage(i)
    there, end = i.kernel_height * i.kernel_width * i.groups, i.first_subspace + i.subspaces
    if end > there:
        yield f"first_subspace = {i.first_subspace} and subspaces = {i.subspaces}, the map and its window have {there}"


def _code_storage(i: Encode | Lookup) -> Iterator[str]:
    allowed = Storage.of_codes(i.prototypes)
    if i.code_storage is not allowed:
        found, right = i.code_storage.name.lower(), allowed.name.lower()
        yield f"code_storage = {found}, allowed is {right} for {i.prototypes} prototypes"


def _convolve(i: Convolve) -> Iterator[str]:
    for name, value in (("channels", i.channels), ("outputs", i.outputs)):
        if i.groups and value % i.groups:
            yield f"groups = {i.groups} does not divide {name} = {value}"
    depth = i.channels // max(i.groups, 1) * i.kernel_height * i.kernel_width
    if depth > _LONGEST_SUM:
        yield f"{depth} products an accumulator, allowed are {_LONGEST_SUM}"


def _clip(i: Requantize | Add | Rescale | Multiply | Pool) -> Iterator[str]:
    element = i.destination_storage.element
    if not element.minimum <= i.low <= i.high <= element.maximum:
        yield f"low = {i.low} and high = {i.high}, allowed is {element.minimum} <= low <= high <= {element.maximum}"


def _shift(i: Add | Rescale | Multiply | Pool) -> Iterator[str]:
    if i.shift > MAXIMUM_SHIFT:
        yield f"shift = {i.shift}, allowed is at most {MAXIMUM_SHIFT}"


def _pool(i: Pool) -> Iterator[str]:
    taps = i.kernel_height * i.kernel_width
    if not mean_is_exact(taps, i.multiplier, i.shift):
        yield f"multiplier = {i.multiplier} and shift = {i.shift} leave 64 bits with {taps} taps"


def _map(i: Map) -> Iterator[str]:
    """A table for elements of the input, with entries that the result can store."""
    source, result = i.storage.element, i.destination_storage.element
    if not 1 <= i.entry_bits <= result.bits:
        yield f"entry_bits = {i.entry_bits}, allowed is 1 to {result.bits} for a result of {result}"
    last = i.first + i.entries - 1
    if not source.minimum <= i.first <= last <= source.maximum:
        there = f"{source.minimum} to {source.maximum}"
        yield f"first = {i.first} and entries = {i.entries} are a table for {i.first} to {last}, elements are {there}"


def _fill(i: Fill) -> Iterator[str]:
    element = i.destination_storage.element
    if not element.minimum <= i.fill_value <= element.maximum:
        yield f"fill_value = {i.fill_value}, allowed is {element.minimum} to {element.maximum}"


def _strides(instruction: Instruction) -> Iterator[str]:
    """Rows that begin inside each other; the strides of what a rescale, a map or a multiply reads are free."""
    for tile in tiles(instruction):
        if not tile.written and isinstance(instruction, Rescale | Map | Multiply):
            continue
        needed = tile.counts[2] * tile.storage.bytes
        for count, stride, name in zip(tile.counts, tile.strides, ("plane_stride", "row_stride"), strict=False):
            if count > 1 and stride < needed:
                yield f"{tile.prefix}{name} = {stride}, allowed is at least {needed}, the bytes of a row"
