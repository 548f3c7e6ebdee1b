"""The options of a compilation, and the passes that they make."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from xdsl.passes import ModulePass

from pqc.passes.allocate_memory import AllocateMemoryPass
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.insert_tokens import InsertTokensPass
from pqc.passes.lower_to_pqa import LowerToPqaPass
from pqc.passes.quantize import QuantizePass
from pqc.passes.select_pq import SelectPqPass

CALIBRATION_FRAMES = 1024
"""Frames that are calibrated on where the user does not say how many."""


@dataclass(frozen=True)
class PqOptions:
    """How layers are product-quantized; ``images`` limits the calibration frames (None: CALIBRATION_FRAMES)."""

    prototypes: int = 16
    length: int = 9
    metric: str = "l2"
    prototype_bits: int = 8
    table_bits: int = 8
    activation_bits: int = 8
    seed: int = 0
    images: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """How many calibration frames are looked at, at most."""
        return CALIBRATION_FRAMES if self.images is None else self.images

    def as_json(self) -> dict[str, Any]:
        """The options by name, as plain JSON values."""
        return dataclasses.asdict(self) | {"include": list(self.include), "exclude": list(self.exclude)}


def configured_passes(options: PqOptions) -> list[ModulePass]:
    """All passes of the pipeline, in order."""
    return [
        FoldBatchNormPass(),
        FuseEpiloguePass(),
        SelectPqPass(
            prototypes=options.prototypes,
            length=options.length,
            metric=options.metric,
            prototype_bits=options.prototype_bits,
            table_bits=options.table_bits,
            include=options.include,
            exclude=options.exclude,
        ),
        CalibrateRangesPass(activation_bits=options.activation_bits),
        FitPrototypesPass(seed=options.seed),
        QuantizePass(),
        LowerToPqaPass(),
        AllocateMemoryPass(),
        InsertTokensPass(),
    ]
