"""Measuring points: quantize each configuration once, compile it for each hardware, keep what was measured."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache, lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from paper_networks import NETWORKS
from performance_points import Configuration, Hardware, Point, sweep_hardware
from tqdm import tqdm
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

import pqc
from pqc.compilation import compile_quantized
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.estimation import Estimate, estimate_model
from pqc.frontend import import_model
from pqc.isa.program import write_whole
from pqc.passes.attributes import set_calibration, set_provenance, set_target
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.options import configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline
from pqc.passes.quantize import QuantizePass
from pqc.passes.text import load_module, save_module
from pqc.planning.lane_search import Workload
from pqc.planning.paper_model import PaperCycles, pq_cycles
from pqc.planning.target import load_target

FRAMES = 4
"""Calibration frames: cycles do not depend on how well prototypes fit."""

QUICK_FIT = FitPrototypesPass(kmeans_samples=256, kmeans_iterations=1, refit_positions=64, bound_rounds=0)
"""For the same reason."""

LOWERING = (
    *("pqc/interpreter/", "pqc/planning/", "pqc/report/", "pqc/cli/", "pqc/exploration/"),
    *("passes/lower_", "passes/layers.py", "passes/program_builder", "passes/tensor_lives", "passes/prefetch_"),
    *("passes/allocate_memory", "passes/insert_tokens", "passes/emit", "passes/advance_vector_work"),
    *("passes/time_line", "passes/place_constants", "passes/pipeline", "passes/options"),
)
"""Beginnings of source paths that a quantized network does not depend on."""

Record: TypeAlias = dict[str, Any]
"""What was measured, as plain JSON values."""

Task = TypeVar("Task")
Done = TypeVar("Done")


@cache
def source_digest(without: tuple[str, ...] = ()) -> str:
    """Digest of the compiler's sources, but for paths that begin with one of ``without``."""
    root = Path(pqc.__file__).resolve().parents[1]
    files = sorted(path for folder in ("pqc", "dialects", "passes") for path in (root / folder).rglob("*.*"))
    digest = hashlib.sha256()
    for path in files:
        name = str(path.relative_to(root))
        if path.suffix in (".py", ".toml") and not name.startswith(without):
            digest.update(f"{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def model_path(network: str, folder: Path) -> Path:
    """The network as an ONNX file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{network}.onnx"
    write_whole(path, NETWORKS[network].build().SerializeToString())
    return path


@cache
def estimate(configuration: Configuration, memory: str, folder: Path) -> Estimate:
    """What the paper's model says of the configuration's layers on the paper's smallest hardware with that memory."""
    hardware = next(hardware for hardware in sweep_hardware(configuration) if hardware.memory == memory)
    target = hardware.target(64, 64)
    return estimate_model(model_path(configuration.network, folder), target, configuration.options)


def workload(configuration: Configuration, memory: str, folder: Path) -> Workload:
    """The configuration's layers, which lanes can be searched for."""
    figures = estimate(configuration, memory, folder)
    layers = tuple(layer.quantized for layer in figures.layers)
    return Workload(layers, figures.target.bits_per_cycle, figures.conventional)


def paper_cycles(configuration: Configuration, hardware: Hardware, folder: Path) -> list[PaperCycles]:
    """The paper's cycles of each layer."""
    work = workload(configuration, hardware.memory, folder)
    return [pq_cycles(layer, hardware.lanes, work.bits_per_cycle) for layer in work.layers]


def quantized_path(configuration: Configuration, folder: Path) -> Path:
    """Where the quantized network is kept: in a folder of its own, with its constants beside it."""
    name = hashlib.sha256(f"{source_digest(LOWERING)} {configuration}".encode()).hexdigest()[:16]
    return folder / name / "quantized.mlir"


def quantize(configuration: Configuration, folder: Path) -> None:
    """Quantize a configuration on few random frames, unless that has been done before."""
    path = quantized_path(configuration, folder)
    if path.exists():
        return
    network, options = NETWORKS[configuration.network], configuration.options
    module = import_model(model_path(configuration.network, folder)).module
    random = np.random.default_rng(0)
    set_target(module, load_target("pqa"))
    set_calibration(module, [random.standard_normal((FRAMES, *network.frame)).astype(np.float32)])
    set_provenance(module, {"pqc": pqc.__version__, "options": options.as_json()})
    last = pipeline_names().index(QuantizePass.name)
    passes: list[ModulePass] = [
        QUICK_FIT if isinstance(step, FitPrototypesPass) else step for step in configured_passes(options)
    ]
    run_pipeline(make_context(), module, passes[: last + 1])
    save_module(module, path, "")


@lru_cache(maxsize=2)
def _quantized(path: Path) -> ModuleOp:
    return load_module(path)


def measure(point: Point, folder: Path) -> Record:
    """Compile a quantized configuration for the point's target, and simulate it."""
    module = _quantized(quantized_path(point.configuration, folder))
    try:
        result = compile_quantized(module, point.target)
    except ModelError as error:
        return {"refused": str(error)}
    report = result.report
    return {"cycles": report["cycles"], "memory": report["memory"], "instructions": report["instructions"]}


class Results:
    """Records on disk by point and version of the compiler: a line of JSON for each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._records: dict[str, Record] = {}
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        for line in lines:
            # The last line is torn where an earlier run was ended while writing.
            if line.endswith("\n"):
                entry: dict[str, Any] = json.loads(line)
                self._records[entry["key"]] = entry["record"]
        if lines and not lines[-1].endswith("\n"):
            write_whole(path, "".join(lines[:-1]).encode())

    def get(self, point: Point) -> Record | None:
        """What was measured with the sources as they are now."""
        return self._records.get(_key(point))

    def put(self, point: Point, record: Record) -> None:
        """Keep a record."""
        self._records[_key(point)] = record
        with self.path.open("a") as file:
            file.write(json.dumps({"key": _key(point), "record": record}) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _key(point: Point) -> str:
    return f"{source_digest()} {json.dumps(point.as_json(), sort_keys=True)}"


def run(points: Collection[Point], results: Results, folder: Path, jobs: int) -> None:
    """Measure the points that are not known yet, in ``jobs`` processes."""
    missing = [point for point in dict.fromkeys(points) if results.get(point) is None]
    configurations = sorted({point.configuration for point in missing})
    for _ in _parallel(quantize, configurations, folder, jobs, "quantizing"):
        pass
    # Neighbours share a quantized network, which a process then has at hand.
    missing.sort(key=lambda point: point.configuration)
    for point, record in _parallel(measure, missing, folder, jobs, "compiling"):
        results.put(point, record)


def _parallel(
    work: Callable[[Task, Path], Done], tasks: Sequence[Task], folder: Path, jobs: int, what: str
) -> Iterator[tuple[Task, Done]]:
    """Each task with what came of it, in the order in which they end."""
    if not tasks:
        return
    # New processes: one that is copied while other threads run may hang.
    with ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn")) as pool:
        futures = {pool.submit(work, task, folder): task for task in tasks}
        for future in _watched(futures, what):
            yield futures[future], future.result()


def _watched(futures: Collection[Future[Done]], what: str) -> Iterable[Future[Done]]:
    return tqdm(as_completed(futures), desc=what, total=len(futures), dynamic_ncols=True, disable=None)
