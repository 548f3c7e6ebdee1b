"""Digests of everything that a value follows from: the operations that led to it, their attributes and constants.

Two values with the same digest have the same content, whatever the operations are called and whatever else their
networks hold. So results of long work can be kept (:mod:`pqc.cache`) and found again without computing anything, also
for the part that two compilations have in common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

import pqc.version
from pqc.cache import key_of
from pqc.dialects.blob import ConstantOp
from pqc.errors import InternalError
from pqc.passes.attributes import CALIBRATION, main_of

DECIDING = ("codebook", "dialects", "interpreter", "numerics", "passes")
"""Packages whose code has a say in what networks compute and what is fitted to them."""


class History:
    """The digests of all operations of a module's function, for the calibration frames on the module.

    ``facts`` is what results follow from besides; attributes of operations that are ``ignored`` play no part.
    """

    def __init__(self, module: ModuleOp, facts: Sequence[str], ignored: Collection[str] = ()) -> None:
        self._ignored = ignored
        block = main_of(module).body.block
        beginning = key_of([code_version(), str(module.attributes.get(CALIBRATION)), *facts])
        self._of: dict[SSAValue, str] = {
            argument: key_of([beginning, str(argument.index), str(argument.type)]) for argument in block.args
        }
        for op in block.ops:
            digest = self._digest(op)
            self._of.update(dict.fromkeys(op.results, digest))
        self.whole = key_of([beginning, *self._of.values()])

    def __getitem__(self, op: Operation) -> str:
        """The digest of an operation with a result, and of everything before it."""
        return self._of[op.results[0]]

    def _digest(self, op: Operation) -> str:
        if isinstance(op, ConstantOp):
            # its digest alone: the label is a name
            return key_of([op.name, op.data.key.data])
        for region in op.regions:
            # what an operation holds begins with its operands
            self._of.update(zip(region.block.args, (self._of[value] for value in op.operands), strict=True))
            for inner in region.block.ops:
                self._of.update(dict.fromkeys(inner.results, self._digest(inner)))
        attributes = {**op.attributes, **op.properties}
        said = [f"{name} = {value}" for name, value in sorted(attributes.items()) if name not in self._ignored]
        held = [inner for region in op.regions for inner in region.block.ops]
        read = [*op.operands, *(value for inner in held for value in inner.operands)]
        return key_of([op.name, *said, "of", *(self._of[value] for value in read)])


@cache
def code_version() -> str:
    """The digest of the code that decides results, so that no result outlives a change of it.

    Raises:
        InternalError: a package of pqc is here without its source.
    """
    digest = hashlib.sha256(f"{pqc.version.__version__} {np.__version__}".encode())
    for package in DECIDING:
        paths = sorted((Path(pqc.version.__file__).parent / package).rglob("*.py"))
        if not paths:
            raise InternalError(f"the code of pqc.{package} cannot be read, so that nothing can be kept in a cache")
        for path in paths:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
