"""`pqc estimate`: cycles and area of a model by the paper's model, without compiling it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import DEFAULT_TARGET, LAYER_OPTIONS, FilePath, json_option, pq_options, target_options
from pqc.cli.output import show, show_json, text_table

if TYPE_CHECKING:
    from pqc.estimation import Estimate


@click.command("estimate")
@click.argument("model", metavar="MODEL", type=FilePath())
@target_options
@pq_options
@json_option
def command(model: Path, target_name: str | None, overrides: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Estimate cycles and area of a model without compiling it.

    The layers are those that `pqc compile` would product-quantize with the same options. For each: the cycles in which
    its prototypes and tables load, and those of its computation, by the model of the paper that the accelerator is
    from. The lower bound is that of a stream of frames in which loads run ahead; performance per area compares with
    the paper's conventional accelerator (DLA). Nothing is fitted, so nothing is said about accuracy.
    """
    from pqc.estimation import estimate_model
    from pqc.passes.options import PqOptions
    from pqc.planning.target import load_target

    target = load_target(target_name or DEFAULT_TARGET, overrides)
    estimate = estimate_model(model, target, PqOptions(**{name: options[name] for name in LAYER_OPTIONS}))
    return show_json(estimate.as_json()) if as_json else show("\n".join(_lines(estimate)))


def _lines(estimate: Estimate) -> Iterator[str]:
    figures = estimate.as_json()
    target, cycles = estimate.target, figures["cycles"]
    encode, lookup = target.encode, target.lookup
    yield (
        f"target {target.name}: encode {encode.subspace_lanes}x{encode.prototype_lanes}x{encode.length_lanes} lanes, "
        f"lookup {lookup.subspace_lanes}x{lookup.output_lanes} lanes, {target.bits_per_cycle:,} bits a cycle"
    )
    if not estimate.layers:
        yield "no layer is product-quantized"
        return
    yield ""
    yield _layer_table(figures["layers"])
    if estimate.others:
        yield ""
        yield f"conventional: {', '.join(estimate.others)}"
    yield ""
    yield (
        f"cycles of a frame: {cycles['paper_model_pq']:,} where every layer waits for its tables (the paper's sum), "
        f"{cycles['lower_bound_pq']:,} in a stream where loads run ahead (load {cycles['init']:,}, compute "
        f"{cycles['calc']:,}); DLA {cycles['dla']:,}"
    )
    yield f"tables {figures['table_bits'] / 8192:,.1f} KiB, prototypes {figures['codebook_bits'] / 8192:,.1f} KiB"
    yield ""
    yield _area_table(figures["areas"])
    yield ""
    factors = ", ".join(f"{factor:.3f} ({name})" for name, factor in figures["clock_factors"].items())
    yield f"performance per area is that of equal clocks; the paper's other clocks multiply it: {factors}"


def _layer_table(layers: list[dict[str, Any]]) -> str:
    counts = ("columns", "encoded", "subspaces", "prototypes", "length", "outputs", "init", "calc", "cycles")
    header = ("node", *counts, "bound", "DLA")
    rows = [
        (layer["node"], *(f"{layer[name]:,}" for name in counts), layer["bound"], f"{layer['dla_cycles']:,}")
        for layer in layers
    ]
    return text_table(header, rows)


def _area_table(areas: dict[str, dict[str, Any]]) -> str:
    """A row for each area rule and design."""
    designs = {"target": "as the target says", "trimmed": "without idle lanes"}
    rows = [
        (
            rule,
            designs[design],
            f"{figures['clb']:,.0f}",
            f"{figures['perf_per_area']:.2f}",
            f"{figures['perf_per_area_at_lower_bound']:.2f}",
        )
        for rule, by_design in areas.items()
        for design, figures in by_design.items()
    ]
    return text_table(("area rule", "lanes", "CLB", "perf/area of DLA", "at the lower bound"), rows)
