"""The accelerator level, executed region by region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from support.integers import array
from support.tiles import row
from xdsl.dialects import test as unknown
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp
from xdsl.ir import Block, Operation, Region

from pqc.dialects import pqa
from pqc.dialects.blob import BlobAttr
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, ProgramOp, RegionOp, TensorKind, TensorOp
from pqc.errors import InternalError, ProgramError
from pqc.interpreter.reference import run_reference
from pqc.interpreter.reference_accelerator import UNWRITTEN, run_program, tensors
from pqc.isa.fields import Memory
from pqc.isa.instructions import Storage
from pqc.isa.parameters import pack_parameters
from pqc.numerics.element import Element

U8, S16 = Element(8, False), Element(16, True)


def dram(label: str, kind: TensorKind, element: Element, *shape: int) -> TensorOp:
    size = int(np.prod(shape)) * element.storage_bytes
    return TensorOp(label, kind, QuantizedType.of((DYNAMIC_INDEX, *shape), element, 1.0), size)


def copy(source: RegionOp, destination: RegionOp, count: int, **offsets: int) -> Operation:
    """A load or store of ``count`` bytes."""
    sizes = {"item_bytes": count, "items": 1, "rows": 1, "planes": 1, **offsets}
    if destination.region.type.kind is Memory.DRAM:
        return pqa.StoreOp({"dram": destination.region, "address": source.region}, sizes)
    return pqa.LoadOp({"dram": source.region, "address": destination.region}, {**sizes, "entry_bits": 8})


def program(ops: Sequence[Operation]) -> ProgramOp:
    """The operations as a program, verified."""
    made = ProgramOp("pqa", 16, Region(Block(ops)))
    made.verify()
    return made


def test_a_rescaled_input_comes_out_in_the_output_s_type() -> None:
    x, y = dram("x", TensorKind.INPUT, U8, 6), dram("y", TensorKind.OUTPUT, S16, 6)
    tile, result = AllocateOp(Memory.ACTIVATION, 6), AllocateOp(Memory.ACTIVATION, 12)
    fields = {
        "storage": int(Storage.U8),
        "destination_storage": int(Storage.S16),
        "planes": 1,
        "rows": 1,
        "columns": 6,
        "column_stride": 1,
        "multiplier": 77,
        "shift": 1,
        "low": -32768,
        "high": 32767,
    }
    rescale = pqa.RescaleOp({"source": tile.region, "destination": result.region}, fields)
    made = program([x, y, tile, copy(x, tile, 6), result, rescale, copy(result, y, 12)])
    values = array(U8, (4, 6), 0)
    (found,) = run_reference(ModuleOp([made]), [values])
    assert found.dtype == S16.storage
    assert found.tolist() == ((values.astype(int) * 77 + 1) // 2).tolist()


def test_offsets_count_from_the_start_of_a_region() -> None:
    x, y = dram("x", TensorKind.INPUT, U8, 8), dram("y", TensorKind.OUTPUT, U8, 4)
    tile = AllocateOp(Memory.ACTIVATION, 6)
    ops = [copy(x, tile, 4, dram_offset=3, address_offset=2), copy(tile, y, 3, address_offset=3, dram_offset=1)]
    (found,) = run_program(program([x, y, tile, *ops]), [np.arange(16, dtype=np.uint8).reshape(2, 8)])
    assert found.tolist() == [[UNWRITTEN, 4, 5, 6], [UNWRITTEN, 12, 13, 14]]


def test_what_nobody_writes_is_garbage() -> None:
    x, y, tile = (
        dram("x", TensorKind.INPUT, U8, 2),
        dram("y", TensorKind.OUTPUT, U8, 2),
        AllocateOp(Memory.ACTIVATION, 2),
    )
    (found,) = run_program(program([x, y, tile, copy(tile, y, 2)]), [np.zeros((3, 2), np.uint8)])
    assert found.tolist() == [[UNWRITTEN, UNWRITTEN]] * 3


def test_constants_are_the_same_for_every_frame() -> None:
    data = np.array([1, -2], np.int16)
    x, y = dram("x", TensorKind.INPUT, U8, 1), dram("y", TensorKind.OUTPUT, S16, 2)
    constant, tile = ConstantOp(BlobAttr.of("constant", data)), AllocateOp(Memory.ACTIVATION, 4)
    made = program([x, y, constant, tile, copy(constant, tile, 4), copy(tile, y, 4)])
    (found,) = run_program(made, [np.zeros((3, 1), np.uint8)])
    assert found.tolist() == [[1, -2]] * 3


def test_inputs_and_outputs_stand_in_the_order_of_the_boundary() -> None:
    inputs = [dram(f"x{i}", TensorKind.INPUT, U8, 2) for i in range(2)]
    outputs = [dram(f"y{i}", TensorKind.OUTPUT, U8, 2) for i in range(2)]
    between, tile = dram("between", TensorKind.INTERMEDIATE, U8, 2), AllocateOp(Memory.ACTIVATION, 2)
    ops = [copy(inputs[0], tile, 2), copy(tile, between, 2), copy(inputs[1], tile, 2), copy(tile, outputs[0], 2)]
    made = program([*inputs, between, *outputs, tile, *ops, copy(between, tile, 2), copy(tile, outputs[1], 2)])
    assert tensors(made, TensorKind.INPUT) == inputs
    assert tensors(made, TensorKind.INTERMEDIATE) == [between]
    first, second = np.array([[1, 2]], np.uint8), np.array([[3, 4]], np.uint8)
    found = run_program(made, [first, second])
    assert [one.tolist() for one in found] == [[[3, 4]], [[1, 2]]]


def test_the_inputs_stay_as_they_are() -> None:
    x, tile = dram("x", TensorKind.INPUT, U8, 2), AllocateOp(Memory.ACTIVATION, 2)
    fill = pqa.FillOp({"destination": tile.region}, {"destination_storage": int(Storage.U8), **row(2), "fill_value": 9})
    values = np.array([[1, 2]], np.uint8)
    run_program(program([x, tile, fill, copy(tile, x, 2)]), [values])
    assert values.tolist() == [[1, 2]]


def test_codes_in_a_region_are_looked_up_and_must_be_codes() -> None:
    """The second of two groups of three codes, behind an offset; entries 0, 10, 20 and 30."""
    x, y = dram("x", TensorKind.INPUT, U8, 7), dram("y", TensorKind.OUTPUT, U8, 3)
    parameters = pack_parameters(np.array([1 << 14]), np.array([14]))
    entries = bytes([0, 10, 20, 30, 0, 0, 0, 0, *parameters])  # the bias stands between the two
    data = ConstantOp(BlobAttr.of("data", np.frombuffer(entries, np.uint8)))
    tile, table, sums = (
        AllocateOp(Memory.ACTIVATION, 7),
        AllocateOp(Memory.TABLE, 16),
        AllocateOp(Memory.ACCUMULATOR, 6),
    )
    window = ("kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width")
    fields = {
        **dict.fromkeys(window, 1), "subspaces": 1, "first_subspace": 1, "prototypes": 4, "outputs": 1,
        "output_rows": 1, "output_columns": 3, "table_bits": 8, "first": 1, "bias_offset": 4,
        "from_buffer": 1, "codes_offset": 1, "groups": 2, "height": 1, "width": 3, "plane_stride": 3,
    }  # fmt: skip
    lookup = pqa.LookupOp(
        {"codes": tile.region, "table": table.region, "bias": table.region, "accumulator": sums.region}, fields
    )
    requantize = pqa.RequantizeOp(
        {"accumulator": sums.region, "parameters": table.region, "destination": tile.region},
        {"outputs": 1, "rows": 1, "columns": 3, "parameters_offset": 8, "high": 255},
    )
    made = program([
        x, y, data, tile, table, sums, copy(x, tile, 7), copy(data, table, 16), lookup, requantize, copy(tile, y, 3)
    ])  # fmt: skip
    (found,) = run_program(made, [np.array([[99, 99, 99, 99, 3, 0, 2]], np.uint8)])
    assert found.tolist() == [[30, 0, 20]]
    with pytest.raises(ProgramError, match=r"^pqa\.lookup: reads code 4, its table has 4 prototypes$"):
        run_program(made, [np.array([[0, 0, 0, 0, 3, 4, 2]], np.uint8)])


def test_operations_that_are_no_instructions_are_refused() -> None:
    x = dram("x", TensorKind.INPUT, U8, 2)
    with pytest.raises(InternalError, match=r"does not know test\.op in a program"):
        run_program(ProgramOp("pqa", 16, Region(Block([x, unknown.TestOp()]))), [np.zeros((1, 2), np.uint8)])
