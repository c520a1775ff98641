"""Makes training batches ahead of time, in processes beside the one that learns from them."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection

import numpy as np
from threadpoolctl import threadpool_limits

from nn.layers import Array
from train.augment import Augmentation
from train.examples import Examples
from train.interrupt import SIGNALS, signals_held
from train.schedule import Cycle, at

Batch = tuple[Array, Array]
"""Inputs ``(batch, 28, 28, 1) float32`` and labels ``(batch,) uint8``."""

WORTH_A_PROCESS = 20_000
"""With fewer images to come a process of their own would take longer to start than they do."""


class Batches:
    """The batches of a run; each depends on the seed and its step alone, so any can come first."""

    def __init__(self, examples: Examples, batch_size: int, seed: int) -> None:
        self.examples, self.seed = examples, seed
        self.batch_size = min(batch_size, len(examples))
        self.steps_per_epoch = len(examples) // self.batch_size
        self._epoch, self._order = -1, np.empty(0, np.intp)
        self._cycles: tuple[Cycle, ...] = ()
        self._settling, self._later = 0.0, examples.augmentation

    def follow(self, cycles: tuple[Cycle, ...], settling: float, later: Augmentation) -> None:
        """Vary the examples by ``later`` from the second cycle on, and less towards a cycle's end.

        Over the last share ``settling`` of each cycle ever more examples, up to half, come
        unvaried. What is read later is not varied: the network ends on the hands that people have.
        In the third cycle some digits are drawn in other forms.
        """
        self._cycles, self._settling, self._later = cycles, settling, later

    def make(self, step: int) -> Batch:
        """Return the batch of ``step``: its part of the epoch's order, freshly varied."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            shuffle = np.random.default_rng([self.seed, 1, epoch])
            self._epoch, self._order = epoch, shuffle.permutation(len(self.examples))
        chosen = self._order[place * self.batch_size : (place + 1) * self.batch_size]
        unvaried, augmentation, other_forms = 0.0, self.examples.augmentation, False
        if self._cycles:
            cycle = at(self._cycles, step)
            settles = cycle.last - int((cycle.last - cycle.first) * self._settling)
            if step > settles:
                unvaried = 0.5 * (step - settles) / (cycle.last - settles)
            if cycle.first > 0:
                augmentation = self._later
            other_forms = self._cycles.index(cycle) > 1
        rng = np.random.default_rng([self.seed, 2, step])
        return self.examples.batch(chosen, rng, unvaried, augmentation, other_forms)

    def ahead(self, first: int, last: int, makers: int = 1) -> Generator[Batch]:
        """Yield the batches from step ``first`` to before ``last``, made while others are used.

        By so many processes in turn, because threads of Python wait for each other between NumPy's
        calls: beside a thread that varies images the network trains at less than half its speed.
        Close the generator to end the processes. Raises ChildProcessError if one of them is ended
        by somebody else.
        """
        if (last - first) * self.batch_size < WORTH_A_PROCESS:
            yield from map(self.make, range(first, last))
            return
        context = get_context("spawn")
        resource_tracker.ensure_running()  # else `start` would do it, and let signals through
        pipes, workers = [], []
        try:
            for maker in range(makers):
                ours, theirs = context.Pipe(duplex=False)
                turns = range(first + maker, last, makers)
                worker = context.Process(target=_send_all, args=(self, turns, theirs), daemon=True)
                with signals_held():  # one that ends it half started would leave `start` waiting
                    worker.start()
                theirs.close()  # so that the pipe ends when the worker does
                pipes.append(ours)
                workers.append(worker)
            for step in range(first, last):
                try:
                    received = pipes[(step - first) % makers].recv()
                except (EOFError, OSError):
                    raise ChildProcessError(
                        "a process that makes batches was ended from outside, be it for want of "
                        "memory; go on with --resume"
                    ) from None
                if isinstance(received, BaseException):
                    raise received
                yield received
        finally:
            for ours, worker in zip(pipes, workers, strict=True):
                ours.close()
                worker.kill()  # it takes no heed of a polite signal
                worker.join()


def _send_all(batches: Batches, steps: range, pipe: Connection) -> None:
    """Make and send the batches of ``steps`` until all are sent or nobody reads them any more."""
    for number in SIGNALS:  # they go to both processes, and are the main one's to handle
        signal.signal(number, signal.SIG_IGN)
    with threadpool_limits(1, "blas"), suppress(BrokenPipeError):
        for step in steps:
            try:
                batch: Batch | Exception = batches.make(step)
            except Exception as error:
                batch = error
            pipe.send(batch)
