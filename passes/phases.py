"""Names for the places between passes where a compilation can stop and go on, and the dump that belongs to each.

A phase is the name of a pass, and means the place behind it, or one of the names of :data:`PLACES`.
"""

from __future__ import annotations

from pathlib import Path

from pqc.errors import ModelError
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.fold_constant_subspaces import FoldConstantSubspacesPass
from pqc.passes.insert_tokens import InsertTokensPass
from pqc.passes.pipeline import pipeline_names

IMPORT = "import"
"""The phase in front of all passes."""

PLACES = {
    IMPORT: IMPORT,
    "float": FitPrototypesPass.name,
    "quantized": FoldConstantSubspacesPass.name,
    "accelerator": InsertTokensPass.name,
}
"""The network as it was imported, and the end of each level with the last pass that works there."""


def phases() -> tuple[str, ...]:
    """The import and all passes, in order."""
    return (IMPORT, *pipeline_names())


def phase_named(name: str, option: str) -> str:
    """The member of :func:`phases` that ``name``, the value of ``option``, means.

    Raises:
        ModelError: there is none.
    """
    phase = PLACES.get(name, name)
    if phase not in phases():
        passes = ", ".join(pipeline_names())
        raise ModelError(f"{option} {name}: no such phase; there are {', '.join(PLACES)}, and the passes {passes}")
    return phase


def dump_name(phase: str) -> str:
    """The name of the file that holds the IR at a phase."""
    return f"{phases().index(phase):02d}-{phase}.mlir"


def dump_at(folder: Path, phase: str) -> tuple[Path, str]:
    """The dump in ``folder`` of a phase, or of the last one before it that has a dump, and that phase.

    Raises:
        ModelError: there is none.
    """
    behind = phases().index(phase) + 1
    for earlier in reversed(phases()[:behind]):
        path = folder / dump_name(earlier)
        if path.exists():
            return path, earlier
    raise ModelError(
        f"{folder}: holds no dump of {phase} nor of anything before it, as {dump_name(IMPORT)}; --dump-ir writes them"
    )
