"""The explanation of an answer is the network's own: it adds up, and it points the right way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nn import Recognizer
from nn.explain import evidence, feature_maps
from nn.ink import ink
from nn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, ReLU
from nn.model import Sequential
from nn.numbers import DIGITS
from nn.recognizer import as_input

DRAWINGS = json.loads((Path(__file__).parents[1] / "fixtures" / "drawings.json").read_text("utf-8"))
IMAGES = [ink(drawing["strokes"]) for drawing in DRAWINGS[::8]]


@pytest.fixture(scope="module")
def model() -> Sequential:
    return Recognizer.load().model


@pytest.mark.parametrize("image", IMAGES[::3])
def test_the_shares_of_all_pixels_add_up_to_the_change_of_the_score(
    model: Sequential, image: NDArray[np.uint8]
) -> None:
    blank, seen = model.forward(as_input(np.stack([np.zeros_like(image), image])))[:, :DIGITS]
    found = evidence(model, image, steps=1024)
    change = seen - blank
    others = (change.sum() - change[found.digit]) / (DIGITS - 1)
    assert found.for_digit.sum() == pytest.approx(change[found.digit] - others, rel=0.01, abs=0.1)
    wanted = change[found.digit] - change[found.second]
    assert found.against_second.sum() == pytest.approx(wanted, rel=0.01, abs=0.1)


def test_the_usual_steps_are_enough_for_a_sum_within_an_eighth(model: Sequential) -> None:
    for image in IMAGES:
        blank, seen = model.forward(as_input(np.stack([np.zeros_like(image), image])))[:, :DIGITS]
        found, change = evidence(model, image), seen - blank
        others = (change.sum() - change[found.digit]) / (DIGITS - 1)
        assert found.for_digit.sum() == pytest.approx(change[found.digit] - others, rel=0.125)


def test_slopes_are_taken_in_the_middle_of_each_step() -> None:
    kinked = Sequential([Flatten(), Dense(784, 10), ReLU()])
    image = np.zeros((28, 28), np.uint8)
    image[14, 14] = 255
    kinked.layers[1].params["weight"][14 * 28 + 14, 3] = 1
    kinked.layers[1].params["bias"][3] = -0.5  # 0 until the pixel is half as bright, then a slope
    assert evidence(kinked, image, steps=2).for_digit[14, 14] == pytest.approx(0.5)


def test_the_two_digits_are_the_two_likeliest(model: Sequential) -> None:
    for image in IMAGES:
        scores = model.forward(as_input(image[None]))[0, :DIGITS]
        found = evidence(model, image)
        assert [found.digit, found.second] == list(np.argsort(-scores)[:2])


def test_pixels_without_ink_say_nothing(model: Sequential) -> None:
    for image in IMAGES:
        found = evidence(model, image)
        assert found.for_digit.dtype == np.float32
        assert found.for_digit.shape == found.against_second.shape == (28, 28)
        assert not found.for_digit[image == 0].any()


def test_a_linear_network_gives_each_pixel_its_weight() -> None:
    rng = np.random.default_rng(1)
    model = Sequential([Flatten(), Dense(784, 10, rng)])
    image = rng.integers(0, 256, (28, 28), np.uint8)
    found = evidence(model, image)
    weight = model.layers[1].params["weight"]
    difference = (weight[:, found.digit] - weight[:, found.second]).reshape(28, 28)
    expected = difference * as_input(image[None])[0, :, :, 0]
    np.testing.assert_allclose(found.against_second, expected, rtol=1e-3, atol=1e-5)


def test_there_is_a_map_for_each_filter_of_each_convolution(model: Sequential) -> None:
    maps = feature_maps(model, IMAGES[0])
    filters = [layer.outputs for layer in model.layers if isinstance(layer, Conv2D)]
    assert [found.shape[2] for found in maps] == filters
    for found in maps:
        assert found.dtype == np.float32
        assert found.min() >= 0
        assert found.max() > 0


def test_a_map_is_what_its_filter_finds() -> None:
    """A filter that looks for the pixel itself finds the picture."""
    model = Sequential([Conv2D(1, 1, size=3), ReLU(), Flatten(), Dense(784, 10)])
    model.layers[0].params["weight"][1, 1, 0, 0] = 1
    (found,) = feature_maps(model, IMAGES[0])
    np.testing.assert_allclose(found[:, :, 0], as_input(IMAGES[0][None])[0, :, :, 0])


def test_a_network_in_training_is_explained_as_it_reads() -> None:
    rng = np.random.default_rng(5)
    model = Sequential(
        [
            Conv2D(1, 4, rng=rng),
            BatchNorm(4),
            ReLU(),
            Flatten(),
            Dropout(50),
            Dense(4 * 784, 10, rng),
        ]
    )
    model.forward(as_input(np.stack(IMAGES)), training=True)
    before = {name: array.copy() for name, array in model.arrays().items()}
    for image in IMAGES:
        found = evidence(model, image, steps=64)
        scores = model.forward(as_input(np.stack([image, np.zeros_like(image)])))
        digit = int(scores[0].argmax())
        margin = scores[:, digit] - np.delete(scores, digit, axis=1).mean(axis=1)
        assert found.digit == digit
        assert found.for_digit.sum() == pytest.approx(margin[0] - margin[1], abs=0.02)
    assert all(np.array_equal(array, before[name]) for name, array in model.arrays().items())


def test_an_explanation_leaves_nothing_behind(model: Sequential) -> None:
    evidence(model, IMAGES[0])
    with pytest.raises(RuntimeError):
        model.backward(np.ones((1, 10), np.float32))
