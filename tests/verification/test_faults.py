"""Ten faults, each put into one pass or into the machine: each is caught there, and named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.network import Network
from support.onnx_models import save
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from pqc.api import CompileRequest, VerifyRequest, compile_model
from pqc.codebook.table import QuantizedTable
from pqc.dialects import pqa
from pqc.dialects.pqa import UnitOp
from pqc.dialects.pqa_memory import AllocateOp
from pqc.dialects.pqa_types import FieldsAttr
from pqc.errors import ComparisonError
from pqc.isa.fields import Memory
from pqc.numerics.arrays import IntArray
from pqc.numerics.kernels import NUMPY
from pqc.numerics.requantize import Clip
from pqc.passes import attributes, fuse_epilogue, lower_lookup, quantizer
from pqc.passes.allocate_memory import AllocateMemoryPass
from pqc.passes.attributes import program_of
from pqc.passes.insert_tokens import InsertTokensPass
from pqc.passes.lower_to_pqa import LowerToPqaPass
from pqc.passes.options import PqOptions
from pqc.passes.quantize import QuantizePass
from pqc.passes.text import load_module
from pqc.planning.target import load_target
from pqc.verification import machine_rule
from pqc.verification.findings import Differences
from pqc.verification.request import Mode
from pqc.verification.verifier import AFTER, BEFORE, Record

Patch = pytest.MonkeyPatch


def network() -> Network:
    """A residual block of product-quantized convolutions behind a stem, large enough for several tiles."""
    made = Network(0)
    made.take((3, 12, 12))

    def conv(x: str, channels: int) -> str:
        weights = made.weights(8, channels, 3, 3), made.weights(8)
        return made.add("Conv", [x, *weights], (8, 12, 12), pads=[1, 1, 1, 1])

    start = made.add("Relu", [conv("input0", 3)], (8, 12, 12))
    body = made.add("Relu", [conv(start, 8)], (8, 12, 12))
    total = made.add("Add", [conv(body, 8), start], (8, 12, 12))
    end = made.add("Relu", [total], (8, 12, 12))
    mean = made.add("GlobalAveragePool", [end], (8, 1, 1))
    flat = made.add("Flatten", [mean], (8,))
    made.give(made.add("Gemm", [flat, made.weights(3, 8), made.weights(3)], (3,), transB=1))
    return made


def verify(folder: Path, mode: Mode = Mode.ACCUMULATED, heard: list[Record] | None = None) -> list[Record]:
    """Compile the network, every pass verified; ``heard`` gets the records even where this does not end well."""
    made, records = network(), list[Record]() if heard is None else heard
    wanted = VerifyRequest(folder=folder / "kept", listener=records.append, mode=mode)
    options = PqOptions(prototypes=8, tune=0)
    model = save(made.proto, folder)
    compile_model(CompileRequest(model, load_target("pqa"), options, made.data(12), verify=wanted))
    return records


def behind(monkeypatch: Patch, kind: type[ModulePass], change: Callable[[ModuleOp], None]) -> None:
    """Change the module behind a pass."""
    right = kind.apply

    def wrong(self: ModulePass, ctx: Context, op: ModuleOp) -> None:
        right(self, ctx, op)
        change(op)

    monkeypatch.setattr(kind, "apply", wrong)


def while_quantizing(monkeypatch: Patch, module: ModuleType, name: str, wrong: Callable[..., Any]) -> None:
    """Have the pass quantize use ``wrong(right, ...)`` for a function; fitting, which uses it too, stays right."""
    apply, right = QuantizePass.apply, getattr(module, name)

    def wrongly(self: QuantizePass, ctx: Context, op: ModuleOp) -> None:
        with monkeypatch.context() as inside:
            inside.setattr(module, name, partial(wrong, right))
            apply(self, ctx, op)

    monkeypatch.setattr(QuantizePass, "apply", wrongly)


def operations(module: ModuleOp, kind: type[UnitOp]) -> list[UnitOp]:
    return [op for op in program_of(module).body.block.ops if isinstance(op, kind)]


def dropped_residual(monkeypatch: Patch) -> None:
    def forget(op: Any, residual: SSAValue) -> Any:
        del residual
        return op.clone()

    monkeypatch.setattr(fuse_epilogue, "with_residual", forget)


def transposed_table(monkeypatch: Patch) -> None:
    def wrong(right: Callable[..., QuantizedTable], *given: Any) -> QuantizedTable:
        integers = right(*given)
        turned = integers.table.transpose(0, 2, 1).reshape(integers.table.shape)
        return replace(integers, table=np.ascontiguousarray(turned))

    while_quantizing(monkeypatch, quantizer, "integers_of", wrong)


def lost_bias(monkeypatch: Patch) -> None:
    def wrong(right: Callable[..., Any], weight: Any, bias: Any, *given: Any) -> Any:
        return right(weight, np.zeros_like(bias), *given)

    while_quantizing(monkeypatch, quantizer, "quantize_weights", wrong)


def wrong_shift(monkeypatch: Patch) -> None:
    def wrong(right: Callable[..., Any], *given: Any) -> Any:
        parameters = right(*given)
        return replace(parameters, shift=parameters.shift + 1)

    while_quantizing(monkeypatch, quantizer, "requantization", wrong)


def wrong_saturation(monkeypatch: Patch) -> None:
    def wrong(right: Callable[..., Clip], *given: Any) -> Clip:
        clip = right(*given)
        return replace(clip, high=clip.high // 2)

    while_quantizing(monkeypatch, attributes, "clip_to_grid", wrong)


def padding_off_by_one(monkeypatch: Patch) -> None:
    right = lower_lookup.window_fields

    def wrong(*given: Any) -> dict[str, int]:
        fields = right(*given)
        return fields | {"pad_left": fields["pad_left"] - 1}

    monkeypatch.setattr(lower_lookup, "window_fields", wrong)


def swapped_tiles(monkeypatch: Patch) -> None:
    def swap(module: ModuleOp) -> None:
        first, second = operations(module, pqa.RequantizeOp)[:2]
        one, other = dict(first.fields.data), dict(second.fields.data)
        assert one["rows"] == other["rows"]
        for op, fields, place in ((first, one, other), (second, other, one)):
            moved = fields | {"destination_offset": place.get("destination_offset", 0)}
            op.properties["fields"] = FieldsAttr.of(moved)

    behind(monkeypatch, LowerToPqaPass, swap)


def stale_buffer(monkeypatch: Patch) -> None:
    def share(module: ModuleOp) -> None:
        regions = [op for op in program_of(module).body.block.ops if isinstance(op, AllocateOp)]
        maps = [op for op in regions if op.region_type.kind is Memory.ACTIVATION]
        start = maps[0].start
        assert start is not None
        for region in maps[1:]:
            region.place(start)

    behind(monkeypatch, AllocateMemoryPass, share)


def missing_token(monkeypatch: Patch) -> None:
    def forget(module: ModuleOp) -> None:
        operations(module, pqa.LookupOp)[0].wait_for([])

    behind(monkeypatch, InsertTokensPass, forget)


class LastOfEqual:
    """Kernels whose encoder takes the last of several nearest prototypes."""

    def __getattr__(self, name: str) -> Any:
        return getattr(NUMPY, name)

    def encoder(self, codebook: IntArray, *how: Any) -> Callable[[IntArray], IntArray]:
        """The codes of the codebook turned around, turned around again."""
        right, last = NUMPY.encoder(np.ascontiguousarray(codebook[:, ::-1]), *how), codebook.shape[1] - 1
        return lambda x: (last - right(x)).astype(np.uint8)


def wrong_tie_break(monkeypatch: Patch) -> None:
    def kernels(work: int) -> LastOfEqual:
        del work
        return LastOfEqual()

    monkeypatch.setattr(machine_rule, "kernels_for", kernels)


FAULTS: Sequence[tuple[Callable[[Patch], None], str]] = [
    (dropped_residual, r"pass fuse-epilogue: node 'relu6', element .* \(rewrite 3 of 4, FuseResidual at node 'add5'\)"),
    (transposed_table, r"pass quantize: node 'relu3', element .* given by qnn.requantize"),
    (lost_bias, r"pass quantize: node 'relu1', element .* given by qnn.requantize"),
    (wrong_shift, r"pass quantize: node 'relu1', element .* given by qnn.requantize"),
    (wrong_saturation, r"pass quantize: node 'relu1', element .* given by qnn.requantize"),
    (padding_off_by_one, r"pass lower-to-pqa: node 'relu3', element .* given by instruction \d+ \(requantize"),
    (swapped_tiles, r"pass lower-to-pqa: node 'relu1', element .* given by instruction \d+ \(requantize"),
    (stale_buffer, r"pass allocate-memory: instruction \d+ .* (writes something else|sends other codes)"),
    (missing_token, r"pass insert-tokens: instruction \d+ \(lookup, node \"conv2\"\)"),
    (wrong_tie_break, r"machine: instruction \d+ \(encode, node \"conv\d\"\) sends other codes"),
]


def test_without_a_fault_everything_holds(tmp_path: Path) -> None:
    records = verify(tmp_path)
    assert all(record.finding.failure is None for record in records)
    checked = {record.check.removeprefix("pass ") for record in records}
    assert checked > {
        "import",
        "fuse-epilogue",
        "fit-prototypes",
        "quantize",
        "lower-to-pqa",
        "insert-tokens",
        "machine",
    }
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(("fault", "sentence"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_is_named_where_it_is(
    fault: Callable[[Patch], None], sentence: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    fault(monkeypatch)
    with pytest.raises(ComparisonError, match=sentence) as raised:
        verify(tmp_path)
    if "pass " in str(raised.value):
        assert load_module(tmp_path / "kept" / BEFORE)
        assert load_module(tmp_path / "kept" / AFTER)


def wrong_layers(monkeypatch: Patch) -> None:
    """The two layers that are looked up lose a column of padding, the stem has two tiles in each other's place."""
    padding_off_by_one(monkeypatch)
    swapped_tiles(monkeypatch)


