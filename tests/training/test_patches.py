"""Subvectors in torch are those of the machine, and their gradient goes back to where they came from."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.window import Window
from pqc.training.patches import subvectors
from pqc.training.torch_library import torch

windows = st.builds(
    Window,
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)


@given(windows, st.sampled_from(Grouping), st.integers(1, 5), st.integers(1, 7), st.integers(0, 1000))
def test_subvectors_are_those_of_the_machine(
    window: Window, grouping: Grouping, channels: int, length: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(-9, 9, (2, channels, 7, 6)).astype(np.float32)
    cut = Cut.of(grouping, channels, window, length)
    wanted = cut.subvectors(x, window)
    found = subvectors(torch.from_numpy(x), window, cut).numpy()
    assert np.array_equal(found, wanted.transpose(1, 2, 0, 3).reshape(cut.subspaces, cut.length, -1))


@given(windows, st.sampled_from(Grouping), st.integers(0, 1000))
def test_the_gradient_of_an_element_counts_the_windows_that_see_it(
    window: Window, grouping: Grouping, seed: int
) -> None:
    random = np.random.default_rng(seed)
    cut = Cut.of(grouping, 3, window, 4)
    x = torch.from_numpy(random.normal(size=(1, 3, 7, 6))).requires_grad_()
    direction = torch.from_numpy(random.normal(size=(1, 3, 7, 6)))
    seen = subvectors(x, window, cut)
    weights = torch.from_numpy(random.normal(size=tuple(seen.shape)))
    (seen * weights).sum().backward()
    assert x.grad is not None
    # the patches are linear in the map
    wanted = (subvectors(direction, window, cut) * weights).sum()
    assert torch.allclose((x.grad * direction).sum(), wanted)
