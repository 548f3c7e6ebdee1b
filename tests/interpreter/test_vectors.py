"""Test vectors: a bench that only reads the files arrives at the machine's outputs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from support.command_line import classifier, pqc

from pqc.errors import ModelError
from pqc.interpreter.machine import Machine
from pqc.interpreter.selftest import self_test_inputs
from pqc.interpreter.vectors import FILES, MANIFEST, export_vectors, word_line
from pqc.isa.fields import Memory
from pqc.isa.program import Program, save_program

Image = dict[int, int]


def read_image(path: Path) -> Image:
    """What `$readmemh` would read."""
    image: Image = {}
    address = 0
    for line in path.read_text().splitlines():
        if line.startswith("@"):
            address = int(line[1:], 16)
        else:
            image[address] = int(line, 16)
            address += 1
    return image


@pytest.fixture(scope="module")
def program() -> Program:
    return classifier()


@pytest.fixture(scope="module")
def folder(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors") / "new"
    export_vectors(program, self_test_inputs(program.inputs, 1, 2), folder)
    return folder


def test_the_manifest_names_every_file(program: Program, folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    assert set(manifest["files"]) == set(FILES) == {path.name for path in folder.iterdir()} - {MANIFEST}
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert len(manifest["instructions"]) == len(program.instructions)
    assert manifest["memories"]["dram"] == {"code": int(Memory.DRAM), "bytes": program.dram_bytes}


def test_instructions_are_the_words_of_the_program(program: Program, folder: Path) -> None:
    lines = (folder / "instructions.hex").read_text().splitlines()
    assert lines == [word_line(instruction.encode()) for instruction in program.instructions]
    assert int(lines[0], 16) == int.from_bytes(program.instructions[0].encode(), "little")


def test_replayed_writes_lead_from_the_first_image_to_the_last(program: Program, folder: Path) -> None:
    images: dict[Memory, Image] = {memory: {} for memory in Memory}
    images[Memory.DRAM] = read_image(folder / "dram.hex")
    last = -1
    for line in (folder / "writes.txt").read_text().splitlines():
        index, memory, address, count, data = line.split()
        written = bytes.fromhex(data)
        assert len(written) == int(count)
        assert int(index) >= last
        last = int(index)
        first = int(address, 16)
        images[Memory(int(memory))].update(enumerate(written, first))
    for memory in Memory:
        assert images[memory] == read_image(folder / f"{memory.name.lower()}.after.hex")
    machine = Machine(program).run(self_test_inputs(program.inputs, 1, 1))
    for tensor in program.outputs:
        stored = bytes(images[Memory.DRAM][tensor.address + offset] for offset in range(tensor.bytes))
        found = np.frombuffer(stored, tensor.element.storage).reshape(1, *tensor.shape)
        assert np.array_equal(found, machine[tensor.name])


def test_codes_are_those_that_lookups_take(program: Program, folder: Path) -> None:
    lines = [line.split() for line in (folder / "codes.txt").read_text().splitlines()]
    encodes = [i for i, one in enumerate(program.instructions) if one.mnemonic == "encode"]
    assert [int(line[0]) for line in lines] == encodes
    for _, subspaces, columns, size, data in lines:
        assert len(bytes.fromhex(data)) == int(subspaces) * int(columns) * int(size)


def test_the_command_writes_them(program: Program, tmp_path: Path) -> None:
    save_program(program, tmp_path / "p.bin")
    result = pqc("run", tmp_path / "p.bin", "--export-vectors", tmp_path / "v")
    assert result.code == 0, result.talk
    assert f"{tmp_path / 'v'}: test vectors of {len(program.instructions)} instructions" in result.text
    assert (tmp_path / "v" / MANIFEST).is_file()


def test_a_file_in_the_way_is_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "v").write_text("mine")
    with pytest.raises(ModelError, match="cannot be made"):
        export_vectors(program, self_test_inputs(program.inputs, 1, 1), tmp_path / "v")
    assert (tmp_path / "v").read_text() == "mine"
