"""Digits programs of many kinds and the digests of what the machine gave for them, kept in a file.

``python tests/support/stored_digests.py`` from the root of the checkout writes the file anew: for a change that is
meant to change programs, never for one that is meant to be faster.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from pqc.compilation import CompileRequest, compile_quantized, quantize_model
from pqc.interpreter.machine import Machine
from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa.program import Program
from pqc.numerics.arrays import FloatArray
from pqc.passes.options import PqOptions
from pqc.passes.text import blob_keys
from pqc.planning.target import load_target

ROOT = Path(__file__).parents[2]
STORED = ROOT / "tests" / "e2e" / "stored_digests.json"
MODEL = ROOT / "examples" / "digits" / "digits.onnx"
CALIBRATION_IMAGES = 48
FRAMES = 37
SEED = 11


@dataclass(frozen=True)
class Case:
    """Options of the compiler."""

    target: str = "pqa"
    overrides: tuple[str, ...] = ()
    prototypes: int = 16
    length: int = 9
    grouping: str = "window"
    metric: str = "l2"
    prototype_bits: int = 8
    table_bits: int = 8
    activation_bits: int = 8
    batch: int = 1


CASES = {
    "default": Case(),
    "length 3, l1": Case(length=3, metric="l1"),
    "linf": Case(overrides=('encode.metrics=["linf"]',), length=4, metric="linf"),
    "tiny": Case("tiny"),
    "shifts alone": Case("pqa-shift"),
    "channels": Case(length=8, grouping="channel"),
    "channels, tiny": Case("tiny", length=4, grouping="channel"),
    "300 prototypes": Case(prototypes=300, length=4),
    "narrow constants": Case(prototypes=5, length=3, prototype_bits=5, table_bits=6),
    "wide everything": Case(length=2, prototype_bits=16, table_bits=16, activation_bits=16),
    "12 bits": Case(metric="l1", prototype_bits=12, table_bits=12, activation_bits=12),
    "accumulators of 24 bits": Case(overrides=("accumulator_bits=24",), table_bits=16),
    "accumulators of 11 bits": Case(overrides=("accumulator_bits=11",)),
    "batch": Case(batch=4),
}


@dataclass(frozen=True)
class Digests:
    """SHA-256 of what was fitted, of the program file, and of the machine's outputs for inputs that ``SEED`` gives."""

    fitted: str
    program: str
    outputs: str


@cache
def quantized(name: str) -> ModuleOp:
    """The network of a case, fitted on random images."""
    case = CASES[name]
    images: FloatArray = np.random.default_rng(0).integers(0, 17, (CALIBRATION_IMAGES, 1, 8, 8)).astype(np.float32)
    options = {key: value for key, value in asdict(case).items() if key not in ("target", "overrides")}
    request = CompileRequest(MODEL, load_target(case.target, case.overrides), PqOptions(**options), {"input": images})
    return quantize_model(request)


@cache
def compiled(name: str) -> Program:
    """The program of a case."""
    case = CASES[name]
    return compile_quantized(quantized(name), load_target(case.target, case.overrides)).program


def fitted_digest(name: str) -> str:
    """The digest of all constants of a case: prototypes, tables, weights and parameters."""
    return hashlib.sha256("".join(sorted(blob_keys(quantized(name)))).encode()).hexdigest()


def digests(name: str) -> Digests:
    """The digests of a case; its program runs on a machine of its own."""
    program = compiled(name)
    data = program.to_bytes()
    machine = Machine(Program.from_bytes(data, "stored"))
    outputs = machine.run(self_test_inputs(program.inputs, SEED, FRAMES))
    return Digests(fitted_digest(name), hashlib.sha256(data).hexdigest(), digest(outputs))


def stored() -> dict[str, Digests]:
    """What the file says, by the name of the case."""
    return {name: Digests(**values) for name, values in json.loads(STORED.read_text()).items()}


def main() -> None:
    """Write the file."""
    found = {name: asdict(digests(name)) for name in CASES}
    STORED.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
