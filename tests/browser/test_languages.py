"""The page speaks the visitor's language, whole, at once, and without the network too."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.conftest import NewContext
from tests.browser.drawing import draw, expect_answer, number, sample, wait_for_engine
from tests.browser.hosting import StaticHost
from tests.browser.test_layout import SHIFTS
from tests.browser.test_offline import wait_until_stored
from tests.unit.test_languages import GERMAN, LANGUAGES, read_words

HINTS = {tag: str(read_words(tag)["pad.hint"]) for tag in LANGUAGES}
UNTRANSLATED = """
    () => {
        const found = [];
        const word = /\\p{L}{2}/u;
        // Like what is said without scripts, .late is seen only where none came.
        const unscripted = 'noscript, .late';
        const exempt = `head, script, ${unscripted}, [type=json], template, select, #sure, #spoken`;
        const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const { data, parentElement } = walker.currentNode;
            if (!word.test(data) || parentElement.closest(exempt)) continue;
            if (!parentElement.closest('[data-text], [translate=no]')) found.push(data.trim());
        }
        for (const [attribute, mark] of [['aria-label', 'data-label'], ['title', 'data-title']]) {
            for (const element of document.querySelectorAll(`body [${attribute}]:not([${mark}])`)) {
                if (word.test(element.getAttribute(attribute))) found.push(element.outerHTML);
            }
        }
        const others = document.querySelectorAll('[placeholder], [alt]');
        return found.concat(Array.from(others, (element) => element.outerHTML));
    }
"""
TRANSLATE = """
    () => {
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const texts = [];
        while (walker.nextNode()) texts.push(walker.currentNode);
        for (const text of texts) {
            if (text.parentElement.closest('script, template, [type=json]')) continue;
            const element = document.createElement('font');
            text.replaceWith(element);
            element.append(text);
        }
    }
"""
"""Puts each text into an element of its own, as browsers do that translate a page."""
SHOWN = """
    () => ['data-text', 'data-label', 'data-title'].flatMap((mark, i) =>
        Array.from(document.querySelectorAll(`[${mark}]`), (element) => [
            element.getAttribute(mark),
            i ? element.getAttribute(['', 'aria-label', 'title'][i]) : element.textContent,
        ]))
