"""Calibration: it changes how sure the network is, never what it answers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nn.layers import Dense, Flatten, ReLU
from nn.model import Sequential
from nn.numbers import DIGITS, NO_DIGIT, SEVERAL
from nn.recognizer import Recognizer
from train.calibrate import (
    STILL_REFUSED,
    calibrate,
    calibrate_pictures,
    calibration_error,
)
from train.evaluate import answers
from train.examples import Labelled


def overconfident_part(outputs: int = DIGITS):
    """Return a network whose scores are 2.5 times too large, and data that it reads."""
    rng = np.random.default_rng(0)
    model = Sequential([Flatten(), Dense(784, outputs, rng)])
    images = rng.integers(0, 256, (600, 28, 28)).astype(np.uint8)
    probabilities = Recognizer(model, {}).classify(images)
    labels = np.array(
        [rng.choice(outputs, p=row / row.sum()) for row in probabilities.astype(float)]
    )
    for array in model.layers[-1].params.values():
        array *= 2.5
    return model, Labelled(images, labels.astype(np.uint8))


def test_the_right_temperature_is_found_and_no_answer_changes():
    model, part = overconfident_part()
    before = Recognizer(model, {}).classify(part.images)
    temperature = calibrate(model, {"some": part})
    after = Recognizer(model, {}).classify(part.images)
    assert temperature == pytest.approx(2.5, rel=0.2)
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    assert calibration_error(after, part.labels) < 0.5 * calibration_error(before, part.labels)


def test_parts_without_digits_count_only_if_there_are_no_others():
    def temperature(*names: str) -> float:
        model, part = overconfident_part(SEVERAL + 1)
        noise = Labelled(part.images, np.full(len(part.labels), NO_DIGIT, np.uint8))
        parts = {"some": part, "no digits": noise}
        return calibrate(model, {name: parts[name] for name in names})

    assert temperature("some") == pytest.approx(2.5, rel=0.2)
    assert temperature("some", "no digits") == temperature("some")
    assert temperature("no digits") not in (1, temperature("some"))


def test_without_anything_held_out_the_scores_stay_as_they_are():
    model, part = overconfident_part()
    before = Recognizer(model, {}).classify(part.images)
    assert calibrate(model, {}) == 1
    assert np.array_equal(Recognizer(model, {}).classify(part.images), before)


def test_a_network_without_a_dense_end_is_refused():
    with pytest.raises(ValueError, match="expected a Dense layer last, got ReLU"):
        calibrate(Sequential([ReLU()]), {})


def test_calibration_error_of_known_cases():
    sure = np.array([[1, 0], [1, 0]], np.float32)
    assert calibration_error(sure, np.array([0, 0])) == 0
    assert calibration_error(sure, np.array([1, 1])) == 1
    half = np.array([[0.5, 0.5], [0.5, 0.5]], np.float32)
    assert calibration_error(half, np.array([0, 1])) == pytest.approx(0)


def test_pictures_get_the_temperature_that_fits_them_whatever_drawings_need():
    model, part = overconfident_part()
    parts = {"pictures": part, "drawings": drawn(part, (part.labels + 1) % DIGITS)}
    recognizer = Recognizer(model, {})
    found = calibrate_pictures(recognizer, parts)
    assert found["temperature"] == recognizer.picture_temperature == pytest.approx(2.5, rel=0.2)
    sure = recognizer.classify(part.images, recognizer.picture_temperature)
    assert calibration_error(sure, part.labels) < 0.05


def test_in_pictures_as_few_digits_are_refused_as_goes_with_refusing_marks():
    rng = np.random.default_rng(0)
    model = Sequential([Flatten(), Dense(784, NO_DIGIT + 1, rng)])
    model.layers[-1].params["weight"][:] = 8 * np.eye(784, NO_DIGIT + 1)  # a pixel for each class

    def looking_like_none(least: int, most: int) -> Labelled:
        labels = rng.integers(0, DIGITS, 1000).astype(np.uint8)
        images = np.zeros((1000, 28, 28), np.uint8)
        images[np.arange(1000), 0, labels] = 128
        images[:, 0, NO_DIGIT] = rng.integers(least, most, 1000)
        return Labelled(images, labels)

    digits, others = looking_like_none(0, 180), looking_like_none(140, 240)
    marks = Labelled(others.images, np.full(1000, NO_DIGIT, np.uint8))
    recognizer = Recognizer(model, {})
    before = (answers(recognizer, digits) == NO_DIGIT).sum()
    found = calibrate_pictures(recognizer, {"digits": digits, "marks": drawn(marks)})
    assert found["refuse_from"] == recognizer.picture_refuse_from > recognizer.refuse_from
    assert (answers(recognizer, marks) == NO_DIGIT).mean() == pytest.approx(STILL_REFUSED, abs=0.01)
    assert 0 < (answers(recognizer, digits) == NO_DIGIT).sum() < before


def test_without_pictures_or_other_marks_they_are_taken_as_drawings_are():
    model, part = overconfident_part(SEVERAL + 1)
    as_drawings = {"temperature": 1.0, "refuse_from": 0.5}
    assert calibrate_pictures(Recognizer(model, {}), {}) == as_drawings
    assert calibrate_pictures(Recognizer(model, {}), {"drawings": drawn(part)}) == as_drawings
    marks = Labelled(part.images, np.full(len(part.labels), NO_DIGIT, np.uint8))
    assert calibrate_pictures(Recognizer(model, {}), {"marks": marks}) == as_drawings


def drawn(part: Labelled, labels: NDArray[np.uint8] | None = None) -> Labelled:
    return Labelled(part.images, part.labels if labels is None else labels, drawn=True)
