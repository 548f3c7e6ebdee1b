"""The points of a sweep: every combination of options and targets that a space file asks for."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from pqc.errors import ModelError
from pqc.exploration.constraint import Constraint
from pqc.exploration.document import DEFAULT_TARGET, Sample, TargetTable, did_you_mean, load_toml, read_document
from pqc.passes.options import PqOptions
from pqc.planning.target import Target, load_target, target_from_dict

Settings: TypeAlias = Mapping[str, Any]
"""Values by name: options of the compiler by theirs, ``target``, and keys of the target with dots."""

Axes: TypeAlias = Mapping[str, Sequence[Any]]
"""The values that each setting takes."""


@dataclass(frozen=True)
class Point:
    """One combination: how the network is quantized, for which target, and what the space sets to say so."""

    pq: PqOptions
    target: Target
    settings: Settings


@dataclass(frozen=True)
class Space:
    """The points of a space in order, at least one, and the content of its file as plain JSON values."""

    origin: str
    content: Mapping[str, Any]
    points: tuple[Point, ...]

    @property
    def varied(self) -> tuple[str, ...]:
        """The settings that differ between points."""
        names = self.points[0].settings
        return tuple(name for name in names if len({repr(point.settings[name]) for point in self.points}) > 1)


def load_space(path: Path) -> Space:
    """Read a space file.

    Raises:
        ModelError: the file cannot be read or is wrong; the message names the key, what was found and what is allowed.
    """
    return read_space(load_toml(path), str(path), path.parent)


def read_space(content: Mapping[str, Any], origin: str, folder: Path) -> Space:
    """The space that the content of a file describes.

    Args:
        content: as TOML gives it.
        origin: what to call the file in messages.
        folder: where relative paths of target files start.

    Raises:
        ModelError: as for :func:`load_space`.
    """
    document = read_document(content, origin)
    options = combinations(_option_axes(document.pq, origin))
    targets = list(_targets(document.target, origin, folder))
    every = [
        Point(_options(option, origin), target, {**option, **settings})
        for option, (target, settings) in itertools.product(options, targets)
    ]
    points = _constrained(every, document.where, origin)
    if not points:
        raise ModelError(f"{origin}: none of {len(every)} points satisfies where = {document.where}")
    if document.sample is not None:
        points = _sampled(points, document.sample)
    return Space(origin, content, tuple(points))


def combinations(axes: Axes) -> list[Settings]:
    """All combinations of values; the last name changes fastest."""
    return [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested table by dotted keys; an empty table is a value."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict) and value:
            flat |= flatten(cast("dict[str, Any]", value), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _option_axes(table: Mapping[str, Any], origin: str) -> Axes:
    """The values of each option of the compiler, each of the option's type."""
    hints = get_type_hints(PqOptions)
    axes: dict[str, Sequence[Any]] = {}
    for name, value in table.items():
        if name not in hints:
            raise ModelError(f"{origin}: unknown key pq.{name}{did_you_mean(name, list(hints))}")
        adapter = TypeAdapter[Any](hints[name])
        axes[name] = _choices(f"{origin}: pq.{name}", value, lambda one, adapter=adapter: _accept(adapter, one))
    return axes


def _accept(adapter: TypeAdapter[Any], value: Any) -> Any:
    """The value as its type takes it, strictly, except that a list stands for a tuple; raises ValidationError."""
    return adapter.validate_json(json.dumps(value, default=str), strict=True)


def _choices(key: str, value: Any, accept: Callable[[Any], Any]) -> Sequence[Any]:
    """The values that a key takes: one, or each of a list."""
    try:
        return (accept(value),)
    except ValidationError as error:
        wanted = error.errors(include_url=False)[0]["msg"].removeprefix("Input should be ")
    if not isinstance(value, list):
        raise ModelError(f"{key} = {value!r}, allowed is {wanted}, or a list of several")
    found: list[Any] = []
    for one in cast("list[Any]", value):
        try:
            found.append(accept(one))
        except ValidationError:
            raise ModelError(f"{key} has the value {one!r}, allowed is {wanted}") from None
    return _distinct(key, found)


def _distinct(key: str, values: Sequence[Any]) -> Sequence[Any]:
    if not values:
        raise ModelError(f"{key} is an empty list, allowed is at least one value")
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ModelError(f"{key} has the value {value!r} twice")
    return values


def _options(settings: Settings, origin: str) -> PqOptions:
    try:
        return PqOptions(**settings)
    except ModelError as error:
        raise ModelError(f"{origin}: pq.{error}") from None


def _targets(table: TargetTable, origin: str, folder: Path) -> Iterator[tuple[Target, Settings]]:
    """Every target with every combination of changes, and what the space sets to say so."""
    lists = {key for key, value in flatten(load_target(DEFAULT_TARGET).as_dict()).items() if isinstance(value, list)}
    changes = flatten(table.changes).items()
    axes = {key: _swept(f"{origin}: target.set.{key}", value, key in lists) for key, value in changes}
    for name in _distinct(f"{origin}: target.name", table.name):
        is_path = name.endswith(".toml") or "/" in name
        base = flatten(load_target(str(folder / name) if is_path else name).as_dict())
        for chosen in combinations(axes):
            target = target_from_dict(_nest({**base, **chosen}), f"{origin}: target.set")
            yield target, {"target": name, **chosen}


def _swept(key: str, value: Any, is_list: bool) -> Sequence[Any]:
    """The values of a target's key; where it takes a list, several are a list of lists."""
    if not isinstance(value, list):
        return (value,)
    values = cast("list[Any]", value)
    return (values,) if is_list and not any(isinstance(one, list) for one in values) else _distinct(key, values)


def _nest(flat: Settings) -> dict[str, Any]:
    """The table of a target, whose sections are one level deep, from dotted keys."""
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        section, dot, name = key.partition(".")
        if not dot:
            nested[key] = value
            continue
        # Where a table stands for a value, the check of the target says so.
        if not isinstance(nested.get(section), dict):
            nested[section] = {}
        nested[section][name] = value
    return nested


def _constrained(points: list[Point], conditions: list[str], origin: str) -> list[Point]:
    """The points for which all conditions hold."""
    try:
        names = list(_values(points[0]))
        constraints = [Constraint.parse(text, names) for text in conditions]
        return [point for point in points if all(condition.holds(_values(point)) for condition in constraints)]
    except ModelError as error:
        raise ModelError(f"{origin}: where: {error}") from None


def _values(point: Point) -> Settings:
    """What conditions are about: all options, the target's name as it was given, and all its keys."""
    target = {key: value for key, value in flatten(point.target.as_dict()).items() if key != "name"}
    return {**dataclasses.asdict(point.pq), "target": point.settings["target"], **target}


def _sampled(points: list[Point], sample: Sample) -> list[Point]:
    """So many points, in their order; those of a smaller sample are among those of a larger one."""

    def rank(index: int) -> str:
        point = points[index]
        content = [sample.seed, point.pq.as_json(), point.target.fingerprint()]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    return [points[index] for index in sorted(sorted(range(len(points)), key=rank)[: sample.points])]
