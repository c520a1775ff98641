"""One set of drawings gives the same answers in native Python, over /predict and in the browser."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page

import nn
import server
from tests.browser.conftest import NewContext
from tests.browser.drawing import DRAWINGS, read_all, wait_for_engine
from tests.browser.hosting import static_host
from tests.browser.test_runtimes import RUNTIME

TOLERANCE = 1e-4


@pytest.fixture(params=["snapshot", "cut", "stock"])
def page(request: pytest.FixtureRequest, new_context: NewContext) -> Iterator[Page]:
    """Return a page on each runtime."""
    site = "stock_site" if request.param == "stock" else "built_site"
    with static_host(request.getfixturevalue(site)) as host:
        page = new_context().new_page()
        page.goto(f"{host.url}?runtime={request.param}")
        wait_for_engine(page)
        assert page.evaluate(RUNTIME) == request.param
        yield page


def test_all_three_ways_give_the_same_digits_and_probabilities(page: Page) -> None:
    drawings = [drawing["strokes"] for drawing in DRAWINGS]
    recognizer = nn.Recognizer.load()
    native = [recognizer.read(strokes).to_dict() for strokes in drawings]
    client = server.create_app().test_client()
    served = [client.post("/predict", json={"strokes": strokes}).get_json() for strokes in drawings]
    settled = read_all(page, drawings)
    assert all(each["ok"] for each in settled)
    for ours, theirs, browsers in zip(native, served, settled, strict=True):
        for other in (theirs, browsers["result"]):
            assert other.keys() == ours.keys()
            assert other["text"] == ours["text"]
            for mine, its in zip(ours["digits"], other["digits"], strict=True):
                assert its.keys() == mine.keys()
                assert its["digit"] == mine["digit"]
                np.testing.assert_allclose(
                    its["probabilities"], mine["probabilities"], rtol=0, atol=TOLERANCE
                )
                np.testing.assert_allclose(its["box"], mine["box"])
