"""Exports: ONNX that answers as NumPy does in onnxruntime, and a summary whose sums are right."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nn.layers
from nn import Recognizer, weights
from nn.layers import BatchNorm, Conv2D, Dense, Flatten, GlobalAvgPool2D, Layer, MaxPool2D, ReLU
from nn.model import Sequential, fold_batchnorm
from train.__main__ import main
from train.architectures import ARCHITECTURES
from train.export import to_onnx as module
from train.export.summary import as_json, as_markdown, summarize
from train.export.to_onnx import ExportError, check_onnx, to_onnx

needs_onnx = pytest.mark.usefixtures("_onnx")


@pytest.fixture
def _onnx():
    pytest.importorskip("onnx", reason="ONNX: the package onnx is not installed")
    pytest.importorskip("onnxruntime", reason="ONNX: the package onnxruntime is not installed")


def trained(model: Sequential) -> Sequential:
    """Return the network with numbers in every array as if it had learned."""
    rng = np.random.default_rng(1)
    for array in model.arrays().values():
        array[...] = rng.uniform(0.2, 1, array.shape) * rng.choice([-0.3, 0.3], array.shape)
    for layer in model.layers:
        if isinstance(layer, BatchNorm):
            layer.buffers["variance"][...] = rng.uniform(0.5, 2, layer.channels)
    return model


def networks() -> dict[str, Sequential]:
    made = {name: make(np.random.default_rng(0)) for name, make in ARCHITECTURES.items()}
    made["folded cnn"] = fold_batchnorm(trained(made["cnn"]))
    made["flattened channels"] = Sequential(
        [Conv2D(1, 3, 5, stride=2), ReLU(), MaxPool2D(3), Flatten(), Dense(48, 10)]
    )
    made["no padding, twice flat"] = Sequential(
        [Conv2D(1, 4, 3, 2, 0), BatchNorm(4), GlobalAvgPool2D(), Flatten(), Dense(4, 12),
         BatchNorm(12), ReLU(), Dense(12, 10)]
    )  # fmt: skip
    return {name: trained(model) for name, model in made.items()}


@needs_onnx
@pytest.mark.parametrize("name", networks())
def test_onnxruntime_gives_the_probabilities_of_numpy(name):
    model = networks()[name]
    content = to_onnx(model, {"model": name})
    difference = check_onnx(content, model)
    assert difference is not None
    assert difference < 1e-5


@needs_onnx
def test_a_wrong_export_is_noticed():
    model = networks()["flattened channels"]
    content = to_onnx(model, {})
    model.layers[-1].params["bias"][3] += 0.01
    with pytest.raises(ExportError, match="answers differ by"):
        check_onnx(content, model)


@needs_onnx
def test_a_wrong_export_of_a_network_that_is_sure_is_noticed():
    model = networks()["flattened channels"]
    model.layers[-1].params["bias"][3] += 1000  # as sure of a 3 as float32 can be
    content = to_onnx(model, {})
    model.layers[-1].params["bias"][4] += 0.1
    with pytest.raises(ExportError, match="answers differ by"):
        check_onnx(content, model)


@needs_onnx
def test_the_same_network_gives_the_same_bytes_with_its_metadata():
    import onnx

    model = networks()["mlp"]
    content = to_onnx(model, {"date": "today"})
    assert content == to_onnx(model, {"date": "today"})
    properties = {item.key: item.value for item in onnx.load_from_string(content).metadata_props}
    assert json.loads(properties["metadata"]) == {"date": "today"}


@needs_onnx
def test_a_layer_without_a_rule_is_named():
    class Twice(Layer):
        def forward(self, x, training=False):
            return 2 * x

    try:
        with pytest.raises(ExportError, match="no rule for the layer Twice; add one"):
            to_onnx(Sequential([Twice()]), {})
    finally:
        del Layer.registry["Twice"]


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ExportError, match="pip install onnx"):
        to_onnx(networks()["mlp"], {})


def test_without_onnxruntime_the_export_says_that_it_is_unchecked(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert check_onnx(b"", networks()["mlp"]) is None


def test_every_layer_has_a_rule():
    kinds = set(nn.layers.__all__) - {"Array", "Layer"}
    assert {kind.__name__ for kind in module.RULES} == kinds


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "weights.npz"
    weights.save(path, networks()["folded cnn"], {"model": "cnn", "errors": {"test": {"a": 0.5}}})
    return path


@needs_onnx
def test_export_writes_onnx_and_says_how_far_it_is_from_numpy(saved, tmp_path, capsys):
    assert main(["export", "--weights", str(saved), "--onnx", str(tmp_path / "net.onnx")]) == 0
    assert "onnxruntime's answers differ by at most" in capsys.readouterr().out
    assert (tmp_path / "net.onnx").stat().st_size > 300_000


def test_a_summary_counts_right(saved):
    recognizer = Recognizer.load(saved)
    summary = summarize(recognizer)
    assert summary["sha256"] == recognizer.model_hash
    assert summary["parameters"] == recognizer.model.parameter_count()
    # 14 x 14 places of a 5 x 5 kernel, and so on: by hand from the sizes of the layers.
    by_hand = 196 * (25 * 16 + 9 * 16 * 32 + 9 * 32 * 32) + 49 * 9 * 32 * 64
    by_hand += (25 + 9 + 1) * 9 * 64 * 64 + 64 * 10
    assert summary["multiplications"] == by_hand
    assert [layer["output"] for layer in summary["layers"]][-3:] == [[1, 1, 64], [64], [10]]
    assert json.loads(as_json(summary)) == summary
    text = as_markdown(summary)
    assert f"{by_hand:,}" in text
    assert f"One image costs {by_hand / 500_000:.1f} million operations" in text
    assert "errors: test a 0.5" in text


def test_export_prints_or_writes_the_summary(saved, tmp_path, capsys):
    target = tmp_path / "summary.json"
    assert main(["export", "--weights", str(saved), "--summary", str(target)]) == 0
    capsys.readouterr()
    assert main(["export", "--weights", str(saved), "--summary"]) == 0
    assert json.loads(target.read_text())["sha256"] in capsys.readouterr().out


def test_export_writes_weights_that_load(saved, tmp_path):
    target = tmp_path / "copy.npz"
    assert main(["export", "--weights", str(saved), "--npz", str(target)]) == 0
    ours, theirs = (Recognizer.load(path).model.arrays() for path in (saved, target))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
