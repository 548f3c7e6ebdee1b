"""From the text of a program to the program.

A line is empty, a directive (``.name arguments``) or an instruction (``mnemonic field=value ...``). ``;`` and ``#``
start a comment; a number and a colon before an instruction are for the reader. The value of ``.target`` and
``.provenance`` is JSON and may go on over several lines until its brackets are closed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from pqc.errors import ModelError
from pqc.isa.canonical import Json, parse_json
from pqc.isa.fields import EncodingError, Unit
from pqc.isa.instructions import ISA_VERSION, Instruction
from pqc.isa.program import Program
from pqc.isa.records import SelfTest, Tensor, abbreviate
from pqc.isa.text import (
    open_brackets,
    parse_choice,
    parse_instruction,
    parse_number,
    parse_words,
    strip_comment,
    suggest,
)

_NAME = re.compile(r'("(?:[^"\\]|\\.)*")\s*(.*)', re.DOTALL)
_ELEMENT = re.compile(r"([us])i([1-9]|1[0-6])")
_LABEL = re.compile(r"[0-9]+:\s*")

DIRECTIVES: dict[str, str] = {
    ".isa": "`VERSION`: the version of the instruction set; required",
    ".dram": "`BYTES`: the DRAM that one execution uses, constants included; required",
    ".batch": "`FRAMES`: the frames that one execution processes; one where it is left out",
    ".credit": "`source=UNIT destination=UNIT count=NUMBER`: tokens that are there at the start",
    ".input": '`"NAME" element=ui8 shape=[C,H,W] scale=REAL address=BYTE`: an input, without its frames',
    ".output": "an output, in the same way",
    ".selftest": "`seed=NUMBER frames=NUMBER digest=SHA256`: the self-test, if there is one",
    ".target": '`"KEY" JSON`: one key of the target\'s description',
    ".node": '`"NAME"`: the ONNX node of the instructions that follow',
    ".provenance": '`"KEY" JSON`: one key of the provenance',
    ".constants": "`BYTES`: how many bytes of constants the `.data` lines give",
    ".data": "`ADDRESS HEXADECIMAL`: the next bytes of the constants",
}
"""The directives and their arguments."""


def assemble(text: str, origin: str) -> Program:
    """The program that ``text`` spells; ``origin`` names the text in messages.

    Raises:
        ModelError: naming the line, what was found there and what is allowed.
    """
    assembly = _Assembly()
    for number, line in _logical_lines(text, origin):
        try:
            assembly.read(line)
        except EncodingError as error:
            raise ModelError(f"{origin}:{number}: {error}") from None
    try:
        program = assembly.finish()
        program.to_bytes()  # so that a program that cannot be written is refused here, in the text's name
    except EncodingError as error:
        raise ModelError(f"{origin}: {error}") from None
    return program


def _logical_lines(text: str, origin: str) -> Iterator[tuple[int, str]]:
    lines = iter(enumerate(text.split("\n"), start=1))
    for number, raw in lines:
        line = strip_comment(raw)
        if line.startswith((".target ", ".provenance ")):
            parts = [line]
            depth = open_brackets(line)
            while depth > 0:
                _, following = next(lines, (0, None))
                if following is None:
                    raise ModelError(f"{origin}:{number}: the JSON value is not closed before the end of the text")
                parts.append(strip_comment(following))
                depth += open_brackets(parts[-1])
            line = "\n".join(parts)
        if line:
            yield number, line


class _Assembly:
    """What has been read so far."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.objects: dict[str, dict[str, Any]] = {".target": {}, ".provenance": {}}
        self.tensors: dict[str, list[Tensor]] = {".input": [], ".output": []}
        self.credits: list[tuple[Unit, Unit, int]] = []
        self.self_test: SelfTest | None = None
        self.node = ""
        self.nodes: list[str] = []
        self.instructions: list[Instruction] = []
        self.constants = bytearray()
        self.readers: dict[str, Callable[[str, str], None]] = {
            ".isa": self._read_number,
            ".dram": self._read_number,
            ".batch": self._read_number,
            ".credit": self._read_credit,
            ".constants": self._read_number,
            ".target": self._read_key,
            ".provenance": self._read_key,
            ".input": self._read_tensor,
            ".output": self._read_tensor,
            ".selftest": self._read_self_test,
            ".node": self._read_node,
            ".data": self._read_data,
        }

    def read(self, line: str) -> None:
        """Read one line without comment."""
        if not line.startswith("."):
            self._read_instruction(line)
            return
        directive, _, rest = line.partition(" ")
        if directive not in self.readers:
            raise EncodingError(f"no directive {abbreviate(directive)}{suggest(directive, DIRECTIVES)}")
        self.readers[directive](directive, rest.strip())

    def finish(self) -> Program:
        """The program, when all lines are read."""
        for directive in (".isa", ".dram"):
            if directive not in self.numbers:
                raise EncodingError(f"the directive {directive} is missing")
        declared = self.numbers.get(".constants", 0)
        if len(self.constants) != declared:
            raise EncodingError(
                f".constants declares {declared} bytes, the .data lines hold {len(self.constants)} "
                "(was the program disassembled without its constants?)"
            )
        return Program(
            target=self.objects[".target"],
            instructions=tuple(self.instructions),
            nodes=tuple(self.nodes),
            constants=bytes(self.constants),
            dram_bytes=self.numbers[".dram"],
            inputs=tuple(self.tensors[".input"]),
            outputs=tuple(self.tensors[".output"]),
            provenance=self.objects[".provenance"],
            self_test=self.self_test,
            batch=self.numbers.get(".batch", 1),
            credits=tuple(self.credits),
        )

    def _read_instruction(self, line: str) -> None:
        words = _LABEL.sub("", line, count=1)
        if not words:
            raise EncodingError(f"no instruction behind {line!r}")
        self.instructions.append(parse_instruction(words))
        self.nodes.append(self.node)

    def _read_number(self, directive: str, rest: str) -> None:
        if directive in self.numbers:
            raise EncodingError(f"{directive} stands twice")
        value = parse_number(directive, rest)
        if value < 0:
            raise EncodingError(f"{directive} = {value} is negative")
        if directive == ".isa" and value != ISA_VERSION:
            raise EncodingError(f".isa = {value}, this pqc has version {ISA_VERSION}: disassemble with this version")
        self.numbers[directive] = value

    def _read_credit(self, directive: str, rest: str) -> None:
        texts = parse_words(directive, rest.split(), ["source", "destination", "count"])
        source, destination = (
            Unit(parse_choice(f"{directive}.{name}", texts[name], Unit)) for name in ("source", "destination")
        )
        self.credits.append((source, destination, parse_number(f"{directive}.count", texts["count"])))

    def _read_key(self, directive: str, rest: str) -> None:
        name, value = _split_name(directive, rest)
        if name in self.objects[directive]:
            raise EncodingError(f"{directive} {json.dumps(name)} stands twice")
        self.objects[directive][name] = parse_json(value)

    def _read_tensor(self, directive: str, rest: str) -> None:
        name, words = _split_name(directive, rest)
        texts = parse_words(directive, words.split(), ["element", "shape", "scale", "address"])
        element = _ELEMENT.fullmatch(texts["element"])
        if element is None:
            raise EncodingError(f"{directive}.element = {texts['element']!r}, allowed are ui1 to ui16 and si1 to si16")
        fields: dict[str, Json] = {
            "name": name,
            "shape": parse_json(texts["shape"]),
            "bits": int(element[2]),
            "signed": element[1] == "s",
            "scale": _parse_real(f"{directive}.scale", texts["scale"]),
            "address": parse_number(f"{directive}.address", texts["address"]),
        }
        tensor = Tensor.from_json(fields, directive)
        tensor.check(directive)
        self.tensors[directive].append(tensor)

    def _read_self_test(self, directive: str, rest: str) -> None:
        if self.self_test is not None:
            raise EncodingError(f"{directive} stands twice")
        texts = parse_words(directive, rest.split(), ["seed", "frames", "digest"])
        seed, frames = (parse_number(f"{directive}.{name}", texts[name]) for name in ("seed", "frames"))
        self.self_test = SelfTest(seed, frames, texts["digest"])
        self.self_test.check(directive)

    def _read_node(self, directive: str, rest: str) -> None:
        self.node, behind = _split_name(directive, rest)
        if behind:
            raise EncodingError(f"{directive} takes one name in quotes, {abbreviate(behind)} follows it")

    def _read_data(self, directive: str, rest: str) -> None:
        address, _, digits = rest.partition(" ")
        if parse_number(f"{directive} address", address) != len(self.constants):
            raise EncodingError(f"{directive} address = {address}, expected is {len(self.constants):#x}")
        try:
            self.constants += bytes.fromhex(digits)
        except ValueError:
            raise EncodingError(f"{directive} {abbreviate(digits)} is not pairs of hexadecimal digits") from None


def _split_name(directive: str, rest: str) -> tuple[str, str]:
    match = _NAME.fullmatch(rest)
    name = None if match is None else parse_json(match[1])
    if match is None or not isinstance(name, str):
        raise EncodingError(f"{directive} wants a name in quotes, found {abbreviate(rest)}")
    return name, match[2]


def _parse_real(where: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise EncodingError(f"{where} = {abbreviate(text)} is not a number")
    return value
