"""The report as text, made from its JSON: a summary, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pqc.report.layer_timing import ABOVE, HIDDEN

Row = tuple[str, ...]

PARTS = 3
"""Parts of an explanation that are shown."""

SUMS = ("cycles", "pq_cycles", "dram_bytes")
"""Figures of the layers that add up to something: to those of the program."""


@dataclass(frozen=True)
class Table:
    """A table with a title; ``rows`` are as wide as the ``header``."""

    title: str
    header: Row
    rows: Sequence[Row]


def figure(value: float | None, unit: str = "") -> str:
    """A number with commas between thousands, one decimal if it is not whole; "-" for None."""
    if value is None:
        return "-"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
    return f"{text} {unit}" if unit else text


def summary(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What there is to say in one line each: a name and a text."""
    cycles, target, batch = report["cycles"], report["target"], report["batch"]
    frames = "one frame" if batch == 1 else f"{batch} frames"
    steady = cycles["steady_state"]
    yield "target", f"{target['name']}, {target['clock_mhz']:g} MHz, fingerprint {report['fingerprint'][:12]}"
    yield "program", f"{figure(report['instructions'])} instructions, an execution processes {frames}"
    settled = "" if report["settled"] else "; a mean, because executions do not settle into a rhythm"
    throughput = figure(report["throughput_frames_per_second"])
    yield "throughput", f"{throughput} frames a second: {figure(steady)} cycles a frame in the steady state{settled}"
    latency = figure(report["latency_microseconds"])
    yield "latency", f"{latency} us: {figure(cycles['latency'])} cycles from cold for {frames}"
    yield "lower bound", _bound(report)
    if cycles["paper_model_pq"]:
        paper, least = figure(cycles["paper_model_pq"]), figure(cycles["lower_bound_pq"])
        yield (
            "PQ layers",
            f"{figure(cycles['pq'])} cycles a frame alone; the paper's model {paper}, lower bound {least}",
        )
    if report["folding"]["folded"]:
        yield "folded", _folded(report["folding"])
    gain = report["perf_per_area_vs_dla"]
    compared = "" if gain is None else f"; work per cycle and area {gain:.2f} times that of the paper's DLA"
    yield "area", f"{report['area_clb']:,.0f} CLB{compared}"


def _folded(folding: Mapping[str, Any]) -> str:
    """The subspaces that were folded, in one line."""
    saved, calibrated = folding["folding_saves"], folding["folded_calibrated"]
    unproven = f", {figure(calibrated)} of them constant only on the calibration frames" if calibrated else ""
    model = f"{figure(saved['cycles'])} cycles and {figure(saved['bytes'])} bytes by the paper's model"
    return f"{figure(folding['folded'])} constant subspaces{unproven}; saves {model}"


def _bound(report: Mapping[str, Any]) -> str:
    name, cycles = report["bottleneck"], report["cycles"]
    if not name:
        return "no unit has anything to do"
    share = (report["dram"] if name == "dram" else report["units"][name])["utilization"]
    return f"{figure(cycles['lower_bound'])} cycles a frame, in which {name} is busy: {share:.1%} of the time"


def tables(report: Mapping[str, Any]) -> Iterator[Table]:
    """All tables of the report."""
    yield critical_table(report)
    yield unit_table(report)
    yield layer_table(report)
    if report["numerics"]:
        yield numerics_table(report)
    yield memory_table(report)


def critical_table(report: Mapping[str, Any]) -> Table:
    """What the cycles of a frame go for."""
    total = report["cycles"]["steady_state"]
    rows = [
        (share["unit"], share["cause"], figure(share["cycles"]), f"{share['cycles'] / total:.1%}")
        for share in report["critical"]
    ]
    rows.append(("total", "", figure(total), ""))
    return Table("Critical path of a frame", ("unit", "after waiting for", "cycles", "share"), rows)


def unit_table(report: Mapping[str, Any]) -> Table:
    """What each unit does in a frame."""
    rows = [
        (unit, figure(entry["busy"]), f"{entry['utilization']:.1%}", figure(entry["idle"]), _causes(entry["stalls"]))
        for unit, entry in report["units"].items()
    ]
    dram = report["dram"]
    moved = f"{figure(dram['bytes'])} bytes moved, {figure(dram['bytes_per_cycle'])} a cycle at most"
    rows.append(("dram", figure(dram["busy"]), f"{dram['utilization']:.1%}", "", moved))
    return Table("Units, cycles a frame", ("unit", "busy", "share", "idle", "waits for"), rows)


