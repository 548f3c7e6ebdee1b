"""Try thousands of wrong files and random networks: ``python tests/nightly.py --count 10000 --seed 1``.

Each case is executed in a process of its own, with a limit of time and of memory. Cases are numbered, and a case is the
same for the same seed and number; ``--start`` goes on where a run was interrupted. With ``--keep`` the file of each
case that ends in a fault is kept beside what it said. A summary is printed as JSON; the exit code is 1 if there was a
fault.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from fuzz.guarded import Answer, guarded
from fuzz.kinds import KINDS, NETWORKS, case_of, check_case, check_network, warm_up

NETWORK_TIME = 5
"""So many times the limit of a file is that of a case of networks."""


@dataclass
class Summary:
    """What came of the cases so far; a case of networks is several of them."""

    seed: int
    next: int
    results: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    faults: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def as_json(self) -> str:
        """Counts by kind and result, the faults, and the number that a next run starts at."""
        counts = {kind: dict(sorted(found.items())) for kind, found in sorted(self.results.items())}
        networks = NETWORKS * self.results.get("network", Counter()).total()
        values = {"seed": self.seed, "next": self.next, "results": counts, "networks": networks, "faults": self.faults}
        return json.dumps(values, indent=2)


def kind_of(index: int, kinds: tuple[str, ...], network_every: int) -> str:
    """The kind of a case: those of files take turns, every so often there are networks instead."""
    files = [kind for kind in kinds if kind != "network"]
    if "network" in kinds and (not files or index % network_every == network_every - 1):
        return "network"
    return files[index % len(files)]


def try_case(kind: str, seed: int, index: int, seconds: float, keep: Path | None) -> Answer:
    """Execute one case and keep its file if it ends in a fault."""
    with TemporaryDirectory(prefix="pqc-fuzz-") as name:
        folder = Path(name)
        if kind == "network":
            answer = guarded(lambda: check_network(seed * 1_000_003 + index), NETWORK_TIME * seconds)
        else:
            case = case_of(kind, seed, index)
            answer = guarded(lambda: check_case(case, folder), seconds)
        if answer.fault and keep is not None:
            place = keep / f"{kind}-{seed}-{index}"
            shutil.copytree(folder, place, dirs_exist_ok=True)
            place.joinpath("fault.txt").write_text(answer.text)
            if kind != "network":
                case = case_of(kind, seed, index)
                place.joinpath(case.file).write_bytes(case.content)
                place.joinpath("command.txt").write_text("pqc " + " ".join(case.words) + "\n")
    return answer


@click.command()
@click.option("--count", type=click.IntRange(1), default=1000, show_default=True, help="How many cases.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which cases.")
@click.option("--start", type=click.IntRange(0), default=0, help="The number of the first case.")
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, default=KINDS, help="Only these; repeatable.")
@click.option("--network-every", type=click.IntRange(1), default=50, show_default=True, help="Networks this often.")
@click.option("--seconds", type=float, default=60.0, show_default=True, help="The time that a file may take.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for the files of cases that end in a fault.")
@click.option("--progress", type=click.Path(path_type=Path), help="A file that gets the summary again and again.")
def main(
    count: int,
    seed: int,
    start: int,
    kinds: tuple[str, ...],
    network_every: int,
    seconds: float,
    keep: Path | None,
    progress: Path | None,
) -> None:
    """Try wrong files and random networks, and print a summary."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    warm_up()
    summary = Summary(seed, start)
    for index in range(start, start + count):
        kind = kind_of(index, kinds, network_every)
        answer = try_case(kind, seed, index, seconds, keep)
        summary.results.setdefault(kind, Counter())["fault" if answer.fault else answer.text] += 1
        if answer.fault:
            last = answer.text.strip().splitlines()[-1]
            summary.faults.append({"kind": kind, "index": index, "said": last})
            click.echo(f"{kind} {index}: {last}", err=True)
        summary.next = index + 1
        if summary.next % 100 == 0:
            click.echo(f"{summary.next - start} of {count} cases, {len(summary.faults)} faults", err=True)
            if progress is not None:
                progress.write_text(summary.as_json())
    click.echo(summary.as_json())
    sys.exit(1 if summary.faults else 0)


if __name__ == "__main__":
    main()
