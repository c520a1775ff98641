"""Fine-tuning: corrections are learned, other digits are kept, and nothing worse is written."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import numpy as np
import pandas as pd
import pytest

from nn import Recognizer, weights
from tests.sample import sample_images
from tests.training import quick, same_weights, stop_after_first_epoch, write_data
from train.__main__ import main
from train.commands.described import command_and_options
from train.commands.fine_tune import DEFAULTS
from train.commands.run_options import plan
from train.corrections import divide, with_corrections
from train.examples import Examples, Labelled, Task, combine
from train.sources.pen import read_pen


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def start(data, tmp_path_factory):
    """Weights of a network that reads the project's drawings."""
    folder = tmp_path_factory.mktemp("start")
    assert main(quick(data, folder, "--epochs", "30")) == 0
    return folder / "weights.npz"


def upside_down(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sevens as no network knows them."""
    images, labels = sample_images(600, 11)
    sevens = images[labels == 7][:count, ::-1]
    return sevens, np.full(len(sevens), 7, np.uint8)


def write_corrections(path, images, labels):
    columns = [f"pixel{i}" for i in range(784)]
    table = pd.DataFrame(images.reshape(len(images), 784), columns=columns)
    table.insert(0, "label", labels)
    table.to_csv(path, index=False)
    return path


def tuning(data, start, folder, *more: str) -> list[str]:
    csv = folder / "corrections.csv"
    if not csv.exists():
        write_corrections(csv, *upside_down(45))
    return [
        "fine-tune", "--corrections", str(csv), "--weights", str(start), "--rehearsal", "150",
        *("--mnist", str(data / "mnist"), "--no-pen", "--out", str(folder / "tuned.npz")),
        *("--run", str(folder / "run"), "--threads", "2", "--augmentation", "none"),
        *("--tolerance", "100", *more),
    ]  # fmt: skip


def test_corrections_are_learned_and_other_digits_are_kept(data, start, tmp_path, capsys):
    assert main(tuning(data, start, tmp_path)) == 0
    images, labels = upside_down(60)
    before, after = (
        float((Recognizer.load(path).classify(images).argmax(axis=1) == labels).mean())
        for path in (start, tmp_path / "tuned.npz")
    )
    assert before < 0.3
    assert after > 0.9
    ordinary, digits = sample_images(85, 2)  # MNIST's test part in these data
    kept = Recognizer.load(tmp_path / "tuned.npz").classify(ordinary).argmax(axis=1) == digits
    assert kept.mean() > 0.9
    assert "corrections, not learned" in capsys.readouterr().out
    metadata = Recognizer.load(tmp_path / "tuned.npz").metadata
    assert metadata["tuned_from"] == Recognizer.load(start).model_hash
    assert set(metadata["trained_on"]) == {"MNIST", "corrections"}
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert metadata["temperature"] == result["temperature"]


def test_each_pen_digit_is_one_of_those_that_are_rehearsed(data):
    command, options = command_and_options(["fine-tune", "--corrections", str(data / "train.csv")])
    assert command.help
    assert plan(options, DEFAULTS).config.pen_repeats == 1


def test_weights_that_got_worse_are_not_written(data, start, tmp_path, capsys):
    csv = tmp_path / "corrections.csv"
    images, labels = sample_images(40, 12)
    write_corrections(csv, images, (labels + 1) % 10)  # every one of them wrong
    (tmp_path / "tuned.npz").write_bytes(b"the weights of before")
    options = ("--tolerance", "1", "--share", "0.95", "--epochs", "8", "--learning-rate", "0.05")
    assert main(tuning(data, start, tmp_path, *options)) == 1
    message = capsys.readouterr().err
    assert "is left as it was: the tuned network reads MNIST worse" in message
    assert (tmp_path / "tuned.npz").read_bytes() == b"the weights of before"
    assert Recognizer.load(tmp_path / "run/weights.npz")


@pytest.mark.parametrize("tolerance", ["nan", "-1"])
def test_a_tolerance_that_lets_all_pass_or_nothing_is_refused(
    data, start, tmp_path, capsys, tolerance
):
    assert main(tuning(data, start, tmp_path, "--tolerance", tolerance)) == 2
    assert "argument --tolerance: expected at least 0, got" in capsys.readouterr().err


def test_a_stopped_tuning_goes_on_from_the_weights_it_began_with(
    data, start, tmp_path, monkeypatch
):
    (tmp_path / "whole").mkdir()
    assert main(tuning(data, start, tmp_path / "whole")) == 0
    own = tmp_path / "own.npz"
    own.write_bytes(start.read_bytes())
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(tuning(data, own, tmp_path)) == 130
    own.write_bytes((tmp_path / "whole/tuned.npz").read_bytes())  # other weights by now
    assert main(["--run", str(tmp_path / "run"), "--resume"]) == 0
    assert same_weights(tmp_path / "whole/tuned.npz", tmp_path / "tuned.npz")


def test_a_tuning_that_is_refused_leaves_the_last_one_where_it_is(data, start, tmp_path, capsys):
    assert main(tuning(data, start, tmp_path)) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.*")}
    assert main(tuning(data, start, tmp_path, "--mnist", "/nowhere")) == 1
    assert "MNIST is missing" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.*")} == before
    assert not (tmp_path / "run/before").exists()


def test_a_tuning_from_weights_that_it_puts_aside_is_repeated_from_them(
    data, start, tmp_path, capsys
):
    assert main(tuning(data, start, tmp_path)) == 0
    assert main(tuning(data, tmp_path / "run/weights.npz", tmp_path)) == 0
    again = ["--run", str(tmp_path / "again"), "--out", str(tmp_path / "again.npz")]
    assert main(["--config", str(tmp_path / "run/run.json"), *again]) == 0
    assert "exact repetition" not in capsys.readouterr().err
    assert same_weights(tmp_path / "tuned.npz", tmp_path / "again.npz")


def test_weights_that_say_in_a_text_what_they_learned_from_are_tuned(data, start, tmp_path):
    model, metadata = weights.load(start)
    del metadata["layers"]
    weights.save(tmp_path / "own.npz", model, metadata | {"trained_on": "my digits"})
    assert main(tuning(data, tmp_path / "own.npz", tmp_path)) == 0
    trained_on = Recognizer.load(tmp_path / "tuned.npz").metadata["trained_on"]
    assert trained_on.keys() == {"before", "corrections"}
    assert trained_on["before"] == "my digits"


def test_a_tuning_says_how_many_examples_it_rehearses(data, start, tmp_path, capsys):
    assert main(tuning(data, start, tmp_path, "--rehearsal", "6000")) == 0
    assert "among 153 other examples." in capsys.readouterr().out  # MNIST's 170 less a tenth


def test_explain_compares_a_tuning_with_what_tunings_usually_take(data, start, tmp_path, capsys):
    assert main(tuning(data, start, tmp_path)) == 0
    capsys.readouterr()
    assert main(["explain", str(tmp_path / "run")]) == 0
    assert "epochs = 3: " in capsys.readouterr().out


def test_explain_tells_how_to_repeat_a_tuning_of_weights_that_it_wrote_over(
    data, start, tmp_path, capsys, monkeypatch
):
    folder = tmp_path / "my tunings"
    folder.mkdir()
    tuned = folder / "tuned.npz"
    shutil.copy(start, tuned)
    assert main(tuning(data, tuned, folder)) == 0
    capsys.readouterr()
    assert main(["explain", str(folder / "run")]) == 0
    told = re.search(r"same bits: `python -m train (.*)`", capsys.readouterr().out)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(told[1])) == 0
    assert "exact repetition" not in capsys.readouterr().err
    assert same_weights(tuned, tmp_path / "OTHER.npz")


def test_a_tuning_is_repeated_from_its_file(data, start, tmp_path, capsys):
    assert main(tuning(data, start, tmp_path)) == 0
    again = ["--run", str(tmp_path / "again"), "--out", str(tmp_path / "again.npz")]
    assert main(["--config", str(tmp_path / "run/run.json"), *again]) == 0
    assert same_weights(tmp_path / "tuned.npz", tmp_path / "again.npz")
    assert "exact repetition" not in capsys.readouterr().err
    assert json.loads((tmp_path / "again/run.json").read_text())["command"] == "fine-tune"


@pytest.mark.parametrize(
    ("options", "message", "code"),
    [
        (["--share", "1"], "argument --share: expected more than 0 and less than 1, got 1.0", 2),
        (["--rehearsal", "0"], "argument --rehearsal: expected at least 1, got 0", 2),
        (["--corrections", "/nowhere.csv"], "/nowhere.csv: there is no such file", 1),
    ],
)
def test_what_cannot_be_is_named(data, start, tmp_path, capsys, options, message, code):
    assert main(tuning(data, start, tmp_path, *options)) == code
    assert message in capsys.readouterr().err


def test_corrections_without_labels_are_refused(data, start, tmp_path, capsys):
    assert main(tuning(data, start, tmp_path, "--corrections", str(data / "test.csv"))) == 1
    assert "test.csv: expected a column `label`" in capsys.readouterr().err


def test_a_fifth_is_held_out_of_many_and_none_of_few():
    images, labels = sample_images(400, 13)
    many = Labelled(images, labels)
    learned, held_out = divide(many)
    assert len(learned.labels) + len(held_out.labels) == 400
    assert 50 < len(held_out.labels) < 110
    few, none = divide(Labelled(images[:19], labels[:19]))
    assert (len(few.labels), len(none.labels)) == (19, 0)
    enough, some = divide(Labelled(images[:20], labels[:20]))
    assert len(enough.labels) + len(some.labels) == 20
    assert len(some.labels) > 0
    more, _ = divide(Labelled(images[::-1], labels[::-1]))  # each stays where it was
    assert sorted(image.tobytes() for image in more.images) == sorted(
        image.tobytes() for image in learned.images
    )


def test_copies_of_one_correction_are_not_all_held_out():
    images = np.zeros((30, 28, 28), np.uint8)
    for shade in range(20):  # one in five of such images would be held out
        images[:] = shade
        learned, _ = divide(Labelled(images, np.zeros(30, np.uint8)))
        assert len(learned.labels) == 30


def test_the_rehearsal_has_its_size_and_the_corrections_their_share(data):
    task = combine({"pen": read_pen(data / "pen")})
    images, labels = sample_images(10, 14)
    mixed = with_corrections(task, Labelled(images, labels), 60, 0.4, seed=0).train
    assert len(mixed.drawings) == 60
    assert len(mixed.images) == 40  # 40 of 100
    few = with_corrections(task, Labelled(images[:1], labels[:1]), 90, 0.9, seed=0).train
    assert len(few.images) == 50  # one correction, at most 50 times
    assert len(few.drawings) == 90


def test_another_seed_rehearses_others(data):
    task = combine({"pen": read_pen(data / "pen")})
    correction = Labelled(*sample_images(1, 14))
    one, again, other = (
        {
            id(drawing)
            for drawing in with_corrections(task, correction, 60, 0.4, seed).train.drawings
        }
        for seed in (0, 0, 1)
    )
    assert one == again
    assert len(one) == len(other) == 60  # none of them twice
    assert one != other


def test_a_rehearsal_of_more_than_there_is_takes_all():
    images, labels = sample_images(20, 15)
    mixed = with_corrections(
        Task(Examples(images, labels)), Labelled(images[:5], labels[:5]), 1000, 0.5, seed=0
    ).train
    assert len(mixed.images) == 40
