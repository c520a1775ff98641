"""The canvas takes mouse, fingers and pens, keeps what is drawn, and lets it be undone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewContext
from tests.browser.drawing import (
    Fingers,
    clear,
    draw,
    drawn,
    expect_answer,
    ink_box,
    on_canvas,
    sample,
    wait_for,
    wait_for_engine,
    wait_until,
)
from tests.browser.hosting import StaticHost

LINE = [[[100, 60], [120, 120], [140, 200]]]


@pytest.fixture(scope="module")
def phone(module_context: NewContext, site_host: StaticHost) -> Page:
    """Return the page on a phone; Python's start is paid once."""
    context = module_context(
        viewport={"width": 390, "height": 664},
        device_scale_factor=3,
        has_touch=True,
        is_mobile=True,
    )
    page = context.new_page()
    page.goto(site_host.url)
    wait_for_engine(page)
    return page


@pytest.fixture
def touched(phone: Page) -> Page:
    """Return the phone's page with nothing drawn."""
    clear(phone)
    return phone


def test_a_finger_draws_and_the_digit_is_read(touched: Page) -> None:
    Fingers(touched).draw(on_canvas(touched, sample("3")))
    expect_answer(touched, "3")


def test_a_mouse_that_was_let_go_unseen_draws_no_further(page: Page) -> None:
    mouse = page.context.new_cdp_session(page)

    def event(kind: str, point: tuple[float, float], buttons: int) -> None:
        button = "none" if kind == "mouseMoved" else "left"
        place = {"x": point[0], "y": point[1], "button": button, "buttons": buttons}
        mouse.send("Input.dispatchMouseEvent", {"type": kind, **place, "clickCount": 1})

    first, second, third = on_canvas(page, LINE)[0]
    event("mousePressed", first, 1)
    event("mouseMoved", second, 1)
    event("mouseMoved", third, 0)
    event("mouseMoved", first, 0)
    (stroke,) = drawn(page)
    assert max(y for _, y in stroke) < 0  # in the paper's units, from its middle
    event("mouseReleased", first, 0)


def test_space_leaves_a_stroke_that_the_mouse_draws(page: Page) -> None:
    first, *others = on_canvas(page, LINE)[0]
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*others[0], steps=4)
    page.keyboard.press("Space")
    page.mouse.move(*others[1], steps=4)
    page.mouse.up()
    (stroke,) = drawn(page)
    ends = (np.array([LINE[0][0], LINE[0][-1]]) - 140) / 0.28  # in the paper's units
    assert np.allclose([stroke[0], stroke[-1]], ends, atol=5)


def test_a_dot_is_no_digit_however_the_finger_trembles(touched: Page) -> None:
    Fingers(touched).draw(on_canvas(touched, [[[140, 140], [141, 142], [141, 144]]]))
    expect_answer(touched, "?")
    assert [len(stroke) for stroke in drawn(touched)] == [1]


@pytest.mark.parametrize("button", ["#undo", "#clear"])
def test_a_tap_right_after_a_quick_stroke_counts(touched: Page, button: str) -> None:
    """A browser may take the stroke for a fling, and the tap for what ends that."""
    fingers = Fingers(touched)
    box = touched.locator(button).bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    (line,) = on_canvas(touched, [[[20 + 28 * i, 60 + 4 * i] for i in range(9)]])
    for _ in range(4):
        fingers.send("touchStart", line[0])
        for point in line[1:]:
            touched.wait_for_timeout(12)  # it takes time to be quick, and so does a tap
            fingers.send("touchMove", point)
        fingers.send("touchEnd")
        assert len(drawn(touched)) == 1
        touched.wait_for_timeout(200)
        fingers.send("touchStart", middle)
        touched.wait_for_timeout(40)
        fingers.send("touchEnd")
        wait_for(touched, lambda: drawn(touched) == [], "the tap counts")


