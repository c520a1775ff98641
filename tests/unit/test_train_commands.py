"""The command line: every option explained, a run repeated from its file, wrong use in words."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from nn import Recognizer
from tests.sample import drawings
from tests.training import quick, same_weights, stop_after_first_epoch, write_data
from train.__main__ import main
from train.commands import COMMANDS
from train.commands.described import make_parser
from train.data.files import replacing
from train.data.split import writer_position


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The folder of a run that ended."""
    folder = tmp_path_factory.mktemp("finished")
    assert main(quick(data, folder, "--seed", "4")) == 0
    return folder


def test_the_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(re.search(rf"^ +{name}\s", shown, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_and_its_default(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")  # no break within a default
    parser = make_parser(name)
    shown = " ".join(parser.format_help().split())
    for action in parser._actions:
        assert action.help, action.option_strings
        is_argument = not action.option_strings or isinstance(action, argparse._HelpAction)
        if not is_argument and action.default in (None, []):
            says_default = "(without it: " in action.help or "(required)" in action.help
            assert says_default, f"{name} {action.option_strings}: {action.help}"
        elif not is_argument:
            assert f"(default: {action.default}" in shown or action.default is False
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m train {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evalute"], "there is no command 'evalute'; expected one of evaluate, explain, export"),
        (["--epoch", "3"], "unrecognized arguments: --epoch 3"),
        (["--epochs", "three"], "argument --epochs: invalid int value: 'three'"),
        (["--model", "vgg"], "argument --model: invalid choice: 'vgg'"),
        (["--mnist", "a", "--kaggle", "b"], "--kaggle is in --mnist's place: give one"),
        (["--pen", "a", "--no-pen"], "--pen and --no-pen: give one of the two"),
        (["--config", "/nowhere.json"], "/nowhere.json: there is no such file"),
        (["export"], "nothing to export: give --onnx FILE"),
        (["fine-tune"], "expected --corrections CSV"),
        (["evaluate", "--pictures", "0"], "argument --pictures: expected at least 1, got 0"),
        (["evaluate", "--numbers", "0"], "argument --numbers: expected at least 1, got 0"),
    ],
)
def test_wrong_use_ends_with_code_2_and_in_words(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_run_is_repeated_to_the_same_bits_from_its_own_file(data, finished, tmp_path, capsys):
    description = finished / "run/run.json"
    again = ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "weights.npz")]
    assert main(["--config", str(description), *again]) == 0
    assert same_weights(finished / "weights.npz", tmp_path / "weights.npz")
    assert "exact repetition" not in capsys.readouterr().err
    ours, theirs = (json.loads((f / "run/run.json").read_text()) for f in (finished, tmp_path))
    assert ours["identity"] == theirs["identity"]
    now, was = theirs["options"], ours["options"]
    assert {name for name in was if was[name] != now[name]} == {"run", "out"}


def test_a_run_is_not_repeated_into_its_own_folder(finished, capsys):
    description = finished / "run/run.json"
    before = description.read_bytes()
    assert main(["--config", str(description)]) == 2
    assert "give the repetition another folder with --run" in capsys.readouterr().err
    assert description.read_bytes() == before


def test_figures_on_images_that_were_learned_under_another_name_are_called_so(
    data, finished, tmp_path, capsys
):
    weights = ["--weights", str(finished / "weights.npz"), "--no-pen", "--numbers", "5"]
    warning = "learned from MNIST, which shares most images with Kaggle"
    assert main(["evaluate", *weights, "--kaggle", str(data / "train.csv")]) == 0
    assert warning in capsys.readouterr().out
    assert main(["evaluate", *weights, "--mnist", str(data / "mnist")]) == 0
    assert "shares most images" not in capsys.readouterr().out


def test_options_beside_the_file_go_before_it(data, finished, tmp_path, capsys):
    arguments = ["--config", str(finished / "run/run.json"), "--seed", "5", "--epochs", "1"]
    files = ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "weights.npz")]
    kaggle = ["--kaggle", str(data / "train.csv")]  # in the place of all data in the file
    assert main([*arguments, *files, *kaggle, "--no-pen"]) == 0
    metadata = Recognizer.load(tmp_path / "weights.npz").metadata
    assert (metadata["config"]["seed"], metadata["config"]["batch_size"]) == (5, 16)
    assert set(metadata["trained_on"]) == {"Kaggle"}
    assert "no exact repetition" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense", "expected a run's description as JSON"),
        ("[]", 'expected {"command": ..., "options": {...}}'),
        ('{"command": "fit", "options": {"epoch": 3}}', "there is no option 'epoch'"),
        ('{"command": "fit", "options": {"epochs": "x"}}', "invalid int value: 'x'"),
        ('{"command": "fit", "options": {"epochs": 0}}', "--epochs: expected at least 1, got 0"),
        ('{"command": "fly", "options": {}}', "describes a run of 'fly'"),
        ('{"command": ["fit"], "options": {}}', "command: expected a name, got ['fit']"),
        ('{"options": {}, "identity": []}', "identity: expected an object, got []"),
        ('{"options": {}, "made_with": "x"}', "made_with: expected an object, got 'x'"),
    ],
)
def test_a_file_that_describes_no_run_is_named(tmp_path, capsys, content, message):
    path = tmp_path / "run.json"
    path.write_text(content)
    assert main(["--config", str(path)]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert str(path) in shown


def test_a_setting_that_does_nothing_is_told_where_it_was_asked_for(data, tmp_path, capsys):
    for options, told in ((("--epochs", "1"), False), (("--finish", "1"), True)):
        assert main(quick(data, tmp_path, *options)) == 0
        assert ("Without effect in this run" in capsys.readouterr().err) == told


def test_explain_tells_what_was_run_how_it_went_and_how_to_repeat_it(finished, capsys):
    assert main(["explain", str(finished / "run")]) == 0
    shown = capsys.readouterr().out
    for part in (
        "seed = 4 (usually 0)", "data MNIST: SHA-256 ", "stands at step 18 of 18",
        "| epoch | loss | MNIST error % |", "errors on MNIST, test: ", "--config ",
    ):  # fmt: skip
        assert part in shown


def test_explain_tells_of_a_run_that_was_stopped(data, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after_first_epoch(patch)
        assert main(quick(data, tmp_path)) == 130
    assert main(["explain", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert "stands at step 9 of 18" in shown
    assert "There is none yet." in shown


@pytest.mark.parametrize("content", ["nonsense", "{}", "[]", '{"weights": "w", "sha256": "0"}'])
def test_explain_names_a_result_that_is_none(finished, tmp_path, capsys, content):
    shutil.copytree(finished / "run", tmp_path / "run")
    (tmp_path / "run/result.json").write_text(content)
    assert main(["explain", str(tmp_path / "run")]) == 1
    assert "result.json: expected a run's result as JSON" in capsys.readouterr().err


def test_explain_says_where_there_is_no_run(tmp_path, capsys):
    for path in (tmp_path, tmp_path / "none", __file__):
        assert main(["explain", str(path)]) == 1
        assert "expected a folder that `python -m train` made" in capsys.readouterr().err


def test_predict_writes_what_kaggle_takes(data, finished, tmp_path, capsys):
    target = tmp_path / "submission.csv"
    weights = ["--weights", str(finished / "weights.npz")]
    assert main(["predict", str(data / "test.csv"), "--out", str(target), *weights]) == 0
    table = pd.read_csv(target)
    assert list(table.columns) == ["ImageId", "Label"]
    assert list(table["ImageId"]) == list(range(1, 86))
    images = pd.read_csv(data / "test.csv").to_numpy(np.uint8).reshape(-1, 28, 28)
    read = Recognizer.load(finished / "weights.npz").classify(images).argmax(axis=1)
    assert np.array_equal(table["Label"], read)
    assert "85 images read" in capsys.readouterr().out


def test_fetch_says_what_is_there(data, monkeypatch, capsys):
    monkeypatch.setenv("DIGITS_DATA", str(data))
    monkeypatch.setattr("train.data.mnist.MIRRORS", ())
    assert main(["fetch", "--to", str(data / "mnist")]) == 0
    assert "MNIST: 170 training and 85 test images" in capsys.readouterr().out


def test_a_checkpoint_can_be_evaluated_like_weights(data, finished, capsys):
    shown = []
    for name in ("run/checkpoint.npz", "weights.npz"):
        where = ["--mnist", str(data / "mnist"), "--no-pen", "--numbers", "20"]
        assert main(["evaluate", "--weights", str(finished / name), *where]) == 0
        shown.append(capsys.readouterr().out.splitlines()[4])  # MNIST's line
    assert shown[0] == shown[1]


@pytest.mark.parametrize("command", [["rehearsal"], ["fine-tune", "--corrections", "some.csv"]])
def test_where_a_checkpoint_will_not_do_it_is_said_how_weights_are_made_of_it(
    command, finished, tmp_path, capsys
):
    checkpoint = str(finished / "run/checkpoint.npz")
    target = {"rehearsal": "--out", "fine-tune": "--run"}[command[0]]
    assert main([*command, "--weights", checkpoint, target, str(tmp_path / "new")]) == 2
    assert "got a checkpoint; make weights of it by `python -m train export" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "new").exists()


def test_a_checkpoint_tells_what_it_learned_from(data, finished, tmp_path, capsys):
    checkpoint = str(finished / "run/checkpoint.npz")
    table = ["--kaggle", str(data / "train.csv"), "--no-pen"]
    assert main(["evaluate", "--weights", checkpoint, *table]) == 0
    assert "learned from MNIST, which shares most images with Kaggle" in capsys.readouterr().out
    target = tmp_path / "copy.npz"
    assert main(["export", "--weights", checkpoint, "--npz", str(target)]) == 0
    assert set(Recognizer.load(target).metadata["trained_on"]) == {"MNIST"}


def test_numbers_are_not_told_of_where_nobody_drew_two_digits(finished, tmp_path, capsys):
    drawn = [sample for sample in drawings() if sample.label == "7"][:1]
    writer = next(name for name in map(str, range(99)) if writer_position(name) > 0.9)
    record = {"writer": writer, "label": "7", "strokes": drawn[0].strokes}
    where = ["--no-mnist", "--pen", str(tmp_path), "--no-nondigits"]
    other = {"writer": "a", "label": "7", "strokes": drawn[0].strokes}
    (tmp_path / "digits.jsonl").write_text("\n".join(map(json.dumps, (record, other))))
    assert main(["evaluate", "--weights", str(finished / "weights.npz"), *where]) == 0
    shown = capsys.readouterr().out
    assert "single digits read as one mark: " in shown
    assert "nan" not in shown


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert main(["evaluate", "--report", str(tmp_path / "new/report.html")]) == 2
    assert "--report: nothing can be written to the folder " in capsys.readouterr().err


def test_the_grid_has_pictures_where_there_are_no_pens(data, finished, tmp_path, capsys):
    weights = ["--weights", str(finished / "weights.npz"), "--pictures", "3", "--numbers", "5"]
    report = ["--report", str(tmp_path / "report.html"), "--no-pen"]
    assert main(["evaluate", *weights, *report, "--mnist", str(data / "mnist")]) == 0
    assert "unevenly lit" in (tmp_path / "report.html").read_text("utf-8")
    capsys.readouterr()
    assert main(["evaluate", *weights, *report, "--kaggle", str(data / "train.csv")]) == 0
    assert "No robustness grid: it takes MNIST's test images." in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--npz", "--onnx", "--summary"])
def test_what_is_exported_is_not_overwritten_by_it(finished, tmp_path, capsys, option):
    weights = tmp_path / "weights.npz"
    weights.write_bytes((finished / "weights.npz").read_bytes())
    same = str(tmp_path / "run/../weights.npz")
    (tmp_path / "run").mkdir()
    assert main(["export", "--weights", str(weights), option, same]) == 2
    assert "this is the file that is read; name another one" in capsys.readouterr().err
    assert weights.read_bytes() == (finished / "weights.npz").read_bytes()


def test_drawings_that_are_all_for_the_test_are_measured(finished, tmp_path, capsys):
    where = ["--no-mnist", "--no-nondigits", "--pen", str(tmp_path)]
    strokes = drawings()[0].strokes
    for is_test in (True, False):
        writer = next(n for n in map(str, range(99)) if (writer_position(n) > 0.9) == is_test)
        record = {"writer": writer, "label": drawings()[0].label, "strokes": strokes}
        (tmp_path / "digits.jsonl").write_text(json.dumps(record))
        code = main(["evaluate", "--weights", str(finished / "weights.npz"), *where])
        shown = capsys.readouterr()
        assert (code, "pen   " in shown.out) == ((0, True) if is_test else (1, False))
        assert ("there is nothing to measure on" in shown.err) != is_test
    assert main(["fit", *where, "--run", str(tmp_path), "--out", str(tmp_path / "out.npz")]) == 0


@pytest.mark.parametrize("command", [["fit"], ["rehearsal"]])
def test_what_learns_says_where_there_is_nothing_to_learn_from(command, tmp_path, capsys):
    target = {"fit": "--run", "rehearsal": "--out"}[command[0]]
    options = ["--no-mnist", "--no-pen", target, str(tmp_path / "new")]
    assert main([*command, *options]) == 1
    assert "there is nothing to learn from; name a source of data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "read", "target"),
    [
        (["rehearsal"], "--weights", "--out"),
        (["rehearsal"], "--kaggle", "--out"),
        (["fit"], "--kaggle", "--out"),
        (["fine-tune"], "--corrections", "--out"),
        (["evaluate"], "--weights", "--report"),
        (["evaluate"], "--kaggle", "--report"),
        (["predict", "test.csv"], "--weights", "--out"),
    ],
)
def test_no_command_writes_over_what_it_reads(tmp_path, capsys, command, read, target):
    kept = tmp_path / "kept"
    kept.write_bytes(b"hours of work")
    run = ["--run", str(tmp_path / "run")] if command[0] in ("fit", "fine-tune") else []
    assert main([*command, read, str(kept), target, str(tmp_path / "." / "kept"), *run]) == 2
    message = f"{target} {kept}: this is the file that is read; name another one to write"
    assert message in capsys.readouterr().err
    assert kept.read_bytes() == b"hours of work"


@pytest.mark.parametrize("name", ["checkpoint.npz", "run.json", "result.json"])
def test_no_run_writes_its_weights_over_its_own_files(data, tmp_path, capsys, name):
    out = str(tmp_path / "run" / name)
    (tmp_path / "run").mkdir()
    assert main([*quick(data, tmp_path), "--out", out]) == 2
    assert "keeps for itself; name another one" in capsys.readouterr().err


def test_a_spoiled_network_is_not_written_through_the_runs_folder(data, finished, tmp_path, capsys):
    out = tmp_path / "run/weights.npz"
    out.parent.mkdir()
    start = ["--weights", str(finished / "weights.npz"), "--corrections", str(data / "train.csv")]
    options = [*start, "--run", str(out.parent), "--out", str(out), "--mnist", str(data / "mnist")]
    assert main(["fine-tune", *options]) == 2
    assert "keeps for itself; name another one" in capsys.readouterr().err


def test_a_network_of_digits_alone_is_taught_no_other_marks(data, finished, tmp_path, capsys):
    start = ["--weights", str(finished / "weights.npz"), "--corrections", str(data / "train.csv")]
    where = ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "out.npz")]
    assert main(["fine-tune", *start, *where, "--nondigits", str(data / "pen")]) == 2
    assert "knows digits alone; leave this option out" in capsys.readouterr().err


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(data, finished, tmp_path, capsys):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    csv, weights = str(data / "test.csv"), str(finished / "weights.npz")
    assert main(["predict", csv, "--weights", weights, "--out", str(pipe)]) == 2
    assert f"{pipe} is no file, but a pipe or a device; name a file" in capsys.readouterr().err
    with pytest.raises(OSError, match="not of a pipe or a device"), replacing(pipe):
        pass
    assert pipe.is_fifo()


