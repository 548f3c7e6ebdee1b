"""From a module that all passes were applied to, to what a program file holds, with its self-test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from pqc.errors import InternalError, ProgramError
from pqc.interpreter.hazards import check_program
from pqc.interpreter.reference import names_of, run_reference
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
        InternalError: the program breaks a rule of the machine.
    """
    emitted = emit(module)
    target = target_of(module)
    provenance = provenance_of(module) | _facts(emitted.layers)
    inputs = self_test_inputs(emitted.inputs, 0, SELF_TEST_FRAMES)
    outputs = run_reference(reference, [inputs[tensor.name] for tensor in emitted.inputs])
    expected = digest(dict(zip(names_of(module, "pqc.outputs"), outputs, strict=True)))
    test = isa.SelfTest(seed=0, frames=SELF_TEST_FRAMES, digest=expected)
    program = emitted.program(target, provenance, test)
    try:
        check_program(program, target)
    except ProgramError as error:
        raise InternalError(
            f"the compiled program breaks a rule of the machine: {error}", module_text(module)
        ) from error
    return program


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
