"""The loss: how far the predicted probabilities are from the truth, and its gradient."""

from __future__ import annotations

import numpy as np

from nn.layers import Array


def softmax(logits: Array) -> Array:
    """Turn ``(batch, classes)`` scores into probabilities: ``exp(z) / sum(exp(z))``, row by row.

    The largest score is taken off first: the result is the same, and ``exp`` cannot overflow.
    """
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def softmax_cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean loss ``-sum(t log softmax(z))`` and its gradient ``(softmax(z) - t) / batch``.

    ``logits: (batch, classes)``. ``targets`` are class numbers ``(batch,)`` of an integer dtype, or
    probabilities ``(batch, classes)`` that sum to 1. The gradient is so short because the derivative of the
    logarithm cancels that of the exponential (Bishop, "Pattern Recognition and Machine Learning", 4.3.4).
    Raises ValueError on shapes or class numbers that do not fit.
    """
    batch, classes = logits.shape
    if targets.ndim == 1:
        targets = one_hot(targets, classes).astype(logits.dtype)
    if targets.shape != logits.shape:
        raise ValueError(f"expected targets of shape ({batch},) or {logits.shape}, got {targets.shape}")
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -float((targets * log_probabilities).sum()) / batch
    return loss, (np.exp(log_probabilities) - targets) / logits.dtype.type(batch)


def one_hot(labels: Array, classes: int) -> Array:
    """Return float32 ``(batch, classes)`` with a single 1 a row; ValueError for a label out of range."""
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(
            f"expected labels from 0 to {classes - 1}, got {labels.min()} to {labels.max()}"
        )
    return np.eye(classes, dtype=np.float32)[labels]
