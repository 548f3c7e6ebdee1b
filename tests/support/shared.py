"""The reference networks and data, which lie beside the checkout and not in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference networks and data beside the checkout; tests that want it skip where it is absent."""
    folder = Path(os.environ.get("PQC_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "resnet20.onnx").exists():
        # they are not ours to distribute, and the project must pass its tests without them
        pytest.skip(f"the reference networks, which are no part of the project, are not at {folder} (see PQC_SHARED)")
    return folder
