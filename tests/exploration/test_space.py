"""Space files: which points they mean, and what is said of wrong ones."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pqc.errors import ModelError
from pqc.exploration.objectives import OBJECTIVES
from pqc.exploration.space import Space, flatten, load_space, read_space
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "digits" / "space.toml"
MANUAL = ROOT / "docs" / "explore.md"


def space(text: str, folder: Path = Path()) -> Space:
    return read_space(tomllib.loads(text), "space.toml", folder)


def chosen(text: str) -> list[tuple[object, ...]]:
    return [tuple(point.settings.values()) for point in space(text).points]


def test_an_empty_file_is_one_point_with_all_defaults() -> None:
    (point,) = space("").points
    assert (point.pq, point.target) == (PqOptions(), load_target("pqa"))
    assert point.settings == {"target": "pqa"}
    assert space("").varied == ()


def test_all_combinations_in_the_order_of_the_file() -> None:
    text = """
    pq = {length = [9, 3], prototypes = 8}
    target = {name = ["tiny", "pqa"], set = {clock_mhz = 250, lookup.output_lanes = [16, 32]}}
    """
    found = space(text)
    assert list(found.points[0].settings) == ["length", "prototypes", "target", "clock_mhz", "lookup.output_lanes"]
    assert chosen(text)[:3] == [(9, 8, "tiny", 250, 16), (9, 8, "tiny", 250, 32), (9, 8, "pqa", 250, 16)]
    assert len(found.points) == 8
    assert found.varied == ("length", "target", "lookup.output_lanes")
    last = found.points[-1]
    assert last.pq == PqOptions(length=3, prototypes=8)
    assert last.target == load_target("pqa", ["clock_mhz=250", "lookup.output_lanes=32"])


def plain(options: PqOptions) -> dict[str, Any]:
    """All options by name, as JSON has them."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(options)))
    return values


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(PqOptions)])
def test_every_option_of_the_compiler_is_one_of_the_space(name: str) -> None:
    value = plain(PqOptions(images=5, include=("a*", "b")))[name]
    for written in (value, [value]):
        (point,) = read_space({"pq": {name: written}}, "space.toml", Path()).points
        assert plain(point.pq)[name] == value


def test_where_a_value_is_a_list_several_are_a_list_of_lists() -> None:
    assert chosen('target.set.encode.metrics = ["l2", "l1"]') == [("pqa", ["l2", "l1"])]
    assert chosen('target.set.encode.metrics = [["l2"], ["l2", "l1"]]') == [("pqa", ["l2"]), ("pqa", ["l2", "l1"])]
    assert chosen('pq.exclude = [["a"], []]') == [(("a",), "pqa"), ((), "pqa")]


def test_conditions_see_every_option_and_every_key_of_the_target() -> None:
    text = """
    where = ["prototypes * length <= 72", "buffers.table == 512 or target == 'tiny'", "lookup.output_lanes > 8"]
    pq = {prototypes = [8, 16], length = [3, 9]}
    target = {name = ["pqa", "tiny"], set = {lookup.output_lanes = [8, 16]}}
    """
    lengths = [(8, 3), (8, 9), (16, 3)]
    assert chosen(text) == [(*pair, name, 16) for pair in lengths for name in ("pqa", "tiny")]


def test_a_sample_is_always_the_same_and_grows_by_adding() -> None:
    text = "pq.prototypes = [2, 3, 4, 5, 6, 7, 8]\npq.length = [1, 2, 3]\nsample = {{points = {}, seed = {}}}"
    everything = chosen(text.format(99, 0))
    assert len(everything) == 21
    smaller, larger = chosen(text.format(5, 0)), chosen(text.format(11, 0))
    assert (len(smaller), len(larger)) == (5, 11)
    assert set(smaller) < set(larger) < set(everything)
    assert larger == [point for point in everything if point in larger]
    assert chosen(text.format(5, 0)) == smaller != chosen(text.format(5, 1))


def test_a_sample_keeps_its_points_when_the_space_grows() -> None:
    def sampled(lengths: str) -> set[tuple[object, ...]]:
        return set(chosen(f"pq.prototypes = [2, 3, 4, 5, 6, 7, 8]\npq.length = {lengths}\nsample.points = 6"))

    assert sampled("[1, 2, 3]") - sampled("[1, 2]") <= {p for p in sampled("[1, 2, 3]") if p[1] == 3}


