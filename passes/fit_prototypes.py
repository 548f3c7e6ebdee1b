"""Learn codebooks and tables, layer after layer, on the activations of the part that is already quantized.

%y = onnx.conv %x, %w, %b {pq.config = ...}  ->  %y = pq.convolution %x, %codebook, %table, %bias ...

Two executions run side by side: the float network says what a layer should give, the integer one what it will see.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from pqc.codebook.fit_options import FitOptions
from pqc.passes.attributes import calibration_of
from pqc.passes.fitter import Fitter
from pqc.workers import worker_threads


@dataclass(frozen=True)
class FitPrototypesPass(ModulePass):
    """Learn codebooks and tables of the chosen layers on the calibration frames, layer after layer."""

    name = "fit-prototypes"
    kmeans_samples: int = FitOptions.kmeans_samples
    kmeans_iterations: int = FitOptions.kmeans_iterations
    tuning_steps: int | None = FitOptions.tuning_steps
    tuning_positions: int = FitOptions.tuning_positions
    refit_positions: int = FitOptions.refit_positions
    ridge: float = FitOptions.ridge
    bound_rounds: int = FitOptions.bound_rounds
    seed: int = FitOptions.seed
    weight_bits: int = 8

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fit every layer that has a configuration."""
        options = FitOptions(**{field.name: getattr(self, field.name) for field in fields(FitOptions)})
        fitter = Fitter(op, options, self.weight_bits)
        if not fitter.chosen:
            return
        with worker_threads():
            fitter.run(calibration_of(op))
        fitter.replace()
