"""What the compiler recorded about each layer, read from a program's provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pqc.isa.program import Program
from pqc.planning.paper_model import Lanes, PaperCycles, PqLayer, conventional_cycles, pq_cycles
from pqc.planning.target import Target

KEY = "layers"
"""Where the provenance has them."""


@dataclass(frozen=True)
class LayerFacts:
    """One layer of the network; a number that is not known or means nothing for the layer is 0.

    ``columns`` are the output positions of one frame; each looks up ``subspaces`` tables. ``groups`` codebooks encode
    ``encode_columns`` positions; 0 stands for as many as there are subspaces and columns. ``channels``, ``height`` and
    ``width`` describe the input, ``kernel`` is (rows, columns).
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
