"""A run's folder: what lies in it, and that one run at a time writes there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from train import checkpoint

FILES = (
    "run.json",  # the settings and data: give it back with --config to repeat the run
    "checkpoint.npz",
    "checkpoint.previous.npz",
    "checkpoint.npz.unreadable",
    "log.jsonl",
    "report.html",
    "result.json",  # the errors in the end
    "start.npz",  # the weights that fine-tuning started from
    "weights.npz",
    "tensorboard",
)
"""What a run writes."""
BEFORE = "before"
"""The folder within the folder where a new run puts what an earlier one left."""


class FolderError(ValueError):
    """The folder is in use, or holds a run that is not to be lost."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Make the folder this process's own for a while; it is made if need be.

    A process that is killed gives it free at once, since the lock is the system's, not a file's
    existence. Raises FolderError, naming the process, if another one has it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # on Windows nothing is locked
        yield
        return
    with open(directory / "lock", "ab+", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().decode(errors="replace").strip() or "another process"
            raise FolderError(
                f"{directory}: in use by {owner}; wait for it, or give another folder with --run"
            ) from None
        file.truncate(0)
        with suppress(OSError):  # on a full disk: what cannot go without room says so, and where
            file.write(f"process {os.getpid()}".encode())
        try:
            yield
        finally:
            file.truncate(0)


def refuse_unfinished(directory: Path) -> None:
    """Raise FolderError if the folder holds a run that was stopped on the way."""
    path = directory / "checkpoint.npz"
    try:
        state, _, _ = checkpoint.read(path)
    except checkpoint.CheckpointError:
        return
    if state.finished and (directory / "result.json").exists():
        return
    where = f"was stopped at step {state.step} of {state.steps or 'more'}"
    raise FolderError(
        f"{directory}: holds a run that {'wrote no weights' if state.finished else where}; go on "
        "with it by --resume, put it aside by --fresh, or give another folder with --run"
    )


def clear(directory: Path) -> dict[Path, Path]:
    """Make room for a new run: what an earlier one left goes to the folder ``before`` in there.

    Returns where each file that was moved now lies, both paths resolved. A run that came to no
    checkpoint does not take the place of one that is there already.
    """
    left = [directory / name for name in FILES if (directory / name).exists()]
    before = directory / BEFORE
    if not left or (before.exists() and not (directory / "checkpoint.npz").exists()):
        return {}
    moved = {path.resolve(): before.resolve() / path.name for path in left}
    shutil.rmtree(before, ignore_errors=True)
    before.mkdir()
    for path in left:
        os.replace(path, before / path.name)
    return moved


def delete_parts(directory: Path) -> None:
    """Delete what a killed process had begun to write."""
    for path in directory.glob(".*.part"):
        with suppress(FileNotFoundError):
            path.unlink()
