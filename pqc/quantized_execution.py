"""A network in integers without product quantization, on grids of the very frames that it runs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pqc.compilation import prepared_module
from pqc.dialects.registry import make_context
from pqc.frontend.importer import ImportedModel
from pqc.numerics.arrays import AnyArray
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.pipeline import run_pipeline
from pqc.passes.quantize import QuantizePass
from pqc.passes.select_pq import SelectPqPass
from pqc.request import CompileRequest
from pqc.verification.execution import executed


def run_quantized(imported: ImportedModel, frames: Sequence[AnyArray]) -> list[AnyArray]:
    """The outputs of the network in integers, as the real numbers that these stand for; the module stays as it is.

    Args:
        imported: a network.
        frames: float32 [n, *shape] for each input, which the grids are chosen by, too.

    Returns:
        float32 [n, *shape] for each output.

    Raises:
        ModelError: a value is not finite, or no grid holds what occurs.
    """
    given = dict(zip(imported.input_names, frames, strict=True))
    options = PqOptions(images=len(frames[0]))
    request = CompileRequest(model=Path("model"), target=None, pq=options, calibration=given)
    module = prepared_module(replace(imported, module=imported.module.clone()), request)
    passes = configured_passes(options)
    last = next(place for place, one in enumerate(passes) if isinstance(one, QuantizePass))
    run_pipeline(make_context(), module, [one for one in passes[: last + 1] if not isinstance(one, SelectPqPass)])
    found = executed(module, frames).outputs
    return [found[name].real for name in imported.output_names]
