"""What people and other tools see of a run: progress bar, log, report, TensorBoard's files."""

from train.watch.watcher import Watcher

__all__ = ["Watcher"]
