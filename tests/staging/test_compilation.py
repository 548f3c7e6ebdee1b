"""Networks with nodes on the host, compiled and executed from their bytes, against onnxruntime."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from support.hosted import NOTHING, hosted, images, with_norm, with_softmax
from support.onnx_models import node, save

from pqc.compilation import compile_model
from pqc.errors import ModelError
from pqc.isa.program import Program
from pqc.isa.stages import StagedProgram
from pqc.numerics.arrays import AnyArray
from pqc.passes.options import PqOptions
from pqc.planning.layer_choices import choices_from_json
from pqc.planning.schedule import Schedule
from pqc.planning.target import load_target
from pqc.report.compare import signal_to_noise_db, top1
from pqc.request import CompileRequest
from pqc.staging.compilation import StagedResult, compile_stages
from pqc.staging.execution import StagedMachine

QUICK = PqOptions(tune=0)

FINE = PqOptions(prototypes=64, length=3, tune=0)
"""Fine enough for outputs that are close to those of the float network."""


def request(proto: onnx.ModelProto, folder: Path, **changes: Any) -> CompileRequest:
    made = CompileRequest(save(proto, folder), load_target("pqa"), QUICK, calibration={"x": images(64)})
    return replace(made, **changes)


def compiled(proto: onnx.ModelProto, folder: Path, **changes: Any) -> StagedResult:
    return compile_stages(request(proto, folder, **changes))


def executed(staged: StagedProgram, frames: AnyArray) -> dict[str, AnyArray]:
    """What the bytes of the file give."""
    return dict(StagedMachine(StagedProgram.from_bytes(staged.to_bytes(), "p.bin"), "p.bin").run({"x": frames}).outputs)


def float_outputs(folder: Path, frames: AnyArray) -> dict[str, AnyArray]:
    session: Any = import_module("onnxruntime").InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    return dict(zip([entry.name for entry in session.get_outputs()], session.run(None, {"x": frames}), strict=True))


def with_classes() -> onnx.ModelProto:
    """Something in the middle and at the end: probabilities and the best class."""
    proto = hosted(
        node("LogSoftmax", ["h"], ["p"], name="prob", axis=1),
        node("ArgMax", ["p"], ["y"], name="best", axis=1, keepdims=0),
        outputs=["p", "y"],
    )
    proto.graph.output[1].type.tensor_type.elem_type = onnx.TensorProto.INT64
    return proto


@pytest.mark.parametrize(("make", "least"), [(with_softmax, 25), (with_norm, 18)], ids=("end", "middle"))
def test_outputs_are_close_to_those_of_onnxruntime(make: Any, least: float, tmp_path: Path) -> None:
    result = compiled(make(), tmp_path, pq=FINE, calibration={"x": images(256)})
    found = executed(result.staged, images(100))["y"]
    expected = float_outputs(tmp_path, images(100))["y"]
    assert found.shape == expected.shape
    assert signal_to_noise_db(expected, found) > least
    assert top1(expected, found.argmax(axis=1)) >= 0.97


def test_without_product_quantization_only_rounding_is_left(tmp_path: Path) -> None:
    found = executed(compiled(with_norm(), tmp_path, pq=PqOptions(exclude=("*",), tune=0)).staged, images(100))["y"]
    assert signal_to_noise_db(float_outputs(tmp_path, images(100))["y"], found) > 35


def test_classes_of_a_network_that_ends_on_the_host(tmp_path: Path) -> None:
    result = compiled(with_classes(), tmp_path, pq=FINE, calibration={"x": images(256)})
    assert result.staged.names == ("0-accelerator", "1-host", "2-accelerator", "3-host")
    found, expected = executed(result.staged, images(100)), float_outputs(tmp_path, images(100))
    assert found["y"].dtype == np.int64
    assert np.mean(found["y"] == expected["y"]) >= 0.97
    assert (found["p"].argmax(axis=1) == found["y"]).all()


def test_the_host_gives_what_the_reference_implementation_gives(tmp_path: Path) -> None:
    staged = compiled(with_norm(), tmp_path).staged
    first, second, third = staged.stages
    assert isinstance(second.content, bytes)
    apart = [
        replace(staged, stages=(first, second), outputs=("b", "c")),
        replace(staged, stages=(first, second, third), outputs=("c", "y")),
    ]
    evaluator: Any = ReferenceEvaluator(onnx.load_model_from_string(second.content))
    for part in apart:
        found = executed(part, images(7))
        between = executed(apart[0], images(7))["b"]
        expected = np.concatenate([evaluator.run(None, {"b": between[at : at + 1]})[0] for at in range(7)])
        assert found["c"].tobytes() == expected.tobytes()


def test_a_model_without_anything_for_the_host_is_the_ordinary_program(tmp_path: Path) -> None:
    asked = request(hosted(node("Identity", ["h"], ["y"]), middle=NOTHING), tmp_path)
    assert compile_stages(asked).staged.to_bytes() == compile_model(asked).program.to_bytes()


def test_equal_requests_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (compiled(with_classes(), tmp_path).staged.to_bytes() for _ in range(2))
    assert first == second


def test_layers_behind_the_host_are_no_first_ones(tmp_path: Path) -> None:
    result = compiled(with_norm(), tmp_path)
    runs = {layer["node"]: layer["pq"] for one in result.results.values() for layer in one.report["layers"]}
    assert runs["body"]
    assert not runs["stem"]


def test_provenance_says_where_the_frames_of_the_whole_are_from(tmp_path: Path) -> None:
    for calibration, origin in (({"x": images(8)}, "given"), (None, "synthetic")):
        staged = compiled(with_norm(), tmp_path, calibration=calibration).staged
        facts = [staged.provenance, *(program.provenance for program in staged.programs.values())]
        assert [one["calibration"] for one in facts] == [origin] * 3
        assert len({one["model"] for one in facts}) == 1


def test_a_person_hears_once_what_is_on_the_host(tmp_path: Path) -> None:
    said: list[str] = []
    compiled(with_classes(), tmp_path, calibration=None, tell=said.append)
    assert [line for line in said if "host" in line] == [
        "NOTE: 3 nodes run on the host, not on the accelerator: norm (LRN), prob (LogSoftmax), best (ArgMax)"
    ]
    assert len(said) == 2


def test_choices_go_to_the_stage_that_has_the_layer(tmp_path: Path) -> None:
    layers = choices_from_json([{"nodes": "body", "prototypes": 4}, {"nodes": "stem", "activation_bits": 6}])
    result = compiled(with_norm(), tmp_path, pq=replace(QUICK, include=("fc",), exclude=("stem",), layers=layers))
    found = {layer["node"]: layer for one in result.results.values() for layer in one.report["layers"]}
    assert found["body"]["prototypes"] == 4
    assert found["fc"]["pq"]
    with pytest.raises(ModelError, match="on the accelerator matches 'norm'; the layers are stem, body, fc"):
        compiled(with_norm(), tmp_path, pq=replace(QUICK, include=("norm",)))
    unknown = replace(QUICK, layers=choices_from_json([{"nodes": "nothing", "prototypes": 4}]))
    with pytest.raises(ModelError, match="nodes = 'nothing' matches no layer"):
        compiled(with_norm(), tmp_path, pq=unknown)


def test_schedules_go_to_the_stage_that_has_the_layer(tmp_path: Path) -> None:
    first = compiled(with_norm(), tmp_path)
    nests = {node: nest for one in first.results.values() for node, nest in one.schedule.layers.items()}
    again = compiled(with_norm(), tmp_path, schedule=Schedule(None, nests))
    assert again.staged.to_bytes() == first.staged.to_bytes()
    with pytest.raises(ModelError, match="the schedule names 'norm', which is on no stage of the accelerator"):
        compiled(with_norm(), tmp_path, schedule=Schedule(None, {"norm": next(iter(nests.values()))}))


def test_dumps_of_each_stage_have_a_folder(tmp_path: Path) -> None:
    compiled(with_norm(), tmp_path, dump_ir=tmp_path / "ir")
    assert sorted(path.name for path in (tmp_path / "ir").iterdir()) == ["0-accelerator", "2-accelerator"]


def test_what_the_host_cannot_execute_is_refused_at_once(tmp_path: Path) -> None:
    proto = hosted(node("FusedThing", ["h"], ["y"], name="odd", domain="com.microsoft"), middle=NOTHING)
    proto.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(ModelError, match=r"stage 1-host: the host cannot execute it: Node type 'FusedThing'"):
        compiled(proto, tmp_path)


def test_frames_of_a_model_for_four_are_executed_four_by_four(tmp_path: Path) -> None:
    proto = with_softmax()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    staged = compiled(proto, tmp_path).staged
    assert staged.frames == 4
    assert executed(staged, images(6))["y"].shape == (6, 5)


def test_a_stage_that_gets_what_it_cannot_take(tmp_path: Path) -> None:
    staged = compiled(with_norm(), tmp_path).staged
    first, second, third = staged.stages
    assert isinstance(second.content, bytes)
    proto = onnx.load_model_from_string(second.content)
    proto.graph.node[0].CopyFrom(node("Log", ["b"], ["c"]))
    broken = replace(staged, stages=(first, replace(second, content=proto.SerializeToString()), third))
    with pytest.raises(ModelError, match=r"p.bin: stage 2-accelerator: input 'c': an array with NaN or infinity"):
        executed(broken, images(2))


def test_inputs_are_checked(tmp_path: Path) -> None:
    staged = compiled(with_softmax(), tmp_path).staged
    assert isinstance(staged.stages[0].content, Program)
    with pytest.raises(ModelError, match=r"input 'x': an array \[2, 3, 8, 7\], allowed is \[n, 3, 8, 8\]"):
        executed(staged, images(2)[..., :7])
