"""What the operations of the ``pq`` dialect that encode have in common: rules for codebooks and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from pqc.dialects.constants import check_elements, check_sizes
from pqc.dialects.rules import (
    check_window,
    expect,
    expect_field,
    expect_range,
    spell_shape,
)
from pqc.isa.instructions import Encode
from pqc.numerics.element import Element
from pqc.numerics.grouping import Codebooks, Cut, Grouping
from pqc.numerics.window import Window


def check_codebook(
    codebook: SSAValue,
    channels: int,
    window: Window,
    element: Element,
    grouping: Grouping = Grouping.WINDOW,
    codebooks: Codebooks = Codebooks.SEPARATE,
    folded: Sequence[int] = (),
) -> tuple[Cut, int]:
    """The codebook goes with the input; returns how windows are cut, and the prototypes.

    Subspaces that are ``folded`` have no codebook.
    """
    groups, prototypes, length = check_sizes("codebook", codebook, "subspaces", "prototypes", "length")
    cut = Cut.of(grouping, channels, window, length)
    what = "subspaces" if grouping is Grouping.WINDOW else "groups"
    if codebooks is Codebooks.SHARED:
        expect(groups == 1, f"the codebook has {groups} {what}, a shared one has 1 for all")
    else:
        window_and = f"a window of {spell_shape(window.kernel)} and " if grouping is Grouping.WINDOW else ""
        less = f", of which {len(folded)} are folded" if folded else ""
        expect(
            groups == cut.groups - len(folded),
            f"the codebook has {groups} {what}; {channels} channels, {window_and}length {length} make {cut.groups}"
            f"{less}",
        )
    for field, value in (("subspaces", cut.groups), ("prototypes", prototypes), ("length", length)):
        expect_field(field, value, Encode, field)
    check_elements("codebook", codebook, element, [groups, prototypes, length])
    return cut, prototypes


def check_folded(folded: Sequence[int], subspaces: int) -> None:
    """Raise VerifyException unless these are some of the subspaces in their order, and not all of them."""
    expect(
        list(folded) == sorted(set(folded) & set(range(subspaces))) and len(folded) < subspaces,
        f"folded subspaces {list(folded)}, allowed are some of 0 to {subspaces - 1}, ascending, and not all",
    )


def check_encoding(shift: int, prototype_bits: int, window: Window) -> None:
    """The numbers fit the fields of the encode instruction."""
    expect_field("shift", shift, Encode, "shift")
    expect_range("prototype_bits", prototype_bits, 1, 16)
    check_window(window, Encode)
