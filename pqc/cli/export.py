"""`pqc export`: from a dump of a fitted network to an ONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from pqc.cli.options import FilePath
from pqc.cli.output import check_place, say, write
from pqc.errors import ModelError


@click.command("export")
@click.argument("source", metavar="IR", type=FilePath())
@click.option("-o", "output", metavar="MODEL", required=True, help="The ONNX file to write; - is standard output.")
def command(source: Path, output: str) -> None:
    """Write a fitted network as an ONNX file.

    IR is a file that `pqc compile --dump-ir` wrote after fit-prototypes, before the network became integers. Every
    ONNX runtime executes the file, and `pqc compile` takes it without --calibrate: product-quantized layers and grids
    are nodes of domain ai.pqc, and functions in the file say what they mean.
    """
    from pqc.export.exporter import export_model
    from pqc.passes.fit_prototypes import FitPrototypesPass
    from pqc.passes.pipeline import phase_of, pipeline_names
    from pqc.passes.quantize import QuantizePass
    from pqc.passes.text import load_module

    check_place(output)
    module = load_module(source)
    names, phase = pipeline_names(), phase_of(module)
    allowed = names[names.index(FitPrototypesPass.name) : names.index(QuantizePass.name)]
    if phase not in allowed:
        written = "before any pass" if phase is None else f"after {phase}"
        raise ModelError(f"{source}: this IR was written {written}; it can be exported after {' or '.join(allowed)}")
    data = export_model(module).SerializeToString(deterministic=True)
    write(output, data)
    say(f"{output}: {len(data):,} bytes")
