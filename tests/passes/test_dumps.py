"""The files that `--dump-ir` writes: numbered, readable again, each a place to go on from."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc
from support.levels import INTEGER, Levels, compile_network
from support.network import residual_network

from pqc.api import CompileRequest, compile_model
from pqc.errors import ModelError
from pqc.passes.options import PqOptions
from pqc.passes.text import load_module
from pqc.planning.target import load_target


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Levels:
    options = PqOptions(prototypes=4, length=3, include=("gemm*",), exclude=("conv0",), seed=3)
    return compile_network(residual_network(), tmp_path_factory.mktemp("dumps"), options=options)


def test_one_file_for_each_pass_that_changed_something(levels: Levels) -> None:
    assert [path.name for path in levels.dumps] == [
        "00-import.mlir",
        "03-fuse-epilogue.mlir",
        "04-select-pq.mlir",
        "05-calibrate-ranges.mlir",
        "06-choose-bitwidths.mlir",
        "07-fit-prototypes.mlir",
        "08-quantize.mlir",
        "10-lower-to-pqa.mlir",
        "13-allocate-memory.mlir",
        "14-insert-tokens.mlir",
    ]


def test_headers_say_where_a_file_comes_from(levels: Levels) -> None:
    assert levels.dumps[0].read_text().startswith("// pqc ")
    for path in levels.dumps[1:]:
        first, _, third = path.read_text().splitlines()[:3]
        assert re.fullmatch(r"// pqc \S+: model\.onnx after pass " + path.stem[3:], first)
        assert third == f"// pqc compile {path.name} -o PROGRAM"


def test_the_command_in_the_header_makes_the_same_text(levels: Levels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(levels.folder / "ir")
    for path in levels.dumps[1:]:
        _, header, _, text = path.read_text().split("\n", 3)
        program, *words = shlex.split(header.removeprefix("// "))
        result = pqc(*words)
        assert program == "pqc"
        assert result.code == 0, result.talk
        assert result.text.strip() == text.strip()


def test_every_integer_level_computes_the_same(levels: Levels) -> None:
    quantized, *below = (levels.outputs(module, levels.integers) for module in levels.modules(INTEGER))
    for found in below:
        np.testing.assert_array_equal(found["output0"], quantized["output0"])


@pytest.mark.parametrize("index", range(10))
def test_compiling_from_a_dump_gives_the_same_bytes(levels: Levels, index: int) -> None:
    again = compile_model(CompileRequest(levels.dumps[index], None))
    assert again.program.to_bytes() == levels.program.to_bytes()


def test_a_resumed_compilation_dumps_the_rest(levels: Levels, tmp_path: Path) -> None:
    compile_model(CompileRequest(levels.dumps[6], None, dump_ir=tmp_path))
    written = sorted(tmp_path.glob("*.mlir"))
    assert [path.name for path in written] == [path.name for path in levels.dumps[7:]]
    for path in written:
        assert path.read_text().split("\n", 3)[3] == (levels.folder / "ir" / path.name).read_text().split("\n", 3)[3]
    assert f"// pqc opt {levels.dumps[6]} -p 'lower-to-pqa' " in written[0].read_text()


def test_a_dump_for_another_target_is_refused(levels: Levels) -> None:
    with pytest.raises(ModelError, match=r"written for target 'pqa' \(\w{12}\), not for 'tiny' \(\w{12}\)"):
        compile_model(CompileRequest(levels.dumps[3], load_target("tiny")))
    assert compile_model(CompileRequest(levels.dumps[8], load_target("pqa"))).program == levels.program


def test_a_dump_of_a_pass_that_does_not_exist_is_refused(levels: Levels) -> None:
    text = levels.dumps[6].read_text().replace('pqc.phase = "quantize"', 'pqc.phase = "qantize"')
    path = levels.dumps[6].with_name("changed.mlir")
    path.write_text(text)
    try:
        with pytest.raises(ModelError, match="written after a pass 'qantize'; the passes are group-pointwise, "):
            compile_model(CompileRequest(path, None))
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("func.func @main(", "is no valid IR"),
        ('builtin.module {\n  %w = blob.constant <"w", "0000"> : tensor<2xf32>\n}', "is no valid IR: .*'w'"),
        ("builtin.module {\n  %a = onnx.relu %b : (tensor<?x2xf32>) -> tensor<?x2xf32>\n}", "is no valid IR"),
    ],
    ids=["syntax", "constant", "name"],
)
def test_what_is_no_ir_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.mlir"
    path.write_text(text)
    with pytest.raises(ModelError, match=rf"broken\.mlir(:\d+:\d+)?: {message}") as caught:
        load_module(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read as IR text"):
        load_module(tmp_path / "absent.mlir")


def test_a_constant_that_was_changed_is_refused(levels: Levels, tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    np.save(tmp_path / "blobs" / "00112233445566.npy", np.zeros(3, np.float32))
    (tmp_path / "one.mlir").write_text("builtin.module {\n}\n")
    with pytest.raises(ModelError, match="does not have the digest in the name"):
        load_module(tmp_path / "one.mlir")
