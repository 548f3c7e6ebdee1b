"""A GPU's operations give what the processor's give, tried on the processor."""

from __future__ import annotations

import pytest

from pqc.numerics.encode import Metric
from pqc.training.lookup_function import OnDevice, Selection, looked_up
from pqc.training.torch_library import Tensor, torch


def arguments(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randint(0, 15, (3, 4, 500), generator=generator).float()
    codebook = torch.randint(0, 15, (3, 6, 4), generator=generator).float()
    table = torch.randint(-40, 40, (3, 6, 5), generator=generator).float()
    return [one.requires_grad_() for one in (vectors, codebook, table)]


@pytest.mark.parametrize("metric", Metric)
def test_both_ways_agree(metric: Metric) -> None:
    selection = Selection(metric)
    of_sums = torch.randn((500, 5), generator=torch.Generator().manual_seed(1))
    given, again = arguments(0), arguments(0)
    sums: Tensor = looked_up(given[0], given[1], given[2], selection)
    same: Tensor = OnDevice.apply(*again, selection)
    assert torch.equal(sums, same)
    sums.backward(of_sums)
    same.backward(of_sums)
    for one, other in zip(given, again, strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-3)


def test_vectors_without_a_gradient_cost_none() -> None:
    vectors, codebook, table = arguments(2)
    looked_up(vectors.detach(), codebook, table, Selection()).sum().backward()
    assert vectors.grad is None
    assert codebook.grad is not None
