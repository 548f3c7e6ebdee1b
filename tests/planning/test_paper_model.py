"""The paper's model, against every row of its published sweep."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from pqc.numerics.grouping import Grouping
from pqc.planning.paper_model import (
    CLOCK_FACTORS,
    CONVENTIONAL_AREA,
    AreaRule,
    KernelPasses,
    Lanes,
    PaperCycles,
    PqLayer,
    area,
    conventional_cycles,
    layer_cycles,
    lower_bound,
    paper_sum,
    performance_per_area,
    pq_cycles,
    pq_layer,
)
from pqc.planning.target import Target, load_target

ROWS = 2016
CONFIGURATIONS = 168
BITS_PER_CYCLE = {"DDR": 751, "HBM": 8534}


@dataclass(frozen=True)
class Row:
    """A row of the sweep, and the layer and lanes that it is about."""

    values: dict[str, str]

    def __getitem__(self, name: str) -> int:
        return int(self.values[name])

    @property
    def kernel(self) -> tuple[int, int]:
        return (3, 3) if self.values["network"] == "ResNet-20" else (1, 1)

    @property
    def bits_per_cycle(self) -> int:
        return BITS_PER_CYCLE[self.values["memory"]]

    @property
    def layer(self) -> PqLayer:
        return pq_layer(
            channels=self["Cin"],
            outputs=self["Cout"],
            size=(self["H"], self["W"]),
            kernel=self.kernel,
            result=(self["H"] // self["stride"], self["W"] // self["stride"]),
            prototypes=self["Np"],
            length=self["Ls"],
            prototype_bits=self["proto_bits"],
            table_bits=self["lut_bits"],
            grouping=Grouping.WINDOW,
        )

    @property
    def lanes(self) -> Lanes:
        subspaces = self["num_subspace_vec"]
        return Lanes(self["num_out_vec"], subspaces, subspaces, self["proto_length_vec"], self["num_proto_vec"])

    @property
    def configuration(self) -> tuple[str, ...]:
        names = ("network", "Np", "Ls", "proto_bits", "lut_bits", "memory", "num_out_vec", "num_subspace_vec")
        return tuple(self.values[name] for name in names)

    def cycles(self) -> PaperCycles:
        return pq_cycles(self.layer, self.lanes, self.bits_per_cycle)

    def conventional(self, passes: KernelPasses = KernelPasses.FRACTION) -> PaperCycles:
        size = self["H"], self["W"]
        return conventional_cycles(
            self["Cin"], self["Cout"], *size, self.kernel, self["stride"], self.bits_per_cycle, passes
        )


@pytest.fixture(scope="module")
def sweep(shared: Path) -> list[Row]:
    with (shared / "paper_cycles.csv").open(newline="") as file:
        return [Row(values) for values in csv.DictReader(file)]


def networks(sweep: list[Row]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    for configuration, rows in groupby(sorted(sweep, key=lambda row: row.configuration), lambda row: row.configuration):
        yield configuration, list(rows)


def hardware(row: Row) -> Target:
    lanes = row.lanes
    overrides = {
        "lookup.output_lanes": lanes.output,
        "lookup.subspace_lanes": lanes.lookup_subspace,
        "encode.subspace_lanes": lanes.encode_subspace,
        "encode.length_lanes": lanes.length,
        "encode.prototype_lanes": lanes.prototype,
    }
    preset = {"DDR": "pqa", "HBM": "pqa-hbm"}[row.values["memory"]]
    return load_target(preset, [f"{key}={value}" for key, value in overrides.items()])


def test_every_figure_of_every_row(sweep: list[Row]) -> None:
    for row in sweep:
        values, layer, cycles = row.values, row.layer, row.cycles()
        assert (layer.subspaces, layer.columns) == (row["Ns"], row["cols"])
        assert layer.encoded == layer.columns
        assert cycles.init == row["Ncycles_initialization"]
        assert cycles.calc == float(values["Ncycles_calculation"])
        assert cycles.cycles == float(values["Ncycles"])
        assert cycles.bound[0].upper() == values["bound"]
        assert area(row.lanes) == area(row.lanes, AreaRule.RELEASED) == float(values["area_L2"])
        assert area(row.lanes, AreaRule.NO_DSP) == float(values["area_L1noDSP"])
        assert row.conventional().cycles == float(values["DLA_Ncycles"])
        assert float(values["DLA_area"]) == CONVENTIONAL_AREA
    assert len(sweep) == ROWS
    assert len(list(networks(sweep))) == CONFIGURATIONS


def test_targets_give_the_same_cycles(sweep: list[Row]) -> None:
    targets: dict[tuple[Lanes, int], Target] = {}
    for row in sweep:
        key = row.lanes, row.bits_per_cycle
        target = targets.get(key) or targets.setdefault(key, hardware(row))
        layer = row.layer
        shape = layer.columns, layer.subspaces, layer.prototypes, layer.length, layer.outputs
        assert layer_cycles(*shape, layer.prototype_bits, layer.table_bits, target) == row.cycles()
        assert Lanes.of(target) == row.lanes
        assert target.bits_per_cycle == row.bits_per_cycle


def test_presets_are_the_points_of_the_sweep(sweep: list[Row]) -> None:
    points = {(row.values["memory"], row["num_out_vec"], row["num_subspace_vec"]) for row in sweep}
    for memory, outputs, subspaces in points:
        suffix = "" if (outputs, subspaces) == (32, 16) else f"-o{outputs}-s{subspaces}"
        target = load_target(f"pqa{'-hbm' if memory == 'HBM' else ''}{suffix}")
        assert target.lookup.output_lanes == outputs
        assert target.lookup.subspace_lanes == target.encode.subspace_lanes == subspaces
        assert target.bits_per_cycle == BITS_PER_CYCLE[memory]
        for row in sweep:
            if (row.values["memory"], row["num_out_vec"], row["num_subspace_vec"]) == (memory, outputs, subspaces):
                assert Lanes.of(target).trimmed(row["Np"], row["Ls"]) == row.lanes
    assert len(points) == 12


SMALLEST: dict[tuple[str, ...], tuple[tuple[int, float, float], tuple[int, float, float]]] = {
    ("ResNet-20", "64", "3", "8", "16"): ((201834, 0.21, 0.36), (124416, 0.34, 0.58)),
    ("ResNet-20", "64", "9", "8", "16"): ((68719, 0.34, 1.00), (41472, 0.56, 1.64)),
    ("ResNet-20", "16", "9", "8", "16"): ((17183, 1.35, 3.99), (11776, 1.96, 5.79)),
    ("ResNet-20", "8", "9", "8", "16"): ((13074, 1.82, 5.59), (11776, 2.00, 6.17)),
    ("ResNet-20", "16", "9", "6", "5"): ((11776, 1.97, 5.82), (11776, 1.96, 5.79)),
    ("ResNet-20", "8", "9", "6", "5"): ((11776, 2.01, 6.20), (11776, 2.00, 6.17)),
    ("kws", "8", "8", "8", "16"): ((2500, 1.09, 3.13), (2500, 1.09, 3.13)),
    ("kws", "16", "4", "8", "16"): ((5130, 0.78, 1.48), (5000, 0.80, 1.52)),
    ("EMNIST", "8", "8", "8", "16"): ((23436, 1.40, 4.02), (7728, 1.21, 3.47)),
    ("EMNIST", "8", "8", "5", "5"): ((10369, 3.18, 9.09), (7728, 1.21, 3.47)),
    ("EMNIST", "12", "4", "8", "16"): ((66558, 0.74, 1.42), (14554, 0.96, 1.85)),
    ("EMNIST", "12", "4", "5", "5"): ((24870, 1.97, 3.80), (14554, 0.96, 1.85)),
}
"""For DDR and HBM at 32 output and 16 subspace lanes: cycles, and performance per area by two rules, as published."""


def test_networks_at_the_smallest_point(sweep: list[Row]) -> None:
    seen = 0
    for configuration, rows in networks(sweep):
        if configuration[-2:] != ("32", "16") or configuration[:5] not in SMALLEST:
            continue
        cycles, released, without = SMALLEST[configuration[:5]][configuration[5] == "HBM"]
        found = paper_sum(row.cycles() for row in rows)
        conventional = paper_sum(row.conventional() for row in rows)
        assert found == cycles
        for rule, gain in ((AreaRule.RELEASED, released), (AreaRule.NO_DSP, without)):
            (clb,) = {area(row.lanes, rule) for row in rows}
            assert performance_per_area(found, clb, conventional) == pytest.approx(gain, abs=0.01)
        seen += 1
    assert seen == 2 * len(SMALLEST)


def test_lower_bound_of_a_stream(sweep: list[Row]) -> None:
    for _, rows in networks(sweep):
        cycles = [row.cycles() for row in rows]
        assert lower_bound(cycles) <= paper_sum(cycles)
        assert lower_bound(cycles) in (sum(c.init for c in cycles), sum(c.calc for c in cycles))


def test_keyword_spotting_with_whole_kernel_passes(sweep: list[Row]) -> None:
    wanted = ("kws", "8", "8", "8", "16", "DDR", "32", "16")
    (rows,) = [rows for configuration, rows in networks(sweep) if configuration == wanted]
    conventional = [row.conventional(KernelPasses.WHOLE) for row in rows]
    assert paper_sum(conventional) == 5670
    gain = performance_per_area(paper_sum(row.cycles() for row in rows), area(rows[0].lanes), 5670)
    assert gain == pytest.approx(3.29, abs=0.01)


def test_clocks_of_the_released_code(sweep: list[Row]) -> None:
    wanted = ("ResNet-20", "16", "9", "8", "16", "DDR", "32", "16")
    (rows,) = [rows for configuration, rows in networks(sweep) if configuration == wanted]
    conventional = paper_sum(row.conventional() for row in rows)
    gain = performance_per_area(paper_sum(row.cycles() for row in rows), area(rows[0].lanes), conventional)
    assert gain * CLOCK_FACTORS["equal"] == pytest.approx(1.35, abs=0.005)
    assert CLOCK_FACTORS["module-default"] == pytest.approx(0.863, abs=0.0005)
    assert gain * CLOCK_FACTORS["synthesized"] == pytest.approx(0.85, abs=0.005)
