"""`pqc debug`: step through a program, and look at its memories."""

from __future__ import annotations

import cmd
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pqc.cli.options import FilePath, program_argument
from pqc.cli.output import show
from pqc.errors import ModelError, PqcError

if TYPE_CHECKING:
    from pqc.interpreter.debugger import Breakpoint, Debugger
    from pqc.isa.program import Program
    from pqc.numerics.arrays import IntArray

END_OF_INPUT = "EOF"
"""What the shell takes the end of its input for."""

IN_A_LINE = 16
"""Integers in a line."""

AROUND = 3
"""Instructions that `list` shows on either side."""


@click.command("debug")
@program_argument
@click.option("--input", "input_path", metavar="FILE", type=FilePath(), help="An .npz file or a folder of images.")
@click.option("--script", metavar="FILE", type=FilePath(), help="Take the commands from a file, one a line.")
def command(program_path: Path, input_path: Path | None, script: Path | None) -> None:
    """Step through a program, and look at its memories.

    The machine executes the first frames of the input, or those of the self-test, in program order. Commands are read
    from the terminal or from a file; `help` lists them. In a file a `#` begins a comment, and the first command that
    cannot be executed ends the session with exit code 1.
    """
    from pqc.interpreter.debugger import Debugger
    from pqc.isa.program import load_program
    from pqc.text_file import read_text

    program = load_program(program_path)
    shell = _Shell(Debugger(program, _inputs(program, program_path, input_path)))
    if script is None:
        shell.cmdloop()
        return
    for number, line in enumerate(read_text(script, "a script").splitlines(), 1):
        shell.script = f"{script}:{number}"
        if shell.onecmd(line):
            return


def _inputs(program: Program, origin: Path, path: Path | None) -> dict[str, IntArray]:
    """The raw integers of the first frames."""
    from pqc.cli.inputs import quantized_inputs
    from pqc.data import load_dataset
    from pqc.frontend.preprocessing import recorded_preprocessing
    from pqc.interpreter.selftest import self_test_inputs

    if path is None:
        if program.self_test is None:
            raise ModelError(f"{origin}: the program has no self-test, so it needs --input")
        return self_test_inputs(program.inputs, program.self_test.seed, program.batch)
    data = load_dataset(path, {tensor.name: tensor.shape for tensor in program.inputs}, program.batch)
    return quantized_inputs(program, data.prepare(recorded_preprocessing(program.provenance, str(origin))))


