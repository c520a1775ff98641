"""A correction is learned in the browser, remembered there, taken back, saved and loaded."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from nn import Recognizer
from tests.browser.audit import audit
from tests.browser.conftest import NewContext
from tests.browser.drawing import (
    START,
    Strokes,
    clear,
    draw,
    drawn,
    expect_answer,
    expect_seen,
    sample,
    wait_for_engine,
    wait_until,
)
from tests.browser.hosting import StaticHost
from tests.unit.test_languages import LANGUAGES, read_words
from train.data.kaggle import read_kaggle

# Nobody's usual digit: a box with a cross in it.
SIGN: Strokes = [
    [[70, 70], [140, 66], [210, 70], [212, 140], [210, 210], [140, 213], [70, 210], [69, 72]],
    [[74, 74], [140, 140], [206, 206]],
    [[206, 74], [140, 142], [74, 206]],
]


def draw_sign(page: Page) -> None:
    """Draw it, and wait until it has been read whole: a correction is of what was read last."""
    draw(page, SIGN)
    expect_seen(page, Recognizer.load().read(drawn(page)).digits[0].image)
    expect(page.locator("#wrong")).to_be_enabled()


def correct(page: Page, digit: str) -> None:
    """Say which digit the mark was that is shown."""
    page.get_by_role("button", name="No, that was").click()
    page.get_by_role("group", name="What was it?").get_by_role("button", name=digit).click()


def expect_count(page: Page, text: str) -> None:
    expect(page.locator("#lessons")).to_have_text(text)


def manage(page: Page, name: str) -> None:
    """Choose from the menu of what was learned."""
    page.locator("#lessons").click()
    page.get_by_role("button", name=name).click()


def dismiss(page: Page) -> None:
    """Close the message, which may lie over what is below the answer."""
    page.get_by_role("button", name="Dismiss").click()


@pytest.fixture
def page(page: Page) -> Page:
    """Return the module's page, on which nothing is drawn, with nothing learned."""
    page.evaluate("scrollTo(0, 0)")
    if page.locator("#lessons").inner_text() != "No corrections yet":
        manage(page, "Forget all")
        dismiss(page)
    expect_count(page, "No corrections yet")
    return page


def test_a_correction_is_learned_at_once_and_taken_back(page: Page) -> None:
    before = Recognizer.load().read(SIGN).text
    draw_sign(page)
    expect_answer(page, before)
    digit = "8" if before != "8" else "4"
    correct(page, digit)
    expect_answer(page, digit)
    expect_count(page, "1 correction learned")
    expect(page.locator("#spoken")).to_have_text(f"Learned: that was {digit}.")
    for other in "0123456789":
        clear(page)
        draw(page, sample(other))
        expect_answer(page, other)
    manage(page, "Take back the last one")
    page.keyboard.press("Escape")
    clear(page)
    draw(page, SIGN)
    expect_answer(page, before)


def test_that_it_is_learned_is_said_when_the_drawing_has_been_read_again(page: Page) -> None:
    draw(page, SIGN)
    expect(page.locator("#spoken")).not_to_be_empty()  # the answer stands
    page.evaluate(
        """() => {
            const [spoken, answer] = ['#spoken', '#answer'].map((id) => document.querySelector(id));
            window.said = [];
            new MutationObserver(() => window.said.push([spoken.textContent, answer.textContent]))
                .observe(spoken, { characterData: true, childList: true, subtree: true });
        }"""
    )
    correct(page, "6")
    wait_until(page, "window.said.some(([text]) => text === 'Learned: that was 6.')")
    answers = [answer for text, answer in page.evaluate("window.said") if "Learned" in text]
    assert answers == ["6"]


def test_what_is_explained_is_the_network_as_it_is_now(page: Page) -> None:
    draw_sign(page)
    page.get_by_role("button", name="See how it knows").click()
    expect(page.locator("#evidence")).to_have_accessible_name(re.compile("Your drawing, coloured"))
    before = page.evaluate("document.querySelector('#evidence').toDataURL()")
    page.evaluate("scrollTo(0, 0)")
    correct(page, "8")
    expect_answer(page, "8")
    wait_until(page, "(old) => document.querySelector('#evidence').toDataURL() !== old", before)
    page.get_by_role("button", name="See how it knows").click()


