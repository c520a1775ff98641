"""Pictures inside a page: images and the first layer's filters as data addresses of PNG files."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nn.ink import SIDE
from nn.model import Sequential

POSITIVE, NEGATIVE = (217, 95, 2), (58, 110, 190)
"""The colours of weights above and below 0; the size of a weight is how opaque it is."""
LEVELS = 15
"""So many steps of each colour: few enough that the file is small."""


def grey_png(image: NDArray[np.uint8]) -> str:
    """Return ``(h, w) uint8``, white on black, as a ``data:`` address."""
    return _address(Image.fromarray(image))


def first_filters(model: Sequential) -> str | None:
    """Return what the first layer with weights looks for, side by side, as a ``data:`` address.

    None for a layer whose weights do not lie on the image: another layer came before it.
    """
    layer = next((layer for layer in model.layers if "weight" in layer.params), None)
    if layer is None:
        return None
    weight: NDArray[Any] = layer.params["weight"]
    if weight.ndim == 4 and weight.shape[2] == 1:  # (size, size, 1, outputs)
        tiles = weight[:, :, 0, :].transpose(2, 0, 1)
    elif weight.ndim == 2 and weight.shape[0] == SIDE * SIDE:  # (784, outputs)
        tiles = weight.T.reshape(-1, SIDE, SIDE)
    else:
        return None
    picture = Image.fromarray(_sheet(tiles))
    picture.putpalette(_palette(), "RGBA")
    return _address(picture)


def _sheet(tiles: NDArray[Any]) -> NDArray[np.uint8]:
    """Lay ``(n, h, w)`` weights out in rows, a pixel apart: ``(h', w') uint8``, colours' numbers.

    Colour ``LEVELS + k`` stands for a weight of ``k / LEVELS`` of its filter's largest: with one
    scale for all filters a single strong one would make the others pale.
    """
    count, height, width = tiles.shape
    columns = math.ceil(math.sqrt(count * 2))
    rows = math.ceil(count / columns)
    shape = (rows * (height + 1) - 1, columns * (width + 1) - 1)
    sheet = np.full(shape, LEVELS, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + 1), (index % columns) * (width + 1)
        largest = float(np.abs(tile).max()) or 1.0
        sheet[top : top + height, left : left + width] = np.rint(tile / largest * LEVELS) + LEVELS
    return sheet


def _palette() -> bytes:
    colours = []
    for level in range(-LEVELS, LEVELS + 1):
        colour = POSITIVE if level > 0 else NEGATIVE
        colours += [*colour, 255 * abs(level) // LEVELS]
    return bytes(colours)


def _address(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
