"""The face of the package: drawings, pictures and images in, readings out, from any thread."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import nn
from nn import Digit, Reading, Recognizer, weights
from nn.ink import StrokesError, ink
from nn.layers import Conv2D, Dense, Flatten, GlobalAvgPool2D, Layer, MaxPool2D, ReLU
from nn.model import Sequential
from nn.recognizer import BATCH, DEFAULT_PATH
from nn.weights import WeightsError
from tests.sample import in_one_stroke

REPOSITORY = Path(nn.__file__).parents[1]

SEVEN = [[[10, 10], [60, 10], [30, 90]], [[20, 50], [55, 50]]]
ONE = [[[50.5, 0], [50, 100]]]


def layers(outputs: int = 10) -> list[Layer]:
    rng = np.random.default_rng(1)
    return [
        *(Conv2D(1, 6, size=5, stride=2, rng=rng), ReLU(), Conv2D(6, 8, rng=rng), ReLU()),
        *(MaxPool2D(), Flatten(), Dense(8 * 7 * 7, outputs, rng)),
    ]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a weights file of a small network that nobody has trained."""
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    weights.save(path, Sequential(layers()), {"trained on": "nothing"})
    return path


@pytest.fixture(scope="module")
def recognizer(path: Path) -> Recognizer:
    return Recognizer.load(path)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (BATCH + 1, 28, 28), np.uint8)


def same(one: Reading, other: Reading) -> bool:
    return json.dumps(one.to_dict()) == json.dumps(other.to_dict())


# Loading.


