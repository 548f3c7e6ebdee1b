"""Linear equations by the Cholesky factor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import positive_solver
from pqc.codebook.positive_solver import PositiveSolver


@given(seed=st.integers(0, 1000), rows=st.integers(1, 40), columns=st.integers(1, 5), block=st.integers(1, 50))
def test_solves_for_every_right_side(seed: int, rows: int, columns: int, block: int) -> None:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(rows, rows))
    matrix = factor @ factor.T + np.eye(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(positive_solver, "BLOCK", block)
        solver = PositiveSolver(matrix)
    for _ in range(2):
        right = random.normal(size=(rows, columns))
        kept = right.copy()
        assert np.allclose(matrix @ solver.solve(right), right)
        assert np.array_equal(right, kept)


def test_refuses_a_matrix_that_is_not_positive_definite() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        PositiveSolver(np.diag([1.0, -1.0]))
