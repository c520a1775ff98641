"""The page shows how the network knows, from the network itself, in the browser."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

import nn
from nn.explain import evidence, feature_maps
from nn.ink import ink
from tests.browser.audit import audit
from tests.browser.conftest import NewContext
from tests.browser.drawing import (
    clear,
    draw,
    drawn,
    expect_answer,
    sample,
    wait_for_engine,
    wait_until,
)
from tests.browser.hosting import AppServer


@pytest.fixture(scope="module")
def recognizer() -> nn.Recognizer:
    return nn.Recognizer.load()


@pytest.fixture
def open_page(page: Page) -> Page:
    """Return the page with its inside open and nothing drawn."""
    switch = page.get_by_role("button", name="See how it knows")
    if switch.get_attribute("aria-expanded") == "false":
        switch.click()
    page.evaluate("scrollTo(0, 0)")
    clear(page)
    return page


def first_layer(page: Page) -> NDArray[np.int64]:
    """Return the picture of the first layer's maps, grey values."""
    grey = page.evaluate(
        """() => {
            const canvas = document.querySelector('#layers canvas');
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            const rows = Array.from({ length: height }, (_, y) => y * width);
            return rows.map((row) => Array.from({ length: width }, (_, x) => data[4 * (row + x)]));
        }"""
    )
    return np.array(grey)


def test_the_maps_are_those_of_the_network(open_page: Page, recognizer: nn.Recognizer) -> None:
    draw(open_page, sample("4"))
    expect_answer(open_page, "4")
    maps = feature_maps(recognizer.model, ink(drawn(open_page)))
    captions = open_page.locator("#layers figcaption")
    expect(captions).to_have_count(len(maps))
    for number, found in enumerate(maps, 1):
        height, width, channels = found.shape
        text = f"Layer {number}: {channels} filters, {width} × {height}"
        expect(captions.nth(number - 1)).to_have_text(text)

    height, width, channels = maps[0].shape
    expected = maps[0] * (255 / maps[0].max())
    wait_until(open_page, "document.querySelector('#layers canvas').width > 0")
    expect(open_page.locator("#evidence")).to_have_accessible_name(
        "Your drawing, coloured by what speaks for the 4"
    )  # comes after the maps
    shown = first_layer(open_page)
    for channel in range(channels):
        part = shown[:height, channel * (width + 1) : channel * (width + 1) + width]
        assert np.abs(part - expected[:, :, channel]).max() <= 2


def test_the_maps_light_up_while_drawing(open_page: Page) -> None:
    draw(open_page, sample("7"))
    expect_answer(open_page, "7")
    wait_until(open_page, "document.querySelector('#layers canvas')?.width > 0")
    before = first_layer(open_page)
    clear(open_page)
    draw(open_page, sample("0"), lift=False)
    expect_answer(open_page, "0")
    wait_until(
        open_page,
        """(before) => {
            const canvas = document.querySelector('#layers canvas');
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, 14);
            return before.some((grey, i) => data[4 * i] !== grey);
        }""",
        arg=before[:14].flatten().tolist(),
    )


def test_the_evidence_names_the_answer_and_the_second_choice(
    open_page: Page, recognizer: nn.Recognizer
) -> None:
    draw(open_page, sample("9"))
    expect_answer(open_page, "9")
    found = evidence(recognizer.model, ink(drawn(open_page)))
    assert found.digit == 9
    expect(open_page.locator("#difference")).to_have_accessible_name(
        f"Your drawing, coloured by what makes it the 9 or the {found.second}"
    )
    expect(open_page.locator(".its-second").first).to_have_text(str(found.second))
    for name in ("#evidence", "#difference"):
        colours = open_page.locator(name).evaluate(
            """(canvas) => {
                const { data } = canvas.getContext('2d').getImageData(0, 0, 28, 28);
                return new Set(new Uint32Array(data.buffer)).size;
            }"""
        )
        assert colours > 20  # the paper and many shades of for and against


def test_the_evidence_lies_on_the_paper_of_the_colour_scheme(open_page: Page) -> None:
    draw(open_page, sample("3"))
    expect_answer(open_page, "3")
    corner = """([name, ...color]) => {
        const { data } = document.querySelector(name).getContext('2d').getImageData(0, 0, 1, 1);
        return color.every((value, i) => value === data[i]);
    }"""
    for scheme, paper in (("light", [255, 253, 248]), ("dark", [31, 30, 28])):
        open_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for name in ("#evidence", "#difference"):
            wait_until(open_page, corner, [name, *paper])


def test_the_words_hold_the_numbers_of_the_network_that_runs(
    open_page: Page, recognizer: nn.Recognizer
) -> None:
    inside = open_page.get_by_role("region", name="How it knows")
    expect(inside).to_contain_text(f"its {recognizer.model.parameter_count():,} numbers")
    for name, share in recognizer.metadata["errors"]["test"].items():
        if name == "non-digits":  # these are not misread, but not refused
            expect(inside).to_contain_text(re.compile(r"[\d,]+ letters and signs"))
            expect(inside).not_to_contain_text(name)
        else:
            expect(inside).to_contain_text(f"{100 * share:.2f}% ({name})")


def test_an_audit_of_the_inside_finds_no_barrier(open_page: Page) -> None:
    draw(open_page, sample("3"))
    expect_answer(open_page, "3")
    for scheme in ("light", "dark"):
        open_page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert audit(open_page) == []


def test_the_server_reads_and_does_not_explain(new_context: NewContext, app: AppServer) -> None:
    context = new_context()
    context.add_init_script("delete globalThis.WebAssembly")
    page = context.new_page()
    page.goto(app.url)
    wait_for_engine(page, "server")
    expect(page.locator("#how")).to_be_hidden()
