"""ONNX files in, the float level out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pqc.frontend.importer import ImportedModel, import_model
    from pqc.frontend.operators import supported_operators
    from pqc.frontend.preprocessing import Preprocessing

__all__ = ["ImportedModel", "Preprocessing", "import_model", "supported_operators"]

_HOMES = {
    "ImportedModel": "pqc.frontend.importer",
    "Preprocessing": "pqc.frontend.preprocessing",
    "import_model": "pqc.frontend.importer",
    "supported_operators": "pqc.frontend.operators",
}


def __getattr__(name: str) -> Any:
    """Import on first use: whoever only wants the preprocessing need not wait for onnx.

    Args:
        name: the attribute asked for.

    Returns:
        The object of that name.

    Raises:
        AttributeError: the name is no part of the interface.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'pqc.frontend' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
