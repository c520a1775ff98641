"""Watching a run: the log, the report, TensorBoard's files; and that it never gets in the way."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from nn.layers import Conv2D, Dense, Flatten, ReLU
from nn.model import Sequential
from nn.numbers import NO_DIGIT, SEVERAL
from tests.training import quick, write_data
from train.__main__ import main
from train.checkpoint import State
from train.config import Config
from train.examples import Examples, Labelled, Task
from train.schedule import learning_rate
from train.watch import Watcher, log
from train.watch.charts import confusion_chart, line_chart
from train.watch.measure import measure
from train.watch.pictures import first_filters
from train.watch.report import held_out


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run that ended: three epochs of nine steps."""
    folder = tmp_path_factory.mktemp("finished")
    data = write_data(folder / "data")
    assert main(quick(data, folder, "--epochs", "3")) == 0
    return folder / "run"


class Page(HTMLParser):
    """Collects the tags of a page and the addresses that they name."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img", "br", "path", "circle", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("path", "circle", "rect"):
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)


def test_the_log_has_a_line_for_each_part_and_each_epoch(finished):
    lines = log.read(finished / "log.jsonl")
    assert [line["kind"] for line in lines] == [*["steps"] * 8, "epoch"] * 3
    assert [line["step"] for line in lines] == list(range(1, 28))
    fields = {"kind", "step", "epoch", "images", "seconds", "images_per_second", "loss"}
    assert all(fields | {"learning_rate"} <= line.keys() for line in lines)
    assert all(line["images"] == 16 * line["step"] for line in lines)
    assert all(set(line["validation_error_percent"]) == {"MNIST"} for line in lines[8::9])
    rates = [round(learning_rate(Config().learning_rate, step, 27), 6) for step in range(27)]
    assert [line["learning_rate"] for line in lines] == rates


def test_an_epochs_loss_is_the_mean_over_its_steps(finished):
    lines = log.read(finished / "log.jsonl")
    steps = [line["loss"] for line in lines[:8]]
    # The ninth step has no line of its own: its loss is what the epoch's mean leaves over.
    ninth = 9 * lines[8]["loss"] - sum(steps)
    assert 0 < ninth < 3


def test_the_fields_of_the_log_are_documented(finished):
    named = set(re.findall(r"``(\w+)``", log.__doc__))
    assert {name for line in log.read(finished / "log.jsonl") for name in line} <= named


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert log.read(tmp_path / "log.jsonl") == [{"step": 1}, {"step": 2}]
    assert log.read(tmp_path / "none.jsonl") == []


def test_the_report_is_one_whole_page_that_asks_for_nothing(finished):
    text = (finished / "report.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "http" not in text.replace('http-equiv="refresh"', "")
    assert page.tags.count("svg") == 5  # four curves, one confusion table
    for shown in ("Finished after 27 steps", "Learning rate", "Held out: MNIST", "filters"):
        assert shown in text
    assert "refresh" not in text  # the run is over


def test_a_report_of_a_run_that_goes_on_reloads_itself(finished, tmp_path):
    from train.watch.report import Story, render

    text = render(Story("a <b>", "Running.", True, {"x": "<&>"}, [], {}, None))
    assert '<meta http-equiv="refresh" content="10">' in text
    assert "a &lt;b&gt;" in text
    assert "&lt;&amp;&gt;" in text


def test_measuring_counts_what_is_taken_for_what_and_keeps_the_worst_first():
    dense = Dense(784, 10)
    dense.params["weight"][:10, :10] = np.eye(10) * 9  # the brightest of ten pixels is the answer
    images = np.zeros((4, 28, 28), np.uint8)
    images[[0, 1, 2, 3], 0, [3, 5, 7, 7]] = [255, 255, 255, 120]
    part = Labelled(images, np.array([3, 4, 1, 1], np.uint8))
    found = measure(Sequential([Flatten(), dense]), {"some": part})["some"]
    assert found.error == 0.75
    assert found.confusion[3, 3] == found.confusion[4, 5] == 1
    assert found.confusion[1, 7] == 2
    assert found.confusion.sum() == 4
    assert [(mistake.label, mistake.read) for mistake in found.mistakes] == [(4, 5), (1, 7), (1, 7)]
    assert found.mistakes[0].confidence > found.mistakes[2].confidence


def test_all_that_is_no_digit_is_one_class_in_the_report():
    dense = Dense(784, 12)
    dense.params["weight"][:12, :12] = np.eye(12) * 9
    images = np.zeros((3, 28, 28), np.uint8)
    images[[0, 1, 2], 0, [3, 10, 11]] = 255
    part = Labelled(images, np.array([NO_DIGIT, 4, SEVERAL], np.uint8))
    found = measure(Sequential([Flatten(), dense]), {"some": part})["some"]
    assert found.confusion.shape == (11, 11)
    assert found.error == pytest.approx(2 / 3)
    page = held_out("some", found)
    assert "<figcaption>?, read 3<br>" in page
    assert "<figcaption>4, read ?<br>" in page


def test_charts_take_whatever_numbers_come():
    for points in (
        [], [(0, 0)], [(1, 5.0)], [(1, float("nan")), (2, 1.0)], [(0, 1e-9), (9, 1e9)],
        [(1, 0.0), (2, 3.0)], [(0, 2.0), (1, 2.0)],
    ):  # fmt: skip
        for is_log in (False, True):
            text = line_chart("some <title>", {"a": points, "b": []}, "x", "y", is_log)
            assert "nan" not in text.lower().replace("<title>", "")
            assert "<title>s" not in text
            for number in re.findall(r'[xy]="(-?[\d.]+)"', text):
                assert -20 <= float(number) <= 660


def test_a_confusion_chart_shows_every_number():
    confusion = np.arange(100).reshape(10, 10)
    text = confusion_chart("all", confusion)
    for label, read in np.ndindex(10, 10):
        assert f"<title>{label} read as {read}: {label * 10 + read}</title>" in text


@pytest.mark.parametrize(
    ("layers", "has_filters"),
    [
        ([Conv2D(1, 4, 5)], True),
        ([Flatten(), Dense(784, 3)], True),
        ([Conv2D(2, 4, 3)], False),
        ([Flatten(), Dense(100, 3)], False),
        ([ReLU()], False),
    ],
)
def test_filters_are_shown_where_they_lie_on_the_image(layers, has_filters):
    address = first_filters(Sequential(layers))
    assert (address is not None) == has_filters
    assert address is None or address.startswith("data:image/png;base64,")


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path, capsys):
    data = write_data(tmp_path / "data")
    (tmp_path / "run/report.html").mkdir(parents=True)  # in the report's way
    assert main(quick(data, tmp_path, "--resume")) == 0
    assert capsys.readouterr().err.count("Going on without some of the log") == 1


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard's files: tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    data = write_data(tmp_path / "data")
    assert main(quick(data, tmp_path)) == 0
    events = EventAccumulator(str(tmp_path / "run/tensorboard")).Reload()
    lines = log.read(tmp_path / "run/log.jsonl")
    written = [line["loss"] for line in lines if line["kind"] == "steps"]
    assert np.allclose([event.value for event in events.Scalars("train/loss")], written)
    epochs = [line for line in lines if line["kind"] == "epoch"]
    errors = [line["validation_error_percent"]["MNIST"] for line in epochs]
    shown = [event.value for event in events.Scalars("validation error %/MNIST")]
    assert np.allclose(shown, errors)
    assert json.loads((tmp_path / "run/result.json").read_text())["errors"]


def test_the_bar_ends_with_the_errors_of_the_last_epoch(tmp_path, capsys):
    assert main(quick(write_data(tmp_path / "data"), tmp_path, "--epochs", "1")) == 0
    bar = capsys.readouterr().err.replace("\r", "\n").strip().splitlines()[-1]
    *_, last = log.read(tmp_path / "run/log.jsonl")
    assert f"MNIST error={last['validation_error_percent']['MNIST']:.2f}%" in bar


def test_measuring_counts_neither_in_the_speed_nor_in_the_seconds(tmp_path, monkeypatch):
    now = 0.0

    def measured_slowly(model, parts):
        nonlocal now
        now += 100
        return {}

    monkeypatch.setattr("train.watch.watcher.time.monotonic", lambda: now)
    monkeypatch.setattr("train.watch.watcher.measure", measured_slowly)
    task = Task(Examples(np.zeros((20, 28, 28), np.uint8), np.zeros(20, np.uint8)))
    with Watcher(tmp_path, task, 4, 10, State()) as watcher:
        for _ in range(2):
            now += 1
            watcher.step(0.5)
        watcher.epoch(0.5, 0.1, Sequential([]))
        now += 2
        watcher.step(0.5)
        watcher.line(0.5, 0.1)
    lines = log.read(tmp_path / "log.jsonl")
    assert [line["images_per_second"] for line in lines] == [10, 5]
    assert [line["seconds"] for line in lines] == [2, 4]
