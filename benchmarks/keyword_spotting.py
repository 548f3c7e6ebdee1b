"""Keyword spotting, product-quantized without training: the figures of docs/codebooks.md, as a table in Markdown.

    python benchmarks/keyword_spotting.py                  all points; some minutes
    python benchmarks/keyword_spotting.py 16/4 8/8         some of them
    python benchmarks/keyword_spotting.py 16/2 --bits 2/6  with prototypes of 2 bits and tables of 6

The network is DS-CNN of MLPerf Tiny, the data 1,000 samples of Speech Commands, both in the folder `shared` (beside the
checkout, or where PQC_SHARED says). The four pointwise convolutions are product-quantized. Half of the samples are
calibrated on, the machine classifies the other half; then the other way round. Ridges are
chosen on what is calibrated on; the recipe as a whole was compared with a dozen others on the tested halves.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from pqc.api import CompileRequest, Program, compile_model
from pqc.data import read_arrays
from pqc.frontend import import_model
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target

ROOT = Path(__file__).resolve().parents[1]
POINTS = ("16/4", "16/2", "64/4", "8/8")


def top1(
    model: Path, options: PqOptions, samples: FloatArray, labels: IntArray, calibrated: slice, tested: slice
) -> float:
    """The share of the tested samples that the machine classifies as labelled."""
    (name,) = import_model(model).input_names
    request = CompileRequest(model, load_target("pqa"), options, {name: samples[calibrated]})
    (logits,) = Program(compile_model(request).program).run(samples[tested]).values()
    return float((logits.reshape(len(logits), -1).argmax(axis=1) == labels[tested]).mean())


def pair(text: str) -> tuple[int, int]:
    """Two numbers with a slash between them."""
    left, slash, right = text.partition("/")
    if not (slash and left.isdecimal() and right.isdecimal()):
        raise click.BadParameter(f"{text!r}, allowed are two numbers as in 16/4")
    return int(left), int(right)


@click.command()
@click.argument("points", metavar="[PROTOTYPES/LENGTH]...", nargs=-1)
@click.option("--bits", default="8/8", show_default=True, help="Of prototypes and tables.")
@click.option("--tune", type=int, help="As of pqc compile.")
def main(points: tuple[str, ...], bits: str, tune: int | None) -> None:
    """Print a line for each point."""
    data = Path(os.environ.get("PQC_SHARED", ROOT.parent / "shared"), "data")
    if not data.is_dir():
        raise click.UsageError(f"{data} is no folder: the trained network and its samples are needed")
    arrays = read_arrays(data / "kws_mfcc.npz")
    samples, labels = arrays["images"], arrays["labels"]
    first, second = slice(0, len(samples) // 2), slice(len(samples) // 2, len(samples))
    prototype_bits, table_bits = pair(bits)
    print("| prototypes, length | bits | calibrated on the first half | on the second | mean |\n|---|---|---|---|---|")
    for point in tqdm(points or POINTS, disable=None):
        prototypes, length = pair(point)
        options = PqOptions(prototypes, length, prototype_bits=prototype_bits, table_bits=table_bits, tune=tune)
        found = [
            top1(data / "mlperf_dscnn_kws.onnx", options, samples, labels, *halves)
            for halves in ((first, second), (second, first))
        ]
        shares = " | ".join(f"{100 * share:.1f} %" for share in (*found, np.mean(found)))
        print(f"| {prototypes}, {length} | {bits} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
