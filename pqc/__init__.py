"""pqc compiles neural networks from ONNX to an accelerator for product-quantized networks.

The public interface is what this module names. `compile` turns a model into a `Program`, `load` reads one from its
file, and a `Program` runs from its bytes alone. `compile_stages` leaves to the host what cannot be compiled, and makes
`Stages`, which `load_stages` reads. Everything is imported on first use, so that `import pqc` costs
nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pqc.version import __version__

if TYPE_CHECKING:
    from pqc.api import Program, Stages, compile, compile_stages, load, load_stages

__all__ = ["Program", "Stages", "__version__", "compile", "compile_stages", "load", "load_stages"]


def __getattr__(name: str) -> Any:
    """Import the public interface on first use.

    Args:
        name: the attribute asked for.

    Returns:
        The object of that name in `pqc.api`.

    Raises:
        AttributeError: the name is no part of the public interface.
    """
    if name not in __all__:
        raise AttributeError(f"module 'pqc' has no attribute {name!r}")
    return getattr(importlib.import_module("pqc.api"), name)
