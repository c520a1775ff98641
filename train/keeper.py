"""Keeps a run's checkpoints: when one is due, where the last good one is, how to go back."""

from __future__ import annotations

import time
from pathlib import Path

from train import checkpoint
from train.checkpoint import Identity, State
from train.config import Config


class SaveError(RuntimeError):
    """A file of the run cannot be written; the message says where the last good one is."""


class Keeper:
    """Writes a checkpoint whenever one is due: a kill costs no more than ``every`` seconds."""

    def __init__(self, path: Path, config: Config, identity: Identity, every: float) -> None:
        self.path, self.config, self.identity, self.every = path, config, identity, every
        self._saved_at, self._saved_step = time.monotonic(), -1

    def load(self, which: str) -> State:
        """Return the state of the ``newest`` or the ``previous`` checkpoint.

        Where there is no newest one yet, the run stands at its beginning. Raises
        train.checkpoint.CheckpointError for one that is damaged or of another run.
        """
        if which == "previous":
            checkpoint.go_back(self.path, self.config, self.identity)
        if not self.path.exists() and not checkpoint.previous(self.path).exists():
            return State()
        state = checkpoint.load(self.path, self.config, self.identity)
        self._saved_step = state.step
        return state

    def due(self) -> bool:
        """Tell whether it is time to save."""
        return time.monotonic() - self._saved_at >= self.every

    def save(self, state: State) -> None:
        """Write a checkpoint; raises SaveError, and leaves the last one whole, if it cannot be."""
        try:
            checkpoint.save(self.path, self.config, state, self.identity)
        except OSError as error:
            raise SaveError(
                f"{self.path}: the checkpoint of step {state.step} cannot be written "
                f"({error.strerror or error}). {self.last_good()} Make room and go on with --resume"
            ) from error
        self._saved_at, self._saved_step = time.monotonic(), state.step

    def last_good(self) -> str:
        """Say in a sentence where the last good weights are."""
        if self._saved_step < 0:
            return "No checkpoint had been written yet."
        return (
            f"The last good weights are those of step {self._saved_step} in {self.path}; "
            f"`{checkpoint.export_command(self.path)}` makes a weights file."
        )
