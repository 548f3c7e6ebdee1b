"""Constants as content-addressed handles: the text shows name, digest and type; the array lies beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from xdsl.dialects.builtin import Float32Type, IntegerType, Signedness, StringAttr, TensorType
from xdsl.ir import Attribute, Dialect, ParametrizedAttribute, SSAValue
from xdsl.irdl import IRDLOperation, irdl_attr_definition, irdl_op_definition, prop_def, result_def, traits_def
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.traits import ConstantLike, Pure
from xdsl.utils.exceptions import VerifyException

from pqc.errors import ModelError
from pqc.isa.program import write_whole
from pqc.numerics.arrays import HEADER_FAULTS, AnyArray

FOLDER = "blobs"
"""Name of the folder beside an IR file that holds its arrays."""


@dataclass(frozen=True)
class _Constants:
    """Arrays by digest, and the bounds of those that were asked for."""

    arrays: dict[str, AnyArray] = field(default_factory=dict[str, AnyArray])
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])


_PROCESS = _Constants()
_SCOPE: ContextVar[_Constants | None] = ContextVar("pqc_constants", default=None)


def _known() -> _Constants:
    scoped = _SCOPE.get()
    return _PROCESS if scoped is None else scoped


@contextmanager
def constants_scope() -> Generator[None, None, None]:
    """Inside, the store starts empty; at the end it forgets what came, so that long work does not fill the memory.

    Modules from outside have no constants inside, nor the reverse. Each thread has scopes of its own.
    """
    token = _SCOPE.set(_Constants())
    try:
        yield
    finally:
        _SCOPE.reset(token)


class BlobStore:
    """All constants of this process by digest; content-addressed, so sharing them between modules is harmless."""

    @classmethod
    def put(cls, array: AnyArray) -> str:
        """Keep a read-only little-endian copy of ``array``; return its digest (over dtype, shape and bytes)."""
        kept = np.array(array, array.dtype.newbyteorder("<"), order="C")
        digest = hashlib.sha256(f"{kept.dtype.str}{kept.shape}".encode())
        digest.update(kept.tobytes())
        key = digest.hexdigest()[:16]
        arrays = _known().arrays
        if key not in arrays:
            kept.flags.writeable = False
            arrays[key] = kept
        return key

    @classmethod
    def get(cls, key: str) -> AnyArray | None:
        """The array with this digest, if it is known."""
        return _known().arrays.get(key)

    @classmethod
    def bounds(cls, key: str) -> tuple[int, int]:
        """The smallest and the largest element of a known array of integers, searched for once."""
        known = _known()
        if key not in known.bounds:
            array = known.arrays[key]
            known.bounds[key] = (int(array.min()), int(array.max()))
        return known.bounds[key]

    @classmethod
    def save(cls, keys: Iterable[str], folder: Path) -> None:
        """Write the arrays to ``folder``, one ``DIGEST.npy`` each; what is there already stays.

        Raises:
            ModelError: a file cannot be written, or an array is not known.
        """
        wanted, arrays = sorted(set(keys)), _known().arrays
        missing = [key for key in wanted if key not in arrays]
        if missing:
            raise ModelError(
                f"{folder}: constant {missing[0]} cannot be written: it was not beside the IR that names it"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"{folder}: cannot be made: {error.strerror}") from error
        for key in wanted:
            path = folder / f"{key}.npy"
            if not path.exists():
                data = BytesIO()
                np.save(data, arrays[key], allow_pickle=False)
                write_whole(path, data.getvalue())

    @classmethod
    def load(cls, folder: Path) -> None:
        """Read every array of ``folder``.

        Raises:
            ModelError: a file holds no array of numbers, or not the one whose digest its name says.
        """
        for path in sorted(folder.glob("*.npy")):
            if path.stem in _known().arrays:
                continue
            try:
                array: AnyArray = np.load(path, allow_pickle=False)
                element_type(array.dtype)
            except (OSError, EOFError, *HEADER_FAULTS, ValueError, VerifyException) as error:
                raise ModelError(f"{path}: not an array that pqc wrote: {error}") from error
            if cls.put(array) != path.stem:
                raise ModelError(f"{path}: the content does not have the digest in the name; write the IR dump again")


def element_type(dtype: np.dtype[Any]) -> Attribute:
    """The IR element type of a numpy type: f32, or an integer of the same width and signedness.

    Raises:
        VerifyException: the dialect has no constants of this type.
    """
    if dtype == np.float32:
        return Float32Type()
    if dtype.kind not in "iu":
        raise VerifyException(f"constants are float32 or integers, not {dtype}")
    return IntegerType(dtype.itemsize * 8, Signedness.UNSIGNED if dtype.kind == "u" else Signedness.SIGNED)


@irdl_attr_definition
class BlobAttr(ParametrizedAttribute):
    """A handle to a constant: ``#blob.data<"conv1.weight", "8c1f...">``."""

    name = "blob.data"
    label: StringAttr
    key: StringAttr

    @staticmethod
    def of(label: str, array: AnyArray) -> BlobAttr:
        """Store ``array`` and make its handle."""
        return BlobAttr(StringAttr(label), StringAttr(BlobStore.put(array)))

    @property
    def array(self) -> AnyArray:
        """The constant, read-only.

        Raises:
            VerifyException: the array is not in the store (its file is missing beside the IR).
        """
        array = BlobStore.get(self.key.data)
        if array is None:
            raise VerifyException(f"constant {self.label.data!r} ({self.key.data}) is not in the folder {FOLDER!r}")
        return array

    @property
    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest element of a constant of integers.

        Raises:
            VerifyException: as for ``array``, or the constant is empty.
        """
        if self.array.size == 0:
            raise VerifyException(f"constant {self.label.data!r} is empty")
        return BlobStore.bounds(self.key.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> tuple[StringAttr, StringAttr]:
        """Parse ``<"label", "digest">``."""
        with parser.in_angle_brackets():
            label = parser.parse_str_literal()
            parser.parse_punctuation(",")
            return StringAttr(label), StringAttr(parser.parse_str_literal())

    def print_parameters(self, printer: Printer) -> None:
        """Print ``<"label", "digest">``."""
        with printer.in_angle_brackets():
            printer.print_string_literal(self.label.data)
            printer.print_string(", ")
            printer.print_string_literal(self.key.data)


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A constant tensor: ``%w = blob.constant <"conv1.weight", "8c1f..."> : tensor<16x3x3x3xf32>``."""

    name = "blob.constant"
    data = prop_def(BlobAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure(), ConstantLike())
    assembly_format = "$data attr-dict `:` type($result)"

    def __init__(self, label: str, array: AnyArray) -> None:
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        super().__init__(
            properties={"data": BlobAttr.of(label, array)},
            result_types=[TensorType(element_type(array.dtype), array.shape)],
        )

    @property
    def array(self) -> AnyArray:
        """The constant, read-only."""
        return self.data.array

    @property
    def label(self) -> str:
        """The name it has in the model."""
        return self.data.label.data

    def verify_(self) -> None:
        """The handle resolves, and shape and type are those of the array."""
        array = self.array
        if self.result.type != TensorType(element_type(array.dtype), array.shape):
            raise VerifyException(
                f"constant {self.label!r} is {array.dtype}{list(array.shape)}, its type is {self.result.type}"
            )


def constant_of(value: SSAValue) -> AnyArray | None:
    """The array of a value that a :class:`ConstantOp` defines, else None."""
    return value.owner.array if isinstance(value.owner, ConstantOp) else None


Blob = Dialect("blob", [ConstantOp], [BlobAttr])
"""The dialect."""
