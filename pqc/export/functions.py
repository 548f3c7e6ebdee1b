"""What the operators of the domain ``ai.pqc`` mean, as ONNX functions of standard operators.

Everything is exact: grids in double, and integers in float32, where all sums stay below 2^24
(:mod:`pqc.export.exactness`); the sums are cast to integers before the bias is added, so that no runtime folds the step
into the table.
"""

from __future__ import annotations

from functools import cache

import onnx
import onnx.parser

from pqc.frontend.pq_domain import CONVOLUTIONS, DOMAIN, ON_GRID
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Grouping

OPSET = 19
"""The operator set that the functions and models use."""

_CONSTANTS = """
  zero = Constant <value_ints = [0]> ()
  one = Constant <value_ints = [1]> ()
  two = Constant <value_ints = [2]> ()
  rest = Constant <value_ints = [-1]> ()
  half = Constant <value = double {0.5}> ()
"""


def _limits(prefix: str = "") -> str:
    """The least and the greatest integer of so many bits, signed or not, as double: ``lowest`` and ``highest``."""
    return f"""\
  {prefix}span = Pow (two, {prefix}bits)
  {prefix}reach = Div ({prefix}span, two)
  {prefix}below = Mul ({prefix}reach, signed)
  {prefix}lowest_integer = Neg ({prefix}below)
  {prefix}end = Add ({prefix}span, {prefix}lowest_integer)
  {prefix}highest_integer = Sub ({prefix}end, one)
  {prefix}lowest_vector = Cast <to = 11> ({prefix}lowest_integer)
  {prefix}highest_vector = Cast <to = 11> ({prefix}highest_integer)
  {prefix}lowest = Squeeze ({prefix}lowest_vector)
  {prefix}highest = Squeeze ({prefix}highest_vector)
"""


_STEPS = f"""
  scale = Constant <value: tensor = @scale> ()
  bits = Constant <value_int: int = @bits> ()
  signed = Constant <value_int: int = @signed> ()
{_limits()}  wide = Cast <to = 11> (x)
  steps = Div (wide, scale)
  raised = Add (steps, half)
  rounded = Floor (raised)
  integers = Clip (rounded, lowest, highest)
"""
"""x in units of the scale, rounded half up and clipped."""

_ON_GRID = """
  values = Mul (integers, scale)
  y = Cast <to = 1> (values)
"""

_ON_CODEBOOK_GRID = f"""
  shift = Constant <value_int: int = @shift> ()
  prototype_bits = Constant <value_int: int = @prototype_bits> ()
  divisor_integer = Pow (two, shift)
  divisor = Cast <to = 11> (divisor_integer)
{_limits("prototype_")}  divided = Div (integers, divisor)
  divided_raised = Add (divided, half)
  shifted = Floor (divided_raised)
  saturated = Clip (shifted, prototype_lowest, prototype_highest)
  seen = Cast <to = 1> (saturated)
  prototypes = Cast <to = 1> (codebook)
  prototype_count = Shape <start = 1, end = 2> (codebook)
  length = Shape <start = 2, end = 3> (codebook)
  kernel = Constant <value_ints: ints = @kernel_shape> ()
  taps = ReduceProd <keepdims = 1> (kernel)
  subspaces = Shape <start = 0, end = 1> (table)
  outputs = Shape <start = 2, end = 3> (table)
  frames = Shape <start = 0, end = 1> (x)
"""
"""The input on the codebook's grid, and all sizes that follow from the operands."""

_WINDOW_VECTORS = """
  square = Concat <axis = 0> (taps, taps)
  nothing = ConstantOfShape (square)
  diagonal = EyeLike <dtype = 1> (nothing)
  kernels_shape = Concat <axis = 0> (taps, one, kernel)
  kernels = Reshape (diagonal, kernels_shape)
  map = Shape <start = 2> (x)
  planes_shape = Concat <axis = 0> (rest, one, map)
  planes = Reshape (seen, planes_shape)
  patches = Conv <kernel_shape: ints = @kernel_shape, strides: ints = @strides, pads: ints = @pads,
                  dilations: ints = @dilations> (planes, kernels)
  size = Shape <start = 2> (patches)
  channels = Shape <start = 1, end = 2> (x)
  elements = Mul (channels, taps)
  windows_shape = Concat <axis = 0> (frames, elements, rest)
  windows = Reshape (patches, windows_shape)
  wanted = Mul (subspaces, length)
  missing = Sub (wanted, elements)
  padding = Concat <axis = 0> (zero, zero, zero, zero, missing, zero)
  padded = Pad (windows, padding)
  vectors_shape = Concat <axis = 0> (frames, subspaces, length, rest)
  vectors = Reshape (padded, vectors_shape)
"""
"""[frames, subspaces, length, positions]: each plane's patches by a convolution with unit kernels, cut into pieces."""

