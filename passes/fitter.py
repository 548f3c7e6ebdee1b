"""The layers that are fitted on the way through the network, and what is known of them from earlier compilations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f64
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from pqc.cache import current_cache, key_of
from pqc.codebook.fit_options import FitOptions
from pqc.codebook.importance import Importance
from pqc.codebook.layer import FittedLayer, LayerShape, fit_layer, prototype_grid
from pqc.codebook.layer_errors import Errors
from pqc.codebook.linear_refit import refit_weights
from pqc.codebook.metrics import normalized_map_error
from pqc.codebook.rows import LayerData
from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import hint, node_name
from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.dialects.plain import to_attribute
from pqc.dialects.pq import ConvolutionOp
from pqc.dialects.pq_types import ConfigAttr
from pqc.errors import InternalError
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.passes.attributes import (
    CONFIG,
    ERROR,
    GRID,
    INPUT_GRIDS,
    MEASUREMENTS,
    Grids,
    config_of,
    main_of,
    provenance_of,
    target_of,
)
from pqc.passes.constants import constant_array
from pqc.passes.fitted_layers import Layer, fitted_layers, window_of, with_constants
from pqc.passes.frames_at_once import execute_frames, sums_before_bounds
from pqc.passes.history import History
from pqc.passes.importance import importance_of
from pqc.passes.progress import report_progress
from pqc.passes.quantizer import Quantizer
from pqc.passes.side_by_side import SideBySide
from pqc.planning.bit_budget import Narrowed

PARTS = tuple(one.name for one in fields(Errors))
"""What is known of each layer's error."""


def saturated(integers: IntArray, element: Element) -> float:
    """The share of values that lie at an end of what ``element`` holds, zero not counted."""
    ends = integers == element.maximum
    return float((ends | (integers == element.minimum) if element.signed else ends).mean())


