"""That a compilation is to be verified: on which frames, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp, TensorType

from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa_memory import ProgramOp
from pqc.errors import ModelError
from pqc.frames import checked_frames
from pqc.frontend.preprocessing import Preprocessing
from pqc.interpreter.reference import main_function, names_of
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import CALIBRATION, calibration_of, provenance_of
from pqc.synthetic import synthetic_frames

if TYPE_CHECKING:
    from pqc.verification.verifier import Record, Verifier

LEARNED_ELEMENTS = 1 << 20
"""Elements of an input's calibration frames, at most, on which fitted layers are verified: 7 frames of 224x224."""


class Mode(StrEnum):
    """What a node behind a pass works on."""

    ACCUMULATED = "accumulated"
    """What the nodes in front of it give behind the pass."""
    ISOLATED = "isolated"
    """What they gave before the pass, so that one wrong node does not hide others."""
    BOTH = "both"


def _unheard(record: Record) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class VerifyRequest:
    """What is to be verified on, and who hears of it.

    ``frames`` are real frames by input name, as the network takes them; None takes the first ``count`` of those that
    the network is calibrated on, or synthetic ones where there are none. ``folder`` is for the IR before and behind a
    pass that changes what the network computes; None makes one for temporary files. ``mode`` says whether a pass that
    keeps what nodes give is checked on the whole network, node by node on what the nodes before the pass gave, or both.
    """

    frames: Mapping[str, FloatArray] | None = None
    count: int = 4
    folder: Path | None = None
    listener: Callable[[Record], None] = _unheard
    mode: Mode = Mode.ACCUMULATED

    def of_stage(self, name: str) -> VerifyRequest:
        """The same for one stage of several: whoever listens hears its name in front of each check."""

        def listener(record: Record) -> None:
            self.listener(replace(record, check=f"{name} {record.check}"))

        return replace(self, listener=listener)

    def begin(self, model: Path, module: ModuleOp, seed: int) -> Verifier:
        """What verifies the passes that ``module``, read from ``model``, has not been through.

        Raises:
            ModelError: the module is lowered already, or the frames are none of this network.
            ComparisonError: the imported network gives something else than onnxruntime.
        """
        # brings onnxruntime along, and most compilations want none
        from pqc.verification.verifier import Learned, Verifier

        calibration = calibration_of(module) if CALIBRATION in module.attributes else []
        frames = self._frames(model, module, calibration, seed)
        largest = max((array[0].size for array in calibration), default=1)
        most = max(self.count, LEARNED_ELEMENTS // largest)
        learned = Learned([array[:most] for array in calibration], all(len(array) <= most for array in calibration))
        network = None if model.suffix == ".mlir" else model
        verifier = Verifier(network, frames, learned, self.folder, self.listener, self.mode)
        verifier.imported(module)
        return verifier

    def _frames(
        self, model: Path, module: ModuleOp, calibration: Sequence[FloatArray], seed: int
    ) -> Sequence[FloatArray]:
        """The frames of each input."""
        main = main_function(module)
        if isinstance(main, ProgramOp):
            raise ModelError(f"{model}: this IR is lowered already: there is no network to verify it against")
        kinds = main.function_type.inputs
        shapes = [kind.get_shape()[1:] for kind in kinds if isinstance(kind, TensorType | QuantizedType)]
        if self.frames is not None:
            named = zip(names_of(module, "pqc.inputs"), shapes, strict=True)
            return [checked_frames(self.frames, name, shape) for name, shape in named]
        if calibration:
            return [array[: self.count] for array in calibration]
        recorded = provenance_of(module).get("preprocessing")
        preprocessing = None if recorded is None else Preprocessing(tuple(recorded["mean"]), tuple(recorded["std"]))
        return [synthetic_frames(self.count, shape, preprocessing, seed) for shape in shapes]
