"""Measure how long a correction takes to learn in Chromium.

    python tests/bench/bench_correction.py [--site DIR]

Digits of the validation part that the network misreads are corrected on the page, as
`bench_teaching.py` corrects them: one drawing, then two, up to five. Counted is the message to
Python's worker and back. The page's first correction loads what teaching needs; a way to write a
digit that looks like everybody's other one takes the most steps.
"""

from __future__ import annotations

import argparse
import base64
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nn.ink import ink
from nn.recognizer import Recognizer
from nn.teach import features
from tests.bench.bench_teaching import CORRECTIONS, inked, wrong
from tests.browser import chromium
from tests.browser.drawing import START, wait_for_engine
from tests.browser.hosting import static_host
from train.augment import vary_strokes
from train.data import MissingDataError, load_pen, split_by_writer

SITE = Path(__file__).resolve().parents[2] / "site"
TEACH = """async (corrections) => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    const start = performance.now();
    await engine.teach(corrections);
    return performance.now() - start;
}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; return the exit code, 0 where there are no pen drawings to measure on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", type=Path, default=SITE, help="a site that build.py made")
    options = parser.parse_args(argv)
    try:
        digits = split_by_writer(load_pen()).validation
    except MissingDataError as error:
        print(f"skipped: {error}")
        return 0
    recognizer, rng = Recognizer.load(), np.random.default_rng(0)
    labels = np.array([int(drawing.label) for drawing in digits])
    misread = wrong(recognizer, features(recognizer.model, inked(digits)), labels)
    times: list[float] = []
    with sync_playwright() as playwright, static_host(options.site) as host:
        page = chromium.launch(playwright.chromium).new_page()
        page.goto(host.url)
        wait_for_engine(page)
        expect(page.locator("#offline")).not_to_be_empty(timeout=START)
        for index in np.flatnonzero(misread):
            drawn = [ink(*vary_strokes(digits[index].strokes, rng)) for _ in range(CORRECTIONS)]
            known = [
                {"image": base64.b64encode(image.tobytes()).decode(), "digit": int(labels[index])}
                for image in drawn
            ]
            times += [page.evaluate(TEACH, known[: n + 1]) for n in range(CORRECTIONS)]
    print(f"the page's first correction  {times[0]:.0f} ms")
    middle, most = statistics.median(times[1:]), max(times[1:])
    print(f"{len(times) - 1} further ones  {middle:.0f} ms (median), {most:.0f} ms at most")
    return 0


if __name__ == "__main__":
    sys.exit(main())
