"""What a weights file holds, in one file for people (Markdown) or programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from nn.lesson import multiplications
from nn.recognizer import Recognizer

Summary = dict[str, Any]


def summarize(recognizer: Recognizer) -> Summary:
    """Return the layers with their shapes and counts, the sums, the hash and the metadata."""
    layers, x = [], np.zeros((1, 28, 28, 1), np.float32)
    for layer in recognizer.model.layers:
        x = layer.forward(x)
        arrays = layer.params | layer.buffers
        layers.append(
            {
                "type": type(layer).__name__,
                "sizes": layer.config(),
                "output": list(x.shape[1:]),
                "parameters": sum(array.size for array in layer.params.values()),
                "multiplications": multiplications(layer, x),
                "arrays": {name: list(array.shape) for name, array in arrays.items()},
            }
        )
    return {
        "sha256": recognizer.model_hash,
        "input": [28, 28, 1],
        "layers": layers,
        "parameters": sum(layer["parameters"] for layer in layers),
        "multiplications": sum(layer["multiplications"] for layer in layers),
        "metadata": {k: v for k, v in recognizer.metadata.items() if k != "layers"},
    }


def as_json(summary: Summary) -> str:
    """Return the summary for programs."""
    return json.dumps(summary, indent=2, ensure_ascii=False) + "\n"


def as_markdown(summary: Summary) -> str:
    """Return the summary for people."""
    rows = [("layer", "sizes", "output", "parameters", "multiplications")]
    rows += [
        (
            layer["type"],
            " ".join(f"{name}={value}" for name, value in layer["sizes"].items()),
            " x ".join(map(str, layer["output"])),
            f"{layer['parameters']:,}",
            f"{layer['multiplications']:,}",
        )
        for layer in summary["layers"]
    ]
    total = f"{summary['parameters']:,}", f"{summary['multiplications']:,}"
    rows.append(("all", "", "", *total))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(
        [
            "# Weights",
            "",
            f"SHA-256 {summary['sha256']}. It takes images of "
            f"{' x '.join(map(str, summary['input']))}, white on black, 0 to 1. One image costs "
            f"{2 * summary['multiplications'] / 1e6:.1f} million operations, multiplications and "
            "additions.",
            "",
            *lines,
            "",
            *(f"- {name}: {_words(value)}" for name, value in summary["metadata"].items()),
            "",
        ]
    )


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    return str(value)