"""


def open_in(
    new_context: NewContext, host: StaticHost, *tags: str, path: str = "", **options: Any
) -> Page:
    """Return a page as a browser opens it that prefers these languages."""
    context = new_context(locale=tags[0], **options)
    context.add_init_script(
        f"Object.defineProperty(navigator, 'languages', {{ get: () => {list(tags)} }})"
    )
    page = context.new_page()
    page.goto(f"{host.url}{path}")
    return page


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (["en-US"], "en"),
        (["de-CH", "en"], "de"),
        (["fr-CA"], "fr"),
        (["es-419"], "es"),
        (["pt-BR"], "pt"),
        (["tlh", "pt-PT", "en"], "pt"),
        (["tlh"], "en"),
    ],
)
def test_the_browser_chooses_the_language(
    new_context: NewContext, site_host: StaticHost, tags: list[str], language: str
) -> None:
    page = open_in(new_context, site_host, *tags)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator(".hint")).to_have_text(HINTS[language])
    expect(page.get_by_role("combobox")).to_have_value(language)


def test_no_word_of_another_language_flashes_up(
    new_context: NewContext, own_host: StaticHost
) -> None:
    own_host.held.add("languages/de.json")
    page = open_in(new_context, own_host, "de")
    expect(page.locator("#pad")).to_be_visible()  # the paper does not wait
    expect(page.locator("html")).to_have_attribute("data-words", "coming")
    marked = page.locator("[data-text]")
    assert marked.count() > 10
    assert page.evaluate(
        """() => [...document.querySelectorAll('[data-text]')].every(
            (element) => !element.checkVisibility({ visibilityProperty: true }))"""
    )
    own_host.release()
    expect(page.locator(".hint")).to_have_text(HINTS["de"])
    expect(page.locator("#clear")).to_be_visible()


def test_words_that_never_come_leave_an_english_page(
    new_context: NewContext, own_host: StaticHost
) -> None:
    own_host.held.add("languages/de.json")
    page = new_context(locale="de-DE", reduced_motion="reduce").new_page()
    page.goto(own_host.url)
    expect(page.locator(".hint")).to_have_css("visibility", "hidden")
    expect(page.locator(".hint")).to_have_css("visibility", "visible")
    expect(page.locator(".hint")).to_have_text("Write a number")


def test_english_is_shown_before_its_file_is_there(
    new_context: NewContext, own_host: StaticHost
) -> None:
    own_host.held.add("languages/en.json")
    page = open_in(new_context, own_host, "en")
    expect(page.locator("#clear")).to_be_visible()
    expect(page.locator("#clear")).to_have_text("Clear")
    own_host.release()


def test_only_the_words_that_are_needed_are_loaded_before_the_start(
    new_context: NewContext, own_host: StaticHost
) -> None:
    context = new_context(locale="es")
    context.add_init_script("delete Navigator.prototype.serviceWorker")
    page = context.new_page()
    page.goto(own_host.url)
    expect(page.locator(".hint")).to_have_text(HINTS["es"])
    asked = {name: times for name, times in own_host.requests.items() if "languages/" in name}
    assert asked == {"languages/es.json": 1}


def test_words_that_are_missing_leave_an_english_page(
    new_context: NewContext, own_host: StaticHost
) -> None:
    own_host.missing.add("languages/fr.json")
    page = open_in(new_context, own_host, "fr")
    expect(page.locator(".hint")).to_be_visible()
    expect(page.locator(".hint")).to_have_text("Write a number")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_what_goes_wrong_is_told_in_the_language_that_is_chosen(
    new_context: NewContext, own_host: StaticHost
) -> None:
    own_host.missing.add("engine.py")
    page = open_in(new_context, own_host, "de")
    wait_for_engine(page, "none")
    notice = page.locator("#notice-text")
    expect(notice).to_have_text(
        "Deine Zeichnungen können nicht gelesen werden: engine.py ließ sich nicht laden: HTTP 404."
    )
    page.locator("#language").select_option("fr")
    expect(notice).to_have_text(
        "Vos dessins ne peuvent pas être lus : engine.py n’a pas pu être chargé : HTTP 404."
    )


@pytest.fixture(scope="module")
def running_page(module_context: NewContext, site_host: StaticHost) -> Page:
    page = open_in(module_context, site_host, "en")
    wait_for_engine(page)
    return page


def test_a_choice_by_hand_changes_every_text_and_is_remembered(page: Page) -> None:
    draw(page, sample("2"))
    expect_answer(page, "2")
    page.get_by_role("combobox", name="Language").select_option("Deutsch")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#clear")).to_have_text("Löschen")
    expect(page.locator("#pad")).to_have_accessible_name("Zeichenfläche")
    expect(page.locator("#undo")).to_have_attribute("title", "Rückgängig (Strg+Z)")
    expect(page.locator("#state")).to_have_text("Läuft in deinem Browser")
    expect(page.locator("#sure")).to_have_text(re.compile(r"^>?\d+\s%\ssicher$"))
    later = page.context.new_page()
    later.goto(page.url)
    expect(later.locator(".hint")).to_have_text(HINTS["de"])
    later.close()
    page.get_by_role("combobox", name="Sprache").select_option("English")
    expect(page.locator("#clear")).to_have_text("Clear")


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_text_is_in_the_chosen_language(page: Page, tag: str) -> None:
    """Each element with words has them from the language's file, explanations included."""
    if page.locator("#inside").is_hidden():
        page.locator("#how").click()
    page.locator("#language").select_option(tag)
    expect(page.locator(".hint")).to_have_text(HINTS[tag])
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")  # the select is below
    draw(page, sample("2"))  # so clear that no second guess is made of several texts
    expect_answer(page, "2")
    expect(page.locator("#evidence")).to_have_accessible_name(re.compile("2"))
    assert page.evaluate(UNTRANSLATED) == []
    words = read_words(tag)
    for key, shown in page.evaluate(SHOWN):
        pattern = re.sub(r"<\w+>|</\w+>", "", str(words.get(key, "")))
        pattern = re.sub(r"\\\{\w+\\\}|<\w+/>", ".+", re.escape(pattern))
        assert re.fullmatch(pattern, shown or "", re.S), (key, shown)
    page.locator("#language").select_option("en")


