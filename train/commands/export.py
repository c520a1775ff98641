"""`python -m train export`: the trained network as ONNX, as a weights file, or summed up."""

from __future__ import annotations

import argparse
from pathlib import Path

from nn import weights
from nn.recognizer import Recognizer
from train.commands.base import Command, register
from train.commands.parsing import Parser, UsageError
from train.commands.targets import check_target
from train.commands.weights_option import add_weights_option, load_weights
from train.data.files import replacing
from train.export.summary import as_json, as_markdown, summarize
from train.export.to_onnx import check_onnx, to_onnx

STDOUT = Path("-")
TARGETS = ("onnx", "npz", "summary")
"""The options that name what is written."""


def add_options(parser: Parser) -> None:
    """Add this command's options."""
    add_weights_option(parser)
    parser.add_argument(
        "--onnx",
        type=Path,
        metavar="FILE",
        help="write ONNX: images (n, 1, 28, 28) from 0 to 1 to logits and probabilities, checked "
        "against onnxruntime where it is installed (without it: no ONNX)",
    )
    parser.add_argument(
        "--npz",
        type=Path,
        metavar="FILE",
        help="write a weights file, of a checkpoint for example (without it: none)",
    )
    parser.add_argument(
        "--summary",
        type=Path,
        nargs="?",
        const=STDOUT,
        metavar="FILE",
        help="write layers, shapes, counts, operations, hash and metadata: JSON if FILE ends in "
        ".json, else Markdown; without FILE print it (without it: no summary)",
    )


def run(options: argparse.Namespace) -> int:
    """Write what is asked for."""
    if not (options.onnx or options.npz or options.summary):
        raise UsageError("nothing to export: give --onnx FILE, --npz FILE or --summary")
    asked = [name for name in TARGETS if getattr(options, name) not in (None, STDOUT)]
    for name in asked:
        check_target(options, name)
    targets = [getattr(options, name).resolve() for name in asked]
    if len(set(targets)) < len(targets):
        raise UsageError(f"{' and '.join(f'--{name}' for name in TARGETS)}: two name one file")
    recognizer = load_weights(options.weights)
    if options.npz is not None:
        options.npz.parent.mkdir(parents=True, exist_ok=True)
        weights.save(options.npz, recognizer.model, recognizer.metadata)
        recognizer = Recognizer.load(options.npz)
        print(f"Wrote {options.npz}.")
    if options.onnx is not None:
        _write_onnx(options.onnx, recognizer)
    if options.summary is not None:
        summary = summarize(recognizer)
        if options.summary == STDOUT:
            print(as_markdown(summary))
        else:
            is_json = options.summary.suffix == ".json"
            with replacing(options.summary) as file:
                file.write((as_json if is_json else as_markdown)(summary).encode())
            print(f"Wrote {options.summary}.")
    return 0


def _write_onnx(path: Path, recognizer: Recognizer) -> None:
    metadata = {k: v for k, v in recognizer.metadata.items() if k != "layers"}
    content = to_onnx(recognizer.model, metadata | {"sha256": recognizer.model_hash})
    difference = check_onnx(content, recognizer.model)
    with replacing(path) as file:
        file.write(content)
    if difference is None:
        print(f"Wrote {path}. Not checked: the package onnxruntime is not installed.")
    else:
        print(
            f"Wrote {path}. onnxruntime's answers differ by at most {difference:.1g} from NumPy's."
        )


register("export", Command("write the network as ONNX, or a summary of it", add_options, run))
