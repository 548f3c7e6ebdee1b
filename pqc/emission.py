"""From a module that all passes were applied to, to what a program file holds, with its self-test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from pqc.dialects.pqa_memory import ProgramOp
from pqc.errors import InternalError, ModelError, ProgramError
from pqc.interpreter.hazards import check_program
from pqc.interpreter.reference import main_function, names_of, run_reference
from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa import program as isa
from pqc.passes.attributes import provenance_of, target_of
from pqc.passes.emit import emit
from pqc.passes.text import module_text

SELF_TEST_FRAMES = 2
"""Frames of a program's self-test."""


def emitted_program(module: ModuleOp, reference: ModuleOp) -> isa.Program:
    """The program file's contents, with the self-test that ``reference`` gives, a module with the same integers.

    Raises:
        ModelError: the program breaks a rule of the machine, and was given as text.
        InternalError: it does, and pqc made it.
    """
    emitted = emit(module)
    target = target_of(module)
    program = emitted.program(target, provenance_of(module) | _facts(emitted.layers), None)
    try:
        check_program(program, target)
    except ProgramError as error:
        # the first integers that were met are a program already: nobody but its author is to blame
        if isinstance(main_function(reference), ProgramOp):
            raise ModelError(f"the program of the IR breaks a rule of the machine: {error}") from error
        raise InternalError(
            f"the compiled program breaks a rule of the machine: {error}", module_text(module)
        ) from error
    inputs = self_test_inputs(emitted.inputs, 0, SELF_TEST_FRAMES)
    outputs = run_reference(reference, [inputs[tensor.name] for tensor in emitted.inputs])
    expected = digest(dict(zip(names_of(module, "pqc.outputs"), outputs, strict=True)))
    return replace(program, self_test=isa.SelfTest(seed=0, frames=SELF_TEST_FRAMES, digest=expected))


def _facts(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a program records of its layers: what they are, and how exact."""
    return {
        "layers": [{name: value for name, value in layer.items() if name != "numerics"} for layer in layers],
        "numerics": [
            {"node": layer["node"], "normalized_error": layer["normalized_error"], **layer["numerics"]}
            for layer in layers
            if layer["pq"]
        ],
    }
