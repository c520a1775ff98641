"""Distillation: the targets are the teachers' mean mixed with the labels."""

from __future__ import annotations

import numpy as np
import pytest

from nn import Recognizer, weights
from nn.layers import Dense, Flatten
from nn.losses import softmax
from nn.model import Sequential
from tests.training import quick, same_weights, stop_after_first_epoch, write_data
from train.__main__ import main
from train.config import Config
from train.data import load_mnist
from train.teachers import Teachers, load_teachers


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


def linear(seed: int, outputs: int = 10) -> Sequential:
    return Sequential([Flatten(), Dense(784, outputs, np.random.default_rng(seed))])


def test_targets_are_the_teachers_mean_mixed_with_the_labels():
    rng = np.random.default_rng(0)
    inputs = rng.random((7, 28, 28, 1), dtype=np.float32)
    labels = np.arange(7, dtype=np.uint8)
    first, second = linear(1), linear(2)
    expected = 0.25 * (softmax(first.forward(inputs)) + softmax(second.forward(inputs))) / 2
    expected += 0.75 * np.eye(10)[labels]
    for threads in (1, 2, 3, 9):
        targets = Teachers([first, second], 0.25, threads).targets(inputs, labels)
        np.testing.assert_allclose(targets, expected, atol=1e-6)
        assert targets.dtype == np.float32


def test_a_share_of_zero_teaches_what_the_labels_say(data, tmp_path):
    """The arithmetic takes another way, to the same targets."""
    weights.save(tmp_path / "teacher.npz", linear(3), {})
    for name in ("alone", "taught"):
        (tmp_path / name).mkdir()
    teacher = ["--teacher", str(tmp_path / "teacher.npz"), "--teacher-share", "0"]
    assert main(quick(data, tmp_path / "alone")) == 0
    assert main(quick(data, tmp_path / "taught", *teacher)) == 0
    assert same_weights(tmp_path / "alone/weights.npz", tmp_path / "taught/weights.npz")


def test_a_pupil_comes_to_answer_like_its_teacher(data, tmp_path):
    teacher = linear(4)
    weights.save(tmp_path / "teacher.npz", teacher, {})
    options = ("--teacher", str(tmp_path / "teacher.npz"), "--teacher-share", "1")
    assert main(quick(data, tmp_path, *options, "--epochs", "30")) == 0
    images = load_mnist(data / "mnist").test_images
    pupil = Recognizer.load(tmp_path / "weights.npz").classify(images).argmax(axis=1)
    likes = Recognizer.load(tmp_path / "teacher.npz").classify(images).argmax(axis=1)
    assert (pupil == likes).mean() > 0.7  # the teacher knows nothing: one in ten by chance


def test_another_teacher_is_another_run(data, tmp_path, capsys):
    weights.save(tmp_path / "teacher.npz", linear(6), {})
    teacher = ["--teacher", str(tmp_path / "teacher.npz")]
    assert main(quick(data, tmp_path, *teacher)) == 0
    weights.save(tmp_path / "teacher.npz", linear(7), {})
    assert main(quick(data, tmp_path, *teacher, "--resume")) == 1
    assert "of a run with other data: teacher 1 " in capsys.readouterr().err


def test_a_teacher_can_be_what_the_last_run_in_the_folder_left(data, tmp_path, monkeypatch):
    own = tmp_path / "run/weights.npz"
    own.parent.mkdir()
    assert main(quick(data, tmp_path, "--out", str(own))) == 0
    learned = own.read_bytes()
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path, "--teacher", str(own))) == 130
    assert (tmp_path / "run/before/weights.npz").read_bytes() == learned
    assert main(["--run", str(tmp_path / "run"), "--resume"]) == 0  # it is found where it lies now


def test_a_teacher_of_other_outputs_is_refused(tmp_path):
    weights.save(tmp_path / "teacher.npz", linear(8, 12), {})
    with pytest.raises(ValueError, match="expected a teacher with 10 outputs, got 12"):
        load_teachers([tmp_path / "teacher.npz"], Config())
    with pytest.raises(ValueError, match="expected at least one teacher"):
        Teachers([], 0.5)


def test_a_checkpoint_is_no_teacher_and_it_is_said_how_weights_are_made_of_it(
    data, tmp_path, capsys
):
    assert main(quick(data, tmp_path)) == 0
    checkpoint = str(tmp_path / "run/checkpoint.npz")
    assert main(quick(data, tmp_path, "--teacher", checkpoint, "--fresh")) == 2
    assert f"`python -m train export --weights {checkpoint} --npz FILE`" in capsys.readouterr().err
    assert (tmp_path / "run/result.json").exists()  # the run is where it was
