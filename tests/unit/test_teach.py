"""Corrections are learned by the last layer alone, and what the network knows is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nn import Recognizer
from nn.layers import Dense, Flatten
from nn.losses import softmax
from nn.model import Sequential
from nn.numbers import DIGITS
from nn.recognizer import DEFAULT_PATH
from nn.teach import (
    LEARNING_RATE,
    MOMENTUM,
    MOST_STEPS,
    Pupil,
    Rehearsal,
    TeachError,
    features,
    last_layer,
    load_rehearsal,
    taught,
    variants,
)
from tests.browser.drawing import DRAWINGS
from train.commands.rehearsal import REHEARSAL
from train.examples import Examples
from train.rehearsal import KEPT, RIDGE, collect, write

NOTHING = np.empty((0, 28, 28), np.uint8), np.empty(0, np.uint8)


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.fixture
def pupil(recognizer: Recognizer) -> Pupil:
    return Pupil(recognizer.model, load_rehearsal(recognizer.model_hash))


def sign() -> NDArray[np.uint8]:
    """Return what is nobody's usual digit: a box with a cross in it."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = np.maximum(np.eye(20), np.eye(20)[::-1]) * 255
    image[[4, 23], 4:24] = image[4:24, [4, 23]] = 255
    return image


def drawings(recognizer: Recognizer) -> NDArray[np.uint8]:
    return np.array([recognizer.read(each["strokes"]).digits[0].image for each in DRAWINGS])


def test_the_shipped_rehearsal_belongs_to_the_shipped_weights() -> None:
    """`python -m train rehearsal` makes it anew for other weights."""
    recognizer = Recognizer.load()
    rehearsal = load_rehearsal(recognizer.model_hash)
    assert rehearsal.features.shape == (KEPT, last_layer(recognizer.model).inputs)
    assert rehearsal.features.min() >= 0
    variance = ((rehearsal.features - rehearsal.mean) @ rehearsal.whiten).var(axis=0)
    assert variance.max() < 8 * variance.min()
    assert REHEARSAL.stat().st_size < 65_000


def test_a_correction_is_learned_and_other_digits_are_kept(
    recognizer: Recognizer, pupil: Pupil
) -> None:
    others = drawings(recognizer)
    before = recognizer.classify(others)
    digit = int(recognizer.classify(sign()[None])[0, :10].argmin())
    steps = pupil.learn(sign()[None], np.array([digit]))
    assert steps > 0
    assert recognizer.classify(sign()[None])[0, digit] > 0.5
    after = recognizer.classify(others)
    assert (after.argmax(axis=1) == before.argmax(axis=1)).mean() > 0.95


def test_forgetting_all_brings_back_the_very_same_network(
    recognizer: Recognizer, pupil: Pupil
) -> None:
    others = drawings(recognizer)
    before = recognizer.classify(others)
    pupil.learn(sign()[None], np.array([3]))
    assert not np.array_equal(recognizer.classify(others), before)
    assert pupil.learn(*NOTHING) == 0
    assert np.array_equal(recognizer.classify(others), before)


def test_what_was_learned_before_does_not_matter(recognizer: Recognizer, pupil: Pupil) -> None:
    pupil.learn(sign()[None], np.array([3]))
    once = recognizer.classify(sign()[None])
    pupil.learn(sign()[None], np.array([7]))
    pupil.learn(sign()[None], np.array([3]))
    assert np.array_equal(recognizer.classify(sign()[None]), once)


def test_one_more_correction_is_learned_among_many(recognizer: Recognizer, pupil: Pupil) -> None:
    known = drawings(recognizer)
    labels = recognizer.classify(known)[:, :DIGITS].argmax(axis=1)
    pupil.learn(np.concatenate([known, sign()[None]]), np.append(labels, 6))
    assert len(known) > 40
    assert recognizer.classify(sign()[None])[0, 6] > 0.5


def test_nonsense_however_much_does_not_undo_the_network(recognizer: Recognizer) -> None:
    rehearsal = load_rehearsal(recognizer.model_hash)
    layer = last_layer(recognizer.model)
    known = np.concatenate([variants(image) for image in drawings(recognizer)])
    labels = np.random.default_rng(0).integers(0, DIGITS, len(known))
    after, _ = taught(layer, rehearsal, features(recognizer.model, known), labels)
    before, now = (each.forward(rehearsal.features).argmax(axis=1) for each in (layer, after))
    assert np.mean(now == before) > 0.92


