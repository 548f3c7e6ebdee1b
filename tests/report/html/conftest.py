"""The digits network, compiled once, with what was seen of its compilation."""

from __future__ import annotations

from pathlib import Path

import pytest

from pqc.api import CompileRequest, compile_model
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target
from pqc.report.html.document import Document
from pqc.report.html.recording import Recording

DIGITS = Path(__file__).parents[3] / "examples" / "digits" / "digits.onnx"


@pytest.fixture(scope="package")
def document() -> Document:
    recording = Recording()
    options = PqOptions(16, 9, tune=0, images=64)
    result = compile_model(CompileRequest(DIGITS, load_target("pqa"), options, watch=recording.watch))
    return Document(result.program, recording)
