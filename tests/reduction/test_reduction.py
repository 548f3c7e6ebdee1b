"""Modules that are cut down to what a pass fails on, at every level."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from support.levels import Levels, compile_network
from support.network import Network
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from pqc.errors import ModelError
from pqc.passes.attributes import CALIBRATION, calibration_of, main_of, program_of
from pqc.passes.options import PqOptions
from pqc.passes.text import load_module, module_text, save_module
from pqc.passes.verification import verify_module
from pqc.reduction import network, program
from pqc.reduction.failures import FailingCommand, FailingPasses
from pqc.reduction.reduce import Reduced, Reducer


@dataclass(frozen=True)
class FailsOn(ModulePass):
    """Does not know an operation; says which one of the module it is."""

    name = "fails-on"
    operation: str
    least: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fail where there are at least so many of them."""
        found = [place for place, inner in enumerate(op.walk()) if inner.name == self.operation]
        if len(found) >= self.least:
            raise LookupError(f"operation {found[0]} of the module is '{self.operation}'")


def deep_network() -> Network:
    """Six residual blocks, a pooling between, and two outputs."""
    deep = Network(0)
    deep.take((4, 8, 8))
    x = "input0"
    for number in range(6):
        inner = deep.add("Conv", [x, deep.weights(4, 4, 3, 3)], (4, 8, 8), pads=[1, 1, 1, 1])
        inner = deep.add("Relu", [inner], (4, 8, 8))
        inner = deep.add("Conv", [inner, deep.weights(4, 4, 3, 3)], (4, 8, 8), pads=[1, 1, 1, 1])
        x = deep.add("Relu", [deep.add("Add", [inner, x], (4, 8, 8))], (4, 8, 8))
        if number == 3:
            x = deep.add("MaxPool", [x], (4, 8, 8), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    deep.outputs.append(x)
    deep.outputs.append(deep.add("GlobalAveragePool", [x], (4, 1, 1)))
    return deep


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Levels:
    return compile_network(deep_network(), tmp_path_factory.mktemp("deep"), options=PqOptions(prototypes=4, tune=0))


def dump(levels: Levels, name: str) -> ModuleOp:
    (path,) = (path for path in levels.dumps if path.stem[3:] == name)
    return load_module(path)


def reduced(module: ModuleOp, *passes: ModulePass) -> Reduced:
    before, talk = module_text(module), list[str]()
    found = Reducer(FailingPasses(passes), talk.append).reduce(module)
    assert module_text(module) == before, "the module itself stays as it is"
    assert talk[-1] == f"{found.after} operations"
    verify_module(found.module)
    return found


@pytest.mark.parametrize(
    ("phase", "operation", "left"),
    [
        ("import", "onnx.max_pool", 1),
        ("import", "onnx.add", 1),
        ("calibrate-ranges", "onnx.max_pool", 1),
        ("quantize", "pq.lookup", 2),
        ("quantize", "qnn.max_pool", 1),
        ("insert-tokens", "pqa.pool", 1),
    ],
)
def test_one_operation_is_left_with_what_it_cannot_do_without(
    phase: str, operation: str, left: int, levels: Levels
) -> None:
    found = reduced(dump(levels, phase), FailsOn(operation))
    assert found.symptom == "LookupError: operation … of the module is …"
    assert (found.after, found.before >= 13) == (left, True)
    text = module_text(found.module)
    assert text.count(operation) == 1
    assert "pqc.provenance" not in text
    assert CALIBRATION not in text


def test_several_operations_are_left_where_it_takes_several(levels: Levels) -> None:
    found = reduced(dump(levels, "import"), FailsOn("onnx.conv", least=3))
    assert [op.name for op in network.operations(found.module)] == ["onnx.conv"] * 3


def test_what_is_left_can_be_written_and_read(levels: Levels, tmp_path: Path) -> None:
    found = reduced(dump(levels, "quantize"), FailsOn("pq.lookup"))
    save_module(found.module, tmp_path / "small.mlir", "small")
    assert module_text(load_module(tmp_path / "small.mlir")) == module_text(found.module)


@pytest.mark.parametrize("number", range(19))
def test_a_network_is_valid_without_any_of_its_operations(number: int, levels: Levels) -> None:
    module = dump(levels, "calibrate-ranges")
    everything = range(len(network.operations(module)))
    cut = network.with_operations(module, [place for place in everything if place != number % len(everything)])
    verify_module(cut)
    assert len(network.operations(cut)) < len(everything)
    assert len(calibration_of(cut)) == len(main_of(cut).body.block.args)


@pytest.mark.parametrize("phase", ["lower-to-pqa", "insert-tokens"])
def test_a_program_is_valid_without_any_of_its_instructions(phase: str, levels: Levels) -> None:
    module = dump(levels, phase)
    everything = range(len(program.operations(module)))
    for number in everything:
        cut = program.with_operations(module, [place for place in everything if place != number])
        verify_module(cut)
        assert len(program.operations(cut)) == len(everything) - 1
    nothing = program.with_operations(module, [])
    verify_module(nothing)
    assert not list(program_of(nothing).body.block.ops)


def test_outputs_and_calibration_frames_get_fewer(levels: Levels) -> None:
    @dataclass(frozen=True)
    class NeedsFrames(ModulePass):
        name = "needs-frames"

        def apply(self, ctx: Context, op: ModuleOp) -> None:
            if CALIBRATION in op.attributes and len(calibration_of(op)[0]) >= 3:
                raise IndexError("three frames are too many")

    module = dump(levels, "import")
    assert len(main_of(module).function_type.outputs) == 2
    found = reduced(module, NeedsFrames())
    assert [len(frames) for frames in calibration_of(found.module)] == [4]
    assert len(main_of(found.module).function_type.outputs) == 1


def test_another_error_is_not_the_one_that_is_looked_for(levels: Levels) -> None:
    @dataclass(frozen=True)
    class FailsInTwoWays(ModulePass):
        name = "fails-in-two-ways"

        def apply(self, ctx: Context, op: ModuleOp) -> None:
            names = [inner.name for inner in op.walk()]
            if "onnx.max_pool" not in names:
                raise KeyError("max_pool")
            if "onnx.add" in names:
                raise ValueError("both are there")

    found = reduced(dump(levels, "import"), FailsInTwoWays())
    assert {op.name for op in network.operations(found.module)} == {"onnx.max_pool", "onnx.add"}


def test_a_command_fails_with_the_same_exit_code(levels: Levels) -> None:
    symptom = FailingCommand("grep -q onnx.max_pool {} && exit 5; exit 6")
    found = Reducer(symptom, lambda _: None).reduce(dump(levels, "import"))
    assert found.symptom == "exit code 5"
    assert [op.name for op in network.operations(found.module)] == ["onnx.max_pool"]


def test_where_nothing_fails_there_is_nothing_to_reduce(levels: Levels) -> None:
    module = dump(levels, "import")
    for symptom in (FailingPasses([FailsOn("onnx.lstm")]), FailingCommand("test -f {}")):
        with pytest.raises(ModelError, match="nothing fails for this module"):
            Reducer(symptom, lambda _: None).reduce(module)
