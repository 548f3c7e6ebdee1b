"""The tokens of a program one by one, and the program without one of them, or with one more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import product

from support.programs import mask

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
    """The program with one more token between units that have none so far."""
    return _changed(program, token, add=True)


def _changed(program: Program, token: Token, *, add: bool) -> Program:
    instructions = list(program.instructions)
    pair = instructions[token.source].unit, instructions[token.destination].unit
    flipped = instructions[token.source].signal ^ mask(pair[1])
    instructions[token.source] = replace(instructions[token.source], signal=flipped)
    flipped = instructions[token.destination].wait ^ mask(pair[0])
    instructions[token.destination] = replace(instructions[token.destination], wait=flipped)
    counts = Counter({(source, destination): count for source, destination, count in program.credits})
    counts[pair] += token.distance if add else -token.distance
    credits = tuple((*key, count) for key, count in sorted(counts.items()) if count)
    return replace(program, instructions=tuple(instructions), credits=credits)
