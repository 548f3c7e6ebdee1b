"""A PyTorch network as an ONNX file, by either of PyTorch's exporters."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from pqc.training.torch_library import Layer, torch

OLDER_OPSET = 13
NEWER_OPSET = 20


class Exporter(Enum):
    """How PyTorch finds out what a network computes."""

    DYNAMO = "dynamo"
    """``torch.export``, the current one; it needs onnxscript."""
    TRACE = "trace"
    """TorchScript, the older one, which folds batch normalization by itself."""


def export_network(network: Layer, frame: Sequence[int], path: Path, exporter: Exporter) -> None:
    """Write ``network`` for any number of frames of shape ``frame``, from ``input`` to ``logits``."""
    dynamo = exporter is Exporter.DYNAMO
    frames = torch.export.Dim("N")
    names = {"input_names": ["input"], "output_names": ["logits"]}
    free = {"dynamic_shapes": ({0: frames},)} if dynamo else {"dynamic_axes": {"input": {0: "N"}, "logits": {0: "N"}}}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # both announce changes to come at every call, and the current one says on stdout how it gets on
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros((2, *frame)),),
            str(path),
            dynamo=dynamo,
            opset_version=NEWER_OPSET if dynamo else OLDER_OPSET,
            **({"external_data": False} if dynamo else {}),
            **names,
            **free,
        )
