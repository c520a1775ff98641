"""Damaged and mutated requests: every one is answered, by a reading or by a problem."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import threadpoolctl

from tests.fuzz.requests import changed, checker, repaired, seeds
from tests.server.conftest import ROOT


def test_good_requests_are_read() -> None:
    check = checker()
    inputs = seeds()
    animations = [data for data in inputs if check(data) != 200]
    assert len(animations) < len(inputs) / 10
    assert all(repaired(data) == data for data in inputs)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_changed_requests_are_answered() -> None:
    check, inputs, rng = checker(), seeds(), random.Random(os.environ.get("FUZZ_SEED", "1"))
    with threadpoolctl.threadpool_limits(1):  # as the server does
        statuses = {check(changed(rng.choice(inputs), inputs, rng)) for _ in range(1500)}
    assert statuses >= {200, 400}


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed: `make fuzz` installs it, where it is built for this Python",
)
def test_requests_guided_by_coverage_are_answered(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.decoders", "--runs", "2000"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "2000 requests in" in done.stdout
