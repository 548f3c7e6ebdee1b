"""Random small networks: every operator that pqc compiles, in every form."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from support.network import Draw, Network, Step
from support.random_layers import (
    average_pool,
    batch_norm,
    by_position,
    conv,
    gemm,
    global_average_pool,
    max_pool,
    reduce_map,
)
from support.random_moves import (
    concat,
    depth_to_space,
    gather,
    pad,
    reshape,
    resize,
    slices,
    space_to_depth,
    split,
    tile,
    transpose,
)
from support.random_pointwise import (
    add,
    clip,
    function,
    gelu,
    multiply,
    prelu,
    relu,
    softmax,
    squeeze_and_excite,
    subtract,
    swish,
)

from pqc.passes.options import PqOptions

LARGEST = 4096
"""Elements of an activation; beyond, only what shrinks it is added."""

images = st.tuples(st.integers(1, 20), st.integers(1, 12), st.integers(1, 12))
features = st.tuples(st.integers(1, 40))
sequences = st.tuples(st.integers(1, 12), st.integers(1, 16))

MOVING: list[Step] = [concat, slices, split, gather, tile, pad, transpose, reshape]
POINTWISE: list[Step] = [softmax, function, function, swish, gelu, prelu, subtract, multiply]
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
