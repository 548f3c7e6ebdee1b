"""How a layer of one's own network is product-quantized."""

from __future__ import annotations

from dataclasses import dataclass

from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Grouping
from pqc.option_rules import check_choice, check_ranges

RANGES = {
    "prototypes": (2, 4096),
    "length": (1, 1024),
    "prototype_bits": (2, 8),
    "table_bits": (2, 16),
    "activation_bits": (2, 16),
    "accumulator_bits": (8, 32),
}
"""What each number may be."""


@dataclass(frozen=True)
class PqSettings:
    """The options of a layer; the machine's accumulators are those of its target, 16 bits by default."""

    prototypes: int = 16
    length: int = 9
    grouping: str = "window"
    metric: str = "l2"
    prototype_bits: int = 8
    table_bits: int = 8
    activation_bits: int = 8
    accumulator_bits: int = 16

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)
        check_choice("grouping", self.grouping, Grouping)
        check_choice("metric", self.metric, (metric.name.lower() for metric in Metric))
