"""Random variations of handwriting, one way a file; a new one is a new file and one import here."""

from train.augment import far as far  # imported for their registration
from train.augment import plain as plain
from train.augment.base import AUGMENTATIONS, Augmentation, register
from train.augment.hand import HAND, random_affine, vary_strokes, warp

__all__ = [
    "AUGMENTATIONS",
    "HAND",
    "Augmentation",
    "random_affine",
    "register",
    "vary_strokes",
    "warp",
]
