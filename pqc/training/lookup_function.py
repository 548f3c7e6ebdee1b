"""Encode and lookup in torch's automatic differentiation.

Prototypes and entries get the gradient of :mod:`pqc.codebook.soft_lookup`. What goes on to the layers before is another
one: the subvector counts as if what is looked up for it changed along with it, by the linear map that describes the
table best. The smoothed choice gives the few subvectors near a boundary a large gradient and all others none.
Multiplied through the eighteen layers of ResNet-20, that promises a thousand times what a small step brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pqc.codebook.smoothing import REACH
from pqc.codebook.soft_lookup import SAMPLED, SMALLEST, gradients, select, spread_of
from pqc.numerics.encode import Metric
from pqc.training.torch_library import Tensor, once_differentiable, torch

TREND_RIDGE = 1e-3
"""Of the linear map that describes a table, relative to the mean variance of an element of the prototypes."""

ELEMENTS_AT_ONCE = 1 << 25
"""Scores that a GPU holds at a time: 128 MiB."""


@dataclass(frozen=True)
class Selection:
    """How a prototype is chosen: the distance, and how far the choice is smoothed going backward.

    ``temperature`` is in units of the mean squared distance to the nearest prototype, taken for each subspace.
    """

    metric: Metric = Metric.L2
    temperature: float = 0.3


def looked_up(vectors: Tensor, codebook: Tensor, table: Tensor, selection: Selection) -> Tensor:
    """The sums [positions, outputs] of the table entries that the nearest prototypes pick.

    Args:
        vectors: [subspaces, length, positions], on the codebook's grid and in its units.
        codebook: [subspaces, prototypes, length], on its grid and in its units.
        table: [subspaces, prototypes, outputs].
        selection: the distance, and the smoothing of the gradient.
    """
    function = _OnProcessor if vectors.device.type == "cpu" else OnDevice
    sums: Tensor = function.apply(vectors.contiguous(), codebook.contiguous(), table.contiguous(), selection)
    return sums


def use_of(vectors: Tensor, codebook: Tensor, metric: Metric) -> Tensor:
    """The share of positions that each prototype is the nearest of, [subspaces, prototypes]; as :func:`looked_up`."""
    subspaces, prototypes, _ = codebook.shape
    if vectors.device.type == "cpu":
        none = np.zeros((subspaces, prototypes, 1), np.float32)
        selected = select(vectors.contiguous().numpy(), codebook.contiguous().numpy(), none, metric)
        codes = torch.from_numpy(selected.codes.astype(np.int64))
    else:
        parts = _parts(vectors, codebook)
        codes = torch.cat([_two_nearest(vectors[:, :, part], codebook, metric)[0] for part in parts], dim=1)
    counted = torch.bincount((codes + _first_rows(codebook)).flatten(), minlength=subspaces * prototypes)
    return counted.view(subspaces, prototypes) / vectors.shape[2]


class _OnProcessor(torch.autograd.Function):
    """By the functions that fitting uses."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, codebook: Tensor, table: Tensor, selection: Selection) -> Tensor:
        x, prototypes, entries = vectors.numpy(), codebook.numpy(), table.numpy()
        ctx.selected = select(x, prototypes, entries, selection.metric)
        ctx.spread = spread_of(x, prototypes, ctx.selected.codes, selection.temperature)
        ctx.save_for_backward(vectors, codebook, table)
        return torch.from_numpy(ctx.selected.sums)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        codebook, table = ctx.saved_tensors[1:]
        x, prototypes, entries = (saved.numpy() for saved in ctx.saved_tensors)
        rows = np.ascontiguousarray(gradient.numpy())
        found = gradients(x, prototypes, entries, ctx.selected, ctx.spread, rows)
        wanted = ctx.needs_input_grad[0]
        to_vectors = _back(trend(codebook, table, torch.from_numpy(found.used)), gradient) if wanted else None
        return to_vectors, torch.from_numpy(found.codebook), torch.from_numpy(found.table), None


def trend(codebook: Tensor, table: Tensor, used: Tensor) -> Tensor:
    """The linear map of each subspace, [subspaces, length, outputs], that its table is closest to, but for a constant.

    ``used`` [subspaces, prototypes] is how much each prototype counts. Directions in which the prototypes do not differ
    have none.
    """
    weights = (used / used.sum(dim=1, keepdim=True).clamp_min(1))[:, :, None]
    places = codebook - (weights * codebook).sum(dim=1, keepdim=True)
    entries = table - (weights * table).sum(dim=1, keepdim=True)
    transposed = (weights * places).transpose(1, 2)
    squares = transposed @ places
    ridge = (TREND_RIDGE * squares.diagonal(dim1=1, dim2=2).mean(dim=1)).clamp_min(SMALLEST * TREND_RIDGE)
    every = torch.eye(squares.shape[1], device=squares.device)
    found: Tensor = torch.linalg.solve(squares + ridge[:, None, None] * every, transposed @ entries)
    return found


