"""Reading and checking an ONNX file, before anything is made of its graph."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import onnx
import onnx.checker
import onnx.external_data_helper
import onnx.inliner
from google.protobuf.message import DecodeError

from pqc.errors import ModelError
from pqc.frontend.pq_domain import DOMAIN, VERSION
from pqc.frontend.refused import refused
from pqc.frontend.remedies import OTHER_OPSET
from pqc.problems import NodeProblem

OLDEST_OPSET = 11
"""Before it, padding, clipping and slicing were written differently."""

DOMAINS = ("", "ai.onnx")
"""The two names of the standard operator set."""


@dataclass(frozen=True)
class LoadedModel:
    """A file that is an ONNX model of a known operator set, its weights in memory, its functions inlined."""

    path: Path
    model: onnx.ModelProto
    opset: int
    digest: str
    """SHA-256 of the file, in hex; external data is not part of it."""

    @property
    def metadata(self) -> dict[str, str]:
        """The file's metadata properties."""
        return {entry.key: entry.value for entry in self.model.metadata_props}


def load_model(path: Path) -> LoadedModel:
    """Read and check the file at ``path``.

    Raises:
        ModelError: there is no such file, it is not an ONNX model, it lacks its external data, or its operator
            set is not one this version knows.
    """
    content = _read(path)
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ModelError(f"{path}: not an ONNX model, or one that is cut short") from error
    opset = _checked_opset(path, model)
    _load_external_data(path, model)
    return LoadedModel(path, _inline(path, model), opset, hashlib.sha256(content).hexdigest())


def loaded_from_memory(model: onnx.ModelProto, digest: str) -> LoadedModel:
    """The same for a model in memory, which messages call ``model``; it is not changed.

    Raises:
        ModelError: it is no model, its operator set is not known, or some of its data is in other files.
    """
    path = Path("model")
    opset = _checked_opset(path, model)
    for tensor in model.graph.initializer:
        if onnx.external_data_helper.uses_external_data(tensor):
            raise ModelError(f"{path}: the data of '{tensor.name}' is in another file; load the model with onnx.load")
    return LoadedModel(path, _inline(path, model), opset, digest)


def _checked_opset(path: Path, model: onnx.ModelProto) -> int:
    if not model.HasField("graph") or not model.graph.output:
        raise ModelError(f"{path}: not an ONNX model: it holds no graph with outputs")
    opset = _opset(path, model)
    _check_version(path, model)
    _check_names(path, model.graph)
    _check_unique(path, model.graph)
    return opset


def _read(path: Path) -> bytes:
    if not path.exists():
        raise ModelError(f"{path}: no such file")
    if path.is_dir():
        raise ModelError(f"{path}: a directory, where an ONNX file is wanted")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _opset(path: Path, model: onnx.ModelProto) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    if not versions:
        raise ModelError(f"{path}: not an ONNX model, or one that is cut short: it names no operator set")
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= versions[0] <= newest:
        found = f"the model uses opset {versions[0]}"
        raise refused(path, [NodeProblem("", "", found, f"{OLDEST_OPSET} to {newest}", OTHER_OPSET)])
    return versions[0]


def _check_version(path: Path, model: onnx.ModelProto) -> None:
    if not 0 <= model.ir_version <= onnx.IR_VERSION:
        found = f"the model has version {model.ir_version} of the ONNX format"
        raise refused(path, [NodeProblem("", "", found, f"up to {onnx.IR_VERSION}", OTHER_OPSET)])
    found = {entry.version for entry in model.opset_import if entry.domain == DOMAIN} - {VERSION}
    if found:
        raise ModelError(f"{path}: the model uses version {min(found)} of {DOMAIN}; version {VERSION} is supported")


def _check_names(path: Path, graph: onnx.GraphProto) -> None:
    """Refuse line breaks and the like in names: messages and listings hold names, each in one line."""
    values = (entry.name for side in (graph.input, graph.output, graph.initializer) for entry in side)
    nodes = ((node.name, node.op_type, node.domain, *node.input, *node.output) for node in graph.node)
    attributes = (attribute.name for node in graph.node for attribute in node.attribute)
    for name in chain(values, attributes, *nodes):
        if not _is_printable(name):
            raise ModelError(f"{path}: the name {name!r} has characters that cannot be printed; rename it")


def _check_unique(path: Path, graph: onnx.GraphProto) -> None:
    for what, entries in (("inputs", graph.input), ("outputs", graph.output), ("initializers", graph.initializer)):
        name, count = Counter(entry.name for entry in entries).most_common(1)[0] if entries else ("", 0)
        if count > 1:
            raise ModelError(f"{path}: {count} {what} are named '{name}'; each needs a name of its own")


def _is_printable(name: object) -> bool:
    # what is not UTF-8 is left as bytes
    return isinstance(name, str) and name.isprintable()


def _load_external_data(path: Path, model: onnx.ModelProto) -> None:
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ModelError(f"{path}: its external data cannot be read: {error}") from error


def _inline(path: Path, model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with calls of its own functions replaced by their bodies, as some exporters write them.

    Those that say what product quantization means stay calls: what they are called says it, too.
    """
    kept = [(function.domain, function.name) for function in model.functions if function.domain == DOMAIN]
    if len(kept) == len(model.functions):
        return model
    try:
        return onnx.inliner.inline_selected_functions(model, kept, exclude=True)
    except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
        raise ModelError(f"{path}: the functions it defines cannot be inlined: {error}") from error
