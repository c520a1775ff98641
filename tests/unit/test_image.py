"""Pictures in MNIST's form: the same digit, however it was photographed, scanned or saved."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nn import Recognizer
from nn.image import ImageError
from nn.image import Picture as Searched
from nn.ink import Box
from tests.sample import Strokes, drawings
from train.data import DataError
from train.data.mnist import load_mnist
from train.data.places import data_directories

Picture = NDArray[np.uint8]
SAMPLES = drawings()[::6]


def draw(strokes: Strokes, size: int = 280, pen: float = 24, smooth: int = 2) -> Picture:
    """Draw on a canvas as most programs do: a round pen, black on white, `size` pixels square."""
    scale = size / 280 * smooth
    canvas = Image.new("L", (size * smooth, size * smooth), 255)
    pencil = ImageDraw.Draw(canvas)
    radius = pen * smooth * size / 280 / 2
    for stroke in strokes:
        points = [(x * scale, y * scale) for x, y in stroke]
        pencil.line(points, fill=0, width=round(2 * radius), joint="curve")
        for x, y in points:
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    return np.asarray(canvas.resize((size, size), Image.Resampling.BOX))


def to_mnist(array: NDArray[np.generic]) -> tuple[Picture, Box] | None:
    """All ink of a picture in MNIST's form, and its box; None where there is none."""
    searched = Searched(array)
    return searched.in_mnist_form() if searched.ink is not None else None


def mnist_form(array: NDArray[np.generic]) -> Picture:
    found = to_mnist(array)
    assert found is not None
    return found[0]


def difference(a: Picture, b: Picture) -> float:
    """Mean difference of two images in MNIST's form, each allowed one pixel of shift.

    The centre of mass is rounded to whole pixels, so the least change can move a digit by one.
    """
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(
        float(np.abs(np.roll(a, shift, (0, 1)).astype(int) - b.astype(int)).mean())
        for shift in shifts
    )


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.fixture(scope="module")
def genuine() -> Picture:
    """MNIST's training images where they are at hand, else drawings brought to the same form."""
    for place in data_directories("mnist"):
        try:
            return load_mnist(place).train_images[:150]
        except DataError:
            continue
    return np.stack([mnist_form(draw(sample.strokes)) for sample in drawings()])


def enlarged(image: Picture, times: int, how: Image.Resampling) -> Picture:
    return np.asarray(Image.fromarray(image).resize((28 * times, 28 * times), how))


# A picture that is in MNIST's form already


def test_a_genuine_mnist_image_comes_back_as_it_is(genuine: Picture) -> None:
    back = np.stack([mnist_form(image) for image in genuine])
    apart = np.abs(back.astype(int) - genuine.astype(int)).max(axis=(1, 2))
    # The others lose dust and the faintest grey, or have finer lines than nearly all of MNIST.
    assert (apart <= 2).mean() > 0.75
    assert (apart <= 20).mean() > 0.9


@pytest.mark.parametrize(
    "change",
    [
        lambda image: 255 - image,
        lambda image: image / 255,
        lambda image: (image / 255).astype(np.float16),
        lambda image: np.asfortranarray(image),
        lambda image: image[:, :, None],
        lambda image: np.stack([image] * 3, axis=2),
        lambda image: np.pad(image, ((40, 3), (0, 90))),
        lambda image: np.dstack([np.zeros((28, 28, 3), np.uint8), image]),
        lambda image: np.dstack([np.full((28, 28, 3), 255, np.uint8), image]),
    ],
    ids=[
        *("inverted", "float64", "float16", "columns first", "one channel", "colour"),
        *("elsewhere", "black ink on nothing", "white ink on nothing"),
    ],
)
def test_the_form_of_the_array_does_not_matter(
    change: Callable[[Picture], NDArray[np.generic]], genuine: Picture
) -> None:
    for image in genuine[:40]:
        assert difference(mnist_form(change(image)), mnist_form(image)) < 0.5


@pytest.mark.parametrize("times", [2, 3, 7, 10, 20])
def test_enlarging_whole_pixels_changes_next_to_nothing(times: int, genuine: Picture) -> None:
    apart = [
        difference(mnist_form(enlarged(image, times, Image.Resampling.NEAREST)), mnist_form(image))
        for image in genuine[:40]
    ]
    assert np.median(apart) < 0.5
    assert max(apart) < 10


