"""The guide and the tour: what they show runs, and what they add takes the files that they say."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.sample import mnist_is_here, write_mnist
from tests.training import ROOT, write_data


class Block(NamedTuple):
    """A block of code in the guide."""

    kind: str
    place: str
    """``file=PATH`` or ``append=PATH``, or empty."""
    code: str


def blocks() -> list[Block]:
    text = (ROOT / "train/GUIDE.md").read_text("utf-8")
    found = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert text.count("```") == 2 * len(found)
    return [Block(*parts) for parts in found]


def test_the_guides_code_runs_in_its_order():
    names: dict[str, object] = {}
    for block in blocks():
        if block.kind == "python" and not block.place:
            exec(compile(block.code, "train/GUIDE.md", "exec"), names)
    assert "folded" in names


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a copy of the project beside data of its own, with what the guide adds to it."""
    folder = tmp_path_factory.mktemp("copy")
    for part in ("nn", "train"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    write_data(folder / "data")
    for block in blocks():
        action, _, path = block.place.partition("=")
        if action == "file":
            assert not (folder / path).exists(), f"{path} is there already"
            (folder / path).write_text(block.code)
        elif action == "append":
            with open(folder / path, "a", encoding="utf-8") as file:
                file.write("\n\n" + block.code)
    return folder


def shell(copy: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the guide in the copy, with the interpreter that runs the tests."""
    command = re.sub(r"^python\b", f"'{sys.executable}'", command)
    environment = os.environ | {"DIGITS_DATA": str(copy / "data"), "PYTHONPATH": str(copy)}
    return subprocess.run(
        command, shell=True, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def test_the_guides_commands_run(copy):
    pytest.importorskip("joblib", reason="sweeps: the package joblib is not installed")
    commands = [
        line for block in blocks() if block.kind == "sh" for line in block.code.splitlines()
    ]
    assert len(commands) == 9
    for command in commands:
        less = " --numbers 20" if " evaluate " in command else ""  # a thousand take a minute
        done = shell(copy, command + less)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (copy / "runs/first/report.html").stat().st_size > 10_000
    assert "Swish" in shell(copy, "python -m train export --weights own.npz --summary").stdout


def test_the_guides_layer_has_the_right_derivative(copy):
    program = (
        "import sys\n"
        f"sys.path.append({str(ROOT)!r})\n"
        "import numpy as np\n"
        "from nn.layers import Layer\n"
        "from tests.unit.gradients import check_gradients\n"
        "rng = np.random.default_rng(0)\n"
        "check_gradients(Layer.registry['Swish'](), rng.standard_normal((4, 5)), rng)"
    )
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_the_tour_runs_on_small_data(tmp_path, monkeypatch, capsys):
    write_mnist(tmp_path / "mnist", 600, 85)
    monkeypatch.setenv("DIGITS_DATA", str(tmp_path))
    runpy.run_module("train.tour", run_name="__main__")
    shown = capsys.readouterr().out
    assert "parameters: 101770" in shown
    assert re.search(r"gradient ([+-]\d\.\d{4})\d, measured \1", shown)
    assert "of the test images are read right" in shown


@pytest.mark.skipif(not mnist_is_here(), reason="MNIST is not on this computer")
def test_the_tour_reads_97_5_percent_of_mnists_test_images(capsys):
    """How long it takes is for people to see: it prints the seconds."""
    shown = runpy.run_module("train.tour", run_name="__main__")
    assert shown["right"] >= 0.975
    capsys.readouterr()
