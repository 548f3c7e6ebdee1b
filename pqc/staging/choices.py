"""What a user says of layers by patterns over their names, for the stage that has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.errors import ModelError
from pqc.frontend.importer import ImportedModel
from pqc.passes.options import PqOptions
from pqc.passes.value_names import values_by_name
from pqc.planning.layer_choices import check_patterns


@dataclass(frozen=True)
class _Names:
    """The names that patterns may match in a stage: of its layers, and of all tensors."""

    layers: tuple[str, ...]
    values: tuple[str, ...]


def options_of_stages(stages: Sequence[ImportedModel], options: PqOptions) -> list[PqOptions]:
    """The options for each stage on the accelerator: without the patterns that match nothing in it.

    Raises:
        ModelError: a pattern matches nothing in any stage.
    """
    found = [_names(imported) for imported in stages]
    layers = [name for names in found for name in names.layers]
    for pattern in (*options.include, *options.exclude):
        if not _matches(pattern, layers):
            listed = ", ".join(layers)
            raise ModelError(f"no layer's node name on the accelerator matches {pattern!r}; the layers are {listed}")
    check_patterns(options.layers, layers, [name for names in found for name in names.values])
    return [_of_stage(names, options) for names in found]


def _names(imported: ImportedModel) -> _Names:
    layers = [node_name(op) for op in imported.module.walk() if isinstance(op, ConvOp | GemmOp)]
    return _Names(tuple(layers), tuple(values_by_name(imported.module)))


def _of_stage(names: _Names, options: PqOptions) -> PqOptions:
    return replace(
        options,
        include=tuple(pattern for pattern in options.include if _matches(pattern, names.layers)),
        exclude=tuple(pattern for pattern in options.exclude if _matches(pattern, names.layers)),
        layers=tuple(
            choice
            for choice in options.layers
            if _matches(choice.nodes, names.layers if choice.of_layers else (*names.layers, *names.values))
        ),
    )


def _matches(pattern: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)
