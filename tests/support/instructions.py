"""Random instructions and programs, drawn from the instruction table itself."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pqc.isa.fields import Field, Unit
from pqc.isa.instructions import Instruction
from pqc.isa.program import Program, SelfTest, Tensor
from pqc.isa.records import MAXIMUM_CREDIT, Credits
from pqc.numerics.element import Element

KINDS: list[type[Instruction]] = sorted(Instruction.registry.values(), key=lambda kind: kind.opcode)
"""Every kind of instruction, by opcode."""

masks = st.integers(0, (1 << len(Unit)) - 1)


def field_values(field: Field) -> SearchStrategy[int]:
    """Any value that ``field`` can hold."""
    if issubclass(field.type, IntEnum):
        return st.sampled_from(list(field.type))
    return st.integers(field.bits.minimum, field.bits.maximum)


def instructions_of(kind: type[Instruction]) -> SearchStrategy[Instruction]:
    """Any instruction of one kind."""
    values = {name: field_values(field) for name, field in kind.fields.items()}
    return st.builds(kind, wait=masks, signal=masks, **values)


def instructions() -> SearchStrategy[Instruction]:
    """Any instruction."""
    return st.one_of(*map(instructions_of, KINDS))


def smallest(kind: type[Instruction], **values: int) -> Instruction:
    """The instruction of one kind whose fields are zero but for the given ones."""
    zeros = {name: field.type(0) for name, field in kind.fields.items()}
    return kind(**{"wait": 0, "signal": 0, **zeros, **values})


json_values: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
json_objects: SearchStrategy[dict[str, Any]] = st.dictionaries(st.text(max_size=8), json_values, max_size=4)


@st.composite
def tensors(draw: st.DrawFn, start: int, name: str) -> Tensor:
    """A tensor of one frame somewhere behind ``start``."""
    element = Element(draw(st.integers(1, 16)), draw(st.booleans()))
    shape = draw(st.lists(st.integers(1, 9), max_size=4).map(tuple))
    scale = draw(st.floats(min_value=0, exclude_min=True, allow_infinity=False))
    return Tensor(name, shape, element.bits, element.signed, scale, start + draw(st.integers(0, 99)))


def credits() -> SearchStrategy[Credits]:
    """Any tokens at the start."""
    units = st.sampled_from(list(Unit))
    counts = st.dictionaries(st.tuples(units, units), st.integers(1, MAXIMUM_CREDIT), max_size=3)
    return counts.map(lambda found: tuple((*pair, count) for pair, count in sorted(found.items())))


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A program that the container accepts; executing it makes no sense."""
    constants = draw(st.binary(max_size=150))
    names = st.lists(st.text(min_size=1, max_size=8), max_size=2, unique=True)
    inputs, outputs = (tuple(draw(tensors(len(constants), name)) for name in draw(names)) for _ in range(2))
    stream = tuple(draw(st.lists(instructions(), max_size=4)))
    node = st.text(max_size=8)
    batch = draw(st.integers(1, 3))
    return Program(
        target=draw(json_objects),
        instructions=stream,
        nodes=tuple(draw(st.lists(node, min_size=len(stream), max_size=len(stream)))),
        constants=constants,
        dram_bytes=max([len(constants), *(tensor.address + batch * tensor.bytes for tensor in inputs + outputs)]),
        inputs=inputs,
        outputs=outputs,
        provenance=draw(json_objects),
        self_test=draw(st.none() | st.builds(SelfTest, st.integers(0, 99), st.integers(1, 8), st.just("0f" * 32))),
        batch=batch,
        credits=draw(credits()),
    )
