from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.planning.target import list_targets, load_target, target_from_dict

INSTALLED = ", ".join(list_targets())


def test_every_preset_loads_and_survives_json() -> None:
    names = list_targets()
    assert len(names) == len({load_target(name).fingerprint() for name in names}) == 16
    assert {"pqa", "pqa-hbm", "pqa-o64-s64", "pqa-shift", "tiny"} <= set(names)
    for name in names:
        target = load_target(name)
        again = target_from_dict(json.loads(json.dumps(target.as_dict())))
        assert again == target
        assert again.name == name
        assert again.fingerprint() == target.fingerprint()


def test_derived_figures() -> None:
    target = load_target("pqa")
    assert target.bits_per_cycle == 751
    assert load_target("pqa-hbm").bits_per_cycle == 8534
    assert load_target("pqa", ["dram.bandwidth_gb_s=37.5"]).bits_per_cycle == 800
    assert target.accumulator_bytes == 2
    assert load_target("tiny").buffer_bytes(Memory.CODEBOOK) == 512
    assert [target.buffer_bytes(m) >> 10 for m in Memory if m is not Memory.DRAM] == [256, 32, 512, 64]
    with pytest.raises(ValueError, match="dram is not an on-chip memory"):
        target.buffer_bytes(Memory.DRAM)


def test_overrides_change_the_fingerprint() -> None:
    target = load_target("pqa", ["requantize=shift", 'encode.metrics=["linf"]', "buffers.table = 0.25", "name=mine"])
    assert (target.name, target.requantize, target.encode.metrics) == ("mine", "shift", ("linf",))
    assert target.buffer_bytes(Memory.TABLE) == 256
    assert target.fingerprint() != load_target("pqa").fingerprint()


def test_a_file_inherits_from_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('name = "base"\ninherits = "pqa"\n[lookup]\noutput_lanes = 8\n')
    top = tmp_path / "top.toml"
    top.write_text('name = "top"\ninherits = "base.toml"\n[encode]\nlength_lanes = 4\n')
    target = load_target(str(top))
    assert (target.name, target.lookup.output_lanes, target.encode.length_lanes) == ("top", 8, 4)
    assert target.lookup.subspace_lanes == 16


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("encode.subspace_lane=3", "unknown key encode.subspace_lane, did you mean encode.subspace_lanes?"),
        (
            "lookup.colour=3",
            "unknown key lookup.colour; allowed are lookup.output_lanes, lookup.subspace_lanes",
        ),
        ("clok_mhz=3", "unknown key clok_mhz, did you mean clock_mhz?"),
        ("encode.subspace_lanes=0", "encode.subspace_lanes = 0, allowed is an integer from 1 to 4096"),
        ("encode.subspace_lanes=true", "encode.subspace_lanes = True, allowed is an integer from 1 to 4096"),
        ("encode.subspace_lanes=16.0", "encode.subspace_lanes = 16.0, allowed is an integer from 1 to 4096"),
        ("encode.subspace_lanes.x=1", "encode.subspace_lanes = {'x': 1}, allowed is an integer from 1 to 4096"),
        ("encode=3", "encode = 3, allowed is a section with keys of its own"),
        ("requantize=divide", 'requantize = \'divide\', allowed is "multiply" or "shift"'),
        ("clock_mhz=nan", "clock_mhz = nan, allowed is a number above 0 to 1000000"),
        ("buffers.table=0.3", "buffers.table = 0.3, allowed is a number from 0.0625 to 262144, a multiple of 0.015625"),
        ("encode.metrics=[]", 'encode.metrics = [], allowed is a list of "l2" or "l1" or "linf", not empty'),
        ("name=3", "name = 3, allowed is a string, not empty"),
        ("conventional.accumulator_bits=16", "conventional.accumulator_bits = 16, allowed is 32"),
    ],
)
def test_a_wrong_override_is_named(override: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_target("pqa", [override])
    assert str(caught.value) == f"--set {override}: {message}"


@pytest.mark.parametrize("override", ["clock_mhz", "=3", "clock_mhz="])
def test_an_override_without_key_or_value(override: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_target("pqa", [override])
    assert str(caught.value) == f"--set {override}: allowed is SECTION.KEY=VALUE, as in encode.subspace_lanes=32"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"\ninherits = "pqa"\n[encod]\nlength_lanes = 4\n', "unknown key encod, did you mean encode?"),
        ('inherits = "pqa"\n', "key name is missing; allowed is a string, not empty"),
        (
            'inherits = "pqa"\nname = "x"\nclock_mhz = "fast"\n',
            "clock_mhz = 'fast', allowed is a number above 0 to 1000000",
        ),
        ("inherits = 3\n", "inherits = 3, allowed is the name of a target or the path of its file"),
        ("a = b = c\n", "not a TOML file: Invalid value (at line 1, column 5)"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.toml"
    file.write_text(text)
    with pytest.raises(ModelError) as caught:
        load_target(str(file))
    assert str(caught.value) == f"{file}: {message}"


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    preset = Path(sys.modules["pqc.planning.target"].__file__ or "").parent.parent / "targets" / "pqa.toml"
    file.write_text(preset.read_text().replace("length_lanes = 16\n", ""))
    with pytest.raises(ModelError) as caught:
        load_target(str(file))
    assert str(caught.value) == f"{file}: key encode.length_lanes is missing; allowed is an integer from 1 to 4096"


def test_a_mistake_in_an_inherited_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('name = "base"\ninherits = "pqa"\n[lookup]\noutput_lanes = -8\n')
    top = tmp_path / "top.toml"
    top.write_text('name = "top"\ninherits = "base.toml"\n')
    with pytest.raises(ModelError) as caught:
        load_target(str(top))
    assert str(caught.value) == (
        f"{tmp_path / 'base.toml'}: lookup.output_lanes = -8, allowed is an integer from 1 to 4096"
    )


def test_a_circle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('name = "x"\ninherits = "x.toml"\n')
    with pytest.raises(ModelError, match="it inherits from itself"):
        load_target(str(file))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "pqaa",
            f"there is no target 'pqaa'; did you mean pqa? installed are {INSTALLED}, or give the path of a .toml file",
        ),
        ("zzz", f"there is no target 'zzz'; installed are {INSTALLED}, or give the path of a .toml file"),
        ("nowhere/x.toml", "nowhere/x.toml: cannot read this target file: No such file or directory"),
    ],
)
def test_an_unknown_target(name: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_target(name)
    assert str(caught.value) == message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="not a TOML file: not UTF-8 text"):
        load_target(str(file))


def test_a_dictionary_names_its_origin() -> None:
    values = load_target("pqa").as_dict()
    values["dram"]["latency_cycles"] = -1
    with pytest.raises(ModelError) as caught:
        target_from_dict(values, "prog.bin")
    assert str(caught.value) == "prog.bin: dram.latency_cycles = -1, allowed is an integer from 0 to 1000000"


@pytest.mark.parametrize("name", list_targets())
def test_the_vector_unit_takes_what_the_lookup_unit_yields(name: str) -> None:
    target = load_target(name)
    assert target.vector.lanes == target.lookup.output_lanes
