"""The training run: what it writes, that it repeats itself, and that a stop costs nothing."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nn import Recognizer
from nn.recognizer import DEFAULT_PATH
from tests.sample import write_kaggle, write_mnist, write_pen
from train.__main__ import main
from train.config import Config
from train.data import DataError, Drawing
from train.data.files import replacing
from train.examples import NO_IMAGES, NO_LABELS, Labelled, Part, combine
from train.interrupt import Stopped, polite_end, stop_request
from train.run import written
from train.sources.kaggle import read_train_csv

ROOT = Path(__file__).parents[2]
NOTHING = Labelled(NO_IMAGES, NO_LABELS)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder / "mnist")
    write_pen(folder / "pen")
    write_kaggle(folder / "train.csv")
    return folder


def arguments(data, tmp_path, *more):
    return [
        *("--mnist", str(data / "mnist"), "--pen", str(data / "pen"), "--model", "mlp"),
        *("--batch-size", "32", "--threads", "2", "--epochs", "2"),
        *("--out", str(tmp_path / "weights.npz"), "--run", str(tmp_path / "run")),
        *more,
    ]


def test_a_run_writes_weights_that_know_their_data_and_their_errors(data, tmp_path, capsys):
    assert main(arguments(data, tmp_path)) == 0
    recognizer = Recognizer.load(tmp_path / "weights.npz")
    assert set(recognizer.metadata["trained_on"]) == {"MNIST", "pen"}
    assert set(recognizer.metadata["errors"]["test"]) == {"MNIST", "pen"}
    assert 0 <= recognizer.metadata["errors"]["test"]["MNIST"] <= 1
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in log if entry["kind"] == "epoch"] == [1, 2]
    assert "MNIST" in capsys.readouterr().out


def test_training_learns_the_sample_digits(data, tmp_path):
    assert main(arguments(data, tmp_path, "--epochs", "40")) == 0
    errors = Recognizer.load(tmp_path / "weights.npz").metadata["errors"]["test"]
    assert errors["MNIST"] < 0.35  # nine in ten are wrong by chance


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(data, tmp_path):
    contents = []
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        (tmp_path / name).mkdir()
        assert main(arguments(data, tmp_path / name, "--seed", seed, "--model", "cnn")) == 0
        contents.append(Recognizer.load(tmp_path / name / "weights.npz").model.arrays())
    first, again, other = contents
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not all(np.array_equal(first[name], other[name]) for name in first)


def test_a_run_that_is_killed_and_resumed_ends_with_the_same_bits(data, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    assert main(arguments(data, whole, "--epochs", "4")) == 0

    command = [sys.executable, "-m", "train", *arguments(data, parts, "--epochs", "4")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: (parts / "run/checkpoint.npz").exists() or process.poll() is not None)
        assert process.poll() is None
        process.kill()
    assert main(arguments(data, parts, "--epochs", "4", "--resume")) == 0
    expected = Recognizer.load(whole / "weights.npz").model.arrays()
    resumed = Recognizer.load(parts / "weights.npz").model.arrays()
    assert all(np.array_equal(expected[name], resumed[name]) for name in expected)


def test_ctrl_c_saves_and_says_how_to_go_on(data, tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"the weights of before")
    command = [sys.executable, "-m", "train", *arguments(data, tmp_path, "--epochs", "5000")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: (tmp_path / "run/checkpoint.npz").exists() or process.poll() is not None)
        (tmp_path / "run/checkpoint.npz").unlink()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in errors
    assert (tmp_path / "run/checkpoint.npz").exists()
    assert (tmp_path / "weights.npz").read_bytes() == b"the weights of before"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_kill_leaves_nothing_half_written(tmp_path, number):
    before = signal.signal(number, signal.SIG_DFL)  # who runs the tests may ignore it
    try:
        with pytest.raises(Stopped) as stopped, polite_end(), replacing(tmp_path / "whole"):
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)
    assert stopped.value.exit_code == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with polite_end(), stop_request() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_ctrl_c_does_not_wait_for_the_step():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop_request() as stop:  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        assert stop.signal_number == signal.SIGINT
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_no_process_is_left_behind_when_the_trainer_is_killed(data, tmp_path):
    command = [sys.executable, "-m", "train", *arguments(data, tmp_path, "--epochs", "5000")]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        written = tmp_path / "run/log.jsonl"  # its first line needs a batch, from a process beside
        wait_for(lambda: process.poll() is not None or (written.exists() and written.read_text()))
        assert process.poll() is None
        process.kill()
    wait_for(lambda: not group_members(process.pid))


def test_a_checkpoint_of_other_settings_is_refused_by_name(data, tmp_path, capsys):
    assert main(arguments(data, tmp_path)) == 0
    assert main(arguments(data, tmp_path, "--resume", "--seed", "9")) == 1
    assert "seed 0 (now 9)" in capsys.readouterr().err


def test_an_unreadable_checkpoint_is_refused(data, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/checkpoint.npz").write_bytes(b"nonsense")
    assert main(arguments(data, tmp_path, "--resume")) == 1
    assert "checkpoint.npz: not a readable checkpoint" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:overflow|invalid|divide:RuntimeWarning")
def test_a_diverging_run_says_so_and_leaves_the_weights_alone(data, tmp_path, capsys):
    (tmp_path / "weights.npz").write_bytes(b"the weights of before")
    assert main(arguments(data, tmp_path, "--learning-rate", "1e9", "--epochs", "9")) == 1
    assert "--learning-rate" in capsys.readouterr().err
    assert (tmp_path / "weights.npz").read_bytes() == b"the weights of before"


@pytest.mark.filterwarnings("ignore:overflow|invalid|divide:RuntimeWarning")
def test_a_run_that_diverges_with_its_last_step_is_an_error_in_words(data, tmp_path, capsys):
    whole = ("--batch-size", "1000", "--learning-rate", "1e9", "--epochs", "2")
    assert main(arguments(data, tmp_path, *whole)) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith(f"train: {tmp_path / 'weights.npz'}: not written: ")
    assert message.endswith("Try a --learning-rate below 1000000000.0")


def test_kaggles_csv_trains_too_and_is_tested_on_rows_held_out(data, tmp_path):
    options = arguments(data, tmp_path)[4:]
    assert main(["--kaggle", str(data / "train.csv"), "--no-pen", *options]) == 0
    metadata = Recognizer.load(tmp_path / "weights.npz").metadata
    assert set(metadata["trained_on"]) == set(metadata["errors"]["test"]) == {"Kaggle"}


def test_fewer_images_than_threads_are_learned_too(tmp_path):
    csv = write_kaggle(tmp_path / "three.csv", n=3)  # of which two are held out
    options = ["--threads", "2", "--run", str(tmp_path / "run"), "--epochs", "60"]
    files = ["--kaggle", str(csv), "--no-pen", "--out", str(tmp_path / "weights.npz")]
    assert main([*files, *options, "--model", "mlp", "--augmentation", "none"]) == 0
    learned = read_train_csv(csv)
    read = Recognizer.load(tmp_path / "weights.npz").classify(learned.images).argmax(axis=1)
    assert read.tolist() == learned.labels.tolist()
    assert len(read) == 1


def test_evaluate_prints_each_digit_and_each_site(data, tmp_path, capsys):
    assert main(arguments(data, tmp_path)) == 0
    capsys.readouterr()
    options = ["--mnist", str(data / "mnist"), "--pen", str(data / "pen"), "--numbers", "50"]
    assert main(["evaluate", *options, "--weights", str(tmp_path / "weights.npz")]) == 0
    printed = capsys.readouterr().out
    assert "digit 7" in printed
    assert "site " in printed
    assert "expected calibration error" in printed
    assert "taken for another digit, if none were refused" in printed
    assert re.search("that touch or overlap, read whole: .* of 50", printed)
    assert re.search("in one stroke, read whole: .* of 50", printed)
    assert "have a ? in what is read" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", "0"], "argument --epochs: expected at least 1, got 0"),
        (["--pen-repeats", "0"], "argument --pen-repeats: expected at least 1, got 0"),
        (["--seed", "-1"], "argument --seed: expected at least 0, got -1"),
        (["--learning-rate", "0"], "argument --learning-rate: expected more than 0, and finite"),
        (["--learning-rate", "inf"], "argument --learning-rate: expected more than 0, and finite"),
        (["--momentum", "1"], "argument --momentum: expected at least 0 and less than 1, got 1.0"),
        (["--settling", "1.5"], "argument --settling: expected 0 to 1, got 1.5"),
        (["--settling", "nan"], "argument --settling: expected 0 to 1, got nan"),
        (["--sharpness-radius", "-1"], "--sharpness-radius: expected at least 0, and finite, got"),
        (["--batch-size", "3"], "at least two images for each of 2 threads, got 3; take fewer"),
        (["--save-every", "-1"], "argument --save-every: expected at least 0, got -1.0"),
        (["--out", "/nowhere/weights.npz"], "/nowhere does not exist"),
        (["--out", "/"], "is a folder; expected the name of a file"),
        (["--run", __file__], "is a file; expected a folder"),
    ],
)
def test_a_value_that_an_option_cannot_have_ends_with_code_2(
    data, tmp_path, capsys, options, message
):
    assert main(arguments(data, tmp_path, *options)) == 2
    assert message in capsys.readouterr().err


def test_settings_are_refused_where_they_are_made_without_the_command_line_too():
    for name, value in (("epochs", 0), ("momentum", 1), ("weight_decay", float("inf"))):
        with pytest.raises(ValueError, match=f"{name}: expected .*, got {value}"):
            Config(**{name: value})


@pytest.mark.parametrize("option", ["--mnist", "--pen"])
def test_data_that_are_named_and_missing_end_the_run(data, tmp_path, capsys, option):
    assert main(arguments(data, tmp_path, option, "/nowhere")) == 1
    assert "/nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--mnist", "--pen"])
def test_a_file_in_a_folders_place_is_told(data, tmp_path, capsys, option):
    assert main(arguments(data, tmp_path, option, str(data / "train.csv"))) == 1
    assert "train.csv: expected a folder with " in capsys.readouterr().err


def test_pen_digits_that_are_missing_are_left_out_aloud(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("train.data.pen.data_directories", lambda name: [tmp_path / "nowhere"])
    options = arguments(data, tmp_path)
    del options[2:4]
    assert main(options) == 0
    assert "without the pen data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            np.zeros((3, 28, 28), np.float32),
            np.zeros(3, np.uint8),
            "and dtype uint8, got .* float32",
        ),
        (
            np.zeros((3, 28, 28), np.uint8),
            np.zeros(4, np.uint8),
            r"expected images of shape \(4, 28",
        ),
        (np.zeros((3, 28, 28), np.uint8), np.array([1, -1, 2]), "labels .* 0 to 9 .* got int64"),
        (
            np.zeros((3, 28, 28), np.uint8),
            np.full(3, 12, np.uint8),
            "10 for no digit, 11 for several, got uint8 from 0 to 12",
        ),
    ],
)
def test_a_source_that_gives_no_labelled_images_is_named(images, labels, message):
    part = Part(images, labels, (), NOTHING, NOTHING, "some")
    with pytest.raises(DataError, match=f"own: .*{message}"):
        combine({"own": part})


def test_any_number_of_cores_is_enough_for_the_usual_settings():
    code = "import os; os.cpu_count = lambda: 256; import train.__main__"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_settings_are_plain_values():
    assert json.loads(json.dumps(Config().to_dict())) == Config().to_dict()


def test_only_the_weights_that_the_build_takes_are_said_to_be_put_into_the_page(tmp_path):
    assert written(DEFAULT_PATH).endswith("weights.npz. `python build.py` puts it into the page.")
    assert "copy it to nn/weights.npz" in written(tmp_path / "weights.npz")


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def group_members(group):
    """Return the living processes of a process group, from Linux's /proc."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state != "Z":
            members.append(int(stat.parent.name))
    return [member for member in members if member != os.getpid()]


def test_the_digit_that_the_threshold_was_read_off_is_not_refused(data, tmp_path, monkeypatch):
    monkeypatch.setattr("train.run.refusal_threshold", lambda *_: 0.61231)
    assert main(arguments(data, tmp_path)) == 0
    assert Recognizer.load(tmp_path / "weights.npz").refuse_from == 0.6124


def test_drawings_are_seen_several_times_where_their_source_says_so():
    drawing = Drawing("ann", "7", [np.zeros((2, 2), np.float32)])
    repeated = Part(NO_IMAGES, NO_LABELS, [drawing], NOTHING, NOTHING, "some")
    parts = {"pen": repeated, "non-digits": dataclasses.replace(repeated, repeated=False)}
    assert len(combine(parts, pen_repeats=3).train) == 3 + 1
