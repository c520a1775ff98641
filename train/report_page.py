"""The page about trained weights: mistakes as pictures, honesty of confidence, robustness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nn.numbers import DIGITS
from nn.recognizer import Recognizer
from train.data import Drawing
from train.data.files import replacing
from train.evaluate import answers, error_table, predictions
from train.examples import Labelled, inked_drawings
from train.robustness import Row
from train.watch.charts import bar_chart, line_chart
from train.watch.measure import measure_recognizer
from train.watch.pictures import grey_png
from train.watch.report import STYLE, figure, held_out

BINS = 15


class Evaluation(NamedTuple):
    """What is told of weights."""

    title: str
    recognizer: Recognizer
    parts: Mapping[str, Labelled]
    lines: Sequence[str]
    """Figures in words."""
    grid: Sequence[Row]
    unclear: Sequence[tuple[Drawing, str]] = ()
    """Drawings whose label no reader could tell, and what each shows."""


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write the page whole or not at all."""
    with replacing(path) as file:
        file.write("\n".join(_page(evaluation)).encode())


def _page(evaluation: Evaluation) -> Iterator[str]:
    title, recognizer = escape(evaluation.title), evaluation.recognizer
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{STYLE.read_text('utf-8')}</style></head>"
    yield f"<body><h1>{title}</h1><p>SHA-256 {recognizer.model_hash}</p>"
    yield f"<pre>{escape(error_table(recognizer, evaluation.parts))}</pre>"
    yield f"<pre>{escape(chr(10).join(evaluation.lines))}</pre>"
    for name, measured in measure_recognizer(recognizer, evaluation.parts).items():
        yield held_out(name, measured)
    if evaluation.unclear:
        yield _what_nobody_could_tell(recognizer, evaluation.unclear)
    yield "<h2>Is it as sure as it should be?</h2><p>Of the answers given with some certainty, "
    yield "that share should be right: on the diagonal.</p>"
    yield _reliability(recognizer, evaluation.parts)
    if evaluation.grid:
        yield "<h2>What hands and cameras do</h2><p>The error with each distortion, as a multiple "
        yield "of the error without it. The line is at twice.</p>"
        bars = [(f"{row.name}, {row.level}", row.ratio) for row in evaluation.grid]
        yield figure("Times the clean error", bar_chart("Robustness", bars, limit=2.0))
        yield "<table><tr><th>distortion</th><th>level</th><th>digits</th><th>error</th></tr>"
        for row in evaluation.grid:
            yield (
                f"<tr><td>{escape(row.name)}</td><td>{escape(row.level)}</td>"
                f"<td>{row.read}</td><td>{row.error:.2%}</td></tr>"
            )
        yield "</table>"
    yield "</body></html>\n"


def _what_nobody_could_tell(recognizer: Recognizer, unclear: Sequence[tuple[Drawing, str]]) -> str:
    part = inked_drawings([drawing for drawing, _ in unclear])
    read = answers(recognizer, part)
    pictures = "".join(
        f'<figure class="mistake"><img src="{grey_png(image)}" alt="{escape(shows)}">'
        f"<figcaption>{escape(shows)}<br>read {'?' if answer >= DIGITS else answer}</figcaption>"
        "</figure>"
        for image, (_, shows), answer in zip(part.images, unclear, read, strict=True)
    )
    return (
        "<h2>What no reader could tell</h2><p>Drawings that show something other than their "
        "label, or what is as often written for another digit. They count above.</p>"
        f"<div class=mistakes>{pictures}</div>"
    )


def _reliability(recognizer: Recognizer, parts: Mapping[str, Labelled]) -> str:
    series: dict[str, list[tuple[float, float]]] = {"ideal": [(0.0, 0.0), (1.0, 1.0)]}
    for name, part in parts.items():
        if (part.labels < DIGITS).all():
            probabilities = predictions(recognizer, part)
            confidence = probabilities.max(axis=1)
            right = probabilities.argmax(axis=1) == part.labels
            bin_of = np.minimum((confidence * BINS).astype(int), BINS - 1)
            series[name] = [
                (float(confidence[bin_of == b].mean()), float(right[bin_of == b].mean()))
                for b in np.unique(bin_of)
            ]
    return figure(
        "Reliability", line_chart("Reliability", series, "how sure", "share that is right")
    )
