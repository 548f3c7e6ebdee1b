"""What is tried: for each kind of case how it is made and what must hold.

A file that is wrong is refused in one sentence with the exit code of the README, or taken; it never ends in a fault of
pqc, and a refused command leaves nothing behind. A network that is right gives what onnxruntime gives, and below the
quantized level the same bits at every level.
"""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
from fuzz.damage import Random, damaged_text, pick
from fuzz.hostile_models import hostile_model, models
from fuzz.hostile_programs import hostile_program, programs
from support.command_line import Result, pqc, small_network
from support.onnx_models import save

Words: TypeAlias = Sequence[str]

MODEL_COMMANDS: Sequence[Words] = (
    ("compile", "case.onnx", "--to", "import", "-o", "out.mlir"),
    ("compile", "case.onnx", "--to", "import", "-o", "out.mlir"),
    ("compile", "case.onnx", "--to", "import", "-o", "out.mlir"),
    ("estimate", "case.onnx", "--length", "3"),
    ("compile", "case.onnx", "--target", "tiny", "-o", "out.bin"),
)
PROGRAM_COMMANDS: Sequence[Words] = (
    ("run", "case.bin"), ("run", "case.bin"), ("run", "case.bin", "--timing"), ("info", "case.bin"),
    ("disasm", "case.bin"), ("report", "case.bin"),
)  # fmt: skip
TEXT_COMMANDS: Sequence[Words] = (
    ("opt", "case.mlir"), ("opt", "case.mlir"), ("opt", "case.mlir", "--split-input-file"),
    ("compile", "case.mlir", "-o", "out.bin"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One input file, the command that gets it, and the codes that it may exit with."""

    content: bytes
    words: Words
    codes: tuple[int, ...]

    @property
    def file(self) -> str:
        """The name of the input file, the command's first argument."""
        return self.words[1]


class RuleError(Exception):
    """A rule is broken; says which."""


def model_case(random: Random) -> Case:
    """A hostile ONNX file."""
    return Case(hostile_model(random), MODEL_COMMANDS[pick(random, len(MODEL_COMMANDS))], (0, 1))


def program_case(random: Random) -> Case:
    """A hostile program file."""
    return Case(hostile_program(random), PROGRAM_COMMANDS[pick(random, len(PROGRAM_COMMANDS))], (0, 1, 3, 4))


def text_case(random: Random) -> Case:
    """A damaged text of the intermediate representation, of any level."""
    texts = dumps()
    content = damaged_text(texts[pick(random, len(texts))], random)
    return Case(content, TEXT_COMMANDS[pick(random, len(TEXT_COMMANDS))], (0, 1, 4))


def warm_up() -> None:
    """Execute each command on a file that is right, so that the copies of this process need not import anything."""
    importlib.import_module("onnx.reference")
    whole = {"case.onnx": models()[0], "case.bin": programs()[0], "case.mlir": dumps()[0]}
    for words in {*MODEL_COMMANDS, *PROGRAM_COMMANDS, *TEXT_COMMANDS}:
        with TemporaryDirectory() as folder:
            if check_case(Case(whole[words[1]], words, (0,)), Path(folder)) != "taken":
                raise RuleError(f"pqc {' '.join(words)} does not take a file that is right")
    gc.freeze()


@cache
def dumps() -> tuple[bytes, ...]:
    """The texts behind every pass of a small network; reading them once also reads their constants."""
    with TemporaryDirectory() as folder:
        path = save(small_network(), Path(folder))
        made = pqc("compile", path, "--target", "tiny", "--dump-ir", f"{folder}/ir", "-o", f"{folder}/out.bin")
        if made.code != 0:
            raise RuleError(made.talk)
        return tuple(dump.read_bytes() for dump in sorted(Path(folder, "ir").glob("*.mlir")))


def check_case(case: Case, folder: Path) -> str:
    """Execute the command in ``folder``, which is empty, and require what holds of all commands.

    Returns:
        ``taken`` or ``refused``.
    """
    (folder / case.file).write_bytes(case.content)
    places = {case.file, "out.mlir", "out.bin"}
    result = pqc(*(str(folder / word) if word in places else word for word in case.words))
    if result.code not in case.codes:
        raise RuleError(f"exit code {result.code}, allowed are {case.codes}: {result.talk}")
    left = {path.name for path in folder.iterdir()} - {case.file}
    if result.code == 0:
        return "taken"
    if left:
        raise RuleError(f"a refused command leaves {sorted(left)}: {result.talk}")
    _check_message(result)
    return "refused"


def _check_message(result: Result) -> None:
    """One sentence behind ``error:``, or a list of nodes, which is indented."""
    head, _, message = result.talk.rpartition("error: ")
    first, *rest = message.rstrip("\n").splitlines() or [""]
    listed = all(line.startswith(("  ", "supported are ")) for line in rest)
    if not first.strip() or not listed or (head and not head.endswith("\n")):
        raise RuleError(f"not one sentence: {result.talk!r}")
    for trace in ("Traceback", "<class", " object at 0x", "Error:", "Error("):
        if trace in message:
            raise RuleError(f"{trace!r} in a message: {result.talk!r}")


NETWORKS = 10
"""Random networks of one case, besides the simplest one, which is always the first."""


def check_network(seed: int) -> str:
    """Compile random networks, and compare every level with the one above and the first with onnxruntime."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from support.level_rules import compile_and_check
    from support.network import Network
    from support.networks import networks, options

    from pqc.passes.options import PqOptions

    # the first example is always the simplest; shrinking would take minutes
    @seeded(seed)
    @settings(
        max_examples=1 + NETWORKS, database=None, deadline=None, derandomize=False, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(networks(), options())
    def compare(network: Network, chosen: PqOptions) -> None:
        with TemporaryDirectory() as folder:
            compile_and_check(network, Path(folder), ("pqa", "tiny", "pqa-l1")[seed % 3], chosen)

    compare()
    return "equal"


MAKERS: Mapping[str, Callable[[Random], Case]] = {"model": model_case, "program": program_case, "text": text_case}
"""How the cases are made that are a file and a command."""

KINDS = (*MAKERS, "network")
"""What is tried, by name."""


def case_of(kind: str, seed: int, index: int) -> Case:
    """The case ``index`` of a kind, always the same one for a seed."""
    return MAKERS[kind](np.random.default_rng([seed, KINDS.index(kind), index]))
