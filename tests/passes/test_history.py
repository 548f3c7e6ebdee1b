"""Digests of what values follow from: names and what comes later play no part, everything else does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from xdsl.dialects.builtin import FloatAttr, ModuleOp, StringAttr, f64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region

from pqc.dialects.blob import BlobAttr, ConstantOp
from pqc.dialects.onnx import AddOp, ClipOp, ReluOp, tensor
from pqc.errors import InternalError
from pqc.numerics.arrays import AnyArray
from pqc.passes import history
from pqc.passes.attributes import main_of, set_calibration
from pqc.passes.history import History, code_version

SHAPE = (-1, 2, 3, 3)
FRAMES = np.ones((4, 2, 3, 3), np.float32)


def network(bias: AnyArray | None = None, high: float = 6.0, label: str = "bias") -> ModuleOp:
    """A ReLU, the addition of a constant, and a clip."""
    block = Block(arg_types=[tensor(SHAPE)])
    constant = ConstantOp(label, np.ones(2, np.float32) if bias is None else bias)
    relu = ReluOp(block.args[0])
    added = AddOp(relu.result, constant.result)
    clip = ClipOp(added.result, low=0.0, high=high)
    block.add_ops([constant, relu, added, clip, ReturnOp(clip.result)])
    module = ModuleOp([FuncOp("main", ([tensor(SHAPE)], [tensor(SHAPE)]), Region(block))])
    set_calibration(module, [FRAMES])
    return module


def digests(module: ModuleOp, *facts: str, ignored: tuple[str, ...] = ()) -> list[str]:
    """Of the ReLU, the addition, the clip, and of everything."""
    found = History(module, facts, ignored)
    operations = [op for op in main_of(module).body.block.ops if not isinstance(op, ConstantOp | ReturnOp)]
    return [*(found[op] for op in operations), found.whole]


def shared(left: list[str], right: list[str]) -> list[bool]:
    return [one == other for one, other in zip(left, right, strict=True)]


def test_equal_modules_have_equal_digests_and_each_operation_its_own() -> None:
    assert digests(network()) == digests(network())
    assert len(set(digests(network()))) == 4


def test_names_play_no_part() -> None:
    renamed = network(label="other")
    for op in renamed.walk():
        for result in op.results:
            result.name_hint = "renamed"
    assert digests(renamed) == digests(network())


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (lambda: network(high=5.0), [True, True, False, False]),
        (lambda: network(bias=np.zeros(2, np.float32)), [True, False, False, False]),
        (lambda: calibrated(FRAMES[:3]), [False] * 4),
    ],
    ids=["a later operation", "a constant", "the frames"],
)
def test_what_changes_a_value_changes_its_digest(other: Callable[[], ModuleOp], same: list[bool]) -> None:
    assert shared(digests(network()), digests(other())) == same


def calibrated(frames: AnyArray) -> ModuleOp:
    module = network()
    set_calibration(module, [frames])
    return module


def test_facts_are_part_of_everything() -> None:
    assert shared(digests(network(), "a"), digests(network(), "b")) == [False] * 4
    assert shared(digests(network(), "a", "b"), digests(network(), "ab")) == [False] * 4


def test_attributes_are_part_of_what_follows_unless_ignored() -> None:
    marked = network()
    relu: Operation = next(op for op in marked.walk() if isinstance(op, AddOp))
    relu.attributes["mark"] = FloatAttr(1.5, f64)
    assert shared(digests(network()), digests(marked)) == [True, False, False, False]
    assert digests(marked, ignored=("mark",)) == digests(network())


def test_which_operand_is_which_matters() -> None:
    def difference(swapped: bool) -> str:
        block = Block(arg_types=[tensor(SHAPE)] * 2)
        left, right = reversed(block.args) if swapped else block.args
        added = AddOp(left, right)
        block.add_ops([added, ReturnOp(added.result)])
        module = ModuleOp([FuncOp("main", ([tensor(SHAPE)] * 2, [tensor(SHAPE)]), Region(block))])
        set_calibration(module, [FRAMES, 2 * FRAMES])
        return History(module, ())[added]

    assert difference(swapped=False) != difference(swapped=True)


def test_the_code_has_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(network())
    monkeypatch.setattr(history, "code_version", lambda: "another")
    assert shared(before, digests(network())) == [False] * 4
    monkeypatch.undo()
    first = code_version()
    monkeypatch.setattr(history, "DECIDING", history.DECIDING[1:])
    code_version.cache_clear()
    assert code_version() != first
    monkeypatch.setattr(history, "DECIDING", ("nothing",))
    code_version.cache_clear()
    with pytest.raises(InternalError, match=r"the code of pqc\.nothing cannot be read"):
        code_version()
    code_version.cache_clear()


def test_constants_are_told_apart_by_content_alone() -> None:
    assert BlobAttr.of("a", FRAMES).key == BlobAttr.of("b", FRAMES).key
    assert BlobAttr.of("a", FRAMES).label == StringAttr("a")
