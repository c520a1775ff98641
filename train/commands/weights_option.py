"""The option that names a trained network: a weights file, or a run's checkpoint."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from nn.layers import Layer
from nn.model import Sequential, fold_batchnorm
from nn.recognizer import DEFAULT_PATH, Recognizer
from train import checkpoint
from train.commands.parsing import Parser, UsageError
from train.learner import set_arrays
from train.run import check_can_ship


def add_weights_option(parser: Parser) -> None:
    """Add ``--weights``."""
    parser.add_argument(
        "--weights",
        type=Path,
        default=DEFAULT_PATH,
        metavar="FILE",
        help="trained network: a weights file, or the checkpoint.npz of a run",
    )


def load_finished(path: Path) -> Recognizer:
    """Read a weights file, where a checkpoint will not do.

    Raises UsageError for a checkpoint, and nn.weights.WeightsError.
    """
    refuse_checkpoint(path)
    return Recognizer.load(path)


def refuse_checkpoint(path: Path) -> None:
    """Raise UsageError, which says how weights are made of it, if a file is a checkpoint."""
    if _is_checkpoint(path):
        raise UsageError(
            f"{path}: expected weights, got a checkpoint; make weights of it by "
            f"`{checkpoint.export_command(path)}`"
        )


def load_weights(path: Path) -> Recognizer:
    """Read a weights file, or the averaged weights of a checkpoint.

    Raises nn.weights.WeightsError, and train.checkpoint.CheckpointError for a damaged checkpoint.
    """
    if not _is_checkpoint(path):
        return Recognizer.load(path)
    state, settings, identity = checkpoint.read(path)
    try:
        model = Sequential([_make_layer(**entry) for entry in state.layers])
        set_arrays(model, state.averaged)
        folded = fold_batchnorm(model)
        check_can_ship(folded, settings["model"])
        if not all(np.isfinite(array).all() for array in folded.arrays().values()):
            raise ValueError("it has numbers that are not finite")
        metadata = {"model": settings["model"], "config": settings, "step": state.step}
        # As the identity names data: see train.commands.data_options.training_task.
        learned = {name[5:]: of for name, of in identity.items() if name.startswith("data ")}
    except (AttributeError, MemoryError, TypeError, KeyError, ValueError) as error:
        raise checkpoint.CheckpointError(
            f"{path}: no network can be made of it ({error})"
        ) from error
    if learned:
        metadata["trained_on"] = {name: f"data with SHA-256 {of}" for name, of in learned.items()}
    return Recognizer(folded, metadata, hashlib.sha256(path.read_bytes()).hexdigest())


def _make_layer(type: str, **sizes: int) -> Layer:
    return Layer.registry[type](**sizes)


def _is_checkpoint(path: Path) -> bool:
    """Tell a checkpoint from a weights file by what is in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "step.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False  # the reader of weights says what is wrong with it
