"""What is written down when pqc itself fails: the command line, the versions, the traceback and the IR at fault."""

from __future__ import annotations

import json
import platform
import re
import shlex
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pqc

HANDLE = re.compile(r'<"[^"]*", "([0-9a-f]{16})">')
"""A constant in a text of the IR, with its digest."""

LIBRARIES = ("click", "numpy", "onnx", "onnxruntime", "pydantic", "xdsl")


def write_reproducer(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write a new folder with all that is needed to look into ``error``, and return its path.

    It holds ``command.txt``, ``versions.json``, ``traceback.txt`` and, if the error or one of its causes has the text
    of the IR in an attribute ``ir``, ``before.mlir`` and its constants; if it also has the pass that failed in an
    attribute ``step``, ``reduce.txt`` with the command that makes ``before.mlir`` small.
    """
    folder = Path(tempfile.mkdtemp(prefix="pqc-fault-"))
    (folder / "command.txt").write_text(f"cd {shlex.quote(str(Path.cwd()))}\npqc {shlex.join(arguments)}\n")
    (folder / "versions.json").write_text(json.dumps(versions(), indent=2) + "\n")
    (folder / "traceback.txt").write_text("".join(traceback.format_exception(error)))
    for cause in _chain(error):
        text = getattr(cause, "ir", None)
        if isinstance(text, str):
            _write_ir(folder, text, getattr(cause, "step", None))
            break
    return folder


def _write_ir(folder: Path, text: str, step: str | None) -> None:
    """Write the IR with its constants, and how to reduce it for the pass ``step``."""
    from pqc.dialects.blob import FOLDER, BlobStore

    (folder / "before.mlir").write_text(text)
    keys = [key for key in HANDLE.findall(text) if BlobStore.get(key) is not None]
    if keys:
        BlobStore.save(keys, folder / FOLDER)
    if step is not None:
        words = ("reduce", "before.mlir", "--pass", step, "-o", "small.mlir")
        (folder / "reduce.txt").write_text(f"cd {shlex.quote(str(folder))}\npqc {shlex.join(words)}\n")


def versions() -> dict[str, str]:
    """Versions of pqc, Python, the platform and the libraries pqc stands on."""
    found = {"pqc": pqc.__version__, "python": platform.python_version(), "platform": platform.platform()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error``, what caused it, what caused that, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
