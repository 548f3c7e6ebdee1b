"""The public interface: compile a model, keep the program, run it from its bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.hosted import images, with_norm
from support.levels import Levels, compile_network
from support.network import Network, residual_network
from support.onnx_models import save

import pqc
from pqc.api import CompileRequest, compile_model
from pqc.errors import ModelError, ProgramError
from pqc.interpreter.machine import Machine
from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa.program import Program as Contents
from pqc.numerics.arrays import FloatArray
from pqc.passes.options import PqOptions
from pqc.passes.pipeline import pipeline_names
from pqc.planning.target import load_target
from pqc.problems import ProblemsError


def check_self_test(contents: Contents) -> None:
    recorded = contents.self_test
    assert recorded is not None
    inputs = self_test_inputs(contents.inputs, recorded.seed, recorded.frames)
    assert digest(Machine(contents).run(inputs)) == recorded.digest


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Levels:
    return compile_network(residual_network(), tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def program(levels: Levels) -> pqc.Program:
    return pqc.compile(levels.model, calibration=levels.frames)


def test_two_compilations_give_the_same_bytes(levels: Levels, program: pqc.Program) -> None:
    assert program.to_bytes() == levels.program.to_bytes()
    assert pqc.compile(levels.model, calibration=levels.frames["input0"]).to_bytes() == program.to_bytes()


def test_a_program_is_its_file(levels: Levels, program: pqc.Program, tmp_path: Path) -> None:
    program.save(tmp_path / "net.pqa")
    assert (tmp_path / "net.pqa").read_bytes() == program.to_bytes()
    again = pqc.load(tmp_path / "net.pqa")
    assert again.contents == program.contents
    found, wanted = again.run(levels.frames), program.run(levels.frames)
    np.testing.assert_array_equal(found["output0"], wanted["output0"])


def test_results_are_close_to_the_float_network(levels: Levels, program: pqc.Program) -> None:
    found, wanted = program.run(levels.frames)["output0"], levels.expected()["output0"]
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 0.1 * np.abs(wanted).max()


def test_one_array_is_enough_for_one_input(levels: Levels, program: pqc.Program) -> None:
    by_name = program.run(levels.frames)["output0"]
    np.testing.assert_array_equal(program.run(levels.frames["input0"])["output0"], by_name)


def test_raw_results_are_the_integers(levels: Levels, program: pqc.Program) -> None:
    raw, real = program.run(levels.frames, raw=True)["output0"], program.run(levels.frames)["output0"]
    (output,) = program.contents.outputs
    assert raw.dtype == np.int16
    np.testing.assert_allclose(real, raw * output.scale, rtol=1e-6)


def test_an_input_that_is_missing_is_named(program: pqc.Program) -> None:
    with pytest.raises(ModelError, match="no array for input 'input0', only for other"):
        program.run({"other": np.zeros((1, 2, 6, 6), np.float32)})
    with pytest.raises(ModelError, match="no array for input 'input0', only for none"):
        program.run({})
    with pytest.raises(ModelError, match=r"input 'input0': an array \[1, 2, 6, 5\], allowed is \[n, 2, 6, 6\]"):
        program.run(np.zeros((1, 2, 6, 5), np.float32))


def test_timing_is_that_of_the_target(levels: Levels, program: pqc.Program) -> None:
    slow = pqc.compile(levels.model, calibration=levels.frames, overrides=["dram.bandwidth_gb_s=0.1"])
    assert slow.timing().cycles > program.timing().cycles > 0
    assert len(program.timing().instructions) == len(program.contents.instructions)


def test_options_change_the_program(levels: Levels, program: pqc.Program) -> None:
    coarse = pqc.compile(levels.model, calibration=levels.frames, prototypes=2, length=3)
    assert len(coarse.contents.constants) != len(program.contents.constants)
    assert coarse.contents.provenance["options"]["prototypes"] == 2
    (layer,) = [layer for layer in coarse.contents.provenance["layers"] if layer["pq"]]
    assert (layer["prototypes"], layer["length"], layer["subspaces"]) == (2, 3, 12)


def test_the_program_says_where_it_comes_from(program: pqc.Program) -> None:
    provenance = program.contents.provenance
    assert (provenance["pqc"], provenance["calibration"]) == (pqc.__version__, "given")
    assert [(layer["node"], layer["op"]) for layer in provenance["layers"]] == [
        ("conv0", "conv2d"),
        ("conv2", "pq"),
        ("gemm7", "gemm"),
    ]
    (numerics,) = provenance["numerics"]
    assert numerics["node"] == "conv2"
    assert 0 < numerics["normalized_error"] < 0.5


def test_the_self_test_of_a_program_passes(program: pqc.Program) -> None:
    check_self_test(program.contents)


def test_dumps_can_be_compiled_on(levels: Levels, program: pqc.Program, tmp_path: Path) -> None:
    pqc.compile(levels.model, calibration=levels.frames, dump_ir=tmp_path)
    assert pqc.compile(tmp_path / "08-quantize.mlir").to_bytes() == program.to_bytes()


def test_without_data_synthetic_frames_do(levels: Levels) -> None:
    first, second = (pqc.compile(levels.model, target="tiny", seed=seed) for seed in (0, 1))
    assert first.contents.provenance["calibration"] == "synthetic"
    assert first.to_bytes() == pqc.compile(levels.model, target=load_target("tiny")).to_bytes() != second.to_bytes()


def test_calibration_lacks_an_input(levels: Levels) -> None:
    with pytest.raises(ModelError, match="there is no array for input 'input0', only for image"):
        pqc.compile(levels.model, calibration={"image": levels.frames["input0"]})


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((4, 2, 6, 5)), r"an array \[4, 2, 6, 5\], allowed is \[n, 2, 6, 6\]"),
        (np.zeros((2, 6, 6)), r"an array \[2, 6, 6\], allowed is \[n, 2, 6, 6\]"),
        (np.zeros((0, 2, 6, 6)), r"an array \[0, 2, 6, 6\], allowed is \[n, 2, 6, 6\]"),
        (np.full((4, 2, 6, 6), np.nan), "NaN or infinity"),
    ],
)
def test_calibration_that_is_no_use_is_refused(levels: Levels, frames: FloatArray, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        pqc.compile(levels.model, calibration={"input0": frames})


def test_overrides_do_not_go_with_a_target(levels: Levels) -> None:
    with pytest.raises(ModelError, match="overrides go with a target's name"):
        pqc.compile(levels.model, target=load_target("pqa"), overrides=["clock_mhz=100"])


def test_images_limit_the_calibration_frames(levels: Levels) -> None:
    few = pqc.compile(levels.model, calibration=levels.frames, images=4)
    same = pqc.compile(levels.model, calibration=levels.frames["input0"][:4], images=4)
    assert few.to_bytes() == same.to_bytes()


def test_a_print_after_a_pass_that_does_not_exist_is_refused(levels: Levels) -> None:
    with pytest.raises(ModelError, match="--print-ir-after fold: no such pass; the passes are group-pointwise, "):
        compile_model(CompileRequest(levels.model, None, print_ir_after=("fold",)))


def test_passes_can_be_watched(levels: Levels, capsys: pytest.CaptureFixture[str]) -> None:
    request = CompileRequest(
        levels.model, None, calibration=levels.frames, print_ir_after=("quantize",), time_passes=True
    )
    compile_model(request)
    printed = capsys.readouterr().err
    assert "// after quantize\n#" in printed
    assert "// after select-pq" not in printed
    assert printed.count(" s  ") == len(pipeline_names())


def test_files_that_are_no_programs_are_refused(levels: Levels, tmp_path: Path) -> None:
    with pytest.raises(ProgramError):
        pqc.load(levels.model)
    with pytest.raises(ModelError):
        pqc.load(tmp_path / "absent.pqa")


def test_only_the_public_names_are_there() -> None:
    assert set(pqc.__all__) == {"Program", "Stages", "__version__", "compile", "compile_stages", "load", "load_stages"}
    with pytest.raises(AttributeError, match="module 'pqc' has no attribute 'assemble'"):
        pqc.__getattr__("assemble")


def two_outputs() -> Network:
    network = Network(0)
    network.take((3,))
    network.take((3,))
    total = network.add("Add", ["input0", "input1"], (3,))
    for name in ("input1", total, total):
        network.give(name)
    return network


def test_every_output_has_its_name(tmp_path: Path) -> None:
    network = two_outputs()
    path = save(network.proto, tmp_path)
    frames: dict[str, FloatArray] = network.data(5)
    contents = compile_model(CompileRequest(path, load_target("pqa"), PqOptions(), frames)).program
    assert [output.name for output in contents.outputs] == ["output0", "output1", "output2"]
    found = pqc.Program(contents).run(frames)
    np.testing.assert_allclose(found["output0"], frames["input1"], atol=contents.inputs[1].scale)
    np.testing.assert_array_equal(found["output1"], found["output2"])
    check_self_test(contents)


def test_stages(tmp_path: Path) -> None:
    path = save(with_norm(), tmp_path)
    stages = pqc.compile_stages(path, calibration=images(16), target="tiny", tune=0)
    assert [str(one) for one in stages.host_nodes] == ["norm (LRN)"]
    assert stages.host_nodes[0].reason == "the operator is not supported"
    stages.save(tmp_path / "s.bin")
    again = pqc.load_stages(tmp_path / "s.bin")
    assert again.to_bytes() == stages.to_bytes()
    found = again.run(images(3))["y"]
    between = again.programs["0-accelerator"].run(images(3))
    assert set(between) == {"b"}
    assert found.shape == (3, 5)
    with pytest.raises(ProgramError, match="take it apart"):
        pqc.load(tmp_path / "s.bin")
    with pytest.raises(ProblemsError, match=r"norm \(LRN\)"):
        pqc.compile(path, target="tiny")
