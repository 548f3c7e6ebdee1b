"""A file of stages: programs of the accelerator, and ONNX graphs that the host executes between them.

What passes between stages are real numbers, by name, with the frames in front. This module knows how the file is laid
out and checked; it neither executes a stage nor reads its ONNX graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pqc.errors import ProgramError
from pqc.isa.canonical import canonical_json, parse_canonical_json
from pqc.isa.fields import EncodingError
from pqc.isa.files import read_file
from pqc.isa.program import Program
from pqc.isa.records import abbreviate, check_range, read_record
from pqc.isa.sections import (
    STAGES_MAGIC,
    Part,
    check_magic,
    check_versions,
    file_bytes,
    joined,
    layout,
    read_sections,
    read_table,
)
from pqc.isa.stage_records import Kind, Stage, StageInput, StageNode, read_input, read_names, read_stage

FORMAT_VERSION = 1
"""Raised whenever the layout of the file changes."""

STAGES = "stages"
"""The section that lists the stages."""

MOST_STAGES = 999
"""Most stages of a file."""

MOST_FRAMES = 1024
"""Most frames that the host is given at once."""

HEADER = (
    Part("magic", "8s", f"`{STAGES_MAGIC.hex(' ')}`"),
    Part("format_version", "H", f"version of this layout, {FORMAT_VERSION}"),
    Part("reserved", "H", "zero"),
    Part("section_count", "I", "entries of the section table"),
    Part("file_bytes", "Q", "length of the whole file"),
)
HEADER_LAYOUT = layout(HEADER)


@dataclass(frozen=True)
class StagedProgram:
    """All that a file of stages holds.

    ``inputs`` and ``outputs`` are those of the model; the host is given ``frames`` at once; ``provenance`` is a JSON
    object as that of a program. A network of which nothing is on the host is one stage, and its file that program's.
    """

    inputs: tuple[StageInput, ...]
    outputs: tuple[str, ...]
    frames: int
    provenance: dict[str, Any]
    stages: tuple[Stage, ...]

    @staticmethod
    def of_program(program: Program, nodes: Sequence[StageNode] = ()) -> StagedProgram:
        """The only stage that ``program`` is."""
        inputs = tuple(StageInput(tensor.name, tensor.shape) for tensor in program.inputs)
        outputs = tuple(tensor.name for tensor in program.outputs)
        names = tuple(entry.name for entry in inputs)
        stage = Stage(tuple(nodes), names, outputs, program)
        return StagedProgram(inputs, outputs, 1, program.provenance, (stage,))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the stages: ``0-accelerator``, ``1-host`` and so on."""
        return tuple(f"{place}-{stage.kind}" for place, stage in enumerate(self.stages))

    @property
    def is_program(self) -> bool:
        """Whether it is one program, and nothing is on the host."""
        return len(self.stages) == 1 and self.stages[0].kind is Kind.ACCELERATOR

    @property
    def host_nodes(self) -> tuple[StageNode, ...]:
        """The nodes that the host executes."""
        return tuple(node for stage in self.stages if stage.kind is Kind.HOST for node in stage.nodes)

    @property
    def programs(self) -> dict[str, Program]:
        """The programs of the accelerator, by the names of their stages."""
        named = zip(self.names, self.stages, strict=True)
        return {name: stage.content for name, stage in named if isinstance(stage.content, Program)}

    def to_bytes(self) -> bytes:
        """The bytes of the file; equal stages give equal bytes.

        Raises:
            EncodingError: the stages contradict each other.
        """
        if self.is_program:
            return self.stages[0].to_bytes()
        self.check()
        listed = {
            "frames": self.frames,
            "inputs": [{"name": entry.name, "shape": list(entry.shape)} for entry in self.inputs],
            "outputs": list(self.outputs),
            "provenance": self.provenance,
            "stages": [stage.as_json() for stage in self.stages],
        }
        bodies = {STAGES: canonical_json(listed)}
        bodies |= {name: stage.to_bytes() for name, stage in zip(self.names, self.stages, strict=True)}
        length = file_bytes(bodies.values(), HEADER_LAYOUT.size)
        return joined(HEADER_LAYOUT.pack(STAGES_MAGIC, FORMAT_VERSION, 0, len(bodies), length), bodies)

    @staticmethod
    def from_bytes(data: bytes, origin: str) -> StagedProgram:
        """The stages in the bytes of a file, which may also be an ordinary program; ``origin`` names it in messages.

        Raises:
            ProgramError: the bytes are no such file, another version's, damaged, or contradict themselves.
        """
        if data[: len(STAGES_MAGIC)] != STAGES_MAGIC:
            return StagedProgram.of_program(Program.from_bytes(data, origin))
        sections = _read_sections(data, origin)
        try:
            staged = _read_stages(sections, origin)
            staged.check()
        except EncodingError as error:
            raise ProgramError(f"{origin}: section {STAGES!r}: {error}") from None
        return staged

    def check(self) -> None:
        """Check that every stage reads what is there, and that the outputs are.

        Raises:
            EncodingError: naming the stage and the value.
        """
        check_range("frames", self.frames, 1, MOST_FRAMES)
        check_range("stages: their number", len(self.stages), 1, MOST_STAGES)
        known = _distinct("inputs", (entry.name for entry in self.inputs), set())
        for entry in self.inputs:
            check_range(f"inputs: the rank of {entry.name!r}", len(entry.shape), 0, 8)
            for size in entry.shape:
                check_range(f"inputs: a dimension of {entry.name!r}", size, 1, 1 << 32)
        for name, stage in zip(self.names, self.stages, strict=True):
            _all_known(f"stage {name}", stage.inputs, known)
            if not stage.inputs:
                raise EncodingError(f"stage {name} reads nothing")
            known = _distinct(f"stage {name}", stage.outputs, known)
        _all_known("outputs", self.outputs, known)


