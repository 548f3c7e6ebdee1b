"""One row of docs/networks.md: a network compiled, executed from its bytes and compared with onnxruntime."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from network_list import Network
from other_quantizer import signal_to_noise
from scaling import Usage, used_by
from timing import pqc_output

from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.dialects.registry import make_context
from pqc.frontend import import_model
from pqc.passes.attributes import config_of, main_of, set_choices, set_target
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline
from pqc.passes.select_pq import SelectPqPass
from pqc.planning.target import load_target
from pqc.problems import ProblemsError

HOST = "host"
"""What runs a layer that the accelerator does not."""


class Setting(Enum):
    """What is compiled."""

    QUANTIZED = "product-quantized"
    """With the defaults."""
    TRAINED = "trained"
    """The same after `pqc train`."""
    EIGHT_BITS = "8 bits"
    """Nothing product-quantized."""

    @property
    def words(self) -> tuple[str, ...]:
        """Options of `pqc compile`."""
        return ("--exclude", "*") if self is Setting.EIGHT_BITS else ()


def settings_of(network: Network) -> tuple[Setting, ...]:
    """What is measured of a network."""
    return tuple(setting for setting in Setting if setting is not Setting.TRAINED or network.training)


@dataclass(frozen=True)
class Place:
    """Where the reference networks and data are, and where files are kept."""

    data: Path
    folder: Path

    def of(self, network: Network) -> Path:
        """The folder for a network's files."""
        return self.folder / network.name.replace(" ", "-")


def measure(network: Network, setting: Setting, place: Place) -> dict[str, Any]:
    """The entry of one row; where the compiler refuses the network, which operators it refuses."""
    folder = place.of(network)
    samples = network.samples(place.data)
    files = {name: network.write(place.data, folder, name) for name in network.exporters}
    about = {"network": network.name, "setting": setting.value, "weights": network.weights, "data": samples.said}
    layers = {name: layers_of(path) for name, path in files.items()}
    first, *others = layers
    entry: dict[str, Any] = about | {"exporters": [first, *(name for name in others if layers[name] == layers[first])]}
    if isinstance(layers[first], str):
        return entry | {"refused": layers[first]}
    calibration, tested = samples.write(folder)
    model, words, trained = files[first], ("--calibrate", calibration, *setting.words), None
    if setting is Setting.TRAINED:
        model, words = folder / "trained.pq.onnx", ()
        given = ("--data", samples.write_training(folder), "--checkpoint", folder / "state", *network.training)
        trained = used_by("train", files[first], "-o", model, *given)
    program, report = folder / "program.bin", folder / "report.json"
    usage = used_by("compile", model, *words, "-o", program, "--report", report)
    labels = ("--labels",) if samples.tested_labels is not None else ()
    said = json.loads(pqc_output("run", program, "--input", tested, "--against", files[first], *labels, "--json"))
    entry |= _times(usage, trained) | _from_report(json.loads(report.read_text())) | _from_run(said)
    if setting is Setting.EIGHT_BITS:
        entry["onnxruntime_snr_db"] = round(signal_to_noise(files[first], calibration, tested, folder), 1)
    return entry


def layers_of(model: Path) -> list[int] | str:
    """How many layers would be product-quantized and how many conventional, or which operators are refused."""
    try:
        module = import_model(model).module
    except ProblemsError as error:
        counts = Counter(problem.operator for problem in error.problems)
        return ", ".join(f"{operator} ({count})" for operator, count in sorted(counts.items()))
    set_target(module, load_target("pqa"))
    set_choices(module, ())
    last = pipeline_names().index(SelectPqPass.name)
    run_pipeline(make_context(), module, configured_passes(PqOptions())[: last + 1])
    layers = [op for op in main_of(module).body.block.ops if isinstance(op, ConvOp | GemmOp)]
    quantized = sum(config_of(op) is not None for op in layers)
    return [quantized, len(layers) - quantized]


def _times(usage: Usage, trained: Usage | None) -> dict[str, Any]:
    times = {"seconds": round(usage.seconds, 1), "wall_seconds": round(usage.wall, 1), "bytes": usage.bytes}
    return times if trained is None else times | {"training_seconds": round(trained.seconds, 1)}


def _from_report(report: Mapping[str, Any]) -> dict[str, Any]:
    layers = report["layers"]
    quantized = sum(layer["pq"] for layer in layers)
    host = sum(layer["runs_on"] == HOST for layer in layers)
    conventional = sum(not layer["pq"] and layer["runs_on"] == "conventional" for layer in layers)
    return {"layers": [quantized, conventional, host], "cycles": report["cycles"]["steady_state"]}


def _from_run(said: Mapping[str, Any]) -> dict[str, Any]:
    against = said["against"]
    (output,) = against["outputs"].values()
    tops = {"top1": said["top1"], "float_top1": against["top1"]} if "top1" in said else {}
    return {"images": said["images"], "agreement": output["agreement"], "snr_db": round(output["snr_db"], 1)} | tops
