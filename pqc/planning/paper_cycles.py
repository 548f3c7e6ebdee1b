"""The PQA paper's cycle model of a product-quantized layer, and what channel grouping changes in it.

Source: the analytical model that the paper's authors released (arXiv 2305.18334, doi 10.1145/3656643). With M columns
(output positions), D = channels * kernel rows * kernel columns, Ns = ceil(D / Ls) subspaces, Np prototypes of length
Ls, K outputs, and lanes s (subspaces), p (prototypes), l (elements), o (outputs):

    Tproto = ceil(Ls / l) * ceil(Np / p)            one group of subspaces is matched
    Tlut   = ceil(K / o)                            and looked up
    Calc   = M * max(Tproto, Tlut) * ceil(Ns / s)
    Init   = max(1, ceil(K * Np * Ns / (o * s)), ceil((Ns * Np * Ls * b_p + Ns * Np * K * b_l) / B))

B is the number of bits that the external memory delivers in a cycle; b_p and b_l are the bits of a prototype's and of
a table's element. The tables of the next layer load while a layer computes, so that a layer takes max(Init, Calc).
Activations, layers without PQ and everything behind the accumulators are outside the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pqc.numerics.grouping import Codebooks, Cut, Grouping
from pqc.numerics.window import Window
from pqc.planning.target_keys import Target


@dataclass(frozen=True)
class Lanes:
    """What the paper's area and cycles depend on; in the paper encode and lookup have equally many subspace lanes."""

    output: int
    encode_subspace: int
    lookup_subspace: int
    length: int
    prototype: int

    @staticmethod
    def of(target: Target) -> Lanes:
        """The lanes of ``target``."""
        encode, lookup = target.encode, target.lookup
        return Lanes(
            lookup.output_lanes,
            encode.subspace_lanes,
            lookup.subspace_lanes,
            encode.length_lanes,
            encode.prototype_lanes,
        )

    def trimmed(self, prototypes: int, length: int) -> Lanes:
        """The same without lanes that so many prototypes of this length leave idle, as the paper's sweep has it."""
        return replace(self, length=min(self.length, length), prototype=min(self.prototype, prototypes))


@dataclass(frozen=True)
class PqLayer:
    """One product-quantized layer.

    ``columns`` are the output positions of one frame, ``encoded`` those that are encoded: with window grouping the
    same, with channel grouping the pixels of the input. Each such position is encoded with ``codebooks`` codebooks, or
    as often with the shared one; each column looks up ``subspaces`` tables, with channel grouping one for every tap and
    codebook.
    """

    columns: int
    encoded: int
    subspaces: int
    codebooks: int
    prototypes: int
    length: int
    outputs: int
    prototype_bits: int
    table_bits: int
    shared_codebook: bool = False
    """Whether one codebook serves all subspaces; the paper's model has one for each, its released kernel shares it."""

    @staticmethod
    def of_record(record: Mapping[str, Any]) -> PqLayer:
        """The layer that the compiler recorded in these words (:mod:`pqc.passes.layer_facts`).

        Where ``groups`` and ``encode_columns`` are 0, all columns are encoded, and every subspace has its codebook.
        """
        return PqLayer(
            columns=record["columns"],
            encoded=record["encode_columns"] or record["columns"],
            subspaces=record["subspaces"],
            codebooks=record["groups"] or record["subspaces"],
            prototypes=record["prototypes"],
            length=record["length"],
            outputs=record["outputs"],
            prototype_bits=record["prototype_bits"],
            table_bits=record["table_bits"],
            shared_codebook=record.get("shared_codebook", False),
        )

    def batch(self, frames: int) -> PqLayer:
        """The layer for so many frames, which share its table."""
        return replace(self, columns=self.columns * frames, encoded=self.encoded * frames)

    @property
    def table_entries(self) -> int:
        """Elements of the table."""
        return self.subspaces * self.prototypes * self.outputs

    @property
    def codebook_entries(self) -> int:
        """Elements of all prototypes."""
        return (1 if self.shared_codebook else self.codebooks) * self.prototypes * self.length

    @property
    def bits(self) -> int:
        """Bits of prototypes and table, which is what the layer loads."""
        return self.codebook_entries * self.prototype_bits + self.table_entries * self.table_bits


