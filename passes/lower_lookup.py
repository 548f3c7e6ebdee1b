"""Lowering of the product-quantized layers: codes go from the encode unit to the lookup unit through the FIFO.

Where codes are used more than once they are kept in the activation buffer instead: by several blocks of outputs, or,
with channel grouping, by all the windows that see a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from xdsl.ir import SSAValue

from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.pqa import EncodeOp as EncodeTileOp
from pqc.dialects.pqa import LookupOp as LookupTileOp
from pqc.isa.access import BIAS_BYTES, accumulator_bytes
from pqc.isa.code_map import reads_padding
from pqc.isa.fields import Memory
from pqc.isa.instructions import Lookup
from pqc.isa.parameters import PARAMETER_BYTES
from pqc.isa.storage import Storage
from pqc.numerics.packing import pack
from pqc.passes.constants import constant_array
from pqc.passes.lower_layer import Layer, LayerLowering
from pqc.passes.program_builder import ProgramBuilder, View, slab_of, window_fields
from pqc.planning.tiling import (
    MoveBlock,
    Nest,
    PqShape,
    Span,
    Step,
    SubspaceBlock,
    check_lookup,
    codebook_loads,
    codebooks_stay,
    group_blocks,
    plan_lookup,
    search_lookup,
)
from pqc.planning.transfer import dense_strides

WINDOW_ONES = ("kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width")
"""The fields of a window that sees one position."""


class LookupLowering(LayerLowering):
    """A product-quantized layer."""

    def __init__(self, builder: ProgramBuilder, layer: Layer, encode: EncodeOp, lookup: LookupOp) -> None:
        super().__init__(builder, layer, accumulator_bytes(lookup.accumulator_bits), wide=False)
        self.encode = encode
        self.codebook, self.table = constant_array(encode.codebook), constant_array(lookup.table)
        _, prototypes, length = self.codebook.shape
        groups = 0 if lookup.window is None else encode.codes.type.get_shape()[1]
        bits = encode.prototype_bits.value.data, lookup.table_bits.value.data
        self.pq = PqShape(
            self.table.shape[0], prototypes, length, *bits, groups, bool(encode.shared), encode.folded_subspaces
        )
        self.code_storage = Storage.U8 if self.pq.code_bytes == 1 else Storage.U16
        self.padding = constant_array(lookup.padding) if lookup.padding is not None else np.zeros(0, np.int32)
        self.stay = codebooks_stay(self.pq, builder.target)
        self._blocks: tuple[SubspaceBlock, ...] = ()
        self._codebooks: dict[tuple[Span | None, int, int], SSAValue] = {}
        self._group_codebooks: dict[tuple[Span, int, tuple[int, Span] | None], SSAValue] = {}
        self._tables: dict[tuple[Span, int, int], SSAValue] = {}
        self._codes: dict[object, View] = {}
        self._maps: dict[tuple[int, int], _CodeMap] = {}

    def search(self) -> Nest:
        """The cheapest nest."""
        builder = self.builder
        return search_lookup(self.layer.shape, self.pq, builder.target, builder.room, builder.batch, builder.spare)

    def check(self, nest: Nest) -> None:
        """Check a nest that was given."""
        builder = self.builder
        check_lookup(nest, self.layer.shape, self.pq, builder.target, builder.room, builder.batch)

    def run(self, nest: Nest) -> None:
        """Lower the layer."""
        plan = plan_lookup(self.layer.shape, self.pq, nest)
        self._blocks = plan.subspace_blocks
        self.run_nest(nest, plan.output_blocks, len(self._blocks), plan.tiles)

    def accumulate(self, nest: Nest, step: Step) -> None:
        """Encode one tile's block of subspaces, as far as that is not done yet, and look it up."""
        part = self._blocks[step.input_block]
        regions: dict[str, SSAValue] = {}
        fields: dict[str, int] = {}
        if self.pq.groups:
            regions, fields = self._walk_map(nest, step)
        elif nest.keep_codes:
            regions, fields = self._keep(nest, step, part)
        else:
            self._encode(nest, step, part, regions, fields)
        self._look_up(nest, step, part, regions, fields)

    def extra_parameters(self) -> bytes:
        """The codes of the zero subvectors, which windows see outside the map."""
        return self.padding.astype(f"<u{self.pq.code_bytes}").tobytes()

    def _encode(
        self, nest: Nest, step: Step, part: SubspaceBlock, regions: dict[str, SSAValue], fields: dict[str, int]
    ) -> None:
        """Encode what a tile's windows see; ``regions`` and ``fields`` say where codes go that are kept."""
        slab = self.builder.source(self.layer.source, step.frame, slab_of(step.tile, part.channels))
        codebook, gaps = self._kept(self._load_codebook(nest, step, part), part.subspaces)
        fields = fields | gaps | window_fields(self.layer.source.storage, self.layer.window, step.tile, part.channels)
        fields |= {"first_element": part.first_element} | self._matching(part.subspaces.size)
        fields |= slab.fields("source", "")
        self.builder.unit(EncodeTileOp, {"source": slab.region, **codebook, **regions}, fields)

    def _matching(self, subspaces: int) -> dict[str, int]:
        """The fields that say how vectors are matched with prototypes."""
        return {
            "shared_codebook": int(self.pq.shared),
            "subspaces": subspaces,
            "prototypes": self.pq.prototypes,
            "length": self.pq.length,
            "prototype_bits": self.pq.prototype_bits,
            "prototype_signed": int(self.encode.prototype_element.signed),
            "shift": self.encode.shift.value.data,
            "metric": self.encode.distance,
        }

    def _keep(self, nest: Nest, step: Step, part: SubspaceBlock) -> tuple[dict[str, SSAValue], dict[str, int]]:
        """Region and fields of a tile's codes, which the first block of outputs computes."""
        key = step.turn, step.frame, step.tile, part.subspaces
        counts = (part.subspaces.size, step.tile.rows.size, step.tile.columns.size)
        if key not in self._codes:
            plane, row, size = dense_strides(counts, self.pq.code_bytes)
            region = self.builder.allocate(Memory.ACTIVATION, counts[0] * counts[1] * counts[2] * size, "codes")
            view = View(region, 0, plane, row)
            fields = {"to_buffer": 1, "code_storage": self.code_storage} | view.fields("destination", "code_")
            self._encode(nest, step, part, {"destination": region}, fields)
            self._codes[key] = view
        view = self._codes[key]
        shape = {"groups": counts[0], "height": counts[1], "width": counts[2]}
        return {"codes": view.region}, shape | dict.fromkeys(WINDOW_ONES, 1) | view.fields("codes", "")

    def _walk_map(self, nest: Nest, step: Step) -> tuple[dict[str, SSAValue], dict[str, int]]:
        """Region and fields of the part of the code map that a tile's windows see."""
        key, tile, lies = (step.turn, step.frame), step.tile, self.layer.source.map
        counts = (self.pq.groups, step.seen.size, lies.columns)
        plane, row, size = dense_strides(counts, self.pq.code_bytes)
        if key not in self._maps:
            region = self.builder.allocate(Memory.ACTIVATION, counts[0] * plane, "codes")
            self._maps[key] = _CodeMap(View(region, 0, plane, row), step.seen.start)
        codes = self._maps[key]
        if codes.encoded < tile.source_rows.stop:
            rows = Span(codes.encoded, tile.source_rows.stop)
            self._encode_rows(nest, step, replace(codes.view, offset=(rows.start - step.seen.start) * row), rows)
            codes.encoded = rows.stop
        fields = window_fields(self.layer.source.storage, self.layer.window, tile, Span(0, self.pq.groups))
        for name in ("storage", "channels", "output_rows", "output_columns"):
            del fields[name]
        fields |= {"groups": self.pq.groups, "first_subspace": self._blocks[step.input_block].subspaces.start}
        first = (tile.source_rows.start - step.seen.start) * row + tile.source_columns.start * size
        return {"codes": codes.view.region}, fields | replace(codes.view, offset=first).fields("codes", "")

    def _padding(self, nest: Nest, step: Step, fields: dict[str, int]) -> tuple[dict[str, SSAValue], dict[str, int]]:
        """Region and field of the codes outside the map, for a lookup with these fields that sees some."""
        made = LookupTileOp({}, fields).instruction({})
        if not isinstance(made, Lookup) or not reads_padding(made):
            return {}, {}
        offset = step.outputs.size * (PARAMETER_BYTES + BIAS_BYTES)
        return {"padding": self.parameters(nest, step)}, {"padding_offset": offset}

    def _encode_rows(self, nest: Nest, step: Step, codes: View, rows: Span) -> None:
        """Encode the pixels of some rows of the input map, as many groups of channels at a time as have room."""
        for groups in group_blocks(self.pq, self.builder.target):
            view = replace(codes, offset=codes.offset + groups.start * codes.plane_stride)
            self._encode_groups(nest, step, view, rows, groups)

    def _encode_groups(self, nest: Nest, step: Step, codes: View, rows: Span, groups: Span) -> None:
        source, length = self.layer.source, self.pq.length
        first, last = self.pq.numbers[groups.start], self.pq.numbers[groups.stop - 1]
        channels = Span(first * length, min((last + 1) * length, source.map.planes))
        part = MoveBlock(channels, rows, Span(0, source.map.columns))
        slab = self.builder.source(source, step.frame, part)
        codebook, gaps = self._kept(self._load_group_codebooks(nest, step, groups, rows), groups)
        fields = gaps | {
            "storage": source.storage,
            "channels": channels.size,
            "height": rows.size,
            "width": part.columns.size,
            **dict.fromkeys(WINDOW_ONES, 1),
            "output_rows": rows.size,
            "output_columns": part.columns.size,
            "to_buffer": 1,
            "code_storage": self.code_storage,
        }
        fields |= self._matching(groups.size) | slab.fields("source", "") | codes.fields("destination", "code_")
        regions = {"source": slab.region, **codebook, "destination": codes.region}
        self.builder.unit(EncodeTileOp, regions, fields)

    def _load_group_codebooks(self, nest: Nest, step: Step, groups: Span, rows: Span) -> SSAValue:
        """The codebooks of some groups of channels; if they are not all, they are loaded again for the next rows."""
        whole = groups.size == self.pq.groups
        key = groups, (0 if self.stay else self.turn(nest, step)), (None if whole else (step.frame, rows))
        if key not in self._group_codebooks:
            self._group_codebooks[key] = self._codebook(groups)
        return self._group_codebooks[key]

    def _loaded(self, subspaces: Span) -> list[Span]:
        """The blocks of subspaces that use one load of codebooks with ``subspaces``."""
        loads = codebook_loads(self.pq, self._blocks, self.builder.target)
        return next(load for load in loads if subspaces in load)

    def _codebook(self, subspaces: Span) -> SSAValue:
        """Load the codebooks of some subspaces, and behind them which ones are encoded, where some are left out."""
        bits, loaded = self.pq.prototype_bits, self._loaded(subspaces)
        books = self.codebook if self.pq.shared else self.codebook[subspaces.start : subspaces.stop]
        gaps = [pack(self.pq.kept(block), 1) for block in loaded if self.pq.gaps(block)]
        return self.builder.load_constant("codebook", np.concatenate([pack(books, bits), *gaps]), Memory.CODEBOOK, bits)

    def _kept(self, codebook: SSAValue, subspaces: Span) -> tuple[dict[str, SSAValue], dict[str, int]]:
        """Regions and fields of the codebooks of some subspaces, and of which ones they are."""
        spanned = self.pq.gaps(subspaces)
        if not spanned:
            return {"codebook": codebook}, {}
        loaded = self._loaded(subspaces)
        offset = self.pq.gaps_offset(loaded, loaded.index(subspaces))
        return {"codebook": codebook, "kept": codebook}, {"spanned": spanned, "kept_offset": offset}

    def _look_up(
        self, nest: Nest, step: Step, part: SubspaceBlock, regions: dict[str, SSAValue], fields: dict[str, int]
    ) -> None:
        """Accumulate a tile's table entries; ``regions`` and ``fields`` say where codes lie that were kept."""
        bias, start = self.bias(nest, step)
        table = self._load_table(nest, step, part)
        fields = fields | start
        fields |= {
            "subspaces": part.subspaces.size,
            "prototypes": self.pq.prototypes,
            "outputs": step.outputs.size,
            "output_rows": step.tile.rows.size,
            "output_columns": step.tile.columns.size,
            "table_bits": self.pq.table_bits,
        }
        if regions:
            fields |= {"from_buffer": 1, "code_storage": self.code_storage}
        if self.pq.groups:
            padding, offset = self._padding(nest, step, fields)
            regions, fields = regions | padding, fields | offset
        self.builder.unit(LookupTileOp, {"table": table, **bias, **regions, "accumulator": self.sums(step)}, fields)

    def _load_codebook(self, nest: Nest, step: Step, part: SubspaceBlock) -> SSAValue:
        """The codebooks of a block of subspaces."""
        outputs, turn = None if nest.keep_codes else step.outputs, self.turn(nest, step)
        block = 0 if self.pq.shared else step.input_block
        key = (None if self.stay else outputs), block, (0 if self.stay else turn)
        if key not in self._codebooks:
            self._codebooks[key] = self._codebook(part.subspaces)
        return self._codebooks[key]

    def _load_table(self, nest: Nest, step: Step, part: SubspaceBlock) -> SSAValue:
        key = step.outputs, step.input_block, self.turn(nest, step)
        if key not in self._tables:
            subspaces = slice(part.subspaces.start, part.subspaces.stop)
            data = pack(self.table[subspaces, :, step.outputs.start : step.outputs.stop], self.pq.table_bits)
            self._tables[key] = self.builder.load_constant("table", data, Memory.TABLE, self.pq.table_bits)
        return self._tables[key]


@dataclass
class _CodeMap:
    """A map of codes, filled row by row: ``encoded`` is the first input row that is still missing."""

    view: View
    encoded: int
