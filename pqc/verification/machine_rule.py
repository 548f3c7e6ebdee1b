"""Instructions at their addresses, against the operations that they came from, each of which has memory of its own.

Every instruction has to write, byte for byte, what its operation writes. A buffer that was given away too early, or a
kernel that computes something else, shows at the first instruction that it leads astray.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from pqc.dialects.pqa import UnitOp
from pqc.errors import ProgramError
from pqc.interpreter.hazards import check_program
from pqc.interpreter.machine import Machine
from pqc.interpreter.queues import describe
from pqc.interpreter.reference_accelerator import Bytes, run_program
from pqc.interpreter.units import Fifo
from pqc.interpreter.workbench import Layout, Workbench
from pqc.isa.access import accesses
from pqc.isa.program import Program
from pqc.numerics.arrays import AnyArray
from pqc.numerics.kernels import LARGE_WORK, NUMPY, Kernels, kernels_for
from pqc.passes.advance_vector_work import region_accesses
from pqc.passes.attributes import program_of, target_of
from pqc.verification.execution import Execution
from pqc.verification.findings import Finding, Pair, Violation, compared

STEP_RULE = "each instruction writes the bytes that its operation writes"


def steps_finding(program: Program, execution: Execution, kernels: Kernels = NUMPY) -> Finding:
    """Execute each instruction in program order, and the operation that it came from, and compare what they write."""
    steps = _Steps(program, execution, kernels)
    try:
        run_program(program_of(execution.module), execution.inputs, steps)
    except ProgramError as error:
        return Finding(STEP_RULE, steps.done, failure=Violation(str(error)))
    return Finding(STEP_RULE, steps.done, failure=steps.failure)


def rules_finding(program: Program, module: ModuleOp) -> Finding:
    """The machine's static rules: ranges, bytes that nobody wrote, races, tokens, deadlock."""
    rule, count = "no hazards in any order", len(program.instructions)
    try:
        check_program(program, target_of(module))
    except ProgramError as error:
        return Finding(rule, count, failure=Violation(str(error)))
    return Finding(rule, count)


def machine_findings(program: Program, execution: Execution, seed: int = 0) -> list[Finding]:
    """The machine on the bytes of the file: step by step with its own kernels, then in program order and a random one.

    ``execution`` is of the module that the program was emitted from.
    """
    read = Program.from_bytes(program.to_bytes(), "the program")
    findings = [steps_finding(read, execution, kernels_for(LARGE_WORK))]
    if findings[0].failure is not None:
        return findings
    machine = Machine(read)
    given = dict(zip((tensor.name for tensor in read.inputs), execution.inputs, strict=True))
    random = machine.random_order(np.random.default_rng(seed))
    for how, order in (("in program order", None), ("in a random legal order", random)):
        outputs = machine.run(given, order)
        pairs = (
            Pair(f"output {name}", value.array, outputs[name], 0, 1, value.maker)
            for name, value in execution.outputs.items()
        )
        findings.append(compared(f"the machine {how}, equal bit for bit", pairs, execution))
    return findings


class _Steps:
    """Follows the operations of a program, one instruction each, until one writes something else."""

    def __init__(self, program: Program, execution: Execution, kernels: Kernels) -> None:
        self._program, self._bits = program, target_of(execution.module).accumulator_bits
        executions = -(-len(execution.inputs[0]) // program.batch)
        self._bench = Workbench(Layout(program, self._bits), executions, 1, kernels)
        names = (tensor.name for tensor in program.inputs)
        self._bench.begin(dict(zip(names, execution.inputs, strict=True)))
        self.done = 0
        self.failure: Violation | None = None

    def __call__(self, op: UnitOp, regions: Mapping[SSAValue, Bytes], fifo: Fifo) -> None:
        """Execute the instruction of ``op``, which has just been executed."""
        if self.failure is not None:
            return
        index, instruction = self.done, self._program.instructions[self.done]
        self._bench.execute([index])
        self.done += 1
        own = [one for one in region_accesses(op, self._bits) if one[1].written]
        placed = [access for access in accesses(instruction, self._bits) if access.written]
        what = describe(index, instruction, self._program.nodes[index])
        for (region, wanted), access in zip(own, placed, strict=True):
            expected = regions[region][:, wanted.addresses()]
            place = _first_difference(expected, self._bench.seen(access))
            if place is not None:
                self.failure = Violation(f"{what} writes something else to byte {place} of its {access.field}")
                return
        if not _same_codes(fifo, self._bench.sent):
            self.failure = Violation(f"{what} sends other codes")


def _first_difference(expected: AnyArray, found: AnyArray) -> int | None:
    """Where the bytes [executions or 1, n] differ first."""
    places = np.flatnonzero((expected != found).any(axis=0))
    return int(places[0]) if len(places) else None


def _same_codes(expected: Sequence[AnyArray], found: Sequence[AnyArray]) -> bool:
    """Whether the same codes are on their way; only the last ones can have changed."""
    if len(expected) != len(found):
        return False
    return not expected or np.array_equal(expected[-1], found[-1])
