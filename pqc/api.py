"""The public interface: compile a model, load a program, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pqc.compilation import CompileResult, compile_model, compile_to
from pqc.errors import ModelError
from pqc.frames import checked_frames
from pqc.frontend import import_model
from pqc.frontend.preprocessing import Preprocessing
from pqc.interpreter.machine import Machine
from pqc.interpreter.timing import Timing, simulate
from pqc.isa import program as isa
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.element import dequantize
from pqc.passes.options import PqOptions
from pqc.planning.layer_choices import load_choices
from pqc.planning.target import Target, load_target, target_from_dict
from pqc.request import CompileRequest
from pqc.verification.request import VerifyRequest

__all__ = [
    "CompileRequest",
    "CompileResult",
    "PqOptions",
    "Program",
    "VerifyRequest",
    "compile",
    "compile_model",
    "compile_to",
    "load",
]


class Program:
    """A compiled program, to be run from its bytes alone."""

    def __init__(self, contents: isa.Program) -> None:
        self.contents = contents

    @cached_property
    def machine(self) -> Machine:
        """The machine that executes it, checked once."""
        return Machine(self.contents)

    def run(
        self, inputs: Mapping[str, AnyArray] | AnyArray, *, raw: bool = False, preprocess: bool = True
    ) -> dict[str, AnyArray]:
        """Execute all frames of ``inputs``, by input name (or one array for the only input).

        Args:
            inputs: images as they are (the recorded preprocessing is applied), or what the network itself takes.
            raw: return the integers instead of the real numbers they stand for.
            preprocess: apply the preprocessing that the program records, if there is any.

        Raises:
            ModelError: an input is missing or has the wrong shape.
        """
        named = inputs if isinstance(inputs, Mapping) else {self.contents.inputs[0].name: inputs}
        given = {name: np.asarray(array) for name, array in named.items()}
        recorded = self.contents.provenance.get("preprocessing") if preprocess else None
        integers: dict[str, IntArray] = {}
        for tensor in self.contents.inputs:
            frames = checked_frames(given, tensor.name, tensor.shape)
            if recorded is not None:
                frames = Preprocessing(tuple(recorded["mean"]), tuple(recorded["std"])).apply(frames)
            integers[tensor.name] = tensor.element.quantize(frames.astype(np.float32), tensor.scale)
        outputs = self.machine.run(integers)
        if raw:
            return dict(outputs)
        return {tensor.name: dequantize(outputs[tensor.name], tensor.scale) for tensor in self.contents.outputs}

    def timing(self) -> Timing:
        """The cycles of one frame from cold."""
        return simulate(
            self.contents.instructions, target_from_dict(self.contents.target), credits=self.contents.credits
        )

    def to_bytes(self) -> bytes:
        """The program file."""
        return self.contents.to_bytes()

    def save(self, path: str | Path) -> None:
        """Write the program file."""
        isa.save_program(self.contents, Path(path))


def compile(  # the name a user expects: pqc.compile
    model: str | Path,
    *,
    calibration: Mapping[str, FloatArray] | FloatArray | None = None,
    target: str | Path | Target = "pqa",
    overrides: Sequence[str] = (),
    dump_ir: str | Path | None = None,
    cache: str | Path | None = None,
    pq_config: str | Path | None = None,
    **options: Any,
) -> Program:
    """Compile an ONNX model.

    Args:
        model: the ONNX file.
        calibration: float32 frames as the network takes them, by input name, or one array for the only input.
        target: the name of an installed target, a target file, or a target.
        overrides: keys of the target to change, as ``section.key=value``.
        dump_ir: a folder for the IR after each pass.
        cache: a folder that keeps what is fitted, so that the next compilation need not fit it again.
        pq_config: a file of choices for single layers, as ``pqc compile --save-pq-config`` writes it.
        options: the fields of `pqc.passes.options.PqOptions`, as ``prototypes=16, length=3``.

    Raises:
        ModelError: the model, its data, the target or the options are at fault.
    """
    if isinstance(target, Target) and overrides:
        raise ModelError("overrides go with a target's name or file, not with a target that is complete already")
    chosen = target if isinstance(target, Target) else load_target(str(target), overrides)
    if pq_config is not None:
        options["layers"] = load_choices(Path(pq_config))
    frames = calibration
    if frames is not None and not isinstance(frames, Mapping):
        frames = {import_model(model).input_names[0]: np.asarray(frames, np.float32)}
    request = CompileRequest(
        model=Path(model),
        target=chosen,
        pq=PqOptions(**options),
        calibration=frames,
        dump_ir=None if dump_ir is None else Path(dump_ir),
        cache=None if cache is None else Path(cache),
    )
    return Program(compile_model(request).program)


def load(path: str | Path) -> Program:
    """Read a program file.

    Raises:
        ModelError: there is no such file.
        ProgramError: it is not a valid program.
    """
    return Program(isa.load_program(Path(path)))