_CHANNEL_VECTORS = """
  groups = Div (subspaces, taps)
  pads = Constant <value_ints: ints = @pads> ()
  pads_before, pads_behind = Split <num_outputs = 2> (pads)
  channels = Shape <start = 1, end = 2> (x)
  wanted = Mul (groups, length)
  missing = Sub (wanted, channels)
  padding = Concat <axis = 0> (zero, zero, pads_before, zero, missing, pads_behind)
  padded = Pad (seen, padding)
  map = Shape <start = 2> (padded)
  vectors_shape = Concat <axis = 0> (frames, groups, length, rest)
  vectors = Reshape (padded, vectors_shape)
"""
"""[frames, groups, length, pixels] of the padded map: a tap outside the map reads the code of zeros."""

_CODES_L2 = """
  twice = Add (prototypes, prototypes)
  products = MatMul (twice, vectors)
  squares = Mul (prototypes, prototypes)
  norms = ReduceSum <keepdims = 1> (squares, two)
  nearness = Sub (products, norms)
  codes = ArgMax <axis = 2, keepdims = 1, select_last_index = 0> (nearness)
"""
"""|x - p|^2 is least where 2 x.p - |p|^2 is largest."""

_CODES_BY_DIFFERENCE = """
  apart_x = Unsqueeze (vectors, two)
  last = Constant <value_ints = [3]> ()
  apart_p = Unsqueeze (prototypes, last)
  differences = Sub (apart_x, apart_p)
  magnitudes = Abs (differences)
  distances = {reduce} <keepdims = 0> (magnitudes, last)
  codes = ArgMin <axis = 2, keepdims = 1, select_last_index = 0> (distances)
"""

_HITS = """
  start = Constant <value_int = 0> ()
  unit = Constant <value_int = 1> ()
  stop = Squeeze (prototype_count)
  numbers_row = Range (start, stop, unit)
  numbers_shape = Concat <axis = 0> (prototype_count, one)
  numbers = Reshape (numbers_row, numbers_shape)
  chosen = Equal (codes, numbers)
  hits = Cast <to = 1> (chosen)
  entries = Cast <to = 1> (table)
"""
"""The codes one-hot: [frames, codebooks, prototypes, positions]."""

_WINDOW_SUMS = """
  entries_shape = Concat <axis = 0> (rest, outputs)
  rows = Reshape (entries, entries_shape)
  weights = Transpose <perm = [1, 0]> (rows)
  entry_count = Mul (subspaces, prototype_count)
  hits_shape = Concat <axis = 0> (frames, entry_count, rest)
  columns = Reshape (hits, hits_shape)
  flat_sums = MatMul (weights, columns)
  sums_shape = Concat <axis = 0> (frames, outputs, size)
  sums = Reshape (flat_sums, sums_shape)
"""

_CHANNEL_SUMS = """
  entries_shape = Concat <axis = 0> (kernel, groups, prototype_count, outputs)
  by_tap = Reshape (entries, entries_shape)
  by_output = Transpose <perm = [4, 2, 3, 0, 1]> (by_tap)
  weights_shape = Concat <axis = 0> (outputs, rest, kernel)
  weights = Reshape (by_output, weights_shape)
  hits_shape = Concat <axis = 0> (frames, rest, map)
  hit_map = Reshape (hits, hits_shape)
  sums = Conv <kernel_shape: ints = @kernel_shape, strides: ints = @strides, dilations: ints = @dilations>
              (hit_map, weights)
"""

_RESULT = """
  whole_sums = Cast <to = 6> (sums)
  channel_shape = Constant <value_ints = [-1, 1, 1]> ()
  offsets = Reshape (bias, channel_shape)
  totals = Add (whole_sums, offsets)
  real_totals = Cast <to = 1> (totals)
  units = Reshape (step, channel_shape)
  y = Mul (real_totals, units)
"""

_GRID_ATTRIBUTES = "scale, bits, signed"
_WINDOW_ATTRIBUTES = "kernel_shape, strides, pads, dilations"
_CODE_ATTRIBUTES = "shift, prototype_bits, table_bits"


def _function(name: str, attributes: str, inputs: str, body: str) -> onnx.FunctionProto:
    header = f'<domain: "{DOMAIN}", opset_import: ["" : {OPSET}]> {name} <{attributes}> ({inputs}) => (y)'
    return onnx.parser.parse_function(f"{header} {{ {body} }}")


def _codes(metric: Metric) -> str:
    if metric is Metric.L2:
        return _CODES_L2
    return _CODES_BY_DIFFERENCE.format(reduce="ReduceSum" if metric is Metric.L1 else "ReduceMax")


@cache
def function(name: str) -> onnx.FunctionProto:
    """The function of an operator of the domain.

    Raises:
        KeyError: there is no such operator.
    """
    if name == ON_GRID:
        return _function(name, _GRID_ATTRIBUTES, "x", _CONSTANTS + _STEPS + _ON_GRID)
    grouping, metric = CONVOLUTIONS[name]
    by_window = grouping is Grouping.WINDOW
    vectors, sums = (_WINDOW_VECTORS, _WINDOW_SUMS) if by_window else (_CHANNEL_VECTORS, _CHANNEL_SUMS)
    body = _CONSTANTS + _STEPS + _ON_CODEBOOK_GRID + vectors + _codes(metric) + _HITS + sums + _RESULT
    attributes = ", ".join((_GRID_ATTRIBUTES, _WINDOW_ATTRIBUTES, _CODE_ATTRIBUTES))
    return _function(name, attributes, "x, codebook, table, bias, step", body)
