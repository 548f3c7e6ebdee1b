"""Files that are no model are refused in one sentence that names them."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.helper
import pytest
from support.onnx_models import model, node, save

from pqc.errors import ModelError
from pqc.frontend import import_model


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        import_model(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.onnx").endswith("no such file")


def test_directory(tmp_path: Path) -> None:
    assert "a directory" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"This is a text file.\n" * 9, b"{}", b"\x00\x01", b"\x08\x08"])
def test_file_that_is_no_model(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(content)
    assert "not an ONNX model" in refusal(path)


def test_model_cut_short_anywhere(tmp_path: Path) -> None:
    path = save(model([node("Relu")]), tmp_path)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert "not an ONNX model" in refusal(path)


@pytest.mark.parametrize("opset", [9, 10, 1000])
def test_operator_set_out_of_range(opset: int, tmp_path: Path) -> None:
    message = refusal(save(model([node("Relu")], opset=opset), tmp_path))
    assert f"the model uses opset {opset}: allowed is 11 to " in message


@pytest.mark.parametrize("version", [-1, 1000, 1 << 62])
def test_format_of_an_unknown_version(version: int, tmp_path: Path) -> None:
    proto = model([node("Relu")])
    proto.ir_version = version
    message = refusal(save(proto, tmp_path))
    assert f"the model has version {version} of the ONNX format: allowed is up to {onnx.IR_VERSION}; " in message


@pytest.mark.parametrize("side", ["input", "output", "initializer"])
def test_two_of_one_name(side: str, tmp_path: Path) -> None:
    proto = model([node("Relu")])
    if side == "initializer":
        proto.graph.initializer.append(onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.0]))
    entries = getattr(proto.graph, side)
    entries.append(entries[0])
    name = entries[0].name
    assert f"2 {side}s are named '{name}'; each needs a name of its own" in refusal(save(proto, tmp_path))


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(model([node("Relu")]), tmp_path)

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert refusal(path).endswith("cannot be read: Permission denied")


def test_functions_that_cannot_be_inlined(tmp_path: Path) -> None:
    proto = model([node("F", domain="local")])
    body = [node("F", ["a"], ["b"], domain="local", name="again")]
    opsets = [onnx.helper.make_opsetid(domain, version) for domain, version in (("", 13), ("local", 1))]
    proto.functions.append(onnx.helper.make_function("local", "F", ["a"], ["b"], body, opsets))
    proto.opset_import.append(opsets[1])
    assert "the functions it defines cannot be inlined" in refusal(save(proto, tmp_path))
