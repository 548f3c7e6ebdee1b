"""How passes are applied: verified after each, in order, and with the text at hand when one goes wrong."""

from __future__ import annotations

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp, StringAttr, f64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.location import node_location, node_name
from pqc.dialects.onnx import ClipOp, ReluOp, tensor
from pqc.dialects.registry import make_context
from pqc.errors import InternalError, ModelError
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.pipeline import PASSES, PHASE, Step, phase_of, pipeline_names, remaining, run_pipeline
from pqc.passes.verification import verify_dominance, verify_module


def two_steps() -> ModuleOp:
    """A relu and a clip of its result."""
    kind = tensor((-1, 4))
    block = Block(arg_types=[kind])
    relu = ReluOp(block.args[0])
    relu.location = node_location("first")
    clip = ClipOp(relu.result, low=0.0, high=1.0)
    block.add_ops([relu, clip, ReturnOp(clip.result)])
    return ModuleOp([FuncOp("main", ([kind], [kind]), Region(block))])


def operations(module: ModuleOp) -> tuple[ReluOp, ClipOp]:
    relu = next(op for op in module.walk() if isinstance(op, ReluOp))
    return relu, next(op for op in module.walk() if isinstance(op, ClipOp))


class SwapPass(ModulePass):
    """Puts the use in front of the definition."""

    name = "fuse-epilogue"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        relu, clip = operations(op)
        relu.detach()
        block = clip.parent_block()
        assert block is not None
        block.insert_op_after(relu, clip)


class EmptyBoundsPass(ModulePass):
    """Leaves bounds that nothing lies between."""

    name = "fuse-epilogue"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        operations(op)[1].properties["low"] = FloatAttr(2.0, f64)


class FailingPass(ModulePass):
    """Divides by zero."""

    name = "fuse-epilogue"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        operations(op)[1].properties["low"] = FloatAttr(1 / 0, f64)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (SwapPass(), "pass fuse-epilogue left an invalid module: onnx.clip: operand 0 is used before it is defined"),
        (EmptyBoundsPass(), "pass fuse-epilogue left an invalid module: .*low must not exceed high"),
    ],
)
def test_what_a_pass_leaves_is_verified(step: ModulePass, message: str) -> None:
    with pytest.raises(InternalError, match=f"(?s){message}") as caught:
        run_pipeline(make_context(), two_steps(), [step])
    assert caught.value.ir is not None
    assert caught.value.ir.index("onnx.relu") < caught.value.ir.index("onnx.clip")


def test_a_fault_inside_a_pass_carries_the_text_before_it() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_pipeline(make_context(), two_steps(), [FailingPass()])
    assert "onnx.clip" in str(vars(caught.value)["ir"])


def test_definitions_stand_in_front_of_their_uses() -> None:
    module = two_steps()
    verify_module(module)
    SwapPass().apply(make_context(), module)
    with pytest.raises(VerifyException, match="used before it is defined"):
        verify_dominance(module)


def test_observers_hear_of_each_pass_and_whether_it_changed_anything() -> None:
    heard: list[Step] = []
    module = two_steps()
    run_pipeline(make_context(), module, [FuseEpiloguePass()], lambda step, _: heard.append(step))
    assert [(step.name, step.description, step.changed) for step in heard] == [
        ("fuse-epilogue", "fuse-epilogue", False)
    ]
    assert heard[0].seconds > 0
    assert phase_of(module) == "fuse-epilogue"


def test_a_module_goes_on_where_it_was_left() -> None:
    module, passes = two_steps(), configured_passes(PqOptions())
    assert [step.name for step in passes] == list(pipeline_names()) == [kind.name for kind in PASSES]
    assert remaining(passes, module) == passes
    module.attributes[PHASE] = StringAttr("quantize")
    assert [step.name for step in remaining(passes, module)] == [
        "fold-constant-subspaces",
        "lower-to-pqa",
        "advance-vector-work",
        "prefetch-constants",
        "allocate-memory",
        "insert-tokens",
    ]
    module.attributes[PHASE] = StringAttr("insert-tokens")
    assert remaining(passes, module) == []
    module.attributes[PHASE] = StringAttr("polish")
    with pytest.raises(ModelError, match="written after a pass 'polish'; the passes are group-pointwise, "):
        remaining(passes, module)


def test_names_of_nodes_are_those_of_the_first_location() -> None:
    relu, clip = operations(two_steps())
    assert (node_name(relu), node_name(clip)) == ("first", "")
