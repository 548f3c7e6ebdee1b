"""What passes leave for later passes on the module and its operations, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import DYNAMIC_INDEX, ArrayAttr, DictionaryAttr, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import BlobAttr
from pqc.dialects.elements import elements
from pqc.dialects.onnx import shape_of
from pqc.dialects.plain import from_attribute, to_attribute
from pqc.dialects.pq_types import ConfigAttr, GridAttr, QuantizedType
from pqc.dialects.pqa_memory import ProgramOp
from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray
from pqc.numerics.quantization import clip_to_grid
from pqc.numerics.requantize import Clip
from pqc.planning.layer_choices import LayerChoices, choices_from_json
from pqc.planning.schedule import Schedule, schedule_from_json
from pqc.planning.target import Target, target_from_dict

TARGET = "pqc.target"
"""Module: the target's description."""

PROVENANCE = "pqc.provenance"
"""Module: where it comes from (tool version, model digest, options, preprocessing)."""

CALIBRATION = "pqc.calibration"
"""Module: one constant for each input, the frames that ranges and prototypes are learned on."""

INPUT_GRIDS = "pqc.input_grids"
"""Module: one grid for each input."""

GRID = "pq.grid"
"""Operation: the grid of its result."""

ERROR = "pq.normalized_error"
"""Operation: how far its integer result was from the float network's on the calibration frames, 0 to about 1."""

MEASUREMENTS = "pq.measurements"
"""Operation: what each step of quantization adds to its error, and how its codes are used, by name."""

CALIBRATED = "pq.calibrated"
"""Operation: how many of its folded subspaces are known to be constant from calibration frames alone."""

SCHEDULE = "pqc.schedule"
"""Module: what stays on chip and the nests of the layers, given by the user or as lowering chose them."""

CHOICES = "pqc.choices"
"""Module: how single layers are product-quantized, given by the user or as the passes chose it."""

CONFIG = "pq.config"
"""Operation: how the layer is product-quantized."""


FEWEST_BITS = 2
"""Of an activation: what can be asked for."""


def set_target(module: ModuleOp, target: Target) -> None:
    """Leave the target on the module."""
    module.attributes[TARGET] = to_attribute(target.as_dict())


def target_of(module: ModuleOp) -> Target:
    """The target the module is compiled for.

    Raises:
        ModelError: none is left on it.
    """
    description = module.attributes.get(TARGET)
    if not isinstance(description, DictionaryAttr):
        raise ModelError(f"the IR has no module attribute {TARGET!r}: it was not written by pqc compile")
    return target_from_dict(from_attribute(description), TARGET)


def set_schedule(module: ModuleOp, schedule: Schedule) -> None:
    """Leave a schedule on the module."""
    module.attributes[SCHEDULE] = to_attribute(schedule.as_json())


def schedule_of(module: ModuleOp) -> Schedule:
    """The schedule on the module; an empty one where nobody left any.

    Raises:
        ModelError: what is there is no schedule.
    """
    values = module.attributes.get(SCHEDULE)
    if not isinstance(values, DictionaryAttr):
        return Schedule()
    return schedule_from_json(from_attribute(values), f"the module attribute {SCHEDULE!r}")


def set_choices(module: ModuleOp, choices: LayerChoices) -> None:
    """Leave choices for single layers on the module."""
    module.attributes[CHOICES] = to_attribute([choice.as_json() for choice in choices])


def choices_of(module: ModuleOp) -> LayerChoices:
    """The choices for single layers on the module; none where nobody left any."""
    values = elements(module.attributes.get(CHOICES), DictionaryAttr)
    return choices_from_json([from_attribute(value) for value in values])


def set_provenance(module: ModuleOp, facts: Mapping[str, Any]) -> None:
    """Leave on the module where it comes from; ``facts`` are plain JSON."""
    module.attributes[PROVENANCE] = to_attribute(facts)


def provenance_of(module: ModuleOp) -> dict[str, Any]:
    """Where the module comes from; nothing where nobody left it."""
    facts = module.attributes.get(PROVENANCE)
    return from_attribute(facts) if isinstance(facts, DictionaryAttr) else {}


