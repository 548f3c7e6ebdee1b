"""Random small networks as ONNX models: every operator that pqc compiles, in every form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import helper
from support.onnx_models import model, node

from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.window import Window
from pqc.passes.options import PqOptions

Draw: TypeAlias = st.DrawFn
Frame: TypeAlias = tuple[int, ...]

LARGEST = 4096
"""Elements of an activation; beyond, only what shrinks it is added."""


class Network:
    """A model being written; ``frames`` holds the shape of each activation without the frames."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs: dict[str, Frame] = {}
        self.frames: dict[str, Frame] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, AnyArray] = {}
        self.outputs: list[str] = []

    def take(self, frame: Frame) -> None:
        """One more input."""
        name = f"input{len(self.inputs)}"
        self.inputs[name] = self.frames[name] = frame

    def constant(self, values: AnyArray) -> str:
        """A constant by a new name."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = values
        return name

    def weights(self, *shape: int) -> str:
        """Normally distributed numbers that keep activations about as large as they are."""
        reach = 1 / np.sqrt(np.prod(shape[1:], dtype=float))
        return self.constant((self.random.normal(size=shape) * reach).astype(np.float32))

    def numbers(self, *values: int) -> str:
        """A list of integers."""
        return self.constant(np.array(values, np.int64))

    def add(self, kind: str, operands: Sequence[str], frame: Frame, **attributes: object) -> str:
        """One more node, and the name of its result."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(node(kind, operands, [name], name=name, **attributes))
        self.frames[name] = frame
        return name

    def give(self, name: str) -> None:
        """One more output, under a name of its own."""
        self.outputs.append(f"output{len(self.outputs)}")
        self.nodes.append(node("Identity", [name], [self.outputs[-1]], name=self.outputs[-1]))

    def __repr__(self) -> str:
        """The nodes, one a line, as failing examples show them."""
        lines = [f"{name} = input {frame}" for name, frame in self.inputs.items()]
        for one in self.nodes:
            attributes = {entry.name: helper.get_attribute_value(entry) for entry in one.attribute}
            lines.append(f"{one.output[0]} = {one.op_type} {', '.join(one.input)} {attributes}")
        lines += [f"{name} = constant {array.shape}" for name, array in self.constants.items()]
        return "\n".join(lines)

    @property
    def unread(self) -> list[str]:
        """Activations that nothing reads."""
        read = {name for one in self.nodes for name in one.input}
        return [name for name in self.frames if name not in read]

    @property
    def proto(self) -> onnx.ModelProto:
        """The model."""
        shapes = {name: ("N", *frame) for name, frame in self.inputs.items()}
        return model(self.nodes, self.constants, shapes, self.outputs, opset=14)

    def data(self, count: int, seed: int = 0) -> dict[str, FloatArray]:
        """Normally distributed frames for each input."""
        random = np.random.default_rng(seed)
        return {name: random.normal(size=(count, *frame)).astype(np.float32) for name, frame in self.inputs.items()}


def three_convolutions(seed: int = 0) -> Network:
    """A first convolution, which stays conventional, then a large layer and one that all results go through."""
    network = Network(seed)
    network.take((2, 6, 6))
    x, channels = "input0", 2
    for outputs in (8, 12, 3):
        weights = network.weights(outputs, channels, 3, 3), network.weights(outputs)
        x = network.add("Conv", [x, *weights], (outputs, 6, 6), pads=[1, 1, 1, 1])
        x, channels = network.add("Relu", [x], (outputs, 6, 6)), outputs
    network.give(x)
    return network