def test_target_files_are_looked_for_beside_the_space(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\ninherits = "tiny"\nclock_mhz = 100\n')
    (tmp_path / "space.toml").write_text('target.name = ["mine.toml", "pqa"]\n')
    first, second = load_space(tmp_path / "space.toml").points
    assert (first.target.name, first.target.clock_mhz, first.settings["target"]) == ("mine", 100, "mine.toml")
    assert second.target == load_target("pqa")


def test_the_example() -> None:
    found = load_space(EXAMPLE)
    assert len(found.points) == 81
    for point in found.points:
        assert point.target.encode.subspace_lanes == point.target.lookup.subspace_lanes


def test_the_space_of_the_manual(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\ninherits = "pqa-hbm"\n')
    (block,) = re.findall(r"```toml\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    (tmp_path / "space.toml").write_text(block)
    assert len(load_space(tmp_path / "space.toml").points) == 50


def test_the_manual_lists_every_objective_with_its_figure() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", MANUAL.read_text(), re.MULTILINE)
    assert rows == [(objective.name, objective.figure) for objective in OBJECTIVES.values()]


def test_flatten() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": {}}, "e": [2]}) == {"a.b.c": 1, "a.d": {}, "e": [2]}


WRONG = {
    "colour = 3": "unknown key colour; allowed are where, pq, target, sample",
    "target.names = 'pqa'": "unknown key target.names, did you mean name?",
    "sample = {points = 3, sed = 1}": "unknown key sample.sed, did you mean seed?",
    "pq.prototype = 3": "unknown key pq.prototype, did you mean prototypes?",
    "target.set.lookup.output_lane = 3": "unknown key lookup.output_lane, did you mean lookup.output_lanes?",
    "target.set.lookup = 3": "target.set: lookup = 3, allowed is a section with keys of its own",
    "target.set.clock_mhz.x = 3": "target.set: clock_mhz = {'x': 3}, allowed is a number above 0",
    "pq.length = 'long'": "pq.length = 'long', allowed is a valid integer, or a list of several",
    "pq.length = [3, 9.5]": "pq.length has the value 9.5, allowed is a valid integer",
    "pq.length = true": "pq.length = True, allowed is a valid integer",
    "pq.length = 2024-01-01": "pq.length = datetime.date(2024, 1, 1), allowed is a valid integer",
    "pq.length = []": "pq.length is an empty list, allowed is at least one value",
    "pq.length = [3, 9, 3]": "pq.length has the value 3 twice",
    "pq.length = [3, 0]": "pq.length = 0, allowed are 1 to 1024",
    "pq.metric = 'l3'": "pq.metric 'l3', allowed are l2, l1, linf",
    "target.name = []": "target.name = []: list should have at least 1 item",
    "target.name = ['pqa', 'pqa']": "target.name has the value 'pqa' twice",
    "target.name = 3": "target.name = 3: input should be a valid list",
    "target.name = 'pqaa'": "there is no target 'pqaa'; did you mean pqa?",
    "target.set.lookup.output_lanes = [8, 0]": "target.set: lookup.output_lanes = 0, allowed is an integer from 1",
    "where = 'length == 3'": "where = 'length == 3': input should be a valid list",
    "where = ['size == 3']": "where: 'size == 3': there is no size",
    "where = ['length / 0 == 3']": "where: 'length / 0 == 3' divides by zero",
    "where = ['length == 4']": "none of 1 points satisfies where = ['length == 4']",
    "sample.points = 0": "sample.points = 0: input should be greater than or equal to 1",
    "sample = {seed = 1}": "key sample.points is missing",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(text: str) -> None:
    with pytest.raises(ModelError) as caught:
        space(text)
    message = str(caught.value)
    assert WRONG[text] in message
    assert message.startswith("space.toml: ") or "there is no target" in message
    assert "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff")
    (tmp_path / "text.toml").write_text("hello")
    for name, message in (
        ("none.toml", "none.toml: cannot be read: No such file or directory"),
        ("binary.toml", "binary.toml: not a TOML file"),
        ("text.toml", "text.toml: not a TOML file"),
    ):
        with pytest.raises(ModelError, match=message):
            load_space(tmp_path / name)