@pytest.mark.parametrize("path", ["", "how.html", "playground.html", "api.html"])
def test_no_page_shows_markup(new_context: NewContext, site_host: StaticHost, path: str) -> None:
    page = open_in(new_context, site_host, "de", path=path)
    if path != "api.html":
        expect(page.locator("html")).not_to_have_attribute("data-words", "coming")
        expect(page.locator("#language")).to_have_value("de")
    shown = page.locator("body").evaluate(
        "body => Array.from(body.querySelectorAll(':not(code, noscript, pre, script, template)'))"
        ".flatMap(({ childNodes }) => Array.from(childNodes))"
        ".filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data)"
    )
    assert [text for text in shown if re.search(r"</?\w+/?>", text)] == []


def test_numbers_are_written_as_the_language_does(page: Page) -> None:
    if page.locator("#inside").is_hidden():
        page.locator("#how").click()
    expected = {"en": r"\d\d,\d{3} .* \d\.\d\d%", "de": r"\d\d\.\d{3} .* \d,\d\d\s%"}
    for tag, pattern in expected.items():
        page.locator("#language").select_option(tag)
        expect(page.locator("html")).to_have_attribute("lang", tag)
        expect(page.locator("#learning")).to_have_text(re.compile(pattern))
    page.locator("#language").select_option("en")


def test_a_page_that_comes_back_speaks_the_language_that_was_chosen_meanwhile(
    browser: Browser, site_host: StaticHost
) -> None:
    """Browsers keep a page that is left, and show it again as it was; Playwright forbids it."""
    keeping = chromium.launch(browser.browser_type, without=["--disable-back-forward-cache"])
    try:
        page = keeping.new_page(locale="en")
        page.goto(site_host.url)
        wait_for_engine(page)
        draw(page, sample("4"))
        expect_answer(page, "4")
        page.evaluate("window.isKept = true")
        page.locator(".ways a").first.evaluate("(link) => link.click()")
        page.wait_for_url("**/how.html")
        page.locator("#language").select_option("de")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        page.evaluate("history.back()")
        expect(page.locator("#clear")).to_have_text(str(GERMAN["clear"]))
        assert page.evaluate("window.isKept")
        expect_answer(page, "4")
        expect(page.locator("#language")).to_have_value("de")
    finally:
        keeping.close()


def test_the_words_are_there_without_the_network(
    new_context: NewContext, own_host: StaticHost
) -> None:
    page = new_context(locale="en").new_page()
    page.goto(own_host.url)
    wait_until_stored(page)
    own_host.stop()
    page.context.set_offline(True)
    page.locator("#language").select_option("pt")
    expect(page.locator(".hint")).to_have_text(HINTS["pt"])
    page.reload()
    expect(page.locator(".hint")).to_have_text(HINTS["pt"])


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_language_fits_a_small_phone(
    new_context: NewContext, site_host: StaticHost, tag: str
) -> None:
    context = new_context(locale=tag, viewport={"width": 320, "height": 568})
    context.add_init_script(SHIFTS)
    page = context.new_page()
    page.goto(site_host.url)
    expect(page.locator(".hint")).to_have_text(HINTS[tag])
    for part in ("#pad", "#clear", "#answer", "#seen"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wait_for_engine(page)  # what is said before anything is drawn is seen to its end
    assert page.locator("#second").evaluate("each => each.scrollHeight <= each.clientHeight")
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, *_ in shifts) < 0.005, shifts


def test_german_is_not_english() -> None:
    assert GERMAN["clear"] == "Löschen"  # guards the comparison above against equal files


def test_a_mark_of_a_number_is_named_as_the_language_writes_a_colon(page: Page) -> None:
    draw(page, number("42"))
    expect_answer(page, "42")
    for tag, colon in (("fr", "\u00a0: "), ("en", ": ")):
        page.locator("#language").select_option(tag)
        expect(page.locator("#sure")).to_have_text(re.compile(f"^2{colon}"))


def test_who_has_the_page_translated_by_the_browser_sees_each_answer(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = open_in(new_context, site_host, "en")
    wait_for_engine(page)
    draw(page, sample("7"))
    expect_answer(page, "7")
    page.evaluate(TRANSLATE)
    page.locator("#clear").click()
    expect_answer(page, "")
    expect(page.locator("#sure")).to_have_text("")
    draw(page, number("42"))
    expect_answer(page, "42")
    expect(page.locator("#sure")).to_have_text(re.compile("^2: "))
