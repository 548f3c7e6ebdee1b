"""Operands in arrays of their own and random geometry, for tests of single instructions."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from pqc.interpreter.units import execute
from pqc.isa.fields import Instruction
from pqc.isa.instructions import Storage
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.requantize import Clip
from pqc.numerics.window import Window

FRAMES = 3
Bytes = npt.NDArray[np.uint8]


def integers(rng: np.random.Generator, low: int, high: int, *shape: int) -> npt.NDArray[np.int64]:
    """Integers in [low, high)."""
    return rng.integers(low, high, shape)


seeds = st.integers(0, 1 << 32).map(np.random.default_rng)
storages = st.sampled_from(list(Storage))
CHANNELS = st.integers(1, 4)


@dataclass
class Memories:
    """Operands in arrays of their own, at odd offsets, with bytes behind them that must not change."""

    fields: dict[str, Bytes] = field(default_factory=dict[str, Bytes])

    def bytes(self, field: str) -> Bytes:
        return self.fields[field][:, 3:]

    def put(self, name: str, values: AnyArray) -> None:
        """``values`` [frames or 1, ...] at the start of the field."""
        data = np.ascontiguousarray(values).view(np.uint8).reshape(values.shape[0], -1)
        self.fields[name] = np.pad(data, ((0, 0), (3, 5)), constant_values=0x77)

    def space(self, name: str, size: int, frames: int = FRAMES) -> None:
        self.put(name, np.full((frames, size), 0x77, np.uint8))

    def get(self, name: str, kind: npt.DTypeLike, *shape: int) -> AnyArray:
        data = self.bytes(name)
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        assert (self.fields[name][:, :3] == 0x77).all()
        assert (data[:, size:] == 0x77).all()
        return np.ascontiguousarray(data[:, :size]).view(kind).reshape(-1, *shape)


def run(
    instruction: Instruction, memory: Memories, accumulator_bits: int = 16, codes: IntArray | None = None
) -> deque[IntArray]:
    fifo: deque[IntArray] = deque() if codes is None else deque([codes])
    execute(instruction, memory, fifo, accumulator_bits)
    return fifo


def activations(rng: np.random.Generator, storage: Storage, *shape: int) -> IntArray:
    element = storage.element
    return rng.integers(element.minimum, element.maximum, shape, endpoint=True).astype(element.storage)


@dataclass(frozen=True)
class Geometry:
    channels: int
    height: int
    width: int
    window: Window
    output: tuple[int, int]

    def fields(self) -> dict[str, int]:
        window = self.window
        return {
            "channels": self.channels, "height": self.height, "width": self.width,
            "kernel_height": window.kernel[0], "kernel_width": window.kernel[1],
            "stride_height": window.strides[0], "stride_width": window.strides[1],
            "dilation_height": window.dilations[0], "dilation_width": window.dilations[1],
            "pad_top": window.pads[0], "pad_left": window.pads[1],
            "output_rows": self.output[0], "output_columns": self.output[1],
        }  # fmt: skip

    @property
    def columns(self) -> int:
        return self.output[0] * self.output[1]

    @property
    def elements(self) -> int:
        return self.channels * self.window.kernel[0] * self.window.kernel[1]


@st.composite
def geometries(draw: st.DrawFn, channels: st.SearchStrategy[int] = CHANNELS) -> Geometry:
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    pads = (draw(st.integers(0, 2)), draw(st.integers(0, 2)), 0, 0)
    return Geometry(
        draw(channels),
        draw(st.integers(1, 6)),
        draw(st.integers(1, 6)),
        Window(draw(pair), draw(pair), pads, draw(pair)),
        draw(st.tuples(st.integers(1, 5), st.integers(1, 5))),
    )


@st.composite
def clips(draw: st.DrawFn, storage: Storage) -> Clip:
    element = storage.element
    low = draw(st.integers(element.minimum, element.maximum))
    return Clip(element, low, draw(st.integers(low, element.maximum)))
