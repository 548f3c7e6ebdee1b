"""The reference interpreter: which function it runs, in which order, and what it keeps."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from support.integers import array
from xdsl.dialects import test as unknown
from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, ModuleOp, StringAttr, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa_memory import ProgramOp
from pqc.dialects.qnn import RescaleOp
from pqc.errors import InternalError, ModelError
from pqc.interpreter.reference import (
    boundary_types,
    dequantize_outputs,
    execute,
    last_uses,
    main_function,
    names_of,
    quantize_inputs,
    run_block,
    run_reference,
)
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element
from pqc.numerics.requantize import Clip

REAL = TensorType(f32, (DYNAMIC_INDEX, 4))
BYTES = QuantizedType.of((DYNAMIC_INDEX, 4), Element(8, False), 0.5)
X = np.array([[-2, -1, 3, 4]], np.float32)


def function(block: Block) -> ModuleOp:
    """A module with one function."""
    last = block.last_op
    assert isinstance(last, ReturnOp)
    types: tuple[list[Attribute], list[Attribute]] = (
        [value.type for value in block.args],
        [value.type for value in last.operands],
    )
    return ModuleOp([FuncOp("main", types, Region(block))])


def chain() -> Block:
    """Returns y + z and y, where y = relu(x) and z = min(y, 3.5)."""
    block = Block(arg_types=[REAL])
    relu = onnx.ReluOp(block.args[0])
    clip = onnx.ClipOp(relu.results[0], high=3.5)
    add = onnx.AddOp(relu.results[0], clip.results[0])
    block.add_ops([relu, clip, add, ReturnOp(add.results[0], relu.results[0])])
    return block


def test_a_block_gives_what_it_returns() -> None:
    total, positive = run_block(chain(), [X])
    np.testing.assert_array_equal(total, [[0, 0, 6, 7.5]])
    np.testing.assert_array_equal(positive, [[0, 0, 3, 4]])


def test_operations_are_observed_in_order_with_their_results() -> None:
    seen: list[tuple[str, float]] = []

    def observe(op: Operation, results: tuple[AnyArray, ...]) -> None:
        seen.append((op.name, float(results[0].max())))

    run_reference(function(chain()), [X], observe)
    assert seen == [("onnx.relu", 4.0), ("onnx.clip", 3.5), ("onnx.add", 7.5)]


def test_last_uses_name_each_value_once() -> None:
    block = chain()
    relu, clip, add, returned = block.ops
    freed = last_uses(block)
    assert freed[relu] == [block.args[0]]
    assert clip not in freed
    assert freed[add] == [clip.results[0]]
    assert set(freed[returned]) == {add.results[0], relu.results[0]}


def test_values_are_freed_after_their_last_use() -> None:
    block = Block(arg_types=[REAL])
    ops: list[Operation] = []
    for _ in range(4):
        ops.append(onnx.AddOp(value := ops[-1].results[0] if ops else block.args[0], value))
    block.add_ops([*ops, ReturnOp(ops[-1].results[0])])
    kept: list[weakref.ref[AnyArray]] = []
    alive: list[int] = []

    def observe(_: Operation, results: tuple[AnyArray, ...]) -> None:
        kept.append(weakref.ref(results[0]))
        gc.collect()
        alive.append(sum(one() is not None for one in kept))

    run_block(block, [X], observe)
    assert alive == [1, 2, 2, 2], "an operation's operand and its result, and nothing older"


def test_constants_are_their_arrays() -> None:
    values = array(Element(8, True), (2, 3), 0)
    (found,) = execute(ConstantOp("w", values), [])
    np.testing.assert_array_equal(found, values)


def test_unknown_operations_are_refused_by_name() -> None:
    with pytest.raises(InternalError, match=r"does not know test\.op"):
        execute(unknown.TestOp(), [])


def test_a_function_must_return() -> None:
    block = Block(arg_types=[REAL])
    block.add_op(onnx.ReluOp(block.args[0]))
    with pytest.raises(InternalError, match="the function does not return"):
        run_block(block, [X])


def test_the_number_of_inputs_must_agree() -> None:
    with pytest.raises(ValueError, match="zip"):
        run_block(chain(), [X, X])


def test_the_main_function_is_the_first_function_or_program() -> None:
    module = function(chain())
    assert isinstance(main_function(module), FuncOp)
    program = ProgramOp("pqa", 16, Region(Block()))
    assert main_function(ModuleOp([program])) is program
    with pytest.raises(ModelError, match=r"holds neither a func\.func nor a pqa\.program"):
        main_function(ModuleOp([]))


def test_names_are_read_from_the_module() -> None:
    module = function(chain())
    module.attributes["pqc.outputs"] = ArrayAttr([StringAttr("sum"), StringAttr("positive")])
    assert names_of(module, "pqc.outputs") == ("sum", "positive")
    with pytest.raises(ModelError, match=r"has no module attribute 'pqc\.inputs'"):
        names_of(module, "pqc.inputs")


def test_real_numbers_go_through_the_grids_of_the_boundary() -> None:
    block = Block(arg_types=[BYTES])
    halved = RescaleOp(block.args[0], multiplier=1, shift=1, clip=Clip.full(Element(8, False)), scale=1.0)
    block.add_ops([halved, ReturnOp(halved.result)])
    module = function(block)
    integers = quantize_inputs(module, [X])
    assert integers[0].tolist() == [[0, 0, 6, 8]]
    outputs = run_reference(module, integers)
    assert outputs[0].tolist() == [[0, 0, 3, 4]]
    np.testing.assert_array_equal(dequantize_outputs(module, outputs)[0], [[0, 0, 3, 4]])


def test_the_float_level_takes_real_numbers_as_they_are() -> None:
    module = function(chain())
    (same,) = quantize_inputs(module, [X])
    assert same is X
    assert dequantize_outputs(module, [X, X])[0] is X


def test_a_program_has_no_types_at_its_boundary() -> None:
    with pytest.raises(InternalError, match="a program's boundary is its tensors"):
        boundary_types(ModuleOp([ProgramOp("pqa", 16, Region(Block()))]))
