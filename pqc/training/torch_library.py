"""torch, behind types: its own leave so much open that a strict checker takes most results for unknown."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

torch: Any = importlib.import_module("torch")
"""The library."""

nn: Any = importlib.import_module("torch.nn")
"""Its modules."""

functional: Any = importlib.import_module("torch.nn.functional")
"""Its functions without parameters."""

once_differentiable: Any = importlib.import_module("torch.autograd.function").once_differentiable
"""Marks a gradient that has none itself."""

Tensor: TypeAlias = Any
"""A tensor."""

Layer: TypeAlias = Any
"""A module of torch's."""

Device: TypeAlias = Any
"""Where tensors are."""
