"""Small programs written by hand, for tests of the machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from support.tiles import dense

from pqc.isa.access import accumulator_bytes
from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo
from pqc.isa.instructions import Encode, Load, Lookup, Requantize, Storage, Store
from pqc.isa.parameters import pack_parameters
from pqc.isa.program import Program, Tensor
from pqc.isa.records import Credits
from pqc.numerics.arrays import IntArray
from pqc.numerics.encode import Metric
from pqc.numerics.packing import pack
from pqc.planning.target import Target, target_from_dict

TARGET: dict[str, float | str] = {
    "name": "test",
    "clock_mhz": 300.0,
    "accumulator_bits": 16,
    "requantize": "multiply",
}
SECTIONS: dict[str, dict[str, Any]] = {
    "encode": {"subspace_lanes": 16, "prototype_lanes": 16, "length_lanes": 16, "metrics": ["l2", "l1"]},
    "lookup": {"output_lanes": 32, "subspace_lanes": 16},
    "vector": {"lanes": 32},
    "conventional": {"input_lanes": 8, "output_lanes": 8, "accumulator_bits": 32},
    "buffers": {"activation": 4.0, "codebook": 1.0, "table": 2.0, "accumulator": 2.0},
    "dram": {"bandwidth_gb_s": 35.2, "efficiency": 0.8, "latency_cycles": 0},
}


def target(accumulator_bits: int = 16, **sections: dict[str, Any]) -> Target:
    """The test target, with other keys in some sections."""
    changed = {name: {**keys, **sections.get(name, {})} for name, keys in SECTIONS.items()}
    return target_from_dict({**TARGET, "accumulator_bits": accumulator_bits, **changed})


def mask(*units: Unit) -> int:
    return sum(1 << unit for unit in units)


def tensor(name: str, shape: tuple[int, ...], address: int, bits: int = 8, *, signed: bool = False) -> Tensor:
    return Tensor(name, shape, bits, signed, 1.0, address)


def chain(instructions: Iterable[Instruction]) -> tuple[Instruction, ...]:
    """Tokens that execute the instructions one after the other; a lookup follows its encode through the FIFO."""
    done: list[Instruction] = []
    for instruction in instructions:
        before = done[-1] if done else None
        follows = before is not None and sends_to_fifo(before) and takes_from_fifo(instruction)
        if before is None or follows or before.unit is instruction.unit:
            done.append(instruction)
            continue
        done[-1] = replace(before, signal=before.signal | mask(instruction.unit))
        done.append(replace(instruction, wait=instruction.wait | mask(before.unit)))
    return tuple(done)


def closed(instructions: Sequence[Instruction]) -> tuple[tuple[Instruction, ...], Credits]:
    """A chain whose next execution begins when the last instruction is done, and the tokens at its start."""
    first, last = instructions[0].unit, instructions[-1].unit
    if first is last:
        return tuple(instructions), ()
    ends = list(instructions)
    ends[0] = replace(ends[0], wait=ends[0].wait | mask(last))
    ends[-1] = replace(ends[-1], signal=ends[-1].signal | mask(first))
    return tuple(ends), ((last, first, 1),)


def load(
    dram: int, buffer: Memory, address: int, size: int, *, wait: int = 0, signal: int = 0, entry_bits: int = 8
) -> Load:
    """A contiguous load."""
    return Load(
        wait, signal, dram=dram, buffer=buffer, address=address, item_bytes=size, items=1, rows=1, planes=1,
        dram_item_stride=0, dram_row_stride=0, dram_plane_stride=0, item_stride=0, row_stride=0, plane_stride=0,
        entry_bits=entry_bits,
    )  # fmt: skip


def store(dram: int, address: int, size: int, *, wait: int = 0, signal: int = 0) -> Store:
    """A contiguous store."""
    return Store(
        wait, signal, dram=dram, address=address, item_bytes=size, items=1, rows=1, planes=1,
        dram_item_stride=0, dram_row_stride=0, dram_plane_stride=0, item_stride=0, row_stride=0, plane_stride=0,
    )  # fmt: skip


@dataclass(frozen=True)
class PqLayer:
    """A 3x3 convolution with stride 1 and padding 1 as product quantization, one subspace a channel."""

    channels: int
    outputs: int
    size: int
    codebook: IntArray
    table: IntArray
    bias: IntArray
    multiplier: IntArray
    shift: IntArray

    @classmethod
    def random(cls, rng: np.random.Generator, channels: int, outputs: int, size: int, prototypes: int = 16) -> PqLayer:
        return cls(
            channels,
            outputs,
            size,
            rng.integers(0, 256, (channels, prototypes, 9)),
            rng.integers(-100, 100, (channels, prototypes, outputs)),
            rng.integers(-500, 500, outputs),
            rng.integers(1 << 14, 1 << 15, outputs),
            rng.integers(17, 20, outputs),
        )

    @property
    def columns(self) -> int:
        return self.size * self.size

    def encode(self, source: int, codebook: int) -> Encode:
        made = Encode(
            0, 0, source=source, storage=Storage.U8, channels=self.channels, height=self.size, width=self.size,
            plane_stride=0, row_stride=0,
            kernel_height=3, kernel_width=3, stride_height=1, stride_width=1, dilation_height=1, dilation_width=1,
            pad_top=1, pad_left=1, output_rows=self.size, output_columns=self.size, codebook=codebook,
            first_element=0, subspaces=self.channels, prototypes=self.codebook.shape[1], length=9, prototype_bits=8,
            prototype_signed=0, shift=0, metric=Metric.L2, to_buffer=0, destination=0, code_storage=Storage.U8,
            code_plane_stride=0, code_row_stride=0, shared_codebook=0, spanned=0, kept=0,
        )  # fmt: skip
        return dense(made)

    def lookup(self, table: int, bias: int, accumulator: int) -> Lookup:
        return Lookup(
            0, 0, table=table, bias=bias, accumulator=accumulator, subspaces=self.channels,
            prototypes=self.codebook.shape[1], outputs=self.outputs, output_rows=self.size,
            output_columns=self.size, table_bits=8, first=1, from_buffer=0, codes=0, code_storage=Storage.U8, groups=0,
            height=0, width=0, plane_stride=0, row_stride=0, kernel_height=0, kernel_width=0, stride_height=0,
            stride_width=0, dilation_height=0, dilation_width=0, pad_top=0, pad_left=0, padding=0, first_subspace=0,
        )  # fmt: skip

    def requantize(self, accumulator: int, parameters: int, destination: int) -> Requantize:
        made = Requantize(
            0, 0, accumulator=accumulator, wide=0, outputs=self.outputs, rows=self.size, columns=self.size,
            parameters=parameters, residual=0, has_residual=0, residual_storage=Storage.U8, residual_plane_stride=0,
            residual_row_stride=0, destination=destination, destination_storage=Storage.U8,
            destination_plane_stride=0, destination_row_stride=0, low=0, high=255,
        )  # fmt: skip
        return dense(made)


@dataclass
class Builder:
    """Lays out constants and tensors and collects instructions, without tokens."""

    target: Target
    constants: bytearray = field(default_factory=bytearray)
    instructions: list[Instruction] = field(default_factory=list[Instruction])
    nodes: list[str] = field(default_factory=list[str])

    def constant(self, data: bytes) -> int:
        address = len(self.constants)
        self.constants += data
        return address

    def add(self, node: str, *instructions: Instruction) -> None:
        self.instructions += instructions
        self.nodes += [node] * len(instructions)

    def layer(self, node: str, layer: PqLayer, source: int, destination: int) -> None:
        """Load, encode, look up, requantize, store: the layer's input and output lie at these DRAM addresses."""
        codebook = bytes(pack(layer.codebook, 8))
        tables = bytes(pack(layer.table, 8))
        bias = layer.bias.astype("<i4").tobytes()
        parameters = pack_parameters(layer.multiplier, layer.shift)
        moved = layer.channels * layer.columns, layer.outputs * layer.columns
        if accumulator_bytes(self.target.accumulator_bits) * moved[1] > self.target.buffer_bytes(Memory.ACCUMULATOR):
            raise ValueError("the accumulators of the layer do not fit")
        at = len(tables), len(tables) + len(bias)
        self.add(
            node,
            load(source, Memory.ACTIVATION, 0, moved[0]),
            load(self.constant(codebook), Memory.CODEBOOK, 0, len(codebook)),
            load(self.constant(tables), Memory.TABLE, 0, len(tables)),
            load(self.constant(bias), Memory.TABLE, at[0], len(bias), entry_bits=32),
            load(self.constant(parameters), Memory.TABLE, at[1], len(parameters), entry_bits=32),
            layer.encode(0, 0),
            layer.lookup(0, at[0], 0),
            layer.requantize(0, at[1], moved[0]),
            store(destination, moved[0], moved[1]),
        )


