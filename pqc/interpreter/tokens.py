"""Which instruction sends the token that another one takes, and what the token is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from pqc.interpreter.queues import members
from pqc.isa.access import Access, accesses
from pqc.isa.fields import Instruction, Memory, Unit

Credit: TypeAlias = tuple[Unit, Unit, int]
"""Source, destination, and how many tokens from one to the other are there at the very start."""

Sender: TypeAlias = tuple[int, int]
"""An instruction, and how many executions before its token is taken it has sent it."""


def token_stall(source: Unit) -> str:
    """The cause of a stall that ends with a token from ``source`` for data that it has written."""
    return f"token from {source.name.lower()}"


def buffer_stall(access: Access) -> str:
    """The cause of a stall that ends when bytes of a buffer are free to be overwritten."""
    return f"buffer {access.memory.name.lower()}"


def senders(instructions: Sequence[Instruction], credits: Sequence[Credit]) -> list[dict[Unit, Sender]]:
    """For each instruction and each unit that it waits for, which instruction sends the token.

    A channel's tokens are taken in the order they are sent, the credits first. A token that only ever comes from the
    credits, in a program that sends another number than it takes, has no sender.
    """
    first: dict[tuple[Unit, Unit], int] = {}
    for source, destination, count in credits:
        first[source, destination] = first.get((source, destination), 0) + count
    sent: dict[tuple[Unit, Unit], list[int]] = {}
    taken: dict[tuple[Unit, Unit], list[int]] = {}
    for index, instruction in enumerate(instructions):
        for destination in members(instruction.signal):
            sent.setdefault((instruction.unit, destination), []).append(index)
        for source in members(instruction.wait):
            taken.setdefault((source, instruction.unit), []).append(index)
    found: list[dict[Unit, Sender]] = [{} for _ in instructions]
    for pair, takers in taken.items():
        signals = sent.get(pair, [])
        repeats = len(signals) == len(takers)
        for number, taker in enumerate(takers):
            before, position = divmod(number - first.get(pair, 0), max(len(signals), 1))
            if before == 0 or (repeats and before < 0):
                found[taker][pair[0]] = signals[position], -before
    return found


def wait_causes(
    instructions: Sequence[Instruction], credits: Sequence[Credit], accumulator_bits: int
) -> list[dict[Unit, str]]:
    """For each instruction and each unit that it waits for, the name of the stall that the token ends.

    A token is for data if the sender has written what the taker reads; where the taker only overwrites what the
    sender has touched, it is for space in that memory.
    """
    touched = [accesses(instruction, accumulator_bits) for instruction in instructions]
    found: list[dict[Unit, str]] = []
    for instruction, own, sources in zip(instructions, touched, senders(instructions, credits), strict=True):
        causes = {source: token_stall(source) for source in members(instruction.wait)}
        for source, (sender, executions) in sources.items():
            space = _space(own, _shared(touched[sender]) if executions else touched[sender])
            if space is not None:
                causes[source] = buffer_stall(space)
        found.append(causes)
    return found


def _shared(touched: Sequence[Access]) -> list[Access]:
    """What the next execution touches, too: behind the constants, which nobody writes, each has a DRAM of its own."""
    return [access for access in touched if access.memory is not Memory.DRAM]


def _space(own: Sequence[Access], sender: Sequence[Access]) -> Access | None:
    """The access of the taker that overwrites what the sender touches; None if there is none, or data pass between."""
    if any(written.written and not read.written and _overlap(written, read) for written in sender for read in own):
        return None
    for access in own:
        if access.written and any(_overlap(access, other) for other in sender):
            return access
    return None


def _overlap(one: Access, other: Access) -> bool:
    """Whether two accesses have a byte in common."""
    start, end = max(one.address, other.address), min(one.end, other.end)
    if one.memory is not other.memory or start >= end:
        return False
    if all(access.size == access.end - access.address for access in (one, other)):
        return True
    low = min(one.address, other.address)
    touched = np.zeros(max(one.end, other.end) - low, np.bool_)
    replace(one, address=one.address - low).view(touched)[...] = True
    return bool(replace(other, address=other.address - low).view(touched).any())
