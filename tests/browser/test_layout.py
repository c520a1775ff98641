"""The page keeps still, fits small windows, and everybody can use it."""

from __future__ import annotations

from base64 import b64decode

import pytest
from playwright.sync_api import Page, Route, expect

from nn import Recognizer
from tests.browser.audit import audit
from tests.browser.conftest import NewContext
from tests.browser.drawing import draw, expect_answer, number, sample, wait_for_engine, wait_until
from tests.browser.hosting import StaticHost
from tests.sample import Strokes, in_one_stroke
from tests.unit.test_languages import LANGUAGES, read_words

SIZES = {"small phone": (320, 568), "phone": (390, 844), "side": (844, 390), "desktop": (1280, 800)}
TABLETS = {"tablet": (820, 1180), "tablet on its side": (1180, 820), "zoomed to 200 %": (640, 400)}
STAR = [[[140, 30], [140, 250]], [[30, 140], [250, 140]], [[60, 60], [220, 220]]]
BLANK = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
"""A picture with nothing on it."""
SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
            window.shifts.push([value, ...sources.map(({ node }) => node?.id || node?.className)]);
        }
    }).observe({ type: 'layout-shift', buffered: true });
"""


def watched_page(new_context: NewContext, size: str) -> Page:
    """Return an empty page that notes what moves in whatever it opens."""
    width, height = SIZES[size]
    context = new_context(viewport={"width": width, "height": height})
    context.add_init_script(SHIFTS)
    return context.new_page()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_the_page_loads_and_reads(
    new_context: NewContext, site_host: StaticHost, size: str
) -> None:
    page = watched_page(new_context, size)
    page.goto(site_host.url)
    draw(page, sample("1"))
    wait_for_engine(page)
    expect_answer(page, "1")
    page.keyboard.press("Escape")
    draw(page, sample("8"), steadily=True)
    expect_answer(page, "8")
    # The words of one answer and the next differ in width: that is all that may show.
    assert_still(page)


def test_nothing_moves_when_words_come_after_python(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = watched_page(new_context, "small phone")
    held: list[Route] = []
    page.route("**/languages/en.json", lambda route: held.append(route))
    page.goto(site_host.url)
    wait_for_engine(page)
    assert page.locator("#state").inner_text() == "Loading"
    held[0].continue_()
    expect(page.locator("#state")).to_have_text(read_words("en")["state.browser"])
    assert_still(page)


def test_nothing_moves_between_a_digit_and_what_is_none(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = watched_page(new_context, "small phone")
    page.goto(site_host.url)
    wait_for_engine(page)
    for drawing, text in (([STAR[0]], "1"), (STAR[1:], "?")):
        draw(page, drawing)
        expect_answer(page, text)
    for _ in STAR[1:]:
        page.keyboard.press("Control+z")
    expect_answer(page, "1")
    assert_still(page)


def assert_still(page: Page) -> None:
    """Fail if the page's parts have moved so far that one would see it."""
    page.evaluate("() => new Promise(requestAnimationFrame)")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, *_ in shifts) < 0.001, shifts