@pytest.mark.parametrize("times", [2, 7, 10])
def test_coarse_pixels_of_thick_digits_are_no_shadow(times: int) -> None:
    for sample in drawings():
        image = mnist_form(draw(sample.strokes))
        coarse = enlarged(image, times, Image.Resampling.NEAREST)
        assert difference(mnist_form(coarse), mnist_form(image)) < 20


@pytest.mark.parametrize("times", [2, 5, 20])
def test_enlarging_smoothly_changes_little(times: int, genuine: Picture) -> None:
    apart = [
        difference(mnist_form(enlarged(image, times, Image.Resampling.BICUBIC)), image)
        for image in genuine[:60]
    ]
    assert np.mean(apart) < 9  # of 255: the edges are softer


def test_cutting_off_the_margin_does_not_matter(genuine: Picture) -> None:
    apart = []
    for image in genuine[:100]:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        tight = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        apart.append(difference(mnist_form(tight), image))
    assert np.mean(np.array(apart) < 2) > 0.9


# Pictures as people make them, read by the network that ships


def shaded(light: NDArray[np.floating]) -> Callable[[Picture], Picture]:
    return lambda picture: np.rint(picture * light).astype(np.uint8)


def _light(kind: str, size: int = 280) -> NDArray[np.floating]:
    v, u = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return {
        "slope": 0.7 + 0.25 * u - 0.05 * v,
        "corners": 1 - 0.25 * (u * u + v * v),
        "shadow": np.where(u + 0.6 * v > 0.1, 0.65, 1.0),
    }[kind]


def _noisy(picture: Picture) -> Picture:
    noise = np.random.default_rng(0).normal(0, 20, picture.shape)
    return (picture * 0.6 + 60 + noise).clip(0, 255).astype(np.uint8)


def _ruled(picture: Picture) -> Picture:
    ruled = picture.copy()
    ruled[20::30] = np.minimum(ruled[20::30], 205)
    return ruled


def _specked(picture: Picture) -> Picture:
    return np.where(np.random.default_rng(1).random(picture.shape) < 0.003, 0, picture)


def _on_a_large_page(picture: Picture) -> Picture:
    page = np.full((2200, 1700), 255, np.uint8)
    page[1800:2080, 100:380] = picture
    return page


@pytest.mark.parametrize(
    "photo",
    [
        shaded(_light("slope")),
        shaded(_light("corners")),
        shaded(_light("shadow")),
        lambda picture: 255 - picture,
        lambda picture: (190 + picture * 0.2).astype(np.uint8),
        _noisy,
        _ruled,
        _specked,
        _on_a_large_page,
        lambda picture: np.stack([picture, picture // 2 + 127, picture // 4 + 190], axis=2),
    ],
    ids=[
        *("uneven light", "dark corners", "a hard shadow", "chalk", "pencil", "noise"),
        *("ruled paper", "specks", "a large page", "blue ink"),
    ],
)
def test_a_photo_reads_as_the_drawing_does(
    photo: Callable[[Picture], Picture], recognizer: Recognizer
) -> None:
    read = [
        recognizer.read_image(photo(draw(sample.strokes))).text
        == recognizer.read(sample.strokes).text
        for sample in SAMPLES
    ]
    # A shadow's edge may run along a stroke, or leave a corner no wider than one.
    assert np.mean(read) >= 0.85, [
        sample for sample, right in zip(SAMPLES, read, strict=True) if not right
    ]


@pytest.mark.parametrize("pen", [2, 8, 24, 48])
@pytest.mark.parametrize("size", [70, 280, 900])
def test_size_and_pen_do_not_matter(size: int, pen: float, recognizer: Recognizer) -> None:
    read = [
        recognizer.read_image(draw(sample.strokes, size, pen)).text
        == recognizer.read(sample.strokes).text
        for sample in SAMPLES
        if "small" not in sample.style  # a thick pen fills what is drawn small
    ]
    assert np.mean(read) >= 0.9


# What comes back


def test_the_box_is_where_the_ink_lies() -> None:
    picture = np.full((300, 500), 255, np.uint8)
    picture[100:180, 350:390] = 0
    picture[112:168, 362:378] = 255
    found = to_mnist(picture)
    assert found is not None
    assert found[1] == pytest.approx((350, 100, 390, 180), abs=1)
    rows, columns = np.flatnonzero(found[0].any(1)), np.flatnonzero(found[0].any(0))
    assert (len(rows), len(columns)) == (20, 10)


def test_the_box_is_in_the_pixels_of_a_large_picture() -> None:
    picture = np.full((3000, 2000, 3), 240, np.uint8)
    picture[400:900, 1200:1500] = (20, 20, 60)
    found = to_mnist(picture)
    assert found is not None
    assert found[1] == pytest.approx((1200, 400, 1500, 900), abs=5)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((28, 28), np.uint8),
        np.full((200, 100, 3), 255, np.uint8),
        np.full((64, 64), 0.5),
        np.zeros((30, 30, 4), np.uint8),
        np.ones((1, 1), bool),
        np.zeros((1, 500), np.uint8),
        (np.linspace(0.3, 0.9, 90)[:, None] * np.ones(120)),
        np.random.default_rng(0).normal(0.8, 0.03, (200, 300)).clip(0, 1),
    ],
    ids=[
        *("black", "white", "grey", "transparent", "one pixel", "one row"),
        *("a slope of light", "noise"),
    ],
)
def test_a_blank_picture_holds_nothing(picture: NDArray[np.generic]) -> None:
    assert to_mnist(picture) is None


