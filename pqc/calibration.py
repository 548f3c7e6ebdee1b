"""The frames that a network is calibrated on: those given, made up ones, or none where the network needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from pqc.dialects.onnx import shape_of
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.frames import checked_frames
from pqc.frontend import ImportedModel
from pqc.frontend.preprocessing import Preprocessing
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import config_of, main_of
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.given_grids import are_all_given
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline
from pqc.passes.value_ranges import group_values
from pqc.synthetic import synthetic_count, synthetic_frames

OF_LAYERS = ("prototypes", "length", "grouping", "metric", "prototype_bits", "table_bits", "tune")
"""Options that say nothing where no layer is fitted."""


@dataclass(frozen=True)
class Frames:
    """Calibration frames in the order of the inputs, None where nothing has to be learned, and where they are from."""

    arrays: list[FloatArray] | None
    origin: str
    """``given``, ``synthetic`` or ``none``."""


def calibration_frames(
    imported: ImportedModel,
    given: Mapping[str, FloatArray] | None,
    preprocessing: Preprocessing | None,
    options: PqOptions,
    tell: Callable[[str], None],
) -> Frames:
    """What ``imported``, whose target is set, is calibrated on; ``tell`` hears what a person should know of it.

    ``given`` are float32 frames by input name, as the network takes them.

    Raises:
        ModelError: the frames are none of this network, or options ask for what is decided in it.
    """
    if not needs_frames(imported.module, options):
        if given is not None:
            tell("the model gives all its grids and tables: the calibration frames are not used")
        return Frames(None, "none")
    values = zip(imported.input_names, main_of(imported.module).body.block.args, strict=True)
    inputs = {name: shape_of(value)[1:] for name, value in values}
    return frames_for(inputs, given, preprocessing, options, tell)


def frames_for(
    inputs: Mapping[str, tuple[int, ...]],
    given: Mapping[str, FloatArray] | None,
    preprocessing: Preprocessing | None,
    options: PqOptions,
    tell: Callable[[str], None],
) -> Frames:
    """The same for a network that has to learn something; ``inputs`` are the shapes of a frame, by input name.

    Raises:
        ModelError: the frames are none of this network.
    """
    shapes = list(inputs.values())
    if given is None:
        count = synthetic_count(shapes)
        tell(f"no --calibrate: the prototypes are fitted on synthetic data, so accuracy means nothing ({count} frames)")
        made = [synthetic_frames(count, shape, preprocessing, options.seed) for shape in shapes]
        return Frames(made, "synthetic")
    arrays = {name: np.asarray(array, np.float32) for name, array in given.items()}
    frames = [checked_frames(arrays, name, shape) for name, shape in inputs.items()]
    if len({len(array) for array in frames}) != 1:
        raise ModelError(f"calibration: {[len(array) for array in frames]} frames of the inputs, they must be as many")
    return Frames([array[: options.frames_of(shapes)] for array in frames], "given")


def needs_frames(module: ModuleOp, options: PqOptions) -> bool:
    """Whether anything of an imported network has to be learned: a grid, or a layer's prototypes and table.

    Raises:
        ModelError: no layer is left to be fitted, and an option says how.
    """
    if not any(isinstance(op, OnGridOp | ConvolutionOp) for op in module.walk()):
        return True
    # what is fused needs no grid of its own
    tried = module.clone()
    before = pipeline_names().index(CalibrateRangesPass.name)
    run_pipeline(make_context(), tried, configured_passes(options)[:before])
    block = main_of(tried).body.block
    if any(config_of(op) is not None for op in block.ops):
        return True
    _check_options(options)
    return not are_all_given(block, group_values(block))


def _check_options(options: PqOptions) -> None:
    defaults = {field.name: field.default for field in fields(PqOptions)}
    for name in OF_LAYERS:
        if getattr(options, name) != defaults[name]:
            raise ModelError(
                f"{name} = {getattr(options, name)!r} was asked for, and the layers of the model are product-quantized "
                f"already; it is {defaults[name]!r} by default, and includes can name further layers"
            )
