"""What is measured of weights: composed numbers, distortions, and the page about them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nn import Recognizer
from nn.layers import Dense, Flatten
from nn.model import Sequential
from nn.numbers import NO_DIGIT, SEVERAL
from tests.sample import drawings, sample_images
from train import robustness
from train.calibrate import refusal_threshold
from train.compose import (
    BELOW,
    GAPS,
    HEIGHT,
    JOINED,
    SIGNS,
    in_lines,
    numbers,
    pictures,
    pictures_in_lines,
    share_read_whole,
)
from train.data import Drawing, marks
from train.data.unclear import UNCLEAR, clear, fingerprint, unclear
from train.evaluate import answers, error_rate, error_table, interval, predictions
from train.examples import Labelled, inked_drawings
from train.one_stroke import in_one_stroke
from train.report_page import Evaluation, write_evaluation
from train.robustness import PICTURE_CHANGES, STROKE_CHANGES, Row, grid, rotation, slant
from train.watch.measure import measure_recognizer

DIGITS = [
    Drawing(f"w{index % 4}", sample.label, [np.array(s, np.float32) for s in sample.strokes])
    for index, sample in enumerate(drawings())
]


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load()


def test_a_number_is_composed_of_one_writers_digits_with_gaps_between_them() -> None:
    for number in numbers(DIGITS, 40, seed=2):
        assert 2 <= len(number.text) <= 4
        lefts = sorted((float(s[:, 0].min()), float(s[:, 0].max())) for s in number.strokes)
        reach, gaps = lefts[0][1], 0
        for left, right in lefts[1:]:
            gaps += left - reach >= GAPS[0] * HEIGHT - 1e-6
            reach = max(reach, right)
        assert gaps >= len(number.text) - 1


def test_numbers_of_the_projects_drawings_are_nearly_all_read_whole(
    recognizer: Recognizer,
) -> None:
    assert share_read_whole(recognizer, numbers(DIGITS, 60)) >= 0.95


def test_a_number_is_composed_with_a_point_in_it_or_a_minus_before_it(
    recognizer: Recognizer,
) -> None:
    composed = numbers(DIGITS, 100, seed=4, signs=SIGNS)
    assert all(re.fullmatch(r"-\d{2,4}|\d+\.\d+", number.text) for number in composed)
    assert {number.text[0] == "-" for number in composed} == {True, False}
    assert share_read_whole(recognizer, composed) >= 0.9


def test_numbers_are_composed_below_each_other_with_paper_between_them(
    recognizer: Recognizer,
) -> None:
    assert in_lines([], 1) == []
    composed = in_lines(DIGITS, 30, seed=5)
    assert {number.text.count("\n") for number in composed} == {1, 2}
    for number in composed:
        rows = sorted((float(s[:, 1].min()), float(s[:, 1].max())) for s in number.strokes)
        reach, papers = rows[0][1], 0
        for top, bottom in rows[1:]:
            papers += top - reach >= BELOW[0] * HEIGHT - 1e-6
            reach = max(reach, bottom)
        assert papers == number.text.count("\n")
    assert share_read_whole(recognizer, composed) >= 0.85
    images, labels = sample_images(40, seed=1)
    pictures = pictures_in_lines(images, labels, 20)
    assert {picture.text.count("\n") for picture in pictures} == {1, 2}
    assert share_read_whole(recognizer, pictures) >= 0.85


def test_numbers_are_composed_in_one_stroke_of_digits_in_one_stroke(
    recognizer: Recognizer,
) -> None:
    assert in_one_stroke([], 1) == []
    composed = in_one_stroke(DIGITS, 60, seed=6)
    assert {len(number.text) for number in composed} == {2, 3}
    assert all(len(number.strokes) == 1 for number in composed)
    assert share_read_whole(recognizer, composed) >= 0.7


def test_the_grid_has_a_row_for_every_distortion(recognizer: Recognizer) -> None:
    images, labels = sample_images(4, seed=1)
    rows = list(grid(recognizer, DIGITS[:30:3], Labelled(images, labels)))
    named = {(row.name, row.level) for row in rows}
    learned = {d.label for d in DIGITS[:30:3]} | {""}
    assert named >= {(name, level) for name, level, only, _ in STROKE_CHANGES if only in learned}
    assert named >= {(name, level) for name, level, _ in PICTURE_CHANGES}
    assert all(0 <= row.error <= 1 and row.ratio >= 0 for row in rows)


def test_an_error_is_compared_to_the_clean_one_or_to_one_mistake() -> None:
    assert robustness._ratio(0.02, 0.01, 1000) == pytest.approx(2)
    assert robustness._ratio(0.02, 0.0, 1000) == pytest.approx(20)


def test_a_turn_and_a_slant_lean_to_the_right() -> None:
    up = np.array([0.0, -1.0])  # y grows downwards
    for matrix in (rotation(20), slant(20)):
        right, down = matrix @ up
        assert right > 0
        assert down < 0


@pytest.mark.parametrize(("doubt", "threshold"), [(0.3, 0.5), (0.7, 0.7), (0.97, 0.9)])
def test_refusal_is_as_eager_as_the_digits_allow(doubt: float, threshold: float) -> None:
    dense = Dense(784, 11)  # the first pixel says what speaks for a digit, the second for none
    dense.params["weight"][0, 0] = dense.params["weight"][1, 10] = 1
    images = np.zeros((200, 28, 28), np.uint8)
    images[:, 0, 0] = 255
    dense.params["weight"][0, 0] = 20
    dense.params["weight"][1, 10] = 20 + np.log(doubt / (1 - doubt))
    images[:10, 0, 1] = 255  # one in twenty may be none: more than may be refused
    part = Labelled(images, np.zeros(200, np.uint8))
    found = refusal_threshold(Recognizer(Sequential([Flatten(), dense]), {}), {"some": part})
    assert found == pytest.approx(threshold, abs=1e-3)


def test_a_drawing_is_known_by_all_that_was_drawn() -> None:
    one, other, *_ = DIGITS
    moved = one._replace(strokes=[one.strokes[0] + 1, *one.strokes[1:]])
    same = one._replace(strokes=[stroke.copy() for stroke in one.strokes])
    assert fingerprint(one) == fingerprint(same)
    changed = (moved, other, one._replace(writer="x"), one._replace(label="x"))
    assert fingerprint(one) not in {fingerprint(drawing) for drawing in changed}


def test_what_nobody_could_tell_is_set_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNCLEAR, fingerprint(DIGITS[3]), "a blot")
    assert unclear(DIGITS) == [(DIGITS[3], "a blot")]
    assert clear(DIGITS) == DIGITS[:3] + DIGITS[4:]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_the_page_shows_mistakes_reliability_and_robustness(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    images, labels = sample_images(20, seed=4)
    wrong = Labelled(images, (labels + (np.arange(20) == 5)).astype(np.uint8) % 10)
    rows = [Row("slant", "+25°", 20, 0.1, 2.5), Row("size", "15%", 20, 0.05, 1.0)]
    path = tmp_path / "report.html"
    told = Evaluation(
        "<weights>", recognizer, {"pen": wrong}, ["a line"], rows, [(DIGITS[0], "a <blot>")]
    )
    write_evaluation(path, told)
    text = path.read_text("utf-8")
    page = Tags()
    page.feed(text)
    assert page.tags.count("svg") == 3  # confusion, reliability, robustness
    assert page.tags.count("img") >= 2  # the mistake, and what nobody could tell
    assert 'class="beyond"' in text
    assert 'class="within"' in text
    assert "&lt;weights&gt;" in text
    assert "a line" in text
    assert "a &lt;blot&gt;" in text


def test_several_digits_are_read_right_where_they_are_refused(recognizer: Recognizer) -> None:
    rows = inked_drawings(marks.rows(DIGITS, 30, seed=0))
    refused = answers(recognizer, rows) == NO_DIGIT
    assert refused.mean() > 0.5
    assert error_rate(recognizer, rows) == 1 - refused.mean()
    assert measure_recognizer(recognizer, {"": rows})[""].error == error_rate(recognizer, rows)


def test_digits_in_a_picture_follow_each_other_however_narrow_they_are() -> None:
    labels = np.arange(10, dtype=np.uint8)
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, :, 14] = 100 + labels[:, None]  # one column, as bright as its label says
    for text, pixels in pictures(images, labels, 20, gaps=JOINED):
        columns = pixels.max(axis=0)
        assert "".join(str(value - 100) for value in columns[columns > 0]) == text


def brightest(outputs: int = SEVERAL + 1) -> tuple[Recognizer, NDArray[np.uint8]]:
    """Return what answers with the brightest of some pixels, and an image for each answer."""
    dense = Dense(784, outputs)
    dense.params["weight"][:outputs, :outputs] = 4 * np.eye(outputs)
    images = np.zeros((outputs, 28, 28), np.uint8)
    images[np.arange(outputs), 0, np.arange(outputs)] = 255
    return Recognizer(Sequential([Flatten(), dense]), {}), images


def test_the_table_counts_each_digit_and_each_site() -> None:
    recognizer, images = brightest()
    read, labels = np.array([3, 3, 5, 5, 10, 11, 7]), np.array([3, 3, 5, 8, 8, 10, 10], np.uint8)
    writers = ["a/1", "a/2", "a/3", "b/1", "b/1", "c/2", "c/2"]
    lines = error_table(recognizer, {"some": Labelled(images[read], labels, writers)}).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "part digits wrong error 95% sure between",
        "some 7 3 42.86% 15.82% 74.95%",  # what looks like several is refused, which is right
        "digit 3 2 0 0.00% 0.00% 65.76%", "digit 5 1 0 0.00% 0.00% 79.35%",
        "digit 8 2 2 100.00% 34.24% 100.00%", "site a 3 0 0.00% 0.00% 56.15%",
        "site b 2 2 100.00% 34.24% 100.00%", "site c 2 1 50.00% 9.45% 90.55%",
    ]  # fmt: skip
    alone = error_table(recognizer, {"one": Labelled(images[3:4], labels[3:4])}).splitlines()
    assert "100.00%" in alone[1]
    assert error_table(recognizer, {}) == "Nothing was measured: there are no images for that."


def test_the_interval_holds_the_true_share_nineteen_times_of_twenty() -> None:
    assert interval(1, 10) == pytest.approx((0.0179, 0.4042), abs=5e-5)  # as Wilson's formula says
    share, count = 0.03, 1000
    drawn = np.random.default_rng(0).binomial(count, share, 2000)
    holds = [least <= share <= most for least, most in (interval(int(n), count) for n in drawn)]
    assert np.mean(holds) == pytest.approx(0.95, abs=0.015)


def test_pictures_alone_are_answered_by_their_own_temperature_and_threshold() -> None:
    recognizer, images = brightest()
    images[0, 0, [NO_DIGIT, SEVERAL]] = 235  # none by a little, if both of these are counted
    labels = np.zeros(len(images), np.uint8)
    pictures, drawn = Labelled(images, labels), Labelled(images, labels, drawn=True)
    recognizer.picture_temperature = 2.0
    assert np.array_equal(predictions(recognizer, pictures), recognizer.classify(images, 2.0))
    assert np.array_equal(predictions(recognizer, drawn), recognizer.classify(images))
    recognizer.picture_temperature = 1.0
    assert answers(recognizer, pictures)[0] == answers(recognizer, drawn)[0] == NO_DIGIT
    recognizer.picture_refuse_from = 0.9
    assert (answers(recognizer, pictures)[0], answers(recognizer, drawn)[0]) == (0, NO_DIGIT)
