"""Random legal orders that find what is not ordered.

Choosing evenly among what can start stays close to program order, and an instruction that a token should have held
back seldom overtakes the one it conflicts with. So priorities are drawn instead, and the highest goes first: whatever
has a low one is kept back as long as anything else can go on without it. One half of the orders draws a priority for
each step. The other half draws one for each unit and lowers it at a few random moments: Burckhardt et al., "A
randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010.
"""

from __future__ import annotations

import numpy as np

from pqc.interpreter.queues import UNITS, Queues, execute_queues

CHANGES = 3
"""How often a unit's priority is lowered in one order."""


def random_order(queues: Queues, rng: np.random.Generator) -> list[int]:
    """A random legal order of all steps of ``queues``, which are at the start; it executes them."""
    return _by_step(queues, rng) if rng.random() < 0.5 else _by_unit(queues, rng)


def _by_step(queues: Queues, rng: np.random.Generator) -> list[int]:
    priority = rng.random(queues.steps)
    return execute_queues(queues, lambda ready: max(ready, key=lambda step: priority[step]))


def _by_unit(queues: Queues, rng: np.random.Generator) -> list[int]:
    priority = dict(zip(UNITS, rng.random(len(UNITS)), strict=True))
    moments = set(rng.integers(0, max(1, queues.steps), CHANGES).tolist())
    taken = 0

    def choose(ready: list[int]) -> int:
        nonlocal taken
        if taken in moments:
            highest = max(ready, key=lambda step: priority[queues.instruction(step).unit])
            priority[queues.instruction(highest).unit] = min(priority.values()) - 1
        taken += 1
        return max(ready, key=lambda step: priority[queues.instruction(step).unit])

    return execute_queues(queues, choose)