def test_the_picture_is_left_as_it_is() -> None:
    picture = draw(SAMPLES[0].strokes)
    before = picture.copy()
    picture.setflags(write=False)
    to_mnist(picture)
    assert (picture == before).all()


@settings(max_examples=150, deadline=None)
@given(
    stn.arrays(
        st.sampled_from([np.uint8, np.bool_, np.float32]),
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4])),
        elements=st.sampled_from([0, 1]),
    )
    | stn.arrays(np.float32, (9, 12, 1), elements=st.floats(0, 1, width=32))
    | stn.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 300)))
)
def test_any_picture_gives_nothing_or_mnists_form(picture: NDArray[np.generic]) -> None:
    found = to_mnist(picture)
    if found is None:
        return
    image, (left, top, right, bottom) = found
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    assert 0 <= left < right <= picture.shape[1]
    assert 0 <= top < bottom <= picture.shape[0]
    sides = [np.ptp(np.flatnonzero(image.any(axis))) + 1 for axis in (0, 1)]
    assert max(sides) <= 20


def test_a_large_picture_takes_little_memory_beside_itself() -> None:
    picture = np.full((6000, 4000, 3), 230, np.uint8)
    picture[2000:3500, 1500:2500] = 10
    tracemalloc.start()
    to_mnist(picture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < picture.nbytes / 3


# What is not a picture


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros(784, np.uint8),
            "expected a picture of shape (height, width) or (height, width, 1, 3 or 4), got (784,)",
        ),
        (
            np.zeros((28, 28, 2), np.uint8),
            "expected a picture of shape (height, width) or (height, width, 1, 3 or 4), "
            "got (28, 28, 2)",
        ),
        (
            np.zeros((1, 28, 28, 3), np.uint8),
            "expected a picture of shape (height, width) or (height, width, 1, 3 or 4), "
            "got (1, 28, 28, 3)",
        ),
        (
            np.zeros((0, 28), np.uint8),
            "expected a picture of at least one pixel, got shape (0, 28)",
        ),
        (
            np.zeros((28, 28), np.int64),
            "expected pixels of type uint8, bool, or float between 0 and 1, got int64",
        ),
        (
            np.zeros((28, 28), np.complex128),
            "expected pixels of type uint8, bool, or float between 0 and 1, got complex128",
        ),
        (
            np.array([[0.0, np.nan]]),
            "expected finite float pixels between 0 and 1, got nan to nan",
        ),
        (
            np.array([[0.0, 255.0]]),
            "expected finite float pixels between 0 and 1, got 0 to 255",
        ),
        (
            np.array([[-0.5, 1.0]]),
            "expected finite float pixels between 0 and 1, got -0.5 to 1",
        ),
    ],
)
def test_what_is_not_a_picture_is_refused(array: NDArray[np.generic], message: str) -> None:
    with pytest.raises(ImageError) as caught:
        to_mnist(array)
    assert str(caught.value) == message


def test_of_hatching_few_marks_are_looked_at_closely(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr("nn.image.Picture._closer", lambda *_: looks.append(1))
    picture = np.full((600, 800), 235, np.uint8)
    picture[:, ::16] = picture[:, 1::16] = 60
    recognizer.read_image(picture)
    assert len(looks) == 8
