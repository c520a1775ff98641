"""Random variations of handwriting, one way a file; a new one is a new file and one import here."""

from train.augment import far as far  # imported for their registration
from train.augment import plain as plain
from train.augment.base import AUGMENTATIONS, Augmentation, register
from train.augment.forms import other_form
from train.augment.hand import HAND, random_affine, stretched, vary_strokes, warp

__all__ = [
    "AUGMENTATIONS",
    "HAND",
    "Augmentation",
    "other_form",
    "random_affine",
    "register",
    "stretched",
    "vary_strokes",
    "warp",
]
