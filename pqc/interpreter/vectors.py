"""Test vectors for a hardware test bench: memories before and after, and what every instruction writes.

All files are text that ``$readmemh`` or ``$fscanf`` reads; docs/vectors.md has their formats.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pqc.errors import ModelError
from pqc.interpreter.hazards import check_program
from pqc.interpreter.workbench import Layout, Workbench
from pqc.isa.access import Access, accesses
from pqc.isa.fields import WORD_BYTES, Memory
from pqc.isa.program import Program, write_whole
from pqc.numerics.arrays import IntArray
from pqc.numerics.kernels import NUMPY
from pqc.planning.target import target_from_dict

FORMAT = 1
"""Of the files and the manifest."""

MANIFEST = "manifest.json"

FILES = {
    "instructions.hex": "the instructions, one word a line",
    "dram.hex": "DRAM before: constants and inputs, one byte a line",
    "writes.txt": "what each instruction writes: instruction, memory, address, bytes, data; in program order",
    "codes.txt": "what each encode sends to the FIFO: instruction, subspaces, columns, bytes of a code, data",
    **{f"{memory.name.lower()}.after.hex": f"{memory.name.lower()} after, one byte a line" for memory in Memory},
}
"""What there is, by name."""

Bytes = npt.NDArray[np.uint8]


def export_vectors(program: Program, inputs: Mapping[str, IntArray], folder: Path) -> None:
    """Write the vectors of one execution, for the first ``program.batch`` frames of raw ``inputs``, to a folder.

    The manifest comes last: where there is one, everything is there.

    Raises:
        ModelError: the folder cannot be written.
        ProgramError: the program breaks a rule of the machine.
    """
    target = target_from_dict(program.target)
    order, bits = check_program(program, target), target.accumulator_bits
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be made: {error.strerror}") from None
    (folder / MANIFEST).unlink(missing_ok=True)
    execution = _Execution(program, inputs, bits)
    texts = {
        "instructions.hex": [word_line(instruction.encode()) for instruction in program.instructions],
        "dram.hex": list(execution.image(Memory.DRAM)),
        "writes.txt": list(execution.run(order)),
        "codes.txt": execution.codes,
    }
    for memory in Memory:
        texts[f"{memory.name.lower()}.after.hex"] = list(execution.image(memory))
    digests: dict[str, str] = {}
    for name, lines in texts.items():
        data = "".join(f"{line}\n" for line in lines).encode()
        digests[name] = hashlib.sha256(data).hexdigest()
        write_whole(folder / name, data)
    manifest = _manifest(program, execution, digests)
    write_whole(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())


def word_line(data: bytes) -> str:
    """A little-endian word as ``$readmemh`` reads it: the highest digit first."""
    return data[::-1].hex()


def _manifest(program: Program, execution: _Execution, digests: Mapping[str, str]) -> dict[str, Any]:
    """What the folder holds, and what a test bench has to know of the program."""
    return {
        "format": FORMAT,
        "target": {"name": program.target.get("name"), "fingerprint": program.fingerprint()},
        "frames": program.batch,
        "word_bits": 8 * WORD_BYTES,
        "memories": {
            memory.name.lower(): {"code": int(memory), "bytes": size} for memory, size in execution.sizes.items()
        },
        "inputs": [_tensor(tensor) for tensor in program.inputs],
        "outputs": [_tensor(tensor) for tensor in program.outputs],
        "instructions": [
            {"mnemonic": instruction.mnemonic, "unit": instruction.unit.name.lower(), "node": node}
            for instruction, node in zip(program.instructions, program.nodes, strict=True)
        ],
        "files": {name: {"what": FILES[name], "sha256": digest} for name, digest in digests.items()},
    }


def _tensor(tensor: Any) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "address": tensor.address,
        "shape": list(tensor.shape),
        "bits": tensor.bits,
        "signed": tensor.signed,
        "scale": tensor.scale,
    }


class _Execution:
    """One execution, step by step, and which bytes have a meaning so far."""

    def __init__(self, program: Program, inputs: Mapping[str, IntArray], accumulator_bits: int) -> None:
        self._program, self._bits = program, accumulator_bits
        layout = Layout(program, accumulator_bits)
        self._bench = Workbench(layout, 1, 1, NUMPY)
        self._bench.begin({name: array[: program.batch] for name, array in inputs.items()})
        self.sizes = layout.sizes | {Memory.DRAM: program.dram_bytes}
        self._known = {memory: np.zeros(size, np.bool_) for memory, size in self.sizes.items()}
        self._known[Memory.DRAM][: len(program.constants)] = True
        for tensor in program.inputs:
            self._known[Memory.DRAM][tensor.address : tensor.address + program.batch * tensor.bytes] = True
        self.codes: list[str] = []

    def run(self, order: Sequence[int]) -> Iterator[str]:
        """Execute everything; a line for every run of bytes that an instruction writes."""
        for index in order:
            sent = len(self._bench.sent)
            self._bench.execute([index])
            for access in accesses(self._program.instructions[index], self._bits):
                if access.written:
                    yield from self._written(index, access)
            if len(self._bench.sent) > sent:
                codes = self._bench.sent[-1][0]
                data = np.ascontiguousarray(codes).tobytes().hex()
                self.codes.append(f"{index} {codes.shape[0]} {codes.shape[1]} {codes.dtype.itemsize} {data}")

    def _written(self, index: int, access: Access) -> Iterator[str]:
        addresses, data = access.addresses(), self._bench.seen(access)[0]
        self._known[access.memory][addresses] = True
        starts = [0, *(np.flatnonzero(np.diff(addresses) != 1) + 1).tolist(), len(addresses)]
        for first, last in pairwise(starts):
            run = data[first:last].tobytes().hex()
            yield f"{index} {int(access.memory)} {int(addresses[first]):x} {last - first} {run}"

    def image(self, memory: Memory) -> Iterator[str]:
        """The bytes of a memory that have a meaning, one a line, each stretch behind its address."""
        known = self._known[memory]
        edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
        for first, last in edges.reshape(-1, 2).tolist():
            yield f"@{first:x}"
            yield from (f"{byte:02x}" for byte in self._bench.read(memory, first, last - first)[0].tolist())
