"""A run loses nothing: to a kill, a signal, a full disk, a spoiled file, a second run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nn import Recognizer
from nn.layers import Flatten
from nn.model import Sequential
from tests.training import ROOT, quick, same_weights, stop_after_first_epoch, write_data
from train import checkpoint
from train.__main__ import main
from train.architectures import ARCHITECTURES
from train.config import Config
from train.folder import locked


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from train.__main__ import main

# The modules are imported once, here; each attempt is a fork of this process.
arguments, run, kills = sys.argv[2:], Path(sys.argv[1]), 20
moments = random.Random(7)
newest = run / "checkpoint.npz"
for number in range(kills):
    before = newest.stat().st_mtime_ns if newest.exists() else 0
    child = os.fork()
    if child == 0:
        os._exit(main([*arguments, "--save-every", "0", "--resume"]))
    if number % 4:  # somewhere in the work; one in four somewhere in the start
        while (newest.stat().st_mtime_ns if newest.exists() else 0) == before:
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "ended by itself"
            time.sleep(0.001)
    time.sleep(moments.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, "ended before it was killed"
"""


def test_twenty_kills_at_random_moments_change_no_bit(data, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    assert main(quick(data, whole, "--epochs", "40")) == 0
    command = [sys.executable, "-c", KILLER, str(parts / "run")]
    done = subprocess.run(
        [*command, *quick(data, parts, "--epochs", "40")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    left = checkpoint.read(parts / "run/checkpoint.npz")[0]
    assert 15 <= left.step < left.steps  # each kill but the early ones let some steps pass

    assert main(quick(data, parts, "--epochs", "40", "--resume")) == 0
    assert same_weights(whole / "weights.npz", parts / "weights.npz")
    states = [checkpoint.read(folder / "run/checkpoint.npz")[0] for folder in (whole, parts)]
    for kind in ("model", "averaged", "optimizer"):
        ours, theirs = (getattr(state, kind) for state in states)
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert lasting(whole / "run/log.jsonl") == lasting(parts / "run/log.jsonl")
    assert not list((parts / "run").glob(".*.part"))


def lasting(log: Path) -> list[dict]:
    """Return a log's lines without what the clock says."""
    clock = ("seconds", "images_per_second")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in clock} for line in lines]


def test_a_stopped_run_goes_on_with_its_own_settings(data, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path, "--seed", "3", "--epochs", "4")) == 130
    assert "--resume" in capsys.readouterr().err
    assert main(["--run", str(tmp_path / "run"), "--resume"]) == 0
    assert Recognizer.load(tmp_path / "weights.npz").metadata["config"]["seed"] == 3

    (tmp_path / "whole").mkdir()
    assert main(quick(data, tmp_path / "whole", "--seed", "3", "--epochs", "4")) == 0
    assert same_weights(tmp_path / "weights.npz", tmp_path / "whole/weights.npz")


def test_a_stopped_run_is_not_lost_to_a_new_one(data, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path)) == 130
    before = (tmp_path / "run/checkpoint.npz").read_bytes()
    assert main(quick(data, tmp_path)) == 1
    assert "stopped at step 9 of 18; go on with it by --resume" in capsys.readouterr().err
    assert (tmp_path / "run/checkpoint.npz").read_bytes() == before
    assert main(quick(data, tmp_path, "--fresh")) == 0
    assert (tmp_path / "run/before/checkpoint.npz").read_bytes() == before


def test_a_run_whose_weights_could_not_be_written_goes_on_to_them(
    data, tmp_path, monkeypatch, capsys
):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("nn.weights.save", full)
        assert main(quick(data, tmp_path)) == 1
    assert "weights.npz: the weights cannot be written (No space left" in capsys.readouterr().err
    assert main(quick(data, tmp_path)) == 1
    assert "holds a run that wrote no weights; go on with it by --resume" in capsys.readouterr().err
    assert main(quick(data, tmp_path, "--resume")) == 0
    assert Recognizer.load(tmp_path / "weights.npz")


def test_a_run_that_came_to_nothing_takes_no_runs_place(data, tmp_path, monkeypatch):
    assert main(quick(data, tmp_path)) == 0
    learned = (tmp_path / "run/checkpoint.npz").read_bytes()
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        patch.setattr("train.checkpoint.save", lambda *_: None)
        for _ in range(2):
            assert main(quick(data, tmp_path)) == 130
    assert (tmp_path / "run/before/checkpoint.npz").read_bytes() == learned


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pen", "/nowhere"], "/nowhere"),
        (["--teacher", "/nowhere.npz"], "/nowhere.npz"),
        (["--model", "unfit"], "model unfit: "),
        (["--teacher", "{run}/before/weights.npz"], "move it, or give the new run another folder"),
    ],
)
def test_a_run_that_is_refused_leaves_all_where_it_was(
    data, tmp_path, monkeypatch, capsys, options, message
):
    monkeypatch.setitem(ARCHITECTURES, "unfit", lambda rng, outputs: Sequential([Flatten()]))
    run = tmp_path / "run"
    assert main(quick(data, tmp_path)) == 0
    assert main(quick(data, tmp_path, "--out", str(run / "weights.npz"))) == 0
    assert main(quick(data, tmp_path, "--out", str(run / "weights.npz"))) == 0
    before = contents(run)
    assert {"checkpoint.npz", "result.json", "before/weights.npz"} <= before.keys()
    arguments = quick(data, tmp_path, *[option.format(run=run) for option in options])
    arguments.remove("--no-pen")
    assert main(arguments) == 1
    assert message in capsys.readouterr().err
    assert contents(run) == before


