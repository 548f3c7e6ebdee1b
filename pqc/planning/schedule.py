"""The schedule of a network: what stays on chip, and the nest of every layer; written out, edited and read again."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomli_w
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as file_dataclass

from pqc.errors import ModelError
from pqc.planning.nest import Nest
from pqc.planning.target_keys import FORBID_EXTRA
from pqc.toml_text import parse_toml


@dataclass(frozen=True)
class Schedule:
    """``on_chip`` names the tensors that stay on chip (None: they are chosen); ``layers`` has nests by node.

    A layer that is not named is searched for.
    """

    on_chip: frozenset[str] | None = None
    layers: Mapping[str, Nest] = field(default_factory=dict[str, Nest])

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, in a fixed order."""
        return {
            "on_chip": None if self.on_chip is None else sorted(self.on_chip),
            "layers": {node: dataclasses.asdict(nest) for node, nest in self.layers.items()},
        }

    def to_toml(self) -> str:
        """The text of a schedule file."""
        plain = {key: value for key, value in self.as_json().items() if value is not None}
        return HEADER + tomli_w.dumps(plain)


HEADER = """\
# A schedule: pqc compile ... --schedule FILE uses it as it stands. What is left out is chosen.
# on_chip: tensors that stay in the activation buffer. Of each layer: outputs and inputs (subspaces or channels) of a
# block, rows and columns of a map tile, tiles that share one load of a table, whether tables stay on chip from one such
# pass to the next, and whether codes stay from one block of outputs to the next.

"""


@file_dataclass(frozen=True, config=FORBID_EXTRA)
class _File:
    on_chip: list[str] | None = None
    layers: dict[str, Nest] = field(default_factory=dict[str, Nest])


def schedule_from_toml(text: str, origin: str) -> Schedule:
    """The schedule in the text of a file; ``origin`` names it in messages.

    Raises:
        ModelError: the text is no schedule: names the key, what was found and what is allowed.
    """
    try:
        return schedule_from_json(parse_toml(text), origin)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{origin}: {error}") from None


def schedule_from_json(values: Mapping[str, Any], origin: str) -> Schedule:
    """What :meth:`Schedule.as_json` wrote; ``origin`` names it in messages.

    Raises:
        ModelError: it is no schedule: names the key, what was found and what is allowed.
    """
    try:
        found = TypeAdapter(_File).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{origin}: {where}: {first['msg'].lower()}, found {first['input']!r}") from None
    return Schedule(None if found.on_chip is None else frozenset(found.on_chip), found.layers)
