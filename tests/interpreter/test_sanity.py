"""Fields that make no sense by themselves, each refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from support.instructions import smallest
from support.programs import load, target
from support.rules import CONVOLVE, POOL, change, layer_program, plain, refused
from support.tiles import row

from pqc.interpreter.sanity import complaints
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Add, Convolve, Encode, Fill, Load, Lookup, Pool, Requantize, Rescale, Storage
from pqc.numerics.encode import Metric
from pqc.planning.target import target_from_dict

ZEROS = ["item_bytes", "items", "rows", "planes"]


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        *((Load, {name: 0}, f"{name} = 0, allowed is at least 1") for name in ZEROS),
        (Encode, {"prototypes": 0}, r'instruction 5 \(encode, node "layer0"\): prototypes = 0'),
        (Encode, {"stride_width": 0}, "stride_width = 0"),
        (Encode, {"prototype_bits": 17}, "prototype_bits = 17, allowed is at most 16"),
        (Encode, {"first_element": 18}, "first_element = 18, the window has 18"),
        (Encode, {"spanned": 1}, "spanned = 1, allowed are 0 and from 2 on for 2 subspaces"),
        (Encode, {"metric": Metric.LINF}, 'metric = linf, target "test" has l2, l1'),
        (Lookup, {"table_bits": 0}, "table_bits = 0"),
        (Load, {"buffer": Memory.DRAM}, "buffer = dram, allowed are the on-chip memories"),
        (Requantize, {"low": -1}, "low = -1 and high = 255, allowed is 0 <= low <= high <= 255"),
        (Requantize, {"low": 9, "high": 8}, "low = 9 and high = 8"),
    ],
)
def test_fields_that_make_no_sense(kind: type[Instruction], fields: dict[str, Any], message: str) -> None:
    refused(change(layer_program(), kind, **fields), message)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (smallest(Convolve, **{**CONVOLVE, "groups": 3}), "groups = 3 does not divide channels = 4"),
        (smallest(Convolve, **{**CONVOLVE, "outputs": 5}), "groups = 2 does not divide outputs = 5"),
        (smallest(Convolve, **{**CONVOLVE, "weight_bits": 20}), "weight_bits = 20, allowed is at most 16"),
        (
            smallest(Convolve, **{**CONVOLVE, "channels": 40000, "kernel_height": 200}),
            "4000000 products an accumulator",
        ),
        (smallest(Add, **row(1), shift=41), "shift = 41, allowed is at most 40"),
        (smallest(Rescale, **row(1), high=300), "low = 0 and high = 300"),
        (
            smallest(Pool, **{**POOL, "kernel_height": 40000, "kernel_width": 40000}, multiplier=1 << 20),
            "leave 64 bits",
        ),
        (
            smallest(Fill, **row(1), destination_storage=Storage.S8, fill_value=128),
            "fill_value = 128, allowed is -128 to 127",
        ),
        (load(0, Memory.TABLE, 0, 4, entry_bits=0), "entry_bits = 0, allowed is at least 1 for a table"),
    ],
)
def test_more_fields_that_make_no_sense(instruction: Instruction, message: str) -> None:
    refused(plain(instruction), rf'^instruction 0 \({instruction.mnemonic}, node "node0"\): .*{message}')


def test_a_unit_that_the_target_lacks() -> None:
    without = target(conventional={"input_lanes": 0})
    refused(plain(smallest(Convolve, **CONVOLVE)), 'target "test" has no conventional unit', without)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (smallest(Rescale, **row(1), multiplier=3), "multiplier = 3"),
        (smallest(Add, **row(1), left_multiplier=1, right_multiplier=-6), "right_multiplier = -6"),
        (smallest(Pool, **{**POOL, "multiplier": 5}), "multiplier = 5"),
    ],
)
def test_a_multiplier_that_the_target_lacks(instruction: Instruction, message: str) -> None:
    shifts = target_from_dict({**target().as_dict(), "requantize": "shift"})
    refused(plain(instruction), f'{message}, target "test" has no multiplier: allowed are powers of two', shifts)


@pytest.mark.parametrize("multiplier", [0, 1, -1, 64, -(1 << 31)])
def test_what_needs_no_multiplier(multiplier: int) -> None:
    shifts = target_from_dict({**target().as_dict(), "requantize": "shift"})
    rescale = smallest(Rescale, **row(1), multiplier=multiplier)
    assert list(complaints(rescale, shifts)) == list(complaints(rescale, target()))