def test_many_corrections_are_looked_at_in_parts(recognizer: Recognizer, pupil: Pupil) -> None:
    known = drawings(recognizer)[:5]
    assert [pupil.prepare(known, 2) for _ in range(4)] == [3, 1, 0, 0]
    assert pupil.prepare(np.concatenate([known, known, sign()[None]]), 1) == 0


def test_the_first_variant_is_the_picture_itself() -> None:
    found = variants(sign())
    assert np.array_equal(found[0], sign())
    assert len({each.tobytes() for each in found}) == len(found) > 3
    assert all(abs(int(each.sum()) - int(sign().sum())) < 0.1 * sign().sum() for each in found)


@pytest.mark.parametrize(
    ("count", "labels", "message"),
    [
        (2, [3], "a label for each of 2 images, got 1"),
        (1, [[3]], r"labels \(n,\) of whole numbers, got int64 \(1, 1\)"),
        (1, [3.0], "of whole numbers, got float64"),
        (1, [True], "of whole numbers, got bool"),
        (1, [None], "of whole numbers, got object"),
    ],
)
def test_a_pupil_refuses_labels_that_are_none(
    recognizer: Recognizer, count: int, labels: list[Any], message: str
) -> None:
    pupil = Pupil(recognizer.model, load_rehearsal(recognizer.model_hash))
    with pytest.raises(TeachError, match=message):
        pupil.learn(np.repeat(sign()[None], count, axis=0), np.array(labels))


@pytest.mark.parametrize("images", [sign()[None] / 255, sign()[None, :14, :14]])
def test_a_pupil_refuses_what_are_no_images(
    recognizer: Recognizer, images: NDArray[np.uint8]
) -> None:
    pupil = Pupil(recognizer.model, load_rehearsal(recognizer.model_hash))
    with pytest.raises(TeachError, match=r"expected images \(n, 28, 28\) uint8, got"):
        pupil.learn(images, np.array([3]))


def test_wrong_labels_and_shapes_are_refused(recognizer: Recognizer) -> None:
    layer, rehearsal = last_layer(recognizer.model), load_rehearsal(recognizer.model_hash)
    found = features(recognizer.model, sign()[None])
    for labels in (np.array([10]), np.array([-1])):
        with pytest.raises(TeachError, match="digits from 0 to 9"):
            taught(layer, rehearsal, found, labels)
    with pytest.raises(TeachError, match=r"64\) of corrections, got \(1, 63\)"):
        taught(layer, rehearsal, found[:, 1:], np.array([3]))
    others = rehearsal._replace(features=rehearsal.features[:, 1:])
    with pytest.raises(TeachError, match=r"64\) of the rehearsal, got .*, 63\)"):
        taught(layer, others, found, np.array([3]))


def test_a_rehearsal_of_other_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TeachError, match="belongs to other weights; make it again with"):
        load_rehearsal("0" * 64)
    with pytest.raises(TeachError, match="no such file"):
        load_rehearsal("0" * 64, tmp_path / "none.npz")
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(REHEARSAL.read_bytes()[:1000])
    with pytest.raises(TeachError, match="not a readable rehearsal"):
        load_rehearsal("0" * 64, damaged)


def test_a_rehearsal_is_made_from_training_examples(tmp_path: Path) -> None:
    recognizer = Recognizer.load(DEFAULT_PATH)
    rng = np.random.default_rng(0)
    images = drawings(recognizer)
    images = np.clip(images[rng.integers(len(images), size=300)], 0, 255)
    labels = np.zeros(len(images), np.uint8)
    path = tmp_path / "rehearsal.npz"
    size = write(path, collect(recognizer, Examples(images, labels)))
    assert size == path.stat().st_size
    assert len(load_rehearsal(recognizer.model_hash, path).features) > 100


def test_examples_that_are_all_alike_make_no_rehearsal() -> None:
    for count in (1, 3):
        alike = Examples(np.repeat(sign()[None], count, axis=0), np.zeros(count, np.uint8))
        with pytest.raises(ValueError, match=f"examples that differ, got {count} that are all"):
            collect(Recognizer.load(DEFAULT_PATH), alike)


