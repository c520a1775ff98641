"""Connected pieces of a picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nn.picture.pieces import Mask, grown, numbered, on_rim

MASKS = st.one_of(
    arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)),
    # Mostly ink: pieces that turn and branch.
    arrays(bool, (9, 14), elements=st.integers(0, 3).map(bool)),
)


def flooded(mask: Mask) -> list[set[tuple[int, int]]]:
    """Return the pixels of each piece, found one after the other, in the order of their first."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    pieces = []
    while left:
        piece, fresh = set(), {min(left)}
        while fresh:
            piece |= fresh
            near = {(y + dy, x + dx) for y, x in fresh for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
            fresh = (near & left) - piece
        pieces.append(piece)
        left -= piece
    return pieces


@given(MASKS)
def test_pieces_are_numbered_in_the_order_of_their_first_pixels(mask: Mask) -> None:
    of_pixel, boxes = numbered(mask)
    pieces = flooded(mask)
    assert len(boxes) == len(pieces)
    assert np.array_equal(of_pixel == -1, ~mask)
    for number, piece in enumerate(pieces):
        assert {tuple(pixel) for pixel in np.argwhere(of_pixel == number)} == piece
        rows, columns = zip(*piece, strict=True)
        box = [min(columns), min(rows), max(columns) + 1, max(rows) + 1]
        assert boxes[number].tolist() == box


def test_a_spiral_is_one_piece() -> None:
    mask = np.zeros((41, 41), bool)
    y, x, down, across = 0, 0, 0, 1
    for length in [40, *(side for side in range(40, 0, -2) for _ in range(2))]:
        for _ in range(length):
            mask[y, x] = True
            y, x = y + down, x + across
        down, across = across, -down
    of_pixel, boxes = numbered(mask)
    assert len(boxes) == 1
    assert np.array_equal(of_pixel == 0, mask)
    assert 0 < np.count_nonzero(of_pixel == -1) < mask.size


@given(MASKS)
def test_what_reaches_the_rim_is_found_whole(mask: Mask) -> None:
    height, width = mask.shape
    expected = np.zeros_like(mask)
    for piece in flooded(mask):
        if any(y in (0, height - 1) or x in (0, width - 1) for y, x in piece):
            expected[tuple(np.transpose(sorted(piece)))] = True
    assert np.array_equal(on_rim(mask), expected)


@given(MASKS, st.integers(0, 3))
def test_a_mask_grows_by_so_many_rows_and_columns(mask: Mask, reach: int) -> None:
    expected = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        expected[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    assert np.array_equal(grown(mask, reach), expected)
