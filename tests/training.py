"""Small training runs on the project's own drawings, for the tests of the trainer."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np

from nn import Recognizer
from tests.sample import write_kaggle, write_mnist, write_pen

ROOT = Path(__file__).parents[1]


def write_data(folder: Path) -> Path:
    """Write all the kinds of data that a run can take, and return the folder."""
    write_mnist(folder / "mnist", 170, 85)
    write_pen(folder / "pen", writers=14)
    write_kaggle(folder / "train.csv")
    write_kaggle(folder / "test.csv", labels=False)
    return folder


def quick(data: Path, folder: Path, *more: str) -> list[str]:
    """Return the arguments of a run of some tenths of a second; ``more`` goes before them."""
    return [
        *("--mnist", str(data / "mnist"), "--no-pen", "--model", "mlp", "--augmentation", "none"),
        *("--batch-size", "16", "--threads", "2", "--epochs", "2"),
        *("--out", str(folder / "weights.npz"), "--run", str(folder / "run")),
        *more,
    ]


def stop_after_first_epoch(monkeypatch) -> None:
    """Make the next runs get a Ctrl-C at the end of their first epoch."""
    from train.watch import Watcher

    original = Watcher.epoch

    def epoch(self, *arguments) -> None:
        original(self, *arguments)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Watcher, "epoch", epoch)


def same_weights(first: Path, second: Path) -> bool:
    """Tell whether two weights files hold the same numbers, bit by bit."""
    ours, theirs = (Recognizer.load(path).model.arrays() for path in (first, second))
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)