def test_the_page_does_not_move_under_a_finger_on_the_canvas(touched: Page) -> None:
    touched.set_viewport_size({"width": 390, "height": 420})  # something to scroll to
    wait_until(touched, "document.documentElement.scrollHeight > innerHeight")
    Fingers(touched).draw(on_canvas(touched, [[[140, 250], [140, 150], [140, 20]]]))
    assert touched.evaluate("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]
    assert len(drawn(touched)) == 1
    touched.set_viewport_size({"width": 390, "height": 664})


def test_a_second_finger_does_not_draw(touched: Page) -> None:
    fingers = Fingers(touched)
    ((a, b, c),) = on_canvas(touched, LINE)
    other = (a[0] + 80, a[1])
    fingers.send("touchStart", a)
    fingers.send("touchStart", a, other)
    fingers.send("touchMove", b, (other[0], other[1] + 60))
    fingers.send("touchMove", c, (other[0], other[1] + 120))
    fingers.send("touchEnd")
    assert len(drawn(touched)) == 1
    left, _, right, _ = ink_box(touched) or (0, 0, 0, 0)
    assert right - left < 0.3


def test_a_hand_that_rests_on_the_canvas_does_not_draw(touched: Page) -> None:
    fingers = Fingers(touched)
    ((a, b, _),) = on_canvas(touched, LINE)
    fingers.send("touchStart", a, radius=60)
    fingers.send("touchMove", b, radius=60)
    fingers.send("touchEnd")
    assert drawn(touched) == []


def test_a_touch_that_the_system_takes_away_leaves_what_was_drawn(touched: Page) -> None:
    fingers = Fingers(touched)
    ((a, b, _),) = on_canvas(touched, LINE)
    fingers.send("touchStart", a)
    fingers.send("touchMove", b)
    fingers.send("touchCancel")
    assert len(drawn(touched)) == 1
    fingers.draw(on_canvas(touched, LINE))
    assert len(drawn(touched)) == 2  # and the next one draws as ever


def ink_form(page: Page) -> float:
    """Return the ink's width as a share of its height, as it is on the screen."""
    box = ink_box(page)
    assert box is not None
    left, top, right, bottom = box
    pad = page.locator("#pad").bounding_box()
    assert pad is not None
    return (right - left) * pad["width"] / ((bottom - top) * pad["height"])


def wait_for_form(page: Page, form: float) -> None:
    """Wait until the ink has that form: a canvas is drawn anew after it has its new size."""
    deadline = time.monotonic() + 10
    while ink_form(page) != pytest.approx(form, abs=0.03):
        assert time.monotonic() < deadline, (ink_form(page), form)
        page.wait_for_timeout(20)


def test_turning_the_phone_keeps_the_whole_drawing(touched: Page) -> None:
    Fingers(touched).draw(on_canvas(touched, sample("8")))
    expect_answer(touched, "8")
    before, form = drawn(touched), ink_form(touched)
    touched.set_viewport_size({"width": 664, "height": 390})
    wait_until(touched, "innerWidth === 664")
    assert drawn(touched) == before
    wait_for_form(touched, form)
    turned = ink_box(touched)
    assert turned is not None
    left, top, right, bottom = turned
    assert 0 < left < right < 1
    assert 0 < top < bottom < 1
    touched.set_viewport_size({"width": 390, "height": 664})
    wait_until(touched, "innerWidth === 390")
    wait_for_form(touched, form)
    expect_answer(touched, "8")


def test_a_stroke_goes_on_when_the_pointer_leaves_the_canvas(page: Page) -> None:
    box = page.locator("#pad").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] * 2, y, steps=4)
    page.mouse.move(x, y + 50, steps=4)
    page.mouse.up()
    (stroke,) = drawn(page)
    assert len(stroke) > 5
    half = 500 * box["width"] / box["height"]  # the paper is 1000 high
    assert max(x for x, _ in stroke) < half + 50  # the ink stays in sight


def test_the_other_mouse_buttons_do_not_draw(page: Page) -> None:
    page.locator("#pad").click(button="right")
    page.locator("#pad").click(button="middle")
    assert drawn(page) == []


def test_a_click_draws_a_dot(page: Page) -> None:
    page.locator("#pad").click()
    assert [len(stroke) for stroke in drawn(page)] == [1]
    left, top, right, bottom = ink_box(page) or (0, 0, 0, 0)
    assert 0.02 < right - left < 0.1
    assert 0.02 < bottom - top < 0.1


def test_undo_and_redo_by_button_and_by_key(page: Page) -> None:
    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    draw(page, sample("1"))
    draw(page, LINE)
    both = drawn(page)
    undo.click()
    assert drawn(page) == both[:-1]
    page.keyboard.press("Control+z")
    assert len(drawn(page)) == len(both) - 2
    page.keyboard.press("Control+Shift+Z")
    redo.click()
    assert drawn(page) == both
    expect(redo).to_be_disabled()


def test_undo_and_redo_by_the_keys_of_a_keyboard_with_other_letters(page: Page) -> None:
    draw(page, LINE)
    line = drawn(page)
    session = page.context.new_cdp_session(page)
    for key, code, left in (("я", "KeyZ", []), ("н", "KeyY", line), ("ζ", "KeyZ", [])):
        keys = {"key": key, "code": code, "modifiers": 2}  # Control
        for kind in ("rawKeyDown", "keyUp"):
            session.send("Input.dispatchKeyEvent", {"type": kind, **keys})
        assert drawn(page) == left


