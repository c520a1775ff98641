"""Make the pages that the benchmark compares ours with: the same network on native runtimes.

The network is exported afresh from the weights that the page ships; the runtimes are the packages
that `tests/bench/runtimes/package-lock.json` pins, which `make bench` installs.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

import nn
from train.export.to_onnx import to_onnx

HERE = Path(__file__).parent
PACKAGES = HERE / "runtimes" / "node_modules"
FILES = {
    "onnxruntime": (
        "onnxruntime-web/dist/ort.wasm.min.mjs",
        "onnxruntime-web/dist/ort-wasm-simd-threaded.mjs",
        "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
    ),
    "tensorflow": (
        "@tensorflow/tfjs-core/dist/tf-core.min.js",
        "@tensorflow/tfjs-backend-cpu/dist/tf-backend-cpu.min.js",
        "@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js",
        "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm",
    ),
}
PAGES = {
    "onnxruntime-web": "onnx.html",
    "TensorFlow.js wasm": "tensorflow-wasm.html",
    "TensorFlow.js cpu": "tensorflow-cpu.html",
}
"""The name of each runtime, and its page."""


def installed() -> bool:
    """Tell whether the runtimes are there."""
    return all((PACKAGES / path).is_file() for paths in FILES.values() for path in paths)


def make(out: Path, strokes: list[list[list[float]]]) -> None:
    """Write the pages to `out`; each reads the drawing `strokes`."""
    shutil.copytree(HERE / "native", out)
    for folder, paths in FILES.items():
        (out / folder).mkdir()
        for path in paths:
            shutil.copy(PACKAGES / path, out / folder)
    recognizer = nn.Recognizer.load()
    (out / "picture.bin").write_bytes(recognizer.read(strokes).digits[0].image.tobytes())
    (out / "network.onnx").write_bytes(to_onnx(recognizer.model, {}))
    layers, data = [], bytearray()
    for layer in recognizer.model.layers:
        params = {}
        for name, array in layer.params.items():
            params[name] = {"shape": array.shape, "offset": len(data)}
            data += np.ascontiguousarray(array, "<f4").tobytes()
        layers.append({"type": type(layer).__name__, "config": layer.config(), "params": params})
    (out / "network.json").write_text(json.dumps(layers), "utf-8")
    (out / "network.bin").write_bytes(data)