def contents(folder: Path) -> dict[str, bytes]:
    """Return what the files in a folder hold, by their path from there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_resuming_where_nothing_began_begins_aloud(data, tmp_path, capsys):
    assert main(quick(data, tmp_path, "--resume")) == 0
    assert f"There is no run in {tmp_path / 'run'} yet: it begins." in capsys.readouterr().err


def test_a_spoiled_checkpoint_is_named_and_the_one_before_can_be_taken(
    data, tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path, "--save-every", "0")) == 130
    newest = tmp_path / "run/checkpoint.npz"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)

    assert main(quick(data, tmp_path, "--resume")) == 1
    message = capsys.readouterr().err
    assert "checkpoint.npz: not a readable checkpoint" in message
    assert "checkpoint.previous.npz, is whole (step 8): --resume previous" in message
    assert main(quick(data, tmp_path, "--resume", "previous")) == 0
    assert (tmp_path / "run/checkpoint.npz.unreadable").read_bytes() == content

    (tmp_path / "whole").mkdir()
    assert main(quick(data, tmp_path / "whole")) == 0
    assert same_weights(tmp_path / "weights.npz", tmp_path / "whole/weights.npz")


def test_a_checkpoint_of_other_data_is_refused(data, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path)) == 130
    other = quick(data, tmp_path, "--kaggle", str(data / "train.csv"), "--resume")[2:]
    assert main(other) == 1
    assert "of a run with other data: data Kaggle None (now " in capsys.readouterr().err


def test_a_run_does_not_go_on_without_data_that_it_had(data, tmp_path, monkeypatch, capsys):
    pens = quick(data, tmp_path, "--pen", str(data / "pen"), "--no-nondigits")
    pens.remove("--no-pen")
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(pens) == 130
    before = (tmp_path / "run/checkpoint.npz").read_bytes()
    assert main(quick(data, tmp_path, "--resume")) == 1  # with --no-pen
    assert "of a run with other data: data pen " in capsys.readouterr().err
    assert (tmp_path / "run/checkpoint.npz").read_bytes() == before


def test_going_back_loses_no_checkpoint(data, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path, "--save-every", "0")) == 130
    newest, before = tmp_path / "run/checkpoint.npz", contents(tmp_path / "run")
    for _ in range(2):
        back = quick(data, tmp_path, "--learning-rate", "0.05", "--resume", "previous")
        assert main(back) == 1
        assert "of a run with other settings: learning_rate" in capsys.readouterr().err
        now = contents(tmp_path / "run")
        assert all(now[name] == before[name] for name in before if name.startswith("checkpoint"))
    settings = Config(**checkpoint.read(newest)[1])
    for _ in range(2):  # the second time nothing has been learned since
        checkpoint.go_back(newest, settings)
        kept = newest.with_name("checkpoint.npz.unreadable").read_bytes()
        assert kept == before["checkpoint.npz"]


def test_a_full_disk_ends_in_words_and_leaves_the_last_checkpoint_whole(
    data, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path)) == 130
    before = (tmp_path / "run/checkpoint.npz").read_bytes()
    program = (
        "import resource, sys\n"
        "from train.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, *quick(data, tmp_path, "--resume")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the checkpoint of step 18 cannot be written" in done.stderr
    assert "The last good weights are those of step 9 in " in done.stderr
    assert (tmp_path / "run/checkpoint.npz").read_bytes() == before
    assert not list((tmp_path / "run").glob(".*.part"))
    assert main(quick(data, tmp_path, "--resume")) == 0


@pytest.mark.filterwarnings("ignore:overflow|invalid|divide:RuntimeWarning")
def test_a_diverging_run_says_where_the_last_good_weights_are(data, tmp_path, capsys):
    options = ("--learning-rate", "1e9", "--epochs", "9", "--save-every", "0")
    assert main(quick(data, tmp_path, *options)) == 1
    message = capsys.readouterr().err
    assert "Try a --learning-rate below" in message
    step = int(message.partition("those of step ")[2].split()[0])
    state = checkpoint.read(tmp_path / "run/checkpoint.npz")[0]
    assert state.step == step
    assert all(np.isfinite(array).all() for array in state.model.values())
    assert not (tmp_path / "weights.npz").exists()


def test_a_second_run_in_the_same_folder_is_refused_by_name(data, tmp_path, capsys):
    with locked(tmp_path / "run"):
        assert main(quick(data, tmp_path)) == 1
    message = capsys.readouterr().err
    assert f"{tmp_path / 'run'}: in use by process" in message
    assert main(quick(data, tmp_path)) == 0  # free again, although the file is still there


def test_a_dead_process_does_not_hold_the_folder(data, tmp_path):
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from train.folder import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -9
    assert "process" in (tmp_path / "run/lock").read_text()
    assert main(quick(data, tmp_path)) == 0


def test_a_disk_without_any_room_is_told_with_the_file_that_found_none(data, tmp_path):
    program = (
        "import resource, sys\n"
        "from train.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    weights = str(tmp_path / "copy.npz")
    for arguments, name in (
        (quick(data, tmp_path), "run.json"),
        (["export", "--npz", weights], weights),
    ):
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f"{name}'" in done.stderr
        assert "Traceback" not in done.stderr
