"""Makes the training batches ahead of time in a process of its own, while the network works on earlier ones."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from threadpoolctl import threadpool_limits

from nn.layers import Array
from train.examples import Examples

Batch = tuple[Array, Array]
"""Inputs ``(batch, 28, 28, 1) float32`` and labels ``(batch,) uint8``."""

AHEAD = 6
"""So many batches are made in advance: enough to hide that some take longer."""


class Batches:
    """The batches of a run. Each depends on the seed and its step alone, so any run can start anywhere."""

    def __init__(self, examples: Examples, batch_size: int, seed: int) -> None:
        self.examples, self.seed = examples, seed
        self.batch_size = min(batch_size, len(examples))
        self.steps_per_epoch = len(examples) // self.batch_size
        self._epoch, self._order = -1, np.empty(0, np.intp)

    def make(self, step: int) -> Batch:
        """Return the batch of ``step``: its place in its epoch's own order, varied by its own generator."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            shuffle = np.random.default_rng([self.seed, 1, epoch])
            self._epoch, self._order = epoch, shuffle.permutation(len(self.examples))
        chosen = self._order[place * self.batch_size : (place + 1) * self.batch_size]
        return self.examples.batch(chosen, np.random.default_rng([self.seed, 2, step]))

    def ahead(self, first: int, last: int) -> Iterator[Batch]:
        """Yield the batches of steps ``first`` to ``last - 1``, made in another process.

        A process, because threads of Python wait for each other between NumPy's calls: beside a thread that
        varies images the network trains at less than half its speed.
        """
        context = get_context("spawn")
        with ProcessPoolExecutor(1, context, _start_worker, (self,)) as pool:
            waiting: deque[Future[Batch]] = deque()
            try:
                for step in range(first, last):
                    waiting.append(pool.submit(_make, step))
                    if len(waiting) > AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)


_batches: Batches  # in the worker process: what it makes batches of


def _start_worker(batches: Batches) -> None:
    global _batches
    _batches = batches
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to handle
    threadpool_limits(1, "blas")


def _make(step: int) -> Batch:
    return _batches.make(step)
