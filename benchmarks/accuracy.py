"""Measure the accuracy that docs/performance.md shows beside performance per area, and write it to accuracy.toml.

    python benchmarks/accuracy.py                     what the file does not have yet; two minutes a point
    python benchmarks/accuracy.py --only '16/9*l1'    some points, measured again

Every point is `pqc compile --calibrate` and `pqc run --labels`, as a user types them: the trained ResNet-20 and
CIFAR-10 in the folder `shared` (beside the checkout, or where PQC_SHARED says), nothing tuned, all test images,
executed by the machine from the file's bytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import tomli_w
from performance_points import GROUPED_POINTS, PAPER_POINTS, Configuration
from performance_tables import METRICS, Accuracy
from tqdm import tqdm

from pqc.isa.program import write_whole

ROOT = Path(__file__).resolve().parents[1]
FILE = Path(__file__).with_name("accuracy.toml")
HEADER = """\
# Written by `python benchmarks/accuracy.py`; docs/performance.md shows it. Of each point: how it is product-quantized,
# bits of prototypes and tables, and top1, the share of the test images that the machine classifies as labelled.

"""


def label(configuration: Configuration, metric: str) -> str:
    """What --only is matched against."""
    return f"{configuration.label} {configuration.bits} {metric}"


def measure(configuration: Configuration, metric: str, data: Path) -> dict[str, Any]:
    """The entry of one point."""
    c = configuration
    sizes = ("--prototypes", c.prototypes, "--length", c.length, "--grouping", c.grouping.value, "--metric", metric)
    bits = ("--prototype-bits", c.prototype_bits, "--table-bits", c.table_bits)
    with TemporaryDirectory() as folder:
        program = Path(folder, "program.bin")
        calibration = ("--calibrate", data / "cifar10_calibration.npz")
        pqc("compile", data / "resnet20.onnx", *calibration, *sizes, *bits, "-o", program)
        said = json.loads(pqc("run", program, "--input", data / "cifar10_test.npz", "--labels", "--json"))
    return {
        "network": c.network,
        "prototypes": c.prototypes,
        "length": c.length,
        "grouping": c.grouping.value,
        "bits": [c.prototype_bits, c.table_bits],
        "metric": metric,
        "top1": said["top1"],
        "images": said["images"],
    }


def pqc(*words: object) -> str:
    """What one command line prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pqc", *map(str, words)]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout


@click.command()
@click.option("--only", metavar="PATTERN", help="Points to measure again, as in '16/9 8/16 l2' or '*by channel*'.")
def main(only: str | None) -> None:
    """Measure points and add them to accuracy.toml, one by one."""
    data = Path(os.environ.get("PQC_SHARED", ROOT.parent / "shared"), "data")
    if not data.is_dir():
        raise click.UsageError(f"{data} is no folder: the trained network and its images are needed")
    known = Accuracy(FILE)
    points = list(product((*PAPER_POINTS, *GROUPED_POINTS), METRICS))
    missing = [
        point for point in points if (known.entry(*point) is None if only is None else fnmatchcase(label(*point), only))
    ]
    for point in tqdm(missing, disable=None):
        known.put(measure(*point, data))
        write_whole(FILE, (HEADER + tomli_w.dumps({"measured": known.entries})).encode())


if __name__ == "__main__":
    main()
