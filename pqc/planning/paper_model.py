"""The PQA paper's analytical model: cycles and area of its accelerator and of the conventional one it compares with.

Activations, layers without PQ and everything after the accumulators are outside this model, as in the paper. Each part
states its formulas and their source.
"""

from __future__ import annotations

from pqc.planning.paper_area import CLOCK_FACTORS, AreaRule, area, area_of, dsp_blocks, performance_per_area
from pqc.planning.paper_conventional import CONVENTIONAL_AREA, KernelPasses, conventional_cycles
from pqc.planning.paper_cycles import (
    Lanes,
    PaperCycles,
    PqLayer,
    encode_cycles,
    layer_cycles,
    load_cycles,
    lookup_cycles,
    lower_bound,
    paper_sum,
    pq_cycles,
    pq_layer,
)

__all__ = [
    "CLOCK_FACTORS",
    "CONVENTIONAL_AREA",
    "AreaRule",
    "KernelPasses",
    "Lanes",
    "PaperCycles",
    "PqLayer",
    "area",
    "area_of",
    "conventional_cycles",
    "dsp_blocks",
    "encode_cycles",
    "layer_cycles",
    "load_cycles",
    "lookup_cycles",
    "lower_bound",
    "paper_sum",
    "performance_per_area",
    "pq_cycles",
    "pq_layer",
]
