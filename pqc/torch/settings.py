"""How a layer of one's own network is product-quantized."""

from __future__ import annotations

from dataclasses import dataclass

from pqc.errors import ModelError
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Grouping

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
        for name, (low, high) in RANGES.items():
            value: int = getattr(self, name)
            if not low <= value <= high:
                raise ModelError(f"{name} = {value}, allowed are {low} to {high}")
        if self.grouping not in tuple(Grouping):
            raise ModelError(f"grouping {self.grouping!r}, allowed are {', '.join(Grouping)}")
        if self.metric not in [metric.name.lower() for metric in Metric]:
            raise ModelError(f"metric {self.metric!r}, allowed are {', '.join(m.name.lower() for m in Metric)}")