@pytest.mark.parametrize("size", [*SIZES, *TABLETS])
def test_the_paper_and_the_answer_are_in_sight_without_scrolling(page: Page, size: str) -> None:
    width, height = (SIZES | TABLETS)[size]
    page.set_viewport_size({"width": width, "height": height})
    wait_until(page, "width => innerWidth === width", arg=width)
    for part in ("#pad", "#clear", "#answer", "#seen"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("height", [290, 320, 340, 360])
def test_the_tools_of_a_phone_on_its_side_stay_off_the_answer(page: Page, height: int) -> None:
    page.set_viewport_size({"width": 740 if height > 320 else 640, "height": height})
    draw(page, number("42"))
    expect_answer(page, "42")
    tool, bars = page.locator("#clear").bounding_box(), page.locator("#bars").bounding_box()
    assert tool
    assert bars
    assert tool["x"] + tool["width"] <= bars["x"]


@pytest.mark.parametrize("size", [(760, 560), (1920, 1080), (2560, 1300)])
def test_a_number_leaves_room_for_how_sure_it_is(page: Page, size: tuple[int, int]) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    draw(page, number("1057", 0.3))
    expect_answer(page, "1057")
    page.locator("#how").click()
    for _ in range(2):  # with the inside of the network, and without it
        assert page.evaluate(
            """() => ['#answer', '#second'].every((each) => {
                const { scrollWidth, clientWidth } = document.querySelector(each);
                return scrollWidth <= clientWidth;
            })"""
        )
        page.locator("#how").click()
    page.locator("#how").click()  # closed again


@pytest.mark.parametrize("size", [(1280, 720), (1366, 650), (1440, 780)])
def test_the_answer_and_what_speaks_for_it_are_in_sight_together(
    page: Page, size: tuple[int, int]
) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    draw(page, number("1057", 0.3))
    expect_answer(page, "1057")
    page.locator("#how").click()
    for part in ("#pad", "#answer", "#seen", "#bars", "#evidence"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    page.locator("#how").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_audit_finds_no_barrier(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    assert audit(page) == []
    draw(page, number("42"))
    expect_answer(page, "42")
    assert audit(page) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("drawing", "key"), [(STAR, "reading.none"), (in_one_stroke("555"), "reading.several")]
)
def test_why_there_is_no_digit_is_seen_on_a_short_phone(
    page: Page, drawing: Strokes, key: str, language: str
) -> None:
    words = read_words(language)
    page.set_viewport_size({"width": 320, "height": 568})
    page.locator("#language").select_option(language)
    draw(page, drawing)
    expect(page.locator("#second")).to_have_text(words[key])
    assert page.evaluate(
        """() => {
            const { scrollHeight, clientHeight } = document.querySelector('#second');
            return scrollHeight <= clientHeight;
        }"""
    )
    page.locator("#language").select_option("en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(320, 568), (390, 844), (568, 320), (640, 360), (844, 390)])
def test_advice_about_a_picture_is_seen_to_its_end(
    page: Page, size: tuple[int, int], language: str
) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.locator("#language").select_option(language)
    blank = {"name": "blank.png", "mimeType": "image/png", "buffer": BLANK}
    page.locator("#choose-file").set_input_files(blank)  # type: ignore[arg-type]
    advice = page.locator("#second")
    expect(advice).to_have_text(str(read_words(language)["picture.empty"]))
    assert advice.evaluate("each => each.scrollHeight <= each.clientHeight")
    shown, answer = advice.bounding_box(), page.locator(".answer").bounding_box()
    assert shown
    assert answer
    assert shown["y"] >= answer["y"] - 1
    assert shown["y"] + shown["height"] <= answer["y"] + answer["height"] + 1
    page.locator("#language").select_option("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_sure_it_is_has_room_when_a_desktop_is_zoomed_or_a_phone_is_small(
    page: Page, language: str
) -> None:
    page.set_viewport_size({"width": 568, "height": 320})
    page.locator("#language").select_option(language)
    draw(page, number("42"))
    expect_answer(page, "42")
    expect(page.locator("#sure")).not_to_be_empty()
    lines = "each => Math.round(each.clientHeight / parseFloat(getComputedStyle(each).lineHeight))"
    assert page.locator("#sure").evaluate(lines) <= 2
    page.locator("#language").select_option("en")


def test_a_menu_is_never_higher_than_the_window(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 200})
    page.locator("#lessons").click()
    expect(page.locator("#lessons-menu")).to_be_in_viewport(ratio=1)
    page.locator("#lessons-load").scroll_into_view_if_needed()
    expect(page.locator("#lessons-load")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_wrap_in_a_menu_begin_where_the_others_do(page: Page, language: str) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    page.locator("#language").select_option(language)
    draw(page, sample("4"))
    expect_answer(page, "4")
    page.locator("#take").click()
    lines = page.locator("#take-menu").evaluate(
        """(menu) => Array.from(menu.querySelectorAll('button'), (button) => {
            const words = document.createRange();
            words.selectNodeContents(button);
            const { top, bottom } = button.getBoundingClientRect();
            return Array.from(words.getClientRects(), (line) => {
                return [line.left, line.top - top, bottom - line.bottom];
            });
        }).flat()"""
    )
    assert len({round(left) for left, _, _ in lines}) == 1
    assert min(min(above, below) for _, above, below in lines) >= 4
    page.keyboard.press("Escape")
    page.locator("#language").select_option("en")


def test_a_menu_closes_when_the_keyboard_goes_on(page: Page) -> None:
    draw(page, number("42"))
    expect_answer(page, "42")
    page.locator("#take").focus()
    page.keyboard.press("Enter")
    for item in ("#take-text", "#take-link", "#take-png", "#take-svg"):
        page.keyboard.press("Tab")
        expect(page.locator(item)).to_be_focused()
        expect(page.locator("#take-menu")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#clear")).to_be_focused()
    expect(page.locator("#take-menu")).to_be_hidden()


def test_the_bars_are_printed(page: Page) -> None:
    page.emulate_media(media="print")
    for part in (".track", ".fill"):
        expect(page.locator(part).first).to_have_css("print-color-adjust", "exact")
    page.emulate_media(media="screen")


def test_an_audit_of_the_page_with_a_message_finds_no_barrier(unread_page: Page) -> None:
    assert audit(unread_page) == []


def test_escape_in_a_message_leaves_the_drawing(page: Page) -> None:
    draw(page, sample("4"))
    expect_answer(page, "4")
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"broken"}
    page.locator("#choose-file").set_input_files(broken)  # type: ignore[arg-type]
    page.locator("#notice-close").press("Escape")
    assert page.locator("#clear").is_enabled()
    expect_answer(page, "4")
    page.locator("#notice-close").click()


def test_an_audit_of_the_page_for_programs_finds_no_barrier(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = new_context(bypass_csp=True, viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{site_host.url}api.html")
    assert audit(page) == []


def test_who_wants_less_motion_sees_none(page: Page) -> None:
    moving = """() => Array.from(document.querySelectorAll('*')).filter((each) => {
        const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(each);
        return animationName !== 'none' || transitionDuration !== '0s' || scrollBehavior !== 'auto';
    }).length"""
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")


def test_the_foot_names_the_network_that_reads(page: Page) -> None:
    expect(page.locator("#model")).to_have_text(f"Model {Recognizer.load().model_hash[:7]}")
