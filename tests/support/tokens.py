"""The tokens of a program one by one, and the program without one of them, or with one more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import product

from support.programs import mask

from pqc.isa.dependencies import stream_waits
from pqc.isa.fields import Unit
from pqc.isa.program import Program


@dataclass(frozen=True)
class Token:
    """Instruction ``destination`` waits for ``source``, of ``distance`` executions before."""

    source: int
    destination: int
    distance: int


def tokens_of(program: Program) -> list[Token]:
    """All tokens, matched as the semaphores count: the first ones that a unit takes are the credits."""
    at_start = {(source, destination): count for source, destination, count in program.credits}
    found: list[Token] = []
    for source, destination in product(Unit, Unit):
        numbered = list(enumerate(program.instructions))
        sends = [index for index, x in numbered if x.unit is source and x.signal >> destination & 1]
        takes = [index for index, x in numbered if x.unit is destination and x.wait >> source & 1]
        credit = at_start.get((source, destination), 0)
        found += [Token(sends[k - credit], take, int(k < credit)) for k, take in enumerate(takes)]
    return found


def without(program: Program, token: Token) -> Program:
    """The program without ``token``: neither sent nor taken, nor there at the start."""
    return _changed(program, token, add=False)


def also(program: Program, token: Token) -> Program:
    """The program with one more token, from and to instructions that have none between their units so far."""
    return _changed(program, token, add=True)


def _changed(program: Program, token: Token, *, add: bool) -> Program:
    instructions = list(program.instructions)
    pair = instructions[token.source].unit, instructions[token.destination].unit
    for index, name, unit in ((token.source, "signal", pair[1]), (token.destination, "wait", pair[0])):
        before: int = getattr(instructions[index], name)
        assert bool(before >> unit & 1) is not add
        instructions[index] = replace(instructions[index], **{name: before ^ mask(unit)})
    counts = Counter({(source, destination): count for source, destination, count in program.credits})
    counts[pair] += token.distance if add else -token.distance
    credits = tuple((*key, count) for key, count in sorted(counts.items()) if count)
    return replace(program, instructions=tuple(instructions), credits=credits)


def with_tokens(program: Program, accumulator_bits: int = 16) -> Program:
    """The program with the tokens that its accesses need and no others."""
    bare = [replace(instruction, wait=0, signal=0) for instruction in program.instructions]
    scheduled = replace(program, instructions=tuple(bare), credits=())
    for destination, waits in enumerate(stream_waits(bare, accumulator_bits)):
        for wait in waits:
            scheduled = also(scheduled, Token(wait.source, destination, wait.distance))
    return scheduled
