"""From the last level of the IR to what a program file holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp
from xdsl.ir import Block, Region

from pqc.dialects.blob import BlobAttr
from pqc.dialects.location import node_location
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa import FillOp, LoadOp, StoreOp, UnitOp
from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, ProgramOp, RegionOp, RepeatOp, TensorKind, TensorOp
from pqc.dialects.pqa_types import TokenType
from pqc.errors import InternalError, ModelError
from pqc.isa.fields import Memory, Unit
from pqc.isa.instructions import Fill, Load, Store
from pqc.isa.records import Tensor
from pqc.numerics.element import Element
from pqc.passes.emit import constant_bytes, emit, with_semaphores

LINE = {"items": 1, "rows": 1, "planes": 1}


def tensor(label: str, kind: TensorKind, address: int | None) -> TensorOp:
    op = TensorOp(label, kind, QuantizedType.of((DYNAMIC_INDEX, 8), Element(8, signed=True), 0.5), 8)
    if address is not None:
        op.place(address)
    return op


def constant(values: Sequence[int], address: int) -> ConstantOp:
    op = ConstantOp(BlobAttr.of("bytes", np.array(values, np.uint8)))
    op.place(address)
    return op


def buffer(address: int) -> AllocateOp:
    op = AllocateOp(Memory.ACTIVATION, 8)
    op.place(address)
    return op


def fill(region: RegionOp, *after: UnitOp) -> FillOp:
    return FillOp({"destination": region.region}, {"planes": 1, "rows": 1, "columns": 8}, [op.token for op in after])


def store(region: RegionOp, to: RegionOp, *after: UnitOp) -> StoreOp:
    regions = {"dram": to.region, "address": region.region}
    return StoreOp(regions, {"item_bytes": 8, **LINE}, [op.token for op in after])


def program(ops: Sequence[RegionOp | UnitOp]) -> ProgramOp:
    return ProgramOp("pqa", 16, Region(Block(ops)))


def test_tokens_become_one_bit_for_each_unit_that_waits_and_signals() -> None:
    x, y, a, b = (
        tensor("x", TensorKind.INPUT, 64),
        tensor("y", TensorKind.OUTPUT, 128),
        buffer(0),
        buffer(16),
    )
    load = LoadOp({"dram": x.region, "address": a.region}, {"item_bytes": 8, **LINE, "entry_bits": 8})
    first = fill(b)
    last = store(a, y, load, first)
    refill = fill(a, last)
    for op in (load, last):
        op.location = node_location("copy")
    emitted = emit(ModuleOp([program([x, y, a, b, load, first, last, refill])]))
    assert (emitted.batch, emitted.credits) == (1, ())
    assert [type(one) for one in emitted.instructions] == [Load, Fill, Store, Fill]
    waits = [one.wait for one in emitted.instructions]
    signals = [one.signal for one in emitted.instructions]
    assert waits == [0, 0, 1 << Unit.LOAD | 1 << Unit.VECTOR, 1 << Unit.STORE]
    assert signals == [1 << Unit.STORE, 1 << Unit.STORE, 1 << Unit.VECTOR, 0]
    assert emitted.nodes == ("copy", "", "copy", "")
    assert emitted.inputs == (Tensor("x", (8,), 8, True, 0.5, 64),)
    assert emitted.outputs == (Tensor("y", (8,), 8, True, 0.5, 128),)
    assert (emitted.dram_bytes, emitted.constants, emitted.layers) == (136, b"", [])


def test_tokens_that_cross_cannot_be_counted() -> None:
    y, a, b = tensor("y", TensorKind.OUTPUT, 0), buffer(0), buffer(16)
    first, second = fill(a), fill(b)
    crossing: list[UnitOp] = [first, second, store(b, y, second), store(a, y, first)]
    with pytest.raises(InternalError, match="tokens from vector to store cross"):
        with_semaphores(program([y, a, b, *crossing]), crossing)


def test_one_instruction_takes_one_token_from_a_unit() -> None:
    y, a, b = tensor("y", TensorKind.OUTPUT, 0), buffer(0), buffer(16)
    first, second = fill(a), fill(b)
    both: list[UnitOp] = [first, second, store(b, y, first, second)]
    with pytest.raises(InternalError, match="tokens from vector to store cross"):
        with_semaphores(program([y, a, b, *both]), both)


def repeated(units: Sequence[UnitOp], waits: Sequence[tuple[int, int]]) -> ProgramOp:
    """A program in which ``waits`` (reader, source) cross from one execution to the next."""
    regions = dict.fromkeys(value.owner for unit in units for value in unit.regions_used)
    made = program([*(region for region in regions if isinstance(region, RegionOp)), *units])
    for reader, _ in waits:
        argument = made.body.block.insert_arg(TokenType(), len(made.body.block.args))
        units[reader].wait_for([*units[reader].after, argument])
    made.body.block.add_op(RepeatOp([units[source].token for _, source in waits]))
    made.verify()
    return made


def test_tokens_of_the_execution_before_are_there_at_the_start() -> None:
    y, a, b = tensor("y", TensorKind.OUTPUT, 0), buffer(0), buffer(16)
    units: list[UnitOp] = [fill(a), fill(b)]
    units += [store(a, y, units[0]), store(b, y, units[1])]
    instructions, credits = with_semaphores(repeated(units, [(0, 2), (1, 3)]), units)
    assert credits == ((Unit.STORE, Unit.VECTOR, 2),)
    assert [one.wait for one in instructions] == [1 << Unit.STORE, 1 << Unit.STORE, 1 << Unit.VECTOR, 1 << Unit.VECTOR]
    assert [one.signal for one in instructions] == [
        1 << Unit.STORE,
        1 << Unit.STORE,
        1 << Unit.VECTOR,
        1 << Unit.VECTOR,
    ]


def test_tokens_of_the_execution_before_may_not_cross() -> None:
    y, a, b = tensor("y", TensorKind.OUTPUT, 0), buffer(0), buffer(16)
    units: list[UnitOp] = [fill(a), fill(b), store(a, y), store(b, y)]
    with pytest.raises(InternalError, match="tokens from store to vector cross"):
        with_semaphores(repeated(units, [(0, 3), (1, 2)]), units)


def test_a_token_may_not_overtake_those_of_the_next_execution() -> None:
    """The last fill takes what the second store sends, the first fill of the next execution what the first one sent."""
    y, a, b = tensor("y", TensorKind.OUTPUT, 0), buffer(0), buffer(16)
    stores = [store(a, y), store(b, y)]
    units: list[UnitOp] = [fill(a), *stores, fill(b, stores[1])]
    with pytest.raises(InternalError, match="tokens from store to vector cross"):
        with_semaphores(repeated(units, [(0, 1)]), units)


def test_constants_lie_at_their_addresses_with_zeros_between() -> None:
    assert constant_bytes(program([constant([7], 4), constant([1, 2], 0)])) == bytes([1, 2, 0, 0, 7])
    assert constant_bytes(program([buffer(0)])) == b""


def test_what_has_no_address_is_no_program_yet() -> None:
    with pytest.raises(ModelError, match="has no address; run allocate-memory first"):
        emit(ModuleOp([program([tensor("x", TensorKind.INPUT, None)])]))
    unplaced = AllocateOp(Memory.ACTIVATION, 8)
    module = ModuleOp([program([unplaced, fill(unplaced)])])
    with pytest.raises(ModelError, match="'destination' has no address"):
        emit(module)


def test_a_module_above_the_accelerator_level_is_no_program_either() -> None:
    with pytest.raises(ModelError, match=r"holds no pqa\.program"):
        emit(ModuleOp([]))
