"""The median of values in an array."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nn.picture.median import median


@given(arrays(np.float64, array_shapes(), elements=st.floats(-1e6, 1e6)))
def test_half_of_the_values_are_below_it(values: np.ndarray) -> None:
    before = values.copy()
    assert median(values) == pytest.approx(statistics.median(values.ravel().tolist()))
    assert np.array_equal(values, before)


def test_a_single_value_is_its_own_median() -> None:
    assert median(np.array([[0.3]], np.float32)) == pytest.approx(0.3)
