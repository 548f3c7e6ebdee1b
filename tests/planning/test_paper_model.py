"""The paper's model, against every row of its published sweep."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from pqc.planning.paper_model import (
    CONVENTIONAL_AREA,
    AreaRule,
    Lanes,
    area,
    conventional_cycles,
    layer_cycles,
    performance_per_area,
)
from pqc.planning.target import Target, load_target


def sweep(shared: Path) -> list[dict[str, str]]:
    with (shared / "paper_cycles.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def hardware(row: dict[str, str]) -> Target:
    overrides = {
        "lookup.output_lanes": row["num_out_vec"],
        "lookup.subspace_lanes": row["num_subspace_vec"],
        "encode.subspace_lanes": row["num_subspace_vec"],
        "encode.length_lanes": row["proto_length_vec"],
        "encode.prototype_lanes": row["num_proto_vec"],
    }
    preset = {"DDR": "pqa", "HBM": "pqa-hbm"}[row["memory"]]
    return load_target(preset, [f"{key}={value}" for key, value in overrides.items()])


def test_every_row_of_the_sweep(shared: Path) -> None:
    rows = sweep(shared)
    targets: dict[tuple[str, ...], Target] = {}
    keys = ("memory", "num_out_vec", "num_subspace_vec", "proto_length_vec", "num_proto_vec")
    for row in rows:
        key = tuple(row[k] for k in keys)
        target = targets.get(key) or targets.setdefault(key, hardware(row))
        channels, outputs, height, width, stride, prototypes, length = (
            int(row[k]) for k in ("Cin", "Cout", "H", "W", "stride", "Np", "Ls")
        )
        kernel = (3, 3) if row["network"] == "ResNet-20" else (1, 1)
        subspaces = -(-channels * kernel[0] * kernel[1] // length)
        columns = height * width // stride**2
        assert (subspaces, columns) == (int(row["Ns"]), int(row["cols"]))
        bits = int(row["proto_bits"]), int(row["lut_bits"])
        cycles = layer_cycles(columns, subspaces, prototypes, length, outputs, *bits, target)
        lanes = Lanes.of(target).trimmed(prototypes, length)
        conventional = conventional_cycles(channels, outputs, height, width, kernel, stride, target.bits_per_cycle)
        assert cycles.init == int(row["Ncycles_initialization"])
        assert cycles.calc == float(row["Ncycles_calculation"])
        assert cycles.cycles == float(row["Ncycles"])
        assert cycles.bound[0].upper() == row["bound"]
        assert area(lanes) == float(row["area_L2"])
        assert area(lanes, AreaRule.NO_DSP) == float(row["area_L1noDSP"])
        assert conventional.cycles == float(row["DLA_Ncycles"])
        assert float(row["DLA_area"]) == CONVENTIONAL_AREA
    assert len(rows) == 2016


def test_presets_are_the_points_of_the_sweep(shared: Path) -> None:
    points = {(row["memory"], int(row["num_out_vec"]), int(row["num_subspace_vec"])) for row in sweep(shared)}
    for memory, outputs, subspaces in points:
        suffix = "" if (outputs, subspaces) == (32, 16) else f"-o{outputs}-s{subspaces}"
        target = load_target(f"pqa{'-hbm' if memory == 'HBM' else ''}{suffix}")
        assert target.lookup.output_lanes == outputs
        assert target.lookup.subspace_lanes == target.encode.subspace_lanes == subspaces
        assert target.bits_per_cycle == {"DDR": 751, "HBM": 8534}[memory]
    assert len(points) == 12


def test_area_where_encode_and_lookup_lanes_differ() -> None:
    lanes = Lanes(output=32, encode_subspace=16, lookup_subspace=16, length=9, prototype=8)
    assert area(lanes, AreaRule.PROTOTYPE_LANES) == pytest.approx(13567, abs=1)
    fewer = replace(lanes, encode_subspace=2)
    assert area(fewer) == area(fewer, AreaRule.PROTOTYPE_LANES) < area(lanes, AreaRule.PROTOTYPE_LANES)


def test_performance_per_area_of_the_first_point() -> None:
    lanes = Lanes(output=32, encode_subspace=16, lookup_subspace=16, length=9, prototype=16)
    assert performance_per_area(17183, area(lanes), 17763) == pytest.approx(1.35, abs=0.005)