class _Shell(cmd.Cmd):
    """The commands; each method's text is its help."""

    prompt = "(pqc) "

    def __init__(self, debugger: Debugger) -> None:
        super().__init__()
        self.debugger = debugger
        self.script = ""
        self.intro = f"{len(debugger.program.instructions)} instructions; help lists the commands"

    def onecmd(self, line: str) -> bool:
        """Execute a line; a refusal is told, or in a script raised."""
        if line == END_OF_INPUT:
            return True
        try:
            return bool(super().onecmd(line.partition("#")[0].strip()))
        except PqcError as error:
            if self.script:
                raise ModelError(f"{self.script}: {error}") from None
            show(str(error))
            return False

    def emptyline(self) -> bool:
        """An empty line does nothing."""
        return False

    def default(self, line: str) -> None:
        """Refuse what is no command."""
        raise ModelError(f"there is no command {line.split(maxsplit=1)[0]!r}; help lists them")

    def do_step(self, rest: str) -> None:
        """Step [N]: execute the next instruction, or N of them."""
        for _ in range(_number(rest or "1", "N")):
            self._tell(self.debugger.step())
        self._where()

    def do_next(self, rest: str) -> None:
        """next: execute the rest of the layer."""
        _none(rest, "next")
        self._tell(self.debugger.next_layer())
        self._where()

    def do_continue(self, rest: str) -> None:
        """continue: execute up to a breakpoint, or to the end."""
        _none(rest, "continue")
        self._tell(self.debugger.proceed())
        self._where()

    def do_restart(self, rest: str) -> None:
        """restart: begin again; breakpoints stay."""
        _none(rest, "restart")
        self.debugger.restart()
        self._where()

    def do_break(self, rest: str) -> None:
        """Break node NAME | break instruction N | break address MEMORY START [SIZE]: stop in front of that."""
        from pqc.interpreter.debugger import Breakpoint

        words = _words(rest)
        program = self.debugger.program
        match words:
            case []:
                for point in self.debugger.breakpoints:
                    show(str(point))
                return
            case ["node", name]:
                if name not in program.nodes:
                    raise ModelError(f"no instruction is of node {name!r}; `nodes` lists them")
                self._add(Breakpoint(node=name))
            case ["instruction", number]:
                index = _number(number, "N")
                if index >= len(program.instructions):
                    raise ModelError(f"instruction {index}: there are {len(program.instructions)}")
                self._add(Breakpoint(instruction=index))
            case ["address", memory, start, *size] if len(size) <= 1:
                count = _number(size[0], "SIZE") if size else 1
                self._add(Breakpoint(touching=self.debugger.stretch(memory, _number(start, "START"), count)))
            case _:
                raise ModelError("break node NAME, break instruction N, or break address MEMORY START [SIZE]")

    def do_watch(self, rest: str) -> None:
        """Watch MEMORY START SIZE: say which instruction changes these bytes."""
        match _words(rest):
            case [memory, start, size]:
                stretch = self.debugger.stretch(memory, _number(start, "START"), _number(size, "SIZE"))
                self.debugger.watched.append(stretch)
                show(f"watching {stretch}")
            case _:
                raise ModelError("watch MEMORY START SIZE")

    def do_print(self, rest: str) -> None:
        """Print MEMORY START COUNT [u8|s8|u16|s16|u32|s32]: show integers of a memory."""
        match _words(rest):
            case [memory, start, count, *kind] if len(kind) <= 1:
                name = kind[0] if kind else "u8"
                if name not in ("u8", "s8", "u16", "s16", "u32", "s32"):
                    raise ModelError(f"integers {name!r}: allowed are u8, s8, u16, s16, u32 and s32")
                signed, width = name[0] == "s", int(name[1:]) // 8
                first = _number(start, "START")
                values = self.debugger.integers(memory, first, _number(count, "COUNT"), width, signed=signed)
                _show_integers(first, values.tolist(), width)
            case _:
                raise ModelError("print MEMORY START COUNT [u8|s8|u16|s16|u32|s32]")

    def do_codes(self, rest: str) -> None:
        """codes: show the codes in the FIFO, a line for each subspace."""
        _none(rest, "codes")
        waiting = self.debugger.codes
        show(f"{len(waiting)} in the FIFO")
        for codes in waiting:
            show("\n".join(" ".join(map(str, line)) for line in codes.tolist()))

    def do_list(self, rest: str) -> None:
        """list: show the instructions around the next one."""
        from pqc.isa.text import format_instruction

        _none(rest, "list")
        index = self.debugger.next
        middle = len(self.debugger.program.instructions) if index is None else index
        for number, instruction in enumerate(self.debugger.program.instructions):
            if abs(number - middle) <= AROUND:
                show(f"{'>' if number == index else ' '} {number}: {format_instruction(instruction)}")

    def do_nodes(self, rest: str) -> None:
        """nodes: list the nodes and their first instructions."""
        _none(rest, "nodes")
        first: dict[str, int] = {}
        for number, node in enumerate(self.debugger.program.nodes):
            first.setdefault(node, number)
        for node, number in first.items():
            show(f"{number}: {node}")

    def do_where(self, rest: str) -> None:
        """where: show the next instruction."""
        _none(rest, "where")
        self._where()

    def do_quit(self, rest: str) -> bool:
        """quit: end the session."""
        _none(rest, "quit")
        return True

    def _add(self, point: Breakpoint) -> None:
        self.debugger.breakpoints.append(point)
        show(f"breakpoint at {point}")

    def _where(self) -> None:
        index = self.debugger.next
        if index is None:
            show("at the end")
            return
        point = self.debugger.stopped_at()
        show(f"{'' if point is None else f'breakpoint at {point}: '}{self.debugger.describe(index)} is next")

    def _tell(self, changes: Sequence[str]) -> None:
        for change in changes:
            show(change)


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise ModelError(f"{rest}: {str(error).lower()}") from None


def _none(rest: str, name: str) -> None:
    if rest:
        raise ModelError(f"{name} takes nothing, found {rest!r}")


def _number(text: str, what: str) -> int:
    """A number that is not negative, decimal or as 0x1f."""
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if number < 0:
        raise ModelError(f"{what} = {text!r}: a number from 0 on is wanted, as 31 or 0x1f")
    return number


def _show_integers(first: int, values: Sequence[int], width: int) -> None:
    for start in range(0, len(values), IN_A_LINE):
        line = " ".join(map(str, values[start : start + IN_A_LINE]))
        show(f"{first + start * width}: {line}")
