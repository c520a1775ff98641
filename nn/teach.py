"""Teach a trained network corrected digits: its last layer learns on, and rehearses what it knows.

All layers but the last are kept: they turn a picture into features, and the last layer weighs these
into scores. So a correction costs little, on a phone too: features once, then at most a hundred
steps of a small layer, by its own ``backward`` and ``nn.optim``.

A layer that learned the corrections alone would forget the rest (McCloskey, Cohen, "Catastrophic
Interference in Connectionist Networks", 1989). Two things keep it: it rehearses stored features,
for which its answers are to stay what they were (Li, Hoiem, "Learning without Forgetting", 2016);
and it learns in whitened features, where a step changes those answers least for what it gains
(Amari, "Natural Gradient Works Efficiently in Learning", 1998).
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.ink import SIDE
from nn.layers import Array, Dense
from nn.losses import one_hot, softmax, softmax_cross_entropy
from nn.model import Sequential
from nn.numbers import DIGITS
from nn.optim import SGD
from nn.recognizer import BATCH, as_input

DEFAULT_PATH = Path(__file__).with_name("rehearsal.npz")
LEARNED = 0.75
"""Learning stops when each correction's digit has this probability: less is forgotten then."""
MOST_STEPS = 100
LEARNING_RATE = 0.15
MOMENTUM = 0.8
SHARE = 0.03
"""The corrections' part in the loss, at first; the rest is the rehearsal's."""
FEW = 35
"""Of more rows to be learned than five corrections have, each counts as it would among these: else
each would be learned the less, the more there are. What is known already shares its own part."""
MOST_SHARE = 0.25
"""But what is to be learned has no larger part than this, whatever nonsense it is."""
SLANTS = (-0.22, 0.0, 0.22)
TURNS = (-0.12, 0.12)
"""Each correction is learned in these variants too (tangent, radians): nobody draws twice alike."""


class TeachError(ValueError):
    """What the network cannot be taught, or not from this file; the message says why."""


class Rehearsal(NamedTuple):
    """What the last layer practises, so that it does not forget."""

    features: NDArray[np.float32]
    """``(n, inputs)``, of training examples."""
    mean: NDArray[np.float32]
    """``(inputs,)``: of all features."""
    whiten: NDArray[np.float32]
    """``(inputs, inputs)``, symmetric: ``(features - mean) @ whiten`` have about the same variance
    in every direction."""


def load_rehearsal(model_hash: str, path: str | os.PathLike[str] | None = None) -> Rehearsal:
    """Read the rehearsal of the weights whose SHA-256 is ``model_hash``.

    Raises TeachError if there is none at ``path`` (by default beside the code) for these weights.
    """
    path = DEFAULT_PATH if path is None else Path(path)
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
        belongs = bytes(stored["weights"]).decode("ascii")
        mean = stored["mean"]
        whiten = np.zeros((len(mean), len(mean)), np.float32)
        whiten[np.triu_indices(len(mean))] = stored["whiten"]
        whiten += np.triu(whiten, 1).T
        found = (stored["features"] / np.float32(stored["levels"])) ** 2 * stored["scale"]
        rehearsal = Rehearsal(found, mean, whiten)
        if found.ndim != 2 or found.shape[1:] != mean.shape:
            raise ValueError(f"features {found.shape} and mean {mean.shape} do not fit")
    except FileNotFoundError:
        raise TeachError(
            f"{path}: no such file; make it with `python -m train rehearsal`"
        ) from None
    except Exception as error:  # np.load raises many kinds on damaged bytes
        raise TeachError(f"{path}: not a readable rehearsal ({error})") from error
    if belongs != model_hash:
        raise TeachError(
            f"{path}: belongs to other weights; make it again with `python -m train rehearsal`"
        )
    return rehearsal


def last_layer(model: Sequential) -> Dense:
    """Return the layer that is taught; TeachError if the network's last one is no Dense."""
    layer = model.layers[-1]
    if not isinstance(layer, Dense):
        raise TeachError(f"only a Dense last layer can be taught, got {type(layer).__name__}")
    return layer


