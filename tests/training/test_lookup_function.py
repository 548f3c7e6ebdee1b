"""A GPU's operations give what the processor's give, tried on the processor."""

from __future__ import annotations

import pytest

from pqc.numerics.encode import Metric
from pqc.training.lookup_function import OnDevice, Selection, looked_up, trend
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


def test_subvectors_count_as_if_the_table_were_linear_in_them() -> None:
    vectors, codebook, _ = arguments(3)
    slopes = torch.randn((3, 4, 5), generator=torch.Generator().manual_seed(4))
    table = (codebook.detach() @ slopes + 7).requires_grad_()
    of_sums = torch.randn((500, 5), generator=torch.Generator().manual_seed(5))
    looked_up(vectors, codebook, table, Selection()).backward(of_sums)
    wanted = torch.einsum("slo,po->slp", slopes, of_sums)
    assert torch.allclose(vectors.grad, wanted, atol=0.05 * float(wanted.std()))


def test_prototypes_that_differ_in_nothing_or_in_few_directions_have_no_slope_in_the_others() -> None:
    codebook = torch.zeros((2, 3, 2))
    codebook[1, :, 0] = torch.tensor([0.0, 1.0, 2.0])
    table = torch.arange(6.0).view(2, 3, 1)
    slopes = trend(codebook, table, torch.ones((2, 3)))
    assert not slopes[0].any()
    assert slopes[1, 0, 0] == pytest.approx(1, rel=1e-2)
    assert slopes[1, 1, 0] == 0
