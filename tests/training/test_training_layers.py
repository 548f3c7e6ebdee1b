"""Centring changes how a layer learns, not what it gives."""

from __future__ import annotations

import pytest

from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Grouping
from pqc.numerics.window import Window
from pqc.training.layers import Lookup, ProductQuantized
from pqc.training.lookup_function import Selection, looked_up, use_of
from pqc.training.torch_library import Tensor, torch


def random(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def layer(grouping: Grouping = Grouping.WINDOW) -> ProductQuantized:
    lookup = Lookup(
        window=Window((3, 3), pads=(1, 1, 1, 1)),
        grouping=grouping,
        length=4,
        metric=Metric.L2,
        scale=1 / 16,
        shift=0,
        codebook=Element(8, signed=True),
        table=Element(8, signed=True),
        accumulator_bits=16,
    )
    groups, subspaces = (9, 9) if grouping is Grouping.WINDOW else (1, 9)
    codebook = (16 * random(0, groups, 6, 4)).round()
    return ProductQuantized(lookup, codebook, random(1, subspaces, 6, 5) + 3, random(2, 5), temperature=0.3)


@pytest.mark.parametrize("grouping", Grouping)
def test_the_result_stays_the_same(grouping: Grouping) -> None:
    module, x = layer(grouping), (16 * random(3, 8, 4, 6, 6)).round() / 16
    before = module(x).detach()
    for seen in (x, x[:2]):
        module.centre(seen)
        # the bias is rounded: a sum that lies between two integers may come out on the other side of the middle
        assert (module(x) - before).abs().max() <= module.parameters_on_grid()[3].max()


def test_all_entries_of_an_output_together_move_nothing_any_more() -> None:
    module, x = layer(), (16 * random(3, 8, 4, 6, 6)).round() / 16
    of_result = random(4, 8, 5, 6, 6)

    def together() -> float:
        module.zero_grad()
        (module(x) * of_result).sum().backward()
        return float((module.table.grad / module.table_unit).sum(dim=(0, 1)).abs().max())

    before = together()
    module.centre(x)
    assert together() < 1e-3 * before


@pytest.mark.parametrize("metric", Metric)
def test_use_is_the_share_of_positions(metric: Metric) -> None:
    vectors, codebook = random(5, 3, 2, 400), random(6, 3, 4, 2)
    used = use_of(vectors, codebook, metric)
    for prototype in range(4):
        table = torch.zeros((3, 4, 3))
        table[range(3), prototype, range(3)] = 1
        assert torch.allclose(used[:, prototype], looked_up(vectors, codebook, table, Selection(metric)).mean(dim=0))
