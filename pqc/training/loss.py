"""What is minimized: the distance to the float network's outputs.

Labels play no part. The float network has mostly been trained on the same images, and knows their classes too well for
these to say much; its outputs say how sure it is of each, of images that it has not seen as of those that it has.
"""

from __future__ import annotations

from collections.abc import Sequence

from pqc.training.torch_library import Tensor, torch

LEAST_VARIANCE = 1e-12
"""Of an output, so that one that is always the same can be trained towards, too."""


def relative_errors(outputs: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """The squared error of every output of a batch relative to the variance of what is wanted, added up."""
    errors = [(y - t).square().mean() / t.var().clamp_min(LEAST_VARIANCE) for y, t in zip(outputs, wanted, strict=True)]
    return torch.stack(errors).sum()
