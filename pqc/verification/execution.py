"""A module at any level, executed on a few frames: what each node of the network gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue

from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa_memory import ProgramOp, RegionOp, TensorKind
from pqc.errors import InternalError
from pqc.interpreter.reference import main_function, names_of, quantize_inputs, run_block
from pqc.interpreter.reference_accelerator import Bytes, run_program, tensors
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.element import dequantize
from pqc.passes.attributes import main_of, program_of
from pqc.verification.makers import makers
from pqc.verification.program_values import result_regions, unit_operation, writer_of


@dataclass(frozen=True)
class Value:
    """What a node gives for some frames: real numbers, or integers and the real value of one unit."""

    array: AnyArray
    """[frames, ...]."""
    scale: float | None
    maker: Operation | None
    """The operation that gives it, or the region of a program that holds it."""

    @property
    def real(self) -> FloatArray:
        """As real numbers."""
        return self.array if self.scale is None else dequantize(self.array, self.scale)

    def laid_out_as(self, other: Value) -> Value:
        """The same elements in the shape of ``other``, if there are as many."""
        if self.array.size != other.array.size:
            return self
        return replace(self, array=self.array.reshape(other.array.shape))


@dataclass(frozen=True)
class Execution:
    """A module and what it gives for some frames: ``values`` by the name of the node, ``outputs`` by the output's."""

    module: ModuleOp
    inputs: Sequence[AnyArray]
    values: Mapping[str, Value]
    outputs: Mapping[str, Value]

    @property
    def is_program(self) -> bool:
        """Whether the module is at the accelerator level."""
        return not isinstance(main_function(self.module), FuncOp)

    @property
    def is_quantized(self) -> bool:
        """Whether the network computes in integers."""
        return self.is_program or isinstance(main_of(self.module).function_type.inputs.data[0], QuantizedType)

    def operation_that_gave(self, maker: Operation | None, element: tuple[int, ...]) -> str:
        """The operation, in words; of what a region holds, the one that wrote this element last."""
        if maker is None:
            return ""
        if not isinstance(maker, RegionOp):
            return maker.name
        program = program_of(self.module)
        values = [value for value in (*self.values.values(), *self.outputs.values()) if value.maker is maker]
        frame = values[0].array[0]
        inside = int(np.ravel_multi_index(element[1:], frame.shape)) if frame.shape else 0
        byte = (element[0] % program.frames) * frame.nbytes + inside * frame.itemsize
        writer = writer_of(program, maker, byte)
        return "nothing" if writer is None else unit_operation(program, writer)


def executed(module: ModuleOp, frames: Sequence[FloatArray]) -> Execution:
    """Execute a module above the accelerator level on real frames [n, *shape] of each input.

    A node has the value that its maker gives (:func:`pqc.verification.makers.makers`).
    """
    function = main_of(module)
    inputs = quantize_inputs(module, frames)
    values: dict[str, Value] = {}
    named_by = {op: name for name, op in makers(function.body.block.ops).items()}

    def keep(op: Operation, results: tuple[AnyArray, ...]) -> None:
        if op in named_by:
            values[named_by[op]] = Value(results[0], scale_of(op.results[0].type), op)

    found = run_block(function.body.block, inputs, keep)
    named = zip(names_of(module, "pqc.outputs"), found, function.function_type.outputs, strict=True)
    return Execution(module, inputs, values, {name: Value(array, scale_of(kind), None) for name, array, kind in named})


def executed_program(module: ModuleOp, network: Execution) -> Execution:
    """Execute a module at the accelerator level on the inputs of the quantized ``network`` that it came from.

    A node whose result never lies in memory as a whole has no value.
    """
    program = program_of(module)
    memory: dict[SSAValue, Bytes] = {}
    outputs = run_program(program, _integers(network), lambda _, regions, __: memory.update(regions))
    values: dict[str, Value] = {}
    for name, region in result_regions(program, {name: one.array for name, one in network.values.items()}).items():
        wanted = network.values[name]
        stored = np.ascontiguousarray(memory[region.region]).view(wanted.array.dtype)
        array = stored.reshape(-1, *wanted.array.shape[1:])[: len(wanted.array)]
        values[name] = Value(array, wanted.scale, region)
    return Execution(module, network.inputs, values, program_outputs(program, outputs))


def program_outputs(program: ProgramOp, outputs: Sequence[AnyArray]) -> dict[str, Value]:
    """What a program gave, by the names of its outputs."""
    made = zip(tensors(program, TensorKind.OUTPUT), outputs, strict=True)
    return {op.label.data: Value(array, op.tensor.scale, op) for op, array in made}


def _integers(network: Execution) -> Sequence[IntArray]:
    if not network.is_quantized:
        raise InternalError("a program is compared with a quantized network, this one is real")
    return network.inputs


def scale_of(kind: Attribute) -> float | None:
    """The real value of one unit of a type's integers, None for real numbers."""
    return kind.scale if isinstance(kind, QuantizedType) else None
