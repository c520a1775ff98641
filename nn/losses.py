"""The loss: how far the predicted probabilities are from the truth, and its gradient."""

from __future__ import annotations

from nn.layers import Array
from nn.layers.base import namespace


def softmax(logits: Array) -> Array:
    """Turn ``(batch, classes)`` scores into probabilities: ``exp(z) / sum(exp(z))``, row by row.

    The largest score is taken off first: the result is the same, and ``exp`` cannot overflow.
    """
    xp = namespace(logits)
    exponentials: Array = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    exponentials /= xp.sum(exponentials, axis=1, keepdims=True)
    return exponentials


def softmax_cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean of ``-sum(t log softmax(z))`` and its gradient ``(softmax(z) - t) / batch``.

    ``logits: (batch, classes)``. ``targets`` are class numbers ``(batch,)`` of an integer dtype, or
    probabilities ``(batch, classes)`` that sum to 1. The gradient is so short because the
    derivative of the logarithm cancels that of the exponential (Bishop, "Pattern Recognition and
    Machine Learning", 4.3.4). It has the dtype of ``logits``. Raises ValueError on shapes, dtypes
    or class numbers that do not fit.
    """
    if logits.ndim != 2 or logits.size == 0:
        raise ValueError(
            f"expected logits of shape (batch, classes), not empty, got {logits.shape}"
        )
    batch, classes = logits.shape
    if targets.shape not in ((batch,), (batch, classes)):
        raise ValueError(
            f"expected targets of shape ({batch},) or ({batch}, {classes}), got {targets.shape}"
        )
    if targets.ndim == 1:
        targets = one_hot(targets, classes)
    xp = namespace(logits)
    targets = xp.astype(targets, logits.dtype, copy=False)
    shifted = logits - xp.max(logits, axis=1, keepdims=True)
    log_probabilities = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
    loss = -float(xp.sum(targets * log_probabilities)) / batch
    return loss, (xp.exp(log_probabilities) - targets) / batch


def one_hot(labels: Array, classes: int) -> Array:
    """Return ``(batch, classes) float32`` with a single 1 a row, at ``labels: (batch,)``.

    Raises ValueError for a label out of range or labels that are not integers.
    """
    xp = namespace(labels)
    if not xp.isdtype(labels.dtype, "integral"):
        raise ValueError(f"expected labels of an integer dtype, got {labels.dtype}")
    if labels.size:
        least, most = int(xp.min(labels)), int(xp.max(labels))
        if not 0 <= least <= most < classes:
            raise ValueError(f"expected labels from 0 to {classes - 1}, got {least} to {most}")
    one: Array = xp.take(xp.eye(classes, dtype=xp.float32), labels, axis=0)
    return one
