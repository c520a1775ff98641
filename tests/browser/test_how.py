"""The page that explains shows the real numbers of the network, on the visitor's own drawing."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import nn
from nn.lesson import Lesson, lesson
from tests.browser.audit import audit
from tests.browser.conftest import NewContext
from tests.browser.drawing import (
    DRAWINGS,
    START,
    draw,
    drawn,
    sample,
    wait_for_engine,
    wait_to_see,
)
from tests.browser.hosting import StaticHost


@pytest.fixture(scope="module")
def strokes() -> list[list[list[float]]]:
    return []


@pytest.fixture(scope="module")
def page(
    module_context: NewContext, site_host: StaticHost, strokes: list[list[list[float]]]
) -> Page:
    """Return the page that explains, reached from a drawing."""
    page = module_context(locale="en").new_page()
    page.goto(site_host.url)
    draw(page, sample("4"))
    strokes += drawn(page)
    page.locator(".ways a").first.evaluate("(link) => link.click()")
    page.wait_for_url("**/how.html")
    wait_for_engine(page)
    return page


@pytest.fixture(scope="module")
def recognizer() -> nn.Recognizer:
    return nn.Recognizer.load()


@pytest.fixture
def expected(page: Page, strokes: list[list[list[float]]], recognizer: nn.Recognizer) -> Lesson:
    """Return the lesson that the computer's own Python gives on the same drawing."""
    choose(page, "4")
    return lesson(recognizer.model, recognizer.read(strokes).digits[0].image, 4)


def choose(page: Page, label: str) -> None:
    """Say what the right answer is, and wait for the numbers."""
    expect(page.locator("body")).to_have_attribute("data-lesson", re.compile(r"\d"), timeout=START)
    page.locator("#label").select_option(label)
    wait_to_see(page, "body", label, attribute="data-lesson")


def grid(page: Page, name: str) -> np.ndarray:
    rows = page.locator(f"#{name} tr").evaluate_all(
        "(rows) => rows.map((row) => Array.from(row.cells, (cell) => Number(cell.textContent)))"
    )
    return np.array(rows)


def test_it_explains_the_drawing_that_was_made(page: Page, expected: Lesson) -> None:
    stages = page.locator("#layers article")
    expect(stages).to_have_count(len(expected.stages))
    for number, stage in enumerate(expected.stages, 1):
        shape = " × ".join(map(str, stage.output.shape))
        heading = stages.nth(number - 1).get_by_role("heading")
        expect(heading).to_have_text(f"{number}. {stage.kind}: {shape}")
    total = sum(stage.multiplications for stage in expected.stages)
    expect(page.locator("#work")).to_contain_text(f"{total:,} multiplications")


def test_the_sum_that_is_shown_can_be_checked_by_hand(page: Page, expected: Lesson) -> None:
    product = expected.product
    assert product is not None
    weights, patch = grid(page, "filter"), grid(page, "patch")
    np.testing.assert_allclose(weights, product.weights, rtol=0.06, atol=1e-3)
    np.testing.assert_allclose(patch, product.patch, rtol=0.06, atol=1e-2)
    assert (weights * patch).sum() + product.bias == pytest.approx(product.value, rel=0.1)


def test_the_probabilities_are_those_of_the_network(page: Page, expected: Lesson) -> None:
    rows = page.locator("#scores tr")
    expect(rows).to_have_count(len(expected.probabilities))
    for digit, probability in enumerate(expected.probabilities):
        shown = rows.nth(digit).locator("td").nth(1).text_content() or ""
        assert float(shown.rstrip("%")) == pytest.approx(100 * probability, abs=0.02)


def test_another_answer_gives_another_loss_and_one_step_lowers_it(
    page: Page, expected: Lesson
) -> None:
    before = grid(page, "gradient")
    choose(page, "9")
    after = grid(page, "gradient")
    assert np.abs(after).max() > np.abs(before).max()  # it is much more wrong now
    said = page.locator("#step").text_content() or ""
    losses = re.search(r"falls from ([\d.]+) to ([\d.]+),", said)
    assert losses, said
    assert float(losses[2]) < float(losses[1])


