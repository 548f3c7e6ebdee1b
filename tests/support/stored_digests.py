"""Digits programs of many kinds and the digests of what the machine gave for them, kept in a file.

``python tests/support/stored_digests.py`` from the root of the checkout writes the file anew: for a change that is
meant to change programs, never for one that is meant to be faster.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

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
    """A target, and the options of the compiler."""

    pq: PqOptions = field(default_factory=PqOptions)
    target: str = "pqa"
    overrides: tuple[str, ...] = ()


CASES = {
    "default": Case(),
    "length 3, l1": Case(PqOptions(length=3, metric="l1")),
    "linf": Case(PqOptions(length=4, metric="linf"), overrides=('encode.metrics=["linf"]',)),
    "tiny": Case(target="tiny"),
    "shifts alone": Case(target="pqa-shift"),
    "channels": Case(PqOptions(length=8, grouping="channel")),
    "channels, tiny": Case(PqOptions(length=4, grouping="channel"), "tiny"),
    "300 prototypes": Case(PqOptions(prototypes=300, length=4)),
    "narrow constants": Case(PqOptions(prototypes=5, length=3, prototype_bits=5, table_bits=6)),
    "wide everything": Case(PqOptions(length=2, prototype_bits=16, table_bits=16, activation_bits=16)),
    "12 bits": Case(PqOptions(metric="l1", prototype_bits=12, table_bits=12, activation_bits=12)),
    "accumulators of 24 bits": Case(PqOptions(table_bits=16), overrides=("accumulator_bits=24",)),
    "accumulators of 11 bits": Case(overrides=("accumulator_bits=11",)),
    "batch": Case(PqOptions(batch=4)),
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
    request = CompileRequest(MODEL, load_target(case.target, case.overrides), case.pq, {"input": images})
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


def arithmetic() -> str:
    """What sums of floating-point numbers are taken with here: another order of them fits another network."""
    numpy: Any = np.show_config(mode="dicts")
    libraries = importlib.import_module("threadpoolctl").threadpool_info()
    used = [library for library in libraries if library["user_api"] == "blas"]
    blas = [f"{library['internal_api']} {library['version']} {library['architecture']}" for library in used]
    return ", ".join([f"numpy {np.__version__}", *numpy["SIMD Extensions"]["found"], *blas])


def stored() -> tuple[str, dict[str, Digests]]:
    """What the file says: the arithmetic that networks were fitted with, and the digests by the name of the case."""
    said = json.loads(STORED.read_text())
    return said["arithmetic"], {name: Digests(**values) for name, values in said["cases"].items()}


def main() -> None:
    """Write the file."""
    cases = {name: asdict(digests(name)) for name in CASES}
    STORED.write_text(json.dumps({"arithmetic": arithmetic(), "cases": cases}, indent=2) + "\n")


if __name__ == "__main__":
    main()
