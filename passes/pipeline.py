"""Which passes there are, in which order, and why; and how they are applied."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from pqc.errors import InternalError, ModelError, PqcError
from pqc.passes.advance_vector_work import AdvanceVectorWorkPass
from pqc.passes.allocate_memory import AllocateMemoryPass
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.choose_bitwidths import ChooseBitwidthsPass
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fold_constant_subspaces import FoldConstantSubspacesPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.group_pointwise import GroupPointwisePass
from pqc.passes.insert_tokens import InsertTokensPass
from pqc.passes.lower_to_pqa import LowerToPqaPass
from pqc.passes.prefetch_constants import PrefetchConstantsPass
from pqc.passes.quantize import QuantizePass
from pqc.passes.select_pq import SelectPqPass
from pqc.passes.text import module_text
from pqc.passes.verification import verify_module

PASSES: tuple[type[ModulePass], ...] = (
    # float level: fewer operations, so that there is less to round and less to execute; first, because folding takes
    # the terms and factors inside a group for layers of their own
    GroupPointwisePass,
    FoldBatchNormPass,
    # after folding, because a normalization between a convolution and its addition hides the pattern
    FuseEpiloguePass,
    # after fusing, so that a configuration is attached to what will be one layer
    SelectPqPass,
    # after selection, which may change the shape of a layer and so which tensors there are
    CalibrateRangesPass,
    # needs the ranges; fitting rounds tables to their bits, so that later layers make up for it
    ChooseBitwidthsPass,
    # needs the grids: prototypes lie on them, and fitting sees activations as the machine will
    FitPrototypesPass,
    # integers from here on; every later pass preserves every bit, unless folding may trust the calibration frames
    QuantizePass,
    # needs integers, whose bounds are known; before tiles, because it makes layers smaller
    FoldConstantSubspacesPass,
    LowerToPqaPass,
    # before the loads get their places in the queue, which follow from when everything else happens
    AdvanceVectorWorkPass,
    # before placement, because what is loaded early lives longer
    PrefetchConstantsPass,
    # placement decides what can overlap, so it comes before the order is fixed
    AllocateMemoryPass,
    InsertTokensPass,
)
"""Every pass, in order."""

PHASE = "pqc.phase"
"""Module: the last pass of the pipeline that was applied."""


@dataclass(frozen=True)
class Step:
    """One pass that was applied."""

    name: str
    description: str
    seconds: float
    changed: bool
    applied: ModulePass


Observer: TypeAlias = Callable[[Step, ModuleOp], None]
"""Called after each pass."""


def pipeline_names() -> tuple[str, ...]:
    """The names of all passes, in order."""
    return tuple(kind.name for kind in PASSES)


def phase_of(module: ModuleOp) -> str | None:
    """The last pass that was applied to a module."""
    phase = module.attributes.get(PHASE)
    return phase.data if isinstance(phase, StringAttr) else None


def remaining(passes: Sequence[ModulePass], module: ModuleOp, last: str | None = None) -> list[ModulePass]:
    """The passes that a module has not been through yet, up to the one named ``last`` if that is given.

    Raises:
        ModelError: the module says that it has been through a pass that does not exist, or that is behind ``last``.
    """
    names = pipeline_names()
    phase = phase_of(module)
    if phase is not None and phase not in names:
        raise ModelError(f"the IR was written after a pass {phase!r}; the passes are {', '.join(names)}")
    begin = 0 if phase is None else names.index(phase) + 1
    end = len(names) if last is None else names.index(last) + 1 if last in names else 0
    if end < begin:
        raise ModelError(f"the IR was written at the phase {phase!r}, which is behind {last!r}")
    return list(passes[begin:end])


class _CarriesModule:
    """Whatever goes wrong inside leaves with the text of the IR before it, as ``ir``, and the pass, as ``step``."""

    def __init__(self, module: ModuleOp, step: ModulePass) -> None:
        self.module, self.step = module, step

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the text on the error, which goes on its way."""
        if error is not None and (isinstance(error, InternalError) or not isinstance(error, PqcError)):
            vars(error).update(ir=module_text(self.module), step=str(self.step))


def _verify(step: ModulePass, module: ModuleOp) -> None:
    try:
        verify_module(module)
    except VerifyException as error:
        raise InternalError(f"pass {step.name} left an invalid module: {error}") from error


def run_pipeline(
    context: Context, module: ModuleOp, passes: Sequence[ModulePass], observe: Observer | None = None
) -> None:
    """Apply ``passes`` in order and verify the module after each.

    Raises:
        ModelError: a pass refuses the model.
        InternalError: a pass left an invalid module; it carries the text before the pass as ``ir``.
    """
    for step in passes:
        before = module.clone()
        started = time.perf_counter()
        with _CarriesModule(before, step):
            step.apply(context, module)
            _verify(step, module)
        seconds = time.perf_counter() - started
        changed = not before.is_structurally_equivalent(module)
        module.attributes[PHASE] = StringAttr(step.name)
        if observe is not None:
            observe(Step(step.name, str(step), seconds, changed, step), module)
