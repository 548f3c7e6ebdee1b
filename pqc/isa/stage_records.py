"""The records of a file of stages: its stages, their nodes, the inputs of the whole; strict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pqc.errors import ProgramError
from pqc.isa.canonical import Json
from pqc.isa.fields import EncodingError
from pqc.isa.program import Program
from pqc.isa.records import Tensor, abbreviate, read_record


class Kind(StrEnum):
    """Where a stage is executed."""

    ACCELERATOR = "accelerator"
    HOST = "host"


@dataclass(frozen=True)
class StageNode:
    """A node of the model: its name, its operator, and for one on the host the reason."""

    name: str
    operator: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.operator})"

    def as_json(self) -> dict[str, Json]:
        """Plain JSON values."""
        return {"name": self.name, "operator": self.operator, "reason": self.reason}


@dataclass(frozen=True)
class Stage:
    """A stage: what it reads and gives, by name; the nodes in it; its program or its ONNX model."""

    nodes: tuple[StageNode, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    content: Program | bytes

    @property
    def kind(self) -> Kind:
        """Where it is executed: a program on the accelerator, an ONNX model on the host."""
        return Kind.ACCELERATOR if isinstance(self.content, Program) else Kind.HOST

    def to_bytes(self) -> bytes:
        """The bytes of the content."""
        return self.content.to_bytes() if isinstance(self.content, Program) else self.content

    def as_json(self) -> dict[str, Json]:
        """Everything but the content, as plain JSON values."""
        return {
            "kind": str(self.kind),
            "nodes": [node.as_json() for node in self.nodes],
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
        }


@dataclass(frozen=True)
class StageInput:
    """An input of the whole: its name, and the shape of a frame."""

    name: str
    shape: tuple[int, ...]


def read_input(value: Json, where: str) -> StageInput:
    """An input of the whole in a JSON record.

    Raises:
        EncodingError: naming the field.
    """
    fields = read_record(value, where, {"name": str, "shape": list})
    if not all(type(size) is int for size in fields["shape"]):
        raise EncodingError(f"{where}.shape = {abbreviate(fields['shape'])} is not a list of whole numbers")
    return StageInput(_printable(fields["name"], f"{where}.name"), tuple(fields["shape"]))


def read_stage(value: Json, where: str, content: bytes, origin: str) -> Stage:
    """A stage in a JSON record, and its ``content``, which messages call ``origin``.

    Raises:
        EncodingError: naming the field.
        ProgramError: the content is no program, and should be one.
    """
    fields = read_record(value, where, {"kind": str, "nodes": list, "inputs": list, "outputs": list})
    if fields["kind"] not in tuple(Kind):
        raise EncodingError(f"{where}.kind = {abbreviate(fields['kind'])}, allowed are {', '.join(Kind)}")
    inputs, outputs = (read_names(fields[side], f"{where}.{side}") for side in ("inputs", "outputs"))
    nodes = tuple(_read_node(node, f"{where}.nodes[{place}]") for place, node in enumerate(fields["nodes"]))
    if Kind(fields["kind"]) is Kind.HOST:
        return Stage(nodes, inputs, outputs, content)
    program = Program.from_bytes(content, origin)
    _check_boundary("reads", inputs, program.inputs, origin)
    _check_boundary("gives", outputs, program.outputs, origin)
    return Stage(nodes, inputs, outputs, program)


def _read_node(value: Json, where: str) -> StageNode:
    fields = read_record(value, where, {"name": str, "operator": str, "reason": str})
    return StageNode(**{name: _printable(text, f"{where}.{name}") for name, text in fields.items()})


def read_names(values: list[Json], where: str) -> tuple[str, ...]:
    """The names in a JSON list.

    Raises:
        EncodingError: naming the place.
    """
    return tuple(_printable(value, f"{where}[{place}]") for place, value in enumerate(values))


def _printable(value: Json, where: str) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise EncodingError(f"{where} = {abbreviate(value)} is no text that can be printed in a line")
    return value


def _check_boundary(what: str, listed: tuple[str, ...], tensors: Sequence[Tensor], origin: str) -> None:
    """Refuse a program that reads or gives other values than the list says."""
    found = tuple(tensor.name for tensor in tensors)
    if found != listed:
        raise ProgramError(f"{origin}: its program {what} {abbreviate(found)}, the list says {abbreviate(listed)}")