def test_exports_to_one_file_are_refused(finished, tmp_path, capsys):
    same = str(tmp_path / "same")
    weights = str(finished / "weights.npz")
    assert main(["export", "--weights", weights, "--npz", same, "--summary", same]) == 2
    assert "two name one file" in capsys.readouterr().err
    assert not (tmp_path / "same").exists()


def test_a_report_below_a_file_is_refused_before_the_work(data, finished, capsys):
    report = str(data / "train.csv" / "report.html")
    weights = str(finished / "weights.npz")
    assert main(["evaluate", "--weights", weights, "--report", report]) == 2
    assert f"{data / 'train.csv'} is a file; expected a folder" in capsys.readouterr().err


def test_a_checkpoint_without_a_network_reads_nothing(data, finished, tmp_path, capsys):
    damaged = tmp_path / "checkpoint.npz"
    with np.load(finished / "run/checkpoint.npz") as file:
        np.savez(damaged, **{name: file[name] for name in file.files if name != "layers"})
    out = tmp_path / "out.csv"
    arguments = ["predict", str(data / "test.csv"), "--weights", str(damaged), "--out", str(out)]
    assert main(arguments) == 1
    assert f"{damaged}: no network can be made of it" in capsys.readouterr().err
    assert not out.exists()


def test_a_log_of_another_form_is_named(finished, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(finished / "run", folder)
    for line in ("[]", "1", '{"kind": "epoch"}'):
        (folder / "log.jsonl").write_text(line + "\n")
        assert main(["explain", str(folder)]) == 1
        assert f"{folder / 'log.jsonl'}" in capsys.readouterr().err
