"""The shadow of a memory against a list of everything that was touched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pqc.isa.access import Access
from pqc.isa.fields import Memory, Unit
from pqc.isa.shadow import Rival, Shadow

BASE, SIZE = 5, 60

counts = st.tuples(*[st.integers(0, 3)] * 3)
strides = st.tuples(*[st.integers(0, 7)] * 3)
accesses = st.builds(
    Access, st.just(Memory.TABLE), st.integers(BASE, BASE + 10), st.integers(0, 4), counts, strides, st.booleans(),
    st.just("field"),
)  # fmt: skip
touches = st.lists(st.tuples(accesses, st.sampled_from([Unit.LOAD, Unit.STORE, Unit.VECTOR])), max_size=8)


@given(touches)
def test_rivals_are_the_newest_conflicts_of_each_other_unit(touched: list[tuple[Access, Unit]]) -> None:
    shadow = Shadow(BASE, SIZE)
    before: list[tuple[set[int], bool, Unit, int]] = []
    for stamp, (access, unit) in enumerate(touched, start=1):
        places = set(access.addresses().tolist())
        expected: dict[tuple[Unit, bool], int] = {}
        for other_places, wrote, other, when in before:
            if other is not unit and places & other_places and (wrote or access.written):
                expected[other, wrote] = when
        rivals = list(shadow.rivals(access, unit))
        assert {(rival.unit, rival.wrote): rival.stamp for rival in rivals} == expected
        for rival in rivals:
            assert int(shadow.stamps(access, rival).max()) == rival.stamp
        shadow.record(access, unit, stamp)
        before.append((places, access.written, unit, stamp))


def test_what_is_forgotten_is_no_rival() -> None:
    shadow = Shadow(BASE, SIZE)
    access = Access(Memory.TABLE, BASE, 4, (1, 1, 1), (0, 0, 0), True, "field")
    shadow.record(access, Unit.LOAD, 3)
    assert list(shadow.rivals(access, Unit.STORE)) == [Rival(Unit.LOAD, True, 3)]
    assert shadow.end == BASE + SIZE
    shadow.forget()
    assert list(shadow.rivals(access, Unit.STORE)) == []