def set_calibration(module: ModuleOp, frames: Sequence[AnyArray]) -> None:
    """Leave the calibration frames on the module, one array for each input."""
    module.attributes[CALIBRATION] = ArrayAttr(BlobAttr.of("calibration", array) for array in frames)


def calibration_of(module: ModuleOp) -> list[AnyArray]:
    """The calibration frames.

    Raises:
        ModelError: none are left on the module, or they are not what its inputs take.
    """
    blobs = elements(module.attributes.get(CALIBRATION), BlobAttr)
    if not blobs:
        raise ModelError(f"the IR has no module attribute {CALIBRATION!r}: nothing to learn ranges and prototypes on")
    try:
        frames = [blob.array for blob in blobs]
    except VerifyException as error:
        raise ModelError(f"the module attribute {CALIBRATION!r}: {error}") from error
    wanted = [_frame_shape(argument.type) for argument in main_of(module).body.block.args]
    found = [array.shape[1:] for array in frames]
    if len({len(array) for array in frames}) != 1:
        raise ModelError(
            f"the module attribute {CALIBRATION!r} has {[len(array) for array in frames]} frames of its inputs"
        )
    if found != wanted:
        raise ModelError(f"the module attribute {CALIBRATION!r} has frames {found}, the inputs take {wanted}")
    return frames


def _frame_shape(kind: Attribute) -> tuple[int, ...]:
    """The shape of one frame of an input, which is a float tensor above quantization and an integer one below it."""
    if not isinstance(kind, TensorType | QuantizedType):
        raise ModelError(f"an input of the network is {kind}: calibration frames are those of tensors alone")
    return tuple(kind.get_shape()[1:])


def main_of(module: ModuleOp) -> FuncOp:
    """The function that holds the network.

    Raises:
        ModelError: there is none.
    """
    for op in module.ops:
        if isinstance(op, FuncOp):
            return op
    raise ModelError("the IR holds no func.func: this pass works above the accelerator level")


def program_of(module: ModuleOp) -> ProgramOp:
    """The program a module holds.

    Raises:
        ModelError: it is not at the accelerator level.
    """
    for op in module.ops:
        if isinstance(op, ProgramOp):
            return op
    raise ModelError("the IR holds no pqa.program: this pass works behind lower-to-pqa")


def config_of(op: Operation) -> ConfigAttr | None:
    """How the layer is to be product-quantized, None if it is not."""
    config = op.attributes.get(CONFIG)
    return config if isinstance(config, ConfigAttr) else None


class Grids:
    """The grid of every value of a function, as the range calibration left them."""

    def __init__(self, module: ModuleOp) -> None:
        inputs = elements(module.attributes.get(INPUT_GRIDS), GridAttr)
        if not inputs:
            raise ModelError(f"the IR has no module attribute {INPUT_GRIDS!r}: run calibrate-ranges first")
        self._of: dict[SSAValue, GridAttr] = dict(zip(main_of(module).body.block.args, inputs, strict=True))

    def __getitem__(self, value: SSAValue) -> GridAttr:
        """The grid of ``value``.

        Raises:
            ModelError: it has none, or one of fewer bits than a prototype has.
        """
        grid = self._of.get(value)
        if grid is None and isinstance(value.owner, Operation):
            found = value.owner.attributes.get(GRID)
            grid = found if isinstance(found, GridAttr) else None
        if grid is None:
            raise ModelError(f"a value of {value.type} has no {GRID!r}: run calibrate-ranges first")
        if grid.integers.bits < FEWEST_BITS:
            raise ModelError(
                f"a value of {value.type} has a grid of {grid.integers}, allowed are {FEWEST_BITS} bits or more"
            )
        return grid

    def type_of(self, value: SSAValue) -> QuantizedType:
        """The integer type that a float value gets."""
        grid = self[value]
        return QuantizedType.of((DYNAMIC_INDEX, *shape_of(value)[1:]), grid.integers, grid.scale.data)

    def scale_of(self, value: SSAValue) -> float:
        """What one step of a float value's grid stands for."""
        return self[value].scale.data

    def bounds_of(self, value: SSAValue, low: float | None = None, high: float | None = None) -> Clip:
        """Real bounds on the grid of ``value``, of which they may leave out one or both."""
        grid = self[value]
        return clip_to_grid(low, high, grid.integers, grid.scale.data)
