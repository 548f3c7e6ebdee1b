"""A stage on the host: an ONNX graph, executed by the reference implementation in the onnx package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any, cast

import numpy as np
import onnx
import onnx.external_data_helper
import onnx.shape_inference
from google.protobuf.message import DecodeError

from pqc.errors import ModelError, ProgramError
from pqc.frontend.folding import FAULTS, LARGEST
from pqc.numerics.arrays import AnyArray

_FAULTS = (*FAULTS, AssertionError)

INFERRED_BYTES = 1 << 30
"""Bytes of a graph whose sizes are looked at before it is executed: protobuf holds no message of 2 GiB."""


def parse_host_model(content: bytes, inputs: Sequence[str], outputs: Sequence[str], origin: str) -> onnx.ModelProto:
    """The ONNX model in a file of stages, which reads ``inputs`` and gives ``outputs``.

    Raises:
        ProgramError: it is none, has data in other files, or other inputs or outputs.
    """
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise ProgramError(f"{origin}: its content is no ONNX model") from None
    for what, listed, entries in (("inputs", inputs, model.graph.input), ("outputs", outputs, model.graph.output)):
        found = [entry.name for entry in entries]
        if found != list(listed):
            raise ProgramError(f"{origin}: its model has the {what} {found}, the list of stages says {list(listed)}")
    for tensor in _tensors(model):
        if onnx.external_data_helper.uses_external_data(tensor):
            raise ProgramError(f"{origin}: the data of {tensor.name!r} is in another file, which is not looked at")
    return model


class HostGraph:
    """An ONNX model, ready to be executed on ``frames`` frames at once.

    Raises:
        ModelError: the reference implementation has one of its operators not, or a value would be too large; ``origin``
            names it in messages.
    """

    def __init__(self, model: onnx.ModelProto, frames: int, origin: str) -> None:
        # importing it takes a while, and most programs have nothing on the host
        from onnx.reference import ReferenceEvaluator

        self._origin = origin
        self._frames = frames
        self._outputs = [entry.name for entry in model.graph.output]
        _check_sizes(model, frames, origin)
        try:
            self._evaluator: Any = ReferenceEvaluator(model)
        except _FAULTS as error:
            raise ModelError(f"{origin}: the host cannot execute it: {_said(error)}") from error

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Execute all frames, a group after the other; the last group is filled up with copies of the last frame.

        Args:
            inputs: by name arrays [n, ...], at least one.

        Returns:
            By name what the graph gives, [n, ...] of any numeric type.

        Raises:
            ModelError: the graph cannot be executed, or gives what has not the frames in front.
        """
        count = len(next(iter(inputs.values())))
        groups = [self._run_group(inputs, start, count) for start in range(0, count, self._frames)]
        return {name: np.concatenate([group[name] for group in groups])[:count] for name in self._outputs}

    def _run_group(self, inputs: Mapping[str, AnyArray], start: int, count: int) -> dict[str, AnyArray]:
        missing = max(0, start + self._frames - count)
        feed = {name: array[start : start + self._frames] for name, array in inputs.items()}
        if missing:
            feed = {name: np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) for name, part in feed.items()}
        try:
            with np.errstate(all="ignore"):
                results = cast("list[Any]", self._evaluator.run(None, feed))
        except _FAULTS as error:
            raise ModelError(f"{self._origin}: the host cannot execute it: {_said(error)}") from error
        return {name: self._checked(name, result) for name, result in zip(self._outputs, results, strict=True)}

    def _checked(self, name: str, result: Any) -> AnyArray:
        if isinstance(result, list | dict | tuple | None):
            raise ModelError(f"{self._origin}: it gives '{name}' as no array, which a stage has to give")
        array: AnyArray = np.asarray(result)
        if array.dtype.kind not in "biuf":
            raise ModelError(f"{self._origin}: it gives '{name}' as {array.dtype}; numbers are wanted")
        if array.ndim == 0 or len(array) != self._frames:
            raise ModelError(
                f"{self._origin}: it gives '{name}' as {list(array.shape)} for {self._frames} frames; what leaves a "
                "stage has the frames in front"
            )
        return array


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor that a model holds, wherever it is."""
    nodes = chain(model.graph.node, *(function.node for function in model.functions))
    yield from model.graph.initializer
    yield from chain.from_iterable(_tensors_of(node) for node in nodes)


def _tensors_of(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        yield from (attribute.t, *attribute.tensors)
        for graph in (attribute.g, *attribute.graphs):
            yield from graph.initializer
            yield from chain.from_iterable(_tensors_of(inner) for inner in graph.node)


def _check_sizes(model: onnx.ModelProto, frames: int, origin: str) -> None:
    """Refuse values that are known to be too large before they are made."""
    if model.ByteSize() > INFERRED_BYTES:
        return
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    for entry in asked.graph.input:
        sizes = entry.type.tensor_type.shape.dim
        if sizes:
            sizes[0].dim_value = frames
    try:
        inferred = onnx.shape_inference.infer_shapes(asked, data_prop=True).graph
    except (RuntimeError, ValueError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(f"{origin}: its model is malformed: {_said(error)}") from error
    for entry in (*inferred.value_info, *inferred.output):
        size = prod(max(1, dimension.dim_value) for dimension in entry.type.tensor_type.shape.dim)
        if size > LARGEST:
            raise ModelError(f"{origin}: '{entry.name}' would have {size} elements; at most {LARGEST} are computed")
