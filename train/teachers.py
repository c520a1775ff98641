"""Distillation: what trained networks think of each batch becomes part of what a new one learns."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from nn.layers import Array
from nn.losses import one_hot, softmax
from nn.model import Sequential
from nn.numbers import DIGITS
from nn.recognizer import Recognizer
from train.config import Config
from train.evaluate import outputs_of


class Teachers:
    """Soft targets: the mean of several networks' probabilities, mixed with the labels.

    A network that is told "mostly a 4, a little a 9" learns more from an image than from the label
    alone. Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """

    def __init__(self, models: Sequence[Sequential], share: float, threads: int = 1) -> None:
        """Take at least one network; ``share`` of the targets is theirs, the rest the labels'.

        The networks have to have equally many outputs. ``threads`` share the work of each batch.
        """
        if not models:
            raise ValueError("expected at least one teacher, got none")
        self.models, self.share, self.threads = list(models), np.float32(share), threads

    def targets(self, inputs: Array, labels: Array) -> Array:
        """Return ``(batch, classes) float32`` probabilities for a batch.

        ``inputs: (batch, 28, 28, 1) float32``, varied as the pupil sees them; ``labels: (batch,)``.
        """
        with ThreadPoolExecutor(self.threads) as pool:
            parts = list(pool.map(self._opinion, np.array_split(inputs, self.threads)))
        opinion: Array = np.concatenate(parts)
        targets = self.share * opinion
        targets += (1 - self.share) * one_hot(labels, opinion.shape[1])
        return targets

    def _opinion(self, inputs: Array) -> Array:
        opinions = [softmax(model.forward(inputs)) for model in self.models]
        mean: Array = np.mean(opinions, axis=0)
        return mean


def load_teachers(
    paths: Sequence[Path], config: Config, wanted: int = DIGITS
) -> tuple[Teachers, dict[str, str]]:
    """Read weights files; return the teachers, and a hash of each file.

    Raises nn.weights.WeightsError, and ValueError for a network of other outputs than the
    ``wanted`` ones.
    """
    models, hashes = [], {}
    for number, path in enumerate(paths, 1):
        recognizer = Recognizer.load(path)
        outputs = outputs_of(recognizer)
        if outputs != wanted:
            raise ValueError(f"{path}: expected a teacher with {wanted} outputs, got {outputs}")
        models.append(recognizer.model)
        hashes[f"teacher {number}"] = recognizer.model_hash
    return Teachers(models, config.teacher_share, config.threads), hashes