def test_no_sentence_has_powers_of_ten_whatever_the_answer(page: Page, expected: Lesson) -> None:
    for label in "0123456789":
        choose(page, label)
        said = page.locator("#step").text_content() or ""
        assert re.search(r"by 0\.\d+ times its slope", said), said


def test_a_step_is_seen_where_the_network_was_surest(
    new_context: NewContext, site_host: StaticHost
) -> None:
    """The probabilities before and after are not rounded to the same number."""
    sure = [[[x - 0.2 * y, y] for x, y in stroke] for stroke in DRAWINGS[32]["strokes"]]
    page = new_context(locale="en").new_page()
    page.add_init_script(f"sessionStorage.setItem('drawing', '{json.dumps(sure)}')")
    page.goto(f"{site_host.url}how.html")
    expect(page.locator("body")).to_have_attribute("data-lesson", "3", timeout=START)
    said = page.locator("#step").text_content() or ""
    shares = re.search(r"gets ([\d.]+)% instead of ([\d.]+)%", said)
    assert shares, said
    assert float(shares[1]) > float(shares[2]) > 99.99


def test_it_speaks_the_visitors_language(page: Page, expected: Lesson) -> None:
    page.locator("#language").select_option("de")
    expect(page.get_by_role("heading", level=1)).to_have_text("So funktioniert es")
    expect(page).to_have_title("So funktioniert es – Digits")
    expect(page.locator("#work")).to_contain_text("Multiplikationen")
    page.locator("#language").select_option("en")
    expect(page.get_by_role("heading", level=1)).to_have_text("How it works")


def test_it_fits_small_windows_and_an_audit_finds_no_barrier(page: Page, expected: Lesson) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert audit(page) == []


def test_both_pages_start_python_in_the_same_way(site_host: StaticHost) -> None:
    def configuration(name: str) -> list[str]:
        text = (site_host.directory / name).read_text("utf-8")
        return re.findall(
            r"<(?:py|mpy)-config.*?-config>|<template id=.python.*?template>", text, re.S
        )

    assert len(configuration("index.html")) == 3
    assert configuration("how.html") == configuration("index.html")


def test_both_pages_state_one_policy(site_host: StaticHost) -> None:
    stated = [
        re.findall(r'content="default-src [^"]*"', (site_host.directory / name).read_text("utf-8"))
        for name in ("index.html", "how.html")
    ]
    assert len(stated[0]) == 1
    assert stated[0] == stated[1]


def test_the_way_back_has_the_drawing(page: Page, strokes: list[list[list[float]]]) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator(".head a").click()
    page.wait_for_url(re.compile(r"/digits/$"))
    expect(page.locator("#clear")).to_be_enabled(timeout=START)
    assert drawn(page) == strokes


def test_no_sentence_has_holes_while_nothing_is_computed(
    new_context: NewContext, own_host: StaticHost
) -> None:
    """What numbers belong in is not shown before they are there, nor where Python does not run."""
    own_host.held.add("engine.py")
    page = new_context(locale="en").new_page()
    page.goto(own_host.url + "how.html")
    expect(page.locator("#step")).to_have_text(re.compile("moves a little downhill"))
    expect(page.locator("#step")).to_be_hidden()
    own_host.missing.add("engine.py")
    own_host.release()
    wait_for_engine(page, "none")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".how section").first).to_be_hidden()


def test_who_comes_back_with_forward_finds_the_drawing_of_now(
    new_context: NewContext, site_host: StaticHost
) -> None:
    page = new_context(locale="en").new_page()
    page.goto(f"{site_host.url}how.html")
    expect(page.locator("body")).to_have_attribute("data-lesson", "5", timeout=START)
    page.evaluate("sessionStorage.setItem('drawing', '[[[140, 60], [140, 220]]]')")
    # As a browser does that had kept the page.
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator("body")).to_have_attribute("data-lesson", "1", timeout=START)
