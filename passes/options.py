"""The options of a compilation, and the passes that they make."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.passes import ModulePass

from pqc.errors import ModelError
from pqc.frames import frames_with
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Codebooks, Grouping
from pqc.option_rules import check_choice, check_ranges
from pqc.passes.advance_vector_work import AdvanceVectorWorkPass
from pqc.passes.allocate_memory import AllocateMemoryPass
from pqc.passes.calibrate_ranges import CalibrateRangesPass
from pqc.passes.choose_bitwidths import ChooseBitwidthsPass
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.fold_constant_subspaces import FOLDS, FoldConstantSubspacesPass
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.group_pointwise import GroupPointwisePass
from pqc.passes.insert_tokens import InsertTokensPass
from pqc.passes.lower_to_pqa import LowerToPqaPass
from pqc.passes.prefetch_constants import PrefetchConstantsPass
from pqc.passes.quantize import QuantizePass
from pqc.passes.select_pq import SelectPqPass
from pqc.planning.bit_budget import Narrowed
from pqc.planning.layer_choices import LayerChoices, choices_from_json

CALIBRATION_FRAMES = 1024
"""Frames that are calibrated on, at most, where the user does not say how many."""

CALIBRATION_POSITIONS = 128 * 224 * 224
"""Rows times columns of all of them together, which bounds time and memory: 128 frames of ImageNet's size."""


RANGES = {
    "prototypes": (2, 4096),
    "length": (1, 1024),
    "prototype_bits": (2, 16),
    "table_bits": (2, 16),
    "activation_bits": (2, 16),
    "tune": (0, 100_000),
    "batch": (1, 256),
    "seed": (0, (1 << 32) - 1),
}
"""What each number may be."""

BUDGETS = ("size_budget", "error_budget")
"""Within which bits are chosen automatically."""


LISTS = ("include", "exclude", "narrow")
"""Options with any number of values."""

LATER: dict[str, object] = {"codebooks": "separate", "fold": "proven", "narrow": ["tables"], **dict.fromkeys(BUDGETS)}
"""Options that came later than the first programs, with the default that those programs have and do not name."""


@dataclass(frozen=True)
class PqOptions:
    """How layers are product-quantized.

    ``grouping`` says which elements form a subvector, ``codebooks`` whether all subspaces share one codebook (see
    `pqc.numerics.grouping.Grouping` and `pqc.numerics.grouping.Codebooks`); ``fold`` says which constant
    subspaces may be folded (see `pqc.passes.fold_constant_subspaces`); ``tune`` counts steps of gradient descent
    on the prototypes (None: as many as pay); ``images`` limits the calibration frames (None: see `frames_of`);
    ``batch`` frames are processed together; ``include`` and ``exclude`` are patterns over nodes; ``layers`` chooses
    for single layers otherwise. ``size_budget`` (KiB) or ``error_budget`` (what may be added to the outputs' normalized
    error) gives fewer bits, where that does least harm, to what ``narrow`` names (see
    `pqc.passes.choose_bitwidths`).
    """

    prototypes: int = 16
    length: int = 9
    grouping: str = "window"
    codebooks: str = "separate"
    metric: str = "l2"
    prototype_bits: int = 8
    table_bits: int = 8
    activation_bits: int = 8
    fold: str = "proven"
    tune: int | None = None
    seed: int = 0
    images: int | None = None
    batch: int = 1
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    layers: LayerChoices = ()
    size_budget: float | None = None
    error_budget: float | None = None
    narrow: tuple[str, ...] = (Narrowed.TABLES.value,)

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)
        check_choice("grouping", self.grouping, Grouping)
        check_choice("codebooks", self.codebooks, Codebooks)
        check_choice("fold", self.fold, FOLDS)
        for name in self.narrow:
            check_choice("narrow", name, Narrowed)
        for name in BUDGETS:
            budget: float | None = getattr(self, name)
            if budget is not None and not 0 < budget < math.inf:
                raise ModelError(f"{name} = {budget}, it must be positive and finite")
        if self.narrow != PqOptions.narrow and self.size_budget is self.error_budget is None:
            raise ModelError(
                f"narrow = {', '.join(self.narrow)} without a budget: give size_budget or error_budget, too"
            )
        if self.metric.upper() not in Metric.__members__:
            raise ModelError(f"metric {self.metric!r}, allowed are {', '.join(m.name.lower() for m in Metric)}")

    def frames_of(self, shapes: Iterable[Sequence[int]]) -> int:
        """How many calibration frames are looked at, at most, for inputs whose frames have these ``shapes``."""
        if self.images is not None:
            return self.images
        return frames_with(CALIBRATION_POSITIONS, shapes, 1, CALIBRATION_FRAMES)

    def as_json(self) -> dict[str, Any]:
        """The options by name, as plain JSON values; those of :data:`LATER` only where they are not the default."""
        plain = {name: value for name, value in vars(self).items() if name not in (*LISTS, "layers")}
        lists = {name: list(getattr(self, name)) for name in LISTS}
        values = plain | lists | {"layers": [choice.as_json() for choice in self.layers]}
        return {name: value for name, value in values.items() if name not in LATER or LATER[name] != value}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> PqOptions:
        """The options that :meth:`as_json` wrote.

        Raises:
            ModelError: there is an option that does not exist, or one out of its range.
        """
        unknown = set(values) - {field.name for field in dataclasses.fields(PqOptions)}
        if unknown:
            raise ModelError(f"the IR was compiled with an option {min(unknown)!r} that does not exist")
        restored: dict[str, Any] = dict(values)
        for name in set(LISTS).intersection(values):
            restored[name] = tuple(values[name])
        restored["layers"] = choices_from_json(values.get("layers", ()))
        return PqOptions(**restored)


def configured_passes(options: PqOptions) -> list[ModulePass]:
    """All passes of the pipeline, in order."""
    return [
        GroupPointwisePass(),
        FoldBatchNormPass(),
        FuseEpiloguePass(),
        SelectPqPass(
            prototypes=options.prototypes,
            length=options.length,
            grouping=options.grouping,
            codebooks=options.codebooks,
            metric=options.metric,
            prototype_bits=options.prototype_bits,
            table_bits=options.table_bits,
            include=options.include,
            exclude=options.exclude,
        ),
        CalibrateRangesPass(activation_bits=options.activation_bits),
        ChooseBitwidthsPass(options.size_budget, options.error_budget, options.narrow, options.seed),
        FitPrototypesPass(tuning_steps=options.tune, seed=options.seed),
        QuantizePass(keep_calibration=options.fold == "calibrated"),
        FoldConstantSubspacesPass(fold=options.fold),
        LowerToPqaPass(batch=options.batch),
        AdvanceVectorWorkPass(),
        PrefetchConstantsPass(),
        AllocateMemoryPass(),
        InsertTokensPass(),
    ]
