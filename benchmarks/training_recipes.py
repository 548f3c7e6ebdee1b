"""How networks of docs/networks.md get their weights: briefly, because it is the compiler that is measured."""

from __future__ import annotations

import numpy as np
from network_samples import Samples

from pqc.numerics.arrays import FloatArray
from pqc.training.torch_library import Layer, functional, nn, torch

BATCH = 64
RATE = 4e-3


def train(network: Layer, samples: Samples, epochs: int) -> None:
    """Train on what is calibrated on, too, with one cycle of Adam, seeded; then the mode for inference.

    Raises:
        ValueError: the samples have no labels.
    """
    if samples.calibration_labels is None:
        raise ValueError("there are no labels to train on")
    images = torch.from_numpy(samples.calibration.astype(np.float32))
    labels = torch.from_numpy(samples.calibration_labels.astype(np.int64))
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.05)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    network.train()
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for start in range(0, len(images) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            loss = functional.cross_entropy(network(images[batch]), labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()


def see(network: Layer, frames: FloatArray) -> None:
    """Set batch normalization to what random weights make of ``frames``; then the mode for inference.

    Without that, activations of a deep network with random weights vanish, and integers of it would say nothing.
    """
    normalizations = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in normalizations:
        layer.momentum = 1.0
    network.train()
    with torch.no_grad():
        network(torch.from_numpy(frames))
    network.eval()
