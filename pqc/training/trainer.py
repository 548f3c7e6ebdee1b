"""Steps of training: batches in pieces, gradients summed in order, so that the threads decide nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pqc.data import Preparation
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.training.batches import Batches
from pqc.training.loss import relative_errors
from pqc.training.network import Network
from pqc.training.options import TrainOptions
from pqc.training.torch_library import Device, Tensor, torch
from pqc.workers import in_parallel

PIECES = 4
"""Parts of a batch that are computed apart on a processor, whatever the number of threads."""

WARM_UP = 0.02
"""Share of all steps in which the learning rate rises."""

STANDARD_ERRORS = 2.0
"""By how many standard errors of its mean a difference has to be better than none."""

FRAMES_AT_ONCE = 64
"""Frames that are evaluated together by each thread."""


@dataclass(frozen=True)
class Quality:
    """How good a network is on frames that it is not trained on."""

    top1: float | None
    """The share of frames whose largest output is that of their label, None without labels."""
    error: float
    """The squared error of the outputs relative to the variance of the float network's."""


@dataclass(frozen=True)
class _Measured:
    """What a network gives for the frames that are kept apart."""

    right: int
    """How many of them it puts into the right class."""
    errors: FloatArray
    """[frames], the squared error of each."""
    spread: float
    """The squared distance of the float network's outputs from their mean."""


@dataclass(frozen=True)
class Best:
    """The network that was best on the frames that are kept apart, so far."""

    quality: Quality
    errors: Tensor
    """[frames], the squared error of each of them."""
    step: int
    network: dict[str, Tensor]
    """Its parameters and buffers by name."""


def clearly_less(found: FloatArray, known: FloatArray) -> bool:
    """Whether errors [frames] are less on average than those known of the same frames, by more than chance."""
    gain = known - found
    return float(gain.mean()) > STANDARD_ERRORS * float(gain.std()) / math.sqrt(len(gain))


class Trainer:
    """Trains ``student`` towards ``teacher``; both take the inputs in the order of ``names``."""

    def __init__(
        self, student: Network, teacher: Network, names: Sequence[str], batches: Batches,
        preparation: Preparation | None, options: TrainOptions, device: Device,
    ) -> None:  # fmt: skip
        self.student, self.teacher = student.to(device), teacher.to(device).eval()
        self.steps = max(1, round(options.epochs * batches.steps_per_epoch))
        self.done = 0
        self.best: Best | None = None
        self._names, self._batches, self._preparation = tuple(names), batches, preparation
        self._device = device
        self._parameters = [*student.parameters()]
        self._rates = [options.learning_rate * rate for rate in student.rates()]
        groups = [{"params": [one], "lr": rate} for one, rate in zip(self._parameters, self._rates, strict=True)]
        self._optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99))

    def step(self) -> float:
        """Train on the next batch; returns its loss."""
        inputs = self._inputs(self._batches.at(self.done))
        pieces = PIECES if self._device.type == "cpu" else 1

        def gradients(piece: int) -> tuple[float, int, tuple[Tensor, ...]]:
            part = [x[piece::pieces] for x in inputs]
            with torch.no_grad():
                wanted = self.teacher(part)
            loss = relative_errors(self.student(part), wanted)
            found = torch.autograd.grad(loss, self._parameters, materialize_grads=True)
            return float(loss.detach()), len(part[0]), found

        frames = len(inputs[0])
        results = in_parallel(gradients, range(min(pieces, frames)))
        for number, parameter in enumerate(self._parameters):
            parameter.grad = torch.stack([found[number] * (count / frames) for _, count, found in results]).sum(dim=0)
        self._set_rate()
        self._optimizer.step()
        self.done += 1
        return sum(loss * count for loss, count, _ in results) / frames

    def _set_rate(self) -> None:
        """Up from zero, then down to it along half a cosine."""
        warm = max(1, round(WARM_UP * self.steps))
        factor = min(1.0, (self.done + 1) / warm) * (1 + math.cos(math.pi * self.done / self.steps)) / 2
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor

    def prepare(self) -> None:
        """Before the first step: see :meth:`Network.centre`."""
        self.student.centre(self._inputs(self._batches.at(0)))

    def measure(self) -> Quality | None:
        """The quality on the frames that are kept apart, None if there are none.

        The network is noted as the best one if it is clearly better than that: errors of some frames change by chance.
        """
        measured = self._measured()
        if measured is None:
            return None
        quality = self._quality(measured)
        if self.best is None or clearly_less(measured.errors, self.best.errors.numpy()):
            network = {name: value.detach().clone() for name, value in self.student.state_dict().items()}
            self.best = Best(quality, torch.from_numpy(measured.errors), self.done, network)
        return quality

    def take_best(self) -> Best | None:
        """Go back to the best network that was noted; None if nothing could be measured."""
        if self.best is not None:
            self.student.load_state_dict(self.best.network)
        return self.best

    def _measured(self) -> _Measured | None:
        kept = self._batches.validation
        starts = range(kept.start, kept.stop, FRAMES_AT_ONCE)
        if not starts:
            return None

        def measure(first: int) -> tuple[int, FloatArray, float]:
            part = slice(first, min(first + FRAMES_AT_ONCE, kept.stop))
            inputs = self._inputs({name: self._batches.arrays[name][part] for name in self._names})
            with torch.no_grad():
                found, wanted = self.student(inputs)[0].flatten(1), self.teacher(inputs)[0].flatten(1)
            right = 0
            if self._batches.labels is not None:
                right = int((found.argmax(dim=1).cpu().numpy() == self._batches.labels[part]).sum())
            errors = (found - wanted).square().sum(dim=1).double().cpu().numpy()
            return right, errors, float((wanted - wanted.mean()).square().sum())

        right, errors, spreads = zip(*in_parallel(measure, starts), strict=True)
        return _Measured(sum(right), np.concatenate(errors), sum(spreads))

    def _quality(self, measured: _Measured) -> Quality:
        top1 = None if self._batches.labels is None else measured.right / len(measured.errors)
        return Quality(top1, float(measured.errors.sum()) / measured.spread if measured.spread else math.inf)

    def _inputs(self, arrays: Mapping[str, AnyArray]) -> list[Tensor]:
        """The inputs in their order, prepared."""
        preparation = self._preparation
        prepared = (
            arrays[name].astype(np.float32)
            if preparation is None or arrays[name].ndim != 4
            else preparation.apply(arrays[name])
            for name in self._names
        )
        return [torch.from_numpy(np.ascontiguousarray(x)).to(self._device) for x in prepared]

    def state(self) -> dict[str, Any]:
        """What has to be kept to go on from here."""
        best = None if self.best is None else vars(self.best) | {"quality": vars(self.best.quality)}
        return {
            "step": self.done,
            "network": self.student.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "best": best,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that was kept."""
        self.done = int(state["step"])
        self.student.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        best = state["best"]
        self.best = None if best is None else Best(**best | {"quality": Quality(**best["quality"])})