def load_stages(path: Path | str) -> StagedProgram:
    """Read a file of stages, or a program file as the only stage.

    Raises:
        ModelError: there is no such file, or it cannot be read.
        ProgramError: it is not a valid file of this version.
    """
    return StagedProgram.from_bytes(read_file(path), str(path))


def is_staged(path: Path | str) -> bool:
    """Whether the file at ``path`` begins as a file of stages.

    Raises:
        ModelError: there is no such file, or it cannot be read.
    """
    return read_file(path, len(STAGES_MAGIC)) == STAGES_MAGIC


def _read_sections(data: bytes, origin: str) -> dict[str, bytes]:
    check_magic(data, STAGES_MAGIC, HEADER_LAYOUT.size, origin)
    _, version, reserved, count, length = HEADER_LAYOUT.unpack_from(data)
    check_versions(origin, ("file of stages", version, FORMAT_VERSION))
    if reserved:
        raise ProgramError(f"{origin}: damaged: reserved = {reserved} in its header, expected is 0")
    entries = read_table(data, HEADER_LAYOUT.size, count, length, origin)
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names) or names[:1] != [STAGES]:
        shown = abbreviate(", ".join(names))
        raise ProgramError(f"{origin}: its sections are {shown}, expected is {STAGES!r} in front, and each once")
    return read_sections(data, HEADER_LAYOUT.size, entries, origin)


def _read_stages(sections: dict[str, bytes], origin: str) -> StagedProgram:
    kinds = {"frames": int, "inputs": list, "outputs": list, "provenance": dict, "stages": list}
    fields = read_record(parse_canonical_json(sections[STAGES]), "the list", kinds)
    contents = {name: body for name, body in sections.items() if name != STAGES}
    if len(contents) != len(fields["stages"]):
        raise EncodingError(f"lists {len(fields['stages'])} stages, the file has {len(contents)}")
    listed = zip(fields["stages"], contents.items(), strict=True)
    staged = StagedProgram(
        tuple(read_input(value, f"inputs[{place}]") for place, value in enumerate(fields["inputs"])),
        read_names(fields["outputs"], "outputs"),
        fields["frames"],
        fields["provenance"],
        tuple(read_stage(value, f"stage {name}", body, f"{origin}: stage {name}") for value, (name, body) in listed),
    )
    if list(staged.names) != list(contents):
        raise EncodingError(f"lists {', '.join(staged.names)}, which are not the sections behind it")
    if staged.is_program:
        raise EncodingError("lists one stage, on the accelerator: such a program is a file of its own")
    return staged


def _distinct(where: str, names: Iterable[str], known: set[str]) -> set[str]:
    """``known`` with ``names``, of which none may be there before."""
    found = set(known)
    for name in names:
        if name in found:
            raise EncodingError(f"{where}: {name!r} is given twice")
        found.add(name)
    return found


def _all_known(where: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise EncodingError(f"{where}: {name!r} is read, and nothing before gives it")
