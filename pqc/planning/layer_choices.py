"""How single layers are product-quantized: choices by patterns over node names, written out, edited and read again."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import tomli_w
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from pqc.errors import ModelError
from pqc.planning.target_keys import FORBID_EXTRA, MetricName
from pqc.text_file import read_text
from pqc.toml_text import parse_toml

Bits: TypeAlias = Annotated[int, Field(strict=True, ge=2, le=16)]


@dataclass(frozen=True, config=FORBID_EXTRA)
class LayerChoice:
    """What is chosen for the nodes that a pattern matches; None leaves it to earlier choices and to the options."""

    nodes: Annotated[str, Field(strict=True, min_length=1)]
    """A pattern over node names; ``activation_bits`` may also be chosen for inputs of the network, by their names."""
    pq: Annotated[bool, Field(strict=True)] | None = None
    """Whether the layer is product-quantized."""
    prototypes: Annotated[int, Field(strict=True, ge=2, le=4096)] | None = None
    length: Annotated[int, Field(strict=True, ge=1, le=1024)] | None = None
    grouping: Literal["window", "channel"] | None = None
    codebooks: Literal["separate", "shared"] | None = None
    metric: MetricName | None = None
    prototype_bits: Bits | None = None
    table_bits: Bits | None = None
    activation_bits: Bits | None = None
    """Of the tensor that the node gives; tensors that share a grid have the most that is asked for one of them."""

    def as_json(self) -> dict[str, Any]:
        """What is chosen, by name, as plain JSON values."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    @property
    def of_layers(self) -> bool:
        """Whether anything is chosen that only layers have."""
        return bool(set(self.as_json()) - {"nodes", "activation_bits"})


LayerChoices: TypeAlias = tuple[LayerChoice, ...]
"""In their order: later ones override earlier ones."""

HEADER = """\
# How layers are product-quantized: pqc compile ... --pq-config FILE. A layer has what the last entry says whose pattern
# matches its node; what no entry says comes from the command line. Keys of an entry: nodes, pq, prototypes, length,
# grouping, codebooks, metric, prototype_bits, table_bits, and activation_bits of the tensor that the node gives.

"""


@dataclass(frozen=True, config=FORBID_EXTRA)
class _File:
    layer: list[LayerChoice] = field(default_factory=list[LayerChoice])


def load_choices(path: Path) -> LayerChoices:
    """The choices in a file.

    Raises:
        ModelError: it cannot be read, or as for :func:`choices_from_toml`.
    """
    return choices_from_toml(read_text(path, "a configuration of layers"), str(path))


def choices_from_toml(text: str, origin: str) -> LayerChoices:
    """The choices in the text of a file; ``origin`` names it in messages.

    Raises:
        ModelError: the text is no such file: names the key, what was found and what is allowed.
    """
    try:
        return tuple(TypeAdapter(_File).validate_python(parse_toml(text)).layer)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{origin}: {error}") from None
    except ValidationError as error:
        raise ModelError(f"{origin}: {_first_error(error)}") from None


def choices_from_json(values: Sequence[Mapping[str, Any]]) -> LayerChoices:
    """The choices that :meth:`LayerChoice.as_json` wrote.

    Raises:
        ModelError: a key or a value is not allowed.
    """
    try:
        return TypeAdapter(LayerChoices).validate_python(list(values))
    except ValidationError as error:
        raise ModelError(f"choices of layers: {_first_error(error)}") from None


def choices_to_toml(choices: Iterable[LayerChoice]) -> str:
    """The text of a file with these choices."""
    return HEADER + "\n".join("[[layer]]\n" + tomli_w.dumps(choice.as_json()) for choice in choices)


def pattern_of(name: str) -> str:
    """The pattern that matches ``name`` and nothing else."""
    return escape(name)


def chosen(choices: LayerChoices, name: str) -> dict[str, Any]:
    """What the choices say of the node ``name``, by key."""
    said: dict[str, Any] = {}
    for choice in choices:
        if fnmatchcase(name, choice.nodes):
            said |= choice.as_json()
    said.pop("nodes", None)
    return said


def check_patterns(choices: LayerChoices, layers: Sequence[str], others: Sequence[str]) -> None:
    """Refuse patterns that match nothing: neither of ``layers`` nor, where only activations are chosen, of ``others``.

    Raises:
        ModelError: naming the pattern and what there is to match.
    """
    for choice in choices:
        names = list(layers) if choice.of_layers else list(dict.fromkeys([*layers, *others]))
        if not any(fnmatchcase(name, choice.nodes) for name in names):
            what = "layer" if choice.of_layers else "node"
            raise ModelError(f"nodes = {choice.nodes!r} matches no {what}; there are {', '.join(names)}")


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "unexpected_keyword_argument":
        known = ", ".join(one.name for one in dataclasses.fields(LayerChoice)) if "." in where else "layer"
        return f"unknown key {where}; allowed are {known}"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}, found {first['input']!r}"