def test_of_what_the_network_is_unsure_most_is_kept_to_be_rehearsed() -> None:
    first, last = Dense(784, 2), Dense(2, 10)
    first.params["weight"][0, 0] = 1  # the first feature is the first pixel,
    last.params["weight"][0, 0] = 20  # by which the network is sure
    images = np.zeros((2 * KEPT, 28, 28), np.uint8)
    images[KEPT // 2 :, 0, 0] = 255  # of three quarters
    recognizer = Recognizer(Sequential([Flatten(), first, last]), {}, "0")
    kept = collect(recognizer, Examples(images, np.zeros(2 * KEPT, np.uint8)))["features"]
    unsure = int((kept[:, 0] == 0).sum())
    assert len(kept) == KEPT
    assert 0.8 < unsure / (KEPT // 2) <= 1  # of what it is sure of less than a half


def test_a_feature_that_never_differs_is_not_blown_up() -> None:
    first, last = Dense(784, 2), Dense(2, 10)
    first.params["weight"][0, 0] = 1  # the first feature is the first pixel, the other one 0
    recognizer = Recognizer(Sequential([Flatten(), first, last]), {}, "0")
    images = np.zeros((256, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(256)
    made = collect(recognizer, Examples(images, np.zeros(256, np.uint8)))
    (varied, _, constant), variance = made["whiten"], (np.arange(256) / 255).var(ddof=1)
    assert varied**2 * variance == pytest.approx(1 / (1 + RIDGE / 2), rel=0.01)
    assert constant**2 * variance == pytest.approx(2 / RIDGE, rel=0.01)


def test_corrections_make_three_hundredths_of_what_is_learned() -> None:
    """The same steps as the method says them, written out."""
    rng = np.random.default_rng(5)
    layer = Dense(3, DIGITS, rng)
    old, new = rng.random((40, 3), np.float32), rng.random((2, 3), np.float32)
    labels = layer.forward(new).argmin(axis=1)  # so wrong that it takes all steps
    rehearsal = Rehearsal(old, old.mean(axis=0), np.eye(3, dtype=np.float32))
    learned, steps = taught(layer, rehearsal, new, labels)
    assert steps == MOST_STEPS
    weight, bias = (layer.params[name].astype(np.float64) for name in ("weight", "bias"))
    bias = bias + rehearsal.mean @ weight  # of what the mean is taken off
    old, new = old - rehearsal.mean, new - rehearsal.mean
    kept, wanted = softmax(old @ weight + bias), np.eye(DIGITS)[labels]
    velocity = np.zeros((4, DIGITS))
    for _ in range(steps):
        gradient = np.zeros((4, DIGITS))
        for x, targets, share in ((old, kept, 0.97), (new, wanted, 0.03)):
            slope = share * (softmax(x @ weight + bias) - targets) / len(x)
            gradient += np.vstack([x.T @ slope, slope.sum(axis=0)])
        velocity = MOMENTUM * velocity + gradient
        step = LEARNING_RATE * (gradient + MOMENTUM * velocity)
        weight, bias = weight - step[:3], bias - step[3]
    assert np.allclose(learned.params["weight"], weight, atol=1e-4)
    assert np.allclose(learned.params["bias"], bias - rehearsal.mean @ weight, atol=1e-4)


def test_what_is_stored_to_be_rehearsed_is_the_features_but_for_rounding(tmp_path: Path) -> None:
    first, last = Dense(784, 2), Dense(2, 10)
    first.params["weight"][:2] = np.eye(2)
    recognizer = Recognizer(Sequential([Flatten(), first, last]), {}, "0" * 64)
    images = np.zeros((256, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(256)
    images[:, 0, 1] = np.random.default_rng(6).permutation(256)
    path = tmp_path / "rehearsal.npz"
    write(path, collect(recognizer, Examples(images, np.zeros(256, np.uint8))))
    kept = np.sort(load_rehearsal("0" * 64, path).features, axis=0)  # all: these are few
    steps = np.abs(np.sqrt(kept) - np.sqrt(np.arange(256) / 255)[:, None])
    assert steps.max() < 0.51 / 9  # of the square roots of what is from 0 to 1
