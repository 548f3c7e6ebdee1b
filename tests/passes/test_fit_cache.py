"""Fitting with a cache: what is known is neither fitted nor executed again, and the program is the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.network import Network
from support.onnx_models import save

from pqc.api import CompileRequest, compile_model
from pqc.cache import SUFFIX
from pqc.numerics.arrays import FloatArray
from pqc.passes import fitter, frames_at_once, value_ranges
from pqc.passes.options import PqOptions
from pqc.passes.progress import LISTENER
from pqc.planning.target import load_target

FIRST, SECOND, THIRD = (f"fitting conv{number}" for number in (2, 4, 6))


def chain() -> Network:
    """A first convolution, which stays conventional, and three that are product-quantized, each behind a ReLU."""
    network = Network(0)
    network.take((2, 6, 6))
    x, channels = "input0", 2
    for _ in range(4):
        weights = network.weights(4, channels, 3, 3), network.weights(4)
        x = network.add("Conv", [x, *weights], (4, 6, 6), pads=[1, 1, 1, 1])
        x, channels = network.add("Relu", [x], (4, 6, 6)), 4
    network.give(x)
    return network


class Compiler:
    """Compiles the same network over and over with one cache, and knows what was fitted the last time."""

    def __init__(self, folder: Path) -> None:
        self.network = chain()
        self.model = save(self.network.proto, folder)
        self.cache = folder / "cache"
        self.heard: list[str] = []
        self.on_progress: Callable[[str], None] = self.heard.append

    def __call__(self, *, cached: bool = True, frames: int | None = 70, target: str = "pqa", **options: Any) -> bytes:
        """The program."""
        self.heard.clear()
        data: dict[str, FloatArray] | None = None if frames is None else self.network.data(frames)
        request = CompileRequest(
            self.model,
            load_target(target),
            PqOptions(prototypes=4, **options),
            data,
            cache=self.cache if cached else None,
        )
        token = LISTENER.set(lambda what, done, total: self.on_progress(what))
        try:
            return compile_model(request).program.to_bytes()
        finally:
            LISTENER.reset(token)

    @property
    def fitted(self) -> list[str]:
        """The layers that were fitted the last time."""
        return [what for what in self.heard if what.startswith("fitting ")]


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    return Compiler(tmp_path)


def entries(compiler: Compiler) -> set[Path]:
    return set(compiler.cache.glob(f"*{SUFFIX}"))


def refuse(*_: object) -> None:
    pytest.fail("nothing was to be executed")


def test_the_second_time_nothing_is_executed(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = compiler()
    assert compiler.fitted == [FIRST, SECOND, THIRD]
    assert cold == compiler(cached=False)
    # three layers and the ranges
    assert len(entries(compiler)) == 4
    for module, name in ((frames_at_once, "execute"), (value_ranges, "run_block"), (fitter, "fit_layer")):
        monkeypatch.setattr(module, name, refuse)
    assert compiler() == cold
    assert compiler.fitted == []


def test_layers_before_a_change_are_not_fitted_again(compiler: Compiler) -> None:
    compiler()
    before = entries(compiler)
    changed = compiler(exclude=("conv6",))
    # what is no longer product-quantized has its weights fitted
    assert compiler.fitted == [THIRD]
    assert entries(compiler) > before
    assert changed == compiler(cached=False, exclude=("conv6",))
    assert compiler(exclude=("conv4",)) == compiler(cached=False, exclude=("conv4",))
    compiler(exclude=("conv4", "conv6"))
    assert compiler.fitted == [THIRD]


def test_what_follows_a_change_is_fitted_again(compiler: Compiler) -> None:
    compiler()
    changed = compiler(exclude=("conv2",))
    assert compiler.fitted == [SECOND, THIRD]
    assert changed == compiler(cached=False, exclude=("conv2",))


def test_what_matters_of_a_layer_depends_on_what_comes_later(compiler: Compiler) -> None:
    compiler()
    last = list(compiler.network.constants)[-1]
    # the outputs now follow from the first channel of what the last layer sees alone
    compiler.network.constants[last] = compiler.network.constants[last] * 0
    weights = list(compiler.network.constants)[-2]
    compiler.network.constants[weights][:, 1:] = 0
    save(compiler.network.proto, compiler.model.parent)
    changed = compiler()
    assert compiler.fitted == [FIRST, SECOND, THIRD]
    assert changed == compiler(cached=False)


def test_made_up_frames_say_nothing_of_what_matters(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitter, "importance_of", refuse)
    compiler(frames=None)
    assert compiler.fitted == [FIRST, SECOND, THIRD]
    with pytest.raises(pytest.fail.Exception, match="nothing was to be executed"):
        compiler()


@pytest.mark.parametrize(
    "change",
    [
        {"length": 3},
        {"seed": 1},
        {"tune": 1},
        {"table_bits": 4},
        {"activation_bits": 6},
        {"metric": "l1"},
        {"frames": 71},
    ],
    ids=str,
)
def test_what_all_layers_depend_on(compiler: Compiler, change: dict[str, Any]) -> None:
    compiler()
    changed = compiler(**change)
    assert compiler.fitted == [FIRST, SECOND, THIRD]
    assert changed == compiler(cached=False, **change)


def test_targets_that_compute_with_the_same_numbers_share_what_is_fitted(compiler: Compiler) -> None:
    compiler()
    tiny = compiler(target="tiny")
    assert compiler.fitted == []
    assert tiny == compiler(cached=False, target="tiny")


@pytest.mark.parametrize("number", range(4))
def test_a_damaged_entry_is_made_again(compiler: Compiler, capsys: pytest.CaptureFixture[str], number: int) -> None:
    cold = compiler()
    path = sorted(entries(compiler))[number]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert compiler() == cold
    assert len(compiler.fitted) <= 1
    assert capsys.readouterr().err == f"{path}: this entry of the cache is damaged and is computed again\n"
    assert path.read_bytes() == whole
    compiler()
    assert compiler.fitted == []


def test_a_missing_layer_is_fitted_to_what_the_others_give(compiler: Compiler) -> None:
    cold = compiler()
    for path in sorted(entries(compiler)):
        content = path.read_bytes()
        path.unlink()
        assert compiler() == cold
        assert len(compiler.fitted) <= 1
        assert path.read_bytes() == content


def test_the_folder_may_be_deleted_while_layers_are_fitted(compiler: Compiler) -> None:
    def delete(what: str) -> None:
        compiler.heard.append(what)
        if what == SECOND:
            shutil.rmtree(compiler.cache)

    compiler.on_progress = delete
    cold = compiler()
    compiler.on_progress = compiler.heard.append
    # the second and the third layer
    assert len(entries(compiler)) == 2
    assert compiler() == cold
    assert compiler.fitted == [FIRST]
    assert cold == compiler(cached=False)
