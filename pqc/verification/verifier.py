"""Checks a compilation pass by pass: what the network computes behind each is what it computed before, or near enough.

The first pass behind which that is not so is named, with the node, the element, both numbers, and where the pass
applies patterns, the rewrite that did it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from pqc.dialects.pqa_memory import RegionOp
from pqc.errors import ComparisonError, InternalError, ProgramError
from pqc.interpreter.reference import main_function
from pqc.isa.program import Program
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import program_of, target_of
from pqc.passes.emit import emit
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.insert_tokens import InsertTokensPass
from pqc.passes.pipeline import Step
from pqc.passes.text import save_module
from pqc.verification.execution import Execution, executed, executed_program
from pqc.verification.findings import Finding, Violation
from pqc.verification.fitting_rule import error_as_recorded
from pqc.verification.float_rule import as_the_runtime_says
from pqc.verification.isolation import isolated
from pqc.verification.machine_rule import machine_findings, rules_finding, steps_finding
from pqc.verification.request import Mode
from pqc.verification.rewrite_search import guilty_rewrite
from pqc.verification.rounding_rule import rounded_results
from pqc.verification.rules import same_bits, same_by_itself, same_numbers

BEFORE, AFTER = "before.mlir", "after.mlir"
"""The IR before and behind the pass that is named."""


@dataclass(frozen=True)
class Record:
    """What one check found."""

    check: str
    """The pass, or what else was checked."""
    finding: Finding
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = self.finding
        return {
            "check": self.check,
            "rule": found.rule,
            "compared": found.compared,
            "worst": found.worst,
            "worst_node": found.worst_node,
            "seconds": round(self.seconds, 3),
            "failure": None if found.failure is None else found.failure.as_json(),
        }


Listener = Callable[[Record], None]


@dataclass(frozen=True)
class Learned:
    """Calibration frames of each input, and whether these are all that there are."""

    frames: Sequence[FloatArray]
    are_all: bool


class Verifier:
    """Told of every pass, it executes the network on a few frames and compares.

    Args:
        model: the ONNX file for onnxruntime, None where there is none.
        given: real frames [n, *shape] of each input, as the network takes them.
        learned: what layers are fitted on: whether they are fitted as well as fitting says shows on these frames.
        folder: where the IR before and behind a pass is written if they differ; None makes one.
        listener: hears every record at once.
        mode: on what the nodes behind a pass work.
    """

    def __init__(
        self,
        model: Path | None,
        given: Sequence[FloatArray],
        learned: Learned,
        folder: Path | None,
        listener: Listener,
        mode: Mode = Mode.ACCUMULATED,
    ) -> None:
        self._model, self._given, self._learned = model, given, learned
        self._folder, self._listener, self._mode = folder, listener, mode
        self._before: Execution | None = None
        self._network: Execution | None = None

    def imported(self, module: ModuleOp) -> None:
        """The IR before the first pass: its outputs are those of onnxruntime.

        Raises:
            ComparisonError: they are not.
        """
        before = executed(module.clone(), self._given)
        self._before = self._network = before
        if self._model is not None:
            model = self._model
            self._check("import", lambda: [as_the_runtime_says(model, before)])

    def after(self, step: Step, module: ModuleOp) -> None:
        """The IR behind a pass.

        Raises:
            ComparisonError: the network computes something else.
        """
        if not step.changed:
            return
        before, current = self.before, module.clone()

        def blame() -> str:
            folder = self._folder or Path(tempfile.mkdtemp(prefix="pqc-verify-"))
            save_module(before.module, folder / BEFORE, f"before pass {step.name}")
            save_module(current, folder / AFTER, f"after pass {step.name}")
            rewrite = guilty_rewrite(step.applied, before.module, lambda one: self._is_right(step.applied, before, one))
            return f"{'' if rewrite is None else f' ({rewrite})'}; see {folder / BEFORE} and {AFTER}"

        self._check(f"pass {step.name}", lambda: self._findings(step.applied, before, current), blame)

    def program(self, program: Program) -> None:
        """What was emitted: the machine gives what the integers of the network are, from the bytes of the file.

        Raises:
            ComparisonError: it does not.
        """
        before = self.before
        self._check("machine", lambda: machine_findings(program, before))

    @property
    def before(self) -> Execution:
        """What the network gave behind the last pass."""
        if self._before is None:
            raise InternalError("nothing was imported that could be verified")
        return self._before

    def _findings(self, applied: ModulePass, before: Execution, module: ModuleOp) -> Iterable[Finding]:
        """Execute the module behind a pass, and compare; it is the one before the next."""
        after = self._execute(module)
        yield from self._compared(applied, before, after)
        self._before = after
        if not after.is_program:
            self._network = after
        elif all(op.start is not None for op in program_of(module).body.block.ops if isinstance(op, RegionOp)):
            program = emit(module).program(target_of(module), {}, None)
            yield steps_finding(program, after)
            if isinstance(applied, InsertTokensPass):
                yield rules_finding(program, module)

    def _execute(self, module: ModuleOp) -> Execution:
        if isinstance(main_function(module), FuncOp):
            return executed(module, self._given)
        return executed_program(module, self.network)

    @property
    def network(self) -> Execution:
        """What the network gave at the last level at which there was one."""
        if self._network is None:
            raise InternalError("a program without a network cannot be verified")
        return self._network

    def _compared(self, applied: ModulePass, before: Execution, after: Execution) -> Iterable[Finding]:
        """What the mode asks for; passes that change numbers are checked in one way only."""
        keeps = before.is_quantized == after.is_quantized and not isinstance(applied, FitPrototypesPass)
        if keeps and self._mode is not Mode.ACCUMULATED:
            # of a program, a node is compared with the network
            yield same_by_itself(before, isolated(after.module, self.network if after.is_program else before))
        if not keeps or self._mode is not Mode.ISOLATED:
            yield self._compare(applied, before, after)

    def _compare(self, applied: ModulePass, before: Execution, after: Execution) -> Finding:
        if before.is_quantized:
            return same_bits(before, after)
        if after.is_quantized:
            return rounded_results(before, after)
        if isinstance(applied, FitPrototypesPass):
            return error_as_recorded(
                before.module, after.module, applied, self._learned.frames, all_frames=self._learned.are_all
            )
        return same_numbers(before, after)

    def _is_right(self, applied: ModulePass, before: Execution, module: ModuleOp) -> bool:
        return all(found.failure is None for found in self._compared(applied, before, self._execute(module)))

    def _check(self, name: str, find: Callable[[], Iterable[Finding]], blame: Callable[[], str] = str) -> None:
        started = time.perf_counter()
        try:
            for finding in find():
                self._record(Record(name, finding, time.perf_counter() - started), blame)
                started = time.perf_counter()
        except ProgramError as error:
            finding = Finding("can be executed", 0, failure=Violation(str(error)))
            self._record(Record(name, finding, time.perf_counter() - started), blame)

    def _record(self, record: Record, blame: Callable[[], str]) -> None:
        self._listener(record)
        if record.finding.failure is not None:
            raise ComparisonError(f"{record.check}: {record.finding.failure.sentence}{blame()}")
