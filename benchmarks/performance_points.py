"""What is measured for docs/performance.md: networks, how they are quantized, and the hardware they run on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cache
from itertools import product
from math import ceil
from typing import Any

from paper_networks import NETWORKS

from pqc.numerics.grouping import Grouping
from pqc.passes.options import PqOptions
from pqc.planning.lane_search import Overlap, Workload, best_lanes
from pqc.planning.paper_model import AreaRule, Lanes, PqLayer
from pqc.planning.target import Target, load_target

PRESETS = {"DDR": "pqa", "HBM": "pqa-hbm"}
"""The installed target with each memory, at 32 output and 16 subspace lanes."""

ALIGNMENT = 16
"""Bytes that regions of a buffer, and its size, are multiples of."""

PARAMETERS = (4, 8)
"""Bytes of bias and of requantization parameters for each output; both lie in the table buffer."""

CONVENTIONAL_BYTES = 4096
"""More than enough for weights and parameters of a paper network's conventional layers, which share that buffer."""


@dataclass(frozen=True, order=True)
class Configuration:
    """A network of the paper, and how it is product-quantized."""

    network: str
    prototypes: int
    length: int
    prototype_bits: int
    table_bits: int
    grouping: Grouping = Grouping.WINDOW

    @property
    def options(self) -> PqOptions:
        """The same as options of the compiler; all convolutions that the paper counts are product-quantized."""
        return PqOptions(
            prototypes=self.prototypes,
            length=self.length,
            prototype_bits=self.prototype_bits,
            table_bits=self.table_bits,
            grouping=self.grouping.value,
            include=NETWORKS[self.network].include,
        )

    @property
    def label(self) -> str:
        """Prototypes, length and grouping, as tables show them."""
        return f"{self.prototypes}/{self.length}{'' if self.grouping is Grouping.WINDOW else ' by channel'}"

    @property
    def bits(self) -> str:
        """Bits of prototypes and tables, as tables show them."""
        return f"{self.prototype_bits}/{self.table_bits}"


@dataclass(frozen=True)
class Hardware:
    """Lanes and external memory, which are all that the paper's model looks at."""

    memory: str
    lanes: Lanes

    def target(self, table_kib: float, codebook_kib: float) -> Target:
        """A target with these lanes, as many vector lanes as outputs, and these buffers."""
        lanes = self.lanes
        settings = {
            "encode.subspace_lanes": lanes.encode_subspace,
            "encode.prototype_lanes": lanes.prototype,
            "encode.length_lanes": lanes.length,
            "lookup.output_lanes": lanes.output,
            "lookup.subspace_lanes": lanes.lookup_subspace,
            "vector.lanes": lanes.output,
            "buffers.table": table_kib,
            "buffers.codebook": codebook_kib,
        }
        return load_target(PRESETS[self.memory], [f"{key}={value}" for key, value in settings.items()])


@dataclass(frozen=True)
class Point:
    """One measurement: a configuration on hardware with buffers of these sizes."""

    configuration: Configuration
    hardware: Hardware
    table_kib: float
    codebook_kib: float

    @property
    def target(self) -> Target:
        """What is compiled for."""
        return self.hardware.target(self.table_kib, self.codebook_kib)

    def as_json(self) -> dict[str, Any]:
        """The point as plain JSON values; equal points give equal values."""
        return asdict(self)


class Room(Enum):
    """For whose prototypes and tables the buffers have room."""

    TWO_LAYERS = "twice the largest layer"
    ALL_LAYERS = "all layers"


def buffers(layers: tuple[PqLayer, ...], room: Room) -> tuple[float, float]:
    """KiB of table and codebook buffer; biases and requantization parameters need room beside the tables."""
    tables = [_table_bytes(layer) for layer in layers]
    codebooks = [_aligned(ceil(layer.codebook_entries * layer.prototype_bits / 8)) for layer in layers]
    if room is Room.TWO_LAYERS:
        return 2 * max(tables) / 1024, 2 * max(codebooks) / 1024
    return (sum(tables) + CONVENTIONAL_BYTES) / 1024, sum(codebooks) / 1024


def _table_bytes(layer: PqLayer) -> int:
    """The layer's part of the table buffer: table, parameters, and what padding reads: a code for each codebook."""
    regions = [ceil(layer.table_entries * layer.table_bits / 8), 2 * layer.codebooks]
    return sum(_aligned(size) for size in (*regions, *(size * layer.outputs for size in PARAMETERS)))


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


SWEEP = (
    *[
        Configuration("ResNet-20", prototypes, length, 8, 16)
        for prototypes, length in ((64, 3), (64, 9), (16, 9), (8, 9))
    ],
    *[Configuration("ResNet-20", *pq, 6, 5) for pq in ((16, 9), (8, 9))],
    *[Configuration("kws", *pq, *bits) for bits in ((8, 16), (2, 6)) for pq in ((16, 4), (8, 8))],
    *[Configuration("EMNIST", *pq, *bits) for bits in ((8, 16), (5, 5)) for pq in ((12, 4), (8, 8))],
)
"""The configurations of the paper's sweep."""


def sweep_hardware(configuration: Configuration) -> Iterator[Hardware]:
    """The hardware of the paper's sweep: lanes for prototypes and lengths are no more than a configuration uses."""
    length, prototypes = min(16, configuration.length), min(16, configuration.prototypes)
    for memory, output, subspace in product(PRESETS, (32, 64), (16, 32, 64)):
        yield Hardware(memory, Lanes(output, subspace, subspace, length, prototypes))


FIXED_BUFFERS = Configuration("ResNet-20", 16, 9, 8, 16)
"""On the paper's smallest hardware with DDR, measured with table buffers of ``FIXED_TABLE_KIB`` too."""

FIXED_TABLE_KIB = {560: 12_000, 274: 14_600}
"""Table buffers in KiB, and the cycles that are promised for them."""

PAPER_POINTS = tuple(
    Configuration("ResNet-20", prototypes, 9, *bits) for prototypes in (16, 8) for bits in ((8, 16), (6, 5))
)
"""Compared by performance per area on the paper's smallest hardware."""

GROUPED_POINTS = tuple(
    Configuration("ResNet-20", *pq, *bits, Grouping.CHANNEL)
    for pq in ((32, 8), (16, 4))
    for bits in ((8, 16), (8, 8), (6, 5))
)
"""Compared by performance per area on the lanes that are best for them."""


@cache
def area_hardware(configuration: Configuration, memory: str, rule: AreaRule, work: Workload) -> Hardware:
    """The lanes that a configuration is compared with: the paper's, or with channel grouping the best by ``rule``."""
    if configuration.grouping is Grouping.WINDOW:
        return next(hardware for hardware in sweep_hardware(configuration) if hardware.memory == memory)
    return Hardware(memory, best_lanes(work, rule, Overlap.NETWORK).lanes)