def residual_network(seed: int = 0) -> Network:
    """Two convolutions with a residual addition around the second, a global mean and a matrix product."""
    network = Network(seed)
    network.take((2, 6, 6))
    around: dict[str, object] = {"pads": [1, 1, 1, 1]}
    stem = network.add("Conv", ["input0", network.weights(4, 2, 3, 3), network.weights(4)], (4, 6, 6), **around)
    start = network.add("Relu", [stem], (4, 6, 6))
    body = network.add("Conv", [start, network.weights(4, 4, 3, 3), network.weights(4)], (4, 6, 6), **around)
    total = network.add("Add", [body, start], (4, 6, 6))
    end = network.add("Relu", [total], (4, 6, 6))
    mean = network.add("GlobalAveragePool", [end], (4, 1, 1))
    flat = network.add("Flatten", [mean], (4,))
    network.give(network.add("Gemm", [flat, network.weights(3, 4), network.weights(3)], (3,), transB=1))
    return network


Step: TypeAlias = Callable[[Draw, Network, str], str | None]
"""Adds a node that reads an activation; None if no such node can."""

images = st.tuples(st.integers(1, 20), st.integers(1, 12), st.integers(1, 12))
features = st.tuples(st.integers(1, 40))
sequences = st.tuples(st.integers(1, 12), st.integers(1, 16))


def _window(draw: Draw, frame: Frame, *, dilated: bool, pooling: bool) -> Window | None:
    """A window that fits on ``frame``, and never lies wholly in the padding."""
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    strides = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    dilations = draw(st.tuples(st.integers(1, 2), st.integers(1, 2))) if dilated else (1, 1)
    most = kernel if pooling else Window(kernel, dilations=dilations).extent
    pads = [draw(st.integers(0, size - 1)) for size in (*most, *most)]
    window = Window(kernel, strides, (pads[0], pads[1], pads[2], pads[3]), dilations)
    return window if min(window.output_size(frame[1], frame[2])) >= 1 else None


def _attributes(window: Window) -> dict[str, object]:
    names = {"kernel_shape": window.kernel, "strides": window.strides, "pads": window.pads}
    return {name: list(values) for name, values in names.items()}


