"""TensorBoard's files, where the package ``tensorboard`` is installed; without it nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from train.watch.log import Entry


class Board:
    """Writes the numbers of the log as event files into a folder of their own."""

    def __init__(self, directory: Path, history: Sequence[Entry]) -> None:
        """Begin with the lines of before; files of an earlier run or attempt are deleted."""
        self._writer: Any = None
        for old in directory.glob("events.out.tfevents.*"):
            old.unlink()
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            return
        self._writer = EventFileWriter(str(directory))
        for entry in history:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Write one line of the log."""
        if self._writer is None:
            return
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        errors = entry.get("validation_error_percent", {})
        tag = "train/epoch loss" if entry["kind"] == "epoch" else "train/loss"
        numbers = {
            tag: entry["loss"],
            "train/learning rate": entry["learning_rate"],
            "train/images per second": entry["images_per_second"],
        } | {f"validation error %/{name}": error for name, error in errors.items()}
        values = [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        self._writer.add_event(
            Event(wall_time=time.time(), step=entry["step"], summary=Summary(value=values))
        )
        self._writer.flush()

    def close(self) -> None:
        """End the writing."""
        if self._writer is not None:
            self._writer.close()