def _causes(causes: Mapping[str, float]) -> str:
    ordered = sorted(causes.items(), key=lambda item: -item[1])
    return ", ".join(f"{cause} {figure(cycles)}" for cause, cycles in ordered)


def layer_table(report: Mapping[str, Any]) -> Table:
    """Every node in a row, and their sums."""
    layers = report["layers"]
    header = (
        *("node", "runs on", "subspaces", "columns", "outputs", "cycles", "PQ alone", "estimate", "difference"),
        *("bound by", "bytes moved", "difference is"),
    )
    rows = [
        (
            layer["node"],
            layer["runs_on"],
            *(figure(layer[name]) if layer[name] else "" for name in ("subspaces", "columns", "outputs")),
            figure(layer["cycles"]),
            figure(layer["pq_cycles"]) if layer["pq"] else "",
            figure(layer["estimate_cycles"]),
            figure(layer["difference_cycles"]),
            layer["bound"],
            figure(layer["dram_bytes"]),
            explanation(layer["explanation"]),
        )
        for layer in layers
    ]
    cycles, alone, moved = (figure(sum(layer[name] for layer in layers)) for name in SUMS)
    rows.append(("total", "", "", "", "", cycles, alone, "", "", "", moved, ""))
    return Table("Layers, cycles a frame", header, rows)


def explanation(parts: Sequence[Mapping[str, Any]]) -> str:
    """The largest parts of a difference in words, those of one unit together."""
    found: dict[str, float] = {}
    for part in parts:
        known = part["cause"] in (HIDDEN, ABOVE)
        name = f"{part['unit']} {part['cause']}" if known else f"waiting for {part['unit']}"
        found[name] = found.get(name, 0) + part["cycles"]
    ordered = sorted(found.items(), key=lambda item: -abs(item[1]))
    shown = [f"{figure(cycles)} {name}" for name, cycles in ordered[:PARTS]]
    return ", ".join([*shown, "..."] if len(ordered) > PARTS else shown)


ERRORS = ("activation_bits", "prototype_bits", "prototypes", "table_bits", "fit", "normalized_error")
"""Squared errors of the numerics, in the order in which they arise; of the last two the others are parts."""

PARTS_OF_ERROR = ERRORS[:4]
"""What a layer adds by itself."""


def numerics_table(report: Mapping[str, Any]) -> Table:
    """How exact every product-quantized layer is, and why; the layer that adds most is marked."""
    numerics = report["numerics"]
    added = [sum(layer.get(name, 0) for name in PARTS_OF_ERROR) for layer in numerics]
    worst = max(range(len(added)), key=added.__getitem__)
    header = (
        *("node", "activation bits", "prototype bits", "prototypes", "table bits", "left by the fit", "error so far"),
        *("saturated", "accumulator margin", "dead prototypes", "most used code", ""),
    )
    rows = [
        (
            layer["node"],
            *(_share(layer.get(name), 2) for name in ERRORS),
            _share(layer.get("saturated"), 2),
            figure(layer.get("accumulator_margin_bits"), "bits"),
            figure(layer.get("dead_prototypes")),
            _share(layer.get("largest_code_share"), 0),
            "adds most" if index == worst and added[worst] > 0 else "",
        )
        for index, layer in enumerate(numerics)
    ]
    return Table("Numerics of product-quantized layers, squared errors relative to the variance", header, rows)


def _share(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}%}"


def memory_table(report: Mapping[str, Any]) -> Table:
    """How full each memory is."""
    memory = report["memory"]
    rows = [
        (
            name,
            figure(memory["capacity_bytes"][name]),
            figure(peak),
            f"{peak / memory['capacity_bytes'][name]:.1%}",
            figure(memory["lower_bound_bytes"][name]),
        )
        for name, peak in memory["peak_bytes"].items()
    ]
    constants = f"{figure(memory['constants_bytes'])} of them constants"
    rows.append(("dram", "", figure(memory["dram_bytes"]), "", constants))
    return Table("Memory, bytes", ("memory", "capacity", "used up to", "share", "in use at once"), rows)
