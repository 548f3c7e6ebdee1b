"""Bits of tables within budgets: what is chosen fits, harms little, and is written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.levels import Levels, compile_network
from support.network import three_convolutions
from support.onnx_models import save

from pqc.api import CompileRequest, CompileResult, compile_model
from pqc.errors import ModelError
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target


def compiled(folder: Path, **options: Any) -> Levels:
    return compile_network(three_convolutions(), folder, options=PqOptions(prototypes=4, **options), frames=40)


def table_bits(levels: Levels) -> list[int]:
    return [layer["table_bits"] for layer in levels.program.provenance["layers"] if layer["pq"]]


def bytes_a_bit(levels: Levels) -> list[float]:
    """How many bytes a bit of the entries of each layer's table takes, before constant subspaces are folded."""
    layers = [layer for layer in levels.program.provenance["layers"] if layer["pq"]]
    return [(one["subspaces"] + one.get("folded", 0)) * one["prototypes"] * one["outputs"] / 8 for one in layers]


def table_bytes(levels: Levels) -> float:
    return float(np.dot(bytes_a_bit(levels), table_bits(levels)))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Levels:
    return compiled(tmp_path_factory.mktemp("wide"))


def test_without_a_budget_tables_have_what_was_asked_for(wide: Levels) -> None:
    assert table_bits(wide) == [8, 8]


@pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
def test_tables_fit_the_budget(wide: Levels, share: float, tmp_path: Path) -> None:
    levels = compiled(tmp_path, size_budget=share * table_bytes(wide) / 1024)
    assert table_bytes(levels) <= share * table_bytes(wide)
    # no layer could have a bit more
    steps = [size for size, bits in zip(bytes_a_bit(levels), table_bits(levels), strict=True) if bits < 8]
    assert table_bytes(levels) + min(steps) > share * table_bytes(wide)


def test_a_larger_error_budget_gives_smaller_tables(wide: Levels, tmp_path: Path) -> None:
    sizes: list[float] = []
    for index, budget in enumerate((1e-7, 1e-3, 0.05, 10)):
        folder = tmp_path / str(index)
        folder.mkdir()
        sizes.append(table_bytes(compiled(folder, error_budget=budget)))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == table_bytes(wide)
    assert sizes[-1] == table_bytes(wide) / 4


def test_no_table_gets_more_bits_than_its_layer_asks_for(tmp_path: Path) -> None:
    assert table_bits(compiled(tmp_path, table_bits=5, size_budget=1e3)) == [5, 5]


def chosen(folder: Path, **options: Any) -> CompileResult:
    model = save(three_convolutions().proto, folder)
    pq = PqOptions(prototypes=4, **options)
    return compile_model(CompileRequest(model, load_target("pqa"), pq, three_convolutions().data(40)))


def bits_of(result: CompileResult, key: str) -> list[int]:
    return [getattr(one, key) for one in result.layers if getattr(one, key) is not None]


KEYS = {"tables": "table_bits", "prototypes": "prototype_bits", "activations": "activation_bits"}


@pytest.mark.parametrize("what", list(KEYS))
def test_only_what_is_named_is_narrowed(what: str, tmp_path: Path) -> None:
    result = chosen(tmp_path, error_budget=0.02, narrow=(what,))
    narrowed = {key for key in KEYS.values() if min(bits_of(result, key)) < 8}
    assert narrowed == {KEYS[what]}


def test_codebooks_fit_the_budget_too(tmp_path: Path) -> None:
    # 8 and 12 subspaces of 4 prototypes of 9 elements, at 12 and 3 outputs
    elements, entries = [8 * 36, 12 * 36], [8 * 4 * 12, 12 * 4 * 3]
    budget = 0.6 * sum(elements + entries) / 1024
    result = chosen(tmp_path, size_budget=budget, narrow=("tables", "prototypes"))
    taken = np.dot(elements + entries, [*bits_of(result, "prototype_bits"), *bits_of(result, "table_bits")]) / 8
    assert taken <= budget * 1024
    assert taken > 0.9 * budget * 1024


def test_what_was_chosen_gives_the_same_program_again(tmp_path: Path) -> None:
    result = chosen(tmp_path, error_budget=0.05, narrow=tuple(KEYS))
    assert all(min(bits_of(result, key)) < 8 for key in KEYS.values())
    again = chosen(tmp_path, layers=result.layers)
    assert again.layers == result.layers
    assert again.program.instructions == result.program.instructions
    assert again.program.constants == result.program.constants


def test_what_is_chosen_follows_from_the_seed_alone(tmp_path: Path) -> None:
    programs: list[bytes] = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        programs.append(compiled(folder, error_budget=0.01).program.to_bytes())
    assert programs[0] == programs[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size_budget": 0.01}, r"a size budget of 0.01 KiB: tables of 2 bits everywhere take \d"),
        ({"size_budget": 1.0, "error_budget": 1.0}, "one of both must be left free"),
        ({"narrow": ("prototypes",)}, "narrow = prototypes without a budget: give size_budget or error_budget, too"),
        ({"error_budget": 0.0}, "error_budget = 0.0, it must be positive and finite"),
    ],
)
def test_budgets_that_cannot_be_met_are_refused(options: dict[str, float], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        compiled(tmp_path, **options)
