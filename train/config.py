"""One run's settings: with them and the data, a run can be repeated bit by bit."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field

OPTIMIZERS = ("sgd", "adam")


@dataclass(frozen=True)
class Config:
    """The settings of a training run; the command line's help says what each one means."""

    model: str = "cnn"
    epochs: int = 30
    batch_size: int = 128
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    averaging: float = 0.999
    pen_repeats: int = 3
    seed: int = 0
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        """Refuse settings that no run can have; ValueError names the setting."""
        for name in ("epochs", "batch_size", "threads", "pen_repeats"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.batch_size < 2 * self.threads:
            raise ValueError(
                f"batch_size: expected at least two images for each of {self.threads} threads, "
                f"got {self.batch_size}"
            )
        for name in ("momentum", "averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 0 <= {name} < 1, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: expected more than 0, got {self.learning_rate}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer: expected one of {OPTIMIZERS}, got {self.optimizer!r}")

    def to_dict(self) -> dict[str, str | int | float]:
        """Return the settings as plain values for JSON."""
        return dataclasses.asdict(self)
