"""All dialects of pqc, and a context that knows them."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin
from xdsl.dialects.func import Func
from xdsl.ir import Dialect

from pqc.dialects.blob import Blob
from pqc.dialects.onnx import Onnx
from pqc.dialects.pq import Pq
from pqc.dialects.pqa import Pqa
from pqc.dialects.qnn import Qnn

DIALECTS: tuple[Dialect, ...] = (Blob, Onnx, Pq, Qnn, Pqa)
"""Our dialects, from the float level down."""


def make_context() -> Context:
    """A context with our dialects and the upstream ones that our IR uses."""
    context = Context()
    for dialect in (Builtin, Func, *DIALECTS):
        context.load_dialect(dialect)
    return context
