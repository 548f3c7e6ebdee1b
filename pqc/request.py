"""What is to be compiled, and what is to be seen of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xdsl.dialects.builtin import ModuleOp

from pqc.frontend.preprocessing import Preprocessing
from pqc.numerics.arrays import FloatArray
from pqc.passes.options import PqOptions
from pqc.planning.schedule import Schedule
from pqc.planning.target import Target
from pqc.verification.request import VerifyRequest

if TYPE_CHECKING:
    from pqc.frontend.loader import LoadedModel


def _say_nothing(sentence: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class CompileRequest:
    """What is to be compiled, and what is to be seen of it.

    ``model`` is an ONNX file, or a dump of the IR that is compiled on from where it was written; ``target`` may be
    None for a dump, which knows its own. ``phase`` is where a dump must have been written, None for anywhere.
    ``calibration`` holds float32 frames by input name, already preprocessed; None asks for synthetic ones. ``batch``
    and ``schedule`` belong to the lowering, so that a dump of an earlier phase takes them, too; None leaves them as
    they are. ``loaded`` is the model where it is at hand already: a part of the one in the file ``model``, for example,
    which is then not read. ``cache`` is a folder of what earlier compilations fitted. ``watch`` sees the IR, behind
    ``import`` and each pass that changes it. ``tell`` hears what a person should know of the calibration.
    """

    model: Path
    target: Target | None
    pq: PqOptions = field(default_factory=PqOptions)
    calibration: Mapping[str, FloatArray] | None = None
    preprocessing: Preprocessing | None = None
    phase: str | None = None
    batch: int | None = None
    schedule: Schedule | None = None
    loaded: LoadedModel | None = None
    cache: Path | None = None
    dump_ir: Path | None = None
    print_ir_after: tuple[str, ...] = ()
    time_passes: bool = False
    verify: VerifyRequest | None = None
    watch: Callable[[str, ModuleOp], None] | None = None
    tell: Callable[[str], None] = _say_nothing
