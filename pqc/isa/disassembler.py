"""From a program to its text, which the assembler turns back into the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pqc.isa.instructions import ISA_VERSION
from pqc.isa.program import Program
from pqc.isa.records import Tensor
from pqc.isa.text import DATA_BYTES, format_instruction, format_json


def disassemble(program: Program, constants: bool = True) -> str:
    """The text of the whole program.

    Without ``constants`` their bytes are left out, for reading; such a text cannot be assembled.
    """
    return "\n".join(_lines(program, constants)) + "\n"


def _lines(program: Program, constants: bool) -> Iterator[str]:
    counts = ", ".join(f"{count} {mnemonic}" for mnemonic, count in program.counts().items())
    yield f"; {len(program.instructions)} instructions{': ' if counts else ''}{counts}"
    yield f"; {len(program.constants)} bytes of constants"
    yield f"; target fingerprint {program.fingerprint()}"
    yield f".isa {ISA_VERSION}"
    yield f".dram {program.dram_bytes:#x}"
    if program.batch != 1:
        yield f".batch {program.batch}"
    for source, destination, count in program.credits:
        yield f".credit source={source.name.lower()} destination={destination.name.lower()} count={count}"
    for directive, tensors in ((".input", program.inputs), (".output", program.outputs)):
        for tensor in tensors:
            yield f"{directive} {_format_tensor(tensor)}"
    if program.self_test is not None:
        test = program.self_test
        yield f".selftest seed={test.seed} frames={test.frames} digest={test.digest}"
    yield from _object(".target", program.target)
    yield from _instructions(program)
    yield ""
    yield from _object(".provenance", program.provenance)
    yield from _constants(program.constants, constants)


def _format_tensor(tensor: Tensor) -> str:
    shape = ",".join(str(dimension) for dimension in tensor.shape)
    return (
        f"{json.dumps(tensor.name)} element={tensor.element} shape=[{shape}] "
        f"scale={float(tensor.scale)!r} address={tensor.address:#x}"
    )


def _object(directive: str, fields: dict[str, Any]) -> Iterator[str]:
    for name, value in sorted(fields.items()):
        yield f"{directive} {json.dumps(name)} {format_json(value)}"


def _instructions(program: Program) -> Iterator[str]:
    digits = len(str(len(program.instructions)))
    current = ""
    for index, (instruction, node) in enumerate(zip(program.instructions, program.nodes, strict=True)):
        if node != current or index == 0:
            yield ""
            yield f".node {json.dumps(node)}"
            current = node
        yield f"{index:{digits + 2}}: {format_instruction(instruction)}"


def _constants(data: bytes, written: bool) -> Iterator[str]:
    yield f".constants {len(data)}"
    if not written:
        yield "; left out here"
        return
    for offset in range(0, len(data), DATA_BYTES):
        yield f".data {offset:#x} {data[offset : offset + DATA_BYTES].hex()}"