def _back(slopes: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the subvectors [subspaces, length, positions] from that of the sums [positions, outputs]."""
    subspaces, length, _ = slopes.shape
    return (slopes.flatten(0, 1) @ gradient.T).view(subspaces, length, -1)


def _spread(vectors: Tensor, codebook: Tensor, nearest: Tensor, selection: Selection) -> Tensor:
    """The squared distance over which choices are smoothed, [subspaces], from the ``nearest`` of sampled positions."""
    first = torch.arange(len(codebook), device=codebook.device)[:, None] * codebook.shape[1]
    prototypes = codebook.flatten(0, 1)[nearest + first]
    difference = vectors[:, :, ::SAMPLED].transpose(1, 2) - prototypes
    mean = difference.square().sum(dim=2).mean(dim=1)
    return (selection.temperature * mean).clamp_min(SMALLEST)


class OnDevice(torch.autograd.Function):
    """The same by torch's own operations, for a GPU."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, codebook: Tensor, table: Tensor, selection: Selection) -> Tensor:
        """The sums of the entries that are picked."""
        flat, first = table.flatten(0, 1), _first_rows(table)
        sums = vectors.new_empty(vectors.shape[2], table.shape[2])
        codes = vectors.new_empty(2, vectors.shape[0], vectors.shape[2], dtype=torch.int64)
        for part in _parts(vectors, codebook):
            codes[:, :, part] = _two_nearest(vectors[:, :, part], codebook, selection.metric)
            rows = (codes[0, :, part] + first).T
            sums[part] = torch.nn.functional.embedding_bag(rows, flat, mode="sum")
        ctx.save_for_backward(vectors, codebook, table, codes)
        ctx.selection = selection
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        """The gradient, as on a processor."""
        vectors, codebook, table, codes = ctx.saved_tensors
        length, first = codebook.shape[2], _first_rows(table)
        prototypes, flat = codebook.flatten(0, 1), table.flatten(0, 1)
        near, far = (codes + first).flatten(1)
        x = vectors.transpose(1, 2).reshape(-1, length)
        a, b = prototypes[near], prototypes[far]
        one, two = (x - a).square().sum(dim=1), (x - b).square().sum(dim=1)
        smoothing = _spread(vectors, codebook, codes[0, :, ::SAMPLED], ctx.selection)
        spread = smoothing.repeat_interleave(vectors.shape[2])
        behind = (two - one) / spread
        every = gradient.repeat(len(codebook), 1)
        gain = (every * (flat[far] - flat[near])).sum(dim=1)
        steepness = (1 - behind / REACH).clamp_min(0) * (2 / REACH) / spread
        slope = (-gain * steepness * (near != far))[:, None]
        to_prototypes = torch.zeros_like(prototypes)
        to_prototypes.index_add_(0, near, slope * (x - a)).index_add_(0, far, -slope * (x - b))
        to_table = torch.zeros_like(flat).index_add_(0, near, every)
        used = torch.bincount(near, minlength=len(flat)).to(table.dtype).view(table.shape[:2])
        to_vectors = _back(trend(codebook, table, used), gradient) if ctx.needs_input_grad[0] else None
        return to_vectors, to_prototypes.view_as(codebook), to_table.view_as(table), None


def _first_rows(table: Tensor) -> Tensor:
    """Where each subspace's entries begin in the flattened table: [subspaces, 1]."""
    return torch.arange(table.shape[0], device=table.device)[:, None] * table.shape[1]


def _parts(vectors: Tensor, codebook: Tensor) -> list[slice]:
    """Slices of the positions whose scores are held together."""
    step = max(64, ELEMENTS_AT_ONCE // (codebook.shape[0] * codebook.shape[1]))
    return [slice(first, first + step) for first in range(0, vectors.shape[2], step)]


def _two_nearest(vectors: Tensor, codebook: Tensor, metric: Metric) -> Tensor:
    """The nearest and the second nearest prototype, the lowest index first on ties: [2, subspaces, positions]."""
    if metric is Metric.L2:
        half = codebook.square().sum(dim=2, keepdim=True) / 2
        distances = half - torch.bmm(codebook, vectors)
    else:
        differences = (vectors[:, None] - codebook[:, :, :, None]).abs()
        distances = differences.sum(dim=2) if metric is Metric.L1 else differences.amax(dim=2)
    nearest = distances.argmin(dim=1)
    distances.scatter_(1, nearest[:, None], torch.inf)
    return torch.stack([nearest, distances.argmin(dim=1)])
