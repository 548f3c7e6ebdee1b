"""Schedule files: what is written is read again, and what is wrong is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.errors import ModelError
from pqc.planning.nest import Nest
from pqc.planning.schedule import Schedule, schedule_from_json, schedule_from_toml

counts = st.integers(1, 5000)
nests = st.builds(Nest, counts, counts, counts, counts, counts, st.booleans(), st.booleans())
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1)
schedules = st.builds(Schedule, st.none() | st.frozensets(names), st.dictionaries(names, nests, max_size=4))


@given(schedules)
def test_round_trips(schedule: Schedule) -> None:
    assert schedule_from_toml(schedule.to_toml(), "s.toml") == schedule
    assert schedule_from_json(schedule.as_json(), "s") == schedule


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("on_chip = 3", "s.toml: on_chip: input should be a valid list, found 3"),
        ("speed = 3", "s.toml: speed: unexpected keyword argument, found 3"),
        ("[layers.a]\noutputs = 0", "s.toml: layers.a.outputs: input should be greater than or equal to 1, found 0"),
        ("[layers.a]\noutputs = 1.5", "s.toml: layers.a.outputs: input should be a valid integer, found 1.5"),
        ("[layers.a]\noutputs = 1", "s.toml: layers.a.inputs: field required, found "),
        ("[layers", "s.toml: "),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        schedule_from_toml(text, "s.toml")
    assert str(caught.value).startswith(message)