ALL_WRONG = [
    (dropped_residual, "fuse-epilogue", ["relu6"]),
    (swapped_tiles, "lower-to-pqa", ["relu1"]),
    (padding_off_by_one, "lower-to-pqa", ["relu3", "relu6"]),
    (wrong_layers, "lower-to-pqa", ["relu1", "relu3", "relu6"]),
]
"""Faults with the pass and all nodes that are wrong by themselves; the nodes behind them only get wrong numbers."""


@pytest.mark.parametrize(("fault", "name", "nodes"), ALL_WRONG, ids=[fault.__name__ for fault, *_ in ALL_WRONG])
def test_every_wrong_node_is_named_and_no_other(
    fault: Callable[[Patch], None], name: str, nodes: list[str], tmp_path: Path, monkeypatch: Patch
) -> None:
    fault(monkeypatch)
    records = list[Record]()
    with pytest.raises(ComparisonError, match=f"pass {name}: ") as raised:
        verify(tmp_path, Mode.ISOLATED, records)
    failure = records[-1].finding.failure
    assert isinstance(failure, Differences)
    assert [difference.node for difference in failure.nodes] == nodes
    assert [entry["node"] for entry in failure.as_json()["nodes"]] == nodes
    assert (f"{len(nodes)} nodes are wrong by themselves: " in str(raised.value)) == (len(nodes) > 1)
    assert all(difference.operation for difference in failure.nodes)


def test_what_holds_on_the_whole_holds_by_itself(tmp_path: Path) -> None:
    whole, alone, both = (verify(tmp_path, mode) for mode in Mode)
    assert all(record.finding.failure is None for records in (alone, both) for record in records)
    by_itself = [record for record in alone if record.finding.rule.startswith("each node by itself ")]
    assert {record.check for record in by_itself} >= {"pass fuse-epilogue", "pass lower-to-pqa", "pass insert-tokens"}
    assert len(whole) == len(alone) == len(both) - len(by_itself)
    on_the_whole = {record.check: record.finding.compared for record in whole if "equal" in record.finding.rule}
    for record in by_itself:
        assert record.finding.compared > 5
        assert record.check in on_the_whole
