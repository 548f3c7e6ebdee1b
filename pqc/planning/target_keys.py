"""The target: what an accelerator has, as immutable data. Keys, units and ranges are those of its TOML file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field
from pydantic.dataclasses import dataclass

from pqc.isa.access import accumulator_bytes
from pqc.isa.fields import Memory

FORBID_EXTRA: Any = {"extra": "forbid"}

Lanes: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=4096)]
LanesOrNone: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=4096)]
PositiveFloat: TypeAlias = Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)]
Share: TypeAlias = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
KiB: TypeAlias = Annotated[float, Field(strict=True, ge=1 / 16, le=256 * 1024, multiple_of=1 / 64)]
"""A buffer size in KiB: a multiple of 16 bytes, so that every region can start at a multiple of 16."""
MetricName: TypeAlias = Literal["l2", "l1", "linf"]


@dataclass(frozen=True, config=FORBID_EXTRA)
class EncodeUnit:
    """The prototype-matching unit: lanes work in parallel, ``metrics`` are the distances it can compute."""

    subspace_lanes: Lanes
    prototype_lanes: Lanes
    length_lanes: Lanes
    metrics: Annotated[tuple[MetricName, ...], Field(min_length=1)]


@dataclass(frozen=True, config=FORBID_EXTRA)
class LookupUnit:
    """The unit that gathers table entries and accumulates them."""

    output_lanes: Lanes
    subspace_lanes: Lanes


@dataclass(frozen=True, config=FORBID_EXTRA)
class VectorUnit:
    """The unit behind the accumulators: bias, requantization, addition, clipping, pooling."""

    lanes: Lanes


@dataclass(frozen=True, config=FORBID_EXTRA)
class ConventionalUnit:
    """The multiply-accumulate unit for layers that stay unquantized; 0 lanes: there is none."""

    input_lanes: LanesOrNone
    output_lanes: LanesOrNone
    accumulator_bits: Annotated[int, Field(strict=True, ge=32, le=32)]

    @property
    def present(self) -> bool:
        """Whether the target has this unit."""
        return min(self.input_lanes, self.output_lanes) > 0


@dataclass(frozen=True, config=FORBID_EXTRA)
class Buffers:
    """On-chip memories, KiB each (fractions are allowed, in steps of 16 bytes)."""

    activation: KiB
    codebook: KiB
    table: KiB
    accumulator: KiB


@dataclass(frozen=True, config=FORBID_EXTRA)
class Dram:
    """The external memory: ``bandwidth_gb_s`` in 10^9 bytes a second, of which ``efficiency`` is usable."""

    bandwidth_gb_s: PositiveFloat
    efficiency: Share
    latency_cycles: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


@dataclass(frozen=True, config=FORBID_EXTRA)
class Target:
    """An accelerator. ``requantize``: scales change by a multiplier ("multiply") or by shifts alone ("shift")."""

    name: Annotated[str, Field(strict=True, min_length=1)]
    clock_mhz: PositiveFloat
    accumulator_bits: Annotated[int, Field(strict=True, ge=8, le=32)]
    requantize: Literal["multiply", "shift"]
    encode: EncodeUnit
    lookup: LookupUnit
    vector: VectorUnit
    conventional: ConventionalUnit
    buffers: Buffers
    dram: Dram

    @cached_property
    def bits_per_cycle(self) -> int:
        """Bits that the external memory delivers in a cycle, rounded up (paper, section on memory)."""
        # Exact fractions of the decimal figures: a float product a hair above an integer would be rounded up.
        bandwidth, efficiency, clock = (
            Fraction(str(value)) for value in (self.dram.bandwidth_gb_s, self.dram.efficiency, self.clock_mhz)
        )
        return -((-8000 * bandwidth * efficiency) // clock)

    @property
    def accumulator_bytes(self) -> int:
        """Bytes that one accumulator of the lookup unit is stored in."""
        return accumulator_bytes(self.accumulator_bits)

    def buffer_bytes(self, memory: Memory) -> int:
        """Bytes that the on-chip ``memory`` holds.

        Raises:
            ValueError: ``memory`` is the external memory, whose size the program decides.
        """
        sizes = {
            Memory.ACTIVATION: self.buffers.activation,
            Memory.CODEBOOK: self.buffers.codebook,
            Memory.TABLE: self.buffers.table,
            Memory.ACCUMULATOR: self.buffers.accumulator,
        }
        if memory not in sizes:
            raise ValueError(f"{memory.name.lower()} is not an on-chip memory")
        return int(sizes[memory] * 1024)

    def as_dict(self) -> dict[str, Any]:
        """The keys of the TOML file as plain dicts, lists, strings and numbers, ready for JSON."""
        plain = dataclasses.asdict(self)
        plain["encode"]["metrics"] = list(self.encode.metrics)
        return plain

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of the target's canonical JSON."""
        canonical = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
