"""Collections are rare during a command, and as they were after it."""

from __future__ import annotations

import gc

import pytest

from pqc.cli.memory import NEW_OBJECTS, rare_collections


def test_collections_are_rare_inside_and_as_before_behind() -> None:
    before = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold() == (NEW_OBJECTS, *before[1:])
        assert gc.isenabled()
    assert gc.get_threshold() == before


def test_an_error_changes_nothing() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="inside"), rare_collections():
        raise ValueError("inside")
    assert gc.get_threshold() == before
