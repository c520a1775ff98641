"""A network made ready for reading gives the answers of its layers, however it is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nn import Recognizer, toom_cook
from nn.layers import BatchNorm, Conv2D, Dense, Flatten, GlobalAvgPool2D, Layer, MaxPool2D, ReLU
from nn.layers import product as products
from nn.model import Sequential
from nn.prepared import TOGETHER, WORTH_TRANSFORMING, Prepared
from nn.recognizer import as_input
from tests.sample import sample_images

WIDE = WORTH_TRANSFORMING


@pytest.fixture(params=["with BLAS", "without"])
def blas(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test as on a computer, and as in a browser."""
    monkeypatch.setattr(products, "HAS_BLAS", request.param == "with BLAS")


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def test_the_transforms_correlate_seven_values_with_three() -> None:
    of_input, of_kernel, of_output = toom_cook.transforms()
    x, w = noise(9).astype(float), noise(3, seed=1).astype(float)
    found = of_output @ ((of_kernel @ w) * (of_input @ x))
    np.testing.assert_allclose(found, np.correlate(x, w), rtol=0, atol=1e-12)


@pytest.mark.usefixtures("blas")
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(14, 14), (7, 7), (3, 5), (8, 4), (29, 1 + 2)])
def test_it_convolves_as_the_layer_does(height: int, width: int, padding: int) -> None:
    layer = Conv2D(5, 4, padding=padding, rng=np.random.default_rng(2))
    x = noise(3, height, width, 5)
    room = toom_cook.Room(toom_cook.Kernel(layer.params["weight"]), 3, height, width, padding)
    for each in (noise(*x.shape, seed=3), x):  # what was there before leaves no trace
        np.copyto(room.input, each)
        room.run()
    np.testing.assert_allclose(room.output, layer.forward(x), rtol=0, atol=2e-5)


NETWORKS: dict[str, list[Layer]] = {
    "like the shipped one": [
        Conv2D(1, WIDE, size=5, stride=2),
        ReLU(),
        Conv2D(WIDE, 24),
        ReLU(),
        MaxPool2D(),
        Conv2D(24, 8),
        ReLU(),
        GlobalAvgPool2D(),
        Dense(8, 11),
    ],
    "without a ReLU": [Conv2D(1, WIDE), Conv2D(WIDE, 3), Flatten(), Dense(3 * 784, 10)],
    "with other layers between": [
        Conv2D(1, 4, stride=3, padding=0),
        MaxPool2D(),
        ReLU(),
        BatchNorm(4),
        Conv2D(4, 5, size=2, padding=1),
        ReLU(),
        MaxPool2D(),
        Flatten(),
        Dense(20, 10),
    ],
    "that pools odd sides, and by three": [
        Conv2D(1, WIDE, padding=0, stride=4),
        ReLU(),
        MaxPool2D(),
        Conv2D(WIDE, 4),
        ReLU(),
        MaxPool2D(3),
        Flatten(),
        Dense(4, 10),
    ],
    "that shrinks by a wide convolution": [
        Conv2D(1, WIDE, stride=2),
        ReLU(),
        Conv2D(WIDE, 4, stride=2),
        ReLU(),
        Flatten(),
        Dense(4 * 49, 10),
    ],
    "without convolutions": [Flatten(), Dense(784, 10)],
    "that ends with a convolution": [Conv2D(1, 2, stride=2), ReLU()],
}


@pytest.mark.usefixtures("blas")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_prepared_network_answers_as_its_layers_do(name: str) -> None:
    rng = np.random.default_rng(4)
    for layer in NETWORKS[name]:
        for array in layer.params.values():
            array[...] = rng.standard_normal(array.shape, dtype=np.float32) / 4
    model = Sequential(NETWORKS[name])
    prepared = Prepared(model)
    for count in (1, 3, 0, TOGETHER, 2 * TOGETHER + 1, 1):
        x = noise(count, 28, 28, 1, seed=count)
        found, expected = prepared.forward(x), model.forward(x)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("blas")
def test_the_shipped_network_keeps_its_probabilities_to_the_last_bits() -> None:
    recognizer = Recognizer.load()
    images, _ = sample_images(60, seed=5)
    plain = Recognizer(recognizer.model, recognizer.metadata)
    found, expected = recognizer.classify(images), plain.classify(images)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-6)


def test_an_answer_is_not_changed_by_the_next_one() -> None:
    prepared = Prepared(Sequential([Conv2D(1, 2, rng=np.random.default_rng(0)), ReLU()]))
    first = prepared.forward(noise(1, 28, 28, 1))
    kept = first.copy()
    prepared.forward(noise(1, 28, 28, 1, seed=1))
    np.testing.assert_array_equal(first, kept)


def test_threads_do_not_share_room() -> None:
    prepared = Prepared(Recognizer.load().model)
    images, _ = sample_images(16, seed=6)
    inputs = [as_input(image[None]) for image in images]
    alone = [prepared.forward(x) for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            for found, expected in zip(pool.map(prepared.forward, inputs), alone, strict=True):
                np.testing.assert_array_equal(found, expected)


@given(st.integers(1, 20), st.integers(1, 40), st.integers(1, 20), st.integers(1, 4))
def test_products_are_those_of_matmul(rows: int, depth: int, columns: int, count: int) -> None:
    a, b = noise(count, rows, depth), noise(count, depth, columns, seed=7)
    for has_blas in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(products, "HAS_BLAS", has_blas)
            out = np.empty((count, rows, columns), np.float32)
            products.products(a, products.arranged(b), out)
            np.testing.assert_allclose(out, a @ b, rtol=1e-4, atol=1e-4)
            small = noise(rows, depth, seed=8)
            products.combine(small, b, out)
            np.testing.assert_allclose(out, small @ b, rtol=1e-4, atol=1e-4)
