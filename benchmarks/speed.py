"""Measure what docs/speed.md says of the speed of the tool itself, and write it.

    python benchmarks/speed.py [--iree FOLDER]

Ten minutes of two processors that do nothing else. The trained ResNet-20 and CIFAR-10 are in the folder `shared`
(beside the checkout, or where PQC_SHARED says). IREE is measured where `iree-compile` is found: `pip install
'iree-base-compiler[onnx]'` in an environment of its own, whose folder `bin` is given.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import kernels
import side_by_side
from growth_picture import draw_growth
from imagenet_networks import write_networks
from scaling import LINEAR, Growth, Usage, by_depth, by_frames, used_by, wall_seconds

from pqc.cli.output import markdown_table
from pqc.isa.program import write_whole

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
LENGTHS = (9, 3)
FIT_IMAGES = 2048
FITS = ((16, 9), (64, 9))


@dataclass(frozen=True)
class Place:
    """Where the trained network is, where files may be written, and where IREE is, if anywhere."""

    data: Path
    folder: Path
    iree: str | None

    @property
    def model(self) -> Path:
        """The trained ResNet-20."""
        return self.data / "resnet20.onnx"

    def compile_words(self, prototypes: int, length: int) -> tuple[object, ...]:
        """The command that compiles it, with what was fitted before."""
        calibration = ("--calibrate", self.data / "cifar10_calibration.npz", "--images", FIT_IMAGES)
        sizes = ("--prototypes", prototypes, "--length", length, "--cache", self.folder / "cache")
        return ("compile", self.model, *calibration, *sizes, "-o", self.program(prototypes, length))

    def program(self, prototypes: int, length: int) -> Path:
        """The program that it makes."""
        return self.folder / f"{prototypes}-{length}.bin"


def execution(place: Place) -> Iterator[list[str]]:
    """The machine beside onnxruntime, for each length."""
    images = side_by_side.held_out_images(place.data, 1024)
    for length in LENGTHS:
        found = side_by_side.compare(place.data, length, images, ROUNDS)
        yield [f"16/{length}", f"{found.onnxruntime:,.0f}", f"{found.machine:,.0f}", f"{found.ratio:.2f}"]


def fitting(place: Place) -> Iterator[list[str]]:
    """Compilations that fit everything."""
    for prototypes, length in FITS:
        usage = used_by(*place.compile_words(prototypes, length))
        yield [f"{prototypes}/{length}", *_cells(usage)]


def all_images(place: Place) -> Usage:
    """All test images through the machine, with what starts the process."""
    return used_by("run", place.program(*FITS[0]), "--input", place.data / "cifar10_test.npz", "--labels")


def again(place: Place) -> Iterator[list[str]]:
    """Compilations that fit nothing, and IREE's of the same file, in turns."""
    words, taken = place.compile_words(*FITS[0]), {"pqc compile": list[float](), "IREE": list[float]()}
    for _ in range(ROUNDS):
        taken["pqc compile"].append(used_by(*words).wall)
        if place.iree is not None:
            taken["IREE"].append(_iree_seconds(place.model, place.folder, Path(place.iree)))
    for name, seconds in taken.items():
        if seconds:
            yield [name, f"{statistics.median(seconds):.2f}"]


def _iree_seconds(model: Path, folder: Path, tools: Path) -> float:
    """What IREE's compiler alone takes from its import of the model to a program for this processor."""
    imported, options = (
        folder / "model.mlir",
        ("--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu"),
    )
    wall_seconds(tools / "iree-import-onnx", model, "-o", imported, "--opset-version", 17)
    return wall_seconds(tools / "iree-compile", imported, *options, "-o", folder / "model.vmfb")


def large_networks(place: Place) -> Iterator[list[str]]:
    """Networks of ImageNet's size, compiled for the first time and again."""
    for name, model in write_networks(place.folder).items():
        words = ("compile", model, "--cache", place.folder / "cache", "-o", model.with_suffix(".bin"))
        first, second = used_by(*words), used_by(*words)
        yield [name, f"{first.wall:.1f}", f"{second.wall:.1f}", f"{first.bytes / 1e9:.2f}"]


def _cells(usage: Usage) -> list[str]:
    return [f"{usage.wall:.1f}", f"{usage.seconds:.1f}", f"{usage.bytes / 1e9:.2f}"]


