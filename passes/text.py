"""Modules as text: with locations, constants as handles, and the arrays behind them in a folder beside the file."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from pqc.dialects.blob import FOLDER, BlobAttr, BlobStore
from pqc.dialects.elements import elements
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.passes.attributes import CALIBRATION
from pqc.passes.verification import verify_module


def module_text(module: ModuleOp) -> str:
    """The module's text, with locations."""
    stream = StringIO()
    Printer(stream, print_debuginfo=True).print_op(module)
    return stream.getvalue() + "\n"


def blob_keys(module: ModuleOp) -> list[str]:
    """Digests of every constant that the module mentions, the calibration frames included."""
    blobs = elements(module.attributes.get(CALIBRATION), BlobAttr)
    for op in module.walk():
        blobs.extend(value for value in op.properties.values() if isinstance(value, BlobAttr))
    return [blob.key.data for blob in blobs]


def save_module(module: ModuleOp, path: Path, header: str) -> None:
    """Write the text to ``path``, behind ``header`` as comment lines, and the constants to the folder beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    BlobStore.save(blob_keys(module), path.parent / FOLDER)
    comments = "".join(f"// {line}\n" for line in header.splitlines())
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(comments + module_text(module))
    partial.rename(path)


def load_module(path: Path) -> ModuleOp:
    """Read a text that :func:`save_module` wrote, and verify it.

    Raises:
        ModelError: there is no such file, it is no IR, or it breaks a rule.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read as IR text: {error}") from error
    BlobStore.load(path.parent / FOLDER)
    try:
        module = Parser(make_context(), text, str(path)).parse_module()
        verify_module(module)
    except ParseError as error:
        raise ModelError(f"{error.span.get_location()}: is no valid IR: {_sentence(error.msg)}") from error
    except VerifyException as error:
        raise ModelError(f"{path}: is no valid IR: {_sentence(error)}") from error
    return module


def _sentence(error: object) -> str:
    return " ".join(str(error).split())