def test_a_loaded_recognizer_says_what_its_file_says(recognizer: Recognizer, path: Path) -> None:
    assert recognizer.metadata["trained on"] == "nothing"
    assert recognizer.metadata["layers"][0]["type"] == "Conv2D"
    assert recognizer.model_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert Recognizer.load(str(path)).model_hash == recognizer.model_hash


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.npz: no such file"):
        Recognizer.load(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("unfit", "message"),
    [
        ([Dense(784, 10)], r"not a network for 28x28 pictures \(Dense expected \(batch, 784\)"),
        ([Conv2D(3, 10), GlobalAvgPool2D()], r"not a network for 28x28 .* got \(2, 28, 28, 1\)"),
        ([Flatten(), Dense(784, 16), Dense(15, 10)], r"Dense expected \(batch, 15\)"),
        ([Flatten(), Dense(784, 9)], r"expected outputs \(n, at least 10\), got \(2, 9\)"),
        ([Conv2D(1, 10)], r"expected outputs \(n, at least 10\), got \(2, 28, 28, 10\)"),
        ([], r"expected outputs \(n, at least 10\), got \(2, 28, 28, 1\)"),
    ],
)
def test_a_network_of_another_purpose_is_refused(
    unfit: list[Layer], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.npz"
    weights.save(path, Sequential(unfit), {})
    with pytest.raises(WeightsError, match=message) as caught:
        Recognizer.load(path)
    assert str(path) in str(caught.value)


def test_weights_that_overflow_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    dense = Dense(784, 10)
    dense.params["weight"] = np.full((784, 10), 3e38, np.float32)
    weights.save(path, Sequential([Flatten(), dense]), {}, dtype=np.float32)
    with pytest.raises(WeightsError, match="scores are not finite"):
        Recognizer.load(path)


# Classifying images.


@pytest.mark.parametrize("count", [0, 1, 2, BATCH - 1, BATCH, BATCH + 1])
def test_probabilities_have_a_row_an_image_and_sum_to_1(
    count: int, recognizer: Recognizer, images: np.ndarray
) -> None:
    probabilities = recognizer.classify(images[:count])
    assert probabilities.shape == (count, 10)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_an_image_is_answered_alike_alone_and_among_others(
    recognizer: Recognizer, images: np.ndarray
) -> None:
    alone = np.concatenate([recognizer.classify(image[None]) for image in images])
    assert len({tuple(row) for row in alone.round(3)}) > 100  # answers that depend on the image
    for count in (BATCH - 1, BATCH, BATCH + 1):
        assert np.allclose(recognizer.classify(images[:count]), alone[:count], atol=1e-6)


def test_a_view_is_classified_as_its_copy(recognizer: Recognizer, images: np.ndarray) -> None:
    view = images[::-2].transpose(0, 2, 1)
    assert np.array_equal(recognizer.classify(view), recognizer.classify(view.copy()))


def test_classes_beyond_the_digits_are_kept_by_classify_and_left_out_of_readings(
    tmp_path: Path, images: np.ndarray
) -> None:
    path = tmp_path / "weights.npz"
    weights.save(path, Sequential(layers(outputs=12)), {})
    recognizer = Recognizer.load(path)
    assert recognizer.classify(images[:3]).shape == (3, 12)
    assert recognizer.classify(images[:0]).shape == (0, 12)
    assert recognizer.read(SEVEN).digits[0].probabilities.shape == (10,)


@pytest.mark.parametrize(
    ("wrong", "came"),
    [
        (np.zeros((28, 28), np.uint8), r"got \(28, 28\) uint8"),
        (np.zeros((3, 784), np.uint8), r"got \(3, 784\) uint8"),
        (np.zeros((3, 28, 28, 1), np.uint8), r"got \(3, 28, 28, 1\) uint8"),
        (np.zeros((3, 32, 32), np.uint8), r"got \(3, 32, 32\) uint8"),
        (np.zeros((3, 28, 28), np.float32), r"got \(3, 28, 28\) float32"),
        (np.zeros((3, 28, 28), np.int64), r"got \(3, 28, 28\) int64"),
        ([], r"got \(0,\) float64"),
        (None, r"got \(\) object"),
    ],
)
def test_images_of_another_form_are_refused(wrong: Any, came: str, recognizer: Recognizer) -> None:
    with pytest.raises(ValueError, match=r"expected images of shape \(n, 28, 28\) and .*" + came):
        recognizer.classify(wrong)


# Reading drawings and pictures.


@pytest.mark.parametrize("nothing", [[], [[]], [[], []], (), np.empty((0, 3, 2))])
def test_nothing_drawn_reads_as_empty_text(nothing: Any, recognizer: Recognizer) -> None:
    reading = recognizer.read(nothing)
    assert reading == Reading("", ())
    assert reading.to_dict() == {"text": "", "digits": []}


def test_a_reading_tells_what_the_network_saw_and_answered(recognizer: Recognizer) -> None:
    reading = recognizer.read(SEVEN)
    (found,) = reading.digits
    assert isinstance(found, Digit)
    assert np.array_equal(found.image, ink(SEVEN))
    assert np.array_equal(found.probabilities, recognizer.classify(found.image[None])[0])
    assert found.digit == found.probabilities.argmax()
    assert type(found.digit) is int
    assert found.confidence == found.probabilities.max()
    assert reading.text == str(found.digit)
    assert found.box == (10, 10, 60, 90)


def test_lists_tuples_and_arrays_read_alike(recognizer: Recognizer) -> None:
    expected = recognizer.read(SEVEN)
    assert same(recognizer.read([[tuple(point) for point in stroke] for stroke in SEVEN]), expected)
    assert same(recognizer.read([np.array(stroke) for stroke in SEVEN]), expected)
    assert same(recognizer.read([*SEVEN, []]), expected)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "wrong",
    [
        *([[[0, float("nan")]]], [[[1, 2, 3]]], [[1, 2]], "7", None),
        *(np.array(7.0), [np.array(7.0)], [[np.array(7.0)]], nested(900)),
    ],
)
def test_malformed_strokes_are_refused_by_name(wrong: Any, recognizer: Recognizer) -> None:
    with pytest.raises(StrokesError, match=r"^strokes(\[0\])*: expected"):
        recognizer.read(wrong)


