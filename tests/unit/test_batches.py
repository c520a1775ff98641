"""Batches are made ahead by processes: the same ones in the same order, and no process is left."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import numpy as np
import pytest

from train import batches as module
from train.batches import Batches
from train.examples import Examples
from train.interrupt import SIGNALS


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    monkeypatch.setattr(module, "WORTH_A_PROCESS", 0)
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (40, 28, 28), np.uint8)
    return Batches(Examples(images, rng.integers(0, 10, 40).astype(np.uint8)), 10, seed=1)


def others() -> int:
    return len(multiprocessing.active_children())


@pytest.mark.parametrize("makers", [1, 3])
def test_any_number_of_processes_gives_the_batches_in_their_order(
    batches: Batches, makers: int
) -> None:
    before = others()
    ahead = batches.ahead(2, 9, makers)
    for step in range(2, 9):
        for found, right in zip(next(ahead), batches.make(step), strict=True):
            np.testing.assert_array_equal(found, right)
    assert next(ahead, None) is None
    assert others() == before


def test_no_process_is_left_where_not_all_batches_are_taken(batches: Batches) -> None:
    before = others()
    ahead = batches.ahead(0, 1_000, 2)
    next(ahead)
    assert others() == before + 2
    ahead.close()
    assert others() == before


def test_a_process_that_is_ended_from_outside_is_told(batches: Batches) -> None:
    before = set(multiprocessing.active_children())
    ahead = batches.ahead(0, 1_000, 2)
    next(ahead)
    (first, _) = sorted(set(multiprocessing.active_children()) - before, key=lambda p: p.pid or 0)
    first.kill()
    with pytest.raises(ChildProcessError, match="ended from outside"):
        for _ in ahead:
            pass
    assert set(multiprocessing.active_children()) == before


def test_a_process_gets_no_signal_even_while_it_starts(batches: Batches) -> None:
    before = set(multiprocessing.active_children())
    ahead = batches.ahead(0, 1_000)
    next(ahead)
    (maker,) = set(multiprocessing.active_children()) - before
    status = Path(f"/proc/{maker.pid}/status").read_text()
    held = int(
        next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1], 16
    )
    ahead.close()
    assert all(held >> (number - 1) & 1 for number in SIGNALS)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(SIGNALS)


def test_what_goes_wrong_in_a_process_is_raised_here(batches: Batches) -> None:
    batches.examples.image_labels.resize(5, refcheck=False)  # there are 40 images
    with pytest.raises(IndexError):
        for _ in batches.ahead(0, 4, 2):
            pass
