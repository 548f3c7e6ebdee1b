"""The self-test's inputs and digests must never change: program files carry them."""

from __future__ import annotations

import numpy as np

from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa.records import Tensor

IMAGES = Tensor("images", (3, 2, 2), bits=8, signed=False, scale=1.0, address=0)

KNOWN_INPUTS = [113, 38, 134, 157, 13, 9, 216, 107, 112, 185, 164, 160]
KNOWN_DIGEST = "e1217855b9beacae711a8f471535f28f01ac2697bdabd1c4752caab9fc51e3a7"


def test_known_values() -> None:
    inputs = self_test_inputs([IMAGES], seed=7, frames=1)
    assert inputs["images"].dtype == np.uint8
    assert inputs["images"].ravel().tolist() == KNOWN_INPUTS
    assert digest(inputs) == KNOWN_DIGEST


def test_the_first_frames_do_not_depend_on_how_many_there_are() -> None:
    few, many = (self_test_inputs([IMAGES], seed=3, frames=frames)["images"] for frames in (2, 5))
    assert (many[:2] == few).all()
    assert not (many[0] == many[1]).all()


def test_seed_and_name_matter() -> None:
    other = Tensor("other", (3, 2, 2), bits=8, signed=False, scale=1.0, address=12)
    found = self_test_inputs([IMAGES, other], seed=1, frames=4)
    assert not (found["images"] == found["other"]).all()
    assert not (found["images"] == self_test_inputs([IMAGES], seed=2, frames=4)["images"]).all()


def test_all_values_of_the_element_type_come_up() -> None:
    for bits, signed in ((1, False), (2, True), (5, True), (8, False), (8, True)):
        tensor = Tensor("x", (50, 20, 20), bits=bits, signed=signed, scale=1.0, address=0)
        values = self_test_inputs([tensor], seed=0, frames=1)["x"]
        element = tensor.element
        assert values.dtype == element.storage
        assert np.unique(values).tolist() == list(range(element.minimum, element.maximum + 1))


def test_sixteen_bits() -> None:
    tensor = Tensor("x", (1000,), bits=16, signed=True, scale=1.0, address=0)
    values = self_test_inputs([tensor], seed=0, frames=1)["x"]
    assert values.dtype == np.int16
    assert values.min() < -30000 < 30000 < values.max()


def test_digest_depends_on_values_names_and_shapes_only() -> None:
    values = np.arange(6).reshape(2, 3)
    assert digest({"y": values}) == digest({"y": values.astype(np.int16)})
    assert digest({"a": values, "b": values}) == digest({"b": values, "a": values})
    others = [{"z": values}, {"y": values + 1}, {"y": values.reshape(3, 2)}, {"y": values, "z": values}]
    assert digest({"y": values}) not in {digest(other) for other in others}
