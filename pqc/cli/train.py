"""`pqc train`: PQ-aware fine-tuning, from an ONNX model to a product-quantized one."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import (
    DEFAULT_TARGET,
    LAYER_OPTIONS,
    FilePath,
    check_preprocessing,
    number_option,
    pq_options,
    preprocessing_options,
    target_options,
    tune_option,
)
from pqc.cli.output import check_place, say, show_json, write
from pqc.cli.progress import Steps, pass_progress
from pqc.cli.signals import interruption
from pqc.errors import ModelError
from pqc.training.options import AUGMENTATIONS, RANGES, TrainOptions

if TYPE_CHECKING:
    from pqc.training.train import TrainRequest, TrainResult

LOG = "log.jsonl"
"""Where the checkpoint's folder has one line for each measurement."""


@click.command("train")
@click.argument("model", metavar="MODEL", type=FilePath())
@click.option(
    "--data", "data_path", metavar="FILE", type=FilePath(), required=True, help="An .npz file or a folder of images."
)
@click.option("-o", "output", metavar="MODEL.pq.onnx", required=True, help="The trained network, as ONNX.")
@click.option(
    "--epochs", type=click.FloatRange(*RANGES["epochs"]), default=TrainOptions.epochs, show_default=True, help="Passes."
)
@number_option(
    "--batch-size", click.IntRange(1, 65_536), TrainOptions.batch, "Frames between two changes of the parameters."
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(*RANGES["learning_rate"]),
    default=TrainOptions.learning_rate,
    show_default=True,
    help="At its peak.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(*RANGES["temperature"]),
    default=TrainOptions.temperature,
    show_default=True,
    help="Smoothing.",
)
@click.option(
    "--augment", type=click.Choice(AUGMENTATIONS), multiple=True, help="Change images at random; may be repeated."
)
@click.option("--checkpoint", metavar="DIR", type=FilePath(), help="Keep the state here.  [default: OUTPUT.checkpoint]")
@click.option("--device", metavar="auto|cpu|cuda", default="auto", show_default=True, help="Where to compute.")
@click.option(
    "--images",
    metavar="N",
    type=click.IntRange(1),
    help="Frames that layers are fitted on.  [default: 32768 of 32x32]",
)
@preprocessing_options
@target_options
@pq_options
@tune_option
@number_option("--seed", click.IntRange(0), 0, "Seed of everything random.")
@click.option("--pq-config", metavar="FILE", type=FilePath(), help="Choices for single layers, as in `pqc compile`.")
@click.option("--cache", metavar="DIR", type=FilePath(), help="Keep what is fitted here, as `pqc compile` does.")
@click.option("--json", "as_json", is_flag=True, help="Print what was reached as JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool, **options: Any) -> None:
    """Train a product-quantized network and write it as ONNX.

    The layers are fitted as `pqc compile` does it; then prototypes, tables and all other weights are trained together
    to give what the float network gives, with every rounding of the machine in the loop. Labels, where DATA has any,
    only say how good it is. The result runs in any ONNX runtime, and `pqc compile` takes it without calibration.

    The same command goes on where it was interrupted.
    """
    check_preprocessing(context, options)
    check_place(options["output"])
    folder = options["checkpoint"] or Path(f"{options['output']}.checkpoint")
    if folder.is_file():
        raise ModelError(f"--checkpoint {folder}: this is a file, a folder is wanted")
    if find_spec("torch") is None:
        raise ModelError("pqc train needs torch, which is not installed: pip install 'pqc[train]'")
    with interruption() as interrupted:
        result = _train(options, folder, interrupted)
        if result.finished:
            say(best_in_words(result.best_step))
            _write(options["output"], result)
        else:
            say(f"stopped: {folder} has the state; the same command goes on from there")
    if as_json and result.finished:
        show_json(_figures(result))
    context.exit(interrupted.exit_code)


class _Watcher:
    """Tells a person how training goes, and keeps the measurements."""

    def __init__(self, steps: Steps, log: Path) -> None:
        self._steps, self._log = steps, log

    def started(self, done: int, total: int) -> None:
        """How much there is to do."""
        going_on = f", {done} of them are done" if done else ""
        self._steps.say(f"{total} steps{going_on}")

    def stepped(self, done: int, total: int) -> None:
        """Move the bar."""
        self._steps.show(done, total)

    def measured(self, record: dict[str, Any]) -> None:
        """One line for a person, and one for the log."""
        self._steps.say(measurement(record))
        with self._log.open("a") as log:
            log.write(json.dumps(record) + "\n")


def measurement(record: dict[str, Any]) -> str:
    """A measurement in words."""
    top1 = "" if record.get("top1") is None else f"top-1 {record['top1']:.2%}, "
    error = "" if record.get("error") is None else f"{top1}error {record['error']:.4f} on frames kept apart, "
    return f"step {record['step']}: {error}loss {record['loss']:.4f}, {record['seconds']:.0f} s"


def best_in_words(step: int | None) -> str:
    """Which network is kept."""
    if step is None:
        return "kept: the last network, as there are too few frames to tell which one is best"
    if step == 0:
        return "kept: the network as it was fitted, training made nothing better"
    return f"kept: the network after {step} steps, the best on the frames kept apart"


def _train(options: dict[str, Any], folder: Path, interrupted: Any) -> TrainResult:
    from pqc.training.train import train_model

    request, names = _request(options, folder)
    with pass_progress(), Steps("train") as steps:
        return train_model(request, names, _Watcher(steps, folder / LOG), lambda: interrupted.requested)


def _request(options: dict[str, Any], folder: Path) -> tuple[TrainRequest, tuple[str, ...]]:
    """The training run that was asked for, and the inputs in their order."""
    from pqc.api import CompileRequest
    from pqc.cli.calibration import chosen_preprocessing
    from pqc.data import load_dataset
    from pqc.frontend.loader import load_model
    from pqc.frontend.signature import model_inputs
    from pqc.passes.options import PqOptions
    from pqc.planning.layer_choices import load_choices
    from pqc.planning.target import load_target
    from pqc.training.batches import fitting_frames
    from pqc.training.train import TrainRequest

    model = options["model"]
    preprocessing = chosen_preprocessing(model, options["mean"], options["std"])
    inputs = {entry.name: tuple(entry.shape[1:]) for entry in model_inputs(load_model(model))}
    data = load_dataset(options["data_path"], inputs)
    layers = () if options["pq_config"] is None else load_choices(options["pq_config"])
    chosen = {name: options[name] for name in (*LAYER_OPTIONS, "tune", "seed", "images")}
    quantization = PqOptions(**chosen, layers=layers)
    quantization = replace(quantization, images=fitting_frames(quantization.images, data.frames, inputs.values()))
    calibration = data.prepare(preprocessing, 0, quantization.images)
    request = TrainRequest(
        compile=CompileRequest(
            model=model,
            target=load_target(options["target_name"] or DEFAULT_TARGET, options["overrides"]),
            pq=quantization,
            calibration=calibration,
            preprocessing=preprocessing,
            cache=options["cache"],
        ),
        data=data,
        options=TrainOptions(
            epochs=options["epochs"],
            batch=options["batch_size"],
            learning_rate=options["learning_rate"],
            temperature=options["temperature"],
            augment=options["augment"],
            seed=options["seed"],
        ),
        checkpoint=folder,
        device=options["device"],
    )
    return request, tuple(inputs)


def _write(output: str, result: TrainResult) -> None:
    from pqc.export.exporter import export_model

    data = export_model(result.module).SerializeToString(deterministic=True)
    write(output, data)
    say(f"{output}: {len(data):,} bytes")


def _figures(result: TrainResult) -> dict[str, Any]:
    qualities = {"before": result.before, "after": result.after}
    figures = {name: None if quality is None else vars(quality) for name, quality in qualities.items()}
    return figures | {"best_step": result.best_step}