def conv(draw: Draw, network: Network, x: str) -> str | None:
    frame = network.frames[x]
    window = _window(draw, frame, dilated=True, pooling=False)
    if window is None:
        return None
    divisors = [size for size in range(1, frame[0] + 1) if frame[0] % size == 0]
    group = draw(st.sampled_from([1, 1, *divisors]))
    outputs = group * draw(st.integers(1, max(1, 40 // group)))
    operands = [x, network.weights(outputs, frame[0] // group, *window.kernel)]
    if draw(st.booleans()):
        operands.append(network.weights(outputs))
    size = (outputs, *window.output_size(frame[1], frame[2]))
    return network.add("Conv", operands, size, group=group, dilations=list(window.dilations), **_attributes(window))


def gemm(draw: Draw, network: Network, x: str) -> str:
    outputs = draw(st.integers(1, 40))
    operands = [x, network.weights(outputs, *network.frames[x]), network.weights(outputs)]
    return network.add("Gemm", operands, (outputs,), transB=1)


def batch_norm(draw: Draw, network: Network, x: str) -> str:
    channels = network.frames[x][0]
    arrays = [network.random.normal(size=channels).astype(np.float32) for _ in range(3)]
    variance = (network.random.random(channels) + 0.5).astype(np.float32)
    parameters = [network.constant(array) for array in (*arrays, variance)]
    return network.add("BatchNormalization", [x, *parameters], network.frames[x])


def relu(draw: Draw, network: Network, x: str) -> str:
    return network.add("Relu", [x], network.frames[x])


def clip(draw: Draw, network: Network, x: str) -> str:
    bounds = draw(st.sampled_from([(0.0, 0.5), (-0.5, 0.5), (0.0, None), (None, 0.25), (-2.0, -0.25), (0.5, 6.0)]))
    names = ["" if bound is None else network.constant(np.array(bound, np.float32)) for bound in bounds]
    return network.add("Clip", [x, *names], network.frames[x])


def add(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    if draw(st.booleans()):
        shape = (frame[0], *[1] * (len(frame) - 1))
        other = network.constant(network.random.normal(size=shape).astype(np.float32))
    else:
        other = draw(st.sampled_from([name for name, size in network.frames.items() if size == frame]))
    return network.add("Add", draw(st.permutations([x, other])), frame)


FUNCTIONS: list[tuple[str, dict[str, object]]] = [
    ("Sigmoid", {}),
    ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
    ("HardSwish", {}),
    ("Tanh", {}),
    ("LeakyRelu", {"alpha": 0.2}),
    ("Elu", {}),
    ("Softplus", {}),
    ("Erf", {}),
    ("Abs", {}),
    ("Neg", {}),
]
"""Operators that are a function of one number, with attributes."""


def function(draw: Draw, network: Network, x: str) -> str:
    kind, attributes = draw(st.sampled_from(FUNCTIONS))
    return network.add(kind, [x], network.frames[x], **attributes)


def swish(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    return network.add("Mul", [x, network.add("Sigmoid", [x], frame)], frame)


def gelu(draw: Draw, network: Network, x: str) -> str:
    """As PyTorch writes it."""
    frame = network.frames[x]

    def number(value: float) -> str:
        return network.constant(np.array(value, np.float32))

    bent = network.add("Erf", [network.add("Div", [x, number(2**0.5)], frame)], frame)
    product = network.add("Mul", [x, network.add("Add", [bent, number(1)], frame)], frame)
    return network.add("Mul", [product, number(0.5)], frame)


def prelu(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    slope = network.random.uniform(0, 0.5, size=(frame[0], *[1] * (len(frame) - 1))).astype(np.float32)
    return network.add("PRelu", [x, network.constant(slope)], frame)


def subtract(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    other = draw(st.sampled_from([name for name, size in network.frames.items() if size == frame]))
    return network.add("Sub", [x, other], frame)


def multiply(draw: Draw, network: Network, x: str) -> str:
    """By a constant of each channel, or by what has the same shape but for sizes of 1."""
    frame = network.frames[x]
    if draw(st.booleans()):
        factors = network.random.normal(size=(frame[0], *[1] * (len(frame) - 1))).astype(np.float32)
        return network.add("Mul", [x, network.constant(factors)], frame)
    fitting = [
        name
        for name, size in network.frames.items()
        if len(size) == len(frame) and all(one in (1, whole) for one, whole in zip(size, frame, strict=True))
    ]
    return network.add("Mul", draw(st.permutations([x, draw(st.sampled_from(fitting))])), frame)


def squeeze_and_excite(draw: Draw, network: Network, x: str) -> str:
    """A gate for each channel that follows from the mean of all channels."""
    frame = network.frames[x]
    mean = network.add("GlobalAveragePool", [x], (frame[0], 1, 1))
    mixed = network.add("Conv", [mean, network.weights(frame[0], frame[0], 1, 1)], (frame[0], 1, 1))
    return network.add("Mul", [x, network.add("Sigmoid", [mixed], (frame[0], 1, 1))], frame)


def max_pool(draw: Draw, network: Network, x: str) -> str | None:
    return _pool(draw, network, x, "MaxPool", dilated=True)


def average_pool(draw: Draw, network: Network, x: str) -> str | None:
    return _pool(draw, network, x, "AveragePool", dilated=False)


def _pool(draw: Draw, network: Network, x: str, kind: str, *, dilated: bool) -> str | None:
    frame = network.frames[x]
    window = _window(draw, frame, dilated=dilated, pooling=True)
    # on a map of one row or column a dilated window can lie wholly in the padding, where it has no maximum
    if window is None or (window.dilations != (1, 1) and min(frame[1:]) < 2):
        return None
    own: dict[str, object] = {"dilations": list(window.dilations)} if dilated else {}
    if kind == "AveragePool":
        own["count_include_pad"] = draw(st.integers(0, 1))
    return network.add(kind, [x], (frame[0], *window.output_size(frame[1], frame[2])), **_attributes(window), **own)


def global_average_pool(draw: Draw, network: Network, x: str) -> str:
    return network.add("GlobalAveragePool", [x], (network.frames[x][0], 1, 1))


def concat(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    axis = draw(st.integers(0, len(frame) - 1))
    rest = frame[:axis] + frame[axis + 1 :]
    fitting = [
        name
        for name, size in network.frames.items()
        if len(size) == len(frame) and size[:axis] + size[axis + 1 :] == rest
    ]
    parts = [x, *draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=2))]
    total = sum(network.frames[name][axis] for name in parts)
    return network.add("Concat", parts, (*frame[:axis], total, *frame[axis + 1 :]), axis=axis + 1)


def slices(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    starts = [draw(st.integers(0, size - 1)) for size in frame]
    ends = [draw(st.integers(start + 1, size)) for start, size in zip(starts, frame, strict=True)]
    steps = [draw(st.integers(1, 3)) for _ in frame]
    taken = tuple(len(range(*part)) for part in zip(starts, ends, steps, strict=True))
    axes = range(1, len(frame) + 1)
    return network.add("Slice", [x, *(network.numbers(*part) for part in (starts, ends, axes, steps))], taken)


def split(draw: Draw, network: Network, x: str) -> str | None:
    frame = network.frames[x]
    axis = draw(st.integers(0, len(frame) - 1))
    if frame[axis] < 2:
        return None
    first = draw(st.integers(1, frame[axis] - 1))
    name = f"split{len(network.nodes)}"
    parts = [f"{name}.{index}" for index in range(2)]
    sizes = network.numbers(first, frame[axis] - first)
    network.nodes.append(node("Split", [x, sizes], parts, name=name, axis=axis + 1))
    for part, size in zip(parts, (first, frame[axis] - first), strict=True):
        network.frames[part] = (*frame[:axis], size, *frame[axis + 1 :])
    return parts[0]


def gather(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    axis = draw(st.integers(0, len(frame) - 1))
    places = draw(st.lists(st.integers(0, frame[axis] - 1), min_size=1, max_size=6))
    taken = (*frame[:axis], len(places), *frame[axis + 1 :])
    return network.add("Gather", [x, network.numbers(*places)], taken, axis=axis + 1)


def tile(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    times = [draw(st.integers(1, 3)) for _ in frame]
    grown = tuple(size * count for size, count in zip(frame, times, strict=True))
    return network.add("Tile", [x, network.numbers(1, *times)], grown)


def resize(draw: Draw, network: Network, x: str) -> str | None:
    channels, *map_ = network.frames[x]
    scales = [draw(st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0])) for _ in map_]
    sizes = [int(size * scale) for size, scale in zip(map_, scales, strict=True)]
    if min(sizes) < 1:
        return None
    rounding = draw(st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]))
    coordinates = draw(st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]))
    wanted: dict[str, object] = {"nearest_mode": rounding, "coordinate_transformation_mode": coordinates}
    operands = [x, "", network.constant(np.array([1, 1, *scales], np.float32))]
    return network.add("Resize", operands, (channels, *sizes), **wanted)


def depth_to_space(draw: Draw, network: Network, x: str) -> str | None:
    channels, height, width = network.frames[x]
    if channels % 4:
        return None
    mode = draw(st.sampled_from(["DCR", "CRD"]))
    return network.add("DepthToSpace", [x], (channels // 4, height * 2, width * 2), blocksize=2, mode=mode)


def space_to_depth(draw: Draw, network: Network, x: str) -> str | None:
    channels, height, width = network.frames[x]
    size = draw(st.integers(2, 3))
    if height % size or width % size:
        return None
    shape = (channels * size * size, height // size, width // size)
    return network.add("SpaceToDepth", [x], shape, blocksize=size)


def reduce_map(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    axes = draw(st.lists(st.integers(1, len(frame)), min_size=1, max_size=len(frame), unique=True))
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(frame, start=1))
    kind = draw(st.sampled_from(["ReduceMean", "ReduceMax"]))
    return network.add(kind, [x], kept, axes=axes)


def by_position(draw: Draw, network: Network, x: str) -> str:
    """A matrix product along the last dimension, and a constant for each of its results."""
    *rest, features = network.frames[x]
    outputs = draw(st.integers(1, 12))
    factors = network.weights(features, outputs)
    made = network.add("MatMul", [x, factors], (*rest, outputs))
    return network.add("Add", [made, network.weights(outputs)], (*rest, outputs)) if draw(st.booleans()) else made


def pad(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    before, after = ([draw(st.integers(0, 2)) for _ in frame] for _ in range(2))
    grown = tuple(sum(sizes) for sizes in zip(frame, before, after, strict=True))
    return network.add("Pad", [x, network.numbers(0, *before, 0, *after)], grown)


def transpose(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    order = draw(st.permutations(range(len(frame))))
    moved = tuple(frame[axis] for axis in order)
    return network.add("Transpose", [x], moved, perm=[0, *(axis + 1 for axis in order)])


def reshape(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    size = int(np.prod(frame))
    columns = draw(st.sampled_from([c for c in range(1, min(size, 12) + 1) if size % c == 0]))
    rows = draw(st.sampled_from([r for r in range(1, min(size, 12) + 1) if size // columns % r == 0]))
    shape = draw(st.sampled_from([(size,), (size // columns // rows, rows, columns)]))
    return network.add("Reshape", [x, network.numbers(0, *shape)], shape)


MOVING: list[Step] = [concat, slices, split, gather, tile, pad, transpose, reshape]
POINTWISE: list[Step] = [function, function, swish, gelu, prelu, subtract, multiply]
ANYWHERE: list[Step] = [relu, clip, add, batch_norm, reduce_map, *MOVING, *POINTWISE]
ON_IMAGES: list[Step] = [
    *(conv, conv, conv, conv, conv, conv, by_position, squeeze_and_excite),
    *(max_pool, average_pool, global_average_pool, resize, depth_to_space, space_to_depth, *ANYWHERE),
]
ON_FEATURES: list[Step] = [gemm, gemm, *ANYWHERE]
ON_SEQUENCES: list[Step] = [by_position, by_position, *ANYWHERE]
SHRINKING: list[Step] = [slices, relu]


@st.composite
def networks(draw: Draw, most: int = 6) -> Network:
    """A network of up to ``most`` nodes behind one or two inputs; what nothing reads is given back."""
    network = Network(draw(st.integers(0, 3)))
    network.take(draw(st.one_of(images, images, images, sequences)))
    if draw(st.integers(0, 3)) == 0:
        network.take(draw(st.one_of(images, features, sequences, st.just(network.inputs["input0"]))))
    for _ in range(draw(st.integers(1, most))):
        newest = list(network.frames)[-1]
        x = draw(st.sampled_from([newest, newest, *network.frames]))
        frame = network.frames[x]
        steps = {1: ON_FEATURES, 2: ON_SEQUENCES}.get(len(frame), ON_IMAGES)
        if np.prod(frame) > LARGEST:
            steps = SHRINKING
        draw(st.sampled_from(steps))(draw, network, x)
    for name in network.unread:
        network.give(name)
    if draw(st.integers(0, 3)) == 0:
        network.give(draw(st.sampled_from(list(network.frames))))
    return network


@st.composite
def options(draw: Draw) -> PqOptions:
    """Any way to product-quantize."""
    return PqOptions(
        prototypes=draw(st.sampled_from([2, 8, 16])),
        length=draw(st.integers(1, 9)),
        codebooks=draw(st.sampled_from(["separate", "separate", "shared"])),
        metric=draw(st.sampled_from(["l2", "l1"])),
        prototype_bits=draw(st.sampled_from([8, 8, 4])),
        table_bits=draw(st.sampled_from([8, 8, 4])),
        activation_bits=draw(st.sampled_from([8, 8, 8, 4, 12])),
    )
