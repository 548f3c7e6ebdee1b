"""The reference interpreter: executes the IR at any level, one numpy call an operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.elements import elements
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa_memory import ProgramOp
from pqc.errors import InternalError, ModelError
from pqc.interpreter import reference_onnx, reference_quantized
from pqc.interpreter.kernel import Kernel
from pqc.interpreter.reference_accelerator import run_program
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.element import dequantize

KERNELS: dict[type[Operation], Kernel] = {**reference_onnx.KERNELS, **reference_quantized.KERNELS}
"""What each operation of the float and the quantized level computes."""

Observer = Callable[[Operation, tuple[AnyArray, ...]], None]
"""Called with each operation and its results, in execution order."""


def main_function(module: ModuleOp) -> FuncOp | ProgramOp:
    """The function or program that a module holds.

    Raises:
        ModelError: it holds neither.
    """
    for op in module.ops:
        if isinstance(op, FuncOp | ProgramOp):
            return op
    raise ModelError("the IR holds neither a func.func nor a pqa.program")


def names_of(module: ModuleOp, attribute: str) -> tuple[str, ...]:
    """The strings in a module attribute: ``pqc.inputs`` or ``pqc.outputs``."""
    names = elements(module.attributes.get(attribute), StringAttr)
    if not names:
        raise ModelError(f"the IR has no module attribute {attribute!r}; write it again with --dump-ir")
    return tuple(name.data for name in names)


def last_uses(block: Block) -> dict[Operation, list[SSAValue]]:
    """For each operation the values that nobody reads after it."""
    last: dict[SSAValue, Operation] = {}
    for op in block.ops:
        for value in op.operands:
            last[value] = op
    freed: dict[Operation, list[SSAValue]] = {}
    for value, op in last.items():
        freed.setdefault(op, []).append(value)
    return freed


def run_block(block: Block, inputs: Sequence[AnyArray], observe: Observer | None = None) -> list[AnyArray]:
    """Execute a function body on raw values and return what it returns; values are freed after their last use."""
    values: dict[SSAValue, AnyArray] = dict(zip(block.args, inputs, strict=True))
    freed = last_uses(block)
    for op in block.ops:
        operands = [values[value] for value in op.operands]
        if isinstance(op, ReturnOp):
            return operands
        results = execute(op, operands)
        if observe is not None:
            observe(op, results)
        values.update(zip(op.results, results, strict=True))
        for value in freed.get(op, ()):
            del values[value]
    raise InternalError("the function does not return")


def execute(op: Operation, operands: Sequence[AnyArray]) -> tuple[AnyArray, ...]:
    """What one operation computes.

    Raises:
        InternalError: no kernel is known for it.
    """
    if isinstance(op, ConstantOp):
        return (op.array,)
    kernel = KERNELS.get(type(op))
    if kernel is None:
        raise InternalError(f"the reference interpreter does not know {op.name}")
    return kernel(op, operands)


def run_reference(module: ModuleOp, inputs: Sequence[AnyArray], observe: Observer | None = None) -> list[AnyArray]:
    """Execute a module at any level on raw values: floats above the quantized level, integers from there on."""
    main = main_function(module)
    if isinstance(main, ProgramOp):
        return run_program(main, inputs)
    return run_block(main.body.block, inputs, observe)


def boundary_types(module: ModuleOp) -> tuple[list[Attribute], list[Attribute]]:
    """The types of a module's inputs and outputs."""
    main = main_function(module)
    if isinstance(main, ProgramOp):
        raise InternalError("a program's boundary is its tensors")
    return list(main.function_type.inputs), list(main.function_type.outputs)


def quantize_inputs(module: ModuleOp, inputs: Sequence[FloatArray]) -> list[AnyArray]:
    """Real inputs as the module's level takes them: unchanged, or on the grids of its input types."""
    kinds, _ = boundary_types(module)
    return [
        kind.element.quantize(x, kind.scale) if isinstance(kind, QuantizedType) else x
        for kind, x in zip(kinds, inputs, strict=True)
    ]


def dequantize_outputs(module: ModuleOp, outputs: Sequence[AnyArray]) -> list[FloatArray]:
    """Outputs as real numbers, whatever the module's level returns."""
    _, kinds = boundary_types(module)
    return [
        dequantize(y, kind.scale) if isinstance(kind, QuantizedType) else y
        for kind, y in zip(kinds, outputs, strict=True)
    ]
