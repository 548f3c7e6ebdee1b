"""The reference networks are imported whole and compute what onnxruntime computes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.onnx_models import import_and_compare, op_names

RESNET20 = {"conv": 19, "relu": 19, "add": 9, "slice": 2, "pad": 2, "reshape": 1, "gemm": 1}
NETWORKS = {
    "resnet20": {**RESNET20, "global_average_pool": 1},
    "resnet20_bn": {**RESNET20, "batch_norm": 19, "global_average_pool": 1},
    "resnet20_torch_dynamo_op20": {**RESNET20, "slice": 4, "average_pool": 1},
    "resnet20_torch_legacy_op13_bn": {**RESNET20, "batch_norm": 19, "slice": 4, "average_pool": 1},
    "mlperf_resnet8_cifar10": {"conv": 9, "relu": 7, "add": 3, "average_pool": 1, "reshape": 1, "gemm": 1},
    "mlperf_dscnn_kws": {"conv": 9, "relu": 9, "average_pool": 1, "reshape": 1, "gemm": 1},
    "mlperf_mobilenetv1_025_vww96": {"conv": 27, "relu": 27, "average_pool": 1, "reshape": 1, "gemm": 1},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_network_computes_what_onnxruntime_does(name: str, shared: Path) -> None:
    imported = import_and_compare(shared / "data" / f"{name}.onnx", frames=3, tolerance=1e-3)
    assert Counter(op_names(imported)) == NETWORKS[name]
