"""What a lookup reads of a map of codes, against loops over its subspaces and output positions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.instructions import smallest
from support.operands import Geometry, geometries

from pqc.isa.access import accesses
from pqc.isa.code_map import code_window, groups_read, reads_padding, subspaces_read
from pqc.isa.fields import Memory
from pqc.isa.instructions import Lookup, Storage

Tap = tuple[int, int]


@dataclass(frozen=True)
class Reader:
    lookup: Lookup
    geometry: Geometry

    def subspaces(self) -> list[tuple[int, Tap]]:
        """(group, (kernel row, kernel column)) of each subspace."""
        first = self.lookup.first_subspace
        numbers = range(first, first + self.lookup.subspaces)
        groups, across = self.geometry.channels, self.geometry.window.kernel[1]
        return [(n % groups, divmod(n // groups, across)) for n in numbers]

    def is_outside(self, tap: Tap) -> bool:
        window, (rows, columns) = self.geometry.window, self.geometry.output
        for y, x in product(range(rows), range(columns)):
            row = y * window.strides[0] + tap[0] * window.dilations[0] - window.pads[0]
            column = x * window.strides[1] + tap[1] * window.dilations[1] - window.pads[1]
            if not (0 <= row < self.geometry.height and 0 <= column < self.geometry.width):
                return True
        return False


@st.composite
def readers(draw: st.DrawFn) -> Reader:
    geometry = draw(geometries())
    first = draw(st.integers(0, geometry.elements - 1))
    subspaces = draw(st.integers(1, geometry.elements - first))
    fields: dict[str, Any] = geometry.fields()
    fields["groups"] = fields.pop("channels")
    lookup = smallest(
        Lookup, **fields, from_buffer=1, first_subspace=first, subspaces=subspaces, prototypes=4, outputs=3,
        table_bits=8, first=1, table=7, bias=300, codes=1000, padding=500, plane_stride=90, row_stride=14,
    )  # fmt: skip
    assert isinstance(lookup, Lookup)
    return Reader(lookup, geometry)


@given(readers())
def test_the_window(reader: Reader) -> None:
    assert code_window(reader.lookup) == reader.geometry.window


@given(readers())
def test_groups_and_subspaces(reader: Reader) -> None:
    groups = groups_read(reader.lookup)
    named = {group for group, _ in reader.subspaces()}
    assert named <= set(groups) <= set(range(reader.geometry.channels))
    if len({tap for _, tap in reader.subspaces()}) == 1:
        assert named == set(groups)
    across = reader.geometry.window.kernel[1]
    kept = [(groups[n % len(groups)], divmod(n // len(groups), across)) for n in subspaces_read(reader.lookup)]
    assert kept == reader.subspaces()


@given(readers())
def test_padding_is_read_if_some_tap_lies_outside(reader: Reader) -> None:
    assert reads_padding(reader.lookup) == any(reader.is_outside(tap) for _, tap in reader.subspaces())


@given(readers(), st.sampled_from([Storage.U8, Storage.U16]))
def test_accesses(reader: Reader, storage: Storage) -> None:
    lookup = replace(reader.lookup, code_storage=storage)
    found = {access.field: access for access in accesses(lookup, 16)}
    assert list(found)[-3:] == ["table", "bias", "accumulator"]
    geometry, groups, size = reader.geometry, groups_read(lookup), storage.bytes
    expected = {
        1000 + group * 90 + row * 14 + byte
        for group in groups
        for row in range(geometry.height)
        for byte in range(geometry.width * size)
    }
    assert sorted(found["codes"].addresses().tolist()) == sorted(expected)
    assert found["codes"].memory is Memory.ACTIVATION
    assert ("padding" in found) == reads_padding(lookup)
    if "padding" in found:
        assert found["padding"].memory is Memory.TABLE
        place = found["padding"].address, found["padding"].end
        assert place == (500 + groups.start * size, 500 + groups.stop * size)
    written = found["accumulator"]
    assert written.end - written.address == 3 * geometry.columns * 2
    fifo = accesses(replace(lookup, from_buffer=0), 16)
    assert [access.field for access in fifo] == ["table", "bias", "accumulator"]
