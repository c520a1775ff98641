"""Calibration: it changes how sure the network is, never what it answers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nn.layers import Dense, Flatten, ReLU
from nn.model import Sequential
from nn.numbers import DIGITS, NO_DIGIT, SEVERAL
from nn.recognizer import Recognizer, as_input
from train.calibrate import (
    STILL_REFUSED,
    calibrate,
    calibrate_pictures,
    calibration_error,
    calibration_error_by_chance,
    refusal_threshold,
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


def test_all_scores_are_divided_by_the_temperature():
    model, part = overconfident_part()
    model.layers[-1].params["bias"][:] = np.linspace(-1, 1, DIGITS)
    before = model.forward(as_input(part.images[:9]))
    temperature = calibrate(model, {"some": part})
    assert temperature > 1
    assert np.allclose(model.forward(as_input(part.images[:9])) * temperature, before, atol=1e-5)


def test_each_part_counts_the_same_whatever_its_size():
    def temperature(copies: int) -> float:
        model, part = overconfident_part()
        wrong = Labelled(part.images[:60], (part.labels[:60] + 1) % DIGITS)
        many = Labelled(np.tile(wrong.images, (copies, 1, 1)), np.tile(wrong.labels, copies))
        return calibrate(model, {"some": part, "wrong": many})

    assert temperature(1) == temperature(10) > 2.7  # what fits the first alone is about 2.5


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
    nearly = np.array([[1, 0], [0.95, 0.05]], np.float32)  # certain is in the last bin too
    assert calibration_error(nearly, np.array([1, 0])) == pytest.approx(0.95 / 2)
    half = np.array([[0.5, 0.5], [0.5, 0.5]], np.float32)
    assert calibration_error(half, np.array([0, 1])) == pytest.approx(0)
    both = np.concatenate([sure, half])  # too sure of some does not make up for others
    assert calibration_error(both, np.array([0, 1, 0, 0])) == pytest.approx(0.5)


def test_exact_confidence_is_measured_as_far_off_as_chance_makes_it():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 800)
    probabilities = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)
    drawn = [(rng.random(800) >= confidence).astype(np.uint8) for _ in range(300)]
    measured = np.mean([calibration_error(probabilities, labels) for labels in drawn])
    by_chance = calibration_error_by_chance(probabilities)
    assert by_chance == pytest.approx(measured, rel=0.05)
    assert calibration_error_by_chance(np.tile(probabilities, (100, 1)), draws=5) < by_chance / 5


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


@pytest.fixture
def told(monkeypatch):
    """A recognizer that is told by two pixels of an image how likely it is none."""

    def predictions(recognizer: Recognizer, part: Labelled) -> NDArray[np.float32]:
        none = part.images[:, 0, :2] @ (np.array([256, 1], np.float32) / 65535)
        found = np.zeros((len(none), SEVERAL + 1), np.float32)
        found[:, 0], found[:, NO_DIGIT], found[:, SEVERAL] = 1 - none, none / 4, none * 3 / 4
        return found

    monkeypatch.setattr("train.calibrate.predictions", predictions)
    return Recognizer(overconfident_part(SEVERAL + 1)[0], {})


def likely_none(none: NDArray[np.floating], label: int) -> Labelled:
    images = np.zeros((len(none), 28, 28), np.uint8)
    images[:, 0, :2] = np.stack(np.divmod(np.rint(none * 65535), 256), axis=1)
    return Labelled(images, np.full(len(none), label, np.uint8))


@pytest.mark.parametrize("count", [120, 150, 199])
def test_one_digit_in_a_hundred_may_be_refused(told, count):
    none = np.linspace(0.4, 0.85, count)
    threshold = refusal_threshold(told, {"some": likely_none(none, 7)})
    assert 0.01 - 1 / count < (none > threshold + 1e-4).mean() <= 0.01
    assert refusal_threshold(told, {"some": likely_none(none, NO_DIGIT)}) == 0.5


def test_what_is_surely_no_digit_is_refused_whatever_digits_look_like(told):
    assert refusal_threshold(told, {"some": likely_none(np.full(9, 0.99), 7)}) == 0.9


@pytest.mark.parametrize("count", [120, 150, 160])
def test_in_pictures_92_marks_in_a_hundred_are_still_refused(told, count):
    none = np.linspace(0.55, 0.95, count)
    parts = {"digits": likely_none(np.zeros(9), 3), "marks": likely_none(none, NO_DIGIT)}
    refused = (none > calibrate_pictures(told, parts)["refuse_from"]).mean()
    assert 0.92 <= refused < 0.92 + 1 / count


@pytest.mark.parametrize(("none", "refuse_from"), [(0.99, 0.9), (0.2, 0.5)])
def test_the_threshold_of_pictures_has_limits(told, none, refuse_from):
    marks = likely_none(np.full(9, none), NO_DIGIT)
    parts = {"digits": likely_none(np.zeros(9), 3), "marks": marks}
    assert calibrate_pictures(told, parts)["refuse_from"] == refuse_from
