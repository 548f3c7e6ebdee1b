"""The file that describes a space, as it is written: TOML in which every key is known."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pqc.errors import ModelError
from pqc.toml_text import parse_toml

DEFAULT_TARGET = "pqa"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _several(value: object) -> object:
    """One name stands for a list of one."""
    return [value] if isinstance(value, str) else value


class Sample(_Table):
    """Take only so many points of the space, at random but always the same ones."""

    points: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)] = 0


class TargetTable(_Table):
    """Names or files of targets, and keys of them to change."""

    name: Annotated[list[str], Field(min_length=1), BeforeValidator(_several)] = [DEFAULT_TARGET]
    changes: Annotated[dict[str, Any], Field(default_factory=dict, alias="set")]


class Document(_Table):
    """The whole file; what stands under ``pq`` and ``target.set`` is checked by whoever knows these keys."""

    where: list[str] = []
    pq: dict[str, Any] = {}
    target: TargetTable = Field(default_factory=lambda: TargetTable.model_validate({}))
    sample: Sample | None = None


TABLES: Mapping[str, type[_Table]] = {"": Document, "target": TargetTable, "sample": Sample}


def load_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        ModelError: it cannot be read, or is no TOML.
    """
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path}: not a TOML file: {error}") from None


def read_document(content: Mapping[str, Any], origin: str) -> Document:
    """Check the content of a space file, which messages call ``origin``.

    Raises:
        ModelError: naming the key, what was found and what is allowed.
    """
    try:
        return Document.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    path = [part for part in first["loc"] if isinstance(part, str)]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        table = TABLES[".".join(path[:-1])]
        known = [info.alias or name for name, info in table.model_fields.items()]
        raise ModelError(f"{origin}: unknown key {key}{did_you_mean(path[-1], known)}")
    if first["type"] == "missing":
        raise ModelError(f"{origin}: key {key} is missing")
    message = first["msg"][0].lower() + first["msg"][1:]
    raise ModelError(f"{origin}: {key} = {first['input']!r}: {message}")


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The end of a sentence about a name that is not known."""
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]}?" if near else f"; allowed are {', '.join(known)}"