def growth_table(growths: Sequence[Growth]) -> str:
    """The exponents."""
    header = ("what", "sizes", "exponent of time", "exponent of memory")
    rows = [
        [
            growth.what,
            f"{', '.join(map(str, growth.sizes))} {growth.unit}",
            f"{growth.time_exponent:.2f}",
            f"{growth.memory_exponent:.2f}",
        ]
        for growth in growths
    ]
    return markdown_table(header, rows)


def kernel_table() -> str:
    """Each operation by both means."""
    header = ("operation", "numpy, ns", "numba, ns", "times")
    rows = [[name, f"{slow:.2f}", f"{fast:.2f}", f"{slow / fast:.1f}"] for name, slow, fast in kernels.by_both_means()]
    return markdown_table(header, rows)


TEXT = """# Speed of the tool

Generated by `python benchmarks/speed.py`; do not edit. Two processors; ratios say more than seconds, which are those of
one computer.

## Execution

Images a second on two threads: onnxruntime on the float ResNet-20, and the machine on the bytes of its program, with
all checks, in turns. The ratio is the median of {rounds} pairs. [execution.md](execution.md) says how the
machine works.

{execution}

`pqc run --labels` takes {all_wall:.1f} s for all 10,000 test images at 16/9, the start of the process included, and
{all_memory:.2f} GB.

## Operations by each means

Nanoseconds of one thread for an element: a code, a product or a result. What numpy computes is the meaning.

{kernels}

## Fitting

`pqc compile --calibrate --images {images}` of ResNet-20 with an empty cache, everything from the start of the process
to the program file.

| prototypes/length | seconds | seconds of processors | peak memory, GB |
| --- | --- | --- | --- |
{fitting}

## Compiling again

The same with `--cache`, which has all layers, beside what `iree-compile` takes for the same network, imported before,
and the processor at hand. Seconds, medians of {rounds} turns.

{again}

Networks of ImageNet's size with random weights, prototypes fitted on synthetic frames, for the target `pqa`:

{large}

## Growth

How processor time and peak memory grow with the depth of ResNet-20 and with the number of frames: the exponent of the
power that fits best. Up to {linear:g} is taken for linear. At small sizes the start of Python counts most.

{growth}

![Time and memory by size](growth.png)
"""


def document(place: Place) -> tuple[str, list[Growth]]:
    """The text, and what its picture shows."""
    fits = "\n".join(f"| {' | '.join(row)} |" for row in fitting(place))
    everything = all_images(place)
    growths = [*by_depth(place.folder), by_frames(place.program(*FITS[0]), place.folder)]
    text = TEXT.format(
        rounds=ROUNDS,
        images=FIT_IMAGES,
        linear=LINEAR,
        execution=markdown_table(("prototypes/length", "onnxruntime", "machine", "ratio"), list(execution(place))),
        all_wall=everything.wall,
        all_memory=everything.bytes / 1e9,
        kernels=kernel_table(),
        fitting=fits,
        again=markdown_table(("compiler", "seconds"), list(again(place))),
        large=markdown_table(("network", "first, s", "again, s", "peak memory, GB"), list(large_networks(place))),
        growth=growth_table(growths),
    )
    return text, growths


@click.command()
@click.option("--iree", type=click.Path(exists=True, file_okay=False), help="The folder with iree-compile.")
@click.option("--output", default=ROOT / "docs", type=click.Path(path_type=Path), help="Where the page is written.")
def main(iree: str | None, output: Path) -> None:
    """Measure everything and write docs/speed.md and its picture."""
    data = Path(os.environ.get("PQC_SHARED", ROOT.parent / "shared"), "data")
    if not data.is_dir():
        raise click.UsageError(f"{data} is no folder: the trained network and its images are needed")
    found = shutil.which("iree-compile")
    tools = iree or (None if found is None else str(Path(found).parent))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        text, growths = document(Place(data, Path(folder), tools))
    write_whole(output / "growth.png", draw_growth(growths))
    write_whole(output / "speed.md", text.encode())
    click.echo(f"{output / 'speed.md'}: written after {time.perf_counter() - started:.0f} s")
    sys.exit(0 if all(growth.linear for growth in growths) else 1)


if __name__ == "__main__":
    main()
