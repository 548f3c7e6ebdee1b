"""Whether an instruction's fields make sense by themselves, on a given target."""

from __future__ import annotations

from collections.abc import Iterator

from pqc.isa import legality
from pqc.isa.fields import Instruction, Unit
from pqc.isa.instructions import Encode
from pqc.numerics.fixed_point import is_shift
from pqc.planning.target import Target


def complaints(instruction: Instruction, target: Target) -> Iterator[str]:
    """Everything that is wrong with ``instruction`` by itself, each in one phrase that names the field."""
    yield from legality.complaints(instruction)
    if instruction.unit is Unit.CONVENTIONAL and not target.conventional.present:
        yield f'target "{target.name}" has no conventional unit'
    if isinstance(instruction, Encode) and instruction.metric.name.lower() not in target.encode.metrics:
        allowed = ", ".join(target.encode.metrics)
        yield f'metric = {instruction.metric.name.lower()}, target "{target.name}" has {allowed}'
    if target.requantize == "shift":
        for name, value in instruction.values().items():
            if name.endswith("multiplier") and not is_shift(value):
                yield f'{name} = {value}, target "{target.name}" has no multiplier: allowed are powers of two'
