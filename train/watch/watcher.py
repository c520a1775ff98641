"""Follows a run as it learns: the bar on the screen, the log, the report, TensorBoard's files."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm import tqdm

from nn.model import Sequential
from train.checkpoint import State
from train.examples import Task
from train.watch import log
from train.watch.board import Board
from train.watch.log import Entry
from train.watch.measure import Measured, measure
from train.watch.report import Story, write_report

REPORT_SECONDS = 10.0
"""The report is written this often, with the first epoch and in the end."""
SMOOTHING = 0.02
"""The share of the newest step in the loss that the bar shows."""


class Watcher:
    """Tells people and other tools how a run goes; it changes nothing of it.

    What cannot be written, be it for a full disk, is said once and then left out: the weights
    matter more. Use it in a ``with`` block.
    """

    def __init__(
        self, directory: Path, task: Task, steps: int, batch_size: int, state: State
    ) -> None:
        self.directory, self.task, self.steps, self.batch_size = directory, task, steps, batch_size
        self.history = state.history
        self._step, self._steps_per_epoch = state.step, len(task.train) // batch_size
        self._seconds_before = self.history[-1]["seconds"] if self.history else 0.0
        self._began = self._line_at = time.monotonic()
        self._report_at = -REPORT_SECONDS
        self._line_step = state.step
        self._loss: float | None = None
        self._measured: dict[str, Measured] = {}
        self._model: Sequential | None = None
        self._complained = False
        self._board: Board | None = None

    def __enter__(self) -> Watcher:
        if self.history or self._step == 0:  # a log of other form than today's is left alone
            self._try(lambda: log.rewrite(self.directory / "log.jsonl", self.history))
        self._try(self._open_board)
        self._bar = tqdm(
            total=self.steps * self.batch_size,
            initial=self._step * self.batch_size,
            unit=" images",
            unit_scale=True,
            smoothing=0.05,
            mininterval=0.2 if sys.stderr.isatty() else 60,
            dynamic_ncols=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._report(f"Stopped at step {self._step} of {self.steps}: {error}", running=False)
        self._bar.close()
        if self._board is not None:
            self._board.close()

    def step(self, loss: float) -> None:
        """Take note of a step."""
        self._step += 1
        self._loss = loss if self._loss is None else self._loss + SMOOTHING * (loss - self._loss)
        self._put_beside_the_bar()
        self._bar.update(self.batch_size)

    def line(self, loss: float, learning_rate: float) -> None:
        """Take note of some steps: their mean loss, and the rate of the last one."""
        self._add(self._entry("steps", loss, learning_rate))
        self._report_running()

    def epoch(self, loss: float, learning_rate: float, averaged: Sequential) -> None:
        """Take note of an epoch: its mean loss, and the averaged weights, which are measured."""
        entry = self._entry("epoch", loss, learning_rate)
        self._model, self._measured = averaged, measure(averaged, self.task.validation)
        entry["validation_error_percent"] = {
            name: round(100 * measured.error, 3) for name, measured in self._measured.items()
        }
        self._put_beside_the_bar()  # after the last epoch no step does it any more
        self._add(entry)
        self._report_running()
        now = time.monotonic()  # measuring is not learning
        self._began += now - self._line_at
        self._line_at = now

    def finish(self, averaged: Sequential) -> None:
        """Write the last report."""
        if not self._measured:
            self._measured = measure(averaged, self.task.validation)
        self._model = averaged
        self._report(f"Finished after {self.steps} steps.", running=False)

    def _put_beside_the_bar(self) -> None:
        """Set what the bar shows when it is next drawn."""
        shown = {} if self._loss is None else {"loss": f"{self._loss:.4f}"}
        shown |= {f"{name} error": f"{each.error:.2%}" for name, each in self._measured.items()}
        self._bar.set_postfix(shown, refresh=False)

    def _entry(self, kind: str, loss: float, learning_rate: float) -> Entry:
        now = time.monotonic()
        speed = (self._step - self._line_step) * self.batch_size / max(now - self._line_at, 1e-9)
        self._line_at, self._line_step = now, self._step
        return {
            "kind": kind,
            "step": self._step,
            "epoch": round(self._step / self._steps_per_epoch, 4),
            "images": self._step * self.batch_size,
            "seconds": round(self._seconds_before + now - self._began, 3),
            "images_per_second": round(speed, 1),
            "loss": round(loss, 5),
            "learning_rate": round(learning_rate, 6),
        }

    def _add(self, entry: Entry) -> None:
        self.history.append(entry)
        self._try(lambda: log.append(self.directory / "log.jsonl", entry))
        if self._board is not None:
            board = self._board
            self._try(lambda: board.add(entry))

    def _report_running(self) -> None:
        if time.monotonic() - self._report_at < REPORT_SECONDS:
            return
        epoch = self._step / self._steps_per_epoch
        self._report(f"Running: step {self._step} of {self.steps}, epoch {epoch:.1f}.", True)
        self._report_at = time.monotonic()

    def _report(self, status: str, running: bool) -> None:
        story = Story(
            f"Training run {self.directory.name}",
            status,
            running,
            self._facts(),
            self.history,
            self._measured,
            self._model,
        )
        self._try(lambda: write_report(self.directory / "report.html", story))

    def _facts(self) -> Mapping[str, Any]:
        """Return what the run's own description says, or the data alone where there is none."""
        facts: dict[str, Any] = {f"data: {n}": what for n, what in self.task.sources.items()}
        try:
            described = json.loads((self.directory / "run.json").read_text("utf-8"))
        except (OSError, ValueError):
            return facts
        return facts | dict(described.get("options", {}))

    def _open_board(self) -> None:
        self._board = Board(self.directory / "tensorboard", self.history)

    def _try(self, write: Any) -> None:
        try:
            write()
        except OSError as error:
            if not self._complained:
                tqdm.write(f"Going on without some of the log: {error}", file=sys.stderr)
            self._complained = True
