"""How a layer is cut so that one tile's working set fits the target's buffers.

Every plan names the nest that its layer runs as, from the outermost loop inwards: blocks of outputs, map tiles, blocks
of inputs that accumulate. A working set holds, each region aligned to ALIGNMENT bytes:

* activation: the slab, the residual tile and the result tile;
* codebook: one packed block [subspaces][prototypes][length];
* table: one packed block of tables [subspaces][prototypes][outputs] or weights, the bias (4 bytes an output) and the
  requantization parameters (8 bytes an output);
* accumulator: [outputs][positions of the tile].
"""

from __future__ import annotations

from pqc.planning.convolution_plan import ConvolutionPlan, OutputBlock, plan_convolution
from pqc.planning.lookup_plan import LookupPlan, PqShape, SubspaceBlock, plan_lookup
from pqc.planning.tiles import ALIGNMENT, DoesNotFitError, LayerShape, MapTile, Span, aligned, map_tiles
from pqc.planning.vector_plan import MoveBlock, PoolPlan, plan_elementwise, plan_move, plan_pool

__all__ = [
    "ALIGNMENT",
    "ConvolutionPlan",
    "DoesNotFitError",
    "LayerShape",
    "LookupPlan",
    "MapTile",
    "MoveBlock",
    "OutputBlock",
    "PoolPlan",
    "PqShape",
    "Span",
    "SubspaceBlock",
    "aligned",
    "map_tiles",
    "plan_convolution",
    "plan_elementwise",
    "plan_lookup",
    "plan_move",
    "plan_pool",
]
