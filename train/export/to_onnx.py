"""The network as ONNX, the format that other runtimes read: the same numbers, channels first.

Layers here keep channels last; most of ONNX wants them first. So weights are rearranged, not data:
a kernel ``(size, size, inputs, outputs)`` becomes ``(outputs, inputs, size, size)``, and the rows
of a Dense layer after a Flatten follow the new order of what was flattened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    MaxPool2D,
    ReLU,
)
from nn.losses import softmax
from nn.model import Sequential

OPSET = 17
IR_VERSION = 8
"""What runtimes of 2022 and later read."""
TOLERANCE = 1e-5
"""The largest difference between NumPy and onnxruntime, see ``check_onnx``."""

Floats = NDArray[np.float32]


class ExportError(ValueError):
    """The network cannot be exported, or what was exported answers otherwise."""


class Graph:
    """ONNX nodes in a row, and what the next rule has to know of the ones before."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: dict[str, Floats] = {}
        self.last = "images"
        self.shape: tuple[int, ...] = (28, 28, 1)
        """Of one example before the layer in turn, as this project keeps it: channels last."""
        self.flattened: tuple[int, ...] = ()
        """The shape that the last Flatten took, until a Dense layer has used it."""

    def add(self, kind: str, arrays: Mapping[str, Floats] | None = None, **attributes: Any) -> None:
        """Append a node that takes the last one's output and these arrays."""
        from onnx import helper

        number = len(self.nodes)
        names = []
        for name, array in (arrays or {}).items():
            names.append(f"{number}.{name}")
            self.arrays[names[-1]] = np.ascontiguousarray(array, np.float32)
        output = f"{number}.{kind.lower()}"
        self.nodes.append(helper.make_node(kind, [self.last, *names], [output], **attributes))
        self.last = output


def _conv(graph: Graph, layer: Conv2D) -> None:
    arrays = {"W": layer.params["weight"].transpose(3, 2, 0, 1), "B": layer.params["bias"]}
    size, stride, padding = [layer.size] * 2, [layer.stride] * 2, [layer.padding] * 4
    graph.add("Conv", arrays, kernel_shape=size, strides=stride, pads=padding)


def _dense(graph: Graph, layer: Dense) -> None:
    weight = layer.params["weight"]
    if len(graph.flattened) == 3:
        rows = np.arange(weight.shape[0]).reshape(graph.flattened).transpose(2, 0, 1).ravel()
        weight = weight[rows]
    graph.flattened = ()
    graph.add("Gemm", {"B": weight, "C": layer.params["bias"]})


def _batchnorm(graph: Graph, layer: BatchNorm) -> None:
    scale, shift = layer.params["gamma"], layer.params["beta"]
    arrays = {"scale": scale, "B": shift, **layer.buffers}
    graph.add("BatchNormalization", arrays, epsilon=layer.EPSILON)


def _flatten(graph: Graph, layer: Flatten) -> None:
    graph.flattened = graph.shape
    graph.add("Flatten", axis=1)


def _global_average(graph: Graph, layer: GlobalAvgPool2D) -> None:
    graph.add("GlobalAveragePool")
    graph.add("Flatten", axis=1)


RULES: dict[type[Layer], Callable[[Graph, Any], None]] = {
    BatchNorm: _batchnorm,
    Conv2D: _conv,
    Dense: _dense,
    Dropout: lambda graph, layer: None,  # it does nothing in inference
    Flatten: _flatten,
    GlobalAvgPool2D: _global_average,
    MaxPool2D: lambda graph, layer: graph.add(
        "MaxPool", kernel_shape=[layer.size] * 2, strides=[layer.size] * 2
    ),
    ReLU: lambda graph, layer: graph.add("Relu"),
}
"""How each kind of layer is written; a new kind needs one entry."""


def to_onnx(model: Sequential, metadata: Mapping[str, Any]) -> bytes:
    """Return the network as an ONNX file's content.

    It takes ``images (n, 1, 28, 28) float32`` from 0 to 1, white on black, and gives ``logits`` and
    ``probabilities``, ``(n, classes) float32``. Raises ExportError for a layer without a rule or
    where the package ``onnx`` is missing.
    """
    try:
        import onnx
    except ImportError:
        raise ExportError(
            "writing ONNX needs the package onnx: `pip install onnx onnxruntime`, or `make test`, "
            "which sets up both"
        ) from None
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph()
    example = np.zeros((1, 28, 28, 1), np.float32)
    for layer in model.layers:
        if type(layer) not in RULES:
            raise ExportError(
                f"there is no rule for the layer {type(layer).__name__}; "
                "add one to RULES in train/export/to_onnx.py"
            )
        RULES[type(layer)](graph, layer)
        example = layer.forward(example)
        graph.shape = example.shape[1:]
    graph.nodes[-1].output[0] = "logits"
    graph.nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
    content = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "digits",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, 28, 28])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", example.shape[1]])
                for name in ("logits", "probabilities")
            ],
            [numpy_helper.from_array(array, name) for name, array in graph.arrays.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digits",
    )
    helper.set_model_props(
        content, {"metadata": json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False)}
    )
    onnx.checker.check_model(content, full_check=True)
    result: bytes = content.SerializeToString(deterministic=True)
    return result


def check_onnx(content: bytes, model: Sequential, images: int = 64) -> float | None:
    """Return how far onnxruntime's answers are at most from NumPy's, on random images.

    That is the largest difference of a probability, or of a logit as a share of the largest one: a
    network that is sure of an answer gives the same probabilities with other logits too. None where
    the package ``onnxruntime`` is missing. Raises ExportError for more than TOLERANCE.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    rng = np.random.default_rng(0)
    inputs = rng.random((images, 28, 28, 1), dtype=np.float32)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    theirs = session.run(["logits", "probabilities"], {"images": inputs.transpose(0, 3, 1, 2)})
    logits = model.forward(inputs)
    in_logits = np.abs(theirs[0] - logits).max() / np.abs(logits).max()
    in_probabilities = np.abs(theirs[1] - softmax(logits)).max()
    difference = float(np.maximum(in_logits, in_probabilities))  # not a number, if one is none
    if not difference <= TOLERANCE:
        raise ExportError(
            f"onnxruntime's answers differ by {difference:.2g} from NumPy's, "
            f"expected at most {TOLERANCE:g}"
        )
    return difference
