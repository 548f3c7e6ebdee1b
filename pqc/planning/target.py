"""Reading targets: presets and files in strict TOML, inheritance, overrides, and what to say when one is wrong."""

from __future__ import annotations

import difflib
import inspect
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pqc.errors import ModelError
from pqc.planning.target_keys import (
    Buffers,
    ConventionalUnit,
    Dram,
    EncodeUnit,
    LookupUnit,
    Target,
    VectorUnit,
)
from pqc.toml_text import parse_toml

__all__ = [
    "Buffers",
    "ConventionalUnit",
    "Dram",
    "EncodeUnit",
    "LookupUnit",
    "Section",
    "Target",
    "VectorUnit",
    "described_sections",
    "list_targets",
    "load_target",
    "target_from_dict",
]

PRESETS = files("pqc") / "targets"


@dataclass(frozen=True)
class Section:
    """The keys of a section of a target file, with what each may be; the top level has an empty name."""

    name: str
    doc: str
    allowed: Mapping[str, str]


@dataclass(frozen=True)
class Source:
    """Settings by dotted key, each with the place that set it; ``origin`` is the place that was asked for."""

    origin: str
    values: Mapping[str, Any]
    places: Mapping[str, str]


def list_targets() -> tuple[str, ...]:
    """Names of the installed presets, sorted."""
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in PRESETS.iterdir() if entry.name.endswith(".toml"))
    )


def load_target(name_or_path: str, overrides: Sequence[str] = ()) -> Target:
    """The preset or the TOML file of that name, changed by ``overrides`` like ``encode.subspace_lanes=32``.

    Raises:
        ModelError: no such target, or its file or an override is wrong.
    """
    source = _read(name_or_path, None, ())
    values, places = dict(source.values), dict(source.places)
    for override in overrides:
        key, value = _parse_override(override)
        _set(values, places, key, value, f"--set {override}")
    return _validate(Source(source.origin, values, places))


def target_from_dict(values: Mapping[str, Any], origin: str = "target") -> Target:
    """The target that :meth:`Target.as_dict` wrote; ``origin`` says in messages where it comes from.

    Raises:
        ModelError: a key is unknown or missing, or a value is not allowed.
    """
    flat = dict(_flatten(values))
    return _validate(Source(origin, flat, dict.fromkeys(flat, origin)))


def _read(name: str, base: Path | None, seen: tuple[str, ...]) -> Source:
    """The settings of target ``name``, those that it inherits included; ``base`` is where relative paths start."""
    origin, text, folder = _find(name, base)
    if origin in seen:
        raise ModelError(f"{origin}: it inherits from itself, by way of {' -> '.join((*seen, origin))}")
    try:
        document = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{origin}: not a TOML file: {error}") from None
    parent = document.pop("inherits", None)
    if parent is not None and not isinstance(parent, str):
        raise ModelError(f"{origin}: inherits = {parent!r}, allowed is the name of a target or the path of its file")
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    if parent is not None:
        inherited = _read(parent, folder, (*seen, origin))
        # A target's name is its own: two files that differ never share one by accident.
        values.update((key, value) for key, value in inherited.values.items() if key != "name")
        places.update(inherited.places)
    for key, value in _flatten(document):
        _set(values, places, key, value, origin)
    return Source(origin, values, places)


