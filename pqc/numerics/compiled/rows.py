"""Rows of arrays, and sums of rows in vector registers: what Numba has no words for, in the words of LLVM."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pqc.numerics.arrays import AnyArray
from pqc.numerics.compiled.jit import numba

LANES, FEW_LANES = 32, 16
"""Outputs that are summed together in vector registers, many or few; LLVM cuts vectors to what the processor has."""

_arrays: Any = importlib.import_module("numba.np.arrayobj")
_cgutils: Any = importlib.import_module("numba.core.cgutils")
_extending: Any = importlib.import_module("numba.extending")
_ir: Any = importlib.import_module("llvmlite.ir")


def _row(_: Any, array: Any, first: Any, second: Any, third: Any) -> Any:
    types = numba.types
    result = types.Array(array.dtype, 1, "C", readonly=not array.mutable, aligned=array.aligned)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source = _arrays.make_array(signature.args[0])(context, builder, values[0])
        strides = _cgutils.unpack_tuple(builder, source.strides)
        shape = _cgutils.unpack_tuple(builder, source.shape)
        offset = builder.mul(values[1], strides[0])
        for index, stride in ((values[2], strides[1]), (values[3], strides[2])):
            offset = builder.add(offset, builder.mul(index, stride))
        made = _arrays.make_array(result)(context, builder)
        _arrays.populate_array(
            made,
            data=_cgutils.pointer_add(builder, source.data, offset),
            shape=[shape[3]],
            strides=[source.itemsize],
            itemsize=source.itemsize,
            meminfo=None,
        )
        return made._getvalue()

    return result(array, types.intp, types.intp, types.intp), generate


def _part(_: Any, array: Any, first: Any, count: Any) -> Any:
    types = numba.types
    result = types.Array(array.dtype, 1, "C", readonly=not array.mutable, aligned=array.aligned)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source = _arrays.make_array(signature.args[0])(context, builder, values[0])
        (stride,) = _cgutils.unpack_tuple(builder, source.strides)
        made = _arrays.make_array(result)(context, builder)
        _arrays.populate_array(
            made,
            data=_cgutils.pointer_add(builder, source.data, builder.mul(values[1], stride)),
            shape=[values[2]],
            strides=[source.itemsize],
            itemsize=source.itemsize,
            meminfo=None,
        )
        return made._getvalue()

    return result(array, types.intp, types.intp), generate


def _sum_rows(lanes: int, table: Any, codes: Any, result: Any) -> Any:
    types = numba.types

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, picked, sums = (
            _arrays.make_array(signature.args[place])(context, builder, values[place]) for place in (0, 1, 4)
        )
        element = context.get_data_type(signature.args[0].dtype)
        vector = _ir.VectorType(element, lanes)
        to_subspace, to_row, _ = _cgutils.unpack_tuple(builder, rows.strides)
        to_frame, to_code, to_position = _cgutils.unpack_tuple(builder, picked.strides)
        subspaces = _cgutils.unpack_tuple(builder, picked.shape)[1]
        offset = builder.add(builder.mul(values[2], to_frame), builder.mul(values[3], to_position))
        # LLVM turns these stack slots into registers
        total = _cgutils.alloca_once_value(builder, _ir.Constant(vector, None))
        subspace = _cgutils.alloca_once_value(builder, rows.data)
        code = _cgutils.alloca_once_value(builder, picked.data)
        builder.store(_ir.Constant(vector, None), total)
        builder.store(rows.data, subspace)
        builder.store(_cgutils.pointer_add(builder, picked.data, offset), code)
        with _cgutils.for_range(builder, subspaces):
            index = builder.zext(builder.load(builder.load(code)), to_row.type)
            row = _cgutils.pointer_add(builder, builder.load(subspace), builder.mul(index, to_row), vector.as_pointer())
            entries = builder.load(row, align=element.width // 8)
            builder.store(builder.add(builder.load(total), entries), total)
            for pointer, step in ((subspace, to_subspace), (code, to_code)):
                builder.store(_cgutils.pointer_add(builder, builder.load(pointer), step), pointer)
        place = builder.bitcast(sums.data, vector.as_pointer())
        builder.store(builder.load(total), place, align=element.width // 8)
        return context.get_dummy_value()

    return types.void(table, codes, types.intp, types.intp, result), generate


def _sum_few(_: Any, table: Any, codes: Any, frame: Any, position: Any, result: Any) -> Any:
    return _sum_rows(FEW_LANES, table, codes, result)


def _sum_many(_: Any, table: Any, codes: Any, frame: Any, position: Any, result: Any) -> Any:
    return _sum_rows(LANES, table, codes, result)


if TYPE_CHECKING:

    def row(array: AnyArray, first: int, second: int, third: int) -> AnyArray:
        """The row ``array[first, second, third]``, whose elements follow each other without gaps; not checked."""
        ...

    def part(array: AnyArray, first: int, count: int) -> AnyArray:
        """``array[first : first + count]`` of a contiguous array; not checked."""
        ...

    def sum_few(table: AnyArray, codes: AnyArray, frame: int, position: int, result: AnyArray) -> None:
        """``result[:FEW_LANES] = sum over s of table[s, codes[frame, s, position], :FEW_LANES]``; sums wrap.

        ``table`` [subspaces, prototypes, outputs], ``codes`` [frames, subspaces, positions] unsigned, ``result`` like
        a row of the table. Not checked.
        """
        ...

    def sum_many(table: AnyArray, codes: AnyArray, frame: int, position: int, result: AnyArray) -> None:
        """:func:`sum_few` for ``LANES`` outputs."""
        ...

else:
    row = _extending.intrinsic(_row)
    part = _extending.intrinsic(_part)
    sum_few = _extending.intrinsic(_sum_few)
    sum_many = _extending.intrinsic(_sum_many)
