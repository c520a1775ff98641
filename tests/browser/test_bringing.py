"""Pictures come in by every way that a page has; numbers and drawings go out again."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from playwright.sync_api import Page, expect

import nn
from tests.browser.audit import audit
from tests.browser.conftest import NewContext
from tests.browser.drawing import (
    START,
    draw,
    drawn,
    expect_answer,
    number,
    on_canvas,
    sample,
    wait_for_engine,
    wait_until,
)
from tests.browser.hosting import StaticHost

GIVE = """([kind, name, type, bytes]) => {
    const content = Uint8Array.from(atob(bytes), (byte) => byte.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([content], name, { type }));
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
        : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector('#pad').dispatchEvent(event);
}"""


def photo(text: str) -> Image.Image:
    """Return a picture of a number: dark ink on light paper."""
    return penned(
        [(420 + (x - 140) * 2.4, 210 + (y - 140) * 2.4) for x, y in stroke]
        for stroke in number(text, 0.4)
    )


def joined(text: str) -> Image.Image:
    """Return a picture of a number in which each digit begins where the one before ends."""
    strokes, end = [], 120.0
    for label in text:
        columns = [x for stroke in sample(label) for x, _ in stroke]
        moved = end - min(columns)
        strokes += [[(x + moved, y + 100) for x, y in stroke] for stroke in sample(label)]
        end = max(columns) + moved
    return penned(strokes)


def penned(strokes: Iterable[list[tuple[float, float]]]) -> Image.Image:
    picture = Image.new("RGB", (840, 420), (236, 232, 220))
    pen = ImageDraw.Draw(picture)
    for points in strokes:
        pen.line(points, (40, 44, 60), 13, joint="curve")
    return picture


def packed(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, form, **options)  # type: ignore[arg-type]
    return content.getvalue()


def give(page: Page, how: str, name: str, kind: str, content: bytes) -> None:
    page.evaluate(GIVE, [how, name, kind, base64.b64encode(content).decode()])


def test_a_picture_that_is_chosen_is_read_and_boxed(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "number.png"
    path.write_bytes(packed(photo("42")))
    page.get_by_role("button", name="Read a picture").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(path)
    expect_answer(page, "42")
    boxes = page.locator("#boxes li")
    expect(boxes).to_have_count(2)
    canvas, first = page.locator("#pad").bounding_box(), boxes.nth(0).bounding_box()
    assert canvas
    assert first
    assert canvas["x"] < first["x"] + first["width"] / 2 < canvas["x"] + canvas["width"] / 2
    # A tap on a box chooses it, and the picture stays.
    page.mouse.click(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)
    expect(page.locator("#sure")).to_contain_text("4:")
    expect_answer(page, "42")
    page.locator("#clear").click()
    expect_answer(page, "")


@pytest.mark.parametrize("chosen", ["2", "4"])
def test_the_page_that_explains_explains_the_mark_of_a_picture_that_was_chosen(
    module_context: NewContext, site_host: StaticHost, chosen: str
) -> None:
    page = module_context(locale="en").new_page()
    page.goto(site_host.url)
    wait_for_engine(page)
    give(page, "drop", "number.png", "image/png", packed(photo("42")))
    expect_answer(page, "42")
    page.locator("#boxes li button").nth("42".index(chosen)).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sure")).to_contain_text(f"{chosen}:")
    page.locator(".ways a").first.evaluate("(link) => link.click()")
    page.wait_for_url("**/how.html")
    expect(page.locator("body")).to_have_attribute("data-lesson", chosen, timeout=START)


def test_digits_that_touch_in_a_picture_are_read_one_by_one(page: Page) -> None:
    give(page, "drop", "number.png", "image/png", packed(joined("350")))
    expect_answer(page, "350")
    expect(page.locator("#boxes li")).to_have_count(3)


@pytest.mark.parametrize(("ink", "paper"), [("white", "black"), ("black", "white")])
def test_ink_on_a_transparent_ground_is_read_and_seen(page: Page, ink: str, paper: str) -> None:
    drawn = Image.new("RGBA", (840, 420), (0, 0, 0, 0))
    drawn.paste(
        ink, mask=ImageOps.invert(photo("42").convert("L")).point(lambda grey: 255 * (grey > 90))
    )
    give(page, "drop", "drawn.png", "image/png", packed(drawn))
    expect_answer(page, "42")
    shown = Image.open(io.BytesIO(page.locator("#pad").screenshot())).convert("L")
    middle = shown.crop(
        (shown.width // 5, shown.height // 3, 2 * shown.width // 3, shown.height // 2)
    )
    darkest, lightest = middle.getextrema()
    assert lightest - darkest > 200  # both, ink and paper, are seen
    assert (np.median(np.asarray(middle)) < 128) == (paper == "black")


def test_a_photo_is_turned_as_its_file_says(page: Page) -> None:
    turned = photo("42").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter, clockwise
    give(page, "drop", "photo.jpg", "image/jpeg", packed(turned, "JPEG", quality=90, exif=exif))
    expect_answer(page, "42")
    expect(page.locator("#photo-file")).to_have_attribute("capture", "environment")


def test_a_picture_is_pasted_and_a_new_stroke_takes_it_away(page: Page) -> None:
    give(page, "paste", "pasted.png", "image/png", packed(photo("9")))
    expect_answer(page, "9")
    draw(page, sample("3"))
    expect_answer(page, "3")


def test_a_picture_leaves_no_eraser_that_cannot_be_put_away(page: Page) -> None:
    draw(page, sample("3"))
    eraser = page.get_by_role("button", name="Eraser")
    eraser.click()
    give(page, "paste", "pasted.png", "image/png", packed(photo("9")))
    expect_answer(page, "9")
    expect(eraser).to_be_disabled()
    expect(eraser).to_have_attribute("aria-pressed", "false")
    draw(page, sample("4"))
    expect_answer(page, "4")


def test_a_tap_takes_no_picture_away(page: Page) -> None:
    give(page, "drop", "nine.png", "image/png", packed(photo("9")))
    expect_answer(page, "9")
    draw(page, [[[140, 140]]])
    expect_answer(page, "9")
    assert drawn(page) == []


def test_undo_and_redo_lead_to_pictures_too(page: Page) -> None:
    draw(page, sample("3"))
    expect_answer(page, "3")
    give(page, "drop", "nine.png", "image/png", packed(photo("9")))
    expect_answer(page, "9")
    draw(page, sample("6"))
    expect_answer(page, "6")
    page.keyboard.press("Control+z")
    expect_answer(page, "9")
    page.keyboard.press("Escape")
    expect(page.locator("body")).to_have_class(re.compile("blank"))
    page.keyboard.press("Control+z")
    expect_answer(page, "9")
    page.keyboard.press("Control+z")
    expect_answer(page, "3")
    page.keyboard.press("Control+Shift+z")
    expect_answer(page, "9")
    give(page, "drop", "two.png", "image/png", packed(photo("2")))
    expect_answer(page, "2")
    expect(page.locator("#redo")).to_be_disabled()
    page.keyboard.press("Control+z")
    expect_answer(page, "9")


def test_undo_takes_a_picture_off_blank_paper_and_no_older_step(page: Page) -> None:
    draw(page, sample("3"))
    page.locator("#clear").click()
    give(page, "drop", "nine.png", "image/png", packed(photo("9")))
    expect_answer(page, "9")
    page.locator("#undo").click()
    expect(page.locator("body")).to_have_class(re.compile("blank"))
    page.locator("#undo").click()
    expect_answer(page, "3")


WAIT_FOR_EVER = """async (on) => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    if (on) engine.view = () => new Promise(() => {});
    else delete engine.view;
}"""
"""Has pictures read, or never."""


def test_a_picture_that_undo_brings_back_is_said_to_be_read(page: Page) -> None:
    """It takes seconds on a slow phone."""
    give(page, "drop", "nine.png", "image/png", packed(photo("9")))
    expect_answer(page, "9")
    page.keyboard.press("Escape")
    page.evaluate(WAIT_FOR_EVER, True)
    try:
        page.keyboard.press("Control+z")
        expect(page.locator("#second")).to_have_text("Looking for digits…")
    finally:
        page.evaluate(WAIT_FOR_EVER, False)


HOLD = """() => {
    const decode = createImageBitmap;
    window.decoded = new Promise((resolve) => {
        window.createImageBitmap = async (...given) => {
            window.createImageBitmap = decode; // the next one is not held
            await new Promise((release) => (window.release = release));
            const bitmap = await decode(...given);
            setTimeout(resolve); // when the page has taken it
            return bitmap;
        };
    });
}"""
"""Holds the decoding of a picture until `release` is called."""


@pytest.mark.parametrize("newer", ["drawing", "picture", "nothing"])
def test_a_picture_that_is_decoded_late_does_not_take_the_place_of_what_is_newer(
    page: Page, newer: str
) -> None:
    draw(page, sample("4"))
    page.evaluate(HOLD)
    give(page, "drop", "nine.png", "image/png", packed(photo("9")))
    page.keyboard.press("Escape")
    if newer == "drawing":
        draw(page, sample("3"))
    elif newer == "picture":
        give(page, "drop", "number.png", "image/png", packed(photo("42")))
    answer = {"drawing": "3", "picture": "42", "nothing": ""}[newer]
    expect_answer(page, answer)
    assert page.evaluate(
        """async () => {
            const { pad } = await import(new URL('app.js', document.baseURI));
            const before = pad.picture;
            release();
            await decoded;
            return pad.picture === before;
        }"""
    )
    expect_answer(page, answer)


def test_a_pasted_picture_closes_the_menu_that_asks_for_one(page: Page) -> None:
    page.get_by_role("button", name="Read a picture").click()
    expect(page.locator("#bring-menu")).to_be_visible()
    give(page, "paste", "pasted.png", "image/png", packed(photo("9")))
    expect(page.locator("#bring-menu")).to_be_hidden()
    expect_answer(page, "9")


def test_why_nothing_was_read_is_spoken(page: Page) -> None:
    give(page, "drop", "blank.png", "image/png", packed(Image.new("RGB", (300, 200), "white")))
    expect(page.locator("#spoken")).to_contain_text("No digit was found in this picture")


def test_a_message_about_a_link_outlasts_the_start(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = new_context().new_page()
    page.goto(f"{site_host.url}#d1=AA")
    wait_for_engine(page)
    expect(page.get_by_role("alert")).to_contain_text("link")


def test_what_is_no_picture_is_said_in_words(page: Page) -> None:
    draw(page, sample("3"))
    expect_answer(page, "3")
    give(page, "drop", "letter.pdf", "application/pdf", b"%PDF-1.7")
    expect(page.get_by_role("alert")).to_contain_text("letter.pdf cannot be read: it is damaged")
    expect_answer(page, "3")  # nothing is lost
    page.get_by_role("button", name="Dismiss").click()
    give(page, "drop", "blank.png", "image/png", packed(Image.new("RGB", (300, 200), "white")))
    expect(page.locator("#second")).to_contain_text("No digit was found in this picture")


def test_a_picture_that_is_pasted_while_the_keyboards_pen_is_down_is_read(page: Page) -> None:
    page.locator("#pad").focus()
    for key in ("Space", *["ArrowRight"] * 4):
        page.keyboard.press(key)
    give(page, "paste", "number.png", "image/png", packed(photo("42")))
    expect_answer(page, "42")
    page.keyboard.press("Control+z")
    assert len(drawn(page)) == 1


def test_a_message_that_is_closed_by_keyboard_leaves_the_focus_to_the_paper(page: Page) -> None:
    give(page, "drop", "letter.pdf", "application/pdf", b"%PDF-1.7")
    page.get_by_role("button", name="Dismiss").press("Enter")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#pad")).to_be_focused()


def test_a_message_that_something_is_done_goes_by_itself_and_one_that_it_is_not_stays(
    new_context: NewContext, site_host: StaticHost
) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.clock.install()
    page.goto(site_host.url)
    draw(page, sample("3"))
    message = page.get_by_role("alert")
    copy_link(page)
    page.clock.fast_forward("00:09")
    expect(message).to_be_hidden()
    copy_link(page)
    give(page, "drop", "letter.pdf", "application/pdf", b"%PDF-1.7")
    expect(message).to_contain_text("letter.pdf cannot be read")
    page.clock.fast_forward("00:09")
    expect(message).to_be_visible()


def copy_link(page: Page) -> None:
    page.locator("#take").click()
    page.get_by_role("button", name="Copy a link").click()
    expect(page.get_by_role("alert")).to_contain_text("The link is copied")


def test_a_stroke_that_is_taken_back_leaves_the_picture(page: Page) -> None:
    give(page, "drop", "number.png", "image/png", packed(photo("42")))
    expect_answer(page, "42")
    (first, *others) = on_canvas(page, sample("1"))[0]
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point)
    page.keyboard.press("Control+z")
    page.mouse.up()
    expect_answer(page, "42")
    assert drawn(page) == []


LONG = """async (count) => {
    const { pad } = await import(new URL('app.js', document.baseURI));
    pad.strokes = [Array.from({ length: count }, (_, i) => [
        Math.round(100 * Math.sin(i / 20)), Math.round(100 * Math.cos(i / 17)), 0.5,
    ])];
}"""


def test_an_address_to_copy_by_hand_leaves_room_for_the_button_that_closes_it(page: Page) -> None:
    page.evaluate(LONG, 3000)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { configurable: true })")
    page.locator("#take").click()
    page.locator("#take-link").click()
    expect(page.locator("#notice-text")).to_contain_text("#d1=")
    expect(page.locator("#notice")).to_be_in_viewport(ratio=1)
    page.locator("#notice-close").click()
    expect(page.locator("#notice")).to_be_hidden()
    page.evaluate("delete navigator.clipboard")


def test_an_open_menu_offers_what_was_read_meanwhile(page: Page) -> None:
    give(page, "drop", "number.png", "image/png", packed(photo("42").resize((2520, 1260))))
    expect(page.locator("#take")).to_be_enabled()
    page.locator("#take").evaluate("(button) => button.click()")
    expect_answer(page, "42")
    expect(page.locator("#take-menu")).to_be_visible()
    expect(page.locator("#take-text")).to_be_enabled()
    expect(page.locator("#take-link")).to_be_disabled()
    page.keyboard.press("Escape")


def test_an_open_menu_saves_no_drawing_that_was_undone_meanwhile(page: Page) -> None:
    draw(page, [[[100, 60], [120, 120], [140, 200]]])
    expect(page.locator("#answer")).not_to_be_empty()
    page.locator("#take").press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("#take-png")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#take-png")).to_be_disabled()
    expect(page.locator("#take-menu")).to_be_hidden()
    expect(page.locator("#pad")).to_be_focused()


def test_a_link_holds_a_drawing_of_any_length(page: Page) -> None:
    assert (
        page.evaluate(
            """async () => {
            const { fromFragment, toFragment } = await import(new URL('link.js', document.baseURI));
            const stroke = Array.from({ length: 60_000 }, (_, i) => [i % 500, (i * 7) % 500, 0.5]);
            return fromFragment(toFragment([stroke]))?.[0].length;
        }"""
        )
        == 60_000
    )


def test_a_link_holds_the_drawing(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    draw(page, number("42"))
    expect_answer(page, "42")
    strokes = drawn(page)
    page.locator("#take").click()
    page.get_by_role("button", name="Copy the number").click()
    assert page.evaluate("navigator.clipboard.readText()") == "42"
    copy_link(page)
    page.get_by_role("button", name="Dismiss").click()
    link = page.evaluate("navigator.clipboard.readText()")
    address, _, fragment = link.partition("#")
    assert address == page.url
    assert len(fragment) < 2000
    page.locator("#clear").click()
    expect_answer(page, "")
    page.evaluate("fragment => { location.hash = fragment }", fragment)
    expect_answer(page, "42")
    followed = drawn(page)
    assert [len(stroke) for stroke in followed] == [len(stroke) for stroke in strokes]
    ends = [(a[-1], b[-1]) for a, b in zip(followed, strokes, strict=True)]
    assert all(np.allclose(a, b, atol=0.51) for a, b in ends)
    for cut in (fragment[:-3], fragment[: fragment.index("=") + 1]):
        page.evaluate("fragment => { location.hash = fragment }", cut)
        expect(page.get_by_role("alert")).to_contain_text("This link holds no whole drawing")
        expect_answer(page, "42")
        page.get_by_role("button", name="Dismiss").click()


def test_a_link_that_comes_in_the_middle_of_a_stroke_takes_its_place(page: Page) -> None:
    give(page, "drop", "number.png", "image/png", packed(photo("42")))
    expect_answer(page, "42")
    draw(page, [[[60, 60], [120, 120], [200, 200]]], lift=False)
    page.evaluate("location.hash = '#d1=BAAAyAGQAwTIAY8DAMgB'")
    wait_until(page, "location.hash === ''")
    page.mouse.up()
    assert len(drawn(page)) == 2
    page.keyboard.press("Control+z")
    expect_answer(page, "42")
    assert drawn(page) == []


def test_a_link_to_a_drawing_far_beyond_the_paper_is_refused(page: Page) -> None:
    """It could be seen, but not be saved: no canvas is so large."""
    ends = bytes([2, 0xF0, 0xA8, 0x02, 0xF0, 0xA8, 0x02, 0xDF, 0xD1, 0x04, 0xDF, 0xD1, 0x04])
    fragment = base64.urlsafe_b64encode(ends).decode().rstrip("=")
    page.evaluate("fragment => { location.hash = fragment }", f"d1={fragment}")
    expect(page.get_by_role("alert")).to_contain_text("This link holds no whole drawing")
    assert drawn(page) == []
    page.get_by_role("button", name="Dismiss").click()


@pytest.mark.parametrize("menu", ["#bring", "#take"])
def test_a_tap_on_the_paper_that_closes_a_menu_draws_nothing(page: Page, menu: str) -> None:
    draw(page, sample("3"))
    expect_answer(page, "3")
    page.locator(menu).click()
    opened = page.locator(":popover-open")
    expect(opened).to_be_visible()
    paper = page.locator("#pad").bounding_box()
    assert paper is not None
    place = paper["x"] + paper["width"] * 0.95, paper["y"] + paper["height"] * 0.95
    page.mouse.click(*place)
    expect(opened).to_be_hidden()
    assert len(drawn(page)) == 1
    page.mouse.click(*place)  # now it is paper again
    assert len(drawn(page)) == 2


@pytest.mark.parametrize("form", ["PNG", "SVG"])
def test_a_saved_drawing_is_the_drawing(page: Page, form: str, tmp_path: Path) -> None:
    draw(page, sample("8"))
    expect_answer(page, "8")
    page.locator("#take").click()
    with page.expect_download() as started:
        page.get_by_role("button", name=f"as {form}").click()
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    assert path.name == f"digits-8.{form.lower()}"
    if form == "PNG":
        assert nn.Recognizer.load().read_image(np.array(Image.open(path))).text == "8"
        return
    points = re.findall(
        r"[MLQ ]?(-?[\d.]+) (-?[\d.]+)", " ".join(re.findall(r'd="(.*?)"', path.read_text()))
    )
    xs = [float(x) for x, _ in points]
    wanted = [x for stroke in drawn(page) for x, _ in stroke]
    assert min(xs) == pytest.approx(min(wanted), abs=15)
    assert max(xs) == pytest.approx(max(wanted), abs=15)


def test_an_audit_of_the_menus_finds_no_barrier(page: Page) -> None:
    draw(page, number("42"))
    expect_answer(page, "42")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert audit(page) == []
        for menu in ("#bring", "#take"):
            page.locator(menu).click()
            assert audit(page) == []
            page.keyboard.press("Escape")
    expect_answer(page, "42")