def program_of(
    instructions: Sequence[Instruction],
    *,
    of: Target | None = None,
    constants: bytes = b"",
    dram_bytes: int = 0,
    inputs: Sequence[Tensor] = (),
    outputs: Sequence[Tensor] = (),
    nodes: Sequence[str] = (),
    batch: int = 1,
    credits: Credits = (),
) -> Program:
    return Program(
        target=(of or target()).as_dict(),
        instructions=tuple(instructions),
        nodes=tuple(nodes) or tuple(f"node{index}" for index in range(len(instructions))),
        constants=constants,
        dram_bytes=dram_bytes,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        provenance={},
        self_test=None,
        batch=batch,
        credits=credits,
    )


def pq_program(layers: Sequence[PqLayer], of: Target | None = None) -> Program:
    """A chain of layers from input ``x`` to output ``y``, all unsigned 8-bit, one layer after the other."""
    builder = Builder(of or target())
    sizes = [layers[0].channels * layers[0].columns, *(layer.outputs * layer.columns for layer in layers)]
    per_layer = [layer.codebook.size + layer.table.size + 4 * layer.outputs + 8 * layer.outputs for layer in layers]
    base = sum(per_layer)
    starts = [base + sum(sizes[:index]) for index in range(len(sizes))]
    for index, layer in enumerate(layers):
        builder.layer(f"layer{index}", layer, starts[index], starts[index + 1])
    first, last = layers[0], layers[-1]
    instructions, credits = closed(chain(builder.instructions))
    return program_of(
        instructions,
        credits=credits,
        of=builder.target,
        constants=bytes(builder.constants),
        dram_bytes=base + sum(sizes),
        inputs=[tensor("x", (first.channels, first.size, first.size), starts[0])],
        outputs=[tensor("y", (last.outputs, last.size, last.size), starts[-1])],
        nodes=builder.nodes,
    )
