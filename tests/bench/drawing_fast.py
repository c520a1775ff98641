"""Measure what a person feels while drawing fast: when ink and answer come, and what memory grows.

Latencies are counted from the event's own time stamp. Ink: to the first call that draws on the
canvas. Answer: to the moment when the answer of the first prediction that knows the point stands in
the page, messages both ways included. Either shows in the next frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.drawing import DRAWINGS, clear, draw

WATCH = """
globalThis.longTasks = [];
globalThis.moved = [];
globalThis.inked = [];
globalThis.answered = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries()))
    .observe({ type: 'longtask', buffered: true });
addEventListener('pointermove', ({ timeStamp, buttons }) => {
    if (buttons) moved.push(timeStamp);
}, { capture: true });
for (const name of ['stroke', 'fill']) {
    const drawOn = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...given) {
        if (this.canvas.id === 'pad') inked.push(performance.now());
        return drawOn.apply(this, given);
    };
}
// The page measures a prediction, and then shows it in the same task, some promises later.
const measure = performance.measure;
performance.measure = function (name, ...given) {
    const measured = measure.call(this, name, ...given);
    const shown = (hops) => {
        if (hops) queueMicrotask(() => shown(hops - 1));
        else answered.push([measured.startTime, performance.now()]);
    };
    if (name === 'predict') shown(20);
    return measured;
};
"""
ONE = [[[140, 60], [140, 140], [140, 220]]]
LATENCIES = """() => {
    const after = (times, moment) => times.find((time) => time >= moment);
    const ink = [];
    const answer = [];
    for (const moment of moved) {
        const drawn = after(inked, moment);
        if (drawn !== undefined) ink.push(drawn - moment);
        const read = answered.find(([start]) => start >= moment);
        if (read) answer.push(read[1] - moment);
    }
    return { ink, answer };
}"""


def latencies(page: Page) -> dict[str, list[float]]:
    """Draw samples as fast as events can be sent; return the latencies, milliseconds."""
    page.evaluate("() => { moved.length = inked.length = answered.length = 0; }")
    for drawing in DRAWINGS[:20]:
        clear(page)
        draw(page, drawing["strokes"], steadily=True)
        expect(page.locator("#answer")).not_to_be_empty()
    found: dict[str, list[float]] = page.evaluate(LATENCIES)
    return found


def memory(page: Page) -> dict[str, float]:
    """Return the megabytes of the page's process after 10 and after 200 drawings, and the ratio."""
    grown = {}
    for count, more in ((10, 10), (200, 190)):
        for _ in range(more):
            clear(page)
            draw(page, ONE, steadily=True)
            expect(page.locator("#answer")).not_to_be_empty()
        grown[f"after {count} drawings"] = _process_memory(page)
    first, last = grown.values()
    return {**grown, "ratio": last / first}


def _process_memory(page: Page) -> float:
    """Return the megabytes of memory that the largest renderer process holds."""
    session: Any = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    browser = page.context.browser
    assert browser is not None
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = [_resident(each["id"]) for each in processes if each["type"] == "renderer"]
    return max(sizes)


def _resident(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return 0.0
