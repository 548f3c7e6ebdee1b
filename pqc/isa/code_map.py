"""What a lookup reads of a map of codes: its window, the groups and subspaces, the padding."""

from __future__ import annotations

from pqc.isa.instructions import Lookup
from pqc.numerics.window import Window


def code_window(lookup: Lookup) -> Window:
    """The window of a lookup over a map of codes; pads behind the map are whatever its output asks for."""
    return Window(
        (lookup.kernel_height, lookup.kernel_width),
        (lookup.stride_height, lookup.stride_width),
        (lookup.pad_top, lookup.pad_left, 0, 0),
        (lookup.dilation_height, lookup.dilation_width),
    )


def groups_read(lookup: Lookup) -> range:
    """The groups of the map that a lookup's subspaces name: all, unless its subspaces belong to one tap."""
    groups = max(lookup.groups, 1)
    group = lookup.first_subspace % groups
    end = group + lookup.subspaces
    return range(group, end) if end <= groups else range(groups)


def subspaces_read(lookup: Lookup) -> range:
    """The subspaces of a lookup in a map that holds :func:`groups_read` alone."""
    groups = groups_read(lookup)
    tap, group = divmod(lookup.first_subspace, lookup.groups)
    first = tap * len(groups) + group - groups.start
    return range(first, first + lookup.subspaces)


def reads_padding(lookup: Lookup) -> bool:
    """Whether a tap that a lookup's subspaces name lies outside the map for some output position."""
    groups, across = max(lookup.groups, 1), max(lookup.kernel_width, 1)
    last_tap = (lookup.first_subspace + lookup.subspaces - 1) // groups
    (top, left), (bottom, right) = divmod(lookup.first_subspace // groups, across), divmod(last_tap, across)
    if top != bottom:
        left, right = 0, across - 1
    return _leaves(
        (top * lookup.dilation_height - lookup.pad_top, bottom * lookup.dilation_height - lookup.pad_top),
        (lookup.output_rows - 1) * lookup.stride_height,
        lookup.height,
    ) or _leaves(
        (left * lookup.dilation_width - lookup.pad_left, right * lookup.dilation_width - lookup.pad_left),
        (lookup.output_columns - 1) * lookup.stride_width,
        lookup.width,
    )


def _leaves(taps: tuple[int, int], way: int, size: int) -> bool:
    """Whether the first or the last tap of a window that moves on by ``way`` leaves [0, size)."""
    return taps[0] < 0 or taps[1] + way >= size
