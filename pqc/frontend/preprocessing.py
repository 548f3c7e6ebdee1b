"""How an image becomes a network's input: the model file says so in its metadata property ``preprocessing``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray, FloatArray

PROPERTY = "preprocessing"
"""Name of the metadata property: JSON with the lists ``mean`` and ``std``, one number per channel."""

SMALLEST_DEVIATION = 1e-6
"""The least ``std``: below, float32 images would overflow."""


@dataclass(frozen=True)
class Preprocessing:
    """``(image / 255 - mean) / std``, as torchvision does; one ``mean`` and ``std`` per channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, images: AnyArray) -> FloatArray:
        """Images [n, channels, height, width] with values 0..255, any type -> float32 of the same shape.

        Raises:
            ModelError: the images have another number of channels than ``mean``.
        """
        if images.ndim != 4 or images.shape[1] != len(self.mean):
            raise ModelError(
                f"preprocessing wants images [n, {len(self.mean)}, height, width], they are {list(images.shape)}"
            )
        mean = np.array(self.mean, np.float32)[:, None, None]
        std = np.array(self.std, np.float32)[:, None, None]
        return (images.astype(np.float32) / np.float32(255) - mean) / std


def preprocessing_from_numbers(mean: Any, std: Any, origin: str) -> Preprocessing:
    """A preprocessing from two lists of numbers of unknown provenance; ``origin`` names them in messages.

    Raises:
        ModelError: they are not lists of finite numbers, of equal length, or a ``std`` is not positive.
    """
    means, deviations = _numbers(mean, f"{origin}: mean"), _numbers(std, f"{origin}: std")
    if len(means) != len(deviations):
        raise ModelError(f"{origin}: mean has {len(means)} numbers and std {len(deviations)}; they must agree")
    if min(deviations) < SMALLEST_DEVIATION:
        raise ModelError(f"{origin}: std must be at least {SMALLEST_DEVIATION:g}, it is {list(deviations)}")
    return Preprocessing(means, deviations)


def recorded_preprocessing(provenance: Mapping[str, Any], origin: str) -> Preprocessing | None:
    """The preprocessing that the provenance of a program, read from ``origin``, records; None if there is none.

    Raises:
        ModelError: what is recorded is none.
    """
    recorded: Any = provenance.get(PROPERTY)
    if recorded is None:
        return None
    entries = cast("dict[str, Any]", recorded) if isinstance(recorded, dict) else {}
    if set(entries) != {"mean", "std"}:
        raise ModelError(f"{origin}: preprocessing must be a record of mean and std, it is {recorded!r}")
    return preprocessing_from_numbers(entries["mean"], entries["std"], f"{origin}: preprocessing")


def _numbers(value: Any, origin: str) -> tuple[float, ...]:
    items = cast("list[Any] | tuple[Any, ...]", value) if isinstance(value, list | tuple) else ()
    if not items or not all(_is_number(item) for item in items):
        raise ModelError(f"{origin} must be a list of numbers, one per channel, it is {value!r}")
    return tuple(float(item) for item in items)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def preprocessing_from_metadata(properties: Mapping[str, str], origin: str) -> Preprocessing | None:
    """What the property ``preprocessing`` says, None where it is absent.

    Raises:
        ModelError: the property is not JSON with the lists ``mean`` and ``std``.
    """
    if PROPERTY not in properties:
        return None
    where = f"{origin}: metadata property '{PROPERTY}'"
    try:
        parsed: Any = json.loads(properties[PROPERTY])
    except ValueError as error:
        raise ModelError(f"{where} is not JSON: {error}") from error
    if not isinstance(parsed, dict) or set(cast("dict[str, Any]", parsed)) != {"mean", "std"}:
        raise ModelError(f"{where} must be an object with exactly 'mean' and 'std', it is {properties[PROPERTY]}")
    entries = cast("dict[str, Any]", parsed)
    return preprocessing_from_numbers(entries["mean"], entries["std"], where)
