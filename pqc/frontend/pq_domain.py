"""The ONNX operators of product quantization: domain ``ai.pqc``, whose meaning a file gives in functions of its own.

``OnGrid(x)`` is ``clip(floor(x / scale + 1/2)) * scale``, with the attributes

* ``scale``: a tensor of one double;
* ``bits`` and ``signed`` (0 or 1): the integers that it is clipped to.

``WindowConvolutionL2(x, codebook, table, bias, step)`` is a convolution by product quantization. The name says which
elements form a subvector, ``Window`` or ``Channel`` (:class:`pqc.numerics.grouping.Grouping`), and the distance:
``L2``, ``L1`` or ``Linf``. The codebook [groups, prototypes, length] holds integers of 8 or 16 bits, the table
[subspaces, prototypes, outputs] int8 or int16, the bias [outputs] int32, the step [outputs] float. Its attributes are
those of ``OnGrid`` for the grid of x; ``kernel_shape``, ``strides``, ``pads`` and ``dilations`` as those of ``Conv``;

* ``shift``: how many bits x loses (rounded half up) on its way to the grid of the codebook;
* ``prototype_bits``: what it is clipped to there, with the sign of x;
* ``table_bits``: what the table's entries are.
"""

from __future__ import annotations

from collections.abc import Mapping

from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Grouping

DOMAIN = "ai.pqc"
"""The domain of the operators."""

VERSION = 1
"""Its version; another one may mean something else."""

ON_GRID = "OnGrid"
"""The operator that brings values onto a grid."""


def convolution_name(grouping: Grouping, metric: Metric) -> str:
    """The operator that convolves with subvectors of ``grouping``, matched by ``metric``."""
    return f"{grouping.value.capitalize()}Convolution{metric.name.capitalize()}"


CONVOLUTIONS: Mapping[str, tuple[Grouping, Metric]] = {
    convolution_name(grouping, metric): (grouping, metric) for grouping in Grouping for metric in Metric
}
"""The operators that convolve."""
