"""A table that has been fitted but not rounded yet, and all that rounding it well takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.bias import correct_bias
from pqc.codebook.rounding import Curvature, round_table
from pqc.codebook.table import QuantizedTable, quantize_table
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.lookup import lookup

Float64: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TableFit:
    """The result of the refit of one layer."""

    table: FloatArray
    """[subspaces, prototypes, outputs], real."""
    bias: FloatArray
    """[outputs], real."""
    curvature: Curvature | None
    """What errors in the table cost; None where the layer is too large to know that."""
    codes: IntArray
    """[positions, subspaces]: what the layer sees."""
    times: IntArray
    """[positions]: how often it sees that."""
    mean: Float64
    """[outputs]: what it should give, on average."""
    accumulator_bits: int
    power_of_two_of: float | None
    """The scale of the tensor the sums end up in, on a target that only shifts."""

    def rounded(self, table_bits: int) -> QuantizedTable:
        """The table in integers of so many bits, and the bias with what rounding adds on average taken off.

        Raises:
            ModelError: there is no grid for the table.
        """
        form = (table_bits, self.accumulator_bits, self.power_of_two_of)
        if self.curvature is None:
            quantized = quantize_table(self.table, self.bias, *form)
        else:
            quantized = round_table(self.table, self.bias, self.curvature, *form)
        sums = lookup(self.codes.T[None], quantized.table, quantized.bias[:, None], self.accumulator_bits)[0].T
        missing = self.mean - self.times @ sums / self.times.sum() * quantized.scale
        return correct_bias(quantized, missing, self.accumulator_bits)
