"""Choices for single layers: what their file may say, and what holds where several match."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.pages import blocks

from pqc.errors import ModelError
from pqc.planning.layer_choices import (
    LayerChoice,
    check_patterns,
    choices_from_json,
    choices_from_toml,
    choices_to_toml,
    chosen,
    load_choices,
    pattern_of,
)

CHOICES = (
    LayerChoice("layer*", pq=True, prototypes=32, length=3, grouping="channel", metric="l1"),
    LayerChoice("layer2*", prototype_bits=6, table_bits=5, activation_bits=7),
    LayerChoice("fc", pq=False),
)


def test_choices_are_read_back() -> None:
    assert choices_from_toml(choices_to_toml(CHOICES), "file") == CHOICES
    assert choices_from_json([choice.as_json() for choice in CHOICES]) == CHOICES


def test_later_choices_override_earlier_ones_key_by_key() -> None:
    choices = (LayerChoice("*", table_bits=4, length=3), LayerChoice("b", table_bits=6), LayerChoice("[bc]", length=1))
    assert chosen(choices, "a") == {"table_bits": 4, "length": 3}
    assert chosen(choices, "b") == {"table_bits": 6, "length": 1}
    assert chosen(choices, "c") == {"table_bits": 4, "length": 1}


@pytest.mark.parametrize("name", ["conv", "a[0]", "*", "x?y"])
def test_the_pattern_of_a_name_matches_that_name_alone(name: str) -> None:
    choices = (LayerChoice(pattern_of(name), length=2),)
    assert chosen(choices, name) == {"length": 2}
    assert chosen(choices, name + "1") == chosen(choices, "a0") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[layer]]\nnodes = 'a'\nlanes = 1", "unknown key layer.0.lanes; allowed are nodes, pq, prototypes, length"),
        ("[[layers]]\nnodes = 'a'", "unknown key layers; allowed are layer"),
        ("[[layer]]\npq = true", "layer.0.nodes: field required"),
        ("[[layer]]\nnodes = 'a'\ntable_bits = 1", "layer.0.table_bits: input should be greater than or equal to 2"),
        ("[[layer]]\nnodes = 'a'\npq = 1", "layer.0.pq: input should be a valid boolean, found 1"),
        ("[[layer]]\nnodes = 'a'\nmetric = 'cos'", "layer.0.metric: input should be 'l2', 'l1' or 'linf', found 'cos'"),
        ("[[layer", "Expected"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "pq.toml"
    path.write_text(text)
    with pytest.raises(ModelError) as refused:
        load_choices(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load_choices(tmp_path / "pq.toml")


def test_a_pattern_must_match_something() -> None:
    check_patterns((LayerChoice("a*", pq=True), LayerChoice("in", activation_bits=4)), ["a1"], ["in", "a1"])
    with pytest.raises(ModelError, match=r"nodes = 'b' matches no node; there are a1, in"):
        check_patterns((LayerChoice("b", activation_bits=4),), ["a1"], ["in"])
    with pytest.raises(ModelError, match=r"nodes = 'in' matches no layer; there are a1"):
        check_patterns((LayerChoice("in", table_bits=4),), ["a1"], ["in"])


def test_the_file_that_the_manual_shows_is_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "bitwidths.md").read_text()
    (shown,) = (block.text for block in blocks(text) if block.language == "toml")
    first, second = choices_from_toml(shown, "docs/bitwidths.md")
    said = chosen((first, second), "block1.conv1")
    assert said == {"pq": True, "prototypes": 32, "length": 3, "table_bits": 5, "activation_bits": 6}
    assert "activation_bits" not in chosen((first, second), "block1.conv2")
