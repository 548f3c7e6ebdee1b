"""Files of stages: what is written is read again, and whatever is wrong with one is refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.example_program import example_program

from pqc.errors import ModelError, ProgramError
from pqc.isa.canonical import canonical_json
from pqc.isa.fields import EncodingError
from pqc.isa.program import Program, load_program
from pqc.isa.sections import STAGES_MAGIC, file_bytes, joined, read_sections, read_table
from pqc.isa.stages import (
    FORMAT_VERSION,
    HEADER_LAYOUT,
    STAGES,
    Kind,
    Stage,
    StagedProgram,
    StageInput,
    StageNode,
    load_stages,
)

CONV = StageNode("conv", "Conv")
SOFTMAX = StageNode("prob", "Softmax", "the operator is not supported")


def example() -> StagedProgram:
    """A program, and a graph behind it, whose content nobody looks at here."""
    return StagedProgram(
        inputs=(StageInput("images", (3, 2, 2)),),
        outputs=("p",),
        frames=1,
        provenance={"pqc": "0"},
        stages=(
            Stage((CONV,), ("images",), ("classes",), example_program()),
            Stage((SOFTMAX,), ("classes",), ("p",), b"a graph"),
        ),
    )


DATA = example().to_bytes()


def sections() -> dict[str, bytes]:
    count, length = HEADER_LAYOUT.unpack_from(DATA)[3:]
    entries = read_table(DATA, HEADER_LAYOUT.size, count, length, "p.bin")
    return read_sections(DATA, HEADER_LAYOUT.size, entries, "p.bin")


def forged(bodies: dict[str, bytes]) -> bytes:
    """A file with these sections, whose checksums say that nothing is wrong."""
    length = file_bytes(bodies.values(), HEADER_LAYOUT.size)
    return joined(HEADER_LAYOUT.pack(STAGES_MAGIC, FORMAT_VERSION, 0, len(bodies), length), bodies)


def with_list(**changes: Any) -> bytes:
    """The example with other fields in the list of its stages."""
    listed = json.loads(sections()[STAGES]) | changes
    return forged(sections() | {STAGES: canonical_json(listed)})


def with_stage(place: int, **changes: Any) -> bytes:
    """The example with other fields of one of its stages."""
    listed = json.loads(sections()[STAGES])["stages"]
    listed[place] |= changes
    return with_list(stages=listed)


def refusal(data: bytes) -> str:
    with pytest.raises(ProgramError) as caught:
        StagedProgram.from_bytes(data, "p.bin")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_reading_inverts_writing() -> None:
    again = StagedProgram.from_bytes(DATA, "p.bin")
    assert again == example()
    assert again.to_bytes() == DATA
    assert again.names == ("0-accelerator", "1-host")
    assert again.host_nodes == (SOFTMAX,)
    assert list(again.programs) == ["0-accelerator"]
    assert [stage.kind for stage in again.stages] == [Kind.ACCELERATOR, Kind.HOST]


def test_one_program_is_an_ordinary_file() -> None:
    program = example_program()
    staged = StagedProgram.of_program(program)
    assert staged.to_bytes() == program.to_bytes()
    again = StagedProgram.from_bytes(program.to_bytes(), "p.bin")
    assert again.is_program
    assert again == staged


def test_whoever_wants_a_program_is_told_how_to_take_the_stages_apart(tmp_path: Path) -> None:
    path = tmp_path / "p.bin"
    path.write_bytes(DATA)
    with pytest.raises(ProgramError, match=r"a program of several stages, .*: take it apart with `pqc stages .*p.bin"):
        load_program(path)
    assert load_stages(path) == example()
    with pytest.raises(ModelError, match=r"none.bin: no such file"):
        load_stages(tmp_path / "none.bin")


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(place: int, change: int) -> None:
    damaged = bytearray(DATA)
    damaged[place] ^= change
    assert refusal(bytes(damaged))


@given(st.integers(0, len(DATA) - 1))
def test_no_missing_end_goes_unnoticed(length: int) -> None:
    assert refusal(DATA[:length])


def test_what_follows_is_noticed() -> None:
    assert "something follows its last section" in refusal(DATA + b"\0")


def test_another_version() -> None:
    changed = bytearray(DATA)
    changed[8] += 1
    assert "written for version 2 of the file of stages, this pqc has version 1" in refusal(bytes(changed))
    changed[8] -= 1
    changed[10] = 1
    assert "reserved = 1 in its header, expected is 0" in refusal(bytes(changed))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (with_list(frames=0), "section 'stages': frames = 0, allowed are 1 to 1024"),
        (with_list(frames="1"), "the list.frames = '1' is not a whole number"),
        (with_list(surplus=1), "the list has an unknown field 'surplus'"),
        (with_list(outputs=["q"]), "outputs: 'q' is read, and nothing before gives it"),
        (with_list(outputs=[1]), "outputs[0] = 1 is no text that can be printed in a line"),
        (with_list(stages=[]), "lists 0 stages, the file has 2"),
        (with_list(provenance=[]), "the list.provenance = [] is not a record"),
        (with_list(inputs=[{"name": "images", "shape": [0]}]), "a dimension of 'images' = 0"),
        (with_list(inputs=[{"name": "images", "shape": [1.5]}]), "inputs[0].shape = [1.5] is not a list of whole"),
        (with_list(inputs=[{"name": "a\nb", "shape": [1]}]), "is no text that can be printed in a line"),
        (with_stage(0, kind="moon"), "stage 0-accelerator.kind = 'moon', allowed are accelerator, host"),
        (with_stage(0, kind="host"), "lists 0-host, 1-host, which are not the sections behind it"),
        (with_stage(1, kind="accelerator"), "stage 1-host: not a pqc program: it starts with"),
        (with_stage(0, inputs=["x"]), "stage 0-accelerator: its program reads ('images',), the list says ('x',)"),
        (with_stage(0, outputs=["y"]), "stage 0-accelerator: its program gives ('classes',), the list says ('y',)"),
        (with_stage(1, inputs=[]), "stage 1-host reads nothing"),
        (with_stage(1, inputs=["late"]), "stage 1-host: 'late' is read, and nothing before gives it"),
        (with_stage(1, outputs=["images", "p"]), "stage 1-host: 'images' is given twice"),
        (with_stage(1, nodes=[{"name": "a", "operator": "b"}]), "nodes[0] lacks the field 'reason'"),
        (with_stage(1, nodes=[{"name": "a\nb", "operator": "b", "reason": ""}]), "is no text that can be printed"),
        (forged({name: body for name, body in sections().items() if name != STAGES}), "expected is 'stages' in front"),
        (forged(sections() | {STAGES: b"[" * 10**5}), "nested deeper than 32 levels"),
        (forged(sections() | {"1-host": b""} | {"2-host": b""}), "lists 2 stages, the file has 3"),
        (forged({STAGES: canonical_json(json.loads(sections()[STAGES]) | {"stages": []})}), "stages: their number = 0"),
    ],
)
def test_what_contradicts_itself_is_refused(data: bytes, said: str) -> None:
    assert said in refusal(data)


def test_a_program_alone_may_not_be_listed() -> None:
    listed = json.loads(sections()[STAGES])
    listed |= {"stages": listed["stages"][:1], "outputs": ["classes"]}
    body = sections()["0-accelerator"]
    message = refusal(forged({STAGES: canonical_json(listed), "0-accelerator": body}))
    assert "lists one stage, on the accelerator: such a program is a file of its own" in message


def test_stages_that_contradict_each_other_are_not_written() -> None:
    with pytest.raises(EncodingError, match="outputs: 'q' is read"):
        replace(example(), outputs=("q",)).to_bytes()


def test_a_header_that_lies_about_its_sections() -> None:
    head = HEADER_LAYOUT.pack(STAGES_MAGIC, FORMAT_VERSION, 0, (1 << 32) - 1, 1 << 60)
    assert "inside its table of 4294967295 sections" in refusal(head + DATA[HEADER_LAYOUT.size :])


def test_a_program_is_not_a_stage_of_stages() -> None:
    assert isinstance(example().stages[0].content, Program)
    assert "a program of several stages" in refusal(forged(sections() | {"0-accelerator": DATA}))
