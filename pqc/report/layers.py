"""What the compiler recorded about each layer, read from a program's provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from pqc.isa.program import Program
from pqc.planning.paper_model import Lanes, PaperCycles, PqLayer, conventional_cycles, pq_cycles
from pqc.planning.target import Target

KEY = "layers"
"""Where the provenance has them."""


class Saved(NamedTuple):
    """What folding subspaces saves by the paper's model: cycles of a frame in all and in parts, bytes of constants."""

    cycles: int
    calc: int
    init: int
    bytes: int


@dataclass(frozen=True)
class LayerFacts:
    """One layer of the network; a number that is not known or means nothing for the layer is 0.

    ``columns`` are the output positions of one frame; each looks up ``subspaces`` tables. ``groups`` codebooks encode
    ``encode_columns`` positions; 0 stands for as many as there are subspaces and columns. ``channels``, ``height`` and
    ``width`` describe the input, ``kernel`` is (rows, columns). ``folded`` subspaces are no longer among them,
    ``folded_calibrated`` of these because calibration frames say that they are constant.
    """

    node: str
    op: str = ""
    pq: bool = False
    prototypes: int = 0
    length: int = 0
    subspaces: int = 0
    groups: int = 0
    columns: int = 0
    encode_columns: int = 0
    outputs: int = 0
    prototype_bits: int = 0
    table_bits: int = 0
    channels: int = 0
    height: int = 0
    width: int = 0
    kernel: tuple[int, int] = (0, 0)
    stride: int = 0
    shared_codebook: bool = False
    folded: int = 0
    folded_calibrated: int = 0

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> LayerFacts:
        """The facts in a record of the provenance; what else it holds is left alone."""
        known = {field.name: record[field.name] for field in fields(LayerFacts) if field.name in record}
        if "kernel" in known:
            rows, columns = known["kernel"]
            known["kernel"] = (int(rows), int(columns))
        return LayerFacts(**known)

    def paper_cycles(self, target: Target) -> PaperCycles:
        """The paper's cycles for a PQ layer."""
        return pq_cycles(PqLayer.of_record(vars(self)), Lanes.of(target), target.bits_per_cycle)

    def folding_saves(self, target: Target) -> Saved:
        """What the paper's model says that the folded subspaces would take in a PQ layer."""
        layer = PqLayer.of_record(vars(self))
        per_tap = self.folded * layer.codebooks // max(layer.subspaces, 1)
        whole = replace(layer, subspaces=layer.subspaces + self.folded, codebooks=layer.codebooks + per_tap)
        before, after = (pq_cycles(one, Lanes.of(target), target.bits_per_cycle) for one in (whole, layer))
        moved = (whole.bits + 7) // 8 - (layer.bits + 7) // 8
        return Saved(before.cycles - after.cycles, before.calc - after.calc, before.init - after.init, moved)

    def conventional_cycles(self, target: Target) -> PaperCycles | None:
        """The layer's cycles on the paper's conventional accelerator; None if its geometry is not recorded."""
        geometry = (self.channels, self.outputs, self.height, self.width, *self.kernel, self.stride)
        if not all(geometry):
            return None
        return conventional_cycles(
            self.channels, self.outputs, self.height, self.width, self.kernel, self.stride, target.bits_per_cycle
        )


def layer_facts(program: Program) -> dict[str, LayerFacts]:
    """The recorded facts by ONNX node, in execution order, and for other nodes of the program what can be said."""
    recorded = [LayerFacts.from_json(record) for record in program.provenance.get(KEY, [])]
    facts = {layer.node: layer for layer in recorded}
    return {node: facts.get(node, LayerFacts(node)) for node in dict.fromkeys(program.nodes)}
