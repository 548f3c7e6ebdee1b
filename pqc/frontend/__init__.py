"""ONNX files in, the float level out."""

from __future__ import annotations

from pqc.frontend.importer import ImportedModel, import_model
from pqc.frontend.operators import supported_operators
from pqc.frontend.preprocessing import Preprocessing

__all__ = ["ImportedModel", "Preprocessing", "import_model", "supported_operators"]
