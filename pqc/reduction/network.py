"""A part of a network above the accelerator level: outputs and operations are cut out of the function."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, ModuleOp, StringAttr, TensorType, f32
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from pqc.dialects.blob import BlobAttr, ConstantOp
from pqc.dialects.elements import elements
from pqc.dialects.location import result_name
from pqc.dialects.pq_types import QuantizedType
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import CALIBRATION, GRID, INPUT_GRIDS, main_of

INPUTS, OUTPUTS = "pqc.inputs", "pqc.outputs"
"""Module: the names of what the function takes and gives."""

OF_INPUTS = (INPUTS, CALIBRATION, INPUT_GRIDS)
"""Attributes of the module with an entry for each argument of the function."""


def operations(module: ModuleOp) -> list[Operation]:
    """What can be cut out: everything but constants, which go with their last use, and the end."""
    return [op for op in main_of(module).body.block.ops if not isinstance(op, ConstantOp | ReturnOp)]


def with_outputs(module: ModuleOp, kept: Collection[int]) -> ModuleOp:
    """A copy that gives only the outputs at these places."""
    cut = module.clone()
    main = main_of(cut)
    places = sorted(kept)
    end = _end(main.body.block)
    end.operands = [end.operands[place] for place in places]
    names = elements(cut.attributes.get(OUTPUTS), StringAttr)
    if names:
        cut.attributes[OUTPUTS] = ArrayAttr(names[place] for place in places)
    main.update_function_type()
    return cut


def with_operations(module: ModuleOp, kept: Collection[int]) -> ModuleOp:
    """A copy without the other ones of :func:`operations`, as far as they can be left out.

    What was an output becomes the value that it was made of, so that the network gets shorter from the back; any other
    use gets an operand of the same type, or else a new argument of the function, so that it gets shorter from the
    front. An operation stays where neither is possible.
    """
    cut = module.clone()
    cuttable = operations(cut)
    for place in reversed(range(len(cuttable))):
        if place not in kept and all(_replace(cut, result) for result in cuttable[place].results):
            cuttable[place].detach()
            cuttable[place].erase()
    _tidy(cut)
    main_of(cut).update_function_type()
    return cut


def _replace(module: ModuleOp, value: SSAValue) -> bool:
    """Give all uses of a value another one, and say whether that was possible."""
    maker = value.owner
    assert isinstance(maker, Operation)
    source = _source(maker)
    if source is not None:
        for use in tuple(value.uses):
            if isinstance(use.operation, ReturnOp):
                use.operation.operands[use.index] = source
    if not tuple(value.uses):
        return True
    other = next((operand for operand in maker.operands if operand.type == value.type), None)
    other = _new_argument(module, value) if other is None else other
    if other is not None:
        value.replace_all_uses_with(other)
    return other is not None


def _source(maker: Operation) -> SSAValue | None:
    """The nearest value that an operation's result is made of and that may go out of a network."""
    waiting = list(maker.operands)
    while waiting:
        value = waiting.pop(0)
        if _crosses(value.type):
            return value
        if isinstance(value.owner, Operation):
            waiting += value.owner.operands
    return None


def _crosses(kind: Attribute) -> bool:
    """Whether a value of this type may go into and out of a network."""
    if isinstance(kind, QuantizedType):
        return True
    if not isinstance(kind, TensorType):
        return False
    shape = kind.get_shape()
    return shape[:1] == (DYNAMIC_INDEX,) and kind == TensorType(f32, shape)


def _new_argument(module: ModuleOp, value: SSAValue) -> SSAValue | None:
    """A new argument in place of a value, with all that the module says of its arguments; None if it cannot be."""
    maker, main = value.owner, main_of(module)
    assert isinstance(maker, Operation)
    grid = maker.attributes.get(GRID)
    if not _crosses(value.type) or (INPUT_GRIDS in module.attributes and grid is None):
        return None
    names = {name.data for name in elements(module.attributes.get(INPUTS), StringAttr)}
    stem = result_name(maker) or "cut"
    if names:
        numbered = (stem if number == 0 else f"{stem}.{number}" for number in count())
        _append(module, INPUTS, StringAttr(next(name for name in numbered if name not in names)))
    frames = elements(module.attributes.get(CALIBRATION), BlobAttr)
    if frames:
        _append(module, CALIBRATION, BlobAttr.of("calibration", _frames(value.type, len(frames[0].array))))
    if INPUT_GRIDS in module.attributes and grid is not None:
        _append(module, INPUT_GRIDS, grid)
    block = main.body.block
    argument = block.insert_arg(value.type, len(block.args))
    argument.name_hint = value.name_hint
    return argument


def _frames(kind: Attribute, number: int) -> FloatArray:
    """Frames [number, ...] for a new argument: whatever fails does so on arbitrary numbers, or it is not cut there."""
    assert isinstance(kind, TensorType | QuantizedType)
    return np.random.default_rng(0).standard_normal((number, *kind.get_shape()[1:])).astype(np.float32)


def _append(module: ModuleOp, attribute: str, entry: Attribute) -> None:
    module.attributes[attribute] = ArrayAttr([*elements(module.attributes.get(attribute), Attribute), entry])


def _tidy(module: ModuleOp) -> None:
    """Remove constants and arguments that nothing uses, but for the last argument."""
    block = main_of(module).body.block
    for op in [op for op in block.ops if isinstance(op, ConstantOp) and not tuple(op.result.uses)]:
        op.detach()
        op.erase()
    for argument in reversed(block.args):
        if tuple(argument.uses) or len(block.args) == 1:
            continue
        for attribute in OF_INPUTS:
            entries = elements(module.attributes.get(attribute), Attribute)
            if entries:
                module.attributes[attribute] = ArrayAttr(
                    entry for place, entry in enumerate(entries) if place != argument.index
                )
        block.erase_arg(argument)


def _end(block: Block) -> Operation:
    end = block.last_op
    assert end is not None
    return end


def is_network(module: ModuleOp) -> bool:
    """Whether there is a function to be cut."""
    return any(isinstance(op, FuncOp) for op in module.ops)
