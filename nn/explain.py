"""Why the network answered as it did: the maps inside it, and what each pixel said for and against.

Nothing here is needed to read a digit. It runs the same layers, forward and backward, and keeps
what they usually throw away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.layers import Array, ReLU
from nn.model import Sequential, fold_batchnorm
from nn.numbers import DIGITS
from nn.recognizer import as_input

STEPS = 64
"""How many pictures between the blank one and the drawing `evidence` looks at: with so many the
shares' sum is mostly within a tenth of what it should be, at worst some fifth. Sixteen show the
same map, to the eye."""


class Evidence(NamedTuple):
    """What each pixel of a picture did for an answer; positive speaks for it."""

    digit: int
    """The answer."""
    second: int
    """The digit that the network would have said next."""
    for_digit: NDArray[np.float32]
    """``(28, 28)``: for ``digit`` against all others. Its sum is about by how much more the
    network prefers ``digit`` here than on a blank picture: see STEPS."""
    against_second: NDArray[np.float32]
    """``(28, 28)``: for ``digit`` against ``second``."""


def feature_maps(model: Sequential, image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return what each convolution found in ``image: (28, 28) uint8``, behind its ReLU.

    One ``(height, width, channels) float32`` for each, none negative: a channel is the map of where
    one filter found what it looks for. A network without convolutions has none.
    """
    maps = []
    x: Array = as_input(image[None])
    for layer in model.layers:
        x = layer.forward(x)
        if isinstance(layer, ReLU) and x.ndim == 4:
            maps.append(x[0].astype(np.float32, copy=False))
    return maps


def evidence(model: Sequential, image: NDArray[np.uint8], steps: int = STEPS) -> Evidence:
    """Share the network's answer to ``image: (28, 28) uint8`` out among its pixels.

    A pixel's share is its brightness times the slope of the answer's score, averaged over pictures
    that fade in from blank to ``image``. With enough of them the shares add up to the change of the
    score; the slope at ``image`` alone would not. Source: Sundararajan, Taly, Yan, "Axiomatic
    Attribution for Deep Networks" (integrated gradients), 2017, equation 1, here by the midpoint
    rule.

    More ``steps`` make the sum more exact. The slopes come from the layers' own ``backward``, in a
    copy: ``model`` may read meanwhile.
    """
    model = fold_batchnorm(model)  # backward would be that of training, where these differ
    whole = as_input(image[None])
    fading = ((np.arange(steps, dtype=np.float32) + np.float32(0.5)) / steps)[:, None, None, None]
    scores = model.forward(np.concatenate([whole * fading, whole]), training=True)
    digit, second = (int(i) for i in np.argsort(-scores[-1, :DIGITS])[:2])

    def share(wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give each pixel its part of the score ``wanted @ scores``."""
        grad_out = np.zeros_like(scores)
        grad_out[:steps, :DIGITS] = wanted / steps
        slope = model.backward(grad_out).sum(axis=0, keepdims=True)
        result: NDArray[np.float32] = (slope * whole)[0, :, :, 0]
        return result

    digits = np.eye(DIGITS, dtype=np.float32)
    others = (1 - digits[digit]) / (DIGITS - 1)
    return Evidence(
        digit, second, share(digits[digit] - others), share(digits[digit] - digits[second])
    )
