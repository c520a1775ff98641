"""Measure ways to write a convolution, natively on one core and under Pyodide in Chromium.

    python tests/bench/bench_convolution.py

Prints the milliseconds of each 3x3 layer of the shipped network, one image, and the speed of all of
them together. `nn.layers.product` takes what is fastest on either side.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import sync_playwright
from threadpoolctl import threadpool_limits

import build
from tests.bench import convolutions
from tests.browser import chromium
from tests.browser.hosting import StaticHost

IN_PYODIDE = """async (code) => {
    const { loadPyodide } = await import('./pyodide/pyodide.mjs');
    const python = await loadPyodide({ packages: ['numpy'] });
    python.FS.writeFile('convolutions.py', code);
    const found = python.runPython('import json, convolutions; json.dumps(convolutions.measure())');
    return JSON.parse(found);
}"""


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
    layers = [f"{side}x{side} {i}-{o}" for side, i, o in convolutions.SHAPES]
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
