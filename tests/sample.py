"""Small data sets made of the project's own drawings: they stand in where MNIST is missing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nn.ink import ink
from train.data import mnist
from train.data.places import data_directories

FIXTURES = Path(__file__).parent / "fixtures"

Strokes = list[list[list[float]]]


class Sample(NamedTuple):
    """One of the drawings in `tests/fixtures/drawings.json`."""

    label: str
    style: str
    strokes: Strokes


def drawings() -> list[Sample]:
    """Return the project's drawings, on a canvas of 280 by 280, y downwards."""
    records: list[dict[str, Any]] = json.loads((FIXTURES / "drawings.json").read_text())
    return [Sample(record["label"], record["style"], record["strokes"]) for record in records]


def in_one_stroke(text: str, gap: float = 10) -> Strokes:
    """Return digits beside each other, some 70 to 100 high, drawn without lifting the pen."""
    kinds = {sample.label: sample.strokes for sample in reversed(drawings())}
    points: list[list[float]] = []
    end = 20.0
    for label in text:
        columns = [x for stroke in kinds[label] for x, _ in stroke]
        moved = end - min(columns) / 2
        points += [[x / 2 + moved, y / 2 + 70] for stroke in kinds[label] for x, y in stroke]
        end = max(columns) / 2 + moved + gap
    return [points]


def vary(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """Return the drawing a little turned, slanted and stretched, as another hand might draw it."""
    angle = rng.uniform(-0.15, 0.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.array([[rng.uniform(0.85, 1.15), rng.uniform(-0.15, 0.15)], [0, 1]])
    return [(np.array(stroke) @ (turn @ stretch).T).round(2).tolist() for stroke in strokes]


def sample_images(n: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return `n` varied drawings in MNIST's form, `(n, 28, 28) uint8`, and labels `(n,) uint8`."""
    rng = np.random.default_rng(seed)
    kinds = drawings()
    chosen = [kinds[i] for i in rng.permutation(np.arange(n) % len(kinds))]
    images = np.stack([ink(vary(sample.strokes, rng)) for sample in chosen])
    return images, np.array([int(sample.label) for sample in chosen], np.uint8)


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Return `array` as an IDX file of unsigned bytes."""
    shape = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def write_mnist(directory: Path, train: int = 340, test: int = 85, compress: bool = True) -> Path:
    """Write MNIST's four files, holding varied drawings of the project, and return the folder."""
    directory.mkdir(parents=True, exist_ok=True)
    for part, n, seed in (("train", train, 1), ("t10k", test, 2)):
        images, labels = sample_images(n, seed)
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx_bytes(array)
            path = directory / f"{part}-{name}-ubyte{'.gz' if compress else ''}"
            path.write_bytes(gzip.compress(content) if compress else content)
    return directory


def kaggle_frame(n: int = 85, seed: int = 3, labels: bool = True) -> pd.DataFrame:
    """Return varied drawings as the table of Kaggle's `train.csv`, or `test.csv` without labels."""
    images, digits = sample_images(n, seed)
    frame = pd.DataFrame(images.reshape(n, 784), columns=[f"pixel{i}" for i in range(784)])
    if labels:
        frame.insert(0, "label", digits)
    return frame


def write_kaggle(path: Path, n: int = 85, seed: int = 3, labels: bool = True) -> Path:
    """Write `kaggle_frame` as CSV and return the path."""
    kaggle_frame(n, seed, labels).to_csv(path, index=False)
    return path


def write_pen(directory: Path, writers: int = 40, seed: int = 4) -> Path:
    """Write `digits.jsonl.gz`, each digit once by each made-up writer, and return the folder."""
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    kinds = drawings()
    lines = []
    for writer in range(writers):
        for digit in "0123456789":
            own = [sample for sample in kinds if sample.label == digit]
            strokes = vary(own[rng.integers(len(own))].strokes, rng)
            lines.append(json.dumps({"writer": f"w{writer}", "label": digit, "strokes": strokes}))
    (directory / "digits.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return directory


def mnist_is_here() -> bool:
    """Tell whether MNIST is in one of the usual places: tests download nothing."""
    return any(len(mnist._find(place)) == 4 for place in data_directories("mnist"))
