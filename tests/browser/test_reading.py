"""Digits drawn through the pointer are read in the browser, while they are drawn."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

import nn
from nn.ink import ink
from tests.browser.drawing import (
    DRAWINGS,
    draw,
    drawn,
    expect_answer,
    expect_seen,
    number,
    on_canvas,
    sample,
    wait_until,
)
from tests.sample import in_one_stroke


@pytest.fixture(scope="module")
def recognizer() -> nn.Recognizer:
    return nn.Recognizer.load()


@pytest.mark.parametrize("digit", "0123456789")
def test_a_drawn_digit_is_read(page: Page, digit: str) -> None:
    draw(page, sample(digit))
    expect_answer(page, digit)


def test_the_answer_changes_while_the_digit_is_drawn(page: Page, recognizer: nn.Recognizer) -> None:
    """Stop in mid-stroke where the network is sure of another digit, and look."""
    for drawing in DRAWINGS:
        *before, last = drawing["strokes"]
        half = [*before, last[: len(last) // 2]]
        early, late = recognizer.read(half), recognizer.read(drawing["strokes"])
        if (
            early.text != late.text
            and min(early.digits[0].confidence, late.digits[0].confidence) > 0.9
        ):
            break
    else:
        pytest.fail("no drawing is another digit when it is half done")
    draw(page, half, lift=False)
    expect_answer(page, early.text)
    for point in on_canvas(page, [last])[0][len(half[-1]) :]:
        page.mouse.move(*point)
    expect_answer(page, late.text)


def test_a_blank_canvas_reads_as_empty_text(page: Page) -> None:
    draw(page, sample("3"))
    expect_answer(page, "3")
    page.locator("#clear").click()
    expect_answer(page, "")


def test_the_ten_bars_show_the_probabilities(page: Page, recognizer: nn.Recognizer) -> None:
    draw(page, sample("4"))
    expect_answer(page, "4")
    probabilities = recognizer.read(drawn(page)).digits[0].probabilities
    bars = page.locator("#bars").get_by_role("meter")
    expect(bars).to_have_count(10)
    for digit, probability in enumerate(probabilities):
        bar = bars.nth(digit)
        expect(bar).to_have_accessible_name(str(digit))
        expect(bar).to_have_attribute("aria-valuenow", str(round(float(probability) * 100)))


def test_the_picture_that_the_network_sees_is_the_ink_of_the_drawing(page: Page) -> None:
    draw(page, sample("8"))
    expect_answer(page, "8")
    expect_seen(page, ink(drawn(page)))


def test_each_prediction_is_measured(page: Page) -> None:
    def measured() -> int:
        return int(page.evaluate("performance.getEntriesByName('predict', 'measure').length"))

    before = measured()
    draw(page, sample("1"))
    expect_answer(page, "1")
    marks = page.evaluate("performance.getEntriesByType('mark').map(({ name }) => name)")
    assert measured() > before
    assert marks.count("engine-ready") == marks.count("first-answer") == 1


def test_a_settled_answer_is_spoken_once_and_a_passing_one_is_not(page: Page) -> None:
    page.evaluate(
        """() => {
            window.spoken = [];
            const live = document.querySelector('[role=status]');
            new MutationObserver(() => window.spoken.push(live.textContent))
                .observe(live, { childList: true, characterData: true, subtree: true });
        }"""
    )
    draw(page, sample("2"), steadily=True)
    expect(page.get_by_role("status")).to_have_text("2, >99% sure")
    spoken = [text for text in page.evaluate("window.spoken") if text]
    assert spoken == ["2, >99% sure"]


def test_several_digits_are_a_number_and_a_tap_on_one_shows_its_details(page: Page) -> None:
    drawing = number("407")
    draw(page, drawing)
    expect_answer(page, "407")
    marks = page.get_by_role("list", name="Marks of the number").get_by_role("button")
    expect(marks).to_have_count(3)
    expect(marks.nth(2)).to_have_attribute("aria-pressed", "true")  # the newest
    four = on_canvas(page, drawing)[0]
    page.mouse.click(*four[len(four) // 2])  # makes no dot
    expect(marks.nth(0)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#sure")).to_contain_text("4:")
    expect(page.locator("#bars").get_by_role("meter").nth(4)).to_have_class("bar first")
    assert len(drawn(page)) == len(drawing)
    expect_answer(page, "407")


def test_digits_in_one_stroke_are_a_number(page: Page) -> None:
    draw(page, in_one_stroke("203"))
    expect_answer(page, "203")
    marks = page.locator("#boxes button")
    expect(marks).to_have_count(3)
    expect(marks.last).to_have_attribute("aria-pressed", "true")  # the newest
    marks.nth(1).press("Enter")
    expect(page.locator("#sure")).to_contain_text("0: ")


def test_numbers_below_each_other_are_read_line_by_line(page: Page) -> None:
    for down, text in ((-70, "47"), (70, "306")):
        draw(page, [[[x, y + down] for x, y in stroke] for stroke in number(text)])
    answer = page.locator("#answer")
    expect(answer).to_have_text("47 306", use_inner_text=True)
    boxes = page.locator("#boxes button")
    expect(boxes).to_have_count(5)
    boxes.first.press("Enter")
    expect(page.locator("#sure")).to_contain_text("4: ")


def test_a_tap_on_a_tag_chooses_its_mark_and_a_stroke_may_begin_there(page: Page) -> None:
    draw(page, number("52"))
    expect_answer(page, "52")
    marks = page.get_by_role("list", name="Marks of the number").get_by_role("button")
    expect(marks.nth(1)).to_have_attribute("aria-pressed", "true")
    before = len(drawn(page))
    box = marks.nth(0).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)  # a dot there would be a decimal point
    expect(marks.nth(0)).to_have_attribute("aria-pressed", "true")
    assert len(drawn(page)) == before
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=3)
    page.mouse.up()
    assert len(drawn(page)) == before + 1


def test_a_mark_of_a_number_is_chosen_by_keyboard(page: Page) -> None:
    draw(page, number("35"))
    expect_answer(page, "35")
    expect(page.locator("#boxes li")).to_have_count(2)
    page.locator("#pad").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    three = page.get_by_role("button", name="Mark 1 of 2: 3")
    expect(three).to_be_focused()
    expect(three).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#sure")).to_contain_text("3:")


@pytest.mark.parametrize(("key", "left"), [("Control+z", "4"), ("Escape", "")])
def test_the_focus_goes_to_the_paper_from_a_tag_that_goes(page: Page, key: str, left: str) -> None:
    draw(page, number("41"))
    expect_answer(page, "41")
    page.locator("#boxes li button").nth(1).focus()
    page.keyboard.press(key)
    expect_answer(page, left)
    expect(page.locator("#boxes li")).to_have_count(0)
    expect(page.locator("#pad")).to_be_focused()


def test_the_focus_goes_to_the_paper_where_there_is_nothing_to_correct(page: Page) -> None:
    draw(page, [*number("4 "), [[160, 185], [161, 186]], [[210, 90], [212, 190]]])
    expect_answer(page, "4.1")
    page.locator("#wrong").focus()
    page.keyboard.press("Control+z")
    expect_answer(page, "4.")
    expect(page.locator("#wrong")).to_be_disabled()
    expect(page.locator("#pad")).to_be_focused()


def test_a_tap_by_the_foot_of_a_framed_digit_is_a_point(page: Page) -> None:
    minus, seven = [[30, 145], [60, 144]], [[80, 95], [125, 93], [112, 130], [100, 185]]
    draw(page, [minus, seven])
    expect_answer(page, "-7")
    expect(page.locator("#boxes li")).to_have_count(2)
    draw(page, [[[118, 183]]])  # below what leans over it
    expect_answer(page, "-7.")
    draw(page, [[[160, 95], [140, 145], [195, 145]], [[182, 110], [180, 185]]])
    expect_answer(page, "-7.4")


def test_a_dot_between_digits_is_a_point(page: Page) -> None:
    draw(page, number("3 5"))
    draw(page, [[[140, 184], [141, 185], [140, 186]]])
    assert len(drawn(page)) == len(number("3 5")) + 1  # it was no tap on its own frame
    expect_answer(page, "3.5")
    expect(page.locator("#sure")).to_have_text("Decimal point")
    expect(page.locator("#wrong")).to_be_hidden()  # it was taken for what it is or for nothing


def test_the_boxes_stay_around_their_digits_when_the_window_changes(page: Page) -> None:
    draw(page, number("35"))
    expect_answer(page, "35")
    boxes = page.locator("#boxes li")
    expect(boxes).to_have_count(2)
    for width, height in ((390, 844), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        wait_until(page, "width => innerWidth === width", arg=width)
        canvas = page.locator("#pad").bounding_box()
        left, right = boxes.nth(0).bounding_box(), boxes.nth(1).bounding_box()
        assert canvas
        assert left
        assert right
        assert canvas["x"] <= left["x"] < right["x"]
        assert right["x"] + right["width"] <= canvas["x"] + canvas["width"]
        assert left["x"] + left["width"] / 2 < canvas["x"] + canvas["width"] / 2
