"""The search that all layers share: which cut of a layer fits the buffers and costs the fewest cycles.

The space is all combinations of block sizes, tile sizes, tiles a pass and what stays on chip. Sizes of blocks are
whole numbers of lanes, doubled from one to the next, and all that there is; sizes of tiles are those that cut the map
in different numbers of pieces. The best choice of that space is found: what is left out cannot be better, because its
compute cycles alone exceed the best cost so far.
"""

from __future__ import annotations

from collections.abc import Iterator

from pqc.errors import ModelError
from pqc.planning.cost import Cost, cost_of
from pqc.planning.cut import PIECES, Choice, Cut, block_sizes, even, largest, piece_sizes
from pqc.planning.problem import BUFFERS, Problem, check_window
from pqc.planning.tiles import COUNT_LIMIT, DoesNotFitError


def solve(problem: Problem) -> Choice:
    """The cheapest choice.

    Raises:
        DoesNotFitError: not even the smallest tile fits.
        ModelError: the layer has a size that no instruction can hold.
    """
    check_window(problem.shape)
    best: tuple[Cost, Choice] | None = None
    for cut in _cuts(problem):
        if best is not None and _bound(problem, cut) > best[0][0]:
            continue
        for choice in _choices(problem, cut):
            cost = cost_of(problem, choice)
            if best is None or cost < best[0]:
                best = cost, choice
    if best is not None:
        return best[1]
    columns = problem.shape.columns if problem.code_map else 1
    needs = problem.needs(Choice(problem.cut(1, 1), 1, columns, 1, resident=False, keep_codes=problem.code_map))
    for memory, need in zip(BUFFERS, needs, strict=True):
        if need > problem.capacity(memory):
            raise DoesNotFitError(memory, need, problem.capacity(memory))
    raise ModelError(f"a tile of one output position has a count above {COUNT_LIMIT}, which no instruction holds")


def _bound(problem: Problem, cut: Cut) -> int:
    """No choice with this cut takes fewer cycles."""
    cycles = min(cut.column_cycles, cut.kept_cycles) if cut.code_bytes else cut.column_cycles
    return cycles * problem.frames * problem.shape.rows * problem.shape.columns


def _cuts(problem: Problem) -> Iterator[Cut]:
    """Pairs of block sizes, large ones first."""
    for m in block_sizes(problem.outer, problem.outer_step):
        for n in block_sizes(problem.inner, problem.inner_step):
            yield problem.cut(m, n)


def _choices(problem: Problem, cut: Cut) -> Iterator[Choice]:
    """Everything that fits with a cut of outputs and inputs."""
    for resident in (False, True):
        for keep_codes in _code_choices(problem, cut):
            for columns in _column_sizes(problem, cut):
                yield from _tilings(problem, cut, columns, resident, keep_codes)


def _code_choices(problem: Problem, cut: Cut) -> tuple[bool, ...]:
    """Whether codes are kept: a map of codes always, codes of windows only if another block of outputs follows."""
    if problem.code_map:
        return (True,)
    return (False, True) if cut.code_bytes and cut.output_blocks > 1 else (False,)


def _column_sizes(problem: Problem, cut: Cut) -> list[int]:
    """Columns of a tile: whole rows where one row fits, else what fits; maps of few rows may be cut in columns."""

    def one(columns: int) -> Choice:
        return Choice(cut, 1, columns, 1, resident=False, keep_codes=problem.code_map)

    if problem.code_map or (problem.shape.rows >= PIECES and problem.fits(one(problem.shape.columns))):
        return [problem.shape.columns]
    return piece_sizes(problem.shape.columns, largest(problem.shape.columns, lambda n: problem.fits(one(n))))


def _tilings(problem: Problem, cut: Cut, columns: int, resident: bool, keep_codes: bool) -> Iterator[Choice]:
    def one(rows: int, tiles: int = 1) -> Choice:
        return Choice(cut, rows, columns, tiles, resident, keep_codes)

    most = largest(problem.shape.rows, lambda n: problem.fits(one(n)))
    for rows in piece_sizes(problem.shape.rows, most):
        total = problem.map_tiles(one(rows))
        tiles = largest(total, lambda n, rows=rows: problem.fits(one(rows, n)))
        if tiles and not (resident and tiles == total):
            yield one(rows, even(total, tiles))
