"""A compiled program, as an object and as the bytes of its file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pqc.errors import ModelError, ProgramError
from pqc.isa.canonical import Json, canonical_json, fingerprint, parse_canonical_json
from pqc.isa.container import pack, unpack
from pqc.isa.fields import WORD_BYTES, EncodingError, Unit
from pqc.isa.files import read_file
from pqc.isa.instructions import Instruction
from pqc.isa.records import (
    DRAM_LIMIT,
    MAXIMUM_BATCH,
    Credits,
    SelfTest,
    Tensor,
    abbreviate,
    check_credits,
    check_range,
    credits_as_json,
    credits_from_json,
    read_record,
)

__all__ = ["Program", "SelfTest", "Tensor", "load_program", "save_program", "write_whole"]


@dataclass(frozen=True)
class Program:
    """Everything that a program file holds.

    ``target`` and ``provenance`` are plain JSON values (lists, not tuples). ``instructions`` stand in program order;
    ``nodes`` names the ONNX node of each. ``constants`` are the first bytes of DRAM, of which the program uses
    ``dram_bytes`` for one frame; inputs, outputs and intermediate tensors lie behind the constants. One execution
    processes ``batch`` frames; ``credits`` (source, destination, count) are the tokens that each execution leaves to
    the next, there at the very start.
    """

    target: dict[str, Any]
    instructions: tuple[Instruction, ...]
    nodes: tuple[str, ...]
    constants: bytes
    dram_bytes: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    provenance: dict[str, Any]
    self_test: SelfTest | None
    batch: int = 1
    credits: tuple[tuple[Unit, Unit, int], ...] = ()

    def check(self) -> None:
        """Check what can be said without executing: counts, names and ranges of the tensors, the DRAM size.

        Raises:
            EncodingError: naming the field, what it is and what is allowed.
        """
        if len(self.nodes) != len(self.instructions):
            raise EncodingError(f"{len(self.nodes)} node names for {len(self.instructions)} instructions")
        check_range("batch", self.batch, 1, MAXIMUM_BATCH)
        check_credits(self.credits)
        check_range("dram_bytes", self.dram_bytes, 0, DRAM_LIMIT)
        if len(self.constants) > self.dram_bytes:
            raise EncodingError(f"{len(self.constants)} bytes of constants do not fit dram_bytes = {self.dram_bytes}")
        for kind, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            self._check_tensors(kind, tensors)
        if self.self_test is not None:
            self.self_test.check("selftest")

    def _check_tensors(self, kind: str, tensors: Sequence[Tensor]) -> None:
        names: set[str] = set()
        for index, tensor in enumerate(tensors):
            where = f"{kind}[{index}]"
            tensor.check(where)
            if tensor.name in names:
                raise EncodingError(f"{where}.name = {tensor.name!r} stands twice")
            names.add(tensor.name)
            if tensor.address < len(self.constants):
                raise EncodingError(f"{where}.address = {tensor.address:#x} lies in the constants")
            if (end := tensor.address + self.batch * tensor.bytes) > self.dram_bytes:
                raise EncodingError(f"{where} ends at {abbreviate(end)}, beyond dram_bytes = {self.dram_bytes}")

    def fingerprint(self) -> str:
        """The target's fingerprint: SHA-256 of its canonical JSON, in hexadecimal."""
        return fingerprint(self.target)

    def counts(self) -> dict[str, int]:
        """How many instructions of each kind the program has, by mnemonic, in the order of the instruction table."""
        found = Counter(instruction.mnemonic for instruction in self.instructions)
        kinds = (kind for _, kind in sorted(Instruction.registry.items()))
        return {kind.mnemonic: found[kind.mnemonic] for kind in kinds if found[kind.mnemonic]}

    def to_bytes(self) -> bytes:
        """The bytes of the program file; equal programs give equal bytes.

        Raises:
            EncodingError: a value does not fit its field, or the program contradicts itself.
        """
        self.check()
        sections = {
            "target": canonical_json(self.target),
            "instructions": _write_instructions(self.instructions),
            "execution": canonical_json({"batch": int(self.batch), "credits": credits_as_json(self.credits)}),
            "constants": bytes(self.constants),
            "tensors": canonical_json(
                {
                    "dram_bytes": int(self.dram_bytes),
                    "inputs": [tensor.as_json() for tensor in self.inputs],
                    "outputs": [tensor.as_json() for tensor in self.outputs],
                }
            ),
            "debug": _write_nodes(self.nodes),
            "provenance": canonical_json(self.provenance),
            "selftest": canonical_json(None if self.self_test is None else self.self_test.as_json()),
        }
        return pack(sections, self.fingerprint())

    @staticmethod
    def from_bytes(data: bytes, origin: str) -> Program:
        """The program in the bytes of a file; ``origin`` names the file in messages.

        Raises:
            ProgramError: the bytes are no program file, another version's, damaged, or hold values out of range.
        """
        container = unpack(data, origin)
        read = container.sections
        with _reading(origin, "target"):
            target = _read_object(read["target"])
            if fingerprint(target) != container.fingerprint:
                raise EncodingError(
                    f"its fingerprint is {fingerprint(target)[:16]}..., the header says {container.fingerprint[:16]}..."
                )
        with _reading(origin, "instructions"):
            instructions = _read_instructions(read["instructions"])
        with _reading(origin, "execution"):
            batch, credits = _read_execution(read["execution"])
        with _reading(origin, "tensors"):
            dram_bytes, inputs, outputs = _read_tensors(read["tensors"])
        with _reading(origin, "debug"):
            nodes = _read_nodes(read["debug"], len(instructions))
        with _reading(origin, "provenance"):
            provenance = _read_object(read["provenance"])
        with _reading(origin, "selftest"):
            test = parse_canonical_json(read["selftest"])
            self_test = None if test is None else SelfTest.from_json(test, "selftest")
        program = Program(
            target,
            instructions,
            nodes,
            read["constants"],
            dram_bytes,
            inputs,
            outputs,
            provenance,
            self_test,
            batch,
            credits,
        )
        try:
            program.check()
        except EncodingError as error:
            raise ProgramError(f"{origin}: {error}") from None
        return program