def test_a_drawing_of_vanishing_extent_reads_as_a_dot(recognizer: Recognizer) -> None:
    (vanishing,) = recognizer.read([[[0, 0], [1e-310, 0]]]).digits
    (dot,) = recognizer.read([[[0, 0]]]).digits
    assert np.array_equal(vanishing.image, dot.image)


def test_thousands_of_strokes_take_little_memory(recognizer: Recognizer) -> None:
    dots = [[[index % 50, index // 50]] for index in range(2500)]
    tracemalloc.start()
    try:
        (found,) = recognizer.read(dots).digits
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.image[8:20, 8:20].min() == 255  # a square full of ink
    assert peak < 12 << 20


def test_a_picture_of_thousands_of_dots_takes_little_memory(recognizer: Recognizer) -> None:
    mesh = np.full((256, 256), 255, np.uint8)
    mesh[1:-1:2, 1:-1:2] = 0
    tracemalloc.start()
    try:
        recognizer.read_image(mesh)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 << 20


def test_a_picture_reads_as_what_it_shows(recognizer: Recognizer) -> None:
    picture = np.full((90, 70), 255, np.uint8)
    picture[20:70, 30:36] = 0
    (found,) = recognizer.read_image(picture).digits
    left, top, right, bottom = found.box
    assert np.allclose([left, top, right, bottom], [30, 20, 36, 70], atol=3)
    assert found.image.shape == (28, 28)
    assert found.image.dtype == np.uint8
    assert recognizer.read_image(np.full((90, 70), 255, np.uint8)) == Reading("", ())
    with pytest.raises(ValueError, match="expected"):
        recognizer.read_image(np.zeros((3, 3, 7), np.uint8))


@pytest.mark.parametrize("source", ["strokes", "picture"])
def test_a_reading_goes_through_json_and_back(source: str, recognizer: Recognizer) -> None:
    picture = np.zeros((40, 40), np.uint8)
    picture[8:30, 18:22] = 200
    reading = recognizer.read(ONE) if source == "strokes" else recognizer.read_image(picture)
    (found,) = reading.digits
    received = json.loads(json.dumps(reading.to_dict(), allow_nan=False))
    assert list(received) == ["text", "digits"]
    (digit,) = received["digits"]
    assert list(digit) == [
        *("symbol", "digit", "confidence", "probabilities", "box", "image", "strokes", "several"),
    ]
    assert digit["symbol"] == found.symbol == reading.text
    assert digit["strokes"] == ([0] if source == "strokes" else [])
    assert received["text"] == reading.text
    assert digit["digit"] == found.digit
    assert digit["confidence"] == found.confidence
    assert np.array_equal(np.array(digit["probabilities"], np.float32), found.probabilities)
    assert tuple(digit["box"]) == found.box
    image = np.frombuffer(base64.b64decode(digit["image"]), np.uint8).reshape(28, 28)
    assert np.array_equal(image, found.image)


def test_a_reading_tells_several_digits_in_one_from_no_digit() -> None:
    recognizer = Recognizer.load()
    scrawl = [[[0, 0], [80, 90]], [[80, 0], [0, 90]], [[0, 45], [80, 45]], [[40, 0], [40, 90]]]
    read = [recognizer.read(strokes).digits for strokes in (in_one_stroke("555"), scrawl, SEVEN)]
    assert [[(d.symbol, d.several) for d in digits] for digits in read] == [
        [("?", True)],
        [("?", False)],
        [("7", False)],
    ]


def test_two_threads_get_the_answers_that_each_gets_alone(recognizer: Recognizer) -> None:
    drawings = [SEVEN, ONE]
    expected = [recognizer.read(drawing) for drawing in drawings]
    assert not same(*expected)
    start = Barrier(len(drawings))

    def read_often(drawing: Any) -> list[Reading]:
        start.wait(timeout=60)
        return [recognizer.read(drawing) for _ in range(100)]

    with ThreadPoolExecutor(len(drawings)) as pool:
        for alone, together in zip(expected, pool.map(read_often, drawings), strict=True):
            assert all(same(alone, reading) for reading in together)


# The package.


def test_all_is_sorted_and_true() -> None:
    assert nn.__all__ == sorted(nn.__all__)
    assert all(hasattr(nn, name) for name in nn.__all__)
    public = {
        name for name, value in vars(nn).items() if isinstance(value, type) and name[0] != "_"
    }
    assert public == set(nn.__all__)


READ_A_DRAWING = """
import sys
import numpy
before = set(sys.modules)
import nn
nn.Recognizer.load(sys.argv[1]).read([[[0, 0], [5, 9], [3, 3]]])
print(*sorted(set(sys.modules) - before))
"""


def test_reading_a_drawing_imports_nothing_that_delays_the_browser(path: Path) -> None:
    """There each import is fetched, unpacked and run before the first answer."""
    command = [sys.executable, "-c", READ_A_DRAWING, str(path)]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    imported = set(ran.stdout.split())
    assert {"nn", "nn.recognizer", "nn.weights"} <= imported
    slow = {"numpy.random", "numpy.ma", "numpy.testing", "numpy.fft", "numpy.polynomial"}
    slow |= {"random", "tempfile", "inspect", "dataclasses", "unittest", "asyncio", "ssl"}
    assert imported & slow == set()


@pytest.mark.parametrize("value", ["often", None, -0.1, 1.5, [0.5]])
def test_weights_with_an_impossible_refusal_are_refused(value: Any, tmp_path: Path) -> None:
    model, metadata = weights.load(DEFAULT_PATH)
    weights.save(tmp_path / "weights.npz", model, metadata | {"refuse_from": value})
    with pytest.raises(weights.WeightsError, match="refuse_from: expected 0 to 1"):
        Recognizer.load(tmp_path / "weights.npz")


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ("sure", "pictures: expected an object, got 'sure'"),
        ({"temperature": 0}, "pictures.temperature: expected 0.1 to 10, got '0'"),
        ({"temperature": True}, "pictures.temperature: expected 0.1 to 10, got 'True'"),
        ({"temperature": "low"}, "pictures.temperature: expected 0.1 to 10, got 'low'"),
        ({"refuse_from": 2}, "pictures.refuse_from: expected 0 to 1, got '2'"),
    ],
)
def test_weights_with_impossible_pictures_are_refused(
    pictures: Any, expected: str, tmp_path: Path
) -> None:
    model, metadata = weights.load(DEFAULT_PATH)
    weights.save(tmp_path / "weights.npz", model, metadata | {"pictures": pictures})
    with pytest.raises(weights.WeightsError, match=re.escape(expected)):
        Recognizer.load(tmp_path / "weights.npz")


def test_pictures_are_read_at_their_own_temperature_and_refused_from_their_own_threshold() -> None:
    model, metadata = weights.load(DEFAULT_PATH)
    strokes = in_one_stroke("7")
    picture = ink(strokes)
    as_drawn = Recognizer(model, metadata).read(strokes).digits[0]

    def digit(temperature: float, refuse_from: float) -> Digit:
        own = {"temperature": temperature, "refuse_from": refuse_from}
        recognizer = Recognizer(model, metadata | {"pictures": own})
        assert same(recognizer.read(strokes), Reading("7", (as_drawn,)))
        return recognizer.read_image(picture).digits[0]

    cold, hot = digit(0.5, 1.0), digit(8.0, 1.0)
    again = Recognizer(model, metadata).classify(hot.image[None], temperature=8.0)[0]
    assert np.allclose(hot.probabilities, again[:10])
    assert cold.symbol == hot.symbol == "7"
    assert cold.confidence > hot.confidence
    assert digit(8.0, 0.0).symbol == "?"