def test_clearing_can_be_undone(page: Page) -> None:
    draw(page, sample("5"))
    expect_answer(page, "5")
    page.keyboard.press("Escape")
    expect_answer(page, "")
    assert ink_box(page) is None
    page.keyboard.press("Control+z")
    expect_answer(page, "5")


def test_undo_brings_all_ink_back_onto_narrower_paper(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 700})
    wait_until(page, "innerWidth === 1000")
    draw(page, [[[-50, 60], [-50, 200]], [[330, 60], [330, 200]]])  # one by each side
    page.locator("#clear").click()
    page.set_viewport_size({"width": 390, "height": 700})
    wait_until(page, "innerWidth === 390")
    page.keyboard.press("Control+z")
    outside = """async () => {
        const { pad } = await import(new URL('app.js', document.baseURI));
        const { width } = document.querySelector('#pad').getBoundingClientRect();
        return pad.strokes.flat().filter((point) => {
            const [x] = pad.place(point);
            return x < -0.5 || x > width + 0.5;
        }).length;
    }"""
    assert len(drawn(page)) == 2
    assert page.evaluate(outside) == 0


def test_a_selection_of_the_whole_page_is_not_dragged_by_the_pen(page: Page) -> None:
    page.keyboard.press("Control+a")
    draw(page, sample("3"))
    expect_answer(page, "3")
    assert len(drawn(page)) == len(sample("3"))
    page.evaluate("getSelection().empty()")


def test_a_drawing_is_kept_when_the_page_is_loaded_anew_and_no_older_one(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = new_context().new_page()
    page.goto(site_host.url)
    draw(page, sample("3"))
    expect_answer(page, "3")
    page.get_by_role("button", name="See how it knows").click()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Step by step").click(modifiers=["Control"])
    opened.value.close()
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    page.keyboard.press("Escape")
    draw(page, sample("7"))
    page.reload()
    expect_answer(page, "7")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("#clear")).to_be_disabled()
    assert drawn(page) == []


def test_ink_shows_where_the_pointer_was(page: Page) -> None:
    draw(page, LINE, lift=False)
    pad = page.locator("#pad").bounding_box()
    assert pad is not None
    half = 0.021 * min(pad["width"], pad["height"])  # half the pen's width
    places = on_canvas(page, LINE)[0]
    across = [(x - pad["x"]) for x, _ in places]
    down = [(y - pad["y"]) for _, y in places]
    expected = (
        (min(across) - half) / pad["width"],
        (min(down) - half) / pad["height"],
        (max(across) + half) / pad["width"],
        (max(down) + half) / pad["height"],
    )
    assert ink_box(page) == pytest.approx(expected, abs=0.01)


def test_the_eraser_takes_whole_strokes_away_and_undo_brings_them_back(page: Page) -> None:
    draw(page, [*LINE, [[200, 60], [200, 200]]])
    both = drawn(page)
    eraser = page.get_by_role("button", name="Eraser")
    eraser.click()
    draw(page, [[[180, 100], [220, 100]]])  # across the second stroke
    assert drawn(page) == both[:1]
    page.keyboard.press("Control+z")
    assert drawn(page) == both
    draw(page, [[[20, 130], [260, 130]]])  # across both: one step
    assert drawn(page) == []
    expect(eraser).to_have_attribute("aria-pressed", "false")  # nothing is left to erase
    page.keyboard.press("Control+z")
    assert drawn(page) == both


def test_undo_while_rubbing_out_takes_that_back_alone(page: Page) -> None:
    draw(page, [*LINE, [[200, 60], [200, 200]], [[240, 60], [240, 200]]])
    page.keyboard.press("Control+z")
    both = drawn(page)
    page.get_by_role("button", name="Eraser").click()
    draw(page, [[[180, 100], [220, 100]]], lift=False)
    assert drawn(page) == both[:1]
    page.keyboard.press("Control+z")
    assert drawn(page) == both
    page.mouse.up()
    assert drawn(page) == both
    page.keyboard.press("Control+y")
    assert len(drawn(page)) == 3  # what was undone before is still there
    page.get_by_role("button", name="Eraser").click()


def test_clearing_brings_back_no_half_of_what_was_rubbed_out(page: Page) -> None:
    draw(page, [*LINE, [[200, 60], [200, 200]]])
    both = drawn(page)
    page.get_by_role("button", name="Eraser").click()
    draw(page, [[[180, 100], [220, 100]]], lift=False)
    assert drawn(page) == both[:1]
    page.keyboard.press("Escape")
    assert drawn(page) == []
    page.mouse.up()
    page.keyboard.press("Control+z")
    assert drawn(page) == both


