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
from pqc.frontend.loader import load_model
from pqc.frontend.preprocessing import Preprocessing, recorded_preprocessing
from pqc.frontend.signature import model_inputs
from pqc.interpreter.machine import Machine
from pqc.interpreter.timing import Timing, simulate
from pqc.isa import program as isa
from pqc.isa import stages
from pqc.isa.stages import StagedProgram, StageNode
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.element import dequantize
from pqc.passes.options import PqOptions
from pqc.planning.layer_choices import load_choices
from pqc.planning.target import Target, load_target, target_from_dict
from pqc.request import CompileRequest
from pqc.staging import compilation as staging
from pqc.staging.execution import StagedMachine
from pqc.verification.request import VerifyRequest

__all__ = [
    "CompileRequest",
    "CompileResult",
    "PqOptions",
    "Program",
    "Stages",
    "VerifyRequest",
    "compile",
    "compile_model",
    "compile_stages",
    "compile_to",
    "load",
    "load_stages",
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


class Stages:
    """A network in stages, some of them on the host, to be run from its bytes alone.

    A network of which nothing is on the host is one stage, and its file the program's.
    """

    def __init__(self, contents: StagedProgram) -> None:
        self.contents = contents

    @cached_property
    def machine(self) -> StagedMachine:
        """What executes it, checked once."""
        return StagedMachine(self.contents, "the program")

    @property
    def host_nodes(self) -> tuple[StageNode, ...]:
        """The nodes on the host, each with its ``name``, its ``operator`` and the ``reason``."""
        return self.contents.host_nodes

    @property
    def programs(self) -> dict[str, Program]:
        """The programs of the accelerator, by the names of their stages; each takes what the stage before gives."""
        return {name: Program(program) for name, program in self.contents.programs.items()}

    def run(self, inputs: Mapping[str, AnyArray] | AnyArray, *, preprocess: bool = True) -> dict[str, AnyArray]:
        """Execute all frames of ``inputs``, by input name (or one array for the only input).

        Args:
            inputs: images as they are (the recorded preprocessing is applied), or what the network itself takes.
            preprocess: apply the preprocessing that the file records, if there is any.

        Returns:
            The outputs by name: real numbers, or whatever the host gives.

        Raises:
            ModelError: an input is missing or has the wrong shape, or the host cannot execute a stage.
        """
        named = inputs if isinstance(inputs, Mapping) else {self.contents.inputs[0].name: inputs}
        recorded = recorded_preprocessing(self.contents.provenance, "the program") if preprocess else None
        given = {name: np.asarray(array) for name, array in named.items()}
        if recorded is not None:
            given = {name: recorded.apply(array) if array.ndim == 4 else array for name, array in given.items()}
        return dict(self.machine.run(given).outputs)

    def to_bytes(self) -> bytes:
        """The file."""
        return self.contents.to_bytes()

    def save(self, path: str | Path) -> None:
        """Write the file."""
        isa.write_whole(Path(path), self.to_bytes())


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
    return Program(
        compile_model(_request(model, calibration, target, overrides, dump_ir, cache, pq_config, options)).program
    )


def compile_stages(
    model: str | Path,
    *,
    calibration: Mapping[str, FloatArray] | FloatArray | None = None,
    target: str | Path | Target = "pqa",
    overrides: Sequence[str] = (),
    dump_ir: str | Path | None = None,
    cache: str | Path | None = None,
    pq_config: str | Path | None = None,
    **options: Any,
) -> Stages:
    """Compile an ONNX model, and leave to the host what cannot be compiled, as ``pqc compile --allow-host`` does.

    Args:
        model: the ONNX file.
        calibration: as for `pqc.compile`.
        target: as for `pqc.compile`.
        overrides: as for `pqc.compile`.
        dump_ir: a folder, with a folder in it for each stage.
        cache: as for `pqc.compile`.
        pq_config: as for `pqc.compile`.
        options: as for `pqc.compile`.

    Raises:
        ModelError: the model, its data, the target or the options are at fault, or the host cannot help.
    """
    request = _request(model, calibration, target, overrides, dump_ir, cache, pq_config, options)
    return Stages(staging.compile_stages(request).staged)


def _request(
    model: str | Path,
    calibration: Mapping[str, FloatArray] | FloatArray | None,
    target: str | Path | Target,
    overrides: Sequence[str],
    dump_ir: str | Path | None,
    cache: str | Path | None,
    pq_config: str | Path | None,
    options: dict[str, Any],
) -> CompileRequest:
    if isinstance(target, Target) and overrides:
        raise ModelError("overrides go with a target's name or file, not with a target that is complete already")
    chosen = target if isinstance(target, Target) else load_target(str(target), overrides)
    if pq_config is not None:
        options["layers"] = load_choices(Path(pq_config))
    frames = calibration
    if frames is not None and not isinstance(frames, Mapping):
        frames = {model_inputs(load_model(Path(model)))[0].name: np.asarray(frames, np.float32)}
    return CompileRequest(
        model=Path(model),
        target=chosen,
        pq=PqOptions(**options),
        calibration=frames,
        dump_ir=None if dump_ir is None else Path(dump_ir),
        cache=None if cache is None else Path(cache),
    )


def load(path: str | Path) -> Program:
    """Read a program file.

    Raises:
        ModelError: there is no such file.
        ProgramError: it is not a valid program.
    """
    return Program(isa.load_program(Path(path)))


def load_stages(path: str | Path) -> Stages:
    """Read a file of stages, as `compile_stages` makes it; a program file is one stage.

    Raises:
        ModelError: there is no such file.
        ProgramError: it is not valid.
    """
    return Stages(stages.load_stages(Path(path)))
