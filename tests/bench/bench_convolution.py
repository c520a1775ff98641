"""Measure ways to write a convolution, and a reading, natively on one core and in Chromium.

    python tests/bench/bench_convolution.py

Prints the milliseconds of each 3x3 layer of the shipped network, one image, and the speed of all of
them together, counted as the plain sum's operations; `nn.prepared` takes what is fastest. Then what
a reading costs inside the page's worker, from strokes to JSON, nothing remembered from the last
one: a digit, a number of four, and the parts of reading a digit.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import sync_playwright
from threadpoolctl import threadpool_limits

import build
from nn import Recognizer
from tests.bench import convolutions, reading
from tests.bench.reading import Strokes
from tests.browser import chromium
from tests.browser.drawing import wait_for_engine
from tests.browser.hosting import StaticHost
from tests.browser.modules_used import replace_file
from tests.sample import drawings

IN_PYODIDE = """async (code) => {
    const { loadPyodide } = await import('./pyodide/pyodide.js');
    const python = await loadPyodide({ packages: ['numpy'] });
    python.unpackArchive(await (await fetch('./nn.zip')).arrayBuffer(), 'zip');
    python.FS.writeFile('convolutions.py', code);
    const found = python.runPython('import json, convolutions; json.dumps(convolutions.measure())');
    return JSON.parse(found);
}"""


IN_WORKER = """
def measure_reading(given):
    digits, number = json.loads(given)
    arrays = {id(each): to_js(np.frombuffer(packed(each))) for each in [*digits, number]}

    def read_anew(drawing):
        known.clear()
        return read(arrays[id(drawing)])

    return json.dumps(measure(recognizer, read_anew, digits, number))

from pyodide.ffi import to_js
sync.measure_reading = measure_reading
"""


ASK = """
    (given) => document.querySelector('script[type=py]').xworker.sync.measure_reading(given)
"""


def four_digits() -> Strokes:
    """Return a drawing of 2047."""
    strokes: Strokes = []
    for place, digit in enumerate("2047"):
        chosen = next(sample for sample in drawings() if sample.label == digit)
        strokes += [[[x + 200 * place, y] for x, y in stroke] for stroke in chosen.strokes]
    return strokes


def one_digit_each() -> list[Strokes]:
    """Return a drawing of each digit."""
    return [next(s.strokes for s in drawings() if s.label == digit) for digit in "0123456789"]


def natively() -> dict[str, Any]:
    """Return what a reading costs here."""
    recognizer = Recognizer.load()

    def read(drawing: Strokes) -> str:
        return json.dumps(recognizer.read(drawing).to_dict())

    return reading.measure(recognizer, read, one_digit_each(), four_digits())


def in_worker() -> dict[str, Any]:
    """Return what a reading costs in the page's worker, once the browser has compiled Python."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Path(folder) / "site"
        build.build_site(out=site)
        code = Path(reading.__file__).read_text("utf-8")
        added = code.replace("from __future__ import annotations\n", "") + IN_WORKER
        replace_file(site, "engine.py", (site / "engine.py").read_bytes() + added.encode())
        host = StaticHost(site)
        browser = chromium.launch(playwright.chromium)
        try:
            page = browser.new_page()
            page.goto(host.url)
            wait_for_engine(page)
            given = json.dumps([one_digit_each(), four_digits()])
            found: dict[str, Any] = json.loads(page.evaluate(ASK, given))
        finally:
            browser.close()
            host.stop()
    return found


def costs(where: str, found: dict[str, Any]) -> None:
    """Print what a reading costs on one side."""
    print(f"\n{where}: one reading, strokes to JSON")
    for what in ("digit", "number"):
        p95 = statistics.quantiles(found[what], n=20, method="inclusive")[-1]
        print(f"{what:<8}{statistics.median(found[what]):>7.2f} ms, 95th percentile {p95:.2f} ms")
    print("  ".join(f"{name} {ms:.3f}" for name, ms in found["parts"].items()))


def in_chromium() -> dict[str, Any]:
    """Return what `convolutions.measure` finds in the stock runtime."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        build.build_site(out=Path(folder) / "site", stock=True)
        host = StaticHost(Path(folder) / "site")
        browser = chromium.launch(playwright.chromium)
        try:
            page = browser.new_page()
            page.goto(f"{host.url}generated/manifest.json")  # a page without rules of its own
            code = Path(convolutions.__file__).read_text("utf-8")
            found: dict[str, Any] = page.evaluate(IN_PYODIDE, code)
        finally:
            browser.close()
            host.stop()
    return found


def table(where: str, found: dict[str, Any]) -> None:
    """Print one side's times."""
    layers = [f"{side}x{side} {i}-{o}" for side, i, o, _ in convolutions.SHAPES]
    print(f"\n{where:<24}" + "".join(f"{layer:>14}" for layer in layers) + "   all GFLOP/s")
    for name, times in found["ms"].items():
        speed = sum(found["mflop"]) / sum(times)
        cells = "".join(f"{ms:>11.2f} ms" for ms in times)
        print(f"{name:<24}{cells}{sum(times):>6.2f}{speed:>8.1f}")


def main() -> int:
    """Print both tables."""
    with threadpool_limits(1, "blas"):
        table("natively, one core", convolutions.measure())
    table("Pyodide in Chromium", in_chromium())
    with threadpool_limits(1, "blas"):
        costs("natively, one core", natively())
    costs("the page's worker", in_worker())
    return 0


if __name__ == "__main__":
    sys.exit(main())