def test_the_first_stroke_can_be_cleared_while_the_pen_is_down(page: Page) -> None:
    draw(page, sample("7")[:1], lift=False)
    expect_answer(page, "7")
    page.keyboard.press("Escape")
    expect_answer(page, "")
    assert drawn(page) == []
    page.mouse.up()
    page.locator("#pad").focus()
    for _ in range(2):
        page.keyboard.press("Space")
        for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
            page.keyboard.press(key)
        assert len(drawn(page)) == 1  # the keyboard's pen works, and works again
        page.keyboard.press("Escape")
        assert drawn(page) == []


def test_a_digit_can_be_drawn_with_the_keyboard_alone(page: Page) -> None:
    page.locator("#pad").focus()

    def go(key: str, steps: int) -> None:
        for _ in range(steps):
            page.keyboard.press(key)

    go("ArrowUp", 12)
    go("ArrowLeft", 6)
    page.keyboard.press("Space")
    go("ArrowRight", 12)
    page.keyboard.down("ArrowLeft")  # with the arrow below held too: aslant
    go("ArrowDown", 8)
    page.keyboard.up("ArrowLeft")
    go("ArrowDown", 14)
    expect_answer(page, "7")  # while the pen is down
    page.keyboard.press("Space")
    expect(page.get_by_role("status")).to_have_text("Pen up")
    assert len(drawn(page)) == 1
    page.keyboard.press("Control+z")
    expect_answer(page, "")


def test_a_stroke_is_rubbed_out_with_the_keyboard_alone(page: Page) -> None:
    page.locator("#pad").press("ArrowRight")
    nib, pad = page.locator("#nib").bounding_box(), page.locator("#pad").bounding_box()
    assert nib is not None
    assert pad is not None
    page.mouse.move(nib["x"] + nib["width"] / 2, pad["y"] + 20)
    page.mouse.down()
    page.mouse.move(nib["x"] + nib["width"] / 2, pad["y"] + pad["height"] - 20, steps=3)
    page.mouse.up()
    strokes = drawn(page)
    assert len(strokes) == 1
    page.locator("#erase").press("Enter")
    page.locator("#pad").press("Space")
    assert drawn(page) == []
    page.keyboard.press("Control+z")
    assert drawn(page) == strokes


def test_the_focus_goes_to_the_paper_from_a_tool_that_is_no_use_any_more(page: Page) -> None:
    draw(page, LINE)
    page.keyboard.press("Control+z")
    for tool in ("#redo", "#clear"):
        page.locator(tool).press("Enter")
        expect(page.locator(tool)).to_be_disabled()
        expect(page.locator("#pad")).to_be_focused()


def test_all_tools_are_reached_with_the_tab_key(page: Page) -> None:
    draw(page, LINE)
    draw(page, LINE)
    page.keyboard.press("Control+z")  # so that all tools can be used
    page.locator("#pad").focus()
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.id"))
    assert names == ["undo", "redo", "erase", "bring", "take", "clear"]


def test_a_pen_that_is_pressed_harder_draws_a_wider_line(page: Page) -> None:
    session = page.context.new_cdp_session(page)

    def stroke_width(force: float) -> float:
        ((a, b),) = on_canvas(page, [[[140, 60], [140, 220]]])
        for kind, (x, y) in (("mousePressed", a), ("mouseMoved", b), ("mouseReleased", b)):
            event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "force": force}
            session.send("Input.dispatchMouseEvent", {**event, "pointerType": "pen"})
        left, _, right, _ = ink_box(page) or (0, 0, 0, 0)
        page.keyboard.press("Escape")
        return right - left

    assert stroke_width(0.9) > 1.5 * stroke_width(0.2) > 0


def test_the_hand_that_holds_a_pen_does_not_draw(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    ((a, b, c),) = on_canvas(page, LINE)
    pen = {"button": "left", "buttons": 1, "force": 0.5, "pointerType": "pen"}
    fingers = Fingers(page)
    fingers.send("touchStart", c)  # the hand comes first
    for kind, (x, y) in (("mousePressed", a), ("mouseMoved", b)):
        session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **pen})
    fingers.send("touchMove", (c[0] - 60, c[1]))
    fingers.send("touchEnd")
    session.send("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": b[0], "y": b[1], **pen})
    (stroke,) = drawn(page)
    assert stroke[0] == pytest.approx([-142.86, -285.71], abs=0.5)  # where the pen came down
