"""From a trained network to bytes, and from the bytes to digits: what `make demo` runs.

Everything up to the tables at the end is done by commands that can be typed as they are shown.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from pqc.interpreter.reference import dequantize_outputs, quantize_inputs, run_reference
from pqc.passes.text import load_module

HERE = Path(__file__).parent
MODEL = HERE / "digits.onnx"
SHOWN_LINES = 24
COMPARISON_FAILED = 3


def shown(word: str | Path) -> str:
    """A word of a command line; paths below the current folder are shown relative to it."""
    path = Path(word)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(word)


def execute(*words: str | Path) -> str:
    """Show a command line, execute it and return what it prints; a failure ends the demonstration."""
    command = [shown(word) for word in words]
    print(f"\n$ {shlex.join(command)}", flush=True)
    program = [sys.executable] if command[0] == "python" else [sys.executable, "-m", command[0]]
    done = subprocess.run([*program, *command[1:]], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def reference_accuracy(dumps: Path, held_out: Path, outputs: Path) -> float:
    """Execute the dump of the quantized level on the held-out digits, and require the machine's integers.

    Args:
        dumps: the folder of the IR dumps.
        held_out: the digits, .npz.
        outputs: what the machine gave for them, as `pqc run -o` writes it.

    Returns:
        The share of digits that the reference interpreter gets right.
    """
    digits, machine = np.load(held_out), np.load(outputs)
    module = load_module(next(dumps.glob("*-quantize.mlir")))
    integers = run_reference(module, quantize_inputs(module, [digits["images"].astype(np.float32)]))
    if not np.array_equal(integers[0], machine["logits__raw"]):
        print("the machine's outputs are not those of the reference interpreter", file=sys.stderr)
        sys.exit(COMPARISON_FAILED)
    logits = dequantize_outputs(module, integers)[0]
    return float((logits.argmax(axis=1) == digits["labels"]).mean())


def print_layers(report: dict[str, Any]) -> None:
    """Print the cycles of each layer for one digit."""
    print(f"\n{'layer':<20} {'runs on':<16} {'subspaces':>9} {'columns':>8} {'outputs':>8} {'cycles':>8}  bound by")
    for layer in report["layers"]:
        runs_on = "encode, lookup" if layer["pq"] else layer["runs_on"]
        sizes = [layer[key] or "" for key in ("subspaces", "columns", "outputs")]
        print(
            f"{layer['node']:<20} {runs_on:<16} {sizes[0]:>9} {sizes[1]:>8} {sizes[2]:>8} {layer['cycles']:>8,}"
            f"  {layer['bound']}"
        )
    cycles, rate = report["cycles"], report["throughput_frames_per_second"]
    print(f"one digit from cold: {cycles['latency']:,} cycles, {report['latency_microseconds']:.1f} us")
    print(f"one more digit: {cycles['steady_state']:,} cycles, {rate:,.0f} digits a second")


def demonstrate(folder: Path) -> None:
    """Compile, run and look inside; whatever is written goes to `folder`."""
    calibration, held_out, outputs = (folder / name for name in ("calibration.npz", "heldout.npz", "outputs.npz"))
    program, report, dumps = folder / "digits.bin", folder / "report.json", folder / "ir"
    print("Handwritten digits: a small residual network with a depthwise layer, trained by examples/digits/train.py")
    execute("python", HERE / "data.py", folder)
    execute(
        *("pqc", "compile", MODEL, "--calibrate", calibration, "--prototypes", "16", "--length", "9"),
        *("-o", program, "--dump-ir", dumps, "--report", report),
    )
    print(execute("pqc", "run", program), end="")
    words = ("pqc", "run", program, "--input", held_out, "--labels", "--against", MODEL, "-o", outputs, "--json")
    machine = json.loads(execute(*words))
    assembly = execute("pqc", "disasm", program).splitlines()
    instructions = [line for line in assembly if not line.startswith(";")]
    print(*instructions[:SHOWN_LINES], f"... ({len(assembly):,} lines)", sep="\n")
    print_layers(json.loads(report.read_text()))
    print(f"\nheld-out digits that are classified right, of {machine['images']}:")
    print(f"  float network, onnxruntime            {machine['against']['top1']:.2%}")
    print(f"  quantized, reference interpreter      {reference_accuracy(dumps, held_out, outputs):.2%}")
    print(f"  program, machine                      {machine['top1']:.2%}, the same integers bit for bit")
    print("\nthe network after each pass that changed it:")
    for dump in sorted(dumps.glob("*.mlir")):
        print(f"  {shown(dump)}")


def main() -> None:
    """Show pqc at work on handwritten digits."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=HERE / "build", help="where everything is written")
    folder: Path = parser.parse_args().folder
    demonstrate(folder)


if __name__ == "__main__":
    main()