def test_a_correction_is_made_by_keyboard_alone(page: Page) -> None:
    draw_sign(page)
    page.locator("#wrong").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")  # thought better of it: the drawing stays
    expect(page.locator("#wrong")).to_be_focused()
    expect_count(page, "No corrections yet")
    page.keyboard.press("Enter")
    page.keyboard.press("6")
    expect_answer(page, "6")
    expect_count(page, "1 correction learned")


def test_the_last_correction_is_taken_back_by_keyboard_and_the_menu_keeps_the_focus(
    page: Page,
) -> None:
    draw_sign(page)
    correct(page, "6")
    expect_count(page, "1 correction learned")
    page.locator("#lessons").press("Enter")
    page.locator("#lessons-undo").press("Enter")
    expect_count(page, "No corrections yet")
    expect(page.locator("#lessons-load")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#lessons")).to_be_focused()


def test_the_saved_file_is_kaggles_form_and_is_loaded_again(page: Page, tmp_path: Path) -> None:
    draw_sign(page)
    correct(page, "6")
    expect_answer(page, "6")
    seen = page.evaluate(
        """() => {
            const context = document.querySelector('#seen').getContext('2d');
            const { data } = context.getImageData(0, 0, 28, 28);
            return Array.from({ length: 784 }, (_, i) => data[4 * i]);
        }"""
    )
    with page.expect_download() as started:
        manage(page, "Save as a file")
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    images, labels = read_kaggle(path)
    assert labels is not None
    assert labels.tolist() == [6]
    assert np.array_equal(images[0].ravel(), seen)

    page.get_by_role("button", name="Forget all").click()
    expect_count(page, "No corrections yet")
    page.get_by_role("button", name="Bring them back").click()
    expect_count(page, "1 correction learned")
    manage(page, "Forget all")
    expect_count(page, "No corrections yet")
    page.locator("#lessons-file").set_input_files(path)
    expect(page.get_by_role("alert")).to_contain_text("1 correction came from the file.")
    expect_count(page, "1 correction learned")
    expect_answer(page, "6")
    broken = tmp_path / "broken.csv"
    broken.write_text(path.read_text().replace("\n6,", "\n66,"))
    page.locator("#lessons-file").set_input_files(broken)
    expect(page.get_by_role("alert")).to_contain_text("broken.csv holds no corrections: line 2")
    expect_count(page, "1 correction learned")
    dismiss(page)


def test_what_is_brought_back_takes_nothing_away_that_was_learned_since(page: Page) -> None:
    draw_sign(page)
    correct(page, "6")
    expect_answer(page, "6")
    manage(page, "Forget all")
    expect_count(page, "No corrections yet")
    page.locator("#wrong").press("Enter")  # a pointer may find the message in its way
    page.keyboard.press("8")
    expect_answer(page, "8")
    clear(page)
    draw(page, sample("3"))
    expect(page.locator("#wrong")).to_be_enabled()
    page.locator("#wrong").press("Enter")
    page.keyboard.press("3")
    expect_count(page, "2 corrections learned")
    page.get_by_role("button", name="Bring them back").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    clear(page)
    draw(page, SIGN)
    expect_answer(page, "8")  # the newer answer
    expect_count(page, "2 corrections learned")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_with_a_button_lies_over_no_other_button(page: Page, language: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator("#language").select_option(language)
    draw_sign(page)
    page.locator("#wrong").press("Enter")
    page.keyboard.press("6")
    page.locator("#lessons").click()
    page.locator("#lessons-forget").click()  # as soon as there is something to forget
    expect(page.locator("#notice-action")).to_be_visible()
    expect(page.locator("#wrong")).to_be_enabled()
    for other in ("#how", "#wrong", "#undo", "#erase", "#bring", "#take", "#clear"):
        page.locator(other).click(trial=True, timeout=5000)  # nothing is in the way
    page.locator("#notice-close").click()
    page.locator("#language").select_option("en")


def test_an_audit_of_the_choices_and_the_menu_finds_no_barrier(page: Page) -> None:
    draw_sign(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.get_by_role("button", name="No, that was").click()
        assert audit(page) == []
        page.get_by_role("button", name="No, that was").click()
        page.locator("#lessons").click()
        assert audit(page) == []
        page.keyboard.press("Escape")


def test_what_was_learned_is_still_known_at_the_next_visit(
    new_context: NewContext, site_host: StaticHost
) -> None:
    context = new_context()
    first = context.new_page()
    first.goto(site_host.url)
    wait_for_engine(first)
    draw_sign(first)
    correct(first, "6")
    expect_answer(first, "6")
    first.close()
    second = context.new_page()
    second.goto(site_host.url)
    draw(second, SIGN)
    wait_for_engine(second)
    expect_count(second, "1 correction learned")
    expect_answer(second, "6")
    second.locator(".ways a").first.evaluate("(link) => link.click()")
    expect(second.locator("#label")).to_have_value("6", timeout=START)
    expect(second.locator("#scores tr").nth(6)).to_contain_text(re.compile(r"[5-9]\d(\.\d+)?\s?%"))


def test_drawings_are_read_while_many_corrections_are_learned(page: Page) -> None:
    teachings = """async (count) => {
        const { engine } = await import(new URL('app.js', document.baseURI));
        const known = Array.from({ length: count }, (_, i) => {
            const pixels = Uint8Array.from({ length: 784 }, (_, at) => (at * (i + 7)) % 256);
            return { image: btoa(String.fromCharCode(...pixels)), digit: i % 10 };
        });
        const order = [];
        const learned = engine.teach(known).then(({ ok }) => order.push(`learned ${ok}`));
        await engine.read([[[80, 70], [200, 70], [140, 220]]]).then(() => order.push('read'));
        await engine.read([[[140, 70], [140, 220]]]).then(() => order.push('read'));
        await learned;
        await engine.teach([]);
        return order;
    }"""
    assert page.evaluate(teachings, 24) == ["read", "read", "learned true"]


def test_what_another_tab_forgot_or_learned_is_known_on_coming_back(
    new_context: NewContext, site_host: StaticHost
) -> None:
    before = Recognizer.load().read(SIGN).text
    context = new_context()
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.bring_to_front()  # in a tab behind another each move of the mouse takes long
        page.goto(site_host.url)
        wait_for_engine(page)
        draw_sign(page)
    correct(first, "6")
    expect_count(first, "1 correction learned")
    come_back(second)
    expect_answer(second, "6")
    expect_count(second, "1 correction learned")
    manage(second, "Forget all")
    expect_count(second, "No corrections yet")
    come_back(first)
    expect_answer(first, before)
    expect_count(first, "No corrections yet")


def test_what_there_is_no_room_to_store_is_known_until_the_page_is_left(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = new_context().new_page()
    page.add_init_script(
        """const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function (...given) {
            put.apply(this, given);
            this.transaction.abort(); // as on a full disk
        };"""
    )
    page.goto(site_host.url)
    wait_for_engine(page)
    draw_sign(page)
    correct(page, "6")
    expect(page.locator("#spoken")).to_have_text("Learned: that was 6.")
    come_back(page)
    clear(page)
    draw_sign(page)
    expect_answer(page, "6")
    expect_count(page, "1 correction learned")


def come_back(page: Page) -> None:
    """Come to a tab from another one: browsers without a window tell nothing of that."""
    page.evaluate("dispatchEvent(new Event('focus'))")


def test_a_newer_version_waits_until_nobody_can_bring_corrections_back(page: Page) -> None:
    page.evaluate(
        """async () => {
            const { Status } = await import(new URL('status.js', document.baseURI));
            const status = new Status();
            status.notify('lessons.forgotten', {}, { name: 'lessons.back', act() {} });
            status.notify('notice.newer', {}, { name: 'notice.update', act() {} });
        }"""
    )
    words = read_words("en")
    expect(page.locator("#notice-text")).to_have_text(str(words["lessons.forgotten"]))
    page.locator("#notice-close").click()
    expect(page.locator("#notice-text")).to_have_text(str(words["notice.newer"]))
    page.locator("#notice-close").click()
    expect(page.locator("#notice")).to_be_hidden()
