"""Stepping through a program: what is seen in between is what the reference computes."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc
from support.levels import INTEGER, Levels, compile_network
from support.network import residual_network
from xdsl.ir import Operation

from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.errors import ModelError
from pqc.interpreter.debugger import Breakpoint, Debugger
from pqc.interpreter.machine import Machine
from pqc.interpreter.reference import run_block
from pqc.isa.fields import Memory
from pqc.isa.instructions import Encode, Lookup
from pqc.isa.program import save_program
from pqc.numerics.arrays import AnyArray
from pqc.passes.attributes import main_of
from pqc.passes.options import PqOptions


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Levels:
    return compile_network(
        residual_network(), tmp_path_factory.mktemp("debug"), options=PqOptions(prototypes=4, tune=0)
    )


@pytest.fixture
def debugger(levels: Levels) -> Debugger:
    return Debugger(levels.program, levels.integers)


def reference(levels: Levels) -> dict[type[Operation], AnyArray]:
    """What the encode and the lookup of the quantized network give for the first frame."""
    found: dict[type[Operation], AnyArray] = {}
    module = levels.modules(INTEGER)[0]
    inputs = [array[:1] for array in levels.integers.values()]
    run_block(main_of(module).body.block, inputs, lambda op, results: found.update({type(op): results[0]}))
    return found


def test_codes_and_accumulators_are_those_of_the_reference(levels: Levels, debugger: Debugger) -> None:
    wanted = reference(levels)
    codes, sums = wanted[EncodeOp][0].reshape(2 * 6, -1), wanted[LookupOp][0].reshape(4, -1)
    debugger.breakpoints.append(Breakpoint(node="conv2"))
    debugger.proceed()
    seen_codes: list[AnyArray] = []
    seen_sums: list[AnyArray] = []
    while debugger.node == "conv2":
        index = debugger.next
        assert index is not None
        instruction = levels.program.instructions[index]
        debugger.step()
        if isinstance(instruction, Encode):
            seen_codes.append(debugger.codes[-1])
        if isinstance(instruction, Lookup):
            count = instruction.outputs * instruction.output_rows * instruction.output_columns
            shown = debugger.integers("accumulator", instruction.accumulator, count, 2, signed=True)
            seen_sums.append(shown.reshape(instruction.outputs, -1))
    assert np.array_equal(np.concatenate(seen_codes, axis=1), codes.reshape(len(seen_codes[0]), -1))
    assert np.array_equal(np.concatenate(seen_sums, axis=1), sums)


def test_at_the_end_the_outputs_are_there_and_it_can_begin_again(levels: Levels, debugger: Debugger) -> None:
    for _ in range(2):
        while debugger.next is not None:
            debugger.proceed()
        expected = Machine(levels.program).run({name: array[:1] for name, array in levels.integers.items()})
        for tensor in levels.program.outputs:
            found = debugger.read(debugger.stretch("dram", tensor.address, tensor.bytes))
            assert found.tobytes() == expected[tensor.name].tobytes()
        assert debugger.step() == []
        debugger.restart()
        assert debugger.done == 0


def test_breakpoints_stop_in_front(levels: Levels, debugger: Debugger) -> None:
    output = levels.program.outputs[0]
    debugger.breakpoints = [Breakpoint(instruction=3), Breakpoint(touching=debugger.stretch("dram", output.address, 1))]
    debugger.proceed()
    assert debugger.next == 3
    debugger.proceed()
    index = debugger.next
    assert index is not None
    assert levels.program.instructions[index].mnemonic == "store"
    assert str(debugger.stopped_at()) == f"dram [{output.address}, {output.address + 1})"


def test_next_executes_the_rest_of_a_layer(levels: Levels, debugger: Debugger) -> None:
    seen: list[str | None] = []
    while debugger.next is not None:
        seen.append(debugger.node)
        debugger.next_layer()
    assert seen == [node for node, _ in groupby(levels.program.nodes)]


def test_watched_bytes_are_told(levels: Levels, debugger: Debugger) -> None:
    output = levels.program.outputs[0]
    debugger.watched.append(debugger.stretch("dram", output.address, output.bytes))
    said: list[str] = []
    while debugger.next is not None:
        said += debugger.step()
    assert len(said) == 1
    assert re.fullmatch(r'instruction \d+ \(store, node "gemm7"\) changes \d+ bytes of dram \[.*\)', said[0])


def test_constants_and_the_rest_of_dram_are_one_memory(levels: Levels, debugger: Debugger) -> None:
    border = len(levels.program.constants)
    found = debugger.read(debugger.stretch("dram", border - 4, 8))
    assert found[:4].tobytes() == levels.program.constants[-4:]
    assert len(found) == 8


def test_refuses_what_there_is_not(debugger: Debugger) -> None:
    with pytest.raises(ModelError, match="there is no memory 'cache'; there are activation"):
        debugger.stretch("cache", 0, 1)
    with pytest.raises(ModelError, match=r"bytes \[0, 9999999\) of table: the program uses"):
        debugger.stretch("table", 0, 9999999)
    with pytest.raises(ModelError, match="integers of 3 bytes cannot be shown"):
        debugger.integers("table", 0, 1, 3, signed=True)
    assert Memory.TABLE.name.lower() == debugger.stretch("TABLE", 0, 1).memory.name.lower()


SCRIPT = """\
# a session
nodes
break node conv2
break instruction 1
break address dram 0 4
break
continue
list
step 2
where
codes
watch activation 0 16
print activation 0 4 u8
next
restart
"""


@pytest.fixture
def program(levels: Levels, tmp_path: Path) -> Path:
    save_program(levels.program, tmp_path / "p.bin")
    return tmp_path / "p.bin"


def test_a_script_is_a_session(program: Path, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text(SCRIPT)
    result = pqc("debug", program, "--script", tmp_path / "s.txt")
    assert result.code == 0, result.talk
    lines = result.text.splitlines()
    assert "breakpoint at node 'conv2'" in lines
    assert any(line.startswith("breakpoint at instruction 1: instruction 1 (") for line in lines)
    assert any(line.startswith("> 1: ") for line in lines)
    assert re.search(r"^\d+ in the FIFO$", result.text, re.MULTILINE)
    assert re.search(r"^0: \d+ \d+ \d+ \d+$", result.text, re.MULTILINE)
    assert lines[-1].endswith("is next")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("jump", "there is no command 'jump'"),
        ("step x", "N = 'x': a number from 0 on is wanted"),
        ("break node conv9", "no instruction is of node 'conv9'"),
        ("break instruction 9999", "instruction 9999: there are"),
        ("break here", "break node NAME, break instruction N"),
        ("print activation", "print MEMORY START COUNT"),
        ("print activation 0 1 f32", "integers 'f32': allowed are u8"),
        ("watch activation", "watch MEMORY START SIZE"),
        ("next 2", "next takes nothing, found '2'"),
        ("break node 'conv", "no closing quotation"),
    ],
)
def test_a_script_ends_at_what_cannot_be_executed(program: Path, tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "s.txt").write_text(f"where\n{line}\n")
    result = pqc("debug", program, "--script", tmp_path / "s.txt")
    assert result.code == 1
    assert f"{tmp_path / 's.txt'}:2: " in result.talk
    assert sentence in result.talk
