"""What is minimized: the distance to the float network's outputs and, where there are labels, to these."""

from __future__ import annotations

from collections.abc import Sequence

from pqc.training.torch_library import Tensor, functional, torch

SOFTENING = 2.0
"""Classes are compared with their logits divided by this, so that more than the first class counts."""

LABEL_SHARE = 0.3
"""Of the labels, where there are any; the rest is the float network's."""


def distillation(outputs: Sequence[Tensor], wanted: Sequence[Tensor], labels: Tensor | None) -> Tensor:
    """The loss of a batch.

    With ``labels`` [frames] the first output [frames, classes, ...] is taken for logits: the divergence of the softened
    distributions of both networks, and the cross entropy of the labels. Without, the squared error of every output
    relative to its variance.
    """
    if labels is None:
        errors = [(y - t).square().mean() / t.var().clamp_min(1e-12) for y, t in zip(outputs, wanted, strict=True)]
        return torch.stack(errors).sum()
    logits, teacher = outputs[0].flatten(1), wanted[0].flatten(1)
    soft = functional.kl_div(
        functional.log_softmax(logits / SOFTENING, dim=1),
        functional.log_softmax(teacher / SOFTENING, dim=1),
        log_target=True,
        reduction="batchmean",
    )
    hard = functional.cross_entropy(logits, labels)
    return (1 - LABEL_SHARE) * SOFTENING**2 * soft + LABEL_SHARE * hard
