"""How a layer is cut so that one tile's working set fits the target's buffers.

A working set holds, each region aligned to ALIGNMENT bytes:

* activation: the slab, the residual tile and the result tile, as far as the tensors are not on chip whole, and the
  codes that are kept;
* codebook: one packed block [subspaces][prototypes][length], or all of them;
* table: one packed block of tables [subspaces][prototypes][outputs] or weights, or all of them; the bias (4 bytes an
  output) and the requantization parameters (8 bytes an output);
* accumulator: [outputs][positions of the tile] for each tile of a pass.
"""

from __future__ import annotations

from pqc.planning.convolution_plan import (
    ConvolutionPlan,
    OutputBlock,
    check_convolution,
    plan_convolution,
    search_convolution,
)
from pqc.planning.lookup_plan import (
    LookupPlan,
    PqShape,
    SubspaceBlock,
    check_lookup,
    codebook_loads,
    codebooks_stay,
    group_blocks,
    plan_lookup,
    search_lookup,
)
from pqc.planning.nest import Nest, Step, walk
from pqc.planning.tiles import ALIGNMENT, DoesNotFitError, LayerShape, MapTile, Span, aligned, map_tiles
from pqc.planning.vector_plan import MoveBlock, PoolPlan, plan_move, plan_pool, planes_of_tables, within_planes

__all__ = [
    "ALIGNMENT",
    "ConvolutionPlan",
    "DoesNotFitError",
    "LayerShape",
    "LookupPlan",
    "MapTile",
    "MoveBlock",
    "Nest",
    "OutputBlock",
    "PoolPlan",
    "PqShape",
    "Span",
    "Step",
    "SubspaceBlock",
    "aligned",
    "check_convolution",
    "check_lookup",
    "codebook_loads",
    "codebooks_stay",
    "group_blocks",
    "map_tiles",
    "plan_convolution",
    "plan_lookup",
    "plan_move",
    "plan_pool",
    "planes_of_tables",
    "search_convolution",
    "search_lookup",
    "walk",
    "within_planes",
]
