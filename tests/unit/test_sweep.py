"""Sweeps: every combination once, in a table; what failed is named; a stopped sweep goes on."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time

import pytest

from nn import Recognizer
from tests.training import ROOT, quick, same_weights, write_data
from train.__main__ import main
from train.sweep import Result, combinations, table

pytest.importorskip("joblib", reason="sweeps: the package joblib is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


def sweep(data, folder, *more: str) -> list[str]:
    """Return the arguments of a sweep: those of a quick run but for the weights' place."""
    options = quick(data, folder)
    del options[options.index("--out") : options.index("--out") + 2]
    return ["sweep", *options, "--jobs", "2", "--threads", "1", *more]


def test_every_combination_is_run_and_tabled(data, tmp_path, capsys):
    choices = ("--seeds", "0", "1", "--set", "learning_rate=0.05,1e9")
    assert main(sweep(data, tmp_path, *choices)) == 1  # two cannot but diverge
    shown = capsys.readouterr()
    assert "2 of 4 runs failed, the first for this: train: the loss became" in shown.err
    with open(tmp_path / "run/sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["learning_rate"], row["seed"]) for row in rows} == {
        ("0.05", "0"), ("0.05", "1"), ("1000000000.0", "0"), ("1000000000.0", "1"),
    }  # fmt: skip
    assert [row["weights"] == "failed" for row in rows] == [False, False, True, True]
    assert "| learning_rate | seed | MNIST error % |" in shown.out

    # A run of a sweep is that very run by itself.
    (tmp_path / "alone").mkdir()
    alone = quick(data, tmp_path / "alone", "--learning-rate", "0.05", "--seed", "1")
    assert main([*alone, "--threads", "1"]) == 0
    assert same_weights(
        tmp_path / "alone/weights.npz", tmp_path / "run/learning_rate=0.05-seed=1/weights.npz"
    )

    # What is done is not done again, and not taken for a run with other options.
    done = tmp_path / "run/learning_rate=0.05-seed=0/weights.npz"
    before = done.stat().st_mtime_ns
    assert main(sweep(data, tmp_path, "--seeds", "0", "--set", "learning_rate=0.05")) == 0
    assert done.stat().st_mtime_ns == before
    table = (tmp_path / "run/sweep.csv").read_text()
    assert main(sweep(data, tmp_path, "--set", "learning_rate=0.05", "--epochs", "3")) == 1
    assert "holds a run with other options" in capsys.readouterr().err
    assert (tmp_path / "run/sweep.csv").read_text() == table


def test_weights_of_a_sweep_can_teach(data, tmp_path):
    assert main(sweep(data, tmp_path, "--seeds", "0", "1")) == 0
    teachers = [str(path) for path in sorted((tmp_path / "run").glob("*/weights.npz"))]
    assert len(teachers) == 2
    (tmp_path / "pupil").mkdir()
    assert main(quick(data, tmp_path / "pupil", "--teacher", *teachers)) == 0
    assert Recognizer.load(tmp_path / "pupil/weights.npz")


def test_a_stopped_sweep_stops_its_runs_and_goes_on(data, tmp_path):
    command = [sys.executable, "-m", "train", *sweep(data, tmp_path, "--epochs", "3000")]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        checkpoint = tmp_path / "run/seed=0/checkpoint.npz"
        end = time.monotonic() + 60
        while not checkpoint.exists():
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "stopped; the same command goes on" in errors
    assert "stopped at step" in (tmp_path / "run/seed=0/output.txt").read_text()


def test_a_failed_run_is_named_in_a_terminal_of_another_encoding(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    missing = tmp_path / "Übungen"
    assert main(["sweep", "--mnist", str(missing), "--no-pen", "--run", str(tmp_path / "run")]) == 1
    told = capsys.readouterr().err
    assert "1 of 1 runs failed" in told
    assert f"{missing}: none of the files" in told
    assert (tmp_path / "run/sweep.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "rate=1"], "NAME=VALUE,VALUE with one of augmentation, averaging"),
        (["--set", "learning_rate"], "got 'learning_rate'"),
        (["--set", "seed=1"], "got 'seed=1'"),
        (["--set", "epochs=1,x"], "--set epochs: invalid literal"),
        (["--set", "epochs=2,0"], "epochs: expected at least 1, got 0"),
        (["--set", "model=vgg"], "model: expected one of"),
        (["--set", "threads=1,9"], "at least two images for each of 9 threads, got 16"),
        (["--threads", "9"], "at least two images for each of 9 threads, got 16"),
        (["--threads", "0"], "argument --threads: expected at least 1, got 0"),
        (["--jobs", "0"], "argument --jobs: expected at least 1, got 0"),
        (["--seeds", "0", "-1"], "argument --seeds: expected at least 0, got -1"),
    ],
)
def test_what_cannot_be_is_named_before_anything_runs(data, tmp_path, capsys, options, message):
    assert main(sweep(data, tmp_path, *options)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result.json", '{"errors":'),
        ("result.json", "[]"),
        ("result.json", '{"errors": {"validation": 7}}'),
        ("log.jsonl", "{}"),
    ],
)
def test_a_damaged_file_of_a_run_is_named_and_made_again(data, tmp_path, capsys, name, content):
    assert main(sweep(data, tmp_path, "--epochs", "1")) == 0
    run = tmp_path / "run/seed=0"
    (run / name).write_text(content)
    assert main(sweep(data, tmp_path, "--epochs", "1")) == 1
    assert f"{run}: expected a run's log and result as JSON" in capsys.readouterr().err
    (run / "result.json").unlink()
    (run / "log.jsonl").unlink()
    assert main(sweep(data, tmp_path, "--epochs", "1")) == 0


def test_damaged_arguments_are_named(data, tmp_path, capsys):
    asked = tmp_path / "run/seed=0/arguments.json"
    asked.parent.mkdir(parents=True)
    asked.write_text("{")
    assert main(sweep(data, tmp_path)) == 1
    assert f"{asked}: expected a run's arguments as JSON" in capsys.readouterr().err


def test_combinations_are_all_and_none_twice():
    runs = combinations(["learning-rate=0.1,0.2,0.10", "model=mlp,cnn"], [1, 2, 2])
    assert len(runs) == len({tuple(run.items()) for run in runs}) == 8
    assert runs[0] == {"learning_rate": 0.1, "model": "mlp", "seed": 1}
    with pytest.raises(ValueError, match="epochs comes twice"):
        combinations(["epochs=1", "epochs=2"], [0])


def test_the_table_puts_the_least_errors_first_and_failures_last():
    results = [
        Result("a", {"seed": 0}, {"x": 0.3}, 1, ""),
        Result("b", {"seed": 1}, {}, 0, "it fell over"),
        Result("c", {"seed": 2}, {"x": 0.1}, 1, ""),
    ]
    lines = table(results).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["2", "0", "1"]
    assert "failed" in lines[-1]


def test_dask_runs_a_sweep(data, tmp_path):
    distributed = pytest.importorskip("dask.distributed", reason="Dask is not installed")
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        options = sweep(data, tmp_path, "--seeds", "0", "1", "--dask", cluster.scheduler_address)
        assert main(options) == 0
    assert (tmp_path / "run/seed=1/weights.npz").exists()


def test_without_dask_the_message_says_what_to_install(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    assert main(sweep(data, tmp_path, "--dask", "tcp://127.0.0.1:1")) == 1
    assert "pip install 'dask[distributed]'" in capsys.readouterr().err
