"""One run's settings: with them and the data, a run can be repeated bit by bit."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

from train.architectures import ARCHITECTURES
from train.augment import AUGMENTATIONS
from train.device import DEVICES
from train.ranges import ABOVE_0, AT_LEAST_0, AT_LEAST_1, BELOW_1, FINITE, UP_TO_1, Range

OPTIMIZERS = ("sgd", "adam")
MOST_THREADS = 16
"""More cores than this would each get too few images of a step; who wants them can ask."""
MOST_MAKERS = 4
"""Processes that make batches for a GPU: so many it can use."""


def setting(default: Any, help: str, among: Range | None = None) -> Any:
    """Return a dataclass field whose ``help`` the command line shows; it says the unit.

    ``default`` may be a function that finds it. A number has to be ``among`` a range.
    """
    metadata = {"help": help, "among": among}
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """The settings of a training run. Each one is an option of the command line, with this help."""

    model: str = setting("cnn", "network: one of those in train/architectures.py")
    epochs: int = setting(210, "passes through the data", AT_LEAST_1)
    restart_after: int = setting(
        50,
        "epochs after which the learning rate rises once more, to half its height, and examples "
        "are varied as --later-augmentation says; left out unless there are more epochs; "
        "0 for never",
        AT_LEAST_0,
    )
    finish: int = setting(
        90,
        "epochs at the end, with a third rise, to half the height again, in which some zeros have "
        "a slash and some ones a serif; left out unless there is a restart and there are more "
        "than --restart-after and --finish epochs together; 0 for none",
        AT_LEAST_0,
    )
    sharpness_radius: float = setting(
        0.1,
        "distance from the weights within which the loss is made low in these last epochs, which "
        "then take twice as long; 0 for not",
        FINITE,
    )
    batch_size: int = setting(128, "images a step", AT_LEAST_1)
    optimizer: str = setting("sgd", "update rule: sgd or adam")
    learning_rate: float = setting(
        0.1, "highest step size of the schedule; about 0.1 suits sgd, 0.002 adam", ABOVE_0
    )
    momentum: float = setting(0.9, "share of the last step that sgd keeps, 0 to 1", BELOW_1)
    weight_decay: float = setting(
        5e-4, "share of each weight that a step takes off, in units of the learning rate", FINITE
    )
    averaging: float = setting(
        0.999,
        "memory of the average of weights, 0 (none) to 1; 0.999 is some thousand steps",
        BELOW_1,
    )
    augmentation: str = setting("hand", "how examples are varied: one of those in train/augment/")
    later_augmentation: str = setting("far", "how they are varied after the restart")
    pen_repeats: int = setting(
        3, "times that each pen drawing is seen an epoch, inked afresh", AT_LEAST_1
    )
    settling: float = setting(
        0.3,
        "share of the run (of each cycle, where the learning rate rises again), at its end, over "
        "which ever more of the examples, up to half, come as they were written, 0 to 1",
        UP_TO_1,
    )
    seed: int = setting(0, "whole number that everything random is drawn from", AT_LEAST_0)
    threads: int = setting(
        lambda: min(os.cpu_count() or 1, MOST_THREADS),
        "processor cores that learn, or, beside a GPU, that make its batches; "
        "another number gives other last bits",
        AT_LEAST_1,
    )
    device: str = setting(
        "cpu", "where gradients are computed: cpu, or cuda for an NVIDIA GPU, with CuPy"
    )
    teacher_share: float = setting(
        0.7, "share of the targets that teachers give, 0 to 1; labels give the rest", UP_TO_1
    )

    def __post_init__(self) -> None:
        """Refuse settings that no run can have; ValueError names the setting."""
        for field in dataclasses.fields(self):
            value, among = getattr(self, field.name), field.metadata["among"]
            if among is not None and not among.holds(value):
                raise ValueError(f"{field.name}: expected {among.words}, got {value}")
        if self.batch_size < 2 * self.threads:
            raise ValueError(
                f"batch_size: expected at least two images for each of {self.threads} threads, "
                f"got {self.batch_size}; take fewer --threads or a larger --batch-size"
            )
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name}: expected one of {sorted(known)}, got {getattr(self, name)!r}"
                )

    @property
    def makers(self) -> int:
        """How many processes make batches: beside a GPU there are cores to spare."""
        return max(1, min(self.threads - 1, MOST_MAKERS)) if self.device == "cuda" else 1

    def to_dict(self) -> dict[str, str | int | float]:
        """Return the settings as plain values for JSON."""
        return dataclasses.asdict(self)


CHOICES = {
    "model": ARCHITECTURES,
    "optimizer": OPTIMIZERS,
    "device": DEVICES,
    "augmentation": AUGMENTATIONS,
    "later_augmentation": AUGMENTATIONS,
}
"""The settings that are names, and the names that they can be."""

FINE_TUNING = Config(epochs=3, learning_rate=0.01, averaging=0.99, batch_size=64, pen_repeats=1)
"""What fine-tuning takes where nothing else is asked for."""
