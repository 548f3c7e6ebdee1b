"""From a trained network to bytes, and from the bytes to digits: what `make demo` runs.

Everything between the ONNX file and the table at the end is done by commands that can be typed as they are shown.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODEL = HERE / "digits.onnx"
BUILD = HERE / "build"
CALIBRATION, HELD_OUT = BUILD / "calibration.npz", BUILD / "heldout.npz"
PROGRAM, REPORT, DUMPS = BUILD / "digits.bin", BUILD / "report.json", BUILD / "ir"
SHOWN_INSTRUCTIONS = 12


def shown(word: str | Path) -> str:
    """A word of a command line; paths below the current folder are shown relative to it."""
    path = Path(word)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(word)


def execute(*words: str | Path, quiet: bool = False) -> str:
    """Show a command line, execute it, show and return what it prints; a failure ends the demonstration."""
    command = [shown(word) for word in words]
    print(f"\n$ {shlex.join(command)}", flush=True)
    program = [sys.executable] if command[0] == "python" else [sys.executable, "-m", command[0]]
    done = subprocess.run([*program, *command[1:]], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    if not quiet:
        print(done.stdout, end="", flush=True)
    return done.stdout


def print_layers(report: dict[str, Any]) -> None:
    """Print the cycles of each layer for one digit."""
    print(f"\n{'layer':<24} {'unit':<14} {'subspaces':>9} {'columns':>8} {'outputs':>8} {'cycles':>8}  bound by")
    for layer in report["layers"]:
        unit = "encode, lookup" if layer["pq"] else layer["op"]
        subspaces = layer["subspaces"] if layer["pq"] else ""
        print(
            f"{layer['node']:<24} {unit:<14} {subspaces:>9} {layer['columns']:>8} {layer['outputs']:>8} "
            f"{layer['cycles']:>8,}  {layer['bound']}"
        )
    cycles, clock = report["cycles"], report["target"]["clock_mhz"]
    print(f"one digit from cold: {cycles['latency']:,} cycles, {cycles['latency'] / clock:.0f} us at {clock:g} MHz")
    print(f"each further digit:  {cycles['steady_state']:,} cycles")


def main() -> None:
    """Run the demonstration."""
    print("Handwritten digits: a small residual network with a depthwise layer, trained by examples/digits/train.py")
    execute("python", HERE / "data.py", BUILD)
    execute(
        *("pqc", "compile", MODEL, "--calibrate", CALIBRATION, "--prototypes", "16", "--length", "9"),
        *("-o", PROGRAM, "--dump-ir", DUMPS, "--report", REPORT),
    )
    execute("pqc", "run", PROGRAM)
    words = ("pqc", "run", PROGRAM, "--input", HELD_OUT, "--labels", "--against", MODEL, "--json")
    result = json.loads(execute(*words, quiet=True))
    assembly = execute("pqc", "disasm", PROGRAM, quiet=True)
    print(*assembly.splitlines()[:SHOWN_INSTRUCTIONS], "...", sep="\n")
    print_layers(json.loads(REPORT.read_text()))
    print(f"\nheld-out digits right, of {result['images']}:")
    print(f"  float, in onnxruntime:  {result['against']['top1']:.2%}")
    print(f"  the machine:            {result['top1']:.2%}")
    print("\nthe network after each pass that changed something:")
    for dump in sorted(DUMPS.glob("*.mlir")):
        print(f"  {shown(dump)}")


if __name__ == "__main__":
    main()