class Fitter:
    """Fits layer after layer; what is in the cache is not fitted again, and only what fitting needs is executed."""

    def __init__(
        self, module: ModuleOp, options: FitOptions, weight_bits: int, *, narrow: Collection[Narrowed] = ()
    ) -> None:
        """Prepare to fit; what is to be ``narrow`` is fitted in fewer bits, too, and then nothing is in the cache."""
        self.block = block = main_of(module).body.block
        self.grids = Grids(module)
        self.target = target_of(module)
        self.quantizer = Quantizer(self.grids, self.target, weight_bits)
        self.options = options
        self.sides = SideBySide(module, self.grids, self.quantizer)
        self.layers = [op for op in block.ops if not isinstance(op, ConstantOp | ReturnOp)]
        self.chosen = fitted_layers(self.layers)
        # made up frames say nothing of what matters
        self.weighs = provenance_of(module).get("calibration") != "synthetic"
        self.narrow = narrow
        self.narrower: dict[tuple[str, Narrowed], dict[int, FittedLayer]] = {}
        self.cache = None if narrow else current_cache()
        self.keys: dict[Layer, str] = {} if self.cache is None else self._cache_keys(module)
        self.fitted: dict[Layer, list[Operation]] = {}
        self.importance: dict[Layer, Importance] = {}

    def _cache_keys(self, module: ModuleOp) -> dict[Layer, str]:
        """What each layer is kept under: the digest of all that its fit follows from."""
        target = (self.target.requantize, str(self.target.accumulator_bits))
        facts = (str(self.options), str(self.quantizer.weight_bits), *target, str(module.attributes.get(INPUT_GRIDS)))
        # what matters of a layer follows from the whole float network, whatever was chosen for its layers
        network = History(module, (), ignored=(CONFIG, GRID)).whole if self.weighs else ""
        history = History(module, (*facts, network))
        return {op: key_of(["fit", str(number), history[op]]) for number, op in enumerate(self.chosen)}

    def run(self, frames: Sequence[AnyArray]) -> None:
        """Walk through the network once, to the last layer that has to be fitted."""
        for op in self.chosen:
            self._take_known(op)
        missing = [op for op in self.chosen if op not in self.fitted]
        executed = self.layers[: self.layers.index(missing[-1]) + 1] if missing else []
        if executed:
            self.options = self.options.for_frames(len(frames[0]))
            self.sides.start(frames)
        if executed and self.weighs:
            report_progress("weighing positions", 0, len(self.chosen))
            self.importance = importance_of(self.block, missing, frames, self.options.seed)
        for op in executed:
            if not isinstance(op, ConvOp | GemmOp) or op not in self.chosen:
                self.sides.execute(op)
            elif op in self.fitted:
                self.sides.keep(op.result, execute_frames([op], self.sides.operands(op)), self._integers(op))
            else:
                report_progress(f"fitting {node_name(op)}", self.chosen.index(op), len(self.chosen))
                self._fit(op)
            self.sides.free(op)
        report_progress("fitting", len(self.chosen), len(self.chosen))

    def _take_known(self, op: Layer) -> None:
        """Take what an earlier compilation fitted to the same layer on the same frames, where the cache has it."""
        kept = None if self.cache is None else self.cache.get(self.keys[op])
        if kept is not None:
            self._take(op, kept)
            self._record(op, kept)

    def _integers(self, op: Layer) -> AnyArray:
        """What the integer network computes for a layer that is fitted."""
        return self.sides.simulate(self.fitted[op][-1])

    def _fit(self, op: Layer) -> None:
        sums = sums_before_bounds(op, self.sides.operands(op))
        arrays = self._arrays(op, self._data(op, sums))
        self._take(op, arrays)
        integers = self._integers(op)
        low, high = op.bounds
        exact = np.clip(sums, low, high, out=sums) if op.bounds != (None, None) else sums
        self.sides.keep(op.result, exact, integers)
        frames, outputs = exact.shape[:2]
        error = normalized_map_error(
            integers.reshape(frames, outputs, -1),
            self.grids[op.result].scale.data,
            exact.reshape(frames, outputs, -1),
        )
        ends = saturated(integers, self.grids[op.result].integers)
        arrays |= {"error": np.array(error), "saturated": np.array(ends)}
        self._record(op, arrays)
        if self.cache is not None:
            self.cache.put(self.keys[op], arrays)

    def _arrays(self, op: Layer, data: LayerData) -> dict[str, AnyArray]:
        """What is learned for a layer, by the names of its constants."""
        number = self.chosen.index(op)
        if config_of(op) is not None:
            layer = fit_layer(data, self._shape(op), self.options, number)
            self._fit_narrower(op, data, layer)
            arrays = {"codebook": layer.codebook, "table": layer.table, "bias": layer.bias, "step": layer.step}
            parts = np.array([vars(layer.errors)[name] for name in PARTS])
            return arrays | {"shift": np.array(layer.shift), "parts": parts}
        groups = op.group.value.data if isinstance(op, ConvOp) else 1
        weight, bias = refit_weights(data, constant_array(op.bias), groups, self.options, number)
        return {"weight": weight.reshape(constant_array(op.weight).shape), "bias": bias}

    def _fit_narrower(self, op: Layer, data: LayerData, layer: FittedLayer) -> None:
        """Leave what the layer would be with fewer bits."""
        if Narrowed.TABLES in self.narrow:
            tables = {bits: layer.with_table(table) for bits, table in layer.narrower.items()}
            self.narrower[node_name(op), Narrowed.TABLES] = tables
        if Narrowed.PROTOTYPES in self.narrow:
            shape, number, seen = self._shape(op), self.chosen.index(op), self.grids[op.x].integers
            fits: dict[int, FittedLayer] = {}
            for bits in range(2, shape.codebook.bits):
                element, shift = prototype_grid(seen, bits)
                narrow = replace(shape, codebook=element, shift=shift, narrower_tables=False)
                fits[bits] = fit_layer(data, narrow, self.options, number)
            self.narrower[node_name(op), Narrowed.PROTOTYPES] = fits

    def _record(self, op: Layer, arrays: Mapping[str, AnyArray]) -> None:
        """Leave on the layer how far its integers are from the float network's results, and why."""
        attributes = self.fitted[op][-1].attributes
        attributes[ERROR] = FloatAttr(float(arrays["error"]), f64)
        if "parts" in arrays:
            parts = dict(zip(PARTS, arrays["parts"].tolist(), strict=True))
            parts["dead_prototypes"] = int(parts["dead_prototypes"])
            attributes[MEASUREMENTS] = to_attribute(parts | {"saturated": float(arrays["saturated"])})

    def _shape(self, op: Layer) -> LayerShape:
        """What the codebook and the table of a chosen layer will look like."""
        config, grid = config_of(op), self.grids[op.x]
        if config is None:
            raise InternalError(f"node {node_name(op)!r} has no configuration")
        codebook, shift = prototype_grid(grid.integers, config.prototype_bits.data)
        return LayerShape(
            prototypes=config.prototypes.data,
            length=config.length.data,
            codebook=codebook,
            shift=shift,
            metric=config.distance,
            table_bits=config.table_bits.data,
            accumulator_bits=self.target.accumulator_bits,
            power_of_two_of=self.quantizer.power_of_two_of(op),
            grouping=config.grouped,
            codebooks=config.sharing,
            narrower_tables=Narrowed.TABLES in self.narrow,
        )

    def _take(self, op: Layer, arrays: Mapping[str, AnyArray]) -> None:
        """Make the operation that takes the place of ``op``, with its constants in front."""
        names = ("codebook", "table", "bias", "step") if config_of(op) is not None else ("weight", "bias")
        constants = [ConstantOp(name, arrays[name]) for name in names]
        values = [constant.result for constant in constants]
        if config_of(op) is not None:
            layer = self._product_quantized(op, int(arrays["shift"]), *values)
        else:
            layer = with_constants(op, *values)
        layer.attributes[GRID] = op.attributes[GRID]
        self.fitted[op] = [*constants, layer]
        for new in self.fitted[op]:
            new.location = op.location
        for constant in constants:
            hint(constant.result, constant.label)
        layer.results[0].name_hint = op.result.name_hint

    def _product_quantized(
        self, op: Layer, shift: int, codebook: SSAValue, table: SSAValue, bias: SSAValue, step: SSAValue
    ) -> ConvolutionOp:
        shape = self._shape(op)
        return ConvolutionOp(
            op.x,
            codebook,
            table,
            bias,
            op.residual,
            window=window_of(op),
            config=ConfigAttr.of(
                shape.prototypes,
                shape.length,
                shape.codebook.bits,
                shape.table_bits,
                shape.metric,
                shape.grouping,
                shape.codebooks,
            ),
            grid=self.grids[op.x],
            shift=shift,
            low=op.low,
            high=op.high,
            step=step,
            result_type=op.result.type,
        )

    def _data(self, op: Layer, sums: FloatArray) -> LayerData:
        """What the layer sees, and what it should give together with its residual."""
        frames, outputs = sums.shape[:2]
        low, high = op.bounds
        seen, true = self.sides.integers[op.x], self.sides.exact[op.x]
        data = LayerData(
            activations=seen if seen.ndim == 4 else seen[:, :, None, None],
            scale=self.grids[op.x].scale.data,
            element=self.grids[op.x].integers,
            exact=true if true.ndim == 4 else true[:, :, None, None],
            window=window_of(op),
            weight=constant_array(op.weight).reshape(outputs, -1),
            target=sums.reshape(frames, outputs, -1),
            low=-np.inf if low is None else low,
            high=np.inf if high is None else high,
            importance=self.importance.pop(op, None),
        )
        if op.residual is None:
            return data
        shortcut = self.sides.integers[op.residual].reshape(frames, outputs, -1)
        return replace(data, shortcut=shortcut, shortcut_scale=self.grids[op.residual].scale.data)

    def replace(self) -> None:
        """Put the fitted layers into the network."""
        for op in self.chosen:
            made = self.fitted[op]
            Rewriter.insert_op(made, InsertPoint.before(op))
            op.result.replace_all_uses_with(made[-1].results[0])
            op.detach()
            op.erase()