def _find(name: str, base: Path | None) -> tuple[str, str, Path | None]:
    """What to call target ``name`` in messages, the text of its file, and the folder that relative paths start from."""
    if not name.endswith(".toml") and "/" not in name:
        if name not in list_targets():
            raise ModelError(_unknown_target(name))
        return f"{name}.toml", (PRESETS / f"{name}.toml").read_text(encoding="utf-8"), None
    path = Path(name) if base is None else base / name
    try:
        return str(path), path.read_text(encoding="utf-8"), path.parent
    except OSError as error:
        raise ModelError(f"{path}: cannot read this target file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ModelError(f"{path}: not a TOML file: not UTF-8 text") from None


def _unknown_target(name: str) -> str:
    installed = list_targets()
    near = difflib.get_close_matches(name, installed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"there is no target {name!r}; {hint}installed are {', '.join(installed)}, or give the path of a .toml file"


def _parse_override(override: str) -> tuple[str, Any]:
    key, equals, text = override.partition("=")
    key, text = key.strip(), text.strip()
    if not equals or not key or not text:
        raise ModelError(f"--set {override}: allowed is SECTION.KEY=VALUE, as in encode.subspace_lanes=32")
    try:
        document = parse_toml(f"value = {text}")
    except tomllib.TOMLDecodeError:
        # A bare word is a string, so that a shell needs no nested quotes; where a number is due it is refused later.
        return key, text
    return (key, document["value"]) if set(document) == {"value"} else (key, text)


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values; a table without keys is a value."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flatten(cast(dict[str, Any], value), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _set(values: dict[str, Any], places: dict[str, str], key: str, value: Any, place: str) -> None:
    """Set ``key``; what was set above or below it goes, so that a value can replace a table and the reverse."""
    for other in [k for k in values if k.startswith(f"{key}.") or key.startswith(f"{k}.")]:
        del values[other], places[other]
    values[key], places[key] = value, place


def _nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        level = nested
        for part in path:
            level = level.setdefault(part, {})
        level[last] = tuple(cast(list[Any], value)) if isinstance(value, list) else value
    return nested


def _validate(source: Source) -> Target:
    try:
        return TypeAdapter(Target).validate_python(_nest(source.values))
    except ValidationError as error:
        raise ModelError(_sentence(error.errors(include_url=False), source)) from None


def _sentence(errors: Sequence[ErrorDetails], source: Source) -> str:
    """The most telling of ``errors`` in one sentence: a misspelt key is also a missing one, so it comes first."""
    error = min(errors, key=lambda e: e["type"] != "unexpected_keyword_argument")
    key = ".".join(str(part) for part in error["loc"] if isinstance(part, str))
    place = next((p for k, p in source.places.items() if k == key or k.startswith(f"{key}.")), source.origin)
    schemas = _key_schemas()
    if error["type"] == "unexpected_keyword_argument":
        return f"{place}: unknown key {key}{_did_you_mean(key, tuple(schemas))}"
    allowed = _allowed(schemas.get(key, {}))
    if error["type"] == "missing":
        return f"{source.origin}: key {key} is missing; allowed is {allowed}"
    found = source.values.get(key, cast(object, error["input"]))
    return f"{place}: {key} = {found!r}, allowed is {allowed}"


def _did_you_mean(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, [k for k in known if not key.startswith(f"{k}.")], n=1, cutoff=0.75)
    if near:
        return f", did you mean {near[0]}?"
    section = key.rpartition(".")[0]
    return f"; allowed are {', '.join(k for k in known if k.rpartition('.')[0] == section)}"


def _key_schemas() -> dict[str, dict[str, Any]]:
    """The JSON schema of every dotted key of a target, sections included."""
    root: dict[str, Any] = TypeAdapter(Target).json_schema()
    schemas: dict[str, dict[str, Any]] = {}
    for name, schema in root["properties"].items():
        schemas[name] = schema
        if "$ref" in schema:
            section = root["$defs"][schema["$ref"].rpartition("/")[2]]
            schemas |= {f"{name}.{key}": inner for key, inner in section["properties"].items()}
    return schemas


def described_sections() -> list[Section]:
    """Every section of a target file, the top level first."""
    schemas = _key_schemas()
    keys = {key: schema for key, schema in schemas.items() if "$ref" not in schema}
    sections = {"": Target, **{name: kind for name, kind in get_type_hints(Target).items() if name not in keys}}
    found: list[Section] = []
    for name, kind in sections.items():
        own = {key: schema for key, schema in keys.items() if key.rpartition(".")[0] == name}
        allowed = {key.rpartition(".")[2]: _allowed(schema) for key, schema in own.items()}
        found.append(Section(name, inspect.getdoc(kind) or "", allowed))
    return found


def _allowed(schema: Mapping[str, Any]) -> str:
    """What a JSON schema allows, in words."""
    if "$ref" in schema:
        return "a section with keys of its own"
    if "enum" in schema:
        return " or ".join(f'"{choice}"' for choice in schema["enum"])
    if schema["type"] == "array":
        return f"a list of {_allowed(schema['items'])}, not empty"
    if schema["type"] == "string":
        return "a string, not empty"
    kind = "an integer" if schema["type"] == "integer" else "a number"
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    if low == schema["maximum"]:
        return f"{low}"
    step = f", a multiple of {schema['multipleOf']:g}" if "multipleOf" in schema else ""
    return f"{kind} {'from' if 'minimum' in schema else 'above'} {low:g} to {schema['maximum']:.10g}{step}"
