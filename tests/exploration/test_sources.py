"""What identifies a network and its data, and what is refused before any work is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.command_line import small_network
from support.sweeps import write_network

from pqc.errors import ModelError
from pqc.exploration.sources import ERROR_FRAMES, Identity, Sources, identify
from pqc.frontend.preprocessing import Preprocessing
from pqc.passes.options import PqOptions


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return write_network(tmp_path)


@pytest.fixture
def identity(sources: Sources) -> Identity:
    return identify(sources, [8, 16])


def test_equal_files_have_equal_identities(sources: Sources, identity: Identity, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    assert identify(write_network(tmp_path / "copy"), [8, 16]) == identity
    assert set(identity.calibration) == {8, 16}
    assert identity.labelled
    assert not identify(replace(sources, evaluation=None), [8]).labelled


def test_the_model_is_its_weights_and_its_graph(sources: Sources, identity: Identity) -> None:
    made = small_network()
    made.doc_string = "says nothing about what is computed"
    sources.model.write_bytes(made.SerializeToString())
    assert identify(sources, [8, 16]) == identity
    weight = onnx.numpy_helper.to_array(made.graph.initializer[0]).copy()
    weight[0, 0, 0, 0] += 1
    made.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weight, made.graph.initializer[0].name))
    sources.model.write_bytes(made.SerializeToString())
    assert identify(sources, [8, 16]).model != identity.model


def test_only_the_frames_that_are_used_count(sources: Sources, identity: Identity) -> None:
    assert sources.calibration is not None
    images = np.load(sources.calibration)["images"]
    images[12] += 1
    np.savez(sources.calibration, images=images)
    changed = identify(sources, [8, 16])
    assert changed.calibration[8] == identity.calibration[8]
    assert changed.calibration[16] != identity.calibration[16]
    assert changed.evaluation == identity.evaluation


def test_without_a_limit_the_frames_are_as_many_as_the_options_say(sources: Sources) -> None:
    assert sources.calibration is not None
    images = np.load(sources.calibration)["images"]
    whole = identify(sources, [None, len(images)]).calibration
    assert whole[None] == whole[len(images)]
    found = sources.calibration_frames(PqOptions())
    assert found is not None
    assert len(found["x"]) == len(images)


def test_images_labels_limit_and_preprocessing_count(sources: Sources, identity: Identity) -> None:
    assert sources.evaluation is not None
    assert identify(replace(sources, images=40), [8]).evaluation == identity.evaluation
    assert identify(replace(sources, images=39), [8]).evaluation != identity.evaluation
    prepared = identify(replace(sources, preprocessing=Preprocessing((0.0,) * 3, (1.0,) * 3)), [8])
    assert prepared.evaluation != identity.evaluation
    assert prepared.calibration[8] != identity.calibration[8]
    content = dict(np.load(sources.evaluation))
    content["labels"][3] = (content["labels"][3] + 1) % 5
    np.savez(sources.evaluation, allow_pickle=False, **content)
    assert identify(sources, [8]).evaluation != identity.evaluation


def test_without_data_everything_is_synthetic(sources: Sources) -> None:
    bare = Sources(sources.model)
    identity = identify(bare, [8, 16])
    assert len(set(identity.calibration.values())) == 1
    assert bare.calibration_frames(PqOptions(images=8)) is None
    assert bare.evaluation_data().frames(0, 4)["x"].shape == (4, 3, 8, 8)


def test_what_was_learned_on_gives_no_accuracy(sources: Sources) -> None:
    assert sources.calibration is not None
    images = np.zeros((ERROR_FRAMES + 5, 3, 8, 8), np.uint8)
    np.savez(sources.calibration, images=images, labels=np.zeros(len(images), np.int64))
    data = replace(sources, evaluation=None).evaluation_data()
    assert (data.images, data.labels) == (ERROR_FRAMES, None)


def test_labels_must_be_classes(sources: Sources) -> None:
    assert sources.evaluation is not None
    images = np.zeros((2, 3, 8, 8), np.float32)
    np.savez(sources.evaluation, images=images, labels=np.array([0, 5]))
    with pytest.raises(ModelError, match=r"e\.npz: array 'labels' has values from 0 to 5, allowed are 0 to 4 by the 5"):
        identify(sources, [8])


def test_labels_need_one_number_a_class(sources: Sources) -> None:
    made = small_network()
    del made.graph.node[4:]
    made.graph.output[0].name = "d"
    made.graph.output[0].ClearField("type")
    made.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    sources.model.write_bytes(made.SerializeToString())
    with pytest.raises(ModelError, match=r"labels, which need an output with one number a class; output 'd' is"):
        identify(sources, [8])


def test_data_for_another_model(sources: Sources) -> None:
    assert sources.calibration is not None
    np.savez(sources.calibration, images=np.zeros((4, 3, 8, 7)))
    with pytest.raises(ModelError, match=r"c\.npz: array 'images' is \[4, 3, 8, 7\], the model takes \[n, 3, 8, 8\]"):
        identify(sources, [8])
