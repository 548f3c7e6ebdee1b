"""The three speeds that pqc promises, measured: the machine, the start of the command, and compilation.

Running them: ``make bench``, or in an environment that is set up already::

    python -m pytest benchmarks -o addopts= --benchmark-only

They measure and print, each beside what is promised, and assert no time: a busy computer would fail them for no fault
of pqc. The promises are those of a computer that does nothing else, with one thread for each process
(``OPENBLAS_NUM_THREADS=1``, which ``make bench`` sets). ResNet-20 comes from the folder of reference networks beside
the checkout (or from ``PQC_SHARED``); without it only the start of the command is measured. ``--benchmark-json FILE``
keeps the figures, ``--benchmark-compare`` sets them beside those kept before.
"""

from __future__ import annotations

from pathlib import Path

from support.compiled import Compiled
from timing import Benchmark, Say, pqc_process, seconds

from pqc.numerics.arrays import FloatArray

IMAGES_A_SECOND = 30
HELP_SECONDS = 0.3
COMPILE_SECONDS = 10


def test_machine_images_a_second(benchmark: Benchmark, say: Say, resnet20: Compiled, images: FloatArray) -> None:
    """The machine on ResNet-20, 16 prototypes of length 9."""
    inputs = resnet20.integers(images)
    benchmark.pedantic(resnet20.machine.run, (inputs,), rounds=3, warmup_rounds=1)
    say("machine, images/s on ResNet-20 16/9", len(images) / seconds(benchmark), f"at least {IMAGES_A_SECOND}")


def test_help(benchmark: Benchmark, say: Say) -> None:
    """`pqc --help`, from the start of the process to its end."""
    benchmark.pedantic(pqc_process, ("--help",), rounds=10, warmup_rounds=1)
    say("pqc --help, seconds", seconds(benchmark), f"below {HELP_SECONDS}")


def test_compilation_with_fitted_codebooks(benchmark: Benchmark, say: Say, resnet20: Compiled, tmp_path: Path) -> None:
    """`pqc compile` of ResNet-20 from the dump behind fit-prototypes to the program file."""
    (fitted,) = resnet20.folder.glob("*-fit-prototypes.mlir")
    benchmark.pedantic(pqc_process, ("compile", fitted, "-o", tmp_path / "again.bin"), rounds=3)
    assert (tmp_path / "again.bin").read_bytes() == resnet20.program.to_bytes()
    say("pqc compile with fitted codebooks, seconds", seconds(benchmark), f"below {COMPILE_SECONDS}")
