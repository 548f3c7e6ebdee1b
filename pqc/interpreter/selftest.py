"""The self-test of a program file: inputs that follow from a seed alone, and the digest of the outputs.

The inputs come from SHAKE-256, not from a random number generator of a library, so that they stay the same for
every version of every library and a program file can be checked for as long as it exists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element


class InputTensor(Protocol):
    """What the self-test must know of an input; a program's tensors are of this kind."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape without the frames."""
        ...

    @property
    def element(self) -> Element:
        """Its integer element type."""
        ...


def self_test_inputs(program_inputs: Sequence[InputTensor], seed: int, frames: int) -> dict[str, IntArray]:
    """Inputs in which every integer of the element type is equally likely.

    Args:
        program_inputs: the inputs of the program.
        seed: equal seeds give equal inputs.
        frames: how many frames; the first ones do not depend on this.

    Returns:
        By input name an array [frames, *shape] in the storage type of the input's elements.
    """
    inputs: dict[str, IntArray] = {}
    for tensor in program_inputs:
        shape = (frames, *tensor.shape)
        size = int(np.prod(shape, dtype=np.int64))
        stream = hashlib.shake_256(f"pqc self-test {seed} {tensor.name}".encode())
        draws = np.frombuffer(stream.digest(2 * size), "<u2").astype(np.int64)
        # The lowest bits, shifted to the range of the type: two's complement if it is signed.
        element = tensor.element
        values = (draws & ((1 << element.bits) - 1)) + element.minimum
        inputs[tensor.name] = values.astype(element.storage).reshape(shape)
    return inputs


def digest(outputs: Mapping[str, IntArray]) -> str:
    """SHA-256, in hexadecimal, over names, shapes and values of integer outputs; their numpy types do not matter."""
    found = hashlib.sha256()
    for name in sorted(outputs):
        values = np.asarray(outputs[name])
        found.update(f"{name}\0{list(values.shape)}\0".encode())
        found.update(np.ascontiguousarray(values, "<i8").tobytes())
    return found.hexdigest()
