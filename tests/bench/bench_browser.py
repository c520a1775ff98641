"""Measure the page in Chromium: the time to the first answer, and of one prediction.

    python tests/bench/bench_browser.py [--rounds 5]

Each round, in a new browser, is a first visit with an empty cache, one to the same page on the
stock runtime, a second visit answered by the service worker, and the predictions of all sample
drawings, one after the other. A digit is drawn while the page loads; the first answer is counted
from the navigation. A prediction is counted on the page, with the messages to the worker and back.
The site is served on this machine without compression: what is measured is the page, not a line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page, expect, sync_playwright

import build
from tests.browser import chromium
from tests.browser.drawing import DRAWINGS, START, draw
from tests.browser.hosting import static_host

SEVEN = [[[80, 70], [140, 66], [200, 70], [160, 140], [140, 220]]]
FIRST_ANSWER = "performance.getEntriesByName('first-answer')[0].startTime"
PREDICT = """async (drawings) => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    performance.clearMeasures('predict');
    for (const strokes of drawings) await engine.read(strokes);
    return performance.getEntriesByName('predict').map(({ duration }) => duration);
}"""


def first_answer(page: Page, url: str) -> float:
    """Open the page, draw while it loads, and return when the answer was there, in seconds."""
    page.goto(url, wait_until="commit")
    draw(page, SEVEN)
    expect(page.locator("#answer")).not_to_be_empty(timeout=START)
    return float(page.evaluate(FIRST_ANSWER)) / 1000


def measure(rounds: int) -> dict[str, list[float]]:
    """Return all times by what was measured: visits in seconds, predictions in milliseconds."""
    times: dict[str, list[float]] = {
        "first visit": [],
        "stock runtime": [],
        "second visit": [],
        "prediction": [],
    }
    drawings = [drawing["strokes"] for drawing in DRAWINGS]
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        site = Path(directory) / "site"
        stock = Path(directory) / "stock"
        build.build_site(out=site)
        build.build_site(out=stock, stock=True)
        with static_host(site) as host, static_host(stock) as stock_host:
            for _ in range(rounds):
                browser = chromium.launch(playwright.chromium)
                times["stock runtime"].append(first_answer(browser.new_page(), stock_host.url))
                browser.close()
                browser = chromium.launch(playwright.chromium)
                page = browser.new_page()
                times["first visit"].append(first_answer(page, host.url))
                expect(page.locator("#offline")).not_to_be_empty(timeout=START)
                times["second visit"].append(first_answer(page, host.url))
                times["prediction"] += page.evaluate(PREDICT, drawings)
                browser.close()
    return times


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times to FILE too")
    options = parser.parse_args(argv)
    times = measure(options.rounds)
    if options.json:
        options.json.write_text(json.dumps(times, indent=1) + "\n", "utf-8")
    print(f"{'':34}{'median':>9}{'p95':>9}{'least':>9}")
    for name, unit in (
        ("first visit", "s"),
        ("stock runtime", "s"),
        ("second visit", "s"),
        ("prediction", "ms"),
    ):
        row = times[name]
        p95 = statistics.quantiles(row, n=20, method="inclusive")[-1] if len(row) > 1 else row[0]
        label = f"{name}, first answer" if unit == "s" else f"one {name}"
        print(f"{label:32}{unit:>2}{statistics.median(row):9.2f}{p95:9.2f}{min(row):9.2f}")
    ratio = statistics.median(times["first visit"]) / statistics.median(times["stock runtime"])
    print(f"first answer, against the stock runtime: {ratio:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
