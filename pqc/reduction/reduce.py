"""A module for which something fails, cut down to what it takes to fail in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, ModuleOp
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import BlobAttr
from pqc.dialects.elements import elements
from pqc.errors import ModelError
from pqc.passes.attributes import CALIBRATION, main_of
from pqc.passes.verification import verify_module
from pqc.reduction import network, program
from pqc.reduction.delta import minimized
from pqc.reduction.failures import Symptom

NAMES = (network.INPUTS, network.OUTPUTS)
"""Attributes of the module that everything needs."""

Cut = Callable[[ModuleOp, Sequence[int]], ModuleOp]
"""A copy of a module with these of its parts, by their places."""


@dataclass(frozen=True)
class Reduced:
    """What was found."""

    module: ModuleOp
    symptom: str
    """How the module fails, and failed as a whole."""
    before: int
    """Operations that could be cut out of the whole module."""
    after: int
    """Those that are left."""


class Reducer:
    """Cuts a module as long as it fails as it did.

    Args:
        symptom: what is looked for.
        tell: hears how many operations are left whenever they get fewer.
    """

    def __init__(self, symptom: Symptom, tell: Callable[[str], None]) -> None:
        self._symptom, self._tell = symptom, tell
        self._wanted = ""

    def reduce(self, module: ModuleOp) -> Reduced:
        """The smallest module that is found; ``module`` itself stays as it is.

        Raises:
            ModelError: nothing fails for the module.
        """
        found = self._symptom.of(module)
        if found is None:
            raise ModelError("nothing fails for this module, so that there is nothing to reduce")
        self._wanted = found
        self._tell(f"{found}: {len(_operations(module))} operations")
        smallest = self._with_fewest_frames(module)
        while True:
            before = len(_operations(smallest))
            smallest = self._round(smallest)
            if len(_operations(smallest)) == before:
                break
        smallest = self._without_attributes(smallest)
        return Reduced(smallest, found, len(_operations(module)), len(_operations(smallest)))

    def _round(self, module: ModuleOp) -> ModuleOp:
        """Outputs first, because what only they need goes with them."""
        if not network.is_network(module):
            return self._cut(module, len(_operations(module)), program.with_operations)
        outputs = len(main_of(module).function_type.outputs)
        # a network gives something
        module = self._cut(module, outputs, network.with_outputs, least=1)
        return self._cut(module, len(_operations(module)), network.with_operations)

    def _cut(self, module: ModuleOp, number: int, cut: Cut, least: int = 0) -> ModuleOp:
        """The module with the fewest of its parts, but no fewer than ``least``, that fails as it did."""
        best = module

        def fails(places: Sequence[int]) -> bool:
            nonlocal best
            if len(places) < least:
                return False
            smaller = cut(module, places)
            if not self._fails(smaller):
                return False
            if len(_operations(smaller)) < len(_operations(best)):
                self._tell(f"{len(_operations(smaller))} operations")
            best = smaller
            return True

        minimized(range(number), fails)
        return best

    def _with_fewest_frames(self, module: ModuleOp) -> ModuleOp:
        """Passes that look at calibration frames get faster the fewer there are."""
        frames = elements(module.attributes.get(CALIBRATION), BlobAttr)
        number = len(frames[0].array) if frames else 0
        fewer = 1
        while fewer < number:
            smaller = module.clone()
            smaller.attributes[CALIBRATION] = ArrayAttr(
                BlobAttr.of(blob.label.data, blob.array[:fewer]) for blob in frames
            )
            if self._fails(smaller):
                return smaller
            fewer *= 2
        return module

    def _without_attributes(self, module: ModuleOp) -> ModuleOp:
        """What passes left on the module and its operations goes where it has nothing to do with the failure."""
        names = [
            (place, name)
            for place, op in enumerate(module.walk())
            for name in op.attributes
            if op is not module or name not in NAMES
        ]

        def cut(whole: ModuleOp, kept: Sequence[int]) -> ModuleOp:
            smaller = whole.clone()
            gone = set(names) - {names[place] for place in kept}
            for place, op in enumerate(smaller.walk()):
                for name in [name for name in op.attributes if (place, name) in gone]:
                    del op.attributes[name]
            return smaller

        return self._cut(module, len(names), cut)

    def _fails(self, module: ModuleOp) -> bool:
        """Whether a module is valid and fails as the whole one did."""
        try:
            verify_module(module)
        except VerifyException:
            return False
        return self._symptom.of(module) == self._wanted


def _operations(module: ModuleOp) -> Sequence[object]:
    """What can be cut out of a module."""
    return network.operations(module) if network.is_network(module) else program.operations(module)
