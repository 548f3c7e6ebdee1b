"""The two executions that fitting runs side by side, operation by operation.

The float network says what each layer should give; the integer network, as it will run on the machine, says what each
layer will see.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue

from pqc.dialects.blob import constant_of
from pqc.dialects.pq import OnGridOp
from pqc.interpreter.reference import last_uses
from pqc.numerics.arrays import AnyArray
from pqc.passes.attributes import Grids, main_of
from pqc.passes.frames_at_once import execute_frames
from pqc.passes.quantizer import Quantizer


class SideBySide:
    """What both networks have computed so far and some later operation reads: ``exact`` and ``integers``."""

    def __init__(self, module: ModuleOp, grids: Grids, quantizer: Quantizer) -> None:
        self.exact: dict[SSAValue, AnyArray] = {}
        self.integers: dict[SSAValue, AnyArray] = {}
        self._block = main_of(module).body.block
        self._grids = grids
        self._quantizer = quantizer
        self._freed = last_uses(self._block)
        self._scratch = Block()
        self._stand_ins: dict[SSAValue, SSAValue] = {}

    def start(self, frames: Sequence[AnyArray]) -> None:
        """Begin with these frames of each input."""
        for argument, array in zip(self._block.args, frames, strict=True):
            grid = self._grids[argument]
            self.keep(argument, array, grid.integers.quantize(array, grid.scale.data))

    def keep(self, value: SSAValue, exact: AnyArray, integers: AnyArray) -> None:
        """What both networks have for a value."""
        self.exact[value], self.integers[value] = exact, integers

    def execute(self, op: Operation) -> None:
        """Compute ``op`` on both sides."""
        self.keep(op.results[0], execute_frames([op], self.operands(op)), self.simulate(op))

    def operands(self, op: Operation) -> dict[SSAValue, AnyArray]:
        """What the float network has for the operands of ``op`` that are no constants."""
        return {value: self.exact[value] for value in op.operands if value in self.exact}

    def simulate(self, op: Operation) -> AnyArray:
        """What the integer network computes for ``op``."""
        if isinstance(op, OnGridOp):
            return self.integers[op.x]
        made = self._quantizer.convert(op, [self._stand_in(value) for value in op.operands])
        known = {self._stand_in(value): self.integers[value] for value in op.operands if value in self.integers}
        result = execute_frames(made, known)
        for new in reversed(made):
            new.erase()
        return result

    def free(self, op: Operation) -> None:
        """Forget what nobody reads after ``op``."""
        for value in self._freed.get(op, ()):
            self.exact.pop(value, None)
            self.integers.pop(value, None)

    def _stand_in(self, value: SSAValue) -> SSAValue:
        """A value of the integer type of ``value``, for operations that are executed and thrown away."""
        if constant_of(value) is not None:
            return value
        if value not in self._stand_ins:
            kind: Attribute = self._grids.type_of(value)
            self._stand_ins[value] = self._scratch.insert_arg(kind, len(self._scratch.args))
        return self._stand_ins[value]
