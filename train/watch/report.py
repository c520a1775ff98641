"""The report of a run: one HTML file that needs no other, to be looked at while it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from nn.model import Sequential
from train.data.files import replacing
from train.watch.charts import class_name, confusion_chart, line_chart
from train.watch.log import Entry
from train.watch.measure import Measured, Mistake
from train.watch.pictures import first_filters, grey_png

RELOAD_SECONDS = 10
STYLE = Path(__file__).with_name("report.css")


class Story(NamedTuple):
    """What a report tells."""

    title: str
    status: str
    """Where the run stands, in a sentence."""
    running: bool
    facts: Mapping[str, Any]
    """Settings and data, by name."""
    history: Sequence[Entry]
    measured: Mapping[str, Measured]
    model: Sequential | None


def write_report(path: Path, story: Story) -> None:
    """Write the report whole or not at all."""
    with replacing(path) as file:
        file.write(render(story).encode())


def render(story: Story) -> str:
    """Return the page."""
    reload = f'<meta http-equiv="refresh" content="{RELOAD_SECONDS}">' if story.running else ""
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{reload}',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(story.title)}</title><style>{STYLE.read_text('utf-8')}</style></head>",
            f"<body><h1>{escape(story.title)}</h1><p>{escape(story.status)}</p>",
            *_curves(story.history),
            *(held_out(name, measured) for name, measured in story.measured.items()),
            _filters(story.model),
            _facts(story.facts),
            "</body></html>\n",
        ]
    )


def _curves(history: Sequence[Entry]) -> Iterable[str]:
    steps = [entry for entry in history if entry["kind"] == "steps"]
    epochs = [entry for entry in history if entry["kind"] == "epoch"]
    loss = {
        "each line of the log": [(entry["epoch"], entry["loss"]) for entry in steps],
        "each epoch": [(entry["epoch"], entry["loss"]) for entry in epochs],
    }
    names = sorted({name for entry in epochs for name in entry["validation_error_percent"]})
    errors = {
        name: [
            (entry["epoch"], entry["validation_error_percent"].get(name, float("nan")))
            for entry in epochs
        ]
        for name in names
    }
    rates = {"": [(entry["epoch"], entry["learning_rate"]) for entry in history]}
    speed = {"": [(entry["epoch"], entry["images_per_second"]) for entry in history]}
    yield "<h2>Learning curves</h2><div class=row>"
    yield figure("Training loss", line_chart("Training loss", loss, "epochs", "nats", log=True))
    yield figure(
        "Errors on held-out images",
        line_chart("Validation error", errors, "epochs", "% wrong", log=True),
    )
    yield "</div><div class=row>"
    yield figure("Learning rate", line_chart("Learning rate", rates, "epochs", "step size"))
    yield figure("Speed", line_chart("Speed", speed, "epochs", "images / second"))
    yield "</div>"


def held_out(name: str, measured: Measured) -> str:
    """Show one held-out part: which digits are taken for which, and the worst mistakes."""
    total = int(measured.confusion.sum())
    wrong = total - int(measured.confusion.trace())
    pictures = "".join(map(_mistake, measured.mistakes))
    return (
        f"<h2>Held out: {escape(name)}</h2>"
        f"<p>{wrong} of {total} images wrong: {measured.error:.2%}.</p><div class=row>"
        + figure(
            "Which is read as which", confusion_chart(f"Confusion: {name}", measured.confusion)
        )
        + f"<div><h3>The worst mistakes</h3><div class=mistakes>{pictures or 'None.'}</div></div>"
        "</div>"
    )


def _mistake(mistake: Mistake) -> str:
    label, read = class_name(mistake.label), class_name(mistake.read)
    return (
        f'<figure class="mistake"><img src="{grey_png(mistake.image)}" alt="a {label}">'
        f"<figcaption>{label}, read {read}<br>{mistake.confidence:.0%} sure</figcaption></figure>"
    )


def _filters(model: Sequential | None) -> str:
    sheet = None if model is None else first_filters(model)
    if sheet is None:
        return ""
    return (
        "<h2>First-layer filters</h2><p>Orange adds to what a filter answers, blue takes from it."
        f'</p><img class="filters" alt="filters" src="{sheet}">'
    )


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    return f"<h2>What was run</h2><table>{rows}</table>"


def figure(caption: str, chart: str) -> str:
    """Return a chart with its caption."""
    return f"<figure><figcaption>{escape(caption)}</figcaption>{chart}</figure>"
