"""Fold subspaces whose code never changes into the bias: neither encoded nor looked up, they cost nothing.

    %c = pq.encode %x, %codebook ...          ->  %c = pq.encode %x, %codebook' folded [2] ...
    %a = pq.lookup %c, %table, %bias ...          %a = pq.lookup %c, %table', %bias' ...

That of a channel that is always zero is one. By default a subspace is folded if that is proven by the bounds of all
values, which changes no bit of any result; with ``fold=calibrated`` also if it had one code on all calibration frames,
which others may not have. ``fold=none`` leaves everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import hint
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.errors import ModelError
from pqc.passes.attributes import CALIBRATED, CALIBRATION, main_of
from pqc.passes.codes_met import codes_met
from pqc.passes.constants import constant_array
from pqc.passes.intervals import Intervals, Mask

FOLDS = ("none", "proven", "calibrated")
"""What may be folded."""

Codes = dict[int, int]
"""By subspace, or with channel grouping by group, the only code."""


def encoding_of(lookup: LookupOp) -> EncodeOp | None:
    """The encode whose codes nobody but ``lookup`` reads."""
    encode = lookup.codes.owner
    return encode if isinstance(encode, EncodeOp) and encode.codes.has_one_use() else None


def only_codes(seen: Mask) -> Codes:
    """The subspaces of which one code is seen, from flags [subspaces, prototypes]."""
    return {int(s): int(seen[s].argmax()) for s in np.flatnonzero(seen.sum(axis=1) == 1)}


def fold(encode: EncodeOp, lookup: LookupOp, codes: Mapping[int, int]) -> None:
    """Replace both by ones without the subspaces in ``codes``, which leave at least one."""
    table, bias = constant_array(lookup.table), constant_array(lookup.bias)
    groups = encode.codes.type.get_shape()[1]
    kept = [group for group in range(groups) if group not in codes]
    by_tap = table.reshape(-1, groups, *table.shape[1:])
    sums = sum(by_tap[:, group, code].astype(np.int64).sum(axis=0) for group, code in codes.items())
    book = constant_array(encode.codebook)
    codebook = ConstantOp("codebook", book if encode.shared else book[kept])
    entries = ConstantOp("table", by_tap[:, kept].reshape(-1, *table.shape[1:]))
    start = ConstantOp("bias", (bias + sums).astype(np.int32))
    padding = None if lookup.padding is None else ConstantOp("padding", constant_array(lookup.padding)[kept])
    before = [n for n in range(groups + len(encode.folded_subspaces)) if n not in encode.folded_subspaces]
    encoded = EncodeOp(
        encode.x,
        codebook.result,
        window=encode.window.data,
        metric=encode.distance,
        shift=encode.shift.value.data,
        prototype_bits=encode.prototype_bits.value.data,
        shared=encode.shared is not None,
        folded=sorted({*encode.folded_subspaces, *(before[group] for group in codes)}),
    )
    looked = LookupOp(
        encoded.codes,
        entries.result,
        start.result,
        table_bits=lookup.table_bits.value.data,
        accumulator_bits=lookup.accumulator_bits,
        window=None if lookup.window is None else lookup.window.data,
        padding=None if padding is None else padding.result,
    )
    _replace(encode, [codebook, encoded])
    _replace(lookup, [entries, start, *([] if padding is None else [padding]), looked])


def _replace(op: EncodeOp | LookupOp, made: list[Operation]) -> None:
    """Put ``made`` in the place of ``op``, with what it was known by; constants that nobody reads any more go."""
    constants = [value.owner for value in op.operands if isinstance(value.owner, ConstantOp)]
    made[-1].attributes |= op.attributes
    for new in made:
        new.location = op.location
        if isinstance(new, ConstantOp):
            hint(new.result, new.label)
    made[-1].results[0].name_hint = op.results[0].name_hint
    Rewriter.replace_op(op, made)
    for constant in constants:
        if not constant.result.uses:
            constant.detach()
            constant.erase()


@dataclass(frozen=True)
class FoldConstantSubspacesPass(ModulePass):
    """Fold subspaces whose code never changes into the bias: proven, or (``fold=calibrated``) on calibration frames."""

    name = "fold-constant-subspaces"
    fold: str = "proven"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fold what is allowed; the calibration frames are dropped.

        Raises:
            ModelError: there is no such ``fold``, or it needs calibration frames and there are none.
        """
        if self.fold not in FOLDS:
            raise ModelError(f"fold {self.fold!r}, allowed are {', '.join(FOLDS)}")
        block = main_of(op).body.block
        lookups = [found for found in block.ops if isinstance(found, LookupOp)] if self.fold != "none" else []
        met = codes_met(op) if self.fold == "calibrated" else {}
        intervals = Intervals(block) if lookups else None
        for lookup in lookups:
            encode = encoding_of(lookup)
            if encode is None or intervals is None:
                continue
            proven = only_codes(intervals.codes_seen(lookup))
            codes = only_codes(met[lookup]) | proven if lookup in met else proven
            self._fold(encode, lookup, codes, len(codes) - len(proven))
        op.attributes.pop(CALIBRATION, None)

    def _fold(self, encode: EncodeOp, lookup: LookupOp, codes: Codes, calibrated: int) -> None:
        """Fold some subspaces, but the last one of a layer that would have none: an instruction needs one."""
        groups = encode.codes.type.get_shape()[1]
        if len(codes) == groups:
            codes = dict(list(codes.items())[1:])
            calibrated = min(calibrated, len(codes))
        if not codes:
            return
        if calibrated:
            encode.attributes[CALIBRATED] = IntegerAttr(calibrated, i64)
        fold(encode, lookup, codes)
