"""What an instruction's strides and its codes in the buffer must be, each broken once and named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.instructions import smallest
from support.programs import PqLayer
from support.rules import CONVOLVE, POOL
from support.tiles import dense

from pqc.isa.fields import Instruction
from pqc.isa.instructions import Add, Convolve, Fill, Lookup, Map, Multiply, Pool, Requantize, Rescale, Storage
from pqc.isa.legality import complaints

SHAPE = {"planes": 2, "rows": 3, "columns": 4}
ENCODE = PqLayer.random(np.random.default_rng(0), 2, 4, 4).encode(0, 0)
TO_BUFFER = dense(replace(ENCODE, to_buffer=1))
FROM_BUFFER = dense(
    smallest(
        Lookup, subspaces=4, prototypes=16, outputs=1, output_rows=2, output_columns=2, table_bits=8, from_buffer=1,
        groups=2, height=2, width=3, kernel_height=1, kernel_width=2, stride_height=1, stride_width=1,
        dilation_height=1, dilation_width=1,
    )
)  # fmt: skip
REQUANTIZE = dense(smallest(Requantize, outputs=2, rows=3, columns=4, has_residual=1, residual_storage=Storage.S16))
TABLE = {"entry_bits": 8, "entries": 256}
INSTRUCTIONS: list[Instruction] = [
    ENCODE,
    TO_BUFFER,
    FROM_BUFFER,
    REQUANTIZE,
    dense(smallest(Convolve, **CONVOLVE)),
    dense(smallest(Pool, **POOL)),
    dense(smallest(Add, **SHAPE, left_storage=Storage.S16)),
    dense(smallest(Rescale, **SHAPE)),
    dense(smallest(Fill, **SHAPE)),
    dense(smallest(Map, **SHAPE, **TABLE)),
    dense(smallest(Multiply, **SHAPE, left_storage=Storage.S16)),
]


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda one: one.mnemonic)
def test_tiles_without_gaps_are_legal(instruction: Instruction) -> None:
    assert list(complaints(instruction)) == []


@pytest.mark.parametrize(
    ("instruction", "name", "least"),
    [
        (ENCODE, "row_stride", 4),
        (ENCODE, "plane_stride", 4),
        (TO_BUFFER, "code_row_stride", 4),
        (TO_BUFFER, "code_plane_stride", 4),
        (FROM_BUFFER, "row_stride", 3),
        (FROM_BUFFER, "plane_stride", 3),
        (REQUANTIZE, "destination_row_stride", 4),
        (REQUANTIZE, "destination_plane_stride", 4),
        (REQUANTIZE, "residual_row_stride", 8),
        (REQUANTIZE, "residual_plane_stride", 8),
        (INSTRUCTIONS[4], "row_stride", 2),
        (INSTRUCTIONS[5], "plane_stride", 2),
        (INSTRUCTIONS[5], "destination_row_stride", 2),
        (INSTRUCTIONS[6], "left_row_stride", 8),
        (INSTRUCTIONS[6], "right_plane_stride", 4),
        (INSTRUCTIONS[7], "destination_plane_stride", 4),
        (INSTRUCTIONS[8], "destination_row_stride", 4),
        (INSTRUCTIONS[9], "destination_row_stride", 4),
        (INSTRUCTIONS[10], "destination_plane_stride", 4),
    ],
)
def test_rows_do_not_begin_inside_each_other(instruction: Instruction, name: str, least: int) -> None:
    fields: dict[str, Any] = {name: least - 1}
    expected = f"{name} = {least - 1}, allowed is at least {least}, the bytes of a row"
    assert list(complaints(replace(instruction, **fields))) == [expected]
    assert list(complaints(replace(instruction, **{name: least}))) == []


def test_a_stride_that_leads_nowhere_may_be_anything() -> None:
    fill = smallest(Fill, planes=1, rows=1, columns=70_000)
    assert list(complaints(fill)) == []
    assert list(complaints(replace(fill, planes=2))) != []


def test_a_rescale_may_read_with_any_strides() -> None:
    strides = {"plane_stride": 0, "row_stride": 1, "column_stride": 3}
    assert list(complaints(replace(INSTRUCTIONS[7], **strides))) == []


@pytest.mark.parametrize(
    ("instruction", "fields", "message"),
    [
        (TO_BUFFER, {"code_storage": Storage.S8}, "code_storage = s8, allowed is u8 for 16 prototypes"),
        (TO_BUFFER, {"prototypes": 257}, "code_storage = u8, allowed is u16 for 257 prototypes"),
        (FROM_BUFFER, {"code_storage": Storage.U16}, "code_storage = u16, allowed is u8 for 16 prototypes"),
        (
            FROM_BUFFER,
            {"first_subspace": 1},
            "first_subspace = 1 and subspaces = 4, the map and its window have 4",
        ),
        (FROM_BUFFER, {"subspaces": 5}, "first_subspace = 0 and subspaces = 5, the map and its window have 4"),
        *(
            (FROM_BUFFER, {name: 0}, f"{name} = 0, allowed is at least 1")
            for name in ("groups", "height", "width", "kernel_height", "stride_width", "dilation_height")
        ),
    ],
)
def test_codes_in_the_buffer(instruction: Instruction, fields: dict[str, Any], message: str) -> None:
    assert message in list(complaints(replace(instruction, **fields)))


def test_only_a_lookup_from_the_buffer_needs_a_map() -> None:
    assert list(complaints(smallest(Lookup, subspaces=1, prototypes=1, outputs=1, output_rows=1, output_columns=1,
                                    table_bits=8))) == []  # fmt: skip


@pytest.mark.parametrize("instruction", INSTRUCTIONS[9:], ids=lambda one: one.mnemonic)
def test_strides_of_operands_of_maps_and_products_are_free(instruction: Instruction) -> None:
    strides: dict[str, Any] = {name: 0 for name in instruction.fields if name.endswith("stride")}
    free = {name: 0 for name in strides if not name.startswith("destination")}
    assert list(complaints(replace(instruction, **free))) == []