@dataclass(frozen=True)
class PaperCycles:
    """Cycles of one layer: table load, computation, and both together when they overlap."""

    init: int
    calc: int

    @property
    def cycles(self) -> int:
        """The layer's cycles: the next tables load while this layer computes."""
        return max(self.init, self.calc)

    @property
    def bound(self) -> Literal["memory", "compute"]:
        """What the layer waits for."""
        return "memory" if self.init > self.calc else "compute"


def pq_layer(
    *,
    channels: int,
    outputs: int,
    size: tuple[int, int],
    kernel: tuple[int, int],
    result: tuple[int, int],
    prototypes: int,
    length: int,
    prototype_bits: int,
    table_bits: int,
    grouping: Grouping,
    codebooks: Codebooks = Codebooks.SEPARATE,
) -> PqLayer:
    """A convolution as a product-quantized layer.

    Args:
        channels: of the input.
        outputs: output channels.
        size: rows and columns of the input.
        kernel: rows and columns of the kernel.
        result: rows and columns of the output.
        prototypes: prototypes of a codebook.
        length: elements of a subvector.
        prototype_bits: bits of a prototype's element.
        table_bits: bits of a table's element.
        grouping: which elements form a subvector.
        codebooks: whether all subspaces share one codebook.
    """
    cut = Cut.of(grouping, channels, Window(kernel), length)
    columns = result[0] * result[1]
    encoded = columns if grouping is Grouping.WINDOW else size[0] * size[1]
    bits, shared = (prototype_bits, table_bits), codebooks is Codebooks.SHARED
    return PqLayer(columns, encoded, cut.subspaces, cut.groups, prototypes, length, outputs, *bits, shared)


def encode_cycles(layer: PqLayer, lanes: Lanes) -> int:
    """Cycles in which the encode unit matches every subvector of one frame (Tproto of the paper, for all of them)."""
    match = _up(layer.length, lanes.length) * _up(layer.prototypes, lanes.prototype)
    return layer.encoded * match * _up(layer.codebooks, lanes.encode_subspace)


def lookup_cycles(layer: PqLayer, lanes: Lanes) -> int:
    """Cycles in which the lookup unit gathers and sums all table entries of one frame (Tlut of the paper)."""
    return layer.columns * _up(layer.outputs, lanes.output) * _up(layer.subspaces, lanes.lookup_subspace)


def load_cycles(layer: PqLayer, lanes: Lanes, bits_per_cycle: int) -> int:
    """Cycles of loading prototypes and table: the write ports of the table's banks against the external memory."""
    ports = lanes.output * lanes.lookup_subspace
    return max(1, _up(layer.table_entries, ports), _up(layer.bits, bits_per_cycle))


def pq_cycles(layer: PqLayer, lanes: Lanes, bits_per_cycle: int) -> PaperCycles:
    """Cycles of one layer: encode and lookup overlap, each on its own lanes.

    With window grouping and equal subspace lanes this is the paper's formula to the cycle.
    """
    calc = max(encode_cycles(layer, lanes), lookup_cycles(layer, lanes))
    return PaperCycles(load_cycles(layer, lanes, bits_per_cycle), calc)


def layer_cycles(
    columns: int,
    subspaces: int,
    prototypes: int,
    length: int,
    outputs: int,
    prototype_bits: int,
    table_bits: int,
    target: Target,
) -> PaperCycles:
    """Cycles of one layer with window grouping on ``target``; ``columns`` are the output positions of one frame."""
    layer = PqLayer(columns, columns, subspaces, subspaces, prototypes, length, outputs, prototype_bits, table_bits)
    return pq_cycles(layer, Lanes.of(target), target.bits_per_cycle)


def paper_sum(layers: Iterable[PaperCycles]) -> int:
    """Cycles of a network as the paper adds them up: every layer waits for its own tables."""
    return sum(layer.cycles for layer in layers)


def lower_bound(layers: Iterable[PaperCycles]) -> int:
    """Cycles of one more frame of a network in a stream where loads run ahead as far as they like.

    It is the busier of the two totals, max(sum of loads, sum of computations).
    """
    known = list(layers)
    return max(sum(layer.init for layer in known), sum(layer.calc for layer in known))


def _up(value: int, divisor: int) -> int:
    return -(-value // divisor)
