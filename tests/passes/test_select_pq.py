"""Which metrics a target must have for layers that are product-quantized already."""

from __future__ import annotations

import numpy as np
import pytest
from support.integer_layer import module

from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.passes.select_pq import SelectPqPass


def test_the_target_must_have_the_metrics_that_are_there() -> None:
    made = module(np.zeros(2, np.int32), 1.0, overrides=['encode.metrics=["l1"]'])
    with pytest.raises(ModelError, match=r"^node 'layer7': metric 'l2': the target's encode unit has l1; choose"):
        SelectPqPass(metric="l1").apply(make_context(), made)


def test_a_metric_that_no_layer_will_have_does_not_matter() -> None:
    made = module(np.zeros(2, np.int32), 1.0, overrides=['encode.metrics=["l2"]'])
    before = made.clone()
    SelectPqPass(metric="l1").apply(make_context(), made)
    assert made.is_structurally_equivalent(before)
