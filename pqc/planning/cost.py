"""What a way to cut a layer costs: its transfers and computation, and what is lost between layers."""

from __future__ import annotations

from typing import TypeAlias

from pqc.isa.fields import Memory
from pqc.planning.cut import Choice
from pqc.planning.problem import BUFFERS, Problem
from pqc.planning.tiles import axis_tiles

Cost: TypeAlias = tuple[int, int, int]
"""Cycles, DRAM bytes, steps."""

SHORT_LAYER = 12
"""One part in so many of a tile's finish counts even if the layer itself hides it: what follows may be too short to.

Over the paper's sweep 4 and 8 gave more and smaller tiles without fewer cycles, and without it two points of EMNIST
were more than 2 % above their bound.
"""


def cost_of(problem: Problem, choice: Choice) -> Cost:
    """Cycles, DRAM bytes and steps.

    Layers overlap, so that any unit may turn out to be the one that all wait for: the cycles of transfers and of
    computation both count. Where they cannot overlap for want of room, the shorter one counts twice. A step costs
    a cycle, because a lookup starts one column behind its encode.
    """
    cut, target = choice.cut, problem.target
    tiles = problem.map_tiles(choice)
    moved = _traffic(problem, choice, tiles)
    steps = tiles * cut.output_blocks * cut.input_blocks
    transfer = -(-8 * moved // target.bits_per_cycle) + steps * target.dram.latency_cycles
    positions = problem.frames * problem.shape.rows * problem.shape.columns
    compute = (cut.kept_cycles if choice.keep_codes else cut.column_cycles) * positions
    lost = _recycling(problem, choice) + _handover(problem, choice, tiles) + steps
    if choice.keep_codes and not problem.code_map:
        # the first lookup waits for a tile of codes, and the last pass encodes nothing for most of its lookups
        lost += choice.rows * choice.columns * (1 + choice.tiles * cut.later_cycles)
    if not _overlaps(problem, choice, tiles):
        lost += min(transfer, compute)
    return transfer + compute + lost, moved, steps


def _traffic(problem: Problem, choice: Choice, tiles: int) -> int:
    """DRAM bytes moved."""
    shape, cut = problem.shape, choice.cut
    turns = -(-tiles // choice.tiles)
    again = 1 if choice.resident else turns
    blocks = 1 if choice.keep_codes else cut.output_blocks
    codebooks = 1 if cut.codebooks_stay else again * blocks
    rows = axis_tiles(shape.window, 0, shape.height, shape.rows, choice.rows)
    columns = axis_tiles(shape.window, 1, shape.width, shape.columns, choice.columns)
    slab = sum(tile.source.size for tile in rows) * sum(tile.source.size for tile in columns)
    positions = shape.rows * shape.columns
    return (
        cut.table_traffic * again
        + cut.codebook_traffic * codebooks
        + problem.frames * slab * cut.slab_channels * blocks * shape.source_bytes
        + problem.frames * shape.outputs * positions * (shape.residual_bytes + shape.destination_bytes)
    )


def _overlaps(problem: Problem, choice: Choice, tiles: int) -> bool:
    """Whether there is room to load, compute and finish at a time: for two of whatever comes and goes."""
    needs = problem.needs(choice)
    stay = choice.resident or choice.cut.codebooks_stay
    twice = (True, not stay, not choice.resident, choice.tiles == 1)
    if tiles * choice.cut.input_blocks * choice.cut.output_blocks == 1:
        return True
    return all(
        need * (1 + double) <= problem.capacity(memory)
        for memory, need, double in zip(BUFFERS, needs, twice, strict=True)
    )


def _recycling(problem: Problem, choice: Choice) -> int:
    """Cycles lost because the place of a table is free only when all tiles are through with it.

    The buffer holds whole blocks, and loads run ahead by all but the one in use. The part of the buffer that is
    left does not help: as far as it is not spare, it delays that part of the layer's load, or of the first load that
    fills the buffer where that is less.
    """
    cut, capacity = choice.cut, problem.capacity(Memory.TABLE)
    held = (cut.all_table_bytes if choice.resident else cut.table_bytes) + cut.parameter_bytes
    idle = max(0, capacity - max(capacity // max(held, 1) - 1, 0) * held - problem.spare)
    load = -(-8 * min(cut.table_traffic, capacity) // problem.target.bits_per_cycle)
    return load * min(idle, capacity) // capacity


def _handover(problem: Problem, choice: Choice, tiles: int) -> int:
    """Cycles that the next layer waits for the last tile to leave the accumulators.

    It waits for it in its last but one tile. Until then it has computed all others, and if it is strided, at a
    quarter of this layer's pace.
    """
    positions = choice.rows * choice.columns
    cut = choice.cut
    compute = cut.column_cycles * positions // (cut.input_blocks * cut.output_blocks)
    finish = -(-cut.outputs * positions // problem.target.vector.lanes)
    # a short layer behind a long one has less to do meanwhile
    lost = max(0, finish - max(tiles - 2, 0) * compute // 4) + finish // SHORT_LAYER
    if choice.rows == problem.shape.rows:
        # a tile sees all rows, so that it waits for the last tile of the layer before, a quarter of its map
        lost += -(-problem.shape.outputs * positions // problem.target.vector.lanes) // 4
    return lost
