"""A few of the cases that ``python tests/nightly.py`` tries in thousands, and every fault that it has found."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fuzz.hostile_models import all_changes
from fuzz.hostile_programs import programs
from onnx import TensorProto, helper
from support.command_line import Result, pqc, small_network
from support.onnx_models import model, node, save

from pqc.dialects.blob import BlobStore
from pqc.isa.program import Program

ROOT = Path(__file__).parents[2]


def refused(*words: str | Path) -> str:
    """What a command says when it refuses its file."""
    result: Result = pqc(*words)
    assert result.code in (1, 4), result
    return result.talk.rpartition("error: ")[2].strip()


def test_a_few_cases_end_without_a_fault() -> None:
    files = [word for kind in ("model", "program", "text") for word in ("--kind", kind)]
    command = [sys.executable, "tests/nightly.py", "--count", "60", "--seed", "0", *files]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert {kind: sum(found.values()) for kind, found in results.items()} == {"model": 20, "program": 20, "text": 20}


@pytest.mark.parametrize("seed", range(3))
def test_models_with_one_thing_wrong(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "case.onnx"
    for name, content in all_changes(seed).items():
        path.write_bytes(content)
        result = pqc("compile", path, "--to", "import", "-o", tmp_path / "out.mlir")
        assert result.code in (0, 1), (name, result)


def test_an_input_without_an_element_type(tmp_path: Path) -> None:
    proto = model([node("Relu")])
    proto.graph.input[0].type.tensor_type.elem_type = 0
    assert "input 'x': is undefined; only float32" in refused("estimate", save(proto, tmp_path))
    proto.graph.input[0].type.tensor_type.elem_type = 99
    assert "input 'x': is of the unknown element type 99" in refused("estimate", save(proto, tmp_path))


def test_a_name_with_a_line_break(tmp_path: Path) -> None:
    message = refused("estimate", save(model([node("Relu", outputs=["a\nb"])], outputs=["a\nb"]), tmp_path))
    assert message.endswith("the name 'a\\nb' has characters that cannot be printed; rename it")


def test_a_network_whose_names_are_numbers_is_compiled(tmp_path: Path) -> None:
    proto = small_network()
    for number, one in enumerate(proto.graph.node):
        one.name = str(number)
    path = save(proto, tmp_path)
    assert pqc("compile", path, "--target", "tiny", "-o", tmp_path / "out.bin").code == 0


def test_a_name_in_no_known_encoding(tmp_path: Path) -> None:
    path = save(model([node("Relu", ["x"], ["hidden"]), node("Relu", ["hidden"])]), tmp_path)
    path.write_bytes(path.read_bytes().replace(b"hidden", b"hi\xff\xfeen"))
    assert "the name b'hi\\xff\\xfeen' has characters that cannot be printed" in refused("estimate", path)


def test_a_constant_of_terabytes_is_not_computed(tmp_path: Path) -> None:
    nodes = [node("ConstantOfShape", ["size"], ["flood"]), node("Add", ["x", "flood"])]
    proto = model(nodes, {"size": np.array([2**20, 2**20])})
    assert "its result 'flood' would have 1099511627776 elements; at most 268435456" in refused(
        "estimate", save(proto, tmp_path)
    )


def test_an_outer_product_of_terabytes_is_not_computed(tmp_path: Path) -> None:
    row: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = np.zeros((1, 2**15), np.float32)
    nodes = [node("Add", ["row", "column"], ["flood"]), node("Add", ["x", "flood"])]
    proto = model(nodes, {"row": row, "column": row.T})
    assert "its result 'flood' would have 1073741824 elements" in refused("estimate", save(proto, tmp_path))


def test_shape_arithmetic_is_computed_still(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["two"], value=helper.make_tensor("two", TensorProto.INT64, [1], [2])),
        node("ConstantOfShape", ["two"], ["zeros"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [3.0])),
        node("ReduceSum", ["zeros"], ["six"], keepdims=0),
        node("Add", ["x", "six"]),
    ]
    path = save(model(nodes), tmp_path)
    assert pqc("compile", path, "--to", "import", "-o", tmp_path / "out.mlir").code == 0


def test_a_string_without_an_end_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "case.mlir"
    path.write_text('"' + "a\\n" * 5000 + "\n")
    for words in (("opt", path), ("compile", path, "-o", tmp_path / "out.bin")):
        assert "case.mlir:1:1: " in refused(*words)
        assert "this string has no end in its line" in refused(*words)


def test_a_text_in_no_known_encoding(tmp_path: Path) -> None:
    path = tmp_path / "case.mlir"
    path.write_bytes(b"builtin.module {\n} // \xaf\n")
    assert "no text in UTF-8: byte 22 is 0xaf" in refused("opt", path)


RESCALED = """\
func.func @main(%x : !pq.tensor<?x4xui8, 0.5>) {
  %y = qnn.rescale %x multiplier 1 shift 0 clip [0, 18446744073709551616] : !pq.tensor<?x4xui8, 0.5> -> \
!pq.tensor<?x4xui8, 0.5>
  func.return
}
"""


@pytest.mark.parametrize("text", ["builtin.module attributes {a = 1 : i18446744073709551616} {\n}\n", RESCALED])
def test_a_number_of_absurd_size(text: str, tmp_path: Path) -> None:
    path = tmp_path / "case.mlir"
    path.write_text(text)
    assert "a number is too large here" in refused("opt", path)


def compiled_text(folder: Path, last: str) -> Path:
    """A small network behind the pass ``last``, as text."""
    path = folder / "case.mlir"
    network = save(small_network(), folder)
    assert pqc("compile", network, "--target", "tiny", "--to", last, "-o", path).code == 0
    return path


def test_calibration_frames_that_are_not_there(tmp_path: Path) -> None:
    path = compiled_text(tmp_path, "import")
    text = path.read_text()
    digest = text.partition('<"calibration", "')[2][:16]
    path.write_text(text.replace(digest, "0" * 16))
    message = refused("compile", path, "-o", tmp_path / "out.bin")
    assert message.startswith("the module attribute 'pqc.calibration': constant 'calibration' (0000000000000000)")


def test_calibration_frames_of_another_shape(tmp_path: Path) -> None:
    path = compiled_text(tmp_path, "import")
    text = path.read_text()
    digest = BlobStore.put(np.zeros((2, 3, 8, 7), np.float32))
    path.write_text(text.replace(text.partition('<"calibration", "')[2][:16], digest))
    message = refused("compile", path, "-o", tmp_path / "out.bin")
    assert message == "the module attribute 'pqc.calibration' has frames [(3, 8, 7)], the inputs take [(3, 8, 8)]"


def test_a_schedule_that_is_none(tmp_path: Path) -> None:
    path = compiled_text(tmp_path, "accelerator")
    path.write_text(path.read_text().replace("columns = 8 : i64", "columns = 0 : i64", 1))
    message = refused("compile", path, "-o", tmp_path / "out.bin")
    assert re.fullmatch(
        r"the module attribute 'pqc.schedule': layers\.\w+\.columns: "
        r"input should be greater than or equal to 1, found 0",
        message,
    )


def test_a_grid_of_one_bit(tmp_path: Path) -> None:
    path = compiled_text(tmp_path, "calibrate-ranges")
    path.write_text(path.read_text().replace("#pq.grid<ui8,", "#pq.grid<ui1,"))
    message = refused("compile", path, "-o", tmp_path / "out.bin")
    assert re.fullmatch(r"a value of tensor<\S+> has a grid of ui1, allowed are 2 bits or more", message)


def test_a_program_given_as_text_whose_codes_nothing_takes(tmp_path: Path) -> None:
    path = compiled_text(tmp_path, "lower-to-pqa")
    lines = path.read_text().splitlines(keepends=True)
    lines.remove(next(line for line in lines if "pqa.lookup" in line))
    path.write_text("".join(lines))
    message = refused("compile", path, "-o", tmp_path / "out.bin")
    assert re.search(r"has \d+ encodes that send codes to the FIFO and \d+ lookups that take them from there", message)


def test_a_program_for_a_target_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "case.bin"
    program = Program.from_bytes(programs()[0], "case")
    target = {key: value for key, value in program.target.items() if key != "name"}
    path.write_bytes(replace(program, target=target).to_bytes())
    assert "case.bin: target: key name is missing" in refused("info", path)


def test_a_program_given_as_text_that_breaks_a_rule_of_the_machine(tmp_path: Path) -> None:
    path = compiled_text(tmp_path, "accelerator")
    # a table of which half is loaded
    path.write_text(
        path.read_text().replace("address = %table <item_bytes = 192,", "address = %table <item_bytes = 96,")
    )
    message = refused("compile", path, "-o", tmp_path / "out.bin")
    assert message.startswith("the program of the IR breaks a rule of the machine: instruction ")


@pytest.mark.parametrize(
    "text",
    [
        "builtin.module attributes {a = " + "[" * 5000 + "]" * 5000 + "} {\n}\n",
        "builtin.module {\n" * 5000 + "}\n" * 5000,
    ],
    ids=["values", "regions"],
)
def test_a_text_that_is_nested_too_deeply(text: str, tmp_path: Path) -> None:
    path = tmp_path / "case.mlir"
    path.write_text(text)
    for words in (("opt", path), ("compile", path, "-o", tmp_path / "out.bin")):
        assert refused(*words).endswith("this is nested too deeply")


def test_an_input_larger_than_any_image(tmp_path: Path) -> None:
    path = save(model([node("Relu")], inputs={"x": ("N", 64, 20000, 20000)}), tmp_path)
    message = refused("compile", path, "-o", tmp_path / "out.bin")
    assert message.endswith(
        "an activation has at most 268435456 elements in a frame, this one is ?x64x20000x20000; "
        "export the network for smaller inputs"
    )


def test_padding_beyond_any_image(tmp_path: Path) -> None:
    proto = model([node("Pad", ["x", "pads"])], {"pads": np.array([0, 0, 2**40, 0, 0, 0, 2**62, 0])})
    message = refused("compile", save(proto, tmp_path), "-o", tmp_path / "out.bin")
    assert f"pad (Pad): pads [0, 0, {2**40}, 0, 0, 0, {2**62}, 0] make ?x4x6x5 larger than any frame may be" in message


def test_a_computer_with_too_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pqc.frontend.importer.load_model", exhausted)
    message = refused("estimate", save(small_network(), tmp_path))
    assert message == "the memory of this computer does not suffice: more is needed than there is"


@pytest.mark.parametrize("option", ["--target", "--pq-config", "--schedule"])
def test_settings_that_python_cannot_hold(option: str, tmp_path: Path) -> None:
    network, settings = save(small_network(), tmp_path), tmp_path / "case.toml"
    for text, message in (("x = " + "[" * 5000, "Nested too deeply"), ("x = " + "9" * 5000, "Invalid number: ")):
        settings.write_text(text)
        assert message in refused("compile", network, option, settings, "-o", tmp_path / "out.bin")


@pytest.mark.parametrize("header", ["{'descr': " + "(" * 300, "{'descr': '<f4\n", "  {\n 1"])
def test_arrays_whose_header_is_no_python(header: str, tmp_path: Path) -> None:
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header.encode() + b"\n"
    network, images = save(small_network(), tmp_path), tmp_path / "images.npz"
    with zipfile.ZipFile(images, "w") as archive:
        archive.writestr("images.npy", content)
    message = refused("compile", network, "--calibrate", images, "-o", tmp_path / "out.bin")
    assert message == f"{images}: array 'images' is damaged, allowed are arrays of numbers"
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "0123456789abcdef.npy").write_bytes(content)
    (tmp_path / "case.mlir").write_text("builtin.module {\n}\n")
    assert "0123456789abcdef.npy: not an array that pqc wrote: " in refused("opt", tmp_path / "case.mlir")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3e38, "constant 'w1' reaches 3e+38, allowed is 1e+15, beyond which sums of squares overflow float32"),
        (1e15, r"node 'conv1': its result on the frames reaches \S+, allowed is 1e\+15, beyond which "),
    ],
)
def test_weights_so_large_that_sums_overflow(value: float, said: str, tmp_path: Path) -> None:
    proto = small_network()
    weight = proto.graph.initializer[0]
    weight.raw_data = np.full(list(weight.dims), value, np.float32).tobytes()
    message = refused("compile", save(proto, tmp_path), "--target", "tiny", "-o", tmp_path / "out.bin")
    assert message == said or re.match(said, message)