def features(model: Sequential, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the last layer's input for ``images: (n, 28, 28) uint8``: ``(n, inputs) float32``."""
    parts = []
    for first in range(0, max(1, len(images)), BATCH):
        x: Array = as_input(images[first : first + BATCH])
        for layer in model.layers[:-1]:
            x = layer.forward(x)
        parts.append(x.astype(np.float32, copy=False))
    return np.concatenate(parts)


def variants(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``image: (28, 28) uint8`` as the same hand might draw it again: ``(n, 28, 28) uint8``.

    The first is the image itself, the others are slanted and turned about the middle.
    """
    return np.concatenate([image[None], _look_up(image, *_places())])


@functools.cache
def _places() -> tuple[Array, Array]:
    """Return where each variant's pixels lie in the image: x and y, each ``(n - 1, 28, 28)``."""
    middle = np.float32((SIDE - 1) / 2)
    line = np.arange(SIDE, dtype=np.float32) - middle
    across, down = line[None, :], line[:, None]
    found = []
    for slant in SLANTS:
        for turn in TURNS:
            x = across * np.cos(turn) + down * (np.sin(turn) + slant) + middle
            y = down * np.cos(turn) - across * np.sin(turn) + middle
            found.append((x, y))
    x, y = (np.stack(each) for each in zip(*found, strict=True))
    return x, y


def taught(
    layer: Dense,
    rehearsal: Rehearsal,
    corrected: NDArray[np.float32],
    labels: NDArray[np.integer],
) -> tuple[Dense, int]:
    """Return a copy of ``layer`` that has learned the corrections, and the steps that it took.

    ``corrected: (n, inputs)`` are the corrections' features, ``labels: (n,)`` their digits, 0 to 9.
    ``layer`` is left as it is: the same corrections always give the same layer, whichever were
    learned before. Raises TeachError for shapes or labels that do not fit.
    """
    count = len(labels)
    for what, found, rows in (
        ("corrections", corrected, count),
        ("the rehearsal", rehearsal.features, len(rehearsal.features)),
    ):
        if found.shape != (rows, layer.inputs):
            raise TeachError(
                f"expected features {(rows, layer.inputs)} of {what}, got {found.shape}"
            )
    if count == 0 or not 0 <= labels.min() <= labels.max() < DIGITS:
        raise TeachError("expected at least one correction, with digits from 0 to 9")
    old = len(rehearsal.features)
    found = np.concatenate([rehearsal.features, corrected])
    before = layer.forward(found)
    targets = np.concatenate([softmax(before[:old]), one_hot(labels, layer.outputs)])
    # The loss is a mean over all rows: these weights turn it into two means, and share it out.
    rows = old + count
    unknown = _likely(before[old:], labels) <= LEARNED
    new = max(1, int(unknown.sum()))
    part = np.where(unknown, min(SHARE / min(new, FEW), MOST_SHARE / new), SHARE / count)
    weight = np.full((rows, 1), (1 - SHARE) * rows / old, np.float32)
    weight[old:, 0] = rows * part
    # What is learned is a change of the scores, nothing at first, in whitened features.
    change = Dense(layer.inputs, layer.outputs)
    change.params["weight"] = np.zeros((layer.inputs, layer.outputs), np.float32)
    x = (found - rehearsal.mean) @ rehearsal.whiten
    optimizer = SGD(LEARNING_RATE, MOMENTUM)
    model = Sequential([change])
    steps = 0
    while steps < MOST_STEPS:
        scores = before + model.forward(x, training=True)
        if _likely(scores[old:], labels).min() > LEARNED:
            break
        _, grad = softmax_cross_entropy(scores, targets)
        model.backward(grad * weight)
        optimizer.step(model.parameters())
        steps += 1
    # x W + b + (x - mean) whiten W' + b' is one layer again: x (W + whiten W') + ...
    learned = Dense(layer.inputs, layer.outputs)
    more = rehearsal.whiten @ change.params["weight"]
    learned.params["weight"] = layer.params["weight"] + more
    learned.params["bias"] = layer.params["bias"] + change.params["bias"] - rehearsal.mean @ more
    return learned, steps


def _likely(scores: Array, labels: NDArray[np.integer]) -> Array:
    """Return each label's probability, ``(n,)``."""
    return softmax(scores)[np.arange(len(labels)), labels]  # type: ignore[no-any-return]


def _look_up(image: NDArray[np.uint8], x: Array, y: Array) -> NDArray[np.uint8]:
    """Read ``image`` bilinearly at ``x, y: (n, 28, 28)``; outside is black."""
    framed = np.pad(image.astype(np.float32), ((1, 2), (1, 2)))
    x, y = np.clip(x + 1, 0, SIDE + 1), np.clip(y + 1, 0, SIDE + 1)
    column, row = x.astype(np.intp), y.astype(np.intp)
    right, below = x - column, y - row
    top = framed[row, column] * (1 - right) + framed[row, column + 1] * right
    bottom = framed[row + 1, column] * (1 - right) + framed[row + 1, column + 1] * right
    grey: NDArray[np.uint8] = (top * (1 - below) + bottom * below + 0.5).astype(np.uint8)
    return grey


class Pupil:
    """A network that can be taught again and again: it keeps what its last layer was at first."""

    def __init__(self, model: Sequential, rehearsal: Rehearsal) -> None:
        self._model, self._rehearsal = model, rehearsal
        first = last_layer(model)
        self._first = Dense(first.inputs, first.outputs)
        self._first.params = {name: array.copy() for name, array in first.params.items()}
        self._seen: dict[bytes, NDArray[np.float32]] = {}

    def learn(self, images: NDArray[np.uint8], labels: NDArray[np.integer]) -> int:
        """Know these corrections and no others; return the steps that it took.

        ``images: (n, 28, 28) uint8``, ``labels: (n,)`` digits. None brings the network back to what
        it was at first. Raises TeachError.
        """
        if len(labels) != len(images):
            raise TeachError(
                f"expected a label for each of {len(images)} images, got {len(labels)}"
            )
        if len(images) == 0:
            last_layer(self._model).params = dict(self._first.params)
            return 0
        labels = np.asarray(labels)
        if images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
            raise TeachError(
                f"expected images (n, 28, 28) uint8, got {images.shape} {images.dtype}"
            )
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise TeachError(
                f"expected labels (n,) of whole numbers, got {labels.dtype} {labels.shape}"
            )
        found = [self._features(image) for image in images]
        layer, steps = taught(
            self._first,
            self._rehearsal,
            np.concatenate(found),
            np.repeat(labels, [len(each) for each in found]),
        )
        last_layer(self._model).params = layer.params
        return steps

    def prepare(self, images: NDArray[np.uint8], most: int) -> int:
        """Look at up to ``most`` of ``images: (n, 28, 28) uint8`` that were never seen here.

        Returns how many of them are still to be seen. What takes long of learning many corrections
        is done in parts this way, and something else in between.
        """
        new = {image.tobytes(): image for image in images if image.tobytes() not in self._seen}
        for image in list(new.values())[:most]:
            self._features(image)
        return max(0, len(new) - most)

    def _features(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return those of an image's variants, which the taught layer does not change."""
        key = image.tobytes()
        if key not in self._seen:
            self._seen[key] = features(self._model, variants(image))
        return self._seen[key]
