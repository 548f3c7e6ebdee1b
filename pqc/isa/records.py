"""The records of a program file besides its instructions: tensors, tokens at the start, self-test; strict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from pqc.isa.canonical import Json
from pqc.isa.fields import EncodingError, Unit
from pqc.numerics.element import Element

DRAM_LIMIT = 1 << 40
"""One past the largest DRAM address that an instruction can name."""

MAXIMUM_BATCH = 1024
"""Most frames that one execution may process."""

MAXIMUM_CREDIT = (1 << 16) - 1
"""Most tokens that one unit may have from another at the start."""

Credits: TypeAlias = tuple[tuple[Unit, Unit, int], ...]
"""Source, destination, count: tokens that are there before the first execution, and again after each execution."""

_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number with a point",
    bool: "true or false",
    list: "a list",
    dict: "a record",
}


def read_record(value: Json, where: str, kinds: dict[str, type]) -> dict[str, Any]:
    """The fields of a JSON object that has exactly the keys of ``kinds``, each of exactly that type.

    Raises:
        EncodingError: naming ``where`` and the field.
    """
    if not isinstance(value, dict):
        raise EncodingError(f"{where} is not a record of the fields {', '.join(kinds)}")
    for name in value:
        if name not in kinds:
            raise EncodingError(f"{where} has an unknown field {name!r}, allowed are {', '.join(kinds)}")
    for name, kind in kinds.items():
        if name not in value:
            raise EncodingError(f"{where} lacks the field {name!r}")
        if type(value[name]) is not kind:
            raise EncodingError(f"{where}.{name} = {abbreviate(value[name])} is not {_KINDS[kind]}")
    return value


def abbreviate(value: object) -> str:
    """``repr(value)``, cut off where it gets long."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_range(where: str, value: int, minimum: int, maximum: int) -> None:
    """Raise EncodingError naming ``where`` if ``value`` lies outside [minimum, maximum]."""
    if not minimum <= value <= maximum:
        raise EncodingError(f"{where} = {abbreviate(value)}, allowed are {minimum} to {maximum}")


@dataclass(frozen=True)
class Tensor:
    """An input or output of the program: where it lies in DRAM and what its integers mean.

    ``shape`` leaves out the frames; real = integer * ``scale``; ``address`` is its first byte in DRAM.
    """

    name: str
    shape: tuple[int, ...]
    bits: int
    signed: bool
    scale: float
    address: int

    _kinds: ClassVar[dict[str, type]] = {
        "name": str, "shape": list, "bits": int, "signed": bool, "scale": float, "address": int
    }  # fmt: skip

    @property
    def element(self) -> Element:
        """The integer element type."""
        return Element(self.bits, self.signed)

    @property
    def size(self) -> int:
        """Elements in one frame."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes that one frame occupies in DRAM."""
        return self.size * self.element.storage_bytes

    def check(self, where: str) -> None:
        """Raise EncodingError naming ``where`` and the field that is out of range."""
        if not self.name:
            raise EncodingError(f"{where}.name is empty")
        check_range(f"{where}.shape: its rank", len(self.shape), 0, 8)
        for dimension in self.shape:
            check_range(f"{where}.shape: a dimension", dimension, 1, 1 << 32)
        check_range(f"{where}.bits", self.bits, 1, 16)
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise EncodingError(f"{where}.scale = {self.scale}, allowed are positive finite numbers")
        check_range(f"{where}.address", self.address, 0, DRAM_LIMIT)

    def as_json(self) -> dict[str, Json]:
        """The tensor as plain JSON values."""
        return {
            "name": self.name,
            "shape": [int(dimension) for dimension in self.shape],
            "bits": int(self.bits),
            "signed": bool(self.signed),
            "scale": float(self.scale),
            "address": int(self.address),
        }

    @staticmethod
    def from_json(value: Json, where: str) -> Tensor:
        """The tensor in a JSON record.

        Raises:
            EncodingError: naming ``where`` and the field that is missing, unknown or of the wrong type.
        """
        fields = read_record(value, where, Tensor._kinds)
        if not all(type(dimension) is int for dimension in fields["shape"]):
            raise EncodingError(f"{where}.shape = {abbreviate(fields['shape'])} is not a list of whole numbers")
        fields["shape"] = tuple(fields["shape"])
        return Tensor(**fields)


def check_credits(credits: Credits) -> None:
    """Raise EncodingError unless each pair of units stands once, ascending, with one token or more."""
    for index, (source, destination, count) in enumerate(credits):
        check_range(f"credits[{index}].count", count, 1, MAXIMUM_CREDIT)
        if index and (source, destination) <= credits[index - 1][:2]:
            where = f"credits[{index}], from {source.name.lower()} to {destination.name.lower()},"
            raise EncodingError(f"{where} stands behind one that it should precede")


def credits_as_json(credits: Credits) -> list[Json]:
    """The tokens at the start as plain JSON values."""
    return [
        {"source": source.name.lower(), "destination": destination.name.lower(), "count": int(count)}
        for source, destination, count in credits
    ]


def credits_from_json(values: list[Json], where: str) -> Credits:
    """The tokens at the start in a list of JSON records.

    Raises:
        EncodingError: naming ``where`` and the field that is missing, unknown or of the wrong type.
    """
    found: list[tuple[Unit, Unit, int]] = []
    for index, value in enumerate(values):
        place = f"{where}[{index}]"
        fields = read_record(value, place, {"source": str, "destination": str, "count": int})
        source, destination = (_read_unit(f"{place}.{name}", fields[name]) for name in ("source", "destination"))
        found.append((source, destination, fields["count"]))
    return tuple(found)


def _read_unit(where: str, name: str) -> Unit:
    names = {unit.name.lower(): unit for unit in Unit}
    if name not in names:
        raise EncodingError(f"{where} = {abbreviate(name)}, allowed are {', '.join(names)}")
    return names[name]


@dataclass(frozen=True)
class SelfTest:
    """Seeded inputs and what must come out: ``digest`` is the SHA-256 of the raw integer outputs, in hexadecimal."""

    seed: int
    frames: int
    digest: str

    _kinds: ClassVar[dict[str, type]] = {"seed": int, "frames": int, "digest": str}

    def check(self, where: str) -> None:
        """Raise EncodingError naming ``where`` and the field that is out of range."""
        check_range(f"{where}.seed", self.seed, 0, (1 << 63) - 1)
        check_range(f"{where}.frames", self.frames, 1, 1024)
        if len(self.digest) != 64 or not set(self.digest) <= set("0123456789abcdef"):
            raise EncodingError(f"{where}.digest = {abbreviate(self.digest)} is not 64 hexadecimal digits")

    def as_json(self) -> dict[str, Json]:
        """The self-test as plain JSON values."""
        return {"seed": int(self.seed), "frames": int(self.frames), "digest": self.digest}

    @staticmethod
    def from_json(value: Json, where: str) -> SelfTest:
        """The self-test in a JSON record.

        Raises:
            EncodingError: naming ``where`` and the field that is missing, unknown or of the wrong type.
        """
        return SelfTest(**read_record(value, where, SelfTest._kinds))
