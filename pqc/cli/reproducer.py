"""What is written down when pqc itself fails: the command line, the versions, the traceback and the IR at fault."""

from __future__ import annotations

import json
import platform
import shlex
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pqc

LIBRARIES = ("click", "numpy", "onnx", "onnxruntime", "pydantic", "xdsl")


def write_reproducer(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write a new folder with all that is needed to look into ``error``, and return its path.

    It holds ``command.txt``, ``versions.json``, ``traceback.txt`` and, if the error or one of its causes has the text
    of the IR in an attribute ``ir``, ``before.mlir``.
    """
    folder = Path(tempfile.mkdtemp(prefix="pqc-fault-"))
    (folder / "command.txt").write_text(f"cd {shlex.quote(str(Path.cwd()))}\npqc {shlex.join(arguments)}\n")
    (folder / "versions.json").write_text(json.dumps(versions(), indent=2) + "\n")
    (folder / "traceback.txt").write_text("".join(traceback.format_exception(error)))
    for cause in _chain(error):
        text = getattr(cause, "ir", None)
        if isinstance(text, str):
            (folder / "before.mlir").write_text(text)
            break
    return folder


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