def load_program(path: Path | str) -> Program:
    """Read the program file ``path``.

    Raises:
        ModelError: there is no such file, or it cannot be read.
        ProgramError: it is not a valid program of this version.
    """
    return Program.from_bytes(read_file(path), str(path))


def save_program(program: Program, path: Path | str) -> None:
    """Write ``program`` to ``path``, wholly or not at all.

    Raises:
        ModelError: the file cannot be written.
        EncodingError: a value does not fit its field.
    """
    write_whole(Path(path), program.to_bytes())


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that the file is never seen half-written: a new file replaces the old one.

    Raises:
        ModelError: the file cannot be written.
    """
    # A link keeps pointing where it points; a device such as /dev/null is written to and never replaced.
    path = path.resolve()
    # a name that no other thread, process or machine has, in case they write the same file
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def _reading(origin: str, section: str) -> Generator[None, None, None]:
    try:
        yield
    except EncodingError as error:
        raise ProgramError(f"{origin}: section {section!r}: {error}") from None


def _write_instructions(instructions: Sequence[Instruction]) -> bytes:
    words: list[bytes] = []
    for index, instruction in enumerate(instructions):
        try:
            words.append(instruction.encode())
        except EncodingError as error:
            raise EncodingError(f"instruction {index}: {error}") from None
    return b"".join(words)


def _read_instructions(data: bytes) -> tuple[Instruction, ...]:
    if len(data) % WORD_BYTES:
        raise EncodingError(f"{len(data)} bytes are no whole number of {WORD_BYTES}-byte words")
    instructions: list[Instruction] = []
    for offset in range(0, len(data), WORD_BYTES):
        try:
            instructions.append(Instruction.decode(data[offset : offset + WORD_BYTES]))
        except EncodingError as error:
            raise EncodingError(f"instruction {offset // WORD_BYTES}: {error}") from None
    return tuple(instructions)


def _write_nodes(nodes: Sequence[str]) -> bytes:
    indices = {name: index for index, name in enumerate(dict.fromkeys(nodes))}
    return canonical_json({"names": list(indices), "instructions": [indices[name] for name in nodes]})


def _read_nodes(data: bytes, count: int) -> tuple[str, ...]:
    fields = read_record(parse_canonical_json(data), "debug", {"names": list, "instructions": list})
    names, indices = fields["names"], fields["instructions"]
    if len(indices) != count:
        raise EncodingError(f"names the nodes of {len(indices)} instructions, the program has {count}")
    for name in names:
        if not isinstance(name, str):
            raise EncodingError(f"the node name {abbreviate(name)} is not text")
    for position, index in enumerate(indices):
        if type(index) is not int or not 0 <= index < len(names):
            raise EncodingError(f"instruction {position} has node {abbreviate(index)}, there are {len(names)} names")
    nodes = tuple(names[index] for index in indices)
    if _write_nodes(nodes) != data:
        raise EncodingError("the node names are not the ones in use, once each, in order of first use")
    return nodes


def _read_execution(data: bytes) -> tuple[int, Credits]:
    fields = read_record(parse_canonical_json(data), "execution", {"batch": int, "credits": list})
    return fields["batch"], credits_from_json(fields["credits"], "credits")


def _read_tensors(data: bytes) -> tuple[int, tuple[Tensor, ...], tuple[Tensor, ...]]:
    fields = read_record(parse_canonical_json(data), "tensors", {"dram_bytes": int, "inputs": list, "outputs": list})
    inputs, outputs = (_read_tensor_list(fields[kind], kind) for kind in ("inputs", "outputs"))
    return fields["dram_bytes"], inputs, outputs


def _read_tensor_list(values: list[Json], kind: str) -> tuple[Tensor, ...]:
    return tuple(Tensor.from_json(value, f"{kind}[{index}]") for index, value in enumerate(values))


def _read_object(data: bytes) -> dict[str, Any]:
    value = parse_canonical_json(data)
    if not isinstance(value, dict):
        raise EncodingError("not a JSON object")
    return value
